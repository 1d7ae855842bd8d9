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

/* {batch, t, heads x d} as {batch, heads, t, d}, or {batch, heads, d, t}. */
static const char *heads_of(struct writer *w, const char *x, int64_t heads, int64_t d, bool turned)
{
    const int64_t shape[] = { 0, 0, heads, d }, plain[] = { 0, 2, 1, 3 }, other[] = { 0, 2, 3, 1 };
    const char *y = write_op(w, "Reshape", INPUTS(x, write_ints(w, 4, shape)), NULL);
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
static void parts_of(struct writer *w, const char *part[3])
{
    int64_t each = in_type(w, 0)->dim[1] / 3;
    for (int i = 0; i < 3; i++)
        part[i] =
            w->node->info.inputs == 3 ? write_input(w, i, AS_HERE) : writer_text(w, "%s_%d", w->node->name, ++w->names);
    if (w->node->info.inputs == 1)
        write_ops(w, "Split", INPUTS(write_input(w, 0, AS_HERE), write_ints(w, 3, (int64_t[]){ each, each, each })), 3,
                  part, ATTRIBUTES(INT_("axis", 2)));
}

static int write_attention(struct writer *w)
{
    const struct hsgd_type *x = in_type(w, 0);
    bool three = w->node->info.inputs == 3;
    int64_t heads = write_int(w, "heads"), kv = write_int(w, "kv_heads"), t = x->dim[0];
    int64_t keys = three ? in_type(w, 1)->dim[0] : t, d = w->node->info.out[0].dim[1] / heads;
    if (w->node->info.inputs % 2 == 0) return writer_refuse(w, "numbers of keys are not written");
    if ((kv && kv != heads) || write_int(w, "rotary"))
        return writer_refuse(w, "shared and rotated heads are not written");
    if (write_int(w, "causal") && (t == HSGD_ANY || keys == HSGD_ANY)) return writer_refuse(w, "its length is open");
    const char *part[3];
    const int64_t back[] = { 0, 2, 1, 3 }, shape[] = { 0, 0, heads * d };
    parts_of(w, part);
    float scale = write_float(w, "scale");
    const char *q = heads_of(w, part[0], heads, d, false), *k = heads_of(w, part[1], heads, d, true);
    const char *score = write_op(w, "MatMul", INPUTS(q, k), NULL);
    score = write_op(w, "Mul", INPUTS(score, write_number(w, scale != 0 ? scale : 1 / sqrtf((float)d))), NULL);
    if (write_int(w, "causal")) score = write_op(w, "Add", INPUTS(score, causal_mask(w, t, keys)), NULL);
    score = write_op(w, "Softmax", INPUTS(score), ATTRIBUTES(INT_("axis", -1)));
    const char *y = write_op(w, "MatMul", INPUTS(score, heads_of(w, part[2], heads, d, false)), NULL);
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
