/* SPDX-License-Identifier: BSD-3-Clause */
/* Reductions over any axes.  Neighbouring axes that are all reduced, or all kept, count as one.  An array is gone
 * through in runs of the last one, of `inner` numbers: either all of a run go into one result (rows), or each into its
 * own (columns).  The other axes are `outer` that are kept, the samples among them, and `steps` that are reduced. */
#include "device.h"
#include "functions.h"
#include "vector_math.h"

#define REDUCE_AXES 4
struct reduce_args {
    int function, outer, steps, inner, columns;
    float scale; /* of a mean */
    int kept[REDUCE_AXES], kept_stride[REDUCE_AXES], left[REDUCE_AXES], left_stride[REDUCE_AXES];
};

DEVICE size_t reduce_at(int i, const int *size, const int *stride)
{
    size_t at = 0;
    for (int d = REDUCE_AXES - 1; d >= 0 && i > 0; d--) {
        at += (size_t)(i % size[d]) * (size_t)stride[d];
        i /= size[d];
    }
    return at;
}

/* F(name, term of a number v, start, result of s and t, end), k: another number of the result's place; NaN goes through
 * maxima and minima. */
#define REDUCTIONS(F) \
    F(SUM, v, 0.0f, s + t, s) \
    F(MEAN, v, 0.0f, s + t, s * scale) \
    F(MAX, v, BITS_TO_FLOAT(0xff800000u), t > s || t != t ? t : s, s) \
    F(MIN, v, BITS_TO_FLOAT(0x7f800000u), t < s || t != t ? t : s, s) \
    F(PROD, v, 1.0f, s * t, s) \
    F(L1, fabsf(v), 0.0f, s + t, s) \
    F(L2, v * v, 0.0f, s + t, sqrtf(s)) \
    F(SUM_SQUARE, v * v, 0.0f, s + t, s) \
    F(LOG_SUM, v, 0.0f, s + t, vector_log(s)) \
    F(LOG_SUM_EXP, vector_exp(v - k), 0.0f, s + t, k + vector_log(s)) \
    F(COUNT, v == k ? 1.0f : 0.0f, 0.0f, s + t, s) \
    F(PROD_REST, v == 0.0f ? 1.0f : v, 1.0f, s * t, s)

/* y = the reductions of runs, of one worker each; on CUDA too, in the order of memory */
KERNEL3(reduce_rows, reduce_args)
{
    BUFFER(0, const float, x)
    BUFFER(1, const float, other)
    BUFFER(2, float, y)
    const struct reduce_args a = a_;
    const int inner = a.inner, whole = inner - inner % 16;
    const float scale = a.scale;
    switch (a.function) {
#define CASE(name, term, start, step, end) \
    case REDUCE_##name: \
        FOR_ITEMS(r, a.outer) { \
            GLOBAL const float *from = x + reduce_at(r, a.kept, a.kept_stride); \
            const float k = other[r]; \
            float lane[16], s = start; \
            for (int i = 0; i < 16; i++) lane[i] = start; \
            for (int o = 0; o < a.steps; o++) { \
                GLOBAL const float *p = from + reduce_at(o, a.left, a.left_stride); \
                for (int c = 0; c < whole; c += 16) { \
                    INDEPENDENT for (int i = 0; i < 16; i++) { \
                        const float v = p[c + i], t = term, s = lane[i]; \
                        lane[i] = step; \
                    } \
                } \
                for (int c = whole; c < inner; c++) { \
                    const float v = p[c], t = term; \
                    s = step; \
                } \
            } \
            for (int i = 0; i < 16; i++) { \
                const float t = lane[i]; \
                s = step; \
            } \
            (void)k; \
            y[r] = end; \
        } \
        break;
        REDUCTIONS(CASE)
#undef CASE
    }
    (void)scale;
}

