/* SPDX-License-Identifier: BSD-3-Clause */
/* The valid positions of a sample as one vector: the last, their mean or maximum. */
#include "device.h"

struct positions_args { int rows, steps, cols, has_lengths, add; };

DEVICE int positions_of(GLOBAL const int *lengths, const int has_lengths, const int r, const int steps)
{
    if (!has_lengths || lengths[r] > steps) return steps;
    return lengths[r] < 0 ? 0 : lengths[r];
}

/* y = x at position length - 1 */
KERNEL3(last_fwd, positions_args)
{
    BUFFER(0, const float, x)
    BUFFER(1, const int, lengths)
    BUFFER(2, float, y)
    const int cols = ARG(cols), steps = ARG(steps);
    FOR_ROWS(r, ARG(rows)) {
        const int n = positions_of(lengths, ARG(has_lengths), r, steps);
        GLOBAL const float *from = x + ((size_t)r * steps + (n ? n - 1 : 0)) * cols;
        GLOBAL float *to = y + (size_t)r * cols;
        if (n)
            FOR_COLS(c, cols) to[c] = from[c];
        else
            FOR_COLS(c, cols) to[c] = 0.0f;
    }
}

/* dx = dy there, else 0; add: dx += it */
KERNEL3(last_bwd, positions_args)
{
    BUFFER(0, const float, dy)
    BUFFER(1, const int, lengths)
    BUFFER(2, float, dx)
    const int cols = ARG(cols), steps = ARG(steps), add = ARG(add);
    FOR_ROWS(r, ARG(rows)) {
        const int n = positions_of(lengths, ARG(has_lengths), r, steps);
        GLOBAL const float *from = dy + (size_t)r * cols;
        for (int t = add ? n - 1 : 0; t >= 0 && t < (add ? n : steps); t++) {
            GLOBAL float *to = dx + ((size_t)r * steps + t) * cols;
            const int is_last = t == n - 1;
            FOR_COLS(c, cols) to[c] = add ? to[c] + from[c] : is_last ? from[c] : 0.0f;
        }
    }
}

/* y = sum_{t < length} x_t / length */
KERNEL3(mean_positions_fwd, positions_args)
{
    BUFFER(0, const float, x)
    BUFFER(1, const int, lengths)
    BUFFER(2, float, y)
    const int cols = ARG(cols), steps = ARG(steps);
    FOR_ROWS(r, ARG(rows)) {
        const int n = positions_of(lengths, ARG(has_lengths), r, steps);
        const float share = 1.0f / (float)(n ? n : 1);
        GLOBAL float *to = y + (size_t)r * cols;
        FOR_COLS(c, cols) to[c] = 0.0f;
        for (int t = 0; t < n; t++) {
            GLOBAL const float *from = x + ((size_t)r * steps + t) * cols;
            FOR_COLS(c, cols) to[c] += from[c];
        }
        FOR_COLS(c, cols) to[c] *= share;
    }
}

/* dx (+)= dy / length at each of these, else 0 */
KERNEL3(mean_positions_bwd, positions_args)
{
    BUFFER(0, const float, dy)
    BUFFER(1, const int, lengths)
    BUFFER(2, float, dx)
    const int cols = ARG(cols), steps = ARG(steps), add = ARG(add);
    FOR_ROWS(r, ARG(rows)) {
        const int n = positions_of(lengths, ARG(has_lengths), r, steps);
        const float share = 1.0f / (float)(n ? n : 1);
        GLOBAL const float *from = dy + (size_t)r * cols;
        for (int t = 0; t < (add ? n : steps); t++) {
            GLOBAL float *to = dx + ((size_t)r * steps + t) * cols;
            const int is_valid = t < n;
            FOR_COLS(c, cols) to[c] = add ? to[c] + share * from[c] : is_valid ? share * from[c] : 0.0f;
        }
    }
}

/* y = max_{t < length} x_t; NaN if one of them is */
KERNEL3(max_positions_fwd, positions_args)
{
    BUFFER(0, const float, x)
    BUFFER(1, const int, lengths)
    BUFFER(2, float, y)
    const int cols = ARG(cols), steps = ARG(steps);
    FOR_ROWS(r, ARG(rows)) {
        const int n = positions_of(lengths, ARG(has_lengths), r, steps);
        GLOBAL float *to = y + (size_t)r * cols;
        FOR_COLS(c, cols) to[c] = 0.0f;
        for (int t = 0; t < n; t++) {
            GLOBAL const float *from = x + ((size_t)r * steps + t) * cols;
            FOR_COLS(c, cols) to[c] = t && !(from[c] > to[c] || from[c] != from[c]) ? to[c] : from[c];
        }
    }
}

/* dx (+)= dy at the first position with x == y, else 0; `left` is dy until then */
KERNEL5(max_positions_bwd, positions_args)
{
    BUFFER(0, const float, x)
    BUFFER(1, const float, y)
    BUFFER(2, const float, dy)
    BUFFER(3, const int, lengths)
    BUFFER(4, float, dx)
    const int cols = ARG(cols), steps = ARG(steps), add = ARG(add);
    FOR_ROWS(r, ARG(rows)) {
        const int n = positions_of(lengths, ARG(has_lengths), r, steps);
        GLOBAL const float *value = x + (size_t)r * steps * cols, *most = y + (size_t)r * cols;
        GLOBAL const float *from = dy + (size_t)r * cols;
        GLOBAL float *to = dx + (size_t)r * steps * cols;
        FOR_COLS(c, cols) {
            float left = from[c];
            for (int t = 0; t < (add ? n : steps); t++) {
                const size_t at = (size_t)t * cols + c;
                const float here = t < n && value[at] == most[c] ? left : 0.0f;
                left -= here;
                to[at] = add ? to[at] + here : here;
            }
        }
    }
}
