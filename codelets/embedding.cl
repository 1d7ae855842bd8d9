/* SPDX-License-Identifier: BSD-3-Clause */
#include "device.h"

struct embedding_args { int tokens, first, rows, cols, fill; };

/* y[i] = w[tokens[i] - first], for tokens in [first, first + rows); fill: 0 for the others. */
KERNEL3(embedding_fwd, embedding_args)
{
    BUFFER(0, const int, tokens)
    BUFFER(1, const float, w)
    BUFFER(2, float, y)
    const int cols = ARG(cols);
    FOR_WARPS(i, ARG(tokens)) {
        const int inside = tokens[i] >= ARG(first) && tokens[i] - ARG(first) < ARG(rows);
        GLOBAL float *to = y + (size_t)i * cols;
        GLOBAL const float *from = w + (inside ? (size_t)(tokens[i] - ARG(first)) * cols : 0);
        if (inside)
            INDEPENDENT
            for (int c = WARP_LANE; c < cols; c += WARP) to[c] = from[c];
        else if (ARG(fill))
            INDEPENDENT
            for (int c = WARP_LANE; c < cols; c += WARP) to[c] = 0.0f;
    }
}

struct embedding_dw_args { int tokens, first, rows, cols, width, blocks, parts, add; };

/* dw[t - first] (+)= sum of dy[i] over the i with tokens[i] == t, in order, for t
 * in [first, first + rows).  A group has `width` columns of one part of the rows,
 * and reads all tokens; a column is one item's, so nothing is added atomically. */
KERNEL3(embedding_dw, embedding_dw_args)
{
    BUFFER(0, const int, tokens)
    BUFFER(1, const float, dy)
    BUFFER(2, float, dw)
    FOR_ROWS(g, ARG(blocks) * ARG(parts)) {
        const int cols = ARG(cols), part = g / ARG(blocks), column = g % ARG(blocks) * ARG(width);
        const int width = cols - column < ARG(width) ? cols - column : ARG(width);
        const int low = (int)((u64)ARG(rows) * (u64)part / (u64)ARG(parts));
        const int high = (int)((u64)ARG(rows) * (u64)(part + 1) / (u64)ARG(parts));
        for (int v = low; !ARG(add) && v < high; v++)
            FOR_COLS(c, width) dw[(size_t)v * cols + column + c] = 0.0f;
        for (int i = 0; i < ARG(tokens); i++) {
            if (tokens[i] < ARG(first)) continue; /* then the difference cannot overflow */
            const int v = tokens[i] - ARG(first);
            if (v < low || v >= high) continue;
            GLOBAL float *to = dw + (size_t)v * cols + column;
            GLOBAL const float *d = dy + (size_t)i * cols + column;
            FOR_COLS(c, width) to[c] += d[c];
        }
    }
}
