/* SPDX-License-Identifier: BSD-3-Clause */
/* Products of many small matrices, in one launch. */
#include "device.h"

/* C = op(A) op(B), `count` of them one after the other; element (i, p) of op(A) is at i row_a + p step_a, (p, j) of
 * op(B) at p step_b + j column_b. */
struct batched_matmul_args { int count, m, n, k, row_a, step_a, step_b, column_b; };

/* A warp takes a row of C; where the rows of op(B) lie in memory as they are, a CPU adds multiples of them, else it
 * multiplies row by row. */
KERNEL3(batched_matmul, batched_matmul_args)
{
    BUFFER(0, const float, a)
    BUFFER(1, const float, b)
    BUFFER(2, float, c)
    const int m = ARG(m), n = ARG(n), k = ARG(k), step_a = ARG(step_a), step_b = ARG(step_b);
    FOR_WARPS(r, ARG(count) * m) {
        const int matrix = r / m;
        GLOBAL const float *ar = a + (size_t)matrix * m * k + (size_t)(r % m) * ARG(row_a);
        GLOBAL const float *bm = b + (size_t)matrix * k * n;
        GLOBAL float *cr = c + (size_t)r * n;
        if (ARG(column_b) != 1) {
            const int column_b = ARG(column_b);
            for (int j = WARP_LANE; j < n; j += WARP) {
                GLOBAL const float *bj = bm + (size_t)j * column_b;
                float sum = 0.0f;
                if (step_a == 1 && step_b == 1)
                    for (int p = 0; p < k; p++) sum += ar[p] * bj[p];
                else
                    for (int p = 0; p < k; p++) sum += ar[(size_t)p * step_a] * bj[(size_t)p * step_b];
                cr[j] = sum;
            }
        } else {
            INDEPENDENT for (int j = WARP_LANE; j < n; j += WARP) cr[j] = ar[0] * bm[j];
            for (int p = 1; p < k; p++) {
                const float s = ar[(size_t)p * step_a];
                GLOBAL const float *bp = bm + (size_t)p * step_b;
                INDEPENDENT for (int j = WARP_LANE; j < n; j += WARP) cr[j] += s * bp[j];
            }
        }
    }
}
