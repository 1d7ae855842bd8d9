/* SPDX-License-Identifier: BSD-3-Clause */
/* What the kernels of attention share with host code. */
#ifndef HSGD_CODELETS_ATTENTION_H
#define HSGD_CODELETS_ATTENTION_H

#define ATTENTION_QUERIES 64 /* of a chunk: lanes of the scratch matrices */
#define ATTENTION_KEYS 48    /* of a block */
#define ATTENTION_ROWS 6     /* of a tile in registers */
#define ATTENTION_STATE 16   /* floats of a session's cache before the keys; the first counts the positions */
#define ATTENTION_ANGLES 128 /* maximum number of angles of a rotation */

#define ATTENTION_UP(n, multiple) (((n) + (multiple)-1) / (multiple) * (multiple))
/* Floats of scratch of a worker: queries, outputs, scores, and a few numbers per query. */
#define ATTENTION_FWD_FLOATS(d) (((d) + ATTENTION_UP(d, ATTENTION_ROWS) + ATTENTION_KEYS + 3) * ATTENTION_QUERIES)
/* Gradients of keys or values of a unit of backward, which has some of the blocks of s keys. */
#define ATTENTION_PART_FLOATS(s, d, parts) \
    ((((s) + ATTENTION_KEYS - 1) / ATTENTION_KEYS + (parts)-1) / (parts)*ATTENTION_KEYS * ATTENTION_UP(d, 16))
/* In backward, without those. */
#define ATTENTION_BWD_FLOATS(d) \
    ((2 * (d) + ATTENTION_UP(d, ATTENTION_ROWS) + 2 * ATTENTION_KEYS + 3 + 2 * ATTENTION_UP(d, 16)) * ATTENTION_QUERIES)

#define ATTENTION_ONE_FLOATS(s) (ATTENTION_UP(s, 16) + 32)

/* step: floats from one position to the next; k_sample, v_sample: from one sample to the next, elsewhere samples
 * follow each other.  s: keys, or places for them where cached.  Backward has the keys and queries of a head in parts. */
struct attention_args {
    int rows, t, s, heads, kv_heads, d, q_step, k_step, v_step, k_sample, v_sample, dq_step, dk_step, dv_step;
    int causal, has_lengths, cached, workers, query_parts, key_parts, want_q, want_kv;
    float scale;
};

#endif
