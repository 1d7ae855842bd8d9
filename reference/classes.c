/* SPDX-License-Identifier: BSD-3-Clause */
#include "classes.h"

struct loss {
    class_row_fn *of;
    float smoothing;
    int rows, cols;
    double *z;
    int32_t *labels;
};

static void reference(const struct loss *s, struct approx sums[3], struct approx *dz)
{
    struct approx_sum total = { 0 };
    int correct = 0;
    for (int r = 0; r < s->rows; r++) {
        const double *z = s->z + r * s->cols;
        struct class_row row = s->of(s->cols, z, s->labels[r], s->smoothing, dz + r * s->cols);
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

void check_class_loss(const struct hsgd_op *op, const void *attributes, class_row_fn *of, float smoothing, int turn)
{
    struct loss s = { of,   smoothing, turn % 10 == 9 ? check_int(1000, 5000) : check_size(200), 1 + check_size(100),
                      NULL, NULL };
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
        check_run(d, op, attributes, &run, n);
        check_near("sums", sums, want, 3);
        check_near("dz", dz, want_dz, n);
        if (turn % 5) continue;
        run.dx[0] = NULL, run.training = false; /* without gradient and without label smoothing */
        check_run(d, op, attributes, &run, UNCOUNTED);
        check_near("sums", sums, want_plain, 3);
    }
    free(z), free(dz), free(s.z), free(s.labels), free(want_dz);
}
