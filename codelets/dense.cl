/* The fully connected layer, beside GEMM: bias and column sums. */
#include "device.h"

struct bias_act_args { int rows, cols, stride, has_bias, activation; };

/* y[r][c] = act(y[r][c] + bias[c]), in place; rows `stride` floats apart. */
KERNEL2(bias_act, bias_act_args)
{
    BUFFER(0, float, y)
    BUFFER(1, const float, bias)
    FOR_ROWS(r, ARG(rows)) {
        GLOBAL float *row = y + (size_t)r * ARG(stride);
        if (ARG(activation) == 1 && ARG(has_bias))
            FOR_COLS(c, ARG(cols)) row[c] = activate(row[c] + bias[c], 1);
        else
            FOR_COLS(c, ARG(cols)) row[c] = activate(ARG(has_bias) ? row[c] + bias[c] : row[c], ARG(activation));
    }
}

struct column_sums_args { int rows, cols; };

/* out[c] = sum_r a[r][c], rows in order. */
KERNEL2(column_sums, column_sums_args)
{
    BUFFER(0, const float, a)
    BUFFER(1, float, out)
    FOR_ITEMS(c, ARG(cols)) out[c] = a[c];
    for (int r = 1; r < ARG(rows); r++)
        FOR_ITEMS(c, ARG(cols)) out[c] += a[(size_t)r * ARG(cols) + c];
}