/* The same of columns, which a group goes through side by side. */
KERNEL3(reduce_columns, reduce_args)
{
    BUFFER(0, const float, x)
    BUFFER(1, const float, other)
    BUFFER(2, float, y)
    const struct reduce_args a = a_;
    const int inner = a.inner;
    const float scale = a.scale;
    switch (a.function) {
#define CASE(name, term, start, step, end) \
    case REDUCE_##name: \
        FOR_ROWS(r, a.outer) { \
            GLOBAL const float *from = x + reduce_at(r, a.kept, a.kept_stride); \
            GLOBAL const float *ks = other + (size_t)r * inner; \
            GLOBAL float *ys = y + (size_t)r * inner; \
            FOR_COLS(c, inner) ys[c] = start; \
            for (int o = 0; o < a.steps; o++) { \
                GLOBAL const float *p = from + reduce_at(o, a.left, a.left_stride); \
                FOR_COLS(c, inner) { \
                    const float v = p[c], k = ks[c], t = term, s = ys[c]; \
                    (void)k; \
                    ys[c] = step; \
                } \
            } \
            FOR_COLS(c, inner) { \
                const float s = ys[c], k = ks[c]; \
                (void)k; \
                ys[c] = end; \
            } \
        } \
        break;
        REDUCTIONS(CASE)
#undef CASE
    }
    (void)scale;
}

/* F(name, term of a number v, start, result of s and t) of integers, which wrap around */
#define INTEGER_REDUCTIONS(F) \
    F(SUM, v, 0, (int)((u32)s + (u32)t)) \
    F(MAX, v, v, t > s ? t : s) \
    F(MIN, v, v, t < s ? t : s) \
    F(PROD, v, 1, (int)((u32)s * (u32)t)) \
    F(L1, v < 0 ? (int)(0u - (u32)v) : v, 0, (int)((u32)s + (u32)t)) \
    F(SUM_SQUARE, (int)((u32)v * (u32)v), 0, (int)((u32)s + (u32)t))

/* y = the reductions of rows or columns of integers, of one worker each */
KERNEL2(reduce_integers, reduce_args)
{
    BUFFER(0, const int, x)
    BUFFER(1, int, y)
    const struct reduce_args a = a_;
    const int results = a.columns ? a.inner : 1, terms = a.columns ? 1 : a.inner;
    switch (a.function) {
#define CASE(name, term, start, step) \
    case REDUCE_##name: \
        FOR_ITEMS(r, a.outer * results) { \
            GLOBAL const int *from = x + reduce_at(r / results, a.kept, a.kept_stride) + r % results; \
            int v = *from, s = start; \
            for (int o = 0; o < a.steps; o++) { \
                GLOBAL const int *p = from + reduce_at(o, a.left, a.left_stride); \
                for (int c = 0; c < terms; c++) { \
                    v = p[c]; \
                    const int t = term; \
                    s = step; \
                } \
            } \
            y[r] = s; \
        } \
        break;
        INTEGER_REDUCTIONS(CASE)
#undef CASE
    }
}

/* The gradient is a coefficient of each result times a function of x and another number k of the result's place:
 * coefficient[i] = of dy, y and k, which may be in its place. */
struct reduce_coefficient_args { int n, function; float scale; };

KERNEL4(reduce_coefficients, reduce_coefficient_args)
{
    BUFFER(0, const float, dy)
    BUFFER(1, const float, y)
    BUFFER(2, const float, other)
    BUFFER(3, float, coefficient)
    const int f = ARG(function);
    const float scale = ARG(scale);
    FOR_ITEMS(i, ARG(n)) {
        const float d = dy[i], v = y[i], k = other[i];
        float c = d;
        if (f == REDUCE_MEAN) c = d * scale;
        else if (f == REDUCE_MAX || f == REDUCE_MIN) c = d / k;          /* shared by the equals, of which k are */
        else if (f == REDUCE_PROD) c = k > 1.0f ? 0.0f : d * v;          /* v: product of the rest, k: zeros */
        else if (f == REDUCE_L2) c = v == 0.0f ? 0.0f : d / v;
        else if (f == REDUCE_SUM_SQUARE) c = 2.0f * d;
        else if (f == REDUCE_LOG_SUM) c = d * vector_exp(-v);
        coefficient[i] = c;
    }
}

