/* SPDX-License-Identifier: BSD-3-Clause */
#include "device.h"

#define AUC_BINS 256

struct auc_args { int rows, of_classes, has_ignore, ignore; float low, high; };

/* bins[r] = the bin of a score, plus AUC_BINS where the truth is positive; -1 where it is ignored, -2 where a score is
 * NaN or there is no such class.  of_classes: rows of two scores, of which the difference counts, and a class of two;
 * else values, positive above 1/2.  low = high: bins are even in x / (1 + |x|). */
KERNEL4(auc_bins, auc_args)
{
    BUFFER(0, const float, z)
    BUFFER(1, const int, labels)
    BUFFER(2, const float, values)
    BUFFER(3, int, bins)
    FOR_ITEMS(r, ARG(rows)) {
        const float x = ARG(of_classes) ? z[2 * (size_t)r + 1] - z[2 * (size_t)r] : z[r], span = ARG(high) - ARG(low);
        const float soft = 0.5f + 0.5f * x / (1.0f + fabsf(x)), even = (x - ARG(low)) / span;
        float at = span > 0.0f ? even : fabsf(x) > 1e30f ? (x > 0.0f ? 1.0f : 0.0f) : soft;
        at = at < 0.0f ? 0.0f : at > 1.0f ? 1.0f : at;
        int bin = (int)(at * (float)AUC_BINS), bad = x != x, is = 0;
        if (ARG(of_classes)) {
            is = labels[r] == 1;
            bad = bad || labels[r] < 0 || labels[r] > 1;
        } else {
            is = values[r] > 0.5f;
            bad = bad || values[r] != values[r];
        }
        bin = (bin < AUC_BINS ? bin : AUC_BINS - 1) + (is ? AUC_BINS : 0);
        bins[r] = ARG(has_ignore) && ARG(of_classes) && labels[r] == ARG(ignore) ? -1 : bad ? -2 : bin;
    }
}

/* sums[i] = how many rows are in bin i, the first one NaN where one is invalid; a warp per bin */
KERNEL2(auc_count, auc_args)
{
    BUFFER(0, const int, bins)
    BUFFER(1, float, sums)
    FOR_WARPS(i, 2 * AUC_BINS) {
        float n = 0.0f, bad = 0.0f;
        for (int r = WARP_LANE; r < ARG(rows); r += WARP) {
            n += bins[r] == i ? 1.0f : 0.0f;
            bad += bins[r] == -2 ? 1.0f : 0.0f;
        }
        n = WARP_SUM(n);
        bad = WARP_SUM(bad);
        if (WARP_LANE == 0) sums[i] = i == 0 && bad > 0.0f ? BITS_TO_FLOAT(0x7fc00000u) : n;
    }
}
