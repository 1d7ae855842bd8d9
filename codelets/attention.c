/* SPDX-License-Identifier: BSD-3-Clause */
/* Multi-head attention. */
#include <math.h>
#include <stdio.h>

#include "base/c_locale.h"
#include "kernels.h"
#include "type_text.h"
#include "types.h"

static const struct hsgd_attention *attributes(const struct hsgd_node *n) { return n->attributes; }

/* What a node's inputs are: q, k and v in one, or each on its own; then lengths or not. */
static bool is_fused(const struct hsgd_node *n) { return n->inputs <= 2; }
static bool has_lengths(const struct hsgd_node *n) { return n->inputs % 2 == 0; }
static const struct hsgd_type *keys_of(const struct hsgd_node *n) { return &n->in[is_fused(n) ? 0 : 1]; }

static int kv_heads(const struct hsgd_node *n)
{
    return attributes(n)->kv_heads ? attributes(n)->kv_heads : attributes(n)->heads;
}

/* Channels of a head. */
static int head_size(const struct hsgd_node *n)
{
    int heads = attributes(n)->heads + (is_fused(n) ? 2 * kv_heads(n) : 0);
    return n->in[0].dim[1] / heads;
}

/* -------------------------------------------------------------- the types */

static int check_inputs(const struct hsgd_node *n, char *why, size_t size)
{
    const struct hsgd_type *length = &n->in[n->inputs - 1];
    for (int i = 0; i < n->inputs - has_lengths(n); i++) {
        const struct hsgd_type *in = &n->in[i];
        if (in->rank == 2 && in->dtype == HSGD_F32 && in->dim[1] != HSGD_ANY) continue;
        snprintf(why, size, "input %d must be of floats with positions and a known number of channels, not %s", i + 1,
                 type_text(in).text);
        return -1;
    }
    if (!has_lengths(n) || (length->rank == 0 && length->dtype == HSGD_I32)) return 0;
    snprintf(why, size, "lengths must be one integer, not %s", type_text(length).text);
    return -1;
}

static int check_heads(const struct hsgd_node *n, char *why, size_t size)
{
    int heads = attributes(n)->heads, kv = kv_heads(n), channels = n->in[0].dim[1];
    if (heads < 1 || heads > 1 << 16) snprintf(why, size, "heads must be from 1 to 65536, not %d", heads);
    else if (kv < 1 || heads % kv) snprintf(why, size, "kv_heads must be a divisor of the %d heads, not %d", heads, kv);
    else if (channels % (heads + (is_fused(n) ? 2 * kv : 0)))
        snprintf(why, size, "%d channels cannot be divided into %d heads%s", channels, heads,
                 is_fused(n) ? " of queries, and those of keys and values" : "");
    else if (!is_fused(n) && (n->in[1].dim[1] != kv * head_size(n) || !same_dims(&n->in[1], &n->in[2])))
        snprintf(why, size, "keys and values must have %d channels, and one length, not %s and %s", kv * head_size(n),
                 type_text(&n->in[1]).text, type_text(&n->in[2]).text);
    else return 0;
    return -1;
}

/* Queries and keys are at the same positions. */
static bool is_aligned(const struct hsgd_node *n) { return is_fused(n) || dims_fit(&n->in[0], &n->in[1], 1); }

static int check_attributes(const struct hsgd_node *n, char *why, size_t size)
{
    const struct hsgd_attention *a = attributes(n);
    int most = 2 * ATTENTION_ANGLES;
    if (!(a->scale >= 0 && a->scale < INFINITY))
        c_snprintf(why, size, "scale must be a number from 0, not %g", (double)a->scale);
    else if (a->rotary && (head_size(n) % 2 || head_size(n) > most))
        snprintf(why, size, "rotary needs an even number of channels of a head, at most %d, not %d", most,
                 head_size(n));
    else if (a->rotary && !(a->base >= 1 && a->base < INFINITY))
        c_snprintf(why, size, "base must be a number from 1, not %g", (double)a->base);
    else if ((a->rotary || a->context) && !is_aligned(n))
        snprintf(why, size, "%s needs queries and keys of the same length", a->rotary ? "rotary" : "context");
    else if (a->context < 0) snprintf(why, size, "context must be 0 or more, not %d", a->context);
    else if (a->context && (!a->causal || has_lengths(n)))
        snprintf(why, size, "context needs causal attention without lengths");
    else if (a->context && n->in[0].dim[0] > a->context)
        snprintf(why, size, "%d positions are more than the context of %d", n->in[0].dim[0], a->context);
    else return 0;
    return -1;
}

