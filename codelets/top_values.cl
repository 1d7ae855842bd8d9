/* SPDX-License-Identifier: BSD-3-Clause */
/* The largest numbers along an axis of n, `inner` apart, one after the other: of `lines` lines. */
#include "device.h"

struct top_values_args { int lines, n, inner, k, min; };

/* Integers in the order of the floats, NaN last, -0 as 0. */
DEVICE int top_values_key(float v)
{
    const int bits = (int)FLOAT_TO_BITS(v == 0.0f ? 0.0f : v);
    return v != v ? 0x7fffffff : bits < 0 ? bits ^ 0x7fffffff : bits;
}

/* Each is the first in order of those after the last one: greater keys (min: smaller ones), then lower indices. */
#define TOP_VALUES(type, key) \
    BUFFER(0, const type, x) \
    BUFFER(1, type, y) \
    BUFFER(2, int, index) \
    const int n = ARG(n), inner = ARG(inner), k = ARG(k), flip = ARG(min) ? -1 : 0; \
    FOR_ITEMS(l, ARG(lines)) { \
        GLOBAL const type *from = x + (size_t)(l / inner) * n * inner + l % inner; \
        const size_t to = (size_t)(l / inner) * k * inner + l % inner; \
        int last = 0, at = -1; \
        for (int j = 0; j < k; j++) { \
            int best = 0, found = -1; \
            for (int i = 0; i < n; i++) { \
                const int v = key(from[(size_t)i * inner]) ^ flip; \
                const int after = at < 0 || v < last || (v == last && i > at); \
                if (after && (found < 0 || v > best)) { \
                    best = v; \
                    found = i; \
                } \
            } \
            y[to + (size_t)j * inner] = from[(size_t)found * inner]; \
            index[to + (size_t)j * inner] = found; \
            last = best; \
            at = found; \
        } \
    }

#define TOP_VALUES_SAME(v) (v)

KERNEL3(top_values, top_values_args)
{
    TOP_VALUES(float, top_values_key)
}

KERNEL3(top_values_integers, top_values_args)
{
    TOP_VALUES(int, TOP_VALUES_SAME)
}

/* dx = dy where it was taken from, else 0 */
KERNEL3(top_values_bwd, top_values_args)
{
    BUFFER(0, const float, dy)
    BUFFER(1, const int, index)
    BUFFER(2, float, dx)
    const int n = ARG(n), inner = ARG(inner), k = ARG(k);
    FOR_ITEMS(l, ARG(lines)) {
        GLOBAL float *to = dx + (size_t)(l / inner) * n * inner + l % inner;
        const size_t from = (size_t)(l / inner) * k * inner + l % inner;
        for (int i = 0; i < n; i++) to[(size_t)i * inner] = 0.0f;
        for (int j = 0; j < k; j++)
            to[(size_t)index[from + (size_t)j * inner] * inner] = dy[from + (size_t)j * inner];
    }
}
