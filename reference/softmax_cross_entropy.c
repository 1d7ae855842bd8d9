/* SPDX-License-Identifier: BSD-3-Clause */
/* softmax_cross_entropy and perplexity, of samples and of positions. */
#include "classes.h"
#include "reference.h"

/* Bound of the loss of a row: (cols + 8) u (1 + loss) for the sum of
 * exponentials, and 2 u per unit of difference between logits, which
 * are rounded.  dz: the same relative to the softmax. */
static struct class_row softmax_row(int cols, const double *z, int label, double smoothing, struct approx *dz)
{
    struct class_row r = { 0 };
    double sum = 0, apart = 0, total = 0, even = smoothing / cols;
    for (int c = 1; c < cols; c++)
        if (z[c] > z[r.best]) r.best = c;
    for (int c = 0; c < cols; c++) {
        sum += exp(z[c] - z[r.best]);
        apart = fmax(apart, z[r.best] - z[c]);
        total += z[c] - z[r.best];
    }
    r.loss = log(sum) - (1 - smoothing) * (z[label] - z[r.best]) - even * total;
    r.e = CHECK_U * ((cols + 8) * (1 + r.loss) + 4 * apart);
    if (smoothing > 0) r.e += CHECK_U * (cols + 4) * -even * total;
    for (int c = 0; c < cols; c++) {
        double p = exp(z[c] - z[r.best]) / sum;
        dz[c] =
            (struct approx){ p - (1 - smoothing) * (c == label) - even, CHECK_U * (p * (cols + 10 + 4 * apart) + 4) };
    }
    return r;
}

/* -------------------------------------------- positions and ignored labels */

enum { IGNORE = -100 };

struct positions {
    int rows, length, classes; /* samples, positions in each */
    bool has_ignore;
    float *z;
    int32_t *labels;
};

static struct positions draw(int turn)
{
    struct positions s = {
        check_size(60), turn % 4 ? check_size(12) : 1, 1 + check_size(60), turn % 3 != 0, NULL, NULL
    };
    int rows = s.rows * s.length;
    s.z = check_floats((int64_t)rows * s.classes);
    s.labels = calloc((size_t)rows, sizeof *s.labels);
    for (int i = 0; i < rows * s.classes; i++) s.z[i] *= turn % 2 ? 1.0f : 20.0f;
    int percent = turn % 5 ? 30 : 100; /* of the labels are ignored */
    for (int r = 0; r < rows; r++)
        s.labels[r] = s.has_ignore && check_int(1, 100) <= percent ? IGNORE : check_int(0, s.classes - 1);
    check_shape("shape %d: %d rows of %d x %d, ignore %d", turn, s.rows, s.length, s.classes, s.has_ignore);
    return s;
}

static void expect(const struct positions *s, double smoothing, struct approx sums[3], struct approx *dz)
{
    struct approx_sum total = { 0 };
    double *z = check_doubles(s->z, (int64_t)s->rows * s->length * s->classes);
    int correct = 0, terms = 0;
    for (int r = 0; r < s->rows * s->length; r++) {
        if (s->labels[r] == IGNORE) continue; /* dz is 0 */
        struct class_row row =
            softmax_row(s->classes, z + r * s->classes, s->labels[r], smoothing, dz + r * s->classes);
        approx_add(&total, row.loss, row.e);
        correct += row.best == s->labels[r];
        terms++;
    }
    sums[0] = approx_of(total);
    sums[1] = (struct approx){ correct, 0 };
    sums[2] = (struct approx){ terms, 0 };
    free(z);
}

static struct hsgd_op_call call_of(const struct positions *s, float *sums)
{
    struct hsgd_op_call run = { .rows = s->rows, .x = { s->z, s->labels }, .sums = sums, .training = true };
    run.in[0] = s->length == 1 ? hsgd_vector(s->classes) : (struct hsgd_type){ HSGD_F32, 2, { s->length, s->classes } };
    run.in[1] = s->length == 1 ? hsgd_number(HSGD_I32) : hsgd_tokens(s->length);
    return run;
}

