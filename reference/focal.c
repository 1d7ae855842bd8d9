/* SPDX-License-Identifier: BSD-3-Clause */
/* focal: sum over the classes of a (1 - p)^gamma (-log p), p the probability of what is right. */
#include "reference.h"

enum { IGNORE = -1 };

struct focal {
    int rows, length, classes;
    struct hsgd_focal a;
    double *z;
    int32_t *labels;
};

static bool is_positive(const struct focal *s, int label)
{
    return label != IGNORE && !(s->a.has_background && label == 0);
}

static int guess(const struct focal *s, const double *z)
{
    int best = s->a.has_background;
    for (int c = best + 1; c < s->classes; c++)
        if (z[c] > z[best]) best = c;
    return s->a.has_background && !(z[best] > 0) ? 0 : best;
}

/* Of one value: loss and derivative. */
static double of(const struct focal *s, double z, bool right, double *slope, double *e)
{
    double x = right ? z : -z, a = s->a.alpha < 0 ? 1 : right ? s->a.alpha : 1 - (double)s->a.alpha, g = s->a.gamma;
    double l = x < 0 ? log1p(exp(x)) - x : log1p(exp(-x)), upper = l + x, q = exp(-upper), p = exp(-l);
    double loss = a * pow(q, g) * l, d = a * pow(q, g) * (g * p * l + q);
    *slope = right ? -d : d;
    *e = CHECK_U * ((12 + 8 * g * (1 + upper)) * (loss + d) + 4 * a * pow(q, g) * (1 + g));
    return loss;
}

static void expect(const struct focal *s, struct approx sums[4], struct approx *dz)
{
    struct approx_sum total = { 0 };
    int correct = 0, terms = 0, positions = 0;
    for (int r = 0; r < s->rows * s->length; r++) {
        int label = s->labels[r];
        if (label == IGNORE) continue;
        positions++;
        terms += !s->a.per_positive || is_positive(s, label);
        correct += guess(s, s->z + r * s->classes) == label;
        for (int c = 0; c < s->classes; c++) {
            double slope, e, loss = of(s, s->z[r * s->classes + c], is_positive(s, label) && c == label, &slope, &e);
            approx_add(&total, loss, e);
            dz[r * s->classes + c] = (struct approx){ slope, e };
        }
    }
    sums[0] = approx_of(total);
    sums[1] = (struct approx){ correct, 0 };
    sums[2] = (struct approx){ terms, 0 };
    sums[3] = (struct approx){ positions, 0 };
}

static double loss(void *user)
{
    const struct focal *s = user;
    struct approx sums[4], *dz = check_approx((int64_t)s->rows * s->length * s->classes);
    expect(s, sums, dz);
    free(dz);
    return sums[0].v;
}

static void one(int turn)
{
    struct focal s = { .rows = check_size(40), .length = turn % 4 ? check_size(12) : 1, .classes = 1 + check_size(40) };
    s.a = (struct hsgd_focal){ turn % 3 ? 0.25f : -1,
                               turn % 4 == 1 ? 2 : 0.5f * (float)check_int(1, 8),
                               turn % 2,
                               turn % 7 > 3,
                               turn % 8 != 0,
                               IGNORE };
    int rows = s.rows * s.length, n = rows * s.classes;
    float *z = check_floats(n), *dz = check_floats(n), sums[4];
    for (int i = 0; i < n; i++) z[i] *= turn % 6 ? 6.0f : 40.0f;
    s.z = check_doubles(z, n);
    s.labels = calloc((size_t)rows, sizeof *s.labels);
    for (int r = 0; r < rows; r++)
        s.labels[r] = s.a.has_ignore && check_int(0, 3) == 0 ? IGNORE
                      : check_int(0, 1)                      ? 0
                                                             : check_int(0, s.classes - 1);
    check_shape("shape %d: %d rows of %d x %d, gamma %g", turn, s.rows, s.length, s.classes, (double)s.a.gamma);
    struct approx want[4], *want_dz = check_approx(n);
    expect(&s, want, want_dz);
    if (turn < 20) check_gradient("dz", loss, &s, s.z, want_dz, n);
    int slices[3] = { s.rows / 3, s.rows - s.rows / 3 - 1, 1 };
    for (int d = 0; d < check_devices() && check_going(); d++) {
        struct hsgd_op_call run = { .rows = s.rows, .x = { z, s.labels }, .sums = sums, .training = true };
        run.in[0] = s.length == 1 ? hsgd_vector(s.classes) : (struct hsgd_type){ HSGD_F32, 2, { s.length, s.classes } };
        run.in[1] = s.length == 1 ? hsgd_number(HSGD_I32) : hsgd_tokens(s.length);
        run.dx[0] = turn % 5 ? dz : NULL;
        if (turn % 2 && s.rows > 2) run.slices = slices, run.nslices = 3;
        check_run(d, &hsgd_op_focal, &s.a, &run, n);
        check_near("sums", sums, want, 4);
        if (run.dx[0]) check_near("dz", dz, want_dz, n);
    }
    free(z), free(dz), free(s.z), free(s.labels), free(want_dz);
}

void reference_focal(void)
{
    for (int i = 0; i < 210 && check_going(); i++) one(i);
}
