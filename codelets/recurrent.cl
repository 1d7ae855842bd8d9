/* SPDX-License-Identifier: BSD-3-Clause */
/* Steps of recurrent layers: what lies between two matrix products.  Of `gates`,
 * `h_before`, `c_before` and `y` a sample has `steps` positions, one after the other;
 * h, c, their gradients, `product` and `d` are of one step.  H is `hidden`; a position
 * of `gates` has `kept` vectors of H.  The weights' rows are in PyTorch's order. */
#include "device.h"
#include "activate.h"
#include "vector_math.h"

struct recurrent_args { int rows, hidden, steps, t, kept, stride, has_lengths, has_dy, is_relu; };

/* Whether step t is one of the first `lengths[r]`. */
DEVICE int recurrent_is_live(GLOBAL const int *lengths, const int has_lengths, const int r, const int t)
{
    return !has_lengths || t < lengths[r];
}

/* Beyond the length of a sample its state stays, and y is 0; h_before, with which
 * gradients of 0 are multiplied, must be finite. */
DEVICE void recurrent_skip(GLOBAL float *y, GLOBAL float *h_before, const int n)
{
    FOR_COLS(j, n) {
        y[j] = 0.0f;
        h_before[j] = 0.0f;
    }
}

/* gates = { i, f, g, o } of gates + product + bias, sigmoid but for tanh of g;
 * c = f c + i g, h = y = o tanh(c). */
KERNEL9(lstm_step, recurrent_args)
{
    BUFFER(0, float, gates)
    BUFFER(1, const float, product)
    BUFFER(2, const float, bias)
    BUFFER(3, const int, lengths)
    BUFFER(4, float, h)
    BUFFER(5, float, h_before)
    BUFFER(6, float, y)
    BUFFER(7, float, c)
    BUFFER(8, float, c_before)
    const int n = ARG(hidden);
    FOR_ROWS(r, ARG(rows)) {
        const size_t at = (size_t)r * ARG(steps) + ARG(t);
        GLOBAL float *g = gates + at * 4 * n, *hr = h + (size_t)r * n, *cr = c + (size_t)r * n;
        GLOBAL float *hb = h_before + at * n, *cb = c_before + at * n, *yr = y + at * ARG(stride);
        GLOBAL const float *p = product + (size_t)r * 4 * n;
        if (!recurrent_is_live(lengths, ARG(has_lengths), r, ARG(t))) {
            recurrent_skip(yr, hb, n);
            continue;
        }
        FOR_COLS(j, n) {
            const float in = vector_sigmoid(g[j] + p[j] + bias[j]);
            const float forget = vector_sigmoid(g[j + n] + p[j + n] + bias[j + n]);
            const float cell = vector_tanh(g[j + 2 * n] + p[j + 2 * n] + bias[j + 2 * n]);
            const float out = vector_sigmoid(g[j + 3 * n] + p[j + 3 * n] + bias[j + 3 * n]);
            const float before = cr[j], now = forget * before + in * cell, value = out * vector_tanh(now);
            g[j] = in;
            g[j + n] = forget;
            g[j + 2 * n] = cell;
            g[j + 3 * n] = out;
            hb[j] = hr[j];
            cb[j] = before;
            cr[j] = now;
            hr[j] = value;
            yr[j] = value;
        }
    }
}

/* gates = { r, z, n, q }: r and z are the sigmoid of gates + product + bias, q = product
 * + bias, n = tanh(gates + r q); h = y = (1 - z) n + z h. */
