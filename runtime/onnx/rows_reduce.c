/* SPDX-License-Identifier: BSD-3-Clause */
/* Reductions, and what is made of them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "onnx/rows.h"
#include "onnx/shapes.h"

static int out(struct step *s, int err, const struct onnx_value *y)
{
    return err ? err : step_out(s, 0, y, NULL, y->v);
}

/* ------------------------------------------------------------------- reductions */

static const char *const reductions[][2] = {
    { "ReduceL1", "l1" },          { "ReduceL2", "l2" },
    { "ReduceLogSum", "log_sum" }, { "ReduceLogSumExp", "log_sum_exp" },
    { "ReduceMax", "max" },        { "ReduceMean", "mean" },
    { "ReduceMin", "min" },        { "ReduceProd", "prod" },
    { "ReduceSum", "sum" },        { "ReduceSumSquare", "sum_square" },
};

/* The axes that are given, or all. */
static int axes_of(struct step *s, unsigned *axes)
{
    if (!step_has(s, 0)) return step_refuse(s, "its input is missing");
    int rank = s->in[0]->dims.rank;
    return shape_axes(s, 1, rank, step_int(s, "noop_with_empty_axes", 0) ? 0 : (1u << rank) - 1, axes);
}

static int read_reduce(struct step *s)
{
    struct onnx_value y;
    unsigned axes;
    size_t row = 0;
    while (strcmp(s->node->op_type, reductions[row][0])) row++;
    int err = axes_of(s, &axes);
    if (!err) err = step_computed(s, 0, &y);
    if (!err) err = value_reduce(s, reductions[row][1], &y, axes, step_int(s, "keepdims", 1) != 0, &y);
    if (!err && y.v == s->in[0]->v) y.v = step_view(s, &y);
    return out(s, err, &y);
}

static int read_global_max_pool(struct step *s)
{
    struct onnx_value x, y;
    if (!step_has(s, 0) || s->in[0]->dims.rank < 3) return step_refuse(s, "its input is no image");
    int err = step_image(s, s->in[0], &x);
    if (!err) err = value_reduce(s, "max", &x, ((1u << x.dims.rank) - 1) & ~3u, true, &y);
    return out(s, err, &y);
}

/* ----------------------------------------------------------------- argument of max */

int value_arg(struct step *s, const char *f, const struct onnx_value *x, int axis, bool keeps, struct onnx_value *y)
{
    struct onnx_value left = *x;
    int64_t dim[ONNX_RANK];
    if (x->place[axis] == BATCH) return step_refuse_batch(s, "it works across the batch");
    left.v = step_apply_one(s, "arg_max", x->v, "%saxis=%d", f, x->place[axis] + 1);
    left.dtype = ONNX_INT64;
    *y = left;
    if (keeps) y->dims.dim[axis] = 1;
    else y->dims.rank--;
    for (int i = axis; !keeps && i < y->dims.rank; i++) {
        y->dims.dim[i] = left.dims.dim[i + 1];
        y->place[i] = left.place[i + 1];
    }
    for (int i = 0; !keeps && i < y->dims.rank; i++) y->place[i] -= y->place[i] > left.place[axis];
    int rank = value_sample_dims(y, dim);
    y->v = left.v ? step_reshape(s, left.v, rank, dim) : NULL;
    return y->v ? 0 : -EINVAL;
}

static int read_arg(struct step *s)
{
    struct onnx_value x, y;
    bool min = !strcmp(s->node->op_type, "ArgMin"), last = step_int(s, "select_last_index", 0) != 0;
    int err = step_computed(s, 0, &x);
    int axis = err ? -1 : step_axis(s, step_int(s, "axis", 0), x.dims.rank);
    if (axis < 0) return -EINVAL;
    err = value_arg(s,
                    min && last ? "min=true last=true "
                    : min       ? "min=true "
                    : last      ? "last=true "
                                : "",
                    &x, axis, step_int(s, "keepdims", 1) != 0, &y);
    return out(s, err, &y);
}

/* ------------------------------------------------------------------------ softmax */

