/* SPDX-License-Identifier: BSD-3-Clause */
/* mse, of classes and of values. */
#include "check.h"
#include "reference.h"
#include "values.h"

struct loss {
    int rows, cols;
    double *z;
    int32_t *labels;
};

struct row {
    double loss, e;
    int best;
};

/* Bound: that of the sum, each difference rounding twice. */
static struct row mse_row(int cols, const double *z, int label, struct approx *dz)
{
    struct row r = { 0 };
    for (int c = 0; c < cols; c++) {
        double d = z[c] - (c == label);
        if (z[c] > z[r.best]) r.best = c;
        r.loss += d * d / cols;
        dz[c] = (struct approx){ 2 * d / cols, 6 * CHECK_U * fabs(2 * d / cols) };
    }
    r.e = CHECK_U * (cols + 8) * r.loss;
    return r;
}

static void reference(const struct loss *s, struct approx sums[3], struct approx *dz)
{
    struct approx_sum total = { 0 };
    int correct = 0;
    for (int r = 0; r < s->rows; r++) {
        const double *z = s->z + r * s->cols;
        struct row row = mse_row(s->cols, z, s->labels[r], dz + r * s->cols);
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

static void one(int turn)
{
    struct loss s = { turn % 10 == 9 ? check_int(1000, 5000) : check_size(200), 1 + check_size(100), NULL, NULL };
    if (s.rows >= 1000) s.cols = check_int(2, 12);
    int n = s.rows * s.cols;
    float scale = turn % 3 == 0 ? 30.0f : turn % 3 == 1 ? 2.0f : 1.0f;
    float *z = turn % 4 == 3 ? check_steps(n) : check_floats(n), *dz = check_floats(n), sums[3];
    check_shape("shape %d: %d rows of %d", turn, s.rows, s.cols);
    for (int i = 0; i < n; i++) z[i] *= scale;
    s.z = check_doubles(z, n);
    s.labels = calloc((size_t)s.rows, sizeof *s.labels);
    for (int r = 0; r < s.rows; r++) s.labels[r] = check_int(0, s.cols - 1);
    struct approx want[3], *want_dz = check_approx(n);
    reference(&s, want, want_dz);
    if (turn < 30 && s.rows < 1000) check_gradient("dz", loss, &s, s.z, want_dz, n);
    for (int d = 0; d < check_devices() && check_going(); d++) {
        struct hsgd_op_call run = { .rows = s.rows,
                                    .in = { hsgd_vector(s.cols), hsgd_number(HSGD_I32) },
                                    .x = { z, s.labels },
                                    .dx = { dz },
                                    .sums = sums,
                                    .training = true };
        check_run(d, &hsgd_op_mse, NULL, &run, n);
        check_near("sums", sums, want, 3);
        check_near("dz", dz, want_dz, n);
        if (turn % 5) continue;
        run.dx[0] = NULL, run.training = false;
        check_run(d, &hsgd_op_mse, NULL, &run, UNCOUNTED);
        check_near("sums", sums, want, 3);
    }
    free(z), free(dz), free(s.z), free(s.labels), free(want_dz);
}

static struct value_loss squared(double z, double t)
{
    double d = z - t, e = CHECK_U * (fabs(d) + 1); /* of the difference, and what flushing may lose */
    double bound = 2 * e * fabs(d);
    return (struct value_loss){ { d * d, bound }, { 2 * d, 4 * e } };
}

void reference_mse(void)
{
    for (int i = 0; i < 210 && check_going(); i++) one(i);
    check_value_loss(&hsgd_op_mse, squared, 60);
}