static void positions_one(int turn)
{
    struct positions s = draw(turn);
    int64_t n = (int64_t)s.rows * s.length * s.classes;
    struct hsgd_softmax_cross_entropy a = { .label_smoothing = turn % 2 ? 0.1f : 0,
                                            .has_ignore = s.has_ignore,
                                            .ignore = s.has_ignore ? IGNORE : 0 };
    struct approx want[3], *want_dz = check_approx(n);
    float *dz = check_floats(n), sums[3];
    expect(&s, a.label_smoothing, want, want_dz);
    for (int d = 0; d < check_devices() && check_going(); d++) {
        struct hsgd_op_call run = call_of(&s, sums);
        run.dx[0] = dz;
        check_run(d, &hsgd_op_softmax_cross_entropy, &a, &run, n);
        check_near("sums", sums, want, 3);
        check_near("dz", dz, want_dz, n);
    }
    free(s.z), free(s.labels), free(dz), free(want_dz);
}

/* ------------------------------------------------------- weights of classes */

struct weighted {
    struct positions s;
    struct hsgd_softmax_cross_entropy a;
    double *z;
};

/* As softmax_row(), of -sum_c w_c q_c log p_c. */
static struct class_row weighted_row(const struct weighted *w, const double *z, int label, struct approx *dz)
{
    struct class_row r = { 0 };
    int cols = w->s.classes;
    double sum = 0, apart = 0, all = 0, part = 0, even = (double)w->a.label_smoothing / cols;
    for (int c = 1; c < cols; c++)
        if (z[c] > z[r.best]) r.best = c;
    for (int c = 0; c < cols; c++) {
        double q = (double)w->a.class_weights.value[c] * (even + (c == label ? 1 - (double)w->a.label_smoothing : 0));
        sum += exp(z[c] - z[r.best]);
        apart = fmax(apart, z[r.best] - z[c]);
        all += q;
        part += q * (z[c] - z[r.best]);
    }
    r.loss = all * log(sum) - part;
    r.e = CHECK_U * ((2 * cols + 16) * (all * (1 + log(sum)) - part) + 4 * apart * all);
    for (int c = 0; c < cols; c++) {
        double p = exp(z[c] - z[r.best]) / sum, weight = (double)w->a.class_weights.value[c];
        double q = weight * (even + (c == label ? 1 - (double)w->a.label_smoothing : 0));
        dz[c] = (struct approx){ all * p - q, CHECK_U * (all * p * (2 * cols + 16 + 4 * apart) + 8 * (q + weight)) };
    }
    return r;
}

static void expect_weighted(const struct weighted *w, struct approx sums[4], struct approx *dz)
{
    struct approx_sum total = { 0 }, terms = { 0 };
    int correct = 0, positions = 0;
    for (int r = 0; r < w->s.rows * w->s.length; r++) {
        int label = w->s.labels[r];
        if (label == IGNORE) continue;
        struct class_row row = weighted_row(w, w->z + r * w->s.classes, label, dz + r * w->s.classes);
        approx_add(&total, row.loss, row.e);
        approx_add(&terms, (double)w->a.class_weights.value[label], 0);
        correct += row.best == label;
        positions++;
    }
    sums[0] = approx_of(total);
    sums[1] = (struct approx){ correct, 0 };
    sums[2] = approx_of(terms);
    sums[3] = (struct approx){ positions, 0 };
}

static double weighted_loss(void *user)
{
    const struct weighted *w = user;
    struct approx sums[4], *dz = check_approx((int64_t)w->s.rows * w->s.length * w->s.classes);
    expect_weighted(w, sums, dz);
    free(dz);
    return sums[0].v;
}

