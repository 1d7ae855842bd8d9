/* SPDX-License-Identifier: BSD-3-Clause */
/* kl_divergence: sum of t (log t - x). */
#include "reference.h"
#include "values.h"

struct kl {
    int n;
    bool log_target;
    double *x;
    const float *t;
};

static struct approx expect(const struct kl *k, struct approx *dx)
{
    struct approx_sum total = { 0 };
    for (int i = 0; i < k->n; i++) {
        double l = k->log_target ? k->t[i] : k->t[i] > 0 ? log(k->t[i]) : 0, t = k->log_target ? exp(l) : k->t[i];
        approx_add(&total, t * (l - k->x[i]), CHECK_U * t * (10 * fabs(l) + 8 * fabs(k->x[i]) + 4));
        dx[i] = (struct approx){ -t, k->log_target ? 6 * CHECK_U * t : 0 };
    }
    return approx_of(total);
}

static double loss(void *user)
{
    const struct kl *k = user;
    struct approx *dx = check_approx(k->n), sum = expect(k, dx);
    free(dx);
    return sum.v;
}

static void one(int turn)
{
    struct hsgd_type type = check_value_type(turn, check_size(60));
    struct hsgd_kl_divergence a = { turn % 3 == 2 };
    int rows = turn % 9 == 8 ? check_int(500, 1500) : check_size(100), n = rows * (int)hsgd_type_size(&type);
    float *x = check_floats(n), *t = check_floats(n), *dx = check_floats(n), sums[3];
    for (int i = 0; i < n; i++) {
        x[i] = 8 * x[i] - 8; /* logarithms of probabilities */
        t[i] = a.log_target ? 4 * t[i] - 4 : t[i] < -0.8f ? 0 : 0.5f * t[i] + 0.5f;
    }
    struct kl k = { n, a.log_target, check_doubles(x, n), t };
    struct approx *want_dx = check_approx(n), want[3] = { expect(&k, want_dx), { 0, 0 }, { rows, 0 } };
    check_shape("shape %d: %d rows, %d values", turn, rows, n);
    if (turn < 20) check_gradient("dx", loss, &k, k.x, want_dx, n);
    int slices[2] = { rows / 2, rows - rows / 2 };
    for (int d = 0; d < check_devices() && check_going(); d++) {
        struct hsgd_op_call run = { .rows = rows, .in = { type, type }, .x = { x, t }, .sums = sums, .training = true };
        run.dx[0] = turn % 6 ? dx : NULL;
        if (turn % 2 && rows > 1) run.slices = slices, run.nslices = 2;
        check_run(d, &hsgd_op_kl_divergence, &a, &run, n);
        check_near("sums", sums, want, 3);
        if (run.dx[0]) check_near("dx", dx, want_dx, n);
    }
    free(x), free(t), free(dx), free(k.x), free(want_dx);
}

void reference_kl_divergence(void)
{
    for (int i = 0; i < 210 && check_going(); i++) one(i);
}
