/* SPDX-License-Identifier: BSD-3-Clause */
/* Attention of one query to each sample, as in generation.  Vectors go along the channels of a head, which are a
 * multiple of 16; its scores are in scratch memory. */
#include "device.h"
#include "vector_math.h"
#include "attention.h"
#include "attention_tile.h"

/* p[j] = scale q k_j for the keys before count, and what is never seen up to the next multiple of 16. */
DEVICE void attention_one_scores(const struct attention_args a, GLOBAL const float *q, GLOBAL const float *k, int count,
                                 GLOBAL float *p)
{
    for (int j = 0; j < count; j += 16) {
        v16 r[16];
        UNROLL
        for (int i = 0; i < 16; i++) r[i] = V16_SPLAT(0.0f);
        for (int c = 0; c < a.d; c += 16) {
            const v16 x = V16_LOAD(q + c);
            UNROLL
            for (int i = 0; i < 16; i++)
                r[i] = V16_FMA(x, V16_LOAD(k + (size_t)(j + i < count ? j + i : count - 1) * a.k_step + c), r[i]);
        }
        v16_transpose(r);
        UNROLL
        for (int apart = 8; apart; apart /= 2)
            UNROLL
            for (int i = 0; i < apart; i++) r[i] = V16_ADD(r[i], r[i + apart]);
        V16_STORE(p + j, V16_MUL(r[0], V16_SPLAT(a.scale)));
    }
    V16_AGREE();
    FOR_LANES(l, ATTENTION_UP(count, 16) - count) p[count + l] = ATTENTION_NEVER;
    V16_AGREE();
}

/* p becomes exp(p - top), of which it returns the sum; lanes: 16 floats. */
DEVICE float attention_one_softmax(GLOBAL float *p, int count, GLOBAL float *lanes, GLOBAL float *top)
{
    const int all = ATTENTION_UP(count, 16);
    v16 most = V16_SPLAT(ATTENTION_NEVER), sums = V16_SPLAT(0.0f);
    for (int j = 0; j < all; j += 16) most = V16_MAX(most, V16_LOAD(p + j));
    V16_STORE(lanes, most);
    V16_AGREE();
    float largest = lanes[0], sum = 0.0f;
    for (int i = 1; i < 16; i++) largest = lanes[i] > largest ? lanes[i] : largest;
    V16_AGREE();
    FOR_LANES(l, all) p[l] = vector_exp(p[l] - largest);
    FOR_LANES(l, 1) top[l] = largest;
    V16_AGREE();
    for (int j = 0; j < all; j += 16) sums = V16_ADD(sums, V16_LOAD(p + j));
    V16_STORE(lanes, sums);
    V16_AGREE();
    for (int i = 0; i < 16; i++) sum += lanes[i];
    return sum;
}

/* y = by sum_j p[j] v_j; four sums at a time hide what an addition waits for. */
DEVICE void attention_one_values(const struct attention_args a, GLOBAL const float *p, GLOBAL const float *v, int count,
                                 float by, GLOBAL float *y)
{
    for (int c = 0; c < a.d; c += 16) {
        v16 sum[4];
        int j = 0;
        UNROLL
        for (int i = 0; i < 4; i++) sum[i] = V16_SPLAT(0.0f);
        for (; j + 4 <= count; j += 4)
            UNROLL
            for (int i = 0; i < 4; i++)
                sum[i] = V16_FMA(V16_SPLAT(p[j + i]), V16_LOAD(v + (size_t)(j + i) * a.v_step + c), sum[i]);
        for (; j < count; j++) sum[0] = V16_FMA(V16_SPLAT(p[j]), V16_LOAD(v + (size_t)j * a.v_step + c), sum[0]);
        const v16 all = V16_ADD(V16_ADD(sum[0], sum[1]), V16_ADD(sum[2], sum[3]));
        V16_STORE(y + c, V16_MUL(all, V16_SPLAT(by)));
    }
}

/* attention_fwd's formula, where t is 1 */
KERNEL8(attention_one, attention_args)
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
    const int units = a.rows * a.heads, group = a.heads / a.kv_heads;
    FOR_TILES(w, a.workers) {
        const int end = (int)((u64)units * (u64)(w + 1) / (u64)a.workers);
        GLOBAL float *p = work + (size_t)w * ATTENTION_ONE_FLOATS(a.s), *lanes = p + ATTENTION_UP(a.s, 16);
        for (int u = (int)((u64)units * (u64)w / (u64)a.workers); u < end; u++) {
            const int n = u / a.heads, h = u % a.heads;
            const struct attention_keys seen = attention_keys(a, n, lengths, state);
            const int count = attention_seen(a, seen, 1);
            GLOBAL float *top = lanes + 16;
            attention_one_scores(a, q + (size_t)n * a.q_step + h * a.d, k + (size_t)n * a.k_sample + h / group * a.d,
                                 count, p);
            const float sum = attention_one_softmax(p, count, lanes, top);
            const float by = seen.overflow ? BITS_TO_FLOAT(0x7fc00000u) : count ? 1.0f / sum : 0.0f;
            attention_one_values(a, p, v + (size_t)n * a.v_sample + h / group * a.d, count, by,
                                 y + ((size_t)n * a.heads + h) * a.d);
            FOR_LANES(l, 1) lse[u + l] = count ? top[l] + vector_log(sum) : -ATTENTION_NEVER;
            V16_AGREE();
        }
    }
}
