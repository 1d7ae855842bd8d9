/* SPDX-License-Identifier: BSD-3-Clause */
/* mae. */
#include "reference.h"
#include "values.h"

static struct value_loss absolute(double z, double t)
{
    double d = z - t, e = CHECK_U * fabs(d);
    return (struct value_loss){ { fabs(d), e }, { d > 0 ? 1 : d < 0 ? -1 : 0, 0 } };
}

static void equal_values(void)
{
    float z[3] = { 1, 2, NAN }, t[3] = { 1, 3, 0 }, dz[3];
    check_shape("equal values and NaN");
    for (int d = 0; d < check_devices(); d++) {
        check_run(
            d, &hsgd_op_mae, NULL,
            &(struct hsgd_op_call){ .rows = 3, .in = { hsgd_vector(1), hsgd_vector(1) }, .x = { z, t }, .dx = { dz } },
            UNCOUNTED);
        check_that(dz[0] == 0 && dz[1] == -1 && isnan(dz[2]), "dz is %g %g %g", dz[0], dz[1], dz[2]);
    }
}

void reference_mae(void)
{
    check_value_loss(&hsgd_op_mae, NULL, absolute, 204);
    equal_values();
}
