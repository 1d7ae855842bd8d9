/* SPDX-License-Identifier: BSD-3-Clause */
/* Copies and sums between arrays that are walked through with strides: slices, transposes, padding, repetition. */
#include "device.h"

#define STRIDED_AXES 14

/* Rows are the index combinations of the outer axes, outermost first; a row has mid x cols numbers.  All strides are in
 * numbers, of each side.  tile: columns that are copied for all of mid before the next ones. */
struct strided_args {
    int rows, axes, size[STRIDED_AXES], from[STRIDED_AXES], to[STRIDED_AXES];
    int mid, mid_from, mid_to, cols, cols_from, cols_to, tile, value;
};

/* Where row r begins on the side with these strides. */
DEVICE ptrdiff_t strided_row(int r, int axes, const int *size, const int *stride)
{
    ptrdiff_t at = 0;
    for (int i = axes - 1; i >= 0; i--) {
        int rest = r / size[i];
        at += (ptrdiff_t)(r - rest * size[i]) * stride[i];
        r = rest;
    }
    return at;
}

DEVICE void strided_move(GLOBAL const int *from, GLOBAL int *to, const struct strided_args a, int lane, int lanes)
{
    for (int first = 0; first < a.cols; first += a.tile) {
        const int end = a.cols - first < a.tile ? a.cols : first + a.tile;
        for (int m = 0; m < a.mid; m++) {
            GLOBAL const int *f = from + (ptrdiff_t)m * a.mid_from;
            GLOBAL int *t = to + (ptrdiff_t)m * a.mid_to;
            if (a.cols_from == 1 && a.cols_to == 1)
                INDEPENDENT
                for (int c = first + lane; c < end; c += lanes) t[c] = f[c];
            else
                INDEPENDENT
                for (int c = first + lane; c < end; c += lanes)
                    t[(ptrdiff_t)c * a.cols_to] = f[(ptrdiff_t)c * a.cols_from];
        }
    }
}

/* to = from, numbers of 32 bits of either kind; a warp per row */
KERNEL2(strided_copy, strided_args)
{
    BUFFER(0, const int, from)
    BUFFER(1, int, to)
    FOR_WARPS(r, ARG(rows)) {
        const ptrdiff_t f = strided_row(r, ARG(axes), ARG(size), ARG(from));
        strided_move(from + f, to + strided_row(r, ARG(axes), ARG(size), ARG(to)), a_, WARP_LANE, WARP);
    }
}

/* The same with an item per row, for short ones. */
KERNEL2(strided_copy_items, strided_args)
{
    BUFFER(0, const int, from)
    BUFFER(1, int, to)
    FOR_ITEMS(r, ARG(rows)) {
        const ptrdiff_t f = strided_row(r, ARG(axes), ARG(size), ARG(from));
        strided_move(from + f, to + strided_row(r, ARG(axes), ARG(size), ARG(to)), a_, 0, 1);
    }
}

/* to = value, the bits of a number */
KERNEL1(strided_fill, strided_args)
{
    BUFFER(0, int, to)
    FOR_WARPS(r, ARG(rows)) {
        GLOBAL int *row = to + strided_row(r, ARG(axes), ARG(size), ARG(to));
        for (int m = 0; m < ARG(mid); m++) {
            GLOBAL int *t = row + (ptrdiff_t)m * ARG(mid_to);
            INDEPENDENT
            for (int c = WARP_LANE; c < ARG(cols); c += WARP) t[(ptrdiff_t)c * ARG(cols_to)] = ARG(value);
        }
    }
}

/* Rows and columns are those of what is written; each is a sum over `terms` index combinations of further axes, and
 * over `inner` numbers. */
struct strided_sum_args {
    int rows, axes, size[STRIDED_AXES], from[STRIDED_AXES], to[STRIDED_AXES], cols, cols_from, cols_to;
    int terms, term_axes, term_size[STRIDED_AXES], term_from[STRIDED_AXES], inner, inner_from, add;
};

/* to (+)= sum of from, in a fixed order; columns side by side, all at once */
KERNEL2(strided_sum_columns, strided_sum_args)
{
    BUFFER(0, const float, from)
    BUFFER(1, float, to)
    const int cols = ARG(cols);
    FOR_WARPS(r, ARG(rows)) {
        GLOBAL const float *row = from + strided_row(r, ARG(axes), ARG(size), ARG(from));
        GLOBAL float *t = to + strided_row(r, ARG(axes), ARG(size), ARG(to));
        for (int k = 0; k < ARG(terms); k++) {
            GLOBAL const float *term = row + strided_row(k, ARG(term_axes), ARG(term_size), ARG(term_from));
            for (int j = 0; j < ARG(inner); j++) {
                GLOBAL const float *f = term + (ptrdiff_t)j * ARG(inner_from);
                if (k + j == 0 && !ARG(add))
                    INDEPENDENT
                    for (int c = WARP_LANE; c < cols; c += WARP) t[c] = f[c];
                else
                    INDEPENDENT
                    for (int c = WARP_LANE; c < cols; c += WARP) t[c] += f[c];
            }
        }
    }
}

/* The same, a column after the other. */
KERNEL2(strided_sum, strided_sum_args)
{
    BUFFER(0, const float, from)
    BUFFER(1, float, to)
    FOR_WARPS(r, ARG(rows)) {
        GLOBAL const float *row = from + strided_row(r, ARG(axes), ARG(size), ARG(from));
        GLOBAL float *t = to + strided_row(r, ARG(axes), ARG(size), ARG(to));
        for (int c = 0; c < ARG(cols); c++) {
            float sum = 0.0f;
            for (int k = 0; k < ARG(terms); k++) {
                GLOBAL const float *f = row + (ptrdiff_t)c * ARG(cols_from) +
                                        strided_row(k, ARG(term_axes), ARG(term_size), ARG(term_from));
                for (int j = WARP_LANE; j < ARG(inner); j += WARP) sum += f[(ptrdiff_t)j * ARG(inner_from)];
            }
            sum = WARP_SUM(sum);
            if (WARP_LANE == 0) {
                GLOBAL float *y = t + (ptrdiff_t)c * ARG(cols_to);
                *y = ARG(add) ? *y + sum : sum;
            }
        }
    }
}
