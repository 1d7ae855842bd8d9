/* SPDX-License-Identifier: BSD-3-Clause */
/* binary_cross_entropy. */
#include "reference.h"
#include "values.h"

/* Bound: exp and log within a few units in the last place; a loss near 0 is the
 * logarithm of a number that was rounded near 1. */
static struct value_loss logistic(double z, double t)
{
    double loss = fmax(z, 0) - z * t + log1p(exp(-fabs(z))), p = 1 / (1 + exp(-z));
    return (struct value_loss){ { loss, 4 * CHECK_U * (1 + fabs(z)) }, { p - t, 6 * CHECK_U } };
}

/* ------------------------------------------------------------------- pos_weight */

struct weighted {
    int rows, size;
    const struct hsgd_floats *w;
    double *z;
    const float *t;
};

/* Value i. */
static struct value_loss weighted_at(const struct weighted *s, int i)
{
    double z = s->z[i], t = (double)s->t[i], w = (double)s->w->value[i % s->size % s->w->count], p = 1 / (1 + exp(-z));
    double lower = log1p(exp(-fabs(z))) + fmax(-z, 0), upper = log1p(exp(-fabs(z))) + fmax(z, 0);
    double loss = w * t * lower + (1 - t) * upper;
    return (struct value_loss){ { loss, CHECK_U * (10 * loss + 4 * (1 + w)) },
                                { (1 - t) * p - w * t * (1 - p), 12 * CHECK_U * (1 + w) } };
}

static double total(void *user)
{
    const struct weighted *s = user;
    double sum = 0;
    for (int i = 0; i < s->rows * s->size; i++) sum += weighted_at(s, i).loss.v / s->size;
    return sum;
}

static void weighted_reference(const struct weighted *s, struct approx sums[3], struct approx *dz)
{
    struct approx_sum sum = { 0 };
    for (int i = 0; i < s->rows * s->size; i++) {
        struct value_loss l = weighted_at(s, i);
        approx_add(&sum, l.loss.v / s->size, l.loss.e / s->size);
        dz[i] = (struct approx){ l.slope.v / s->size, (l.slope.e + 3 * CHECK_U * fabs(l.slope.v)) / s->size };
    }
    sums[0] = approx_of(sum);
    sums[1] = (struct approx){ 0, 0 };
    sums[2] = (struct approx){ s->rows, 0 };
}

/* One weight, or one for each channel; targets between 0 and 1, or one of them. */
static void weighted(int turn)
{
    int channels = turn % 9 == 8 ? check_int(100, HSGD_MAX_FLOATS) : check_size(40);
    struct hsgd_type type = check_value_type(turn, channels);
    struct hsgd_binary_cross_entropy a = { { turn % 3 ? hsgd_type_channels(&type) : 1, { 0 } } };
    struct weighted s = { check_size(turn % 10 == 9 ? 1000 : 100), (int)hsgd_type_size(&type), &a.pos_weight, NULL,
                          NULL };
    int n = s.rows * s.size;
    for (int i = 0; i < a.pos_weight.count; i++) a.pos_weight.value[i] = 0.25f * (float)check_int(0, 40);
    check_shape("weighted %d: %d rows of %d, %d weights", turn, s.rows, s.size, a.pos_weight.count);
    float *z = check_floats(n), *t = check_floats(n), *dz = check_floats(n), sums[3];
    for (int i = 0; i < n; i++) {
        z[i] *= turn % 4 ? 2.0f : 60.0f;
        t[i] = turn % 2 ? 0.5f * t[i] + 0.5f : t[i] > 0 ? 1.0f : 0.0f;
    }
    s.z = check_doubles(z, n), s.t = t;
    struct approx want[3], *want_dz = check_approx(n);
    weighted_reference(&s, want, want_dz);
    if (turn < 20) check_gradient("dz", total, &s, s.z, want_dz, n);
    for (int d = 0; d < check_devices() && check_going(); d++) {
        struct hsgd_op_call run = { .rows = s.rows,
                                    .in = { type, type },
                                    .x = { z, t },
                                    .dx = { turn % 6 ? dz : NULL },
                                    .sums = sums,
                                    .training = true };
        check_run(d, &hsgd_op_binary_cross_entropy, &a, &run, n);
        check_near("sums", sums, want, 3);
        if (run.dx[0]) check_near("dz", dz, want_dz, n);
    }
    free(z), free(t), free(dz), free(s.z), free(want_dz);
}

void reference_binary_cross_entropy(void)
{
    check_value_loss(&hsgd_op_binary_cross_entropy, NULL, logistic, 204);
    for (int i = 0; i < 240 && check_going(); i++) weighted(i);
}
