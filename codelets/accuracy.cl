/* SPDX-License-Identifier: BSD-3-Clause */
#include "device.h"

struct top_k_args { int rows, cols, k, has_ignore, ignore; };

/* stats holds hit[rows], then counts[rows]: a row counts unless its label is
 * ignored, and is hit if fewer than k scores are greater than that of its label, or
 * equal and before it; NaN where there is no such class. */
KERNEL3(top_k, top_k_args)
{
    BUFFER(0, const float, z)
    BUFFER(1, const int, labels)
    BUFFER(2, float, stats)
    const int cols = ARG(cols);
    FOR_WARPS(r, ARG(rows)) {
        const int label = labels[r], ignored = ARG(has_ignore) && label == ARG(ignore);
        const int inside = label >= 0 && label < cols, t = inside ? label : 0;
        GLOBAL const float *zr = z + (size_t)r * cols;
        const float zt = zr[t];
        float better = 0.0f;
        for (int c = WARP_LANE; c < cols; c += WARP) better += zr[c] > zt || (zr[c] == zt && c < t) ? 1.0f : 0.0f;
        better = WARP_SUM(better);
        if (WARP_LANE == 0) {
            float count = ignored ? 0.0f : inside ? 1.0f : BITS_TO_FLOAT(0x7fc00000u);
            stats[r] = zt == zt && better < (float)ARG(k) ? count : 0.0f * count;
            stats[(size_t)ARG(rows) + r] = count;
        }
    }
}
