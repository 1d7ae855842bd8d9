/* SPDX-License-Identifier: BSD-3-Clause */
/* Attention by blocks of keys: of the scores only those of a chunk of queries with a block of keys exist at a time
 * (Dao et al. 2022).  Scratch matrices have the queries of a chunk in their lanes, so that maxima and sums over keys
 * are those of vectors; a matrix product is a scalar of q, k, v or of the scores times such a vector.
 *
 * A worker has a part of the heads of all samples, and its own part of the scratch. */
#include "device.h"
#include "vector_math.h"
#include "attention.h"
#include "attention_tile.h"

/* Whether some of the queries from `query` on do not see some of the keys before `end`. */
DEVICE int attention_masks(const struct attention_args a, struct attention_keys k, int query, int end)
{
    return a.causal && end - 1 > k.before + query;
}

/* ----------------------------------------------------------------- forward */

/* One block of scores p in place becomes exp(p - top); top: the maximum so far, sum: of what the exponentials were,
 * relative to it; factor: by which what has been summed before is multiplied. */
DEVICE void attention_softmax(GLOBAL float *p, int keys, int vectors, GLOBAL float *top, GLOBAL float *sum,
                              GLOBAL float *factor)
{
    for (int v = 0; v < 16 * vectors; v += 16) {
        v16 most = V16_LOAD(top + v);
        for (int j = 0; j < keys; j++) most = V16_MAX(most, V16_LOAD(p + j * ATTENTION_QUERIES + v));
        V16_STORE(factor + v, V16_ADD(V16_LOAD(top + v), V16_MUL(most, V16_SPLAT(-1.0f))));
        V16_STORE(top + v, most);
    }
    FOR_LANES(l, 16 * vectors) factor[l] = vector_exp(factor[l]);
    for (int j = 0; j < keys; j++) {
        GLOBAL float *to = p + j * ATTENTION_QUERIES;
        FOR_LANES(l, 16 * vectors) to[l] = vector_exp(to[l] - top[l]);
    }
    for (int v = 0; v < 16 * vectors; v += 16) {
        v16 all = V16_MUL(V16_LOAD(sum + v), V16_LOAD(factor + v));
        for (int j = 0; j < keys; j++) all = V16_ADD(all, V16_LOAD(p + j * ATTENTION_QUERIES + v));
        V16_STORE(sum + v, all);
    }
    V16_AGREE();
}

/* Scores of queries that do not see a key. */
DEVICE void attention_mask(GLOBAL float *p, int keys, int vectors, int key, int query, float value)
{
    for (int j = 0; j < keys; j++) {
        GLOBAL float *to = p + j * ATTENTION_QUERIES;
        FOR_LANES(l, 16 * vectors) to[l] = key + j > query + l ? value : to[l];
    }
    V16_AGREE();
}

/* Of one head: y and lse of n queries; work: ATTENTION_FWD_FLOATS */
DEVICE void attention_chunk(const struct attention_args a, struct attention_keys seen, int query, int n,
                            GLOBAL const float *q, GLOBAL const float *k, GLOBAL const float *v, GLOBAL float *y,
                            GLOBAL float *lse, GLOBAL float *work)
{
    const int vectors = (n + 15) / 16, d = a.d, rows = ATTENTION_UP(d, ATTENTION_ROWS);
    GLOBAL float *qt = work, *out = qt + d * ATTENTION_QUERIES, *p = out + rows * ATTENTION_QUERIES;
    GLOBAL float *top = p + ATTENTION_KEYS * ATTENTION_QUERIES, *sum = top + ATTENTION_QUERIES;
    GLOBAL float *factor = sum + ATTENTION_QUERIES;
    const int count = attention_seen(a, seen, query + n);
    attention_turn(qt, q, a.q_step, n, d, vectors, a.scale);
    attention_fill(top, ATTENTION_QUERIES, ATTENTION_NEVER);
    attention_fill(sum, ATTENTION_QUERIES, 0.0f);
    attention_fill(out, (size_t)rows * ATTENTION_QUERIES, 0.0f);
    for (int key = 0; key < count; key += ATTENTION_KEYS) {
        const int keys = count - key < ATTENTION_KEYS ? count - key : ATTENTION_KEYS;
        attention_product(keys, vectors, d, k + (size_t)key * a.k_step, a.k_step, 1, qt, ATTENTION_QUERIES, p,
                          ATTENTION_QUERIES, 0);
        if (attention_masks(a, seen, query, key + keys))
            attention_mask(p, keys, vectors, key, seen.before + query, ATTENTION_NEVER);
        attention_softmax(p, keys, vectors, top, sum, factor);
        for (int i = 0; key && i < d; i++)
            for (int l = 0; l < 16 * vectors; l += 16) {
                GLOBAL float *to = out + i * ATTENTION_QUERIES + l;
                V16_STORE(to, V16_MUL(V16_LOAD(to), V16_LOAD(factor + l)));
            }
        attention_product(d, vectors, keys, v + (size_t)key * a.v_step, 1, a.v_step, p, ATTENTION_QUERIES, out,
                          ATTENTION_QUERIES, 1);
    }
    FOR_LANES(l, 16 * vectors) {
        factor[l] = seen.overflow ? BITS_TO_FLOAT(0x7fc00000u) : count ? 1.0f / sum[l] : 0.0f;
        if (l < n) lse[l] = count ? top[l] + vector_log(sum[l]) : -ATTENTION_NEVER;
    }
    V16_AGREE();
    attention_turn_back(y, a.heads * d, out, factor, n, d);
}

