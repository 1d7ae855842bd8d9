/* SPDX-License-Identifier: BSD-3-Clause */
/* Functions of all numbers along axes, as operators of ONNX. */
#include <string.h>

#include "onnx/tensor.h"
#include "onnx/writer.h"

static const struct hsgd_type *in_type(const struct writer *w) { return &w->node->info.in[0]; }

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

static int write_softmax(struct writer *w)
{
    const char *op = !strcmp(w->node->op->name, "softmax") ? "Softmax" : "LogSoftmax";
    int64_t axis = axis_of(w, write_int(w, "axis"));
    const struct attribute *a = ATTRIBUTES(INT_("axis", axis == in_type(w)->rank ? -1 : axis));
    return done(w, write_op(w, op, INPUTS(write_input(w, 0, AS_HERE)), a));
}

/* By enum hsgd_reduction. */
static const char *const reductions[] = {
    [HSGD_REDUCE_SUM] = "ReduceSum",        [HSGD_REDUCE_MEAN] = "ReduceMean",
    [HSGD_REDUCE_MAX] = "ReduceMax",        [HSGD_REDUCE_MIN] = "ReduceMin",
    [HSGD_REDUCE_PROD] = "ReduceProd",      [HSGD_REDUCE_L1] = "ReduceL1",
    [HSGD_REDUCE_L2] = "ReduceL2",          [HSGD_REDUCE_SUM_SQUARE] = "ReduceSumSquare",
    [HSGD_REDUCE_LOG_SUM] = "ReduceLogSum", [HSGD_REDUCE_LOG_SUM_EXP] = "ReduceLogSumExp",
};

/* Its axes are an input of ReduceSum, and an attribute of the others. */
static int write_reduce(struct writer *w)
{
    const struct hsgd_ints *axes = write_list(w, "axes");
    int64_t axis[HSGD_MAX_INTS];
    int n = axes->count ? axes->count : in_type(w)->rank, f = write_int(w, "function");
    for (int i = 0; i < n; i++) axis[i] = axes->count ? axis_of(w, axes->value[i]) : i + 1;
    const struct attribute keeps = INT_("keepdims", write_int(w, "keepdims"));
    const char *x = write_input(w, 0, AS_HERE);
    if (!n) return done(w, write_op(w, "Identity", INPUTS(x), NULL));
    if (f == HSGD_REDUCE_SUM)
        return done(w, write_op(w, "ReduceSum", INPUTS(x, write_ints(w, n, axis)), ATTRIBUTES(keeps)));
    return done(w, write_op(w, reductions[f], INPUTS(x), ATTRIBUTES(INTS_("axes", n, axis), keeps)));
}

/* ONNX counts in 64 bits. */
static const char *narrow(struct writer *w, const char *index)
{
    return write_op(w, "Cast", INPUTS(index), ATTRIBUTES(INT_("to", ONNX_INT32)));
}

static int write_arg_max(struct writer *w)
{
    int64_t axis = axis_of(w, write_int(w, "axis"));
    const struct attribute *a = ATTRIBUTES(INT_("axis", axis), INT_("keepdims", write_int(w, "keepdims")),
                                           INT_("select_last_index", write_int(w, "last")));
    const char *op = write_int(w, "min") ? "ArgMin" : "ArgMax";
    return done(w, narrow(w, write_op(w, op, INPUTS(write_input(w, 0, AS_HERE)), a)));
}

static int write_cumsum(struct writer *w)
{
    const char *axis = write_ints(w, 1, (int64_t[]){ axis_of(w, write_int(w, "axis")) });
    const struct attribute *a =
        ATTRIBUTES(INT_("exclusive", write_int(w, "exclusive")), INT_("reverse", write_int(w, "reverse")));
    return done(w, write_op(w, "CumSum", INPUTS(write_input(w, 0, AS_HERE), axis), a));
}

static int write_top_values(struct writer *w)
{
    const char *k = write_ints(w, 1, (int64_t[]){ write_int(w, "k") }), *out[2];
    for (int i = 0; i < 2; i++) out[i] = writer_text(w, "%s_%d", w->node->name, ++w->names);
    write_ops(w, "TopK", INPUTS(write_input(w, 0, AS_HERE), k), 2, out,
              ATTRIBUTES(INT_("axis", axis_of(w, write_int(w, "axis"))), INT_("largest", !write_int(w, "min"))));
    write_output(w, 0, AS_HERE, out[0]);
    write_output(w, 1, AS_HERE, narrow(w, out[1]));
    return 0;
}

const struct write_row write_reduce_rows[] = {
    { "arg_max", write_arg_max },
    { "cumsum", write_cumsum },
    { "log_softmax", write_softmax },
    { "reduce", write_reduce },
    { "softmax", write_softmax },
    { "top_values", write_top_values },
    { 0 },
};
