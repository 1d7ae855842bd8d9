/* SPDX-License-Identifier: BSD-3-Clause */
#include "device.h"

struct copy_columns_args { int rows, cols, from_stride, to_stride; };

/* to = from, both `cols` columns of matrices whose rows are so many floats apart. */
KERNEL2(copy_columns, copy_columns_args)
{
    BUFFER(0, const float, from)
    BUFFER(1, float, to)
    const int cols = ARG(cols);
    FOR_WARPS(r, ARG(rows)) {
        GLOBAL const float *f = from + (size_t)r * ARG(from_stride);
        GLOBAL float *t = to + (size_t)r * ARG(to_stride);
        INDEPENDENT
        for (int c = WARP_LANE; c < cols; c += WARP) t[c] = f[c];
    }
}

/* to = 0 in such columns */
KERNEL1(zero_columns, copy_columns_args)
{
    BUFFER(0, float, to)
    const int cols = ARG(cols);
    FOR_WARPS(r, ARG(rows)) {
        GLOBAL float *t = to + (size_t)r * ARG(to_stride);
        INDEPENDENT
        for (int c = WARP_LANE; c < cols; c += WARP) t[c] = 0.0f;
    }
}