/* dx = coefficient times: 1, the sign of x, x, x == k, exp(x - k), or of products 1 / x, where no other is 0 */
#define SLOPES(F) \
    F(SUM, c) \
    F(L1, v > 0.0f ? c : v < 0.0f ? -c : 0.0f * v) \
    F(L2, c * v) \
    F(MAX, v == k ? c : 0.0f) \
    F(LOG_SUM_EXP, c * vector_exp(v - k)) \
    F(PROD, v == 0.0f ? c : k > 0.0f ? 0.0f : c / v)

KERNEL4(reduce_spread, reduce_args)
{
    BUFFER(0, const float, x)
    BUFFER(1, const float, coefficient)
    BUFFER(2, const float, other)
    BUFFER(3, float, dx)
    const struct reduce_args a = a_;
    const int inner = a.inner, columns = a.columns;
    switch (a.function) {
#define CASE(name, slope) \
    case REDUCE_##name: \
        FOR_ROWS(r, a.outer * a.steps) { \
            const int q = r / a.steps; \
            const size_t at = reduce_at(q, a.kept, a.kept_stride) + reduce_at(r % a.steps, a.left, a.left_stride); \
            GLOBAL const float *xs = x + at; \
            GLOBAL float *to = dx + at; \
            if (columns) { \
                GLOBAL const float *cs = coefficient + (size_t)q * inner, *ks = other + (size_t)q * inner; \
                FOR_COLS(i, inner) { \
                    const float v = xs[i], c = cs[i], k = ks[i]; \
                    (void)v, (void)k; \
                    to[i] = slope; \
                } \
            } else { \
                const float c = coefficient[q], k = other[q]; \
                (void)k; \
                FOR_COLS(i, inner) { \
                    const float v = xs[i]; \
                    (void)v; \
                    to[i] = slope; \
                } \
            } \
        } \
        break;
        SLOPES(CASE)
#undef CASE
    }
}

/* Along an axis of n numbers, `inner` apart: y = the index of the largest or smallest number, the first or the last of
 * equals; NaN counts as that. */
struct arg_max_args { int items, n, inner, min, last; };

KERNEL2(arg_max, arg_max_args)
{
    BUFFER(0, const float, x)
    BUFFER(1, int, y)
    const int n = ARG(n), inner = ARG(inner), last = ARG(last);
    const float sign = ARG(min) ? -1.0f : 1.0f;
    FOR_ITEMS(i, ARG(items)) {
        GLOBAL const float *p = x + (size_t)(i / inner) * n * inner + i % inner;
        float best = sign * p[0];
        int at = 0;
        for (int c = 1; c < n; c++) {
            const float v = sign * p[(size_t)c * inner];
            const int more = v > best || (v != v && best == best);
            if (more || (last && (v == best || (v != v && best != best)))) { best = v; at = c; }
        }
        y[i] = at;
    }
}

/* The same of integers. */
KERNEL2(arg_max_integers, arg_max_args)
{
    BUFFER(0, const int, x)
    BUFFER(1, int, y)
    const int n = ARG(n), inner = ARG(inner), last = ARG(last), flip = ARG(min) ? -1 : 0; /* -1 - v falls as v rises */
    FOR_ITEMS(i, ARG(items)) {
        GLOBAL const int *p = x + (size_t)(i / inner) * n * inner + i % inner;
        int best = p[0] ^ flip, at = 0;
        for (int c = 1; c < n; c++) {
            const int v = p[(size_t)c * inner] ^ flip;
            if (v > best || (last && v == best)) { best = v; at = c; }
        }
        y[i] = at;
    }
}
