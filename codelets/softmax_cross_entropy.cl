/* SPDX-License-Identifier: BSD-3-Clause */
#include "device.h"
#include "vector_math.h"

#define PUT_FLOATS 64
#define SOFTMAX_WIDE 64 /* classes from which vectors of exponentials pay */

struct softmax_ce_args { int rows, cols, want_gradient; float sharp, even; };

/* Per row r of the logits z, q being sharp * onehot(t) + even (which sum to
 * 1 over a row): loss[r] = log sum_j exp(z_rj) - sum_j q_j z_rj and
 * correct[r] = (argmax z_r == t); dz = softmax(z) - q if requested.
 * stats holds loss[rows], then correct[rows]. */
KERNEL4(softmax_ce, softmax_ce_args)
{
    BUFFER(0, const float, z)
    BUFFER(1, const int, labels)
    BUFFER(2, float, dz)
    BUFFER(3, float, stats)
    FOR_WARPS(r, ARG(rows)) {
        int cols = ARG(cols), t = labels[r], best = WARP_LANE < cols ? WARP_LANE : 0;
        GLOBAL const float *zr = z + (size_t)r * cols;
        float own = zr[best], sum = 0.0f, total = 0.0f;
        for (int c = WARP_LANE + WARP; c < cols; c += WARP)
            if (zr[c] > own) { own = zr[c]; best = c; }
        float top = WARP_MAX(own);
        float first = -WARP_MAX(own == top ? -(float)best : -(float)cols); /* exact: cols <= 2^20 */
        if (cols >= SOFTMAX_WIDE)
            for (int c = WARP_LANE; c < cols; c += WARP) {
                sum += vector_exp(zr[c] - top);
                total += zr[c] - top;
            }
        else
            for (int c = WARP_LANE; c < cols; c += WARP) {
                sum += expf(zr[c] - top);
                total += zr[c] - top;
            }
        sum = WARP_SUM(sum);
        total = WARP_SUM(total);
        if (WARP_LANE == 0) {
            stats[r] = logf(sum) - ARG(sharp) * (zr[t] - top) - ARG(even) * total;
            stats[ARG(rows) + r] = (int)first == t ? 1.0f : 0.0f;
        }
        if (ARG(want_gradient)) {
            GLOBAL float *dr = dz + (size_t)r * cols;
            float scale = 1.0f / sum;
            if (cols >= SOFTMAX_WIDE) {
                for (int c = WARP_LANE; c < cols; c += WARP) dr[c] = vector_exp(zr[c] - top) * scale - ARG(even);
                if (t % WARP == WARP_LANE) dr[t] -= ARG(sharp);
            } else
                for (int c = WARP_LANE; c < cols; c += WARP) {
                    float q = (c == t ? ARG(sharp) : 0.0f) + ARG(even);
                    dr[c] = expf(zr[c] - top) * scale - q;
                }
        }
    }
}

struct loss_sums_args { int rows; };

/* sums = { sum of losses, sum of correct, rows }; each sum by one warp. */
KERNEL2(loss_sums, loss_sums_args)
{
    BUFFER(0, const float, stats)
    BUFFER(1, float, sums)
    FOR_WARPS(i, 3) {
        float s = 0.0f;
        for (int r = WARP_LANE; i < 2 && r < ARG(rows); r += WARP) s += stats[(size_t)i * ARG(rows) + r];
        s = WARP_SUM(s);
        if (WARP_LANE == 0) sums[i] = i < 2 ? s : (float)ARG(rows);
    }
}

struct softmax_count_args { int rows, ignore; };

/* count[0] = the number of labels that are not ignored, by one warp */
KERNEL2(softmax_count, softmax_count_args)
{
    BUFFER(0, const int, labels)
    BUFFER(1, float, count)
    FOR_WARPS(i, 1) {
        float n = 0.0f;
        for (int r = WARP_LANE; r < ARG(rows); r += WARP) n += labels[r] == ARG(ignore) ? 0.0f : 1.0f;
        n = WARP_SUM(n);
        if (WARP_LANE == 0) count[i] = n;
    }
}

struct put_floats_args { int n, at; float value[PUT_FLOATS]; };

/* Some numbers from the arguments, to[at..] = value. */
KERNEL1(put_floats, put_floats_args)
{
    BUFFER(0, float, to)
    FOR_ITEMS(i, ARG(n)) to[ARG(at) + i] = ARG(value)[i];
}

/* softmax_ce with a weight for each class: loss[r] = -sum_j w_j q_j log p_j, p = softmax(z_r);
 * dz_j = p_j sum_k w_k q_k - w_j q_j. */
