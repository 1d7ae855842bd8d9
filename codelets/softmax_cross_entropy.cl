#include "device.h"

struct softmax_ce_args { int rows, cols, want_gradient; float sharp, even; };

/* Per row r of the logits z, q being sharp * onehot(t) + even (which add up to
 * 1 over a row): loss[r] = log sum_j exp(z_rj) - sum_j q_j z_rj and
 * correct[r] = (argmax z_r == t); dz = softmax(z) - q when wanted.
 * stats holds loss[rows], then correct[rows]. */
KERNEL4(softmax_ce, softmax_ce_args)
{
    BUFFER(0, const float, z)
    BUFFER(1, const int, labels)
    BUFFER(2, float, dz)
    BUFFER(3, float, stats)
    FOR_ITEMS(r, ARG(rows)) {
        int cols = ARG(cols), t = labels[r], best = 0;
        GLOBAL const float *zr = z + (size_t)r * cols;
        float top = zr[0], sum = 0.0f, total = 0.0f;
        for (int c = 1; c < cols; c++)
            if (zr[c] > top) { top = zr[c]; best = c; }
        for (int c = 0; c < cols; c++) {
            sum += expf(zr[c] - top);
            total += zr[c] - top;
        }
        stats[r] = logf(sum) - ARG(sharp) * (zr[t] - top) - ARG(even) * total;
        stats[ARG(rows) + r] = best == t ? 1.0f : 0.0f;
        if (ARG(want_gradient)) {
            GLOBAL float *dr = dz + (size_t)r * cols;
            float scale = 1.0f / sum;
            for (int c = 0; c < cols; c++) {
                float q = (c == t ? ARG(sharp) : 0.0f) + ARG(even);
                dr[c] = expf(zr[c] - top) * scale - q;
            }
        }
    }
}

struct loss_sums_args { int rows; };

/* sums = { sum of losses, sum of correct, rows }; each sum by one item, rows
 * in order. */
KERNEL2(loss_sums, loss_sums_args)
{
    BUFFER(0, const float, stats)
    BUFFER(1, float, sums)
    FOR_ITEMS(i, 3) {
        float s = 0.0f;
        for (int r = 0; i < 2 && r < ARG(rows); r++) s += stats[(size_t)i * ARG(rows) + r];
        sums[i] = i < 2 ? s : (float)ARG(rows);
    }
}
