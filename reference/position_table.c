/* SPDX-License-Identifier: BSD-3-Clause */
/* positions: a row of a table for each position; the gradient of x is that of y. */
#include "check.h"
#include "reference.h"

static void one(int turn)
{
    int length = check_size(turn % 3 ? 20 : 90), t = turn % 4 ? check_int(1, length) : length;
    int rows = check_size(turn % 5 ? 9 : 60), cols = check_size(turn % 7 ? 50 : 300);
    int64_t n = (int64_t)rows * t * cols;
    int slices[] = { (rows + 1) / 2, rows / 2 };
    struct hsgd_positions a = { length, HSGD_INIT_GLOROT };
    check_shape("shape %d: %d samples of %d positions of %d channels, length %d", turn, rows, t, cols, length);
    float *x = check_floats(n), *dy = check_floats(n), *y = check_floats(n);
    float *w = check_floats((int64_t)length * cols), *dw = check_floats((int64_t)length * cols);
    struct approx *want_y = check_approx(n), *want_dw = check_approx((int64_t)length * cols);
    struct approx_sum *sum = calloc((size_t)length * (size_t)cols, sizeof *sum);
    for (int64_t i = 0; i < n; i++) {
        int64_t k = i % ((int64_t)t * cols);
        double v = (double)x[i] + (double)w[k];
        want_y[i] = (struct approx){ v, CHECK_U * fabs(v) };
        approx_add(&sum[k], dy[i], 0);
    }
    for (int i = 0; i < length * cols; i++) want_dw[i] = approx_of(sum[i]);
    for (int d = 0; d < check_devices() && check_going(); d++) {
        struct hsgd_op_call run = { .rows = rows,
                                    .slices = rows > 1 && turn % 3 == 1 ? slices : NULL,
                                    .nslices = 2,
                                    .in = { { HSGD_F32, 2, { t, cols } } },
                                    .x = { x },
                                    .dy = { dy },
                                    .params = { w },
                                    .y = { y },
                                    .gradients = { dw },
                                    .training = true };
        check_run(d, &hsgd_op_positions, &a, &run, n);
        check_near("y", y, want_y, n);
        check_near("dw", dw, want_dw, (int64_t)length * cols);
    }
    free(x), free(dy), free(y), free(w), free(dw), free(want_y), free(want_dw), free(sum);
}

void reference_positions(void)
{
    for (int i = 0; i < 206 && check_going(); i++) one(i);
}
