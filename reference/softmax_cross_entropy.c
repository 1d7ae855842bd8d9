/* SPDX-License-Identifier: BSD-3-Clause */
/* softmax_cross_entropy and perplexity, of samples and of positions. */
#include "check.h"
#include "reference.h"

struct loss {
    float smoothing;
    int rows, cols;
    double *z;
    int32_t *labels;
};

struct row {
    double loss, e, largest;
    int best;
};

/* Bound of the loss of a row: (cols + 8) u (1 + loss) for the sum of
 * exponentials, and 2 u per unit of difference between logits, which
 * are rounded.  dz: the same relative to the softmax. */
static struct row softmax_row(int cols, const double *z, int label, double smoothing, struct approx *dz)
{
    struct row r = { 0 };
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

static void reference(const struct loss *s, struct approx sums[3], struct approx *dz)
{
    struct approx_sum total = { 0 };
    int correct = 0;
    for (int r = 0; r < s->rows; r++) {
        const double *z = s->z + r * s->cols;
        struct row row = softmax_row(s->cols, z, s->labels[r], s->smoothing, dz + r * s->cols);
        approx_add(&total, row.loss, row.e);
        correct += row.best == s->labels[r];
    }
    sums[0] = approx_of(total);
    sums[1] = (struct approx){ correct, 0 };
    sums[2] = (struct approx){ s->rows, 0 };
}

static double loss(void *user)
{
    const struct loss *s = user;
    struct approx sums[3], *dz = check_approx((int64_t)s->rows * s->cols);
    reference(s, sums, dz);
    free(dz);
    return sums[0].v;
}

static void one(int turn, float smoothing)
{
    struct hsgd_softmax_cross_entropy attributes = { .label_smoothing = smoothing };
    struct loss s = { smoothing, turn % 10 == 9 ? check_int(1000, 5000) : check_size(200), 1 + check_size(100), NULL,
                      NULL };
    if (s.rows >= 1000) s.cols = check_int(2, 12);
    int n = s.rows * s.cols;
    float scale = turn % 3 == 0 ? 30.0f : turn % 3 == 1 ? 2.0f : 1.0f;
    float *z = turn % 4 == 3 ? check_steps(n) : check_floats(n), *dz = check_floats(n), sums[3];
    check_shape("shape %d: %d rows of %d", turn, s.rows, s.cols);
    for (int i = 0; i < n; i++) z[i] *= scale;
    s.z = check_doubles(z, n);
    s.labels = calloc((size_t)s.rows, sizeof *s.labels);
    for (int r = 0; r < s.rows; r++) s.labels[r] = check_int(0, s.cols - 1);
    struct approx want[3], want_plain[3], *want_dz = check_approx(n);
    s.smoothing = 0;
    reference(&s, want_plain, want_dz);
    s.smoothing = smoothing;
    reference(&s, want, want_dz);
    if (turn < 30 && s.rows < 1000) check_gradient("dz", loss, &s, s.z, want_dz, n);
    for (int d = 0; d < check_devices() && check_going(); d++) {
        struct hsgd_op_call run = { .rows = s.rows,
                                    .in = { hsgd_vector(s.cols), hsgd_number(HSGD_I32) },
                                    .x = { z, s.labels },
                                    .dx = { dz },
                                    .sums = sums,
                                    .training = true };
        check_run(d, &hsgd_op_softmax_cross_entropy, &attributes, &run, n);
        check_near("sums", sums, want, 3);
        check_near("dz", dz, want_dz, n);
        if (turn % 5) continue;
        run.dx[0] = NULL, run.training = false; /* without gradient and without label smoothing */
        check_run(d, &hsgd_op_softmax_cross_entropy, &attributes, &run, UNCOUNTED);
        check_near("sums", sums, want_plain, 3);
    }
    free(z), free(dz), free(s.z), free(s.labels), free(want_dz);
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
        struct row row = softmax_row(s->classes, z + r * s->classes, s->labels[r], smoothing, dz + r * s->classes);
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
    struct hsgd_softmax_cross_entropy a = { turn % 2 ? 0.1f : 0, s.has_ignore, s.has_ignore ? IGNORE : 0 };
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
    for (int i = 0; i < 210 && check_going(); i++) one(i, i % 3 ? 0 : (float)check_int(1, 9) / 10);
    for (int i = 0; i < 60 && check_going(); i++) positions_one(i);
    impossible_label();
}

void reference_perplexity(void)
{
    for (int i = 0; i < 204 && check_going(); i++) perplexity_one(i);
}
