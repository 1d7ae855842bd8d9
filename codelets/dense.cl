/* SPDX-License-Identifier: BSD-3-Clause */
/* The fully connected layer, beside GEMM: bias and column sums. */
#include "device.h"
#include "activate.h"

struct bias_act_args { int rows, cols, stride, has_bias, activation; };

/* y[r][c] = act(y[r][c] + bias[c]), in place; rows `stride` floats apart. */
KERNEL2(bias_act, bias_act_args)
{
    BUFFER(0, float, y)
    BUFFER(1, const float, bias)
    FOR_ROWS(r, ARG(rows)) {
        GLOBAL float *row = y + (size_t)r * ARG(stride);
        if (ARG(activation) == ACTIVATION_RELU && ARG(has_bias))
            FOR_COLS(c, ARG(cols)) row[c] = activate(row[c] + bias[c], ACTIVATION_RELU);
        else
            FOR_COLS(c, ARG(cols)) row[c] = activate(ARG(has_bias) ? row[c] + bias[c] : row[c], ARG(activation));
    }
}

#define COLUMN_BLOCK 8 /* columns that a group sums together: the minimum memory transaction, 32 bytes */

struct column_sums_args { int rows, cols, stride; };

/* out[c] = sum_r a[r][c], rows in order; in a group of W ways, item w sums
 * rows w, w + W, ..., and these sums are then added in order. */
KERNEL2(column_sums, column_sums_args)
{
    BUFFER(0, const float, a)
    BUFFER(1, float, out)
    LOCAL float partial[LOCAL_MAX];
    if (LOCAL_SIZE == 1) {
        FOR_ITEMS(c, ARG(cols)) out[c] = a[c];
        for (int r = 1; r < ARG(rows); r++)
            FOR_ITEMS(c, ARG(cols)) out[c] += a[(size_t)r * ARG(stride) + c];
        return;
    }
    int lane = LOCAL_ID % COLUMN_BLOCK, ways = LOCAL_SIZE / COLUMN_BLOCK;
    FOR_ROWS(block, (ARG(cols) + COLUMN_BLOCK - 1) / COLUMN_BLOCK) {
        int c = block * COLUMN_BLOCK + lane;
        float s = 0.0f;
        for (int r = LOCAL_ID / COLUMN_BLOCK; c < ARG(cols) && r < ARG(rows); r += ways)
            s += a[(size_t)r * ARG(stride) + c];
        partial[LOCAL_ID] = s;
        BARRIER();
        for (int w = 1; LOCAL_ID < COLUMN_BLOCK && w < ways; w++) s += partial[w * COLUMN_BLOCK + lane];
        if (LOCAL_ID < COLUMN_BLOCK && c < ARG(cols)) out[c] = s;
        BARRIER();
    }
}