KERNEL7(gru_step, recurrent_args)
{
    BUFFER(0, float, gates)
    BUFFER(1, const float, product)
    BUFFER(2, const float, bias)
    BUFFER(3, const int, lengths)
    BUFFER(4, float, h)
    BUFFER(5, float, h_before)
    BUFFER(6, float, y)
    const int n = ARG(hidden);
    FOR_ROWS(r, ARG(rows)) {
        const size_t at = (size_t)r * ARG(steps) + ARG(t);
        GLOBAL float *g = gates + at * 4 * n, *hr = h + (size_t)r * n, *hb = h_before + at * n;
        GLOBAL float *yr = y + at * ARG(stride);
        GLOBAL const float *p = product + (size_t)r * 3 * n;
        if (!recurrent_is_live(lengths, ARG(has_lengths), r, ARG(t))) {
            recurrent_skip(yr, hb, n);
            continue;
        }
        FOR_COLS(j, n) {
            const float reset = vector_sigmoid(g[j] + p[j] + bias[j]);
            const float update = vector_sigmoid(g[j + n] + p[j + n] + bias[j + n]);
            const float inner = p[j + 2 * n] + bias[j + 2 * n], now = vector_tanh(g[j + 2 * n] + reset * inner);
            const float before = hr[j], value = now + update * (before - now);
            g[j] = reset;
            g[j + n] = update;
            g[j + 2 * n] = now;
            g[j + 3 * n] = inner;
            hb[j] = before;
            hr[j] = value;
            yr[j] = value;
        }
    }
}

/* h = y = gates = f(gates + product + bias) */
KERNEL7(rnn_step, recurrent_args)
{
    BUFFER(0, float, gates)
    BUFFER(1, const float, product)
    BUFFER(2, const float, bias)
    BUFFER(3, const int, lengths)
    BUFFER(4, float, h)
    BUFFER(5, float, h_before)
    BUFFER(6, float, y)
    const int n = ARG(hidden);
    FOR_ROWS(r, ARG(rows)) {
        const size_t at = (size_t)r * ARG(steps) + ARG(t);
        GLOBAL float *g = gates + at * n, *hr = h + (size_t)r * n, *hb = h_before + at * n;
        GLOBAL float *yr = y + at * ARG(stride);
        GLOBAL const float *p = product + (size_t)r * n;
        if (!recurrent_is_live(lengths, ARG(has_lengths), r, ARG(t))) {
            recurrent_skip(yr, hb, n);
            continue;
        }
        if (ARG(is_relu))
            FOR_COLS(j, n) g[j] = activate(g[j] + p[j] + bias[j], ACTIVATION_RELU);
        else
            FOR_COLS(j, n) g[j] = vector_tanh(g[j] + p[j] + bias[j]);
        FOR_COLS(j, n) {
            hb[j] = hr[j];
            hr[j] = g[j];
            yr[j] = g[j];
        }
    }
}

/* ----------------------------------------------------------------- backward
 *
 * gates become the gradients of what is in them before the activation, and d those
 * with which the transposed weight is multiplied; dh, the gradient of the state after
 * the step, becomes that of the state before it, without this product. */

/* Beyond the length the gradient of the state passes. */
DEVICE void recurrent_pass(GLOBAL float *g, const int kept, GLOBAL float *d, const int products)
{
    FOR_COLS(j, kept) g[j] = 0.0f;
    FOR_COLS(j, products) d[j] = 0.0f;
}

KERNEL7(lstm_back, recurrent_args)
{
    BUFFER(0, float, gates)
    BUFFER(1, const float, dy)
    BUFFER(2, const int, lengths)
    BUFFER(3, float, dh)
    BUFFER(4, float, d)
    BUFFER(5, const float, c_before)
    BUFFER(6, float, dc)
    const int n = ARG(hidden);
    FOR_ROWS(r, ARG(rows)) {
        const size_t at = (size_t)r * ARG(steps) + ARG(t);
        GLOBAL float *g = gates + at * 4 * n, *hr = dh + (size_t)r * n, *cr = dc + (size_t)r * n;
        GLOBAL float *dr = d + (size_t)r * 4 * n;
        GLOBAL const float *cb = c_before + at * n, *dyr = ARG(has_dy) ? dy + at * ARG(stride) : dy;
        if (!recurrent_is_live(lengths, ARG(has_lengths), r, ARG(t))) {
            recurrent_pass(g, 4 * n, dr, 4 * n);
            continue;
        }
        FOR_COLS(j, n) {
            const float in = g[j], forget = g[j + n], cell = g[j + 2 * n], out = g[j + 3 * n], before = cb[j];
            const float value = vector_tanh(forget * before + in * cell);
            const float of_h = ARG(has_dy) ? hr[j] + dyr[j] : hr[j];
            const float of_c = cr[j] + of_h * out * (1.0f - value * value);
            const float of_in = of_c * cell * in * (1.0f - in), of_forget = of_c * before * forget * (1.0f - forget);
            const float of_cell = of_c * in * (1.0f - cell * cell), of_out = of_h * value * out * (1.0f - out);
            g[j] = of_in;
            g[j + n] = of_forget;
            g[j + 2 * n] = of_cell;
            g[j + 3 * n] = of_out;
            dr[j] = of_in;
            dr[j + n] = of_forget;
            dr[j + 2 * n] = of_cell;
            dr[j + 3 * n] = of_out;
            cr[j] = of_c * forget;
            hr[j] = 0.0f;
        }
    }
}