static int infer(struct hsgd_node *n, char *why, size_t size)
{
    if (check_inputs(n, why, size) || check_heads(n, why, size) || check_attributes(n, why, size)) return -1;
    const struct hsgd_attention *a = attributes(n);
    int t = n->in[0].dim[0], width = a->heads * head_size(n), kv_width = kv_heads(n) * head_size(n);
    if (t != HSGD_ANY && (double)t * a->heads > INT32_MAX / 16) {
        snprintf(why, size, "%d positions of %d heads are too many", t, a->heads);
        return -1;
    }
    n->outputs = 1;
    n->out[0] = (struct hsgd_type){ HSGD_F32, 2, { t, width } };
    n->kept = t == HSGD_ANY ? HSGD_ANY : (int64_t)a->heads * t;
    if (a->context) n->cache = ATTENTION_STATE + 2 * (int64_t)a->context * kv_width;
    n->forward_flops = (a->causal ? 2.0 : 4.0) * t * keys_of(n)->dim[0] * width;
    n->backward_flops = 2.5 * n->forward_flops;
    return 0;
}

/* --------------------------------------------------------------- launches */

/* Places of queries, keys and values, and the distances of their positions. */
struct places {
    struct hsgd_ref q, k, v;
    int q_step, k_step, v_step;
};

/* Those of x or dx. */
static struct places places_of(const struct hsgd_node *n, const struct hsgd_ref *of)
{
    int width = attributes(n)->heads * head_size(n), kv_width = kv_heads(n) * head_size(n), all = n->in[0].dim[1];
    if (!is_fused(n)) return (struct places){ of[0], of[1], of[2], width, kv_width, kv_width };
    return (struct places){ of[0], hsgd_at(of[0], width), hsgd_at(of[0], width + kv_width), all, all, all };
}

static struct attention_args args_of(const struct hsgd_emit *e)
{
    const struct hsgd_node *n = e->node;
    const struct hsgd_attention *attention = attributes(n);
    struct attention_args a = { .rows = e->rows, .t = n->in[0].dim[0], .s = keys_of(n)->dim[0] };
    a.heads = attention->heads, a.kv_heads = kv_heads(n), a.d = head_size(n);
    a.causal = attention->causal, a.has_lengths = has_lengths(n);
    a.scale = attention->scale > 0 ? attention->scale : (float)(1 / sqrt(a.d));
    a.query_parts = a.key_parts = 1;
    return a;
}

static void read_from(struct attention_args *a, const struct places *p)
{
    a->q_step = p->q_step, a->k_step = p->k_step, a->v_step = p->v_step;
    a->k_sample = a->s * p->k_step, a->v_sample = a->s * p->v_step;
}

/* As many as the device runs at once; on CUDA one has half a warp. */
static int workers_of(const struct hsgd_emit *e, int64_t units)
{
    int most = e->kind == HSGD_CPU ? 1 : e->kind == HSGD_CUDA ? 16 * e->units : e->units;
    return units < most ? (int)units : most;
}

/* What has_lengths stands for; else anything that can be read. */
static struct hsgd_ref lengths_of(const struct hsgd_emit *e) { return e->x[e->node->inputs - 1]; }

/* ----------------------------------------------------------------- rotary */

static struct attention_rotary_args rotary_of(const struct hsgd_emit *e, bool cached)
{
    const struct hsgd_attention *attention = attributes(e->node);
    struct attention_rotary_args a = { .rows = e->rows, .t = e->node->in[0].dim[0], .sign = 1, .cached = cached };
    a.angles = head_size(e->node) / 2;
    a.pairs = attention->rotary == HSGD_ROTARY_PAIRS;
    for (int i = 0; i < a.angles; i++) a.theta[i] = (float)pow((double)attention->base, -(double)i / a.angles);
    return a;
}

/* Cosines and sines; state: of a session. */
static struct hsgd_ref emit_angles(struct hsgd_emit *e, const struct attention_rotary_args *a, struct hsgd_ref state)
{
    struct hsgd_ref table = hsgd_scratch(e, 2 * (int64_t)a->t * a->angles);
    HSGD_LAUNCH(e, HSGD_KERNEL(attention_angles), HSGD_ITEMS, (int64_t)a->t * a->angles, a, state, table);
    return table;
}

