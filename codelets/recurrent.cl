/* SPDX-License-Identifier: BSD-3-Clause */
/* Steps of recurrent layers: what lies between two matrix products.  All buffers are
 * of one step: a row for each sample, of y and dy `stride` floats apart.  H is
 * `hidden`; the vectors of H in `gates` are in the order of the weights' rows, which
 * is PyTorch's. */
#include "device.h"
#include "activate.h"
#include "vector_math.h"

struct recurrent_args { int rows, hidden, t, stride, has_lengths, has_dy, is_relu; };

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

/* gates = { i, f, g, o } of gates + biases, sigmoid but for tanh of g; c = f c + i g,
 * h = y = o tanh(c). */
KERNEL9(lstm_step, recurrent_args)
{
    BUFFER(0, float, gates)
    BUFFER(1, const float, bias)
    BUFFER(2, const float, bias_h)
    BUFFER(3, const int, lengths)
    BUFFER(4, float, h)
    BUFFER(5, float, h_before)
    BUFFER(6, float, y)
    BUFFER(7, float, c)
    BUFFER(8, float, c_before)
    const int n = ARG(hidden);
    FOR_ROWS(r, ARG(rows)) {
        const size_t at = (size_t)r * n;
        GLOBAL float *g = gates + at * 4, *hr = h + at, *cr = c + at, *hb = h_before + at, *cb = c_before + at;
        GLOBAL float *yr = y + (size_t)r * ARG(stride);
        if (!recurrent_is_live(lengths, ARG(has_lengths), r, ARG(t))) {
            recurrent_skip(yr, hb, n);
            continue;
        }
        FOR_COLS(j, n) {
            const float in = vector_sigmoid(g[j] + (bias[j] + bias_h[j]));
            const float forget = vector_sigmoid(g[j + n] + (bias[j + n] + bias_h[j + n]));
            const float cell = vector_tanh(g[j + 2 * n] + (bias[j + 2 * n] + bias_h[j + 2 * n]));
            const float out = vector_sigmoid(g[j + 3 * n] + (bias[j + 3 * n] + bias_h[j + 3 * n]));
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

/* gates = { r, z, n, q }: r and z are the sigmoid of gates + product + biases, q =
 * product + bias_h, n = tanh(gates + bias + r q); h = y = (1 - z) n + z h. */
KERNEL8(gru_step, recurrent_args)
{
    BUFFER(0, float, gates)
    BUFFER(1, const float, bias)
    BUFFER(2, const float, bias_h)
    BUFFER(3, const int, lengths)
    BUFFER(4, float, h)
    BUFFER(5, float, h_before)
    BUFFER(6, float, y)
    BUFFER(7, const float, product)
    const int n = ARG(hidden);
    FOR_ROWS(r, ARG(rows)) {
        const size_t at = (size_t)r * n;
        GLOBAL float *g = gates + at * 4, *hr = h + at, *hb = h_before + at, *yr = y + (size_t)r * ARG(stride);
        GLOBAL const float *p = product + at * 3;
        if (!recurrent_is_live(lengths, ARG(has_lengths), r, ARG(t))) {
            recurrent_skip(yr, hb, n);
            continue;
        }
        FOR_COLS(j, n) {
            const float reset = vector_sigmoid(g[j] + p[j] + (bias[j] + bias_h[j]));
            const float update = vector_sigmoid(g[j + n] + p[j + n] + (bias[j + n] + bias_h[j + n]));
            const float inner = p[j + 2 * n] + bias_h[j + 2 * n];
            const float now = vector_tanh(g[j + 2 * n] + bias[j + 2 * n] + reset * inner);
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

/* h = y = gates = f(gates + biases) */
KERNEL7(rnn_step, recurrent_args)
{
    BUFFER(0, float, gates)
    BUFFER(1, const float, bias)
    BUFFER(2, const float, bias_h)
    BUFFER(3, const int, lengths)
    BUFFER(4, float, h)
    BUFFER(5, float, h_before)
    BUFFER(6, float, y)
    const int n = ARG(hidden);
    FOR_ROWS(r, ARG(rows)) {
        const size_t at = (size_t)r * n;
        GLOBAL float *g = gates + at, *hr = h + at, *hb = h_before + at, *yr = y + (size_t)r * ARG(stride);
        if (!recurrent_is_live(lengths, ARG(has_lengths), r, ARG(t))) {
            recurrent_skip(yr, hb, n);
            continue;
        }
        if (ARG(is_relu))
            FOR_COLS(j, n) g[j] = activate(g[j] + (bias[j] + bias_h[j]), ACTIVATION_RELU);
        else
            FOR_COLS(j, n) g[j] = vector_tanh(g[j] + (bias[j] + bias_h[j]));
        FOR_COLS(j, n) {
            hb[j] = hr[j];
            hr[j] = g[j];
            yr[j] = g[j];
        }
    }
}

/* ----------------------------------------------------------------- backward
 *
 * gates become the gradients of what is in them before the activation; dh, the
 * gradient of the state after the step, becomes that of the state before it, without
 * the product of the gates' gradients, of GRU d, and the transposed weight. */

DEVICE void recurrent_zero(GLOBAL float *x, const int n) { FOR_COLS(j, n) x[j] = 0.0f; }

KERNEL6(lstm_back, recurrent_args)
{
    BUFFER(0, float, gates)
    BUFFER(1, const float, dy)
    BUFFER(2, const int, lengths)
    BUFFER(3, float, dh)
    BUFFER(4, const float, c_before)
    BUFFER(5, float, dc)
    const int n = ARG(hidden);
    FOR_ROWS(r, ARG(rows)) {
        const size_t at = (size_t)r * n;
        GLOBAL float *g = gates + at * 4, *hr = dh + at, *cr = dc + at;
        GLOBAL const float *cb = c_before + at, *dyr = ARG(has_dy) ? dy + (size_t)r * ARG(stride) : dy;
        if (!recurrent_is_live(lengths, ARG(has_lengths), r, ARG(t))) {
            recurrent_zero(g, 4 * n);
            continue;
        }
        FOR_COLS(j, n) {
            const float in = g[j], forget = g[j + n], cell = g[j + 2 * n], out = g[j + 3 * n], before = cb[j];
            const float value = vector_tanh(forget * before + in * cell);
            const float of_h = ARG(has_dy) ? hr[j] + dyr[j] : hr[j];
            const float of_c = cr[j] + of_h * out * (1.0f - value * value);
            g[j] = of_c * cell * in * (1.0f - in);
            g[j + n] = of_c * before * forget * (1.0f - forget);
            g[j + 2 * n] = of_c * in * (1.0f - cell * cell);
            g[j + 3 * n] = of_h * value * out * (1.0f - out);
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
    BUFFER(4, const float, h_before)
    BUFFER(5, float, d)
    const int n = ARG(hidden);
    FOR_ROWS(r, ARG(rows)) {
        const size_t at = (size_t)r * n;
        GLOBAL float *g = gates + at * 4, *hr = dh + at, *dr = d + at * 3;
        GLOBAL const float *hb = h_before + at, *dyr = ARG(has_dy) ? dy + (size_t)r * ARG(stride) : dy;
        if (!recurrent_is_live(lengths, ARG(has_lengths), r, ARG(t))) {
            recurrent_zero(g, 4 * n);
            recurrent_zero(dr, 3 * n);
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

KERNEL4(rnn_back, recurrent_args)
{
    BUFFER(0, float, gates)
    BUFFER(1, const float, dy)
    BUFFER(2, const int, lengths)
    BUFFER(3, float, dh)
    const int n = ARG(hidden), is_relu = ARG(is_relu);
    FOR_ROWS(r, ARG(rows)) {
        const size_t at = (size_t)r * n;
        GLOBAL float *g = gates + at, *hr = dh + at;
        GLOBAL const float *dyr = ARG(has_dy) ? dy + (size_t)r * ARG(stride) : dy;
        if (!recurrent_is_live(lengths, ARG(has_lengths), r, ARG(t))) {
            recurrent_zero(g, n);
            continue;
        }
        FOR_COLS(j, n) {
            const float of_h = ARG(has_dy) ? hr[j] + dyr[j] : hr[j];
            g[j] = of_h * activation_grad(g[j], is_relu ? ACTIVATION_RELU : ACTIVATION_TANH);
            hr[j] = 0.0f;
        }
    }
}
