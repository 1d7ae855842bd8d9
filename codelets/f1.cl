/* SPDX-License-Identifier: BSD-3-Clause */
#include "device.h"

struct guess_args { int rows, cols, has_ignore, ignore; };

/* guesses[r] = the class with the largest score (the first of equals), then truths[r]; of rows that are ignored both are
 * -1, and the truth is -2 where there is no such class or a score is NaN. */
KERNEL3(class_guesses, guess_args)
{
    BUFFER(0, const float, z)
    BUFFER(1, const int, labels)
    BUFFER(2, int, guesses)
    const int cols = ARG(cols);
    FOR_WARPS(r, ARG(rows)) {
        GLOBAL const float *zr = z + (size_t)r * cols;
        int best = WARP_LANE < cols ? WARP_LANE : 0;
        float own = zr[best], total = 0.0f;
        for (int c = WARP_LANE + WARP; c < cols; c += WARP)
            if (zr[c] > own) { own = zr[c]; best = c; }
        for (int c = WARP_LANE; c < cols; c += WARP) total += 0.0f * zr[c];
        const float top = WARP_MAX(own), first = -WARP_MAX(own == top ? -(float)best : -(float)cols);
        total = WARP_SUM(total);
        if (WARP_LANE == 0) {
            const int t = labels[r], ignored = ARG(has_ignore) && t == ARG(ignore);
            const int right = t >= 0 && t < cols && total == 0.0f;
            guesses[r] = ignored || !right ? -1 : (int)first;
            guesses[(size_t)ARG(rows) + r] = ignored ? -1 : right ? t : -2;
        }
    }
}

struct class_count_args { int rows, cols; };

/* sums = { rows that count, that times cols }, then for each class { right guesses, other guesses of it, times that it
 * was missed }; a warp per class.  NaN where a row is invalid. */
KERNEL2(class_counts, class_count_args)
{
    BUFFER(0, const int, guesses)
    BUFFER(1, float, sums)
    const int rows = ARG(rows);
    FOR_WARPS(c, ARG(cols)) {
        float right = 0.0f, wrong = 0.0f, missed = 0.0f, counted = 0.0f;
        for (int r = WARP_LANE; r < rows; r += WARP) {
            const int guess = guesses[r], truth = guesses[rows + r];
            right += guess == c && truth == c ? 1.0f : 0.0f;
            wrong += guess == c && truth != c ? 1.0f : 0.0f;
            missed += guess != c && truth == c ? 1.0f : 0.0f;
            counted += truth == -2 ? BITS_TO_FLOAT(0x7fc00000u) : truth >= 0 ? 1.0f : 0.0f;
        }
        right = WARP_SUM(right);
        wrong = WARP_SUM(wrong);
        missed = WARP_SUM(missed);
        counted = WARP_SUM(counted);
        if (WARP_LANE == 0) {
            sums[2 + 3 * c] = right;
            sums[3 + 3 * c] = wrong;
            sums[4 + 3 * c] = missed;
            if (c == 0) {
                sums[0] = counted;
                sums[1] = counted * (float)ARG(cols);
            }
        }
    }
}

struct value_guess_args { int rows, cols; float threshold; };

/* The same of values: a guess is z > threshold, a truth t > 1/2, each channel a class of its own. */
KERNEL3(value_counts_of, value_guess_args)
{
    BUFFER(0, const float, z)
    BUFFER(1, const float, t)
    BUFFER(2, float, sums)
    const int rows = ARG(rows), cols = ARG(cols);
    FOR_WARPS(c, cols) {
        float right = 0.0f, wrong = 0.0f, missed = 0.0f, invalid = 0.0f;
        for (int r = WARP_LANE; r < rows; r += WARP) {
            const float x = z[(size_t)r * cols + c], truth = t[(size_t)r * cols + c];
            const int guess = x > ARG(threshold), is = truth > 0.5f;
            right += guess && is ? 1.0f : 0.0f;
            wrong += guess && !is ? 1.0f : 0.0f;
            missed += !guess && is ? 1.0f : 0.0f;
            invalid += 0.0f * x + 0.0f * truth;
        }
        right = WARP_SUM(right);
        wrong = WARP_SUM(wrong);
        missed = WARP_SUM(missed);
        invalid = WARP_SUM(invalid);
        if (WARP_LANE == 0) {
            sums[2 + 3 * c] = right + invalid;
            sums[3 + 3 * c] = wrong;
            sums[4 + 3 * c] = missed;
            if (c == 0) {
                sums[0] = (float)rows;
                sums[1] = (float)rows * (float)cols;
            }
        }
    }
}
