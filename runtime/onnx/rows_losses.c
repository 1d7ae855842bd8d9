/* SPDX-License-Identifier: BSD-3-Clause */
/* Operators that choose by computed indices: by products with rows of 0 and 1. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "onnx/rows.h"

/* Rows of a table for integers, which get an axis more, the last: of n x columns numbers, which are taken. */
static int look_up(struct step *s, const struct onnx_value *index, double *table, int64_t n, int64_t columns,
                   struct onnx_value *y)
{
    char name[LAYER_NAME];
    if (index->dims.rank >= ONNX_RANK) {
        free(table);
        return step_refuse(s, "its result has more than 8 dimensions");
    }
    *y = *index;
    y->known = NULL;
    y->dtype = ONNX_FLOAT;
    y->place[y->dims.rank] = value_sample_rank(index);
    y->dims.dim[y->dims.rank++] = columns;
    y->v = step_apply(s, "embedding", name, 1, (struct hsgd_value *[]){ index->v }, "entries=%lld channels=%lld",
                      (long long)n, (long long)columns);
    if (y->v) return step_weight(s, name, "weight", table, n * columns, false);
    free(table);
    return -EINVAL;
}

/* The same of indices that may be negative, from the end: n is added to them, and the table is there twice. */
static int look_up_signed(struct step *s, const struct onnx_value *index, double *table, int64_t n,
                          struct onnx_value *y)
{
    struct onnx_value from_0;
    double *twice = table ? realloc(table, ((size_t)(2 * n * n) + 1) * sizeof *table) : NULL;
    if (!twice) free(table);
    if (!twice) return step_no_memory(s);
    memcpy(twice + n * n, twice, (size_t)(n * n) * sizeof *twice);
    int err = value_scalar(s, "add", index, (double)n, &from_0);
    if (!err) return look_up(s, &from_0, twice, 2 * n, n, y);
    free(twice);
    return err;
}

/* n x n, with weight[i] (NULL: 1) at i, i; NULL: out of memory. */
static double *diagonal(int64_t n, const double *weight)
{
    double *t = n <= 2048 ? calloc((size_t)(n * n) + 1, sizeof *t) : NULL;
    for (int64_t i = 0; t && i < n; i++) t[i * n + i] = weight ? weight[i] : 1;
    return t;
}

/* x with its last axis moved to `axis`, without work. */
static void move_last(struct onnx_value *x, int axis)
{
    int last = x->dims.rank - 1, place = x->place[last];
    int64_t size = x->dims.dim[last];
    for (int i = last; i > axis; i--) {
        x->place[i] = x->place[i - 1];
        x->dims.dim[i] = x->dims.dim[i - 1];
    }
    x->place[axis] = place;
    x->dims.dim[axis] = size;
}

/* Integers of the model for input i. */
static int indices(struct step *s, int i, struct onnx_value *out)
{
    struct hsgd_type t;
    int err = step_has(s, i) && !s->in[i]->known ? step_computed(s, i, out)
                                                 : step_refuse(s, "input %d must be computed", i + 1);
    if (!err && (hsgd_type_of(out->v, &t) || t.dtype != HSGD_I32))
        err = step_refuse(s, "input %d must be integers", i + 1);
    return err;
}

/* ----------------------------------------------------------------------- one hot */

static int read_one_hot(struct step *s)
{
    struct onnx_value index, y;
    const struct tensor *depth = step_known(s, 1), *values = depth ? step_known(s, 2) : NULL;
    int err = values ? step_computed(s, 0, &index) : -EINVAL;
    if (!err) err = value_cast(s, &index, ONNX_INT64, &index); /* floats, too */
    if (err) return err;
    int64_t n = depth->count == 1 ? tensor_integer(depth, 0) : 0;
    if (n < 1 || n > 2048 || values->count != 2) return step_refuse(s, "its depth or its values are not supported");
    int axis = step_axis(s, step_int(s, "axis", -1), index.dims.rank + 1);
    double *table = axis < 0 ? NULL : diagonal(n, NULL);
    if (!table) return axis < 0 ? -EINVAL : step_no_memory(s);
    double off = values->number[0], on = values->number[1];
    for (int64_t i = 0; i < n * n; i++) table[i] *= on - off;
    err = look_up_signed(s, &index, table, n, &y);
    if (!err && off != 0) err = value_scalar(s, "add", &y, off, &y);
    if (err) return err;
    y.dtype = values->dtype;
    move_last(&y, axis);
    return step_out(s, 0, &y, NULL, y.v);
}

