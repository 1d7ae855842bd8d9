/* SPDX-License-Identifier: BSD-3-Clause */
#include "device.h"

struct pointwise_args { int n, add; };

/* y = a + b */
KERNEL3(pointwise_add, pointwise_args)
{
    BUFFER(0, const float, a)
    BUFFER(1, const float, b)
    BUFFER(2, float, y)
    FOR_ITEMS(i, ARG(n)) y[i] = a[i] + b[i];
}

/* y = a b; add: y += a b */
KERNEL3(pointwise_mul, pointwise_args)
{
    BUFFER(0, const float, a)
    BUFFER(1, const float, b)
    BUFFER(2, float, y)
    if (ARG(add))
        FOR_ITEMS(i, ARG(n)) y[i] += a[i] * b[i];
    else
        FOR_ITEMS(i, ARG(n)) y[i] = a[i] * b[i];
}