int value_softmax(struct step *s, bool log, const struct onnx_value *x, int axis, struct onnx_value *y)
{
    const char *op = log ? "log_softmax" : "softmax";
    bool last = x->place[axis] == value_sample_rank(x) - 1;
    *y = *x;
    if (x->place[axis] == BATCH) return step_refuse_batch(s, "it works across the batch");
    y->v = last ? step_apply_one(s, op, x->v, "%s", "") : step_apply_one(s, op, x->v, "axis=%d", x->place[axis] + 1);
    return y->v ? 0 : -EINVAL;
}

/* Along all axes from one on, as one. */
static int softmax_of_rest(struct step *s, bool log, const struct onnx_value *x, int axis, struct onnx_value *y)
{
    int64_t dim[ONNX_RANK], size = 1;
    int err = step_in_order(s, x, y), rank = x->dims.rank;
    for (int i = axis; !err && i < rank; i++) {
        if (y->place[i] == BATCH) return step_refuse_batch(s, "it works across the batch");
        size *= y->dims.dim[i];
    }
    if (err) return err;
    int places = value_sample_dims(y, dim), kept = places - (rank - axis);
    dim[kept] = size;
    y->v = step_reshape(s, y->v, kept + 1, dim);
    if (y->v) y->v = step_apply_one(s, log ? "log_softmax" : "softmax", y->v, "%s", "");
    if (y->v) y->v = step_view(s, y);
    return y->v ? 0 : -EINVAL;
}

/* Along an axis; before opset 13 along all from it on. */
static int softmax(struct step *s, bool log)
{
    struct onnx_value x, y;
    bool old = s->r->opset < 13, one = true;
    if (!step_has(s, 0)) return step_refuse(s, "its input is missing");
    int rank = s->in[0]->dims.rank, axis = step_axis(s, step_int(s, "axis", old ? 1 : -1), rank);
    if (axis < 0) return -EINVAL;
    for (int i = axis + 1; old && i < rank; i++) one = one && s->in[0]->dims.dim[i] == 1;
    int err = step_computed(s, 0, &x);
    if (!err) err = one ? value_softmax(s, log, &x, axis, &y) : softmax_of_rest(s, log, &x, axis, &y);
    return out(s, err, &y);
}

static int read_softmax(struct step *s) { return softmax(s, false); }
static int read_log_softmax(struct step *s) { return softmax(s, true); }

/* ------------------------------------------------------------------------- norms */

/* (x - mean) / sqrt(variance + epsilon) over axes; mean and 1 / sqrt() are given, too. */
static int standardise(struct step *s, const struct onnx_value *x, unsigned axes, double epsilon,
                       struct onnx_value *mean, struct onnx_value *inverse, struct onnx_value *y)
{
    int err = value_reduce(s, "mean", x, axes, true, mean);
    if (!err) err = value_binary(s, "sub", x, mean, y);
    if (!err) err = value_unary(s, "square", y, inverse);
    if (!err) err = value_reduce(s, "mean", inverse, axes, true, inverse);
    if (!err) err = value_scalar(s, "add", inverse, epsilon, inverse);
    if (!err) err = value_unary(s, "sqrt", inverse, inverse);
    if (!err) err = value_unary(s, "reciprocal", inverse, inverse);
    return err ? err : value_binary(s, "mul", y, inverse, y);
}

int read_layer_norm_whole(struct step *s)
{
    struct onnx_value x, mean, inverse, y;
    int err = step_computed(s, 0, &x);
    int axis = err ? -1 : step_axis(s, step_int(s, "axis", -1), x.dims.rank);
    if (axis < 0) return -EINVAL;
    unsigned axes = ((1u << x.dims.rank) - 1) & ~((1u << axis) - 1);
    err = standardise(s, &x, axes, (double)step_float(s, "epsilon", 1e-5f), &mean, &inverse, &y);
    if (!err && step_has(s, 1)) err = value_binary(s, "mul", &y, s->in[1], &y);
    if (!err && step_has(s, 2)) err = value_binary(s, "add", &y, s->in[2], &y);
    if (!err) err = step_out(s, 0, &y, NULL, y.v);
    if (!err) err = step_out(s, 1, &mean, NULL, mean.v);
    return err || s->outputs < 3 ? err : step_out(s, 2, &inverse, NULL, inverse.v);
}

