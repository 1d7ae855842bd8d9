/* SPDX-License-Identifier: BSD-3-Clause */
/* mse, of classes and of values. */
#include "classes.h"
#include "reference.h"
#include "values.h"

/* Bound: that of the sum, each difference rounding twice. */
static struct class_row mse_row(int cols, const double *z, int label, double smoothing, struct approx *dz)
{
    (void)smoothing;
    struct class_row r = { 0 };
    for (int c = 0; c < cols; c++) {
        double d = z[c] - (c == label);
        if (z[c] > z[r.best]) r.best = c;
        r.loss += d * d / cols;
        dz[c] = (struct approx){ 2 * d / cols, 6 * CHECK_U * fabs(2 * d / cols) };
    }
    r.e = CHECK_U * (cols + 8) * r.loss;
    return r;
}

static struct value_loss squared(double z, double t)
{
    double d = z - t, e = CHECK_U * (fabs(d) + 1); /* of the difference, and what flushing may lose */
    double bound = 2 * e * fabs(d);
    return (struct value_loss){ { d * d, bound }, { 2 * d, 4 * e } };
}

void reference_mse(void)
{
    for (int i = 0; i < 210 && check_going(); i++) check_class_loss(&hsgd_op_mse, NULL, mse_row, 0, i);
    check_value_loss(&hsgd_op_mse, NULL, squared, 60);
}
