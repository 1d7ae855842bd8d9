/* SPDX-License-Identifier: BSD-3-Clause */
#include "values.h"

struct hsgd_type check_value_type(int turn, int channels)
{
    if (turn % 5 == 0) return hsgd_number(HSGD_F32);
    if (turn % 5 == 1) return hsgd_image(check_size(6), check_size(6), channels);
    return hsgd_vector(channels);
}

/* Value i. */
static struct value_loss loss_at(const struct values *s, int i)
{
    double z = s->z[i], t = (double)s->t[i];
    return s->weight ? s->weighted(z, t, (double)s->weight->value[i % s->size % s->weight->count]) : s->of(z, t);
}

/* The mean over the values of a sample, summed over samples. */
static void reference(const struct values *s, struct approx sums[3], struct approx *dz)
{
    struct approx_sum total = { 0 };
    for (int i = 0; i < s->rows * s->size; i++) {
        struct value_loss l = loss_at(s, i);
        approx_add(&total, l.loss.v / s->size, l.loss.e / s->size);
        dz[i] = (struct approx){ l.slope.v / s->size, (l.slope.e + 3 * CHECK_U * fabs(l.slope.v)) / s->size };
    }
    sums[0] = approx_of(total);
    sums[1] = (struct approx){ 0, 0 };
    sums[2] = (struct approx){ s->rows, 0 };
}

static double loss(void *user)
{
    const struct values *s = user;
    struct approx sums[3], *dz = check_approx((int64_t)s->rows * s->size);
    reference(s, sums, dz);
    free(dz);
    return sums[0].v;
}

void check_values(int turn, const struct hsgd_op *op, const void *attributes, struct values *s)
{
    s->size = (int)hsgd_type_size(&s->type);
    int n = s->rows * s->size;
    check_shape("shape %d: %d rows of %d, %d weights", turn, s->rows, s->size, s->weight ? s->weight->count : 0);
    float *z = check_floats(n), *t = check_floats(n), *dz = check_floats(n), sums[3];
    for (int i = 0; i < n; i++) {
        z[i] *= turn % 3 ? 2.0f : 60.0f;
        t[i] = turn % 2 ? 0.5f * t[i] + 0.5f : t[i] > 0 ? 1.0f : 0.0f;
    }
    s->z = check_doubles(z, n), s->t = t;
    struct approx want[3], *want_dz = check_approx(n);
    reference(s, want, want_dz);
    if (turn < 20) check_gradient("dz", loss, s, s->z, want_dz, n);
    for (int d = 0; d < check_devices() && check_going(); d++) {
        struct hsgd_op_call run = { .rows = s->rows,
                                    .in = { s->type, s->type },
                                    .x = { z, t },
                                    .dx = { turn % 6 ? dz : NULL },
                                    .sums = sums,
                                    .training = true };
        check_run(d, op, attributes, &run, n);
        check_near("sums", sums, want, 3);
        if (run.dx[0]) check_near("dz", dz, want_dz, n);
    }
    free(z), free(t), free(dz), free(s->z), free(want_dz);
}

static void one(int turn, const struct hsgd_op *op, const void *attributes, struct value_loss (*of)(double z, double t))
{
    struct values s = { .type = check_value_type(turn, check_size(40)), .of = of };
    s.rows = turn % 10 == 9 ? check_int(1000, 3000) : check_size(200);
    check_values(turn, op, attributes, &s);
}

void check_value_loss(const struct hsgd_op *op, const void *attributes, struct value_loss (*of)(double z, double t),
                      int shapes)
{
    for (int i = 0; i < shapes && check_going(); i++) one(i, op, attributes, of);
}
