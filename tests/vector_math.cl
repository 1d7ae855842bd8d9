/* SPDX-License-Identifier: BSD-3-Clause */
/* The functions of vector_math.h, for test_vector_math.c. */
#include "device.h"
#include "vector_math.h"

struct vector_math_args { int n; };

/* y = exp(x), and so on */
KERNEL2(vector_math_exp, vector_math_args)
{
    BUFFER(0, const float, x)
    BUFFER(1, float, y)
    FOR_ITEMS(i, ARG(n)) y[i] = vector_exp(x[i]);
}

KERNEL2(vector_math_log, vector_math_args)
{
    BUFFER(0, const float, x)
    BUFFER(1, float, y)
    FOR_ITEMS(i, ARG(n)) y[i] = vector_log(x[i]);
}

KERNEL2(vector_math_tanh, vector_math_args)
{
    BUFFER(0, const float, x)
    BUFFER(1, float, y)
    FOR_ITEMS(i, ARG(n)) y[i] = vector_tanh(x[i]);
}

KERNEL2(vector_math_erf, vector_math_args)
{
    BUFFER(0, const float, x)
    BUFFER(1, float, y)
    FOR_ITEMS(i, ARG(n)) y[i] = vector_erf(x[i]);
}

KERNEL2(vector_math_sigmoid, vector_math_args)
{
    BUFFER(0, const float, x)
    BUFFER(1, float, y)
    FOR_ITEMS(i, ARG(n)) y[i] = vector_sigmoid(x[i]);
}