/* y = softmax(scale q k^T) v of each head, lse = log(sum of the exponentials): lse[sample][head][query].
 * lengths and state are read only where has_lengths and cached. */
KERNEL8(attention_fwd, attention_args)
{
    BUFFER(0, const float, q)
    BUFFER(1, const float, k)
    BUFFER(2, const float, v)
    BUFFER(3, const int, lengths)
    BUFFER(4, const float, state)
    BUFFER(5, float, y)
    BUFFER(6, float, lse)
    BUFFER(7, float, work)
    const struct attention_args a = a_;
    const int chunks = (a.t + ATTENTION_QUERIES - 1) / ATTENTION_QUERIES, group = a.heads / a.kv_heads;
    const u64 units = (u64)a.rows * (u64)a.heads * (u64)chunks;
    FOR_TILES(w, a.workers) {
        const int end = (int)(units * (u64)(w + 1) / (u64)a.workers);
        for (int u = (int)(units * (u64)w / (u64)a.workers); u < end; u++) {
            const int query = u % chunks * ATTENTION_QUERIES, h = u / chunks % a.heads, n = u / chunks / a.heads;
            const int count = a.t - query < ATTENTION_QUERIES ? a.t - query : ATTENTION_QUERIES;
            const size_t at = (size_t)n * a.t + query;
            const struct attention_keys seen = attention_keys(a, n, lengths, state);
            attention_chunk(a, seen, query, count, q + at * a.q_step + h * a.d,
                            k + (size_t)n * a.k_sample + h / group * a.d, v + (size_t)n * a.v_sample + h / group * a.d,
                            y + at * (a.heads * a.d) + h * a.d, lse + ((size_t)n * a.heads + h) * a.t + query,
                            work + (size_t)w * ATTENTION_FWD_FLOATS(a.d));
        }
    }
}

/* ---------------------------------------------------------------- backward */

/* The part of the keys and queries of a head of k and v, in one sample, that is one piece of work. */
struct attention_unit { int n, head, key, keys, query, queries; };

/* Parts are of whole blocks and chunks. */
DEVICE int attention_part(int i, int parts, int all, int size)
{
    const int blocks = (all + size - 1) / size, at = (int)((u64)blocks * (u64)i / (u64)parts) * size;
    return at < all ? at : all;
}

DEVICE struct attention_unit attention_unit(const struct attention_args a, int u)
{
    const int kp = u % a.key_parts, qp = u / a.key_parts % a.query_parts, head = u / a.key_parts / a.query_parts;
    struct attention_unit t = { head / a.kv_heads, head % a.kv_heads, 0, 0, 0, 0 };
    t.key = attention_part(kp, a.key_parts, a.s, ATTENTION_KEYS);
    t.keys = attention_part(kp + 1, a.key_parts, a.s, ATTENTION_KEYS) - t.key;
    t.query = attention_part(qp, a.query_parts, a.t, ATTENTION_QUERIES);
    t.queries = attention_part(qp + 1, a.query_parts, a.t, ATTENTION_QUERIES) - t.query;
    return t;
}

/* Scratch of a worker. */
struct attention_scratch { GLOBAL float *qt, *dot, *dqt, *p, *ds, *lse, *delta, *scale, *q, *dout, *dk, *dv; };

