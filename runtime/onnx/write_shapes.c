/* SPDX-License-Identifier: BSD-3-Clause */
/* Operations that move numbers, as operators of ONNX. */
#include <string.h>

#include "onnx/writer.h"

static const struct hsgd_type *in_type(const struct writer *w) { return &w->node->info.in[0]; }
static const struct hsgd_type *out_type(const struct writer *w) { return &w->node->info.out[0]; }

static int done(struct writer *w, const char *name)
{
    write_output(w, 0, AS_HERE, name);
    return 0;
}

/* An axis as in attributes here, from 1 or from -1; 0: the last.  The batch is ONNX's axis 0. */
static int64_t axis_of(const struct writer *w, int axis)
{
    return axis > 0 ? axis : in_type(w)->rank + 1 + (axis ? axis : -1);
}

/* An image with its channels first is flattened as it is, and dense layers take it so. */
static int write_flatten(struct writer *w)
{
    const struct written *x = &w->value[w->node->in[0]];
    const int64_t shape[] = { 0, -1 };
    bool first = !x->name[AS_HERE] && x->name[CHANNELS_FIRST];
    const char *from = write_input(w, 0, first ? CHANNELS_FIRST : AS_HERE);
    const char *y = write_op(w, "Reshape", INPUTS(from, write_ints(w, 2, shape)), NULL);
    write_output(w, 0, first ? FLATTENED : AS_HERE, y);
    w->value[w->node->out[0]].image = w->node->in[0];
    return 0;
}

static int write_reshape(struct writer *w)
{
    int64_t shape[HSGD_MAX_RANK + 1] = { 0 };
    int open = 0;
    for (int i = 0; i < out_type(w)->rank; i++) {
        shape[i + 1] = out_type(w)->dim[i] == HSGD_ANY ? -1 : out_type(w)->dim[i];
        open += shape[i + 1] == -1;
    }
    if (open > 1) return writer_refuse(w, "more than one size is open");
    const char *to = write_ints(w, out_type(w)->rank + 1, shape);
    return done(w, write_op(w, "Reshape", INPUTS(write_input(w, 0, AS_HERE), to), NULL));
}

static int write_concat(struct writer *w)
{
    const char *in[HSGD_MAX_INPUTS];
    for (int i = 0; i < w->node->info.inputs; i++) in[i] = write_input(w, i, AS_HERE);
    int64_t axis = axis_of(w, write_int(w, "axis"));
    return done(w, write_op(w, "Concat", w->node->info.inputs, in, ATTRIBUTES(INT_("axis", axis))));
}

static int write_split(struct writer *w)
{
    int n = w->node->info.outputs;
    int64_t size[HSGD_MAX_OUTPUTS], axis = axis_of(w, write_int(w, "axis"));
    const char *out[HSGD_MAX_OUTPUTS];
    for (int i = 0; i < n; i++) {
        size[i] = w->node->info.out[i].dim[axis - 1];
        out[i] = writer_text(w, "%s_%d", w->node->name, ++w->names);
        write_output(w, i, AS_HERE, out[i]);
    }
    write_ops(w, "Split", INPUTS(write_input(w, 0, AS_HERE), write_ints(w, n, size)), n, out,
              ATTRIBUTES(INT_("axis", axis)));
    return 0;
}

static int write_transpose(struct writer *w)
{
    const struct hsgd_ints *p = write_list(w, "permutation");
    int64_t perm[HSGD_MAX_RANK + 1] = { 0 };
    for (int i = 0; i < in_type(w)->rank; i++) perm[i + 1] = axis_of(w, p->value[i]);
    const struct attribute *a = ATTRIBUTES(INTS_("perm", in_type(w)->rank + 1, perm));
    return done(w, write_op(w, "Transpose", INPUTS(write_input(w, 0, AS_HERE)), a));
}

static const char *ints_of(struct writer *w, const struct hsgd_ints *l, int64_t otherwise, int n)
{
    int64_t number[HSGD_MAX_INTS];
    for (int i = 0; i < n; i++) number[i] = l->count ? l->value[i] : otherwise;
    return write_ints(w, n, number);
}

/* The axes of a list, or the first ones. */
static const char *axes_of(struct writer *w, const struct hsgd_ints *l, int n)
{
    int64_t axis[HSGD_MAX_INTS];
    for (int i = 0; i < n; i++) axis[i] = l->count ? axis_of(w, l->value[i]) : i + 1;
    return write_ints(w, n, axis);
}

static int write_slice(struct writer *w)
{
    const struct hsgd_ints *starts = write_list(w, "starts");
    int n = starts->count;
    const char *in[] = { write_input(w, 0, AS_HERE), ints_of(w, starts, 0, n), ints_of(w, write_list(w, "ends"), 0, n),
                         axes_of(w, write_list(w, "axes"), n), ints_of(w, write_list(w, "steps"), 1, n) };
    return done(w, write_op(w, "Slice", 5, in, NULL));
}

/* Axes of size 1 behind the batch, so that the others are the last, and then a size for each. */
static int write_broadcast(struct writer *w)
{
    int64_t shape[HSGD_MAX_RANK + 1] = { 0 }, to[HSGD_MAX_RANK + 1] = { 1 };
    int rank = out_type(w)->rank, shift = rank - in_type(w)->rank;
    if (w->node->info.inputs > 1) return writer_refuse(w, "its sizes are those of another value");
    for (int i = 0; i < rank; i++) {
        shape[i + 1] = i < shift ? 1 : in_type(w)->dim[i - shift];
        to[i + 1] = out_type(w)->dim[i];
    }
    const char *x = write_input(w, 0, AS_HERE);
    if (shift) x = write_op(w, "Reshape", INPUTS(x, write_ints(w, rank + 1, shape)), NULL);
    return done(w, write_op(w, "Expand", INPUTS(x, write_ints(w, rank + 1, to)), NULL));
}

static int write_gather(struct writer *w)
{
    const struct hsgd_ints *index = write_list(w, "indices");
    int64_t axis = axis_of(w, write_int(w, "axis"));
    const char *at = ints_of(w, index, 0, index->count);
    return done(w, write_op(w, "Gather", INPUTS(write_input(w, 0, AS_HERE), at), ATTRIBUTES(INT_("axis", axis))));
}

const struct write_row write_shape_rows[] = {
    { "broadcast", write_broadcast }, { "concat", write_concat },       { "flatten", write_flatten },
    { "gather", write_gather },       { "reshape", write_reshape },     { "slice", write_slice },
    { "split", write_split },         { "transpose", write_transpose }, { 0 },
};
