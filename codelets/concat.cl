/* SPDX-License-Identifier: BSD-3-Clause */
#include "device.h"

struct copy_columns_args { int rows, cols, from_stride, to_stride; };

/* to = from, both `cols` columns of matrices of numbers of 32 bits, whose rows are so many apart. */
KERNEL2(copy_columns, copy_columns_args)
{
    BUFFER(0, const int, from)
    BUFFER(1, int, to)
    const int cols = ARG(cols);
    FOR_WARPS(r, ARG(rows)) {
        GLOBAL const int *f = from + (size_t)r * ARG(from_stride);
        GLOBAL int *t = to + (size_t)r * ARG(to_stride);
        INDEPENDENT
        for (int c = WARP_LANE; c < cols; c += WARP) t[c] = f[c];
    }
}

/* to = 0 in such columns */
KERNEL1(zero_columns, copy_columns_args)
{
    BUFFER(0, int, to)
    const int cols = ARG(cols);
    FOR_WARPS(r, ARG(rows)) {
        GLOBAL int *t = to + (size_t)r * ARG(to_stride);
        INDEPENDENT
        for (int c = WARP_LANE; c < cols; c += WARP) t[c] = 0;
    }
}
