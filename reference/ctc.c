/* SPDX-License-Identifier: BSD-3-Clause */
/* ctc: by its definition over states (Graves et al. 2006), with probabilities in double precision. */
#include "reference.h"

struct ctc {
    int rows, steps, classes, labels;
    struct hsgd_ctc a;
    bool has_lengths;
    double *z;
    int32_t *label, *input_length, *label_length;
};

static int class_at(const struct ctc *s, const int32_t *label, int state)
{
    return state % 2 ? label[state / 2] : s->a.blank;
}

/* From which states one can come to `state`, as a sum of their values. */
static double arriving(const struct ctc *s, const int32_t *label, const double *v, int state)
{
    double sum = v[state] + (state > 0 ? v[state - 1] : 0);
    bool skips = state > 1 && state % 2 && class_at(s, label, state) != class_at(s, label, state - 2);
    return sum + (skips ? v[state - 2] : 0);
}

/* The probability of the labels, and with `occupied` that of each state at each step times it. */
static double forward_backward(const struct ctc *s, int steps, int count, const int32_t *label, const double *p,
                               double *occupied)
{
    int states = 2 * count + 1;
    double *a = check_doubles(NULL, (int64_t)(steps + 1) * states), *b = check_doubles(NULL, 2 * states), total = 0;
    if (!steps) total = count == 0;
    for (int t = 0; t < steps; t++)
        for (int i = 0; i < states; i++) {
            double come = t ? arriving(s, label, a + (t - 1) * states, i) : i < 2;
            a[t * states + i] = come * p[t * s->classes + class_at(s, label, i)];
        }
    for (int i = states - 1; steps && i >= 0 && i >= states - 2; i--) total += a[(steps - 1) * states + i];
    for (int t = steps - 1; t >= 0; t--) {
        double *now = b + t % 2 * states, *next = b + (t + 1) % 2 * states;
        for (int i = 0; i < states; i++) now[i] = t == steps - 1 ? i >= states - 2 : 0;
        for (int i = 0; t < steps - 1 && i < states; i++) { /* to the states that come from i */
            bool skips = i % 2 && i + 2 < states && class_at(s, label, i) != class_at(s, label, i + 2);
            for (int k = i; k <= i + 1 + skips && k < states; k++)
                now[i] += next[k] * p[(t + 1) * s->classes + class_at(s, label, k)];
        }
        for (int i = 0; i < states; i++) occupied[t * states + i] = a[t * states + i] * now[i];
    }
    free(a), free(b);
    return total;
}

/* The error of a logarithm of a sum over paths: that of softmax's logarithms and of the sums in each step. */
static double bound(const struct ctc *s, int steps, double range)
{
    return CHECK_U * steps * (s->classes + 30 + 12 * range);
}

static struct approx sample(const struct ctc *s, int r, struct approx *dz)
{
    int steps = s->has_lengths ? s->input_length[r] : s->steps, count = s->has_lengths ? s->label_length[r] : s->labels;
    const int32_t *label = s->label + r * s->labels;
    const double *z = s->z + (int64_t)r * s->steps * s->classes;
    double *p = check_doubles(NULL, (int64_t)s->steps * s->classes), range = 0;
    double *occupied = check_doubles(NULL, (int64_t)(steps + 1) * (2 * count + 1));
    for (int t = 0; t < s->steps; t++) {
        double sum = 0, top = z[t * s->classes];
        for (int c = 0; c < s->classes; c++) top = fmax(top, z[t * s->classes + c]);
        for (int c = 0; c < s->classes; c++) sum += exp(z[t * s->classes + c] - top);
        for (int c = 0; c < s->classes; c++) {
            p[t * s->classes + c] = exp(z[t * s->classes + c] - top) / sum;
            range = fmax(range, top + log(sum) - z[t * s->classes + c]);
        }
    }
    double total = forward_backward(s, steps, count, label, p, occupied), share = 1.0 / (count ? count : 1);
    struct approx loss = { -log(total) * share, (bound(s, steps, range) + CHECK_U * steps * -log(total)) * share };
    if (total == 0) loss = (struct approx){ s->a.zero_infinity ? 0 : INFINITY, 0 };
    for (int i = 0; i < s->steps * s->classes; i++) {
        int t = i / s->classes;
        bool live = t < steps && total > 0;
        dz[i].v = total == 0 && !s->a.zero_infinity ? NAN : live ? share * p[i] : 0;
        for (int k = 0; live && k < 2 * count + 1; k++)
            if (class_at(s, label, k) == i % s->classes) dz[i].v -= share * occupied[t * (2 * count + 1) + k] / total;
        dz[i].e = live ? 3 * bound(s, steps, range) * share : 0;
    }
    free(p), free(occupied);
    return loss;
}

static void expect(const struct ctc *s, struct approx sums[3], struct approx *dz)
{
    struct approx_sum total = { 0 };
    for (int r = 0; r < s->rows; r++) {
        struct approx loss = sample(s, r, dz + (int64_t)r * s->steps * s->classes);
        approx_add(&total, loss.v, loss.e);
    }
    sums[0] = isinf(total.v) ? (struct approx){ INFINITY, 0 } : approx_of(total);
    sums[1] = (struct approx){ 0, 0 };
    sums[2] = (struct approx){ s->rows, 0 };
}