KERNEL6(gru_back, recurrent_args)
{
    BUFFER(0, float, gates)
    BUFFER(1, const float, dy)
    BUFFER(2, const int, lengths)
    BUFFER(3, float, dh)
    BUFFER(4, float, d)
    BUFFER(5, const float, h_before)
    const int n = ARG(hidden);
    FOR_ROWS(r, ARG(rows)) {
        const size_t at = (size_t)r * ARG(steps) + ARG(t);
        GLOBAL float *g = gates + at * 4 * n, *hr = dh + (size_t)r * n, *dr = d + (size_t)r * 3 * n;
        GLOBAL const float *hb = h_before + at * n, *dyr = ARG(has_dy) ? dy + at * ARG(stride) : dy;
        if (!recurrent_is_live(lengths, ARG(has_lengths), r, ARG(t))) {
            recurrent_pass(g, 4 * n, dr, 3 * n);
            continue;
        }
        FOR_COLS(j, n) {
            const float reset = g[j], update = g[j + n], now = g[j + 2 * n], inner = g[j + 3 * n];
            const float of_h = ARG(has_dy) ? hr[j] + dyr[j] : hr[j];
            const float of_now = of_h * (1.0f - update) * (1.0f - now * now);
            const float of_update = of_h * (hb[j] - now) * update * (1.0f - update);
            const float of_reset = of_now * inner * reset * (1.0f - reset);
            g[j] = of_reset;
            g[j + n] = of_update;
            g[j + 2 * n] = of_now;
            g[j + 3 * n] = of_now * reset;
            dr[j] = of_reset;
            dr[j + n] = of_update;
            dr[j + 2 * n] = of_now * reset;
            hr[j] = of_h * update;
        }
    }
}

KERNEL5(rnn_back, recurrent_args)
{
    BUFFER(0, float, gates)
    BUFFER(1, const float, dy)
    BUFFER(2, const int, lengths)
    BUFFER(3, float, dh)
    BUFFER(4, float, d)
    const int n = ARG(hidden), is_relu = ARG(is_relu);
    FOR_ROWS(r, ARG(rows)) {
        const size_t at = (size_t)r * ARG(steps) + ARG(t);
        GLOBAL float *g = gates + at * n, *hr = dh + (size_t)r * n, *dr = d + (size_t)r * n;
        GLOBAL const float *dyr = ARG(has_dy) ? dy + at * ARG(stride) : dy;
        if (!recurrent_is_live(lengths, ARG(has_lengths), r, ARG(t))) {
            recurrent_pass(g, n, dr, n);
            continue;
        }
        FOR_COLS(j, n) {
            const float of_h = ARG(has_dy) ? hr[j] + dyr[j] : hr[j];
            const float of_sum = of_h * activation_grad(g[j], is_relu ? ACTIVATION_RELU : ACTIVATION_TANH);
            g[j] = of_sum;
            dr[j] = of_sum;
            hr[j] = 0.0f;
        }
    }
}
