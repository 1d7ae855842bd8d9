/* SPDX-License-Identifier: BSD-3-Clause */
/* rmse, mean_absolute_error and r2. */
#include "check.h"
#include "reference.h"
#include "values.h"

struct metric {
    int rows, channels; /* vectors of channels, of all samples */
    const float *z, *t;
    double center;
};

/* {sum of d^2 or |d|, number of values} */
static void expect_errors(const struct metric *m, bool squares, struct approx *sums)
{
    struct approx_sum total = { 0 };
    for (int i = 0; i < m->rows * m->channels; i++) {
        double d = (double)m->z[i] - m->t[i];
        approx_add(&total, squares ? d * d : fabs(d), 2 * CHECK_U * (squares ? d * d : fabs(d)));
    }
    sums[0] = approx_of(total);
    sums[1] = (struct approx){ (double)m->rows * m->channels, 0 };
}

/* R^2 in two passes; sums as the operation has them. */
static double expect_r2(const struct metric *m, struct approx *sums)
{
    double r2 = 0;
    sums[0] = (struct approx){ m->rows, 0 };
    sums[1] = (struct approx){ (double)m->rows * m->channels, 0 };
    for (int c = 0; c < m->channels; c++) {
        struct approx_sum squares = { 0 }, first = { 0 }, second = { 0 };
        double mean = 0, all = 0;
        for (int i = c; i < m->rows * m->channels; i += m->channels) {
            double d = (double)m->z[i] - m->t[i], s = m->t[i] - m->center;
            approx_add(&squares, d * d, 2 * CHECK_U * d * d);
            approx_add(&first, s, CHECK_U * fabs(s));
            approx_add(&second, s * s, 2 * CHECK_U * s * s);
            mean += m->t[i] / (double)m->rows;
        }
        for (int i = c; i < m->rows * m->channels; i += m->channels) all += (m->t[i] - mean) * (m->t[i] - mean);
        sums[2 + 3 * c] = approx_of(squares);
        sums[3 + 3 * c] = approx_of(first);
        sums[4 + 3 * c] = approx_of(second);
        r2 += all > 0 ? 1 - squares.v / all : squares.v == 0;
    }
    return r2 / m->channels;
}

/* What value() makes of sums without rounding. */
static double value_of(const struct hsgd_op *op, const struct approx *sums, int n)
{
    double *exact = check_doubles(NULL, n);
    for (int i = 0; i < n; i++) exact[i] = sums[i].v;
    double value = op->value(exact, NULL);
    free(exact);
    return value;
}

static void one(int turn, const struct hsgd_op *op)
{
    bool is_r2 = op == &hsgd_op_r2;
    struct hsgd_type type = check_value_type(turn, check_size(30));
    int samples = 1 + check_size(200), n = samples * (int)hsgd_type_size(&type);
    struct metric m = { n / hsgd_type_channels(&type), hsgd_type_channels(&type), NULL, NULL,
                        is_r2 && turn % 2 ? 100 : 0 };
    struct hsgd_r2 a = { (float)m.center };
    check_shape("shape %d: %d samples of %d, center %g", turn, samples, n / samples, m.center);
    float *z = check_floats(n), *t = check_floats(n);
    for (int i = 0; i < n && m.center > 0; i++) z[i] += 100, t[i] += 100;
    m.z = z, m.t = t;
    int nsums = is_r2 ? 2 + 3 * m.channels : 2;
    struct approx *want = check_approx(nsums);
    float *sums = check_floats(nsums);
    if (is_r2) {
        double right = expect_r2(&m, want), value = value_of(op, want, nsums);
        check_that(fabs(value - right) <= 1e-9 * (1 + fabs(right)), "the value is %.12g, not %.12g", value, right);
    } else expect_errors(&m, op == &hsgd_op_rmse, want);
    for (int d = 0; d < check_devices() && check_going(); d++) {
        struct hsgd_op_call run = { .rows = samples, .in = { type, type }, .x = { z, t }, .sums = sums };
        check_run(d, op, &a, &run, n);
        check_near("sums", sums, want, nsums);
    }
    free(z), free(t), free(want), free(sums);
}

void reference_rmse(void)
{
    check_that(hsgd_op_rmse.value((double[]){ 18, 2 }, NULL) == 3, "the value of squares");
    for (int i = 0; i < 204 && check_going(); i++) one(i, &hsgd_op_rmse);
}

void reference_mean_absolute_error(void)
{
    check_that(hsgd_op_mean_absolute_error.value((double[]){ 3, 4 }, NULL) == 0.75, "the value of a sum");
    for (int i = 0; i < 204 && check_going(); i++) one(i, &hsgd_op_mean_absolute_error);
}

void reference_r2(void)
{
    for (int i = 0; i < 204 && check_going(); i++) one(i, &hsgd_op_r2);
}
