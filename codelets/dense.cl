/* Helpers of matrix-shaped operations: bias, activations, column sums. */
#include "device.h"

DEVICE float activate(float z, int activation)
{
    if (activation == 1) return z < 0.0f ? 0.0f : z; /* NaN stays NaN */
    if (activation == 2) return tanhf(z);
    if (activation == 3) return 1.0f / (1.0f + expf(-z));
    return z;
}

/* f'(z) from y = f(z) */
DEVICE float activation_slope(float y, int activation)
{
    if (activation == 1) return y > 0.0f ? 1.0f : 0.0f;
    if (activation == 2) return 1.0f - y * y;
    if (activation == 3) return y * (1.0f - y);
    return 1.0f;
}

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

struct act_bwd_args { int n, activation; };

/* dy[i] *= f'(z_i) with y = f(z), in place: dy becomes dz. */
KERNEL2(act_bwd, act_bwd_args)
{
    BUFFER(0, const float, y)
    BUFFER(1, float, dy)
    if (ARG(activation) == 1)
        FOR_ITEMS(i, ARG(n)) {
            float d = dy[i];
            dy[i] = y[i] > 0.0f ? d : 0.0f;
        }
    else
        FOR_ITEMS(i, ARG(n)) dy[i] *= activation_slope(y[i], ARG(activation));
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
