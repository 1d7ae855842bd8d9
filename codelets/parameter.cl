/* SPDX-License-Identifier: BSD-3-Clause */
#include "device.h"

struct parameter_args { int rows, cols; };

/* y[r] = w */
KERNEL2(parameter_fwd, parameter_args)
{
    BUFFER(0, const float, w)
    BUFFER(1, float, y)
    const int cols = ARG(cols);
    FOR_WARPS(r, ARG(rows)) {
        GLOBAL float *to = y + (size_t)r * cols;
        INDEPENDENT
        for (int c = WARP_LANE; c < cols; c += WARP) to[c] = w[c];
    }
}

/* dx = 0: y does not depend on x */
KERNEL1(parameter_dx, parameter_args)
{
    BUFFER(0, float, dx)
    const int cols = ARG(cols);
    FOR_WARPS(r, ARG(rows)) {
        GLOBAL float *to = dx + (size_t)r * cols;
        INDEPENDENT
        for (int c = WARP_LANE; c < cols; c += WARP) to[c] = 0.0f;
    }
}