static void emit_rotate(struct hsgd_emit *e, struct attention_rotary_args a, int heads, struct hsgd_ref from,
                        int from_step, struct hsgd_ref table, struct hsgd_ref to, int to_step)
{
    a.heads = heads, a.from_step = from_step, a.to_step = to_step;
    HSGD_LAUNCH(e, HSGD_KERNEL(attention_rotate), HSGD_ROWS, (int64_t)a.rows * a.t, &a, from, table, to);
}

/* Rotated queries and keys in scratch memory, in place of those in p. */
static void rotate(struct hsgd_emit *e, struct places *p, bool cached)
{
    if (attributes(e->node)->rotary == HSGD_NO_ROTARY) return;
    struct attention_rotary_args a = rotary_of(e, cached);
    int heads = attributes(e->node)->heads, kv = kv_heads(e->node);
    struct hsgd_ref table = emit_angles(e, &a, cached ? e->cache : e->x[0]);
    struct places to = { hsgd_scratch(e, (int64_t)a.rows * a.t * heads * 2 * a.angles),
                         hsgd_scratch(e, (int64_t)a.rows * a.t * kv * 2 * a.angles),
                         p->v,
                         2 * heads * a.angles,
                         2 * kv * a.angles,
                         p->v_step };
    emit_rotate(e, a, heads, p->q, p->q_step, table, to.q, to.q_step);
    emit_rotate(e, a, kv, p->k, p->k_step, table, to.k, to.k_step);
    *p = to;
}

/* Gradients of what has been rotated become those of what was before it. */
static void rotate_back(struct hsgd_emit *e, const struct attention_args *a, const struct places *d)
{
    if (attributes(e->node)->rotary == HSGD_NO_ROTARY) return;
    struct attention_rotary_args r = rotary_of(e, false);
    struct hsgd_ref table = emit_angles(e, &r, e->x[0]);
    r.sign = -1;
    if (a->want_q) emit_rotate(e, r, a->heads, d->q, d->q_step, table, d->q, d->q_step);
    if (a->want_kv) emit_rotate(e, r, a->kv_heads, d->k, d->k_step, table, d->k, d->k_step);
}

/* ---------------------------------------------------------------- forward */

/* Adds keys and values to those of a session, which are the ones that queries see. */
static void remember(struct hsgd_emit *e, struct attention_args *a, struct places *p)
{
    int width = a->kv_heads * a->d, context = attributes(e->node)->context;
    struct hsgd_ref keys = hsgd_at(e->cache, ATTENTION_STATE), values = hsgd_at(keys, (int64_t)context * width);
    struct attention_append_args append = { a->rows, a->t, width, context, p->k_step, (int)e->node->cache };
    HSGD_LAUNCH(e, HSGD_KERNEL(attention_append), HSGD_ROWS, (int64_t)a->rows * a->t, &append, p->k, e->cache, keys);
    append.from_step = p->v_step;
    HSGD_LAUNCH(e, HSGD_KERNEL(attention_append), HSGD_ROWS, (int64_t)a->rows * a->t, &append, p->v, e->cache, values);
    p->k = keys, p->v = values;
    a->cached = 1, a->s = context;
    a->k_step = a->v_step = width;
    a->k_sample = a->v_sample = append.sample;
}

static void forward(struct hsgd_emit *e)
{
    struct attention_args a = args_of(e);
    struct places p = places_of(e->node, e->x);
    bool cached = hsgd_wanted(e->cache);
    rotate(e, &p, cached);
    read_from(&a, &p);
    if (cached) remember(e, &a, &p);
    bool one = a.t == 1 && a.d % 16 == 0;
    a.workers = workers_of(e, (int64_t)a.rows * a.heads * ((a.t + ATTENTION_QUERIES - 1) / ATTENTION_QUERIES));
    int64_t floats = one ? ATTENTION_ONE_FLOATS((int64_t)a.s) : ATTENTION_FWD_FLOATS((int64_t)a.d);
    HSGD_LAUNCH(e, one ? HSGD_KERNEL(attention_one) : HSGD_KERNEL(attention_fwd), HSGD_TILES, a.workers, &a, p.q, p.k,
                p.v, lengths_of(e), cached ? e->cache : e->kept, e->y[0], e->kept, hsgd_scratch(e, a.workers * floats));
    struct advance_args advance = { a.rows, (int)e->node->cache, a.t };
    if (cached) HSGD_LAUNCH(e, HSGD_KERNEL(advance), HSGD_ITEMS, a.rows, &advance, e->cache);
}

