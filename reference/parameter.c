/* SPDX-License-Identifier: BSD-3-Clause */
/* parameter: y = w for each sample, dw = sum dy, dx = 0. */
#include "check.h"
#include "reference.h"

static void one(int turn)
{
    int rows = check_size(turn % 9 ? 40 : 300), cols = 1, other = check_size(20);
    struct hsgd_parameter a = { .dims.count = turn % 7 };
    for (int i = 0; i < a.dims.count; i++) {
        a.dims.value[i] = check_size(a.dims.count > 2 ? 4 : turn % 4 ? 30 : 200);
        cols *= a.dims.value[i];
    }
    int slices[] = { (rows + 1) / 2, rows / 2 }, n = rows * cols;
    check_shape("shape %d: %d rows, %d dimensions, %d numbers, %d inputs", turn, rows, a.dims.count, cols, other);
    float *x = check_floats(rows * other), *w = check_floats(cols), *y = check_floats(n), *dy = check_floats(n),
          *dx = check_floats(rows * other), *dw = check_floats(cols);
    struct approx *want_y = check_approx(n), *want_dx = check_approx(rows * other), *want_dw = check_approx(cols);
    struct approx_sum *sum = calloc((size_t)cols, sizeof *sum);
    for (int i = 0; i < n; i++) {
        want_y[i].v = (double)w[i % cols];
        approx_add(&sum[i % cols], (double)dy[i], 0);
    }
    for (int i = 0; i < cols; i++) want_dw[i] = approx_of(sum[i]);
    for (int d = 0; d < check_devices() && check_going(); d++) {
        struct hsgd_op_call run = { .rows = rows,
                                    .slices = rows > 1 && turn % 3 == 1 ? slices : NULL,
                                    .nslices = 2,
                                    .in = { hsgd_vector(other) },
                                    .x = { x },
                                    .dy = { dy },
                                    .params = { w },
                                    .y = { y },
                                    .dx = { dx },
                                    .gradients = { dw },
                                    .training = true };
        check_run(d, &hsgd_op_parameter, &a, &run, n);
        check_near("y", y, want_y, n);
        check_near("dx", dx, want_dx, rows * other);
        check_near("dw", dw, want_dw, cols);
    }
    free(x), free(w), free(y), free(dy), free(dx), free(dw);
    free(want_y), free(want_dx), free(want_dw), free(sum);
}

void reference_parameter(void)
{
    for (int i = 0; i < 210 && check_going(); i++) one(i);
}
