/* SPDX-License-Identifier: BSD-3-Clause */
/* Operators that move numbers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "onnx/rows.h"
#include "onnx/shapes.h"

/* --------------------------------------------------------------------- reshape */

/* The axis in which the batch is, when the order of all numbers stays: -1 after a sentence. */
static int batch_after(struct step *s, const struct onnx_value *x, const struct dims *to)
{
    int64_t before = 1, here = 1;
    int from = value_batch_axis(x);
    for (int i = 0; i < from; i++) before *= x->dims.dim[i];
    for (int i = 0; i < to->rank; here *= to->dim[i++])
        if (here == before && to->dim[i] == x->dims.dim[from]) return i;
    step_refuse_batch(s, "%s to %s does not keep the batch as an axis", dims_text(&x->dims).text, dims_text(to).text);
    return -1;
}

/* {batch, channels, positions...} to {batch, channels x positions}, which lies in another order. */
static bool flattens_image(const struct onnx_value *x, const struct dims *to)
{
    if (to->rank != 2 || x->dims.rank < 3 || x->place[0] != BATCH || x->flat_positions) return false;
    if (to->dim[0] != x->dims.dim[0] || x->place[1] != x->dims.rank - 2) return false;
    for (int i = 2; i < x->dims.rank; i++)
        if (x->place[i] != i - 2) return false;
    return true;
}

static int flatten_image(struct step *s, const struct onnx_value *x, const struct dims *to)
{
    struct onnx_value y = *x;
    int64_t channels = x->dims.dim[1], positions = to->dim[1] / (channels ? channels : 1);
    y.place[0] = BATCH;
    y.place[1] = 0;
    y.flat_positions = channels > 1 && positions > 1 ? positions : 0;
    return step_out(s, 0, &y, to, step_apply_one(s, "flatten", x->v, "%s", ""));
}

static int reshape_to(struct step *s, const struct onnx_value *x, const struct dims *to)
{
    struct onnx_value y;
    int64_t dim[ONNX_RANK];
    int batch = value_batch_axis(x) == NO_BATCH ? NO_BATCH : batch_after(s, x, to), at = 0;
    if (batch < 0 && value_batch_axis(x) != NO_BATCH) return -EINVAL;
    int err = step_in_order(s, x, &y);
    if (err) return err;
    y.dims = *to;
    for (int i = 0; i < to->rank; i++) y.place[i] = i == batch ? BATCH : at++;
    if (at > HSGD_MAX_RANK) return step_refuse(s, "a sample has more than %d dimensions", HSGD_MAX_RANK);
    value_sample_dims(&y, dim);
    return step_out(s, 0, &y, to, step_reshape(s, y.v, at, dim));
}

static int read_reshape(struct step *s)
{
    struct dims to;
    if (!step_has(s, 0)) return step_refuse(s, "its input is missing");
    int err = shape_reshaped(s, &to);
    if (err) return err;
    return flattens_image(s->in[0], &to) ? flatten_image(s, s->in[0], &to) : reshape_to(s, s->in[0], &to);
}

/* The places of axes that are left, counted from 0 again. */
static void close_places(const struct dims *d, int *place)
{
    int from[ONNX_RANK], at = 0;
    memcpy(from, place, sizeof from);
    for (int p = 0; p < 2 * ONNX_RANK; p++)
        for (int i = 0; i < d->rank; i++)
            if (from[i] == p) place[i] = at++;
}

/* Squeeze and Unsqueeze: the others stay where they are, new ones lie last. */
static int read_ones(struct step *s)
{
    struct dims to;
    struct onnx_value x, y;
    unsigned axes, ones = 0;
    bool adds = !strcmp(s->node->op_type, "Unsqueeze");
    int err = shape_reshaped(s, &to), from = 0;
    if (!err) err = step_computed(s, 0, &x);
    if (err) return err;
    for (int i = 0; i < x.dims.rank; i++) ones |= x.dims.dim[i] == 1 ? 1u << i : 0;
    err = shape_axes(s, 1, adds ? to.rank : x.dims.rank, adds ? 0 : ones, &axes);
    if (err) return err;
    y = x;
    for (int i = 0; i < to.rank; i++) {
        while (!adds && axes >> from & 1) from++;
        y.place[i] = adds && axes >> i & 1 ? ONNX_RANK + i : x.place[from++];
    }
    y.dims = to;
    if ((value_batch_axis(&y) == NO_BATCH) != (value_batch_axis(&x) == NO_BATCH))
        return step_refuse_batch(s, "it removes the axis of the batch");
    close_places(&to, y.place);
    int64_t dim[ONNX_RANK];
    int rank = value_sample_dims(&y, dim);
    if (rank > HSGD_MAX_RANK) return step_refuse(s, "a sample has more than %d dimensions", HSGD_MAX_RANK);
    return step_out(s, 0, &y, &to, step_reshape(s, x.v, rank, dim));
}

/* ------------------------------------------------------------------- transpose */