static int read_mean_variance(struct step *s)
{
    struct onnx_value x, mean, inverse, y;
    int64_t axis[ONNX_RANK] = { 0, 2, 3 };
    unsigned axes = 0;
    int n = step_ints(s, "axes", -1, ONNX_RANK, axis), err = step_computed(s, 0, &x);
    for (int i = 0; !err && i < (n < 0 ? 3 : n); i++) {
        int k = step_axis(s, axis[i], x.dims.rank);
        if (k < 0) return -EINVAL;
        axes |= 1u << k;
    }
    if (!err) err = standardise(s, &x, axes, 1e-9, &mean, &inverse, &y);
    return out(s, err, &y);
}

/* A product along an axis with a matrix of in x out constants, which are taken. */
static int along(struct step *s, const struct onnx_value *x, int axis, double *matrix, int64_t size,
                 struct onnx_value *y)
{
    char name[LAYER_NAME];
    int err = matrix ? step_axis_last(s, x, axis, y) : step_no_memory(s);
    if (!err) y->v = step_apply(s, "dense", name, 1, &y->v, "units=%lld no_bias=true", (long long)size);
    if (!err && y->v) return step_weight(s, name, "weight", matrix, size * size, false);
    free(matrix);
    return -EINVAL;
}

static double *square(struct step *s, int64_t n)
{
    double *m = n <= 2048 ? calloc((size_t)(n * n) + 1, sizeof *m) : NULL;
    if (!m) step_refuse(s, "an axis of %lld is too long", (long long)n);
    return m;
}

/* x / (bias + alpha / size sum of x^2 over neighbouring channels)^beta */
static int read_lrn(struct step *s)
{
    struct onnx_value x, y;
    int64_t size = step_int(s, "size", 1);
    int err = step_computed(s, 0, &x);
    if (err) return err;
    if (x.dims.rank < 3 || size < 1) return step_refuse(s, "its input is no image");
    int64_t n = x.dims.dim[1];
    double *band = square(s, n);
    for (int64_t i = 0; band && i < n; i++)
        for (int64_t k = 0; k < n; k++) band[i * n + k] = i >= k - (size - 1) / 2 && i <= k + size / 2;
    err = band ? value_unary(s, "square", &x, &y) : -EINVAL;
    if (err) free(band);
    if (!err) err = along(s, &y, 1, band, n, &y);
    if (!err) err = value_scalar(s, "mul", &y, (double)step_float(s, "alpha", 1e-4f) / (double)size, &y);
    if (!err) err = value_scalar(s, "add", &y, (double)step_float(s, "bias", 1), &y);
    if (!err) err = value_scalar(s, "pow", &y, (double)step_float(s, "beta", 0.75f), &y);
    if (!err) err = value_binary(s, "div", &x, &y, &y);
    return out(s, err, &y);
}

/* ------------------------------------------------------- running sums, largest numbers */

static int read_cumsum(struct step *s)
{
    struct onnx_value x;
    const struct tensor *given = step_known(s, 1);
    int err = given && given->count == 1 ? step_computed(s, 0, &x) : step_refuse(s, "its axis must be one number");
    int axis = err ? -1 : step_axis(s, tensor_integer(given, 0), x.dims.rank);
    if (axis < 0) return -EINVAL;
    if (x.place[axis] == BATCH) return step_refuse_batch(s, "it works across the batch");
    x.v = step_apply_one(s, "cumsum", x.v, "axis=%d exclusive=%s reverse=%s", x.place[axis] + 1,
                         step_int(s, "exclusive", 0) ? "true" : "false", step_int(s, "reverse", 0) ? "true" : "false");
    if (!x.v) return -EINVAL;
    return out(s, onnx_dtype_is_integer(x.dtype) ? value_wrap(s, "cumsum", x.dtype, &x) : 0, &x);
}

