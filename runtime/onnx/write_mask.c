/* SPDX-License-Identifier: BSD-3-Clause */
/* Lengths of samples: masks, and what is made of the valid positions. */
#include <string.h>

#include "onnx/tensor.h"
#include "onnx/writer.h"

static const struct hsgd_type *in_type(const struct writer *w) { return &w->node->info.in[0]; }

const char *write_lengths(struct writer *w, int i, int64_t steps, int axes)
{
    int64_t shape[HSGD_MAX_RANK + 1] = { 0 };
    for (int k = 1; k < axes; k++) shape[k] = 1;
    const char *n = write_op(w, "Cast", INPUTS(write_input(w, i, AS_HERE)), ATTRIBUTES(INT_("to", ONNX_FLOAT)));
    n = write_op(w, "Clip", INPUTS(n, write_number(w, 0), write_number(w, (float)steps)), NULL);
    return write_op(w, "Reshape", INPUTS(n, write_ints(w, axes, shape)), NULL);
}

/* 0, 1, .. in axis `axis` of so many, the others of which have the size 1. */
static const char *counted(struct writer *w, int64_t steps, int axis, int axes)
{
    int64_t dim[HSGD_MAX_RANK + 1];
    float *number = writer_memory(w, (size_t)steps * sizeof *number + 1);
    const char *name = writer_text(w, "%s.positions_%d", w->node->name, ++w->names);
    for (int i = 0; i < axes; i++) dim[i] = i == axis ? steps : 1;
    for (int64_t i = 0; number && i < steps; i++) number[i] = (float)i;
    if (number && name) write_tensor(w, name, axes, dim, number);
    return name;
}

static const char *as_float(struct writer *w, const char *x)
{
    return write_op(w, "Cast", INPUTS(x), ATTRIBUTES(INT_("to", ONNX_FLOAT)));
}

const char *write_valid(struct writer *w, const char *lengths, int64_t steps, int axis, int axes)
{
    return as_float(w, write_op(w, "Less", INPUTS(counted(w, steps, axis, axes), lengths), NULL));
}

/* ----------------------------------------------------- last, mean and max of positions */

static const char *over_positions(struct writer *w, const char *op, const char *x)
{
    const int64_t axis = 1;
    if (!strcmp(op, "ReduceSum"))
        return write_op(w, op, INPUTS(x, write_ints(w, 1, &axis)), ATTRIBUTES(INT_("keepdims", 0)));
    return write_op(w, op, INPUTS(x), ATTRIBUTES(INTS_("axes", 1, &axis), INT_("keepdims", 0)));
}

static int done(struct writer *w, const char *name)
{
    write_output(w, 0, AS_HERE, name);
    return 0;
}

static bool has_lengths(const struct writer *w) { return w->node->info.inputs > 1; }
static bool is_open(const struct writer *w) { return has_lengths(w) && in_type(w)->dim[0] == HSGD_ANY; }

static int write_last(struct writer *w)
{
    int64_t steps = in_type(w)->dim[0];
    const char *x = write_input(w, 0, AS_HERE);
    if (is_open(w)) return writer_refuse(w, "its length is open");
    if (!has_lengths(w)) {
        const char *last = write_ints(w, 1, (int64_t[]){ -1 });
        last = write_op(w, "Gather", INPUTS(x, last), ATTRIBUTES(INT_("axis", 1)));
        return done(w, write_op(w, "Squeeze", INPUTS(last, write_ints(w, 1, (int64_t[]){ 1 })), NULL));
    }
    const char *before = write_op(w, "Sub", INPUTS(write_lengths(w, 1, steps, 3), write_number(w, 1)), NULL);
    const char *at = as_float(w, write_op(w, "Equal", INPUTS(counted(w, steps, 1, 3), before), NULL));
    return done(w, over_positions(w, "ReduceSum", write_op(w, "Mul", INPUTS(x, at), NULL)));
}

/* The sum over the valid positions divided by their number. */
static int write_mean(struct writer *w)
{
    int64_t steps = in_type(w)->dim[0];
    const char *x = write_input(w, 0, AS_HERE);
    if (is_open(w)) return writer_refuse(w, "its length is open");
    if (!has_lengths(w)) return done(w, over_positions(w, "ReduceMean", x));
    const char *n = write_lengths(w, 1, steps, 3);
    const char *sum =
        over_positions(w, "ReduceSum", write_op(w, "Mul", INPUTS(x, write_valid(w, n, steps, 1, 3)), NULL));
    const char *by = write_op(w, "Clip", INPUTS(write_lengths(w, 1, steps, 2), write_number(w, 1)), NULL);
    return done(w, write_op(w, "Div", INPUTS(sum, by), NULL));
}

/* Other positions are out of reach; where there are none at all it is 0. */
static int write_max(struct writer *w)
{
    int64_t steps = in_type(w)->dim[0];
    const char *x = write_input(w, 0, AS_HERE);
    if (is_open(w)) return writer_refuse(w, "its length is open");
    if (!has_lengths(w)) return done(w, over_positions(w, "ReduceMax", x));
    const char *valid = write_valid(w, write_lengths(w, 1, steps, 3), steps, 1, 3);
    const char *beyond = write_op(w, "Sub", INPUTS(valid, write_number(w, 1)), NULL);
    beyond = write_op(w, "Mul", INPUTS(beyond, write_number(w, 1e30f)), NULL);
    const char *top = over_positions(w, "ReduceMax", write_op(w, "Add", INPUTS(x, beyond), NULL));
    const char *some =
        write_op(w, "Clip", INPUTS(write_lengths(w, 1, steps, 2), write_number(w, 0), write_number(w, 1)), NULL);
    return done(w, write_op(w, "Mul", INPUTS(top, some), NULL));
}

const struct write_row write_mask_rows[] = {
    { "last", write_last },
    { "max_positions", write_max },
    { "mean_positions", write_mean },
    { 0 },
};
