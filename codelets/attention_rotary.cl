/* SPDX-License-Identifier: BSD-3-Clause */
/* Rotations of queries and keys by their position, and what a session keeps of them. */
#include "device.h"
#include "attention.h"

/* theta[i]: what a position adds to angle i of `angles`; pairs: elements 2i and 2i + 1 are rotated by it, else i and
 * i + angles; sign -1: backwards. */
struct attention_rotary_args {
    int rows, t, heads, angles, pairs, cached, state_step, from_step, to_step;
    float sign, theta[ATTENTION_ANGLES];
};

/* table = { cos, sin } [position][angle]; all samples of a session are at the same position. */
KERNEL2(attention_angles, attention_rotary_args)
{
    BUFFER(0, const float, state)
    BUFFER(1, float, table)
    const int n = ARG(t) * ARG(angles);
    const float before = ARG(cached) ? state[0] : 0.0f;
    FOR_ITEMS(i, n) {
        const float angle = ((float)(i / ARG(angles)) + before) * ARG(theta)[i % ARG(angles)];
        table[i] = cosf(angle);
        table[n + i] = sinf(angle);
    }
}

/* to = from, rotated; they may be the same. */
KERNEL3(attention_rotate, attention_rotary_args)
{
    BUFFER(0, const float, from)
    BUFFER(1, const float, table)
    BUFFER(2, float, to)
    const int angles = ARG(angles), heads = ARG(heads), apart = ARG(pairs) ? 1 : angles, step = ARG(pairs) ? 2 : 1;
    const float sign = ARG(sign);
    FOR_ROWS(r, ARG(rows) * ARG(t)) {
        GLOBAL const float *turn_cos = table + (size_t)(r % ARG(t)) * angles, *turn_sin = turn_cos + ARG(t) * angles;
        for (int h = 0; h < heads; h++) {
            GLOBAL const float *x = from + (size_t)r * ARG(from_step) + 2 * h * angles;
            GLOBAL float *y = to + (size_t)r * ARG(to_step) + 2 * h * angles;
            FOR_COLS(i, angles) {
                const float one = x[i * step], other = x[i * step + apart], c = turn_cos[i], s = sign * turn_sin[i];
                y[i * step] = one * c - other * s;
                y[i * step + apart] = other * c + one * s;
            }
        }
    }
}

/* sample, step: floats from one sample and from one position to the next */
struct attention_append_args { int rows, t, width, context, from_step, sample; };

/* What comes after the state's positions: place[state + i] = from[i] */
KERNEL3(attention_append, attention_append_args)
{
    BUFFER(0, const float, from)
    BUFFER(1, const float, state)
    BUFFER(2, float, places)
    FOR_ROWS(r, ARG(rows) * ARG(t)) {
        const size_t sample = (size_t)(r / ARG(t)) * ARG(sample);
        const int at = (int)state[sample] + r % ARG(t);
        GLOBAL const float *x = from + (size_t)r * ARG(from_step);
        GLOBAL float *y = places + sample + (size_t)at * ARG(width);
        if (at < ARG(context))
            FOR_COLS(i, ARG(width)) y[i] = x[i];
    }
}

struct advance_args { int rows, step, by; };

/* The positions that a session has seen of each sample. */
KERNEL1(advance, advance_args)
{
    BUFFER(0, float, state)
    FOR_ITEMS(n, ARG(rows)) state[(size_t)n * ARG(step)] += (float)ARG(by);
}