/* The largest numbers along an axis, and their indices. */
static int read_top_k(struct step *s)
{
    struct onnx_value x;
    int64_t k[1];
    int n = step_ints(s, "k", 1, 1, k);
    const Onnx__AttributeProto *given = step_attribute(s, "k");
    if (n < -1) return -EINVAL;
    if (given) k[0] = given->i;
    int err = given || n == 1 ? step_computed(s, 0, &x) : step_refuse(s, "its k must be one number");
    int axis = err ? -1 : step_axis(s, step_int(s, "axis", -1), x.dims.rank);
    if (axis < 0) return -EINVAL;
    if (x.place[axis] == BATCH) return step_refuse_batch(s, "it works across the batch");
    x.v = step_apply_one(s, "top_values", x.v, "k=%lld axis=%d min=%s", (long long)k[0], x.place[axis] + 1,
                         step_int(s, "largest", 1) ? "false" : "true");
    if (!x.v) return -EINVAL;
    x.dims.dim[axis] = k[0];
    struct onnx_value index = x;
    index.dtype = ONNX_INT64;
    index.v = hsgd_output(x.v, 1);
    err = step_out(s, 0, &x, NULL, x.v);
    return err ? err : step_out(s, 1, &index, NULL, index.v);
}

/* -------------------------------------------------------------- constant patterns */

/* A triangle of the last two axes: times 1 and 0. */
static int read_trilu(struct step *s)
{
    struct onnx_value x, y;
    const struct tensor *given = step_has(s, 1) ? step_known(s, 1) : NULL;
    int err = step_has(s, 1) && !given ? -EINVAL : step_computed(s, 0, &x);
    if (err) return err;
    if (x.dims.rank < 2) return step_refuse(s, "its input is no matrix");
    struct dims dims = { 2, { x.dims.dim[x.dims.rank - 2], x.dims.dim[x.dims.rank - 1] } };
    int64_t k = given && given->count ? tensor_integer(given, 0) : 0;
    bool upper = step_int(s, "upper", 1) != 0;
    struct tensor *mask = tensor_create(onnx_dtype_is_integer(x.dtype) ? ONNX_INT64 : ONNX_FLOAT, &dims);
    if (!mask) return step_no_memory(s);
    for (int64_t i = 0; i < mask->count; i++) {
        int64_t column = i % dims.dim[1], row = i / dims.dim[1];
        mask->number[i] = upper ? column - row >= k : column - row <= k;
    }
    struct onnx_value constant = { .known = mask, .dtype = mask->dtype, .dims = dims };
    err = value_binary(s, "mul", &x, &constant, &y);
    tensor_free(mask);
    y.dtype = x.dtype;
    return out(s, err, &y);
}

#define REDUCE(op) \
    { \
        op, 1, 0, "axes keepdims noop_with_empty_axes", 0, 1u << 1, false, false, read_reduce \
    }
const struct onnx_row onnx_reduce_rows[] = {
    REDUCE("ReduceL1"),
    REDUCE("ReduceL2"),
    REDUCE("ReduceLogSum"),
    REDUCE("ReduceLogSumExp"),
    REDUCE("ReduceMax"),
    REDUCE("ReduceMean"),
    REDUCE("ReduceMin"),
    REDUCE("ReduceProd"),
    REDUCE("ReduceSum"),
    REDUCE("ReduceSumSquare"),
    { "ArgMax", 1, 0, "axis keepdims select_last_index", 0, 0, false, false, read_arg },
    { "ArgMin", 1, 0, "axis keepdims select_last_index", 0, 0, false, false, read_arg },
    { "CumSum", 11, 0, "exclusive reverse", 0, 1u << 1, false, false, read_cumsum },
    { "GlobalMaxPool", 1, 0, "", 0, 0, true, false, read_global_max_pool },
    { "LRN", 1, 0, "alpha beta bias size", 0, 0, true, false, read_lrn },
    { "LogSoftmax", 1, 0, "axis", 0, 0, false, false, read_log_softmax },
    { "MeanVarianceNormalization", 9, 0, "axes", 0, 0, false, false, read_mean_variance },
    { "Softmax", 1, 0, "axis", 0, 0, false, false, read_softmax },
    { "TopK", 1, 0, "axis k largest sorted", 0, 1u << 1, false, false, read_top_k },
    { "Trilu", 14, 0, "upper", 0, 1u << 1, false, false, read_trilu },
    { 0 },
};
