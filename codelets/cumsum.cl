/* SPDX-License-Identifier: BSD-3-Clause */
/* Running sums along an axis of n numbers, `inner` apart, of `outer` times `inner` lines. */
#include "device.h"

struct cumsum_args { int outer, n, inner, exclusive, reverse; };

/* y of a line, from either end: lines beside each other are done together, the others one after the other */
#define CUMSUM(type, plus) \
    BUFFER(0, const type, x) \
    BUFFER(1, type, y) \
    const int n = ARG(n), inner = ARG(inner), exclusive = ARG(exclusive), reverse = ARG(reverse); \
    if (inner == 1) { \
        FOR_ITEMS(r, ARG(outer)) { \
            const size_t at = (size_t)r * n; \
            type sum = 0; \
            for (int i = 0; i < n; i++) { \
                const size_t k = at + (reverse ? n - 1 - i : i); \
                const type all = plus(sum, x[k]); \
                y[k] = exclusive ? sum : all; \
                sum = all; \
            } \
        } \
    } else { \
        FOR_ROWS(r, ARG(outer)) { \
            const size_t at = (size_t)r * n * inner; \
            for (int i = 0; i < n; i++) { \
                const size_t k = at + (size_t)(reverse ? n - 1 - i : i) * inner; \
                const size_t before = i == 0 ? k : reverse ? k + inner : k - inner; \
                GLOBAL const type *xs = x + (exclusive ? before : k); \
                if (i == 0) { \
                    FOR_COLS(c, inner) y[k + c] = exclusive ? 0 : xs[c]; \
                } else { \
                    FOR_COLS(c, inner) y[k + c] = plus(y[before + c], xs[c]); \
                } \
            } \
        } \
    }

#define CUMSUM_FLOATS(a, b) ((a) + (b))
#define CUMSUM_INTEGERS(a, b) ((int)((u32)(a) + (u32)(b)))

KERNEL2(cumsum, cumsum_args)
{
    CUMSUM(float, CUMSUM_FLOATS)
}

KERNEL2(cumsum_integers, cumsum_args)
{
    CUMSUM(int, CUMSUM_INTEGERS)
}