static void weighted_one(int turn)
{
    struct weighted w = { .s = draw(turn) };
    int64_t n = (int64_t)w.s.rows * w.s.length * w.s.classes;
    w.a = (struct hsgd_softmax_cross_entropy){
        turn % 2 ? 0.1f : 0, w.s.has_ignore, w.s.has_ignore ? IGNORE : 0, { w.s.classes, { 0 } }
    };
    for (int c = 0; c < w.s.classes; c++) w.a.class_weights.value[c] = c % 5 == 1 ? 0 : 0.25f * (float)check_int(1, 20);
    w.z = check_doubles(w.s.z, n);
    struct approx want[4], *want_dz = check_approx(n);
    float *dz = check_floats(n), sums[4];
    expect_weighted(&w, want, want_dz);
    if (turn < 12) check_gradient("dz", weighted_loss, &w, w.z, want_dz, n);
    int slices[2] = { w.s.rows / 2, w.s.rows - w.s.rows / 2 };
    for (int d = 0; d < check_devices() && check_going(); d++) {
        struct hsgd_op_call run = call_of(&w.s, sums);
        run.dx[0] = dz;
        if (turn % 3 && w.s.rows > 1) run.slices = slices, run.nslices = 2;
        check_run(d, &hsgd_op_softmax_cross_entropy, &w.a, &run, n);
        check_near("sums", sums, want, 4);
        check_near("dz", dz, want_dz, n);
    }
    free(w.s.z), free(w.s.labels), free(w.z), free(dz), free(want_dz);
}

/* A label that is no class is seen, not taken for another. */
static void impossible_label(void)
{
    float z[12] = { 0 }, sums[3], dz[12];
    int32_t labels[3] = { 1, 4, 0 };
    struct hsgd_softmax_cross_entropy a = { 0 };
    check_shape("a label that is no class");
    for (int d = 0; d < check_devices(); d++) {
        struct hsgd_op_call run = { .rows = 1,
                                    .in = { { HSGD_F32, 2, { 3, 4 } }, hsgd_tokens(3) },
                                    .x = { z, labels },
                                    .dx = { dz },
                                    .sums = sums };
        check_run(d, &hsgd_op_softmax_cross_entropy, &a, &run, UNCOUNTED);
        check_that(isnan(sums[0]) && isnan(dz[4]) && dz[3] == 0.25f, "sum %g, dz %g %g", sums[0], dz[4], dz[3]);
    }
}

static void perplexity_one(int turn)
{
    struct positions s = draw(turn);
    int64_t n = (int64_t)s.rows * s.length * s.classes;
    struct hsgd_perplexity a = { s.has_ignore, s.has_ignore ? IGNORE : 0 };
    struct approx want[3], *dz = check_approx(n);
    float sums[3];
    expect(&s, 0, want, dz);
    double as_is[3] = { want[0].v, want[1].v, want[2].v }, value = hsgd_op_perplexity.value(as_is, &a);
    double right = exp(want[0].v / want[2].v);
    check_that(want[2].v == 0 || fabs(value - right) <= 1e-12 * right, "the value is %g, not %g", value, right);
    for (int d = 0; d < check_devices() && check_going(); d++) {
        struct hsgd_op_call run = call_of(&s, sums);
        check_run(d, &hsgd_op_perplexity, &a, &run, n);
        check_near("sums", sums, want, 3);
    }
    free(s.z), free(s.labels), free(dz);
}

void reference_softmax_cross_entropy(void)
{
    for (int i = 0; i < 210 && check_going(); i++) {
        struct hsgd_softmax_cross_entropy a = { .label_smoothing = i % 3 ? 0 : (float)check_int(1, 9) / 10 };
        check_class_loss(&hsgd_op_softmax_cross_entropy, &a, softmax_row, a.label_smoothing, i);
    }
    for (int i = 0; i < 60 && check_going(); i++) positions_one(i);
    for (int i = 0; i < 60 && check_going(); i++) weighted_one(i);
    impossible_label();
}

void reference_perplexity(void)
{
    for (int i = 0; i < 204 && check_going(); i++) perplexity_one(i);
}