static double loss(void *user)
{
    const struct ctc *s = user;
    struct approx sums[3], *dz = check_approx((int64_t)s->rows * s->steps * s->classes);
    expect(s, sums, dz);
    free(dz);
    return sums[0].v;
}

static struct ctc draw(int turn)
{
    struct ctc s = { .rows = check_size(12), .steps = turn % 8 == 7 ? check_int(50, 80) : check_size(24) };
    s.classes = 1 + check_size(turn % 3 ? 8 : 40);
    s.labels = check_int(1, turn % 4 ? s.steps / 2 + 1 : s.steps + 1);
    s.has_lengths = turn % 5 != 0;
    s.a = (struct hsgd_ctc){ turn % 2 ? 0 : check_int(0, s.classes - 1), turn % 3 != 1 };
    s.label = calloc((size_t)(s.rows * s.labels), sizeof *s.label);
    s.input_length = calloc((size_t)s.rows, sizeof *s.input_length);
    s.label_length = calloc((size_t)s.rows, sizeof *s.label_length);
    for (int r = 0; r < s.rows; r++) {
        s.input_length[r] = check_int(0, 4) ? s.steps : check_int(turn % 7 == 0 ? 0 : 1, s.steps);
        s.label_length[r] = check_int(0, 3) ? check_int(0, s.labels) : s.labels;
        for (int i = 0; i < s.labels; i++) {
            bool padded = s.has_lengths && i >= s.label_length[r];
            s.label[r * s.labels + i] = padded ? -1 : (s.a.blank + check_int(1, s.classes - 1)) % s.classes;
        }
    }
    check_shape("shape %d: %d rows of %d x %d, %d labels", turn, s.rows, s.steps, s.classes, s.labels);
    return s;
}

static bool has_paths(const struct approx *sum) { return isfinite(sum->v); }

static void one(int turn)
{
    struct ctc s = draw(turn);
    int64_t n = (int64_t)s.rows * s.steps * s.classes;
    float *z = check_floats(n), *dz = check_floats(n), sums[3];
    for (int64_t i = 0; i < n; i++) z[i] *= turn % 6 ? 3.0f : 12.0f;
    s.z = check_doubles(z, n);
    struct approx want[3], *want_dz = check_approx(n);
    expect(&s, want, want_dz);
    if (turn < 30 && has_paths(&want[0])) check_gradient("dz", loss, &s, s.z, want_dz, n);
    int slices[2] = { s.rows / 2, s.rows - s.rows / 2 };
    for (int d = 0; d < check_devices() && check_going(); d++) {
        struct hsgd_op_call run = { .rows = s.rows, .inputs = s.has_lengths ? 4 : 2, .sums = sums, .training = true };
        run.in[0] = (struct hsgd_type){ HSGD_F32, 2, { s.steps, s.classes } };
        run.in[1] = hsgd_tokens(s.labels);
        run.in[2] = run.in[3] = hsgd_number(HSGD_I32);
        run.x[0] = z, run.x[1] = s.label, run.x[2] = s.input_length, run.x[3] = s.label_length;
        run.dx[0] = turn % 9 ? dz : NULL;
        if (turn % 2 && s.rows > 1) run.slices = slices, run.nslices = 2;
        check_run(d, &hsgd_op_ctc, &s.a, &run, n);
        check_that(!isinf(want[0].v) || sums[0] == INFINITY, "the loss is %g, not infinite", (double)sums[0]);
        if (has_paths(&want[0])) check_near("sums", sums, want, 3);
        if (run.dx[0]) check_near("dz", dz, want_dz, n);
    }
    free(z), free(dz), free(s.z), free(s.label), free(s.input_length), free(s.label_length), free(want_dz);
}

/* Labels and lengths that are impossible are seen. */
static void invalid(void)
{
    static const struct {
        int32_t label[2], input_length, label_length;
    } cases[] = { { { 1, 3 }, 4, 2 }, { { 1, 0 }, 4, 2 }, { { 1, 2 }, 5, 2 }, { { 1, 2 }, 4, 3 }, { { 1, 2 }, -1, 2 } };
    float z[12] = { 0 }, dz[12], sums[3];
    struct hsgd_ctc a = { 0, true };
    check_shape("invalid labels and lengths");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int d = 0; d < check_devices(); d++) {
            struct hsgd_op_call run = { .rows = 1, .inputs = 4, .sums = sums, .training = true, .dx = { dz } };
            run.in[0] = (struct hsgd_type){ HSGD_F32, 2, { 4, 3 } };
            run.in[1] = hsgd_tokens(2);
            run.in[2] = run.in[3] = hsgd_number(HSGD_I32);
            run.x[0] = z, run.x[1] = cases[i].label, run.x[2] = &cases[i].input_length,
            run.x[3] = &cases[i].label_length;
            check_run(d, &hsgd_op_ctc, &a, &run, UNCOUNTED);
            check_that(isnan(sums[0]) && isnan(dz[0]), "case %zu: loss %g, gradient %g", i, (double)sums[0],
                       (double)dz[0]);
        }
}

void reference_ctc(void)
{
    invalid();
    for (int i = 0; i < 210 && check_going(); i++) one(i);
}
