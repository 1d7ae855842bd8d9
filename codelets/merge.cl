/* SPDX-License-Identifier: BSD-3-Clause */
/* Merging the results of slices: sums in a fixed order. */
#include "device.h"
#include "shared.h"

struct add_args { int n; };

/* y[i] += x[i] */
KERNEL2(add, add_args)
{
    BUFFER(0, const float, x)
    BUFFER(1, float, y)
    FOR_ITEMS(i, ARG(n)) y[i] += x[i];
}

struct copy_args { int n; };

KERNEL2(copy, copy_args)
{
    BUFFER(0, const float, x)
    BUFFER(1, float, y)
    FOR_ITEMS(i, ARG(n)) y[i] = x[i];
}

struct zero_args { int n; };

KERNEL1(zero, zero_args)
{
    BUFFER(0, float, y)
    FOR_ITEMS(i, ARG(n)) y[i] = 0.0f;
}

struct divide_args { int n; float factor; int counted; };

/* y[i] *= factor, divided by the number of terms where they are counted: of none, y is 0 */
KERNEL2(divide, divide_args)
{
    BUFFER(0, const float, terms)
    BUFFER(1, float, y)
    float factor = ARG(factor);
    if (ARG(counted)) factor = terms[0] == 0.0f ? 0.0f : factor / terms[0];
    FOR_ITEMS(i, ARG(n)) y[i] *= factor;
}

#define SQUARE_PARTS 32 /* groups that a sum of squares is divided among */

struct square_sum_args { int n, add; };

/* parts[p] (+)= the sum of g[i]^2 over part p of SQUARE_PARTS, by one group:
 * the sums of its warps, added in order. */
KERNEL2(square_sum, square_sum_args)
{
    BUFFER(0, const float, g)
    BUFFER(1, float, parts)
    LOCAL float partial[LOCAL_MAX];
    FOR_ROWS(part, SQUARE_PARTS) {
        int begin = (int)((u64)ARG(n) * (u64)part / SQUARE_PARTS);
        int here = (int)((u64)ARG(n) * (u64)(part + 1) / SQUARE_PARTS) - begin;
        GLOBAL const float *from = g + begin;
        float s = 0.0f;
        FOR_COLS(i, here) s += from[i] * from[i];
        s = WARP_SUM(s);
        if (WARP_LANE == 0) partial[LOCAL_ID / WARP] = s;
        BARRIER();
        if (LOCAL_ID == 0) {
            for (int i = 1; i < LOCAL_SIZE / WARP; i++) s += partial[i];
            parts[part] = ARG(add) ? parts[part] + s : s;
        }
        BARRIER();
    }
}

struct square_total_args { int n; };

/* out[0] = the sum of n parts */
KERNEL2(square_total, square_total_args)
{
    BUFFER(0, const float, parts)
    BUFFER(1, float, out)
    FOR_WARPS(row, 1) {
        float s = 0.0f;
        for (int i = WARP_LANE; i < ARG(n); i += WARP) s += parts[i];
        s = WARP_SUM(s);
        if (WARP_LANE == 0) out[row] = s;
    }
}

struct clip_add_args { int first; };

/* total[0] (+)= part[0] */
KERNEL2(clip_add, clip_add_args)
{
    BUFFER(0, const float, part)
    BUFFER(1, float, total)
    FOR_ITEMS(i, 1) total[i] = ARG(first) ? part[i] : total[i] + part[i];
}

struct clip_scale_args { float max_norm; };

/* s[0], the sum of squares of the summed gradient, becomes the factor that
 * brings the 2-norm of the mean gradient (step[STEP_SCALE] times the sum) to at most
 * max_norm. */
KERNEL2(clip_scale, clip_scale_args)
{
    BUFFER(0, const float, step)
    BUFFER(1, float, s)
    FOR_ITEMS(i, 1) {
        float norm = step[STEP_SCALE] * sqrtf(s[i]);
        s[i] = norm > ARG(max_norm) ? ARG(max_norm) / norm : 1.0f;
    }
}