static int read_transpose(struct step *s)
{
    struct onnx_value x, y;
    int axis[ONNX_RANK];
    int err = step_computed(s, 0, &x);
    if (!err) err = shape_permutation(s, x.dims.rank, axis);
    if (err) return err;
    y = x;
    for (int i = 0; i < x.dims.rank; i++) {
        y.place[i] = x.place[axis[i]];
        y.dims.dim[i] = x.dims.dim[axis[i]];
    }
    return step_out(s, 0, &y, NULL, x.v);
}

/* --------------------------------------------------------------- concat, split */

/* The first input that the model computes, which says how the others lie. */
static const struct onnx_value *first_computed(const struct step *s)
{
    for (int i = 0; i < s->inputs; i++)
        if (step_has(s, i) && !s->in[i]->known) return s->in[i];
    return NULL;
}

static int read_concat(struct step *s)
{
    const struct onnx_value *first = first_computed(s);
    struct onnx_value y, part;
    struct hsgd_value *in[ONNX_INPUTS];
    if (!first) return step_refuse(s, "none of its inputs is computed by the model");
    int axis = step_axis(s, step_int(s, "axis", 1), first->dims.rank);
    int err = axis < 0 ? -EINVAL : step_place(s, first, first->place, &y);
    if (err) return err;
    if (y.place[axis] == BATCH) return step_refuse_batch(s, "it joins batches");
    y.dims.dim[axis] = 0;
    for (int i = 0; !err && i < s->inputs; i++) {
        if (!step_has(s, i)) return step_refuse(s, "input %d is missing", i + 1);
        struct dims to = y.dims;
        to.dim[axis] = s->in[i]->dims.rank == to.rank ? s->in[i]->dims.dim[axis] : 0;
        y.dims.dim[axis] += to.dim[axis];
        if (!dims_equal(&to, &s->in[i]->dims) && !s->in[i]->known)
            return step_refuse(s, "its inputs have dimensions that do not fit");
        err = step_like(s, s->in[i], &to, y.place, &part);
        in[i] = part.v;
    }
    if (err) return err;
    if (s->inputs == 1) return step_out(s, 0, &part, NULL, step_view(s, &part));
    return step_out(s, 0, &y, NULL, step_apply(s, "concat", NULL, s->inputs, in, "axis=%d", y.place[axis] + 1));
}

/* Sizes of the outputs: given, or equal but for the last. */
static int split_sizes(struct step *s, int64_t whole, int64_t size[ONNX_OUTPUTS])
{
    int n = step_ints(s, "split", 1, ONNX_OUTPUTS, size);
    int64_t each = (whole + s->outputs - 1) / s->outputs, sum = 0;
    if (n < -1 || (n >= 0 && n != s->outputs))
        return n < -1 ? -EINVAL : step_refuse(s, "it has %d sizes for %d outputs", n, s->outputs);
    for (int i = 0; i < s->outputs; i++) {
        if (n < 0) size[i] = i + 1 < s->outputs ? each : whole - each * (s->outputs - 1);
        if (size[i] < 1 || size[i] > whole) return step_refuse(s, "a part of %lld is not possible", (long long)size[i]);
        sum += size[i];
    }
    return sum == whole ? 0 : step_refuse(s, "its parts are %lld together, not %lld", (long long)sum, (long long)whole);
}

static int read_split(struct step *s)
{
    struct onnx_value x, y;
    int64_t size[ONNX_OUTPUTS];
    int err = step_computed(s, 0, &x);
    int axis = err ? -1 : step_axis(s, step_int(s, "axis", 0), x.dims.rank);
    if (axis < 0) return -EINVAL;
    if (x.place[axis] == BATCH) return step_refuse_batch(s, "it divides the batch");
    err = split_sizes(s, x.dims.dim[axis], size);
    if (err) return err;
    if (s->outputs == 1) return step_out(s, 0, &x, NULL, step_view(s, &x));
    struct hsgd_value *v =
        step_apply_one(s, "split", x.v, "sizes=%s axis=%d", list_text(s->outputs, size).text, x.place[axis] + 1);
    for (int i = 0; v && !err && i < s->outputs; i++) {
        y = x;
        y.dims.dim[axis] = size[i];
        err = step_out(s, i, &y, NULL, hsgd_output(v, i));
    }
    return v ? err : -EINVAL;
}

const struct onnx_row onnx_shape_rows[] = {
    { "Concat", 4, 0, "axis", 0, 0, false, false, read_concat },
    { "Flatten", 1, 0, "axis", 0, 0, false, false, read_reshape },
    { "Reshape", 5, 0, "allowzero", 0, 1u << 1, false, false, read_reshape },
    { "Split", 2, 0, "axis split num_outputs", 0, 1u << 1, false, false, read_split },
    { "Squeeze", 1, 0, "axes", 0, 1u << 1, false, false, read_ones },
    { "Transpose", 1, 0, "perm", 0, 0, false, false, read_transpose },
    { "Unsqueeze", 1, 0, "axes", 0, 1u << 1, false, false, read_ones },
    { 0 },
};
