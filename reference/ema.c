/* SPDX-License-Identifier: BSD-3-Clause */
/* The moving average of weights over several steps. */
#include <string.h>

#include "check.h"
#include "reference.h"

enum { STEPS = 5 };

/* Bound: in each step a difference, a product and a sum of values up to 2, and 1 - d. */
static void follow(int n, const double *d, float *const *w, const float *from, struct approx *want)
{
    for (int i = 0; i < n; i++) {
        double a = from[i];
        for (int t = 0; t < STEPS; t++) a = d[t] * a + (1 - d[t]) * (double)w[t][i];
        want[i] = (struct approx){ a, STEPS * 8 * CHECK_U };
    }
}

static void one(int turn)
{
    int n = turn % 2 ? check_size(200) : check_int(257, 3000);
    float *w[STEPS], step[STEPS][HSGD_STEP_WORDS] = { { 0 } };
    float *start = check_floats(n), *from = check_floats(n), *got = check_floats(n);
    double d[STEPS];
    struct approx *want = check_approx(n);
    for (int t = 0; t < STEPS; t++) {
        d[t] = turn % 7 ? fabs((double)check_float()) : t % 2; /* also a copy, and no change */
        step[t][HSGD_STEP_EMA] = (float)(1 - d[t]);
        w[t] = check_floats(n);
    }
    check_shape("shape %d: %d weights", turn, n);
    follow(n, d, w, start, want);
    for (int k = 0; k < check_devices() && check_going(); k++) {
        memcpy(got, start, (size_t)n * sizeof *got);
        for (int t = 0; t < STEPS; t++) {
            memcpy(from, got, (size_t)n * sizeof *got);
            struct hsgd_op_call run = {
                .rows = 1, .in = { hsgd_vector(n) }, .x = { from }, .y = { got }, .params = { w[t], step[t] }
            };
            check_run(k, &hsgd_op_ema, NULL, &run, t ? UNCOUNTED : n);
        }
        check_near("average", got, want, n);
    }
    for (int t = 0; t < STEPS; t++) free(w[t]);
    free(start), free(from), free(got), free(want);
}

void reference_ema(void)
{
    for (int i = 0; i < 210 && check_going(); i++) one(i);
}
