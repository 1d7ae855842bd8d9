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

/* A number for each axis, the batch's first: those of a list, then `otherwise`. */
static const char *numbers_of_axes(struct writer *w, const struct hsgd_ints *l)
{
    int64_t number[HSGD_MAX_RANK + 1] = { 1 };
    for (int i = 0; i < in_type(w)->rank; i++) number[i + 1] = i < l->count ? l->value[i] : 1;
    return write_ints(w, in_type(w)->rank + 1, number);
}

static int write_tile(struct writer *w)
{
    const char *times = numbers_of_axes(w, write_list(w, "repeats"));
    return done(w, write_op(w, "Tile", INPUTS(write_input(w, 0, AS_HERE), times), NULL));
}

/* The same weight for each sample: {1, dims}, which operators broadcast. */
static int write_parameter(struct writer *w)
{
    int64_t dim[HSGD_MAX_RANK + 1] = { 1 };
    for (int i = 0; i < out_type(w)->rank; i++) dim[i + 1] = out_type(w)->dim[i];
    const char *name = write_param_name(w, 0);
    if (name) write_tensor(w, name, out_type(w)->rank + 1, dim, write_param(w, 0));
    return done(w, write_op(w, "Identity", INPUTS(name), NULL));
}

static int write_pad(struct writer *w)
{
    static const char *const modes[] = { "constant", "reflect", "edge", "wrap" };
    const struct hsgd_ints *before = write_list(w, "before"), *after = write_list(w, "after"),
                           *axes = write_list(w, "axes");
    int n = before->count > after->count ? before->count : after->count, rank = in_type(w)->rank + 1;
    int64_t pads[2 * (HSGD_MAX_RANK + 1)] = { 0 };
    for (int i = 0; i < n; i++) {
        int64_t axis = axes->count ? axis_of(w, axes->value[i]) : i + 1;
        if (before->count) pads[axis] = before->value[i];
        if (after->count) pads[rank + axis] = after->value[i];
    }
    const char *in[] = { write_input(w, 0, AS_HERE), write_ints(w, 2 * rank, pads),
                         write_number(w, write_float(w, "value")) };
    int mode = write_int(w, "mode");
    if (mode > 2) return writer_refuse(w, "its mode is not written");
    return done(w, write_op(w, "Pad", mode ? 2 : 3, in, ATTRIBUTES(TEXT_("mode", modes[mode]))));
}

const struct write_row write_shape_rows[] = {
    { "broadcast", write_broadcast },
    { "concat", write_concat },
    { "flatten", write_flatten },
    { "gather", write_gather },
    { "pad", write_pad },
    { "parameter", write_parameter },
    { "reshape", write_reshape },
    { "slice", write_slice },
    { "split", write_split },
    { "tile", write_tile },
    { "transpose", write_transpose },
    { 0 },
};