DEVICE struct attention_scratch attention_scratch(const struct attention_args a, GLOBAL float *work)
{
    struct attention_scratch s;
    s.qt = work;
    s.dot = s.qt + a.d * ATTENTION_QUERIES;
    s.dqt = s.dot + a.d * ATTENTION_QUERIES;
    s.p = s.dqt + ATTENTION_UP(a.d, ATTENTION_ROWS) * ATTENTION_QUERIES;
    s.ds = s.p + ATTENTION_KEYS * ATTENTION_QUERIES;
    s.lse = s.ds + ATTENTION_KEYS * ATTENTION_QUERIES;
    s.delta = s.lse + ATTENTION_QUERIES;
    s.scale = s.delta + ATTENTION_QUERIES;
    s.q = s.scale + ATTENTION_QUERIES;
    s.dout = s.q + ATTENTION_UP(a.d, 16) * ATTENTION_QUERIES;
    s.dk = s.dout + ATTENTION_UP(a.d, 16) * ATTENTION_QUERIES;
    s.dv = s.dk + (a.want_kv ? ATTENTION_PART_FLOATS(a.s, a.d, a.key_parts) : 0);
    return s;
}

/* Fills the scratch with what belongs to n queries; delta = sum_i dy y. */
DEVICE void attention_load(const struct attention_args a, struct attention_scratch s, int n, GLOBAL const float *q,
                           GLOBAL const float *y, GLOBAL const float *dy, GLOBAL const float *lse)
{
    const int d = a.d, vectors = (n + 15) / 16, y_step = a.heads * d;
    attention_turn(s.qt, q, a.q_step, n, d, vectors, a.scale);
    attention_turn(s.dot, dy, y_step, n, d, vectors, 1.0f);
    attention_turn(s.dqt, y, y_step, n, d, vectors, 1.0f);
    for (int v = 0; v < 16 * vectors; v += 16) {
        v16 sum = V16_SPLAT(0.0f);
        for (int i = 0; i < d; i++)
            sum = V16_FMA(V16_LOAD(s.dot + i * ATTENTION_QUERIES + v), V16_LOAD(s.dqt + i * ATTENTION_QUERIES + v), sum);
        V16_STORE(s.delta + v, sum);
        V16_STORE(s.scale + v, V16_SPLAT(a.scale));
    }
    FOR_LANES(l, 16 * vectors) s.lse[l] = lse[l < n ? l : n - 1];
    if (a.want_kv) {
        attention_rows(s.q, ATTENTION_UP(d, 16), q, a.q_step, n, d, a.scale);
        attention_rows(s.dout, ATTENTION_UP(d, 16), dy, y_step, n, d, 1.0f);
    }
    attention_fill(s.dqt, (size_t)ATTENTION_UP(d, ATTENTION_ROWS) * ATTENTION_QUERIES, 0.0f);
}

/* One block of keys with the loaded queries: p = exp(k q - lse), ds = p (v dy - delta), and what follows from them. */
DEVICE void attention_block(const struct attention_args a, struct attention_scratch s, int keys, int n,
                            GLOBAL const float *k, GLOBAL const float *v, int key, int query, int masks,
                            GLOBAL float *dk, GLOBAL float *dv)
{
    const int vectors = (n + 15) / 16, d = a.d, width = ATTENTION_UP(d, 16);
    attention_product(keys, vectors, d, k, a.k_step, 1, s.qt, ATTENTION_QUERIES, s.p, ATTENTION_QUERIES, 0);
    attention_product(keys, vectors, d, v, a.v_step, 1, s.dot, ATTENTION_QUERIES, s.ds, ATTENTION_QUERIES, 0);
    if (masks) attention_mask(s.p, keys, vectors, key, query, ATTENTION_NEVER);
    for (int j = 0; j < keys; j++) {
        GLOBAL float *p = s.p + j * ATTENTION_QUERIES, *ds = s.ds + j * ATTENTION_QUERIES;
        GLOBAL const float *lse = s.lse, *delta = s.delta;
        FOR_LANES(l, 16 * vectors) {
            const float e = vector_exp(p[l] - lse[l]);
            p[l] = e;
            ds[l] = e * (ds[l] - delta[l]);
        }
    }
    V16_AGREE();
    if (a.want_kv) {
        attention_product(keys, width / 16, n, s.p, ATTENTION_QUERIES, 1, s.dout, width, dv, width, 1);
        attention_product(keys, width / 16, n, s.ds, ATTENTION_QUERIES, 1, s.q, width, dk, width, 1);
    }
    if (a.want_q)
        attention_product(d, vectors, keys, k, 1, a.k_step, s.ds, ATTENTION_QUERIES, s.dqt, ATTENTION_QUERIES, 1);
}

