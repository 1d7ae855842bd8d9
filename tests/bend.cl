/* SPDX-License-Identifier: BSD-3-Clause */
/* Kernels of an application's operations: see test_ops_tree.c. */
#include <hsgd/device.h>

struct bend_args { int rows, size; };

/* y = x + w x^2 */
KERNEL3(bend_fwd, bend_args)
{
    BUFFER(0, const float, x)
    BUFFER(1, const float, w)
    BUFFER(2, float, y)
    FOR_ITEMS(i, ARG(rows) * ARG(size)) y[i] = x[i] + w[i % ARG(size)] * x[i] * x[i];
}

/* dx = dy (1 + 2 w x) */
KERNEL4(bend_dx, bend_args)
{
    BUFFER(0, const float, x)
    BUFFER(1, const float, w)
    BUFFER(2, const float, dy)
    BUFFER(3, float, dx)
    FOR_ITEMS(i, ARG(rows) * ARG(size)) dx[i] = dy[i] * (1.0f + 2.0f * w[i % ARG(size)] * x[i]);
}

/* dw[c] = sum of dy x^2 over the rows */
KERNEL3(bend_dw, bend_args)
{
    BUFFER(0, const float, x)
    BUFFER(1, const float, dy)
    BUFFER(2, float, dw)
    int rows = ARG(rows), size = ARG(size);
    FOR_ITEMS(c, size) {
        float sum = 0.0f;
        for (int r = 0; r < rows; r++) sum += dy[r * size + c] * x[r * size + c] * x[r * size + c];
        dw[c] = sum;
    }
}

struct blend_args { int n; float a, b; };

/* y = a x + b z */
KERNEL3(blend, blend_args)
{
    BUFFER(0, const float, x)
    BUFFER(1, const float, z)
    BUFFER(2, float, y)
    FOR_ITEMS(i, ARG(n)) y[i] = ARG(a) * x[i] + ARG(b) * z[i];
}
