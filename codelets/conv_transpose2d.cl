/* SPDX-License-Identifier: BSD-3-Clause */
/* What transposed convolution has of its own: the rest are conv2d's kernels. */
#include "device.h"

struct lanes_sum_args { int n; };

/* y[i] = Σ over lanes of x[i] */
KERNEL2(conv_lanes_sum, lanes_sum_args)
{
    BUFFER(0, const float, x)
    BUFFER(1, float, y)
    FOR_ITEMS(i, ARG(n)) {
        float s = 0.0f;
        for (int l = 0; l < 16; l++) s += x[i * 16 + l];
        y[i] = s;
    }
}