/* 1 at the first maximum along an axis, else 0. */
static int read_hardmax(struct step *s)
{
    struct onnx_value x, index, y;
    int err = step_computed(s, 0, &x);
    int axis = err ? -1 : step_axis(s, step_int(s, "axis", s->r->opset < 13 ? 1 : -1), x.dims.rank);
    if (axis < 0) return -EINVAL;
    if (s->r->opset < 13 && axis != x.dims.rank - 1) return step_refuse(s, "more than the last axis is not supported");
    int64_t n = x.dims.dim[axis];
    err = value_arg(s, "", &x, axis, false, &index);
    double *table = err ? NULL : diagonal(n, NULL);
    if (!err) err = table ? look_up(s, &index, table, n, n, &y) : step_no_memory(s);
    if (err) return err;
    move_last(&y, axis);
    return step_out(s, 0, &y, NULL, y.v);
}

/* --------------------------------------------------------------- gather elements */

/* y[.., k, ..] = x[.., index[.., k, ..], ..]: the sum over the axis of x times rows of 0 and 1. */
static int read_gather_elements(struct step *s)
{
    struct onnx_value index, rows, x, product, y;
    int err = indices(s, 1, &index);
    if (!err) err = step_computed(s, 0, &x);
    int axis = err ? -1 : step_axis(s, step_int(s, "axis", 0), x.dims.rank), rank = x.dims.rank;
    if (axis < 0) return -EINVAL;
    if (x.place[axis] == BATCH) return step_refuse_batch(s, "it chooses from the batch");
    if (index.dims.rank != rank || rank >= ONNX_RANK) return step_refuse(s, "its indices do not fit");
    for (int i = 0; i < rank; i++)
        if (i != axis && index.dims.dim[i] != x.dims.dim[i])
            return step_refuse(s, "its indices must have the size of the data in all other axes");
    int64_t n = x.dims.dim[axis];
    double *table = diagonal(n, NULL);
    err = look_up_signed(s, &index, table, n, &rows);
    if (err) return err;
    /* rows: index's axes and n behind them; x: its axis behind, and one of size 1 in its place */
    struct onnx_value turned = x;
    err = step_axis_last(s, &x, axis, &turned);
    if (err) return err;
    turned.place[rank] = turned.place[axis];
    turned.dims.dim[rank] = n;
    turned.dims.dim[axis] = 1;
    turned.dims.rank = rank + 1;
    turned.place[axis] = ONNX_RANK; /* a size of 1 lies anywhere: last */
    turned.place[axis] = value_sample_rank(&turned) - 1;
    int64_t dim[ONNX_RANK];
    int n_dims = value_sample_dims(&turned, dim);
    turned.v = step_reshape(s, turned.v, n_dims, dim);
    if (!turned.v) return -EINVAL;
    err = value_binary(s, "mul", &rows, &turned, &product);
    if (!err) err = value_reduce(s, "sum", &product, 1u << rank, false, &y);
    return err ? err : step_out(s, 0, &y, NULL, y.v);
}

/* ------------------------------------------------------------------------ losses */

