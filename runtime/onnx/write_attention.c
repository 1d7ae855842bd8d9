/* SPDX-License-Identifier: BSD-3-Clause */
/* Attention, what surrounds it, and products, as operators of ONNX. */
#include <math.h>
#include <string.h>

#include "onnx/writer.h"

/* What is added to the score of a key that does not count. */
#define HIDDEN (-1e30f)

static int done(struct writer *w, const char *name)
{
    write_output(w, 0, AS_HERE, name);
    return 0;
}

static const struct hsgd_type *in_type(const struct writer *w, int i) { return &w->node->info.in[i]; }

/* ------------------------------------------------------------------- attention */

/* What is written of a node. */
struct heads {
    int64_t count, kv, d, t, s; /* heads, those of keys and values, channels of each, queries, keys */
    bool three, has_lengths, is_causal;
    int rotary;
    float base;
};

static struct heads heads_of(const struct writer *w)
{
    const struct hsgd_node *n = &w->node->info;
    struct heads h = { .count = write_int(w, "heads"), .kv = write_int(w, "kv_heads"), .t = n->in[0].dim[0] };
    h.three = n->inputs > 2;
    h.has_lengths = n->inputs % 2 == 0;
    h.is_causal = write_int(w, "causal");
    h.rotary = write_int(w, "rotary");
    h.base = write_float(w, "base");
    h.s = n->in[h.three ? 1 : 0].dim[0];
    h.d = n->out[0].dim[1] / h.count;
    if (!h.kv) h.kv = h.count;
    return h;
}

/* Cosines or sines of the angles of t positions: {t, 1, d / 2}, or of pairs {t, 1, d / 2, 1}. */
static const char *angles(struct writer *w, const struct heads *h, int64_t t, bool of_sine)
{
    int64_t n = h->d / 2, dim[] = { t, 1, n, 1 };
    float *to = writer_memory(w, (size_t)(t * n) * sizeof *to + 1);
    const char *name = writer_text(w, "%s.%s_%d", w->node->name, of_sine ? "sin" : "cos", ++w->names);
    for (int64_t i = 0; to && i < t * n; i++) {
        float theta = (float)pow((double)h->base, -(double)(i % n) / (double)n), angle = (float)(i / n) * theta;
        to[i] = (float)(of_sine ? sin((double)angle) : cos((double)angle));
    }
    if (to && name) write_tensor(w, name, h->rotary == HSGD_ROTARY_PAIRS ? 4 : 3, dim, to);
    return name;
}

/* x, {batch, t, heads, d}, rotated by positions: halves of d, or of pairs the first and the second of each. */
static const char *rotated(struct writer *w, const struct heads *h, const char *x, int64_t heads, int64_t t)
{
    bool pairs = h->rotary == HSGD_ROTARY_PAIRS;
    const int64_t apart[] = { 0, 0, heads, h->d / 2, 2 }, joined[] = { 0, 0, heads, h->d };
    const int64_t size = pairs ? 1 : h->d / 2;
    const struct attribute *axis = ATTRIBUTES(INT_("axis", pairs ? 4 : 3));
    const char *part[2], *cosine = angles(w, h, t, false), *sine = angles(w, h, t, true);
    for (int i = 0; i < 2; i++) part[i] = writer_text(w, "%s_%d", w->node->name, ++w->names);
    if (pairs) x = write_op(w, "Reshape", INPUTS(x, write_ints(w, 5, apart)), NULL);
    write_ops(w, "Split", INPUTS(x, write_ints(w, 2, (int64_t[]){ size, size })), 2, part, axis);
    const char *one = write_op(
        w, "Sub",
        INPUTS(write_op(w, "Mul", INPUTS(part[0], cosine), NULL), write_op(w, "Mul", INPUTS(part[1], sine), NULL)),
        NULL);
    const char *other = write_op(
        w, "Add",
        INPUTS(write_op(w, "Mul", INPUTS(part[1], cosine), NULL), write_op(w, "Mul", INPUTS(part[0], sine), NULL)),
        NULL);
    const char *y = write_op(w, "Concat", INPUTS(one, other), axis);
    return pairs ? write_op(w, "Reshape", INPUTS(y, write_ints(w, 4, joined)), NULL) : y;
}

/* {batch, t, heads d} as {batch, heads, t, d}, or {batch, heads, d, t}; fewer heads are there as often as needed. */
static const char *split_heads(struct writer *w, const struct heads *h, const char *x, int64_t heads, int64_t t,
                               bool rotates, bool turned)
{
    const int64_t shape[] = { 0, 0, heads, h->d }, plain[] = { 0, 2, 1, 3 }, other[] = { 0, 2, 3, 1 };
    const int64_t apart[] = { 0, 0, heads, 1, h->d }, times[] = { 1, 1, 1, h->count / heads, 1 };
    const int64_t all[] = { 0, 0, h->count, h->d };
    const char *y = write_op(w, "Reshape", INPUTS(x, write_ints(w, 4, shape)), NULL);
    if (rotates && h->rotary) y = rotated(w, h, y, heads, t);
    if (heads != h->count) {
        y = write_op(w, "Reshape", INPUTS(y, write_ints(w, 5, apart)), NULL);
        y = write_op(w, "Expand", INPUTS(y, write_ints(w, 5, times)), NULL);
        y = write_op(w, "Reshape", INPUTS(y, write_ints(w, 4, all)), NULL);
    }
    return write_op(w, "Transpose", INPUTS(y), ATTRIBUTES(INTS_("perm", 4, turned ? other : plain)));
}