KERNEL5(softmax_ce_weighted, softmax_ce_args)
{
    BUFFER(0, const float, z)
    BUFFER(1, const int, labels)
    BUFFER(2, const float, w)
    BUFFER(3, float, dz)
    BUFFER(4, float, stats)
    const int cols = ARG(cols);
    FOR_WARPS(r, ARG(rows)) {
        GLOBAL const float *zr = z + (size_t)r * cols;
        int t = labels[r], best = WARP_LANE < cols ? WARP_LANE : 0;
        float own = zr[best], sum = 0.0f, total = 0.0f, weights = 0.0f;
        for (int c = WARP_LANE + WARP; c < cols; c += WARP)
            if (zr[c] > own) { own = zr[c]; best = c; }
        const float top = WARP_MAX(own), first = -WARP_MAX(own == top ? -(float)best : -(float)cols);
        for (int c = WARP_LANE; c < cols; c += WARP) {
            sum += vector_exp(zr[c] - top);
            total += w[c] * (zr[c] - top);
            weights += w[c];
        }
        sum = WARP_SUM(sum);
        total = ARG(sharp) * w[t] * (zr[t] - top) + ARG(even) * WARP_SUM(total);
        weights = ARG(sharp) * w[t] + ARG(even) * WARP_SUM(weights);
        if (WARP_LANE == 0) {
            stats[r] = weights * vector_log(sum) - total;
            stats[(size_t)ARG(rows) + r] = (int)first == t ? 1.0f : 0.0f;
        }
        if (ARG(want_gradient)) {
            GLOBAL float *dr = dz + (size_t)r * cols;
            const float scale = weights / sum;
            for (int c = WARP_LANE; c < cols; c += WARP)
                dr[c] = vector_exp(zr[c] - top) * scale - w[c] * ((c == t ? ARG(sharp) : 0.0f) + ARG(even));
        }
    }
}

struct softmax_weigh_args { int rows, cols, has_ignore, ignore; };

/* Of the counts, the third column of stats, makes terms: a row is as many as its class weighs; the counts go behind. */
KERNEL3(softmax_weigh, softmax_weigh_args)
{
    BUFFER(0, const int, labels)
    BUFFER(1, const float, w)
    BUFFER(2, float, stats)
    FOR_ITEMS(r, ARG(rows)) {
        float count = stats[2 * (size_t)ARG(rows) + r];
        stats[2 * (size_t)ARG(rows) + r] = count * w[labels[r]];
        stats[3 * (size_t)ARG(rows) + r] = count;
    }
}

/* count[0] = the sum of these, NaN where there is no such class; by one warp */
KERNEL3(softmax_count_weights, softmax_weigh_args)
{
    BUFFER(0, const int, labels)
    BUFFER(1, const float, w)
    BUFFER(2, float, count)
    FOR_WARPS(i, 1) {
        float n = 0.0f;
        for (int r = WARP_LANE; r < ARG(rows); r += WARP) {
            int t = labels[r], inside = t >= 0 && t < ARG(cols);
            float weight = inside ? w[inside ? t : 0] : BITS_TO_FLOAT(0x7fc00000u);
            n += ARG(has_ignore) && t == ARG(ignore) ? 0.0f : weight;
        }
        n = WARP_SUM(n);
        if (WARP_LANE == 0) count[i] = n;
    }
}

struct softmax_mask_args { int rows, cols, has_ignore, ignore, want_gradient; };

/* Labels that softmax_ce can read: 0 in place of others.  counts: 1, 0 where the
 * label is ignored, NaN where there is no such class. */
KERNEL3(softmax_labels, softmax_mask_args)
{
    BUFFER(0, const int, labels)
    BUFFER(1, int, clean)
    BUFFER(2, float, counts)
    FOR_ITEMS(r, ARG(rows)) {
        int t = labels[r], inside = t >= 0 && t < ARG(cols);
        clean[r] = inside ? t : 0;
        counts[r] = ARG(has_ignore) && t == ARG(ignore) ? 0.0f : inside ? 1.0f : BITS_TO_FLOAT(0x7fc00000u);
    }
}

/* Rows that do not count have no loss and no gradient; impossible ones are NaN.
 * stats holds what softmax_ce wrote, then the counts. */
KERNEL2(softmax_mask, softmax_mask_args)
{
    BUFFER(0, float, stats)
    BUFFER(1, float, dz)
    FOR_WARPS(r, ARG(rows)) {
        float count = stats[2 * (size_t)ARG(rows) + r];
        if (count == 1.0f) continue;
        if (WARP_LANE == 0) {
            stats[r] = count;
            stats[(size_t)ARG(rows) + r] = count;
        }
        GLOBAL float *dr = dz + (size_t)r * ARG(cols);
        for (int c = WARP_LANE; ARG(want_gradient) && c < ARG(cols); c += WARP) dr[c] = count;
    }
}
