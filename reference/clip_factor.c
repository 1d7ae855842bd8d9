/* SPDX-License-Identifier: BSD-3-Clause */
/* The factor that brings the 2-norm of a gradient to a maximum. */
#include "check.h"
#include "reference.h"

/* Bound: the sum of squares has the bound of a sum, whose relative error the
 * root halves; 8 u for the rest. */
static struct approx factor(const float *x, int n, double scale, double max_norm)
{
    struct approx_sum sum = { 0 };
    for (int i = 0; i < n; i++) approx_add(&sum, (double)x[i] * x[i], 0);
    double norm = scale * sqrt(sum.v), v = norm > max_norm ? max_norm / norm : 1;
    return (struct approx){ v, v * CHECK_U * (n + 4 + 8) };
}

/* About every third gradient needs no clipping. */
static void one(int turn)
{
    int n = turn % 2 ? check_size(200) : check_int(200, 18000);
    struct hsgd_clip_factor a = { .shards = check_int(1, n < 5 ? n : 5) };
    float step[HSGD_STEP_WORDS] = { [HSGD_STEP_SCALE] = 1.0f / (float)check_int(1, 200) }, y;
    a.max_norm = step[HSGD_STEP_SCALE] * sqrtf((float)n / 3) * (check_float() + 1.3f);
    check_shape("shape %d: %d floats in %d shards", turn, n, a.shards);
    float *x = check_floats(n);
    struct approx want = factor(x, n, step[HSGD_STEP_SCALE], a.max_norm);
    for (int d = 0; d < check_devices() && check_going(); d++) {
        struct hsgd_op_call run = { .rows = 1, .in = { hsgd_vector(n) }, .x = { x }, .params = { step }, .y = { &y } };
        check_run(d, &hsgd_op_clip_factor, &a, &run, n);
        check_near("factor", &y, &want, 1);
    }
    free(x);
}

void reference_clip_factor(void)
{
    for (int i = 0; i < 210 && check_going(); i++) one(i);
}
