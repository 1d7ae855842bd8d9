/* SPDX-License-Identifier: BSD-3-Clause */
/* Sums that losses and metrics return. */
#include "device.h"

struct row_sums_args { int rows, columns, sums; float last; };

/* sums[i] = sum_r stats[i rows + r] for i < columns, each by one warp; the others
 * are 0, but the last is `last`. */
KERNEL2(row_sums, row_sums_args)
{
    BUFFER(0, const float, stats)
    BUFFER(1, float, sums)
    FOR_WARPS(i, ARG(sums)) {
        float s = 0.0f;
        for (int r = WARP_LANE; i < ARG(columns) && r < ARG(rows); r += WARP) s += stats[(size_t)i * ARG(rows) + r];
        s = WARP_SUM(s);
        if (WARP_LANE == 0) sums[i] = i < ARG(columns) ? s : i == ARG(sums) - 1 ? ARG(last) : 0.0f;
    }
}