/* {t, s}: 0 where key j <= query i */
static const char *causal_mask(struct writer *w, int64_t t, int64_t s)
{
    float *mask = writer_memory(w, (size_t)(t * s) * sizeof *mask + 1);
    for (int64_t i = 0; mask && i < t * s; i++) mask[i] = i % s <= i / s ? 0 : HIDDEN;
    const char *name = writer_text(w, "%s.mask", w->node->name);
    if (mask && name) write_tensor(w, name, 2, (int64_t[]){ t, s }, mask);
    return name;
}

/* Queries, keys and values: three inputs, or the parts of one. */
static void parts_of(struct writer *w, const struct heads *h, const char *part[3])
{
    const int64_t size[] = { h->count * h->d, h->kv * h->d, h->kv * h->d };
    for (int i = 0; i < 3; i++)
        part[i] = h->three ? write_input(w, i, AS_HERE) : writer_text(w, "%s_%d", w->node->name, ++w->names);
    if (!h->three)
        write_ops(w, "Split", INPUTS(write_input(w, 0, AS_HERE), write_ints(w, 3, size)), 3, part,
                  ATTRIBUTES(INT_("axis", 2)));
}

/* Softmax of scores {batch, heads, t, s}, of the keys that count: where there are none all are 0. */
static const char *weights_of(struct writer *w, const struct heads *h, const char *score)
{
    const char *valid = NULL;
    if (h->is_causal) score = write_op(w, "Add", INPUTS(score, causal_mask(w, h->t, h->s)), NULL);
    if (h->has_lengths) {
        valid = write_valid(w, write_lengths(w, w->node->info.inputs - 1, h->s, 4), h->s, 3, 4);
        const char *hidden = write_op(w, "Sub", INPUTS(valid, write_number(w, 1)), NULL);
        hidden = write_op(w, "Mul", INPUTS(hidden, write_number(w, -HIDDEN)), NULL);
        score = write_op(w, "Add", INPUTS(score, hidden), NULL);
    }
    const char *y = write_op(w, "Softmax", INPUTS(score), ATTRIBUTES(INT_("axis", -1)));
    return valid ? write_op(w, "Mul", INPUTS(y, valid), NULL) : y;
}

static int write_attention(struct writer *w)
{
    struct heads h = heads_of(w);
    bool open = h.t == HSGD_ANY || h.s == HSGD_ANY;
    if (open && (h.is_causal || h.has_lengths || h.rotary)) return writer_refuse(w, "its length is open");
    const char *part[3];
    const int64_t back[] = { 0, 2, 1, 3 }, shape[] = { 0, 0, h.count * h.d };
    parts_of(w, &h, part);
    float scale = write_float(w, "scale");
    const char *q = split_heads(w, &h, part[0], h.count, h.t, true, false);
    const char *k = split_heads(w, &h, part[1], h.kv, h.s, true, true);
    const char *score = write_op(w, "MatMul", INPUTS(q, k), NULL);
    score = write_op(w, "Mul", INPUTS(score, write_number(w, scale != 0 ? scale : 1 / sqrtf((float)h.d))), NULL);
    score = weights_of(w, &h, score);
    const char *y = write_op(w, "MatMul", INPUTS(score, split_heads(w, &h, part[2], h.kv, h.s, false, false)), NULL);
    y = write_op(w, "Transpose", INPUTS(y), ATTRIBUTES(INTS_("perm", 4, back)));
    return done(w, write_op(w, "Reshape", INPUTS(y, write_ints(w, 3, shape)), NULL));
}

/* x + the first t rows of a table */
static int write_positions(struct writer *w)
{
    int64_t t = in_type(w, 0)->dim[0], c = in_type(w, 0)->dim[1];
    if (t == HSGD_ANY) return writer_refuse(w, "its length is open");
    const char *name = write_param_name(w, 0);
    if (name) write_tensor(w, name, 3, (int64_t[]){ 1, t, c }, write_param(w, 0));
    return done(w, write_op(w, "Add", INPUTS(write_input(w, 0, AS_HERE), name), NULL));
}

/* x / sqrt(mean of x^2 + epsilon) w */
static int write_rms_norm(struct writer *w)
{
    const int64_t last[] = { -1 }, n = w->node->info.param[0].dim[0];
    float epsilon = write_float(w, "epsilon");
    const char *x = write_input(w, 0, AS_HERE), *name = write_param_name(w, 0);
    const char *y = write_op(w, "Mul", INPUTS(x, x), NULL);
    y = write_op(w, "ReduceMean", INPUTS(y), ATTRIBUTES(INTS_("axes", 1, last), INT_("keepdims", 1)));
    y = write_op(w, "Sqrt", INPUTS(write_op(w, "Add", INPUTS(y, write_number(w, epsilon)), NULL)), NULL);
    if (name) write_tensor(w, name, 1, &n, write_param(w, 0));
    return done(w, write_op(w, "Mul", INPUTS(write_op(w, "Div", INPUTS(x, y), NULL), name), NULL));
}

/* Matrix by matrix, with the last two axes exchanged where the operation takes them so. */
static int write_matmul(struct writer *w)
{
    const char *in[2];
    for (int i = 0; i < 2; i++) {
        int rank = in_type(w, i)->rank + 1;
        int64_t perm[HSGD_MAX_RANK + 1];
        for (int k = 0; k < rank; k++) perm[k] = k < rank - 2 ? k : 2 * rank - 3 - k;
        in[i] = write_input(w, i, AS_HERE);
        if (write_int(w, i ? "transpose_b" : "transpose_a"))
            in[i] = write_op(w, "Transpose", INPUTS(in[i]), ATTRIBUTES(INTS_("perm", rank, perm)));
    }
    return done(w, write_op(w, "MatMul", 2, in, NULL));
}

const struct write_row write_attention_rows[] = {
    { "attention", write_attention },
    { "matmul", write_matmul },
    { "positions", write_positions },
    { "rms_norm", write_rms_norm },
    { 0 },
};
