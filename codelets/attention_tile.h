/* SPDX-License-Identifier: BSD-3-Clause */
/* Products of small matrices for attention, behind device.h; and what queries see. */
#ifndef HSGD_CODELETS_ATTENTION_TILE_H
#define HSGD_CODELETS_ATTENTION_TILE_H

#define ATTENTION_NEVER (-1e30f) /* a score that is masked */

/* What a sample's queries see: key j < count, and j <= before + i where causal. */
struct attention_keys {
    int count, before, overflow;
};

DEVICE struct attention_keys attention_keys(const struct attention_args a, int n, GLOBAL const int *lengths,
                                            GLOBAL const float *state)
{
    struct attention_keys k = { a.s, 0, 0 };
    if (a.cached) {
        k.before = (int)state[(size_t)n * a.k_sample];
        k.overflow = k.before + a.t > a.s;
        k.count = k.overflow ? a.s : k.before + a.t;
    }
    if (a.has_lengths && lengths[n] < k.count) k.count = lengths[n] < 0 ? 0 : lengths[n];
    return k;
}

/* Those that the queries before `end` see. */
DEVICE int attention_seen(const struct attention_args a, struct attention_keys k, int end)
{
    return a.causal && k.before + end < k.count ? k.before + end : k.count;
}

/* Registers hold a tile of this many rows of scalars by this many vectors. */
#define TILE_ROWS_ (V16_REGISTERS >= 8 ? ATTENTION_ROWS : 2)
#define TILE_VECTORS_ (V16_REGISTERS >= 32 ? 4 : 1)

/* c[r][16 v] (+)= sum_p a[r][p] b[p][16 v] for r < TILE_ROWS_ and r <= last; a's rows are `row` floats apart, its
 * columns `col`.  c has TILE_ROWS_ rows. */
DEVICE void attention_tile(int v, int k, GLOBAL const float *a, int last, size_t row, size_t col, GLOBAL const float *b,
                           size_t bs, GLOBAL float *c, size_t cs, int add)
{
    v16 sum[TILE_ROWS_][4];
    GLOBAL const float *from[TILE_ROWS_];
    UNROLL
    for (int r = 0; r < TILE_ROWS_; r++) {
        from[r] = a + (size_t)(r < last ? r : last) * row;
        UNROLL
        for (int i = 0; i < v; i++) sum[r][i] = add ? V16_LOAD(c + r * cs + 16 * i) : V16_SPLAT(0.0f);
    }
    for (int p = 0; p < k; p++, b += bs) {
        v16 x[4];
        UNROLL
        for (int i = 0; i < v; i++) x[i] = V16_LOAD(b + 16 * i);
        UNROLL
        for (int r = 0; r < TILE_ROWS_; r++) {
            const v16 s = V16_SPLAT(from[r][p * col]);
            UNROLL
            for (int i = 0; i < v; i++) sum[r][i] = V16_FMA(s, x[i], sum[r][i]);
        }
    }
    UNROLL
    for (int r = 0; r < TILE_ROWS_; r++)
        if (r <= last) UNROLL
    for (int i = 0; i < v; i++) V16_STORE(c + r * cs + 16 * i, sum[r][i]);
}

/* c (m rows of so many vectors) (+)= a b, k terms each.  The rows of c up to the next multiple of ATTENTION_ROWS are
 * read, but not written. */
DEVICE void attention_product(int m, int vectors, int k, GLOBAL const float *a, size_t row, size_t col,
                              GLOBAL const float *b, size_t bs, GLOBAL float *c, size_t cs, int add)
{
    for (int j = 0; j < vectors; j += TILE_VECTORS_)
        for (int i = 0; i < m; i += TILE_ROWS_) {
            GLOBAL const float *ai = a + (size_t)i * row, *bj = b + 16 * j;
            GLOBAL float *to = c + (size_t)i * cs + 16 * j;
            const int v = vectors - j < TILE_VECTORS_ ? vectors - j : TILE_VECTORS_, last = m - 1 - i;
#define TILE_CASE_(n) \
    case n: \
        if (n <= TILE_VECTORS_) attention_tile(n, k, ai, last, row, col, bj, bs, to, cs, add); \
        break;
            switch (v) {
                TILE_CASE_(1)
                TILE_CASE_(2)
                TILE_CASE_(3)
                TILE_CASE_(4)
            }
        }
    V16_AGREE();
}

/* to[i][q] = by from[q][i] for i < d and the lanes q of so many vectors; rows from n on repeat the last. */
DEVICE void attention_turn(GLOBAL float *to, GLOBAL const float *from, size_t step, int n, int d, int vectors, float by)
{
    for (int v = 0; v < 16 * vectors; v += 16) {
        int i = 0;
        for (; i + 16 <= d; i += 16) {
            v16 r[16];
            UNROLL
            for (int j = 0; j < 16; j++)
                r[j] = V16_MUL(V16_LOAD(from + (size_t)(v + j < n ? v + j : n - 1) * step + i), V16_SPLAT(by));
            v16_transpose(r);
            UNROLL
            for (int j = 0; j < 16; j++) V16_STORE(to + (i + j) * ATTENTION_QUERIES + v, r[j]);
        }
        for (; i < d; i++) FOR_LANES(l, 16)
        to[i * ATTENTION_QUERIES + v + l] = by * from[(size_t)(v + l < n ? v + l : n - 1) * step + i];
    }
    V16_AGREE();
}

/* to[q][i] = from[i][q] by[q] for q < n */
DEVICE void attention_turn_back(GLOBAL float *to, size_t step, GLOBAL const float *from, GLOBAL const float *by, int n,
                                int d)
{
    for (int v = 0; v < n; v += 16) {
        int i = 0;
        for (; i + 16 <= d; i += 16) {
            v16 r[16];
            UNROLL
            for (int j = 0; j < 16; j++)
                r[j] = V16_MUL(V16_LOAD(from + (i + j) * ATTENTION_QUERIES + v), V16_LOAD(by + v));
            v16_transpose(r);
            UNROLL
            for (int j = 0; j < 16; j++)
                if (v + j < n) V16_STORE(to + (size_t)(v + j) * step + i, r[j]);
        }
        for (; i < d; i++) FOR_LANES(l, 16)
        if (v + l < n) to[(size_t)(v + l) * step + i] = from[i * ATTENTION_QUERIES + v + l] * by[v + l];
    }
    V16_AGREE();
}

/* to[q][i] = by from[q][i], with zeros from d to width */
DEVICE void attention_rows(GLOBAL float *to, int width, GLOBAL const float *from, size_t step, int n, int d, float by)
{
    for (int q = 0; q < n; q++, to += width, from += step) FOR_LANES(i, width) to[i] = i < d ? by * from[i] : 0.0f;
    V16_AGREE();
}

DEVICE void attention_fill(GLOBAL float *to, size_t floats, float value)
{
    for (size_t i = 0; i < floats; i += 16) V16_STORE(to + i, V16_SPLAT(value));
    V16_AGREE();
}

#endif