/* Class weights, without the class that is ignored: to be freed. */
static double *class_weights(struct step *s, int input, int64_t n)
{
    const Onnx__AttributeProto *ignored = step_attribute(s, "ignore_index");
    const struct tensor *given = step_has(s, input) ? step_known(s, input) : NULL;
    if (step_has(s, input) && (!given || given->count != n)) {
        if (given) step_refuse(s, "it has %lld weights for %lld classes", (long long)given->count, (long long)n);
        return NULL;
    }
    double *w = calloc((size_t)n + 1, sizeof *w);
    for (int64_t i = 0; w && i < n; i++) w[i] = given ? given->number[i] : 1;
    if (w && ignored && ignored->i >= 0 && ignored->i < n) w[ignored->i] = 0;
    if (!w) step_no_memory(s);
    return w;
}

static unsigned all_axes(int rank) { return (1u << rank) - 1; }

/* loss, with a value for each position, and the weights of these, reduced. */
static int reduce_loss(struct step *s, const struct onnx_value *loss, const struct onnx_value *weight)
{
    struct onnx_value sum, weights, mean;
    if (step_is(s, "reduction", "none", "mean")) return step_out(s, 0, loss, NULL, loss->v);
    if (value_batch_axis(loss) != NO_BATCH) return step_refuse_batch(s, "it adds up the batch");
    int err = value_reduce(s, "sum", loss, all_axes(loss->dims.rank), false, &sum);
    if (err || step_is(s, "reduction", "sum", "mean")) return err ? err : step_out(s, 0, &sum, NULL, sum.v);
    err = value_reduce(s, "sum", weight, all_axes(weight->dims.rank), false, &weights);
    if (!err) err = value_binary(s, "div", &sum, &weights, &mean);
    return err ? err : step_out(s, 0, &mean, NULL, mean.v);
}

/* -w[t] log p[t] at each position, of log p {batch, classes, positions...} and classes t. */
static int nll(struct step *s, const struct onnx_value *log_p)
{
    struct onnx_value target, rows, product, loss, weight, negative;
    int err = indices(s, 1, &target);
    if (err) return err;
    if (log_p->dims.rank != target.dims.rank + 1 || log_p->dims.rank < 2)
        return step_refuse(s, "its inputs do not fit");
    int64_t n = log_p->dims.dim[1];
    double *w = class_weights(s, 2, n), *table = w ? diagonal(n, w) : NULL;
    free(w);
    if (!table) return w ? step_no_memory(s) : -EINVAL;
    err = look_up(s, &target, table, n, n, &rows);
    if (err) return err;
    move_last(&rows, 1);
    err = value_binary(s, "mul", &rows, log_p, &product);
    if (!err) err = value_reduce(s, "sum", &product, 1u << 1, false, &loss);
    if (!err) err = value_scalar(s, "mul", &loss, -1, &negative);
    if (!err) err = value_reduce(s, "sum", &rows, 1u << 1, false, &weight);
    return err ? err : reduce_loss(s, &negative, &weight);
}

static int read_nll(struct step *s)
{
    struct onnx_value x;
    int err = step_computed(s, 0, &x);
    return err ? err : nll(s, &x);
}

/* The same of logits; log p is the second output. */
static int read_cross_entropy(struct step *s)
{
    struct onnx_value x, log_p;
    if (!step_has(s, 0) || s->in[0]->dims.rank < 2) return step_refuse(s, "its input has no classes");
    int err = step_computed(s, 0, &x);
    if (!err) err = value_softmax(s, true, &x, 1, &log_p);
    if (!err) err = nll(s, &log_p);
    return err || s->outputs < 2 ? err : step_out(s, 1, &log_p, NULL, log_p.v);
}

const struct onnx_row onnx_choice_rows[] = {
    { "GatherElements", 11, 0, "axis", 0, 0, false, false, read_gather_elements },
    { "Hardmax", 1, 0, "axis", 0, 0, false, false, read_hardmax },
    { "NegativeLogLikelihoodLoss", 12, 0, "ignore_index reduction", 0, 1u << 2, false, false, read_nll },
    { "OneHot", 9, 0, "axis", 0, 1u << 1 | 1u << 2, false, false, read_one_hot },
    { "SoftmaxCrossEntropyLoss", 12, 0, "ignore_index reduction", 0, 1u << 2, false, false, read_cross_entropy },
    { 0 },
};
