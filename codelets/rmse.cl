/* SPDX-License-Identifier: BSD-3-Clause */
#include "device.h"

struct r2_args { int rows, cols; float center; };

/* sums = { rows, rows cols }, then for each channel c, with s = t - center,
 * { sum (z - t)^2, sum s, sum s^2 } over the rows. */
KERNEL3(r2_sums, r2_args)
{
    BUFFER(0, const float, z)
    BUFFER(1, const float, t)
    BUFFER(2, float, sums)
    const int rows = ARG(rows), cols = ARG(cols);
    FOR_WARPS(c, cols) {
        float squares = 0.0f, first = 0.0f, second = 0.0f;
        for (int r = WARP_LANE; r < rows; r += WARP) {
            size_t i = (size_t)r * cols + c;
            float d = z[i] - t[i], s = t[i] - ARG(center);
            squares += d * d;
            first += s;
            second += s * s;
        }
        squares = WARP_SUM(squares);
        first = WARP_SUM(first);
        second = WARP_SUM(second);
        if (WARP_LANE == 0) {
            sums[2 + 3 * c] = squares;
            sums[3 + 3 * c] = first;
            sums[4 + 3 * c] = second;
            if (c == 0) {
                sums[0] = (float)rows;
                sums[1] = (float)rows * (float)cols;
            }
        }
    }
}