/* --------------------------------------------------------------- backward */

static void emit_backward(struct hsgd_emit *e, struct attention_args a, const struct places *p, const struct places *d)
{
    int64_t used = e->scratch_used;
    int64_t floats = ATTENTION_BWD_FLOATS(a.d);
    if (a.want_kv) floats += 2 * (int64_t)ATTENTION_PART_FLOATS(a.s, a.d, a.key_parts);
    a.workers = workers_of(e, (int64_t)a.rows * a.kv_heads * a.key_parts * a.query_parts);
    HSGD_LAUNCH(e, HSGD_KERNEL(attention_bwd), HSGD_TILES, a.workers, &a, p->q, p->k, p->v, lengths_of(e), e->y[0],
                e->dy[0], e->kept, d->q, d->k, d->v, hsgd_scratch(e, a.workers * floats));
    e->scratch_used = used; /* only this launch needs it */
}

/* Where heads alone do not occupy the device, they are divided: keys for dk and dv, and queries, in a second launch, for
 * dq, which computes the scores again. */
static void emit_parts(struct hsgd_emit *e, struct attention_args a, const struct places *p, const struct places *d)
{
    int heads = a.rows * a.kv_heads, most = workers_of(e, INT32_MAX), parts = most > heads ? most / heads : 1;
    int blocks = (a.s + ATTENTION_KEYS - 1) / ATTENTION_KEYS,
        chunks = (a.t + ATTENTION_QUERIES - 1) / ATTENTION_QUERIES;
    if (parts == 1 || (blocks == 1 && chunks == 1)) {
        emit_backward(e, a, p, d);
        return;
    }
    struct attention_args keys = a, queries = a;
    keys.want_q = queries.want_kv = 0;
    keys.key_parts = parts < blocks ? parts : blocks;
    queries.query_parts = parts < chunks ? parts : chunks;
    if (keys.want_kv) emit_backward(e, keys, p, d);
    if (queries.want_q) emit_backward(e, queries, p, d);
}

static void backward(struct hsgd_emit *e)
{
    struct attention_args a = args_of(e);
    struct places p = places_of(e->node, e->x), d = places_of(e->node, e->dx);
    a.want_q = hsgd_wanted(d.q), a.want_kv = hsgd_wanted(d.k) || hsgd_wanted(d.v);
    if (!a.want_q && !a.want_kv) return;
    rotate(e, &p, false);
    read_from(&a, &p);
    a.dq_step = d.q_step, a.dk_step = d.k_step, a.dv_step = d.v_step;
    int64_t floats = (int64_t)a.rows * a.s * a.kv_heads * a.d;
    if (!a.want_q) d.q = e->kept; /* not written */
    if (a.want_kv && !hsgd_wanted(d.k)) d.k = hsgd_scratch(e, floats);
    if (a.want_kv && !hsgd_wanted(d.v)) d.v = hsgd_scratch(e, floats);
    if (!a.want_kv) d.k = d.v = e->kept;
    emit_parts(e, a, &p, &d);
    rotate_back(e, &a, &d);
}

#define AT(field) offsetof(struct hsgd_attention, field)
static const struct hsgd_attribute fields[] = { { "heads", HSGD_INT, AT(heads), true, 0, NULL },
                                                { "kv_heads", HSGD_INT, AT(kv_heads), false, 0, "heads" },
                                                { "causal", HSGD_BOOL, AT(causal), false, 0, NULL },
                                                { "rotary", HSGD_WORD, AT(rotary), false, 0, "none halves pairs" },
                                                { "base", HSGD_FLOAT, AT(base), false, 10000, NULL },
                                                { "scale", HSGD_FLOAT, AT(scale), false, 0, NULL },
                                                { "context", HSGD_INT, AT(context), false, 0, NULL },
                                                { 0 } };

const struct hsgd_op hsgd_op_attention = {
    .name = "attention",
    .attributes_size = sizeof(struct hsgd_attention),
    .fields = fields,
    .inputs = 1,
    .max_inputs = 4,
    .layouts = 1u << HSGD_NHWC,
    .keeps_in = 0xf,
    .keeps_out = 1,
    .infer = infer,
    .forward = { { forward } },
    .backward = { { backward } },
};