/* From scratch to dk or dv. */
DEVICE void attention_store(const struct attention_args a, GLOBAL const float *from, GLOBAL float *to, size_t step,
                            int keys)
{
    const int width = ATTENTION_UP(a.d, 16);
    for (int j = 0; j < keys; j++)
        FOR_LANES(i, a.d) to[j * step + i] = from[(size_t)j * width + i];
    V16_AGREE();
}

/* What one piece of work reads and writes: its sample's and head's. */
struct attention_data {
    GLOBAL const float *q, *k, *v, *y, *dy, *lse;
    GLOBAL float *dq;
};

/* The queries of a head of q with the keys of the unit, whose gradients are added to the scratch. */
DEVICE void attention_head(const struct attention_args a, struct attention_unit t, struct attention_keys seen,
                           struct attention_scratch s, struct attention_data at)
{
    const int width = ATTENTION_UP(a.d, 16), y_step = a.heads * a.d, end = t.query + t.queries;
    for (int query = t.query; query < end; query += ATTENTION_QUERIES) {
        const int n = end - query < ATTENTION_QUERIES ? end - query : ATTENTION_QUERIES;
        const int last = attention_seen(a, seen, query + n), stop = last < t.key + t.keys ? last : t.key + t.keys;
        const size_t out = (size_t)query * y_step;
        attention_load(a, s, n, at.q + (size_t)query * a.q_step, at.y + out, at.dy + out, at.lse + query);
        for (int key = t.key; key < stop; key += ATTENTION_KEYS) {
            const int keys = stop - key < ATTENTION_KEYS ? stop - key : ATTENTION_KEYS;
            const size_t sum = (size_t)(key - t.key) * width;
            attention_block(a, s, keys, n, at.k + (size_t)key * a.k_step, at.v + (size_t)key * a.v_step, key,
                            seen.before + query, attention_masks(a, seen, query, key + keys), s.dk + sum, s.dv + sum);
        }
        if (a.want_q)
            attention_turn_back(at.dq + (size_t)query * a.dq_step, a.dq_step, s.dqt, s.scale, n, a.d);
    }
}

/* dq, dk, dv from dy, for the heads that read a head of k and v.  Keys and queries may be in parts: then dq must be
 * wanted of one part of keys, dk and dv of one part of queries. */
KERNEL11(attention_bwd, attention_args)
{
    BUFFER(0, const float, q)
    BUFFER(1, const float, k)
    BUFFER(2, const float, v)
    BUFFER(3, const int, lengths)
    BUFFER(4, const float, y)
    BUFFER(5, const float, dy)
    BUFFER(6, const float, lse)
    BUFFER(7, float, dq)
    BUFFER(8, float, dk)
    BUFFER(9, float, dv)
    BUFFER(10, float, work)
    const struct attention_args a = a_;
    const u64 units = (u64)a.rows * (u64)a.kv_heads * (u64)a.key_parts * (u64)a.query_parts;
    const size_t part = ATTENTION_PART_FLOATS(a.s, a.d, a.key_parts);
    FOR_TILES(w, a.workers) {
        const struct attention_scratch s =
            attention_scratch(a, work + w * (ATTENTION_BWD_FLOATS(a.d) + (a.want_kv ? 2 * part : 0)));
        const int end = (int)(units * (u64)(w + 1) / (u64)a.workers);
        for (int u = (int)(units * (u64)w / (u64)a.workers); u < end; u++) {
            const struct attention_unit t = attention_unit(a, u);
            const struct attention_keys seen = attention_keys(a, t.n, lengths, lse);
            const size_t of_query = (size_t)t.n * a.t, of_key = (size_t)t.n * a.s + t.key;
            if (a.want_kv) attention_fill(s.dk, 2 * part, 0.0f);
            for (int h = t.head * (a.heads / a.kv_heads); h < (t.head + 1) * (a.heads / a.kv_heads); h++) {
                const size_t out = of_query * (a.heads * a.d) + h * a.d;
                const struct attention_data at = { q + of_query * a.q_step + h * a.d,
                                                   k + (size_t)t.n * a.k_sample + t.head * a.d,
                                                   v + (size_t)t.n * a.v_sample + t.head * a.d,
                                                   y + out,
                                                   dy + out,
                                                   lse + ((size_t)t.n * a.heads + h) * a.t,
                                                   dq + of_query * a.dq_step + h * a.d };
                attention_head(a, t, seen, s, at);
            }
            if (!a.want_kv) continue;
            attention_store(a, s.dk, dk + of_key * a.dk_step + t.head * a.d, a.dk_step, t.keys);
            attention_store(a, s.dv, dv + of_key * a.dv_step + t.head * a.d, a.dv_step, t.keys);
        }
    }
}
