/* SPDX-License-Identifier: BSD-3-Clause */
#include "op_bench.h"

#include <math.h>

double direct_dense(int index, int rows, int in, int units, bool backward, int repeats)
{
    (void)index, (void)rows, (void)in, (void)units, (void)backward, (void)repeats;
    return NAN;
}

double direct_conv2d(int index, const struct direct_conv *a, bool backward, int repeats)
{
    (void)index, (void)a, (void)backward, (void)repeats;
    return NAN;
}
