/* SPDX-License-Identifier: BSD-3-Clause */
/* Operators that take parts of a value, repeat them, or add to them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "onnx/rows.h"
#include "onnx/shapes.h"

/* Axes of operations count from 1. */
static int64_t axis_of(const struct onnx_value *v, int axis) { return v->place[axis] + 1; }

/* ----------------------------------------------------------------------- slice */

static int read_slice(struct step *s)
{
    struct onnx_value x;
    struct slice slice;
    int64_t start[ONNX_RANK], end[ONNX_RANK], axis[ONNX_RANK], by[ONNX_RANK];
    int n = 0, err = step_computed(s, 0, &x);
    if (!err) err = shape_sliced(s, &x.dims, &slice);
    struct dims dims = { .rank = x.dims.rank };
    for (int i = 0; !err && i < dims.rank; i++) {
        dims.dim[i] = slice.count[i];
        if (!slice.count[i]) return step_refuse(s, "nothing is left of axis %d", i);
        if (slice.count[i] == x.dims.dim[i] && slice.step[i] == 1) continue;
        if (x.place[i] == BATCH) return step_refuse_batch(s, "it takes a part of the batch");
        start[n] = slice.start[i];
        end[n] = slice.start[i] + slice.step[i] * slice.count[i];
        if (end[n] < 0) end[n] = -99999999;
        by[n] = slice.count[i] == 1 ? 1 : slice.step[i];
        if (slice.count[i] == 1) end[n] = start[n] + 1;
        axis[n++] = axis_of(&x, i);
    }
    if (err) return err;
    if (!n) return step_out(s, 0, &x, NULL, step_view(s, &x));
    return step_out(s, 0, &x, &dims,
                    step_apply_one(s, "slice", x.v, "starts=%s ends=%s axes=%s steps=%s", list_text(n, start).text,
                                   list_text(n, end).text, list_text(n, axis).text, list_text(n, by).text));
}

/* ---------------------------------------------------------------------- gather */

/* Rows of a known matrix by computed indices: an embedding. */
static int embed(struct step *s, const struct onnx_value *table)
{
    struct onnx_value index, y;
    char name[LAYER_NAME];
    if (table->dims.rank != 2 || step_int(s, "axis", 0))
        return step_refuse(s, "only rows of a constant matrix can be gathered by computed indices");
    int err = step_computed(s, 1, &index);
    if (err) return err;
    struct dims dims = index.dims;
    if (dims.rank == ONNX_RANK) return step_refuse(s, "its result has more than 8 dimensions");
    y = index;
    y.dtype = table->dtype;
    y.place[dims.rank] = value_sample_rank(&index);
    dims.dim[dims.rank++] = table->dims.dim[1];
    struct hsgd_value *v = step_apply(s, "embedding", name, 1, &index.v, "entries=%lld channels=%lld",
                                      (long long)table->dims.dim[0], (long long)table->dims.dim[1]);
    err = v ? step_weight(s, name, "weight", numbers_of(table->known), table->known->count, table->trains) : -EINVAL;
    return err ? err : step_out(s, 0, &y, &dims, v);
}

enum { INDICES = 64 };

/* Known indices along an axis, of any dimensions, which take its place. */
static int gather(struct step *s, const struct onnx_value *x, const struct tensor *index)
{
    struct onnx_value y;
    int64_t number[INDICES], dim[ONNX_RANK];
    char text[INDICES * 12 + 3] = "[";
    int axis = step_axis(s, step_int(s, "axis", 0), x->dims.rank);
    int err = axis < 0 ? -EINVAL : step_in_order(s, x, &y);
    if (err) return err;
    if (y.place[axis] == BATCH) return step_refuse_batch(s, "it takes a part of the batch");
    if (index->count < 1 || index->count > INDICES)
        return step_refuse(s, "it has more than %d indices, or none", INDICES);
    for (int i = 0; i < index->count; i++) {
        number[i] = tensor_integer(index, i);
        if (number[i] < -x->dims.dim[axis] || number[i] >= x->dims.dim[axis])
            return step_refuse(s, "index %lld is none of %lld", (long long)number[i], (long long)x->dims.dim[axis]);
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%lld", i ? "," : "", (long long)number[i]);
    }
    struct hsgd_value *v =
        step_apply_one(s, "gather", y.v, "indices=%s] axis=%lld", text, (long long)axis_of(&y, axis));
    struct dims dims = { .rank = x->dims.rank - 1 + index->dims.rank };
    if (dims.rank > ONNX_RANK) return step_refuse(s, "its result has more than 8 dimensions");
    int at = 0, batch = value_batch_axis(&y);
    for (int i = 0; i < dims.rank; i++) {
        int behind = i - index->dims.rank + 1, from = i < axis ? i : behind;
        bool is_index = i >= axis && behind <= axis && index->dims.rank > i - axis;
        dims.dim[i] = is_index ? index->dims.dim[i - axis] : x->dims.dim[from];
        y.place[i] = !is_index && batch != NO_BATCH && from == batch ? BATCH : at++;
    }
    y.dims = dims;
    int rank = value_sample_dims(&y, dim);
    if (rank > HSGD_MAX_RANK) return step_refuse(s, "a sample has more than %d dimensions", HSGD_MAX_RANK);
    return step_out(s, 0, &y, &dims, v && index->dims.rank != 1 ? step_reshape(s, v, rank, dim) : v);
}

/* What a known condition chooses, along an axis or of all numbers in a row. */
static int read_compress(struct step *s)
{
    struct onnx_value x, y;
    int64_t number[INDICES], dim[ONNX_RANK], n = 0;
    const struct tensor *c = step_known(s, 1);
    bool flat = !step_attribute(s, "axis");
    int err = c ? step_computed(s, 0, &x) : -EINVAL;
    if (!err) err = step_in_order(s, &x, &y);
    int axis = err ? -1 : flat ? 0 : step_axis(s, step_int(s, "axis", 0), x.dims.rank);
    if (axis < 0) return -EINVAL;
    if (flat && value_batch_axis(&x) != NO_BATCH) return step_refuse_batch(s, "it chooses from the batch");
    if (flat) {
        y.dims = (struct dims){ 1, { dims_count(&x.dims) } };
        y.place[0] = 0;
        y.v = step_reshape(s, y.v, value_sample_dims(&y, dim), dim);
        if (!y.v) return -EINVAL;
    }
    if (y.place[axis] == BATCH) return step_refuse_batch(s, "it chooses from the batch");
    for (int64_t i = 0; i < c->count && i < y.dims.dim[axis] && n < INDICES; i++)
        if (c->number[i] != 0) number[n++] = i;
    if (!n || n == INDICES) return step_refuse(s, "it chooses nothing, or more than %d indices", INDICES - 1);
    char text[INDICES * 12 + 3] = "[";
    for (int i = 0; i < n; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%lld", i ? "," : "", (long long)number[i]);
    struct dims dims = y.dims;
    dims.dim[axis] = n;
    return step_out(s, 0, &y, &dims,
                    step_apply_one(s, "gather", y.v, "indices=%s] axis=%lld", text, (long long)axis_of(&y, axis)));
}

static int read_gather(struct step *s)
{
    if (!step_has(s, 0) || !step_has(s, 1)) return step_refuse(s, "it needs two inputs");
    if (s->in[0]->known) return embed(s, s->in[0]);
    if (s->in[1]->known) return gather(s, s->in[0], s->in[1]->known);
    return step_refuse(s, "its data or its indices must be constant");
}

/* -------------------------------------------------------------- expand and tile */

static int read_expand(struct step *s)
{
    struct onnx_value x, whole, y;
    struct dims to = { 0 }, dims;
    int n = step_ints(s, NULL, 1, ONNX_RANK, to.dim), err = n < 0 ? -EINVAL : step_computed(s, 0, &x);
    if (err) return n == -1 ? step_refuse(s, "its shape is missing") : err;
    to.rank = n;
    if (!dims_broadcast(&x.dims, &to, &dims) || !dims_valid(&dims))
        return step_refuse(s, "%s cannot be broadcast to %s", dims_text(&x.dims).text, dims_text(&to).text);
    int at = 0, shift = dims.rank - x.dims.rank, batch = value_batch_axis(&x);
    whole = x;
    for (int i = 0; i < dims.rank; i++) whole.place[i] = batch != NO_BATCH && i == batch + shift ? BATCH : at++;
    if (at > HSGD_MAX_RANK) return step_refuse(s, "a sample has more than %d dimensions", HSGD_MAX_RANK);
    if (dims_equal(&dims, &x.dims)) return step_out(s, 0, &x, NULL, step_view(s, &x));
    err = step_like(s, &x, &dims, whole.place, &y);
    return err ? err : step_out(s, 0, &y, NULL, y.v);
}

/* A number for each axis that lies in the sample, in the order in which they lie; refused where the batch has not 1. */
static int by_place(struct step *s, const struct onnx_value *x, const int64_t *number, int64_t *out)
{
    for (int i = 0; i < x->dims.rank; i++) {
        if (number[i] < 1 || number[i] > 1 << 20)
            return step_refuse(s, "it cannot repeat %lld times", (long long)number[i]);
        if (x->place[i] != BATCH) out[x->place[i]] = number[i];
        else if (number[i] != 1) return step_refuse_batch(s, "it repeats the batch");
    }
    return 0;
}

/* "tile" or "upsample" by a number for each axis. */
static int repeat(struct step *s, const char *op, const char *attribute, const struct onnx_value *x,
                  const int64_t *times)
{
    int64_t number[ONNX_RANK];
    int err = by_place(s, x, times, number);
    struct dims dims = x->dims;
    for (int i = 0; !err && i < dims.rank; i++) dims.dim[i] *= times[i];
    if (!err && !dims_valid(&dims)) err = step_refuse(s, "its result is too large");
    if (err) return err;
    return step_out(s, 0, x, &dims,
                    step_apply_one(s, op, x->v, "%s=%s", attribute, list_text(value_sample_rank(x), number).text));
}

static int read_tile(struct step *s)
{
    struct onnx_value x;
    int64_t times[ONNX_RANK];
    int n = step_ints(s, NULL, 1, ONNX_RANK, times), err = n < 0 ? -EINVAL : step_computed(s, 0, &x);
    if (err) return n == -1 ? step_refuse(s, "its repeats are missing") : err;
    if (n != x.dims.rank) return step_refuse(s, "it has %d repeats for %d axes", n, x.dims.rank);
    return repeat(s, "tile", "repeats", &x, times);
}

/* ------------------------------------------------------------------------- pad */

static const char *pad_mode(struct step *s)
{
    static const char *const modes[][2] = {
        { "constant", "constant" }, { "reflect", "reflect" }, { "edge", "edge" }, { "wrap", "circular" }
    };
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (step_is(s, "mode", modes[i][0], "constant")) return modes[i][1];
    return NULL;
}

/* Numbers before and after the axes that the sample has: how many axes, or an errno. */
static int pads_of(struct step *s, const struct onnx_value *x, struct dims *dims, int64_t *axis, int64_t *before,
                   int64_t *after)
{
    int64_t pad[2 * ONNX_RANK], of[ONNX_RANK];
    int n = step_ints(s, "pads", 1, 2 * ONNX_RANK, pad), na = step_ints(s, NULL, 3, ONNX_RANK, of), count = 0;
    if (n < 0 || na < -1) return n == -1 ? step_refuse(s, "its pads are missing") : -EINVAL;
    int axes = na < 0 ? x->dims.rank : na;
    if (n != 2 * axes) return step_refuse(s, "it has %d pads for %d axes", n, axes);
    for (int i = 0; i < axes; i++) {
        int k = step_axis(s, na < 0 ? i : of[i], x->dims.rank);
        if (k < 0) return -EINVAL;
        if (!pad[i] && !pad[axes + i]) continue;
        if (x->place[k] == BATCH) return step_refuse_batch(s, "it pads the batch");
        if (pad[i] < -(1 << 24) || pad[i] > 1 << 24 || pad[axes + i] < -(1 << 24) || pad[axes + i] > 1 << 24)
            return step_refuse(s, "its pads are too large");
        dims->dim[k] += pad[i] + pad[axes + i];
        axis[count] = axis_of(x, k);
        before[count] = pad[i];
        after[count++] = pad[axes + i];
    }
    return count;
}

static int read_pad(struct step *s)
{
    struct onnx_value x;
    int64_t axis[ONNX_RANK], before[ONNX_RANK], after[ONNX_RANK];
    const char *mode = pad_mode(s);
    if (!mode) return step_refuse(s, "its mode is not supported");
    int err = step_computed(s, 0, &x);
    if (err) return err;
    double value = (double)step_float(s, "value", 0);
    const struct tensor *number = step_has(s, 2) ? step_known(s, 2) : NULL;
    if (step_has(s, 2) && !number) return -EINVAL;
    if (number && number->count == 1) value = number->number[0];
    struct dims dims = x.dims;
    int n = pads_of(s, &x, &dims, axis, before, after);
    if (n <= 0) return n ? n : step_out(s, 0, &x, NULL, step_view(s, &x));
    return step_out(s, 0, &x, &dims,
                    step_apply_one(s, "pad", x.v, "before=%s after=%s axes=%s mode=%s value=%.9g",
                                   list_text(n, before).text, list_text(n, after).text, list_text(n, axis).text, mode,
                                   value));
}

/* ------------------------------------------------------------ depth and space */

/* {c, h, w} with blocks of b x b: parts of the depth become positions, or the other way round. */
static int read_depth(struct step *s)
{
    struct onnx_value x;
    int64_t b = step_int(s, "blocksize", 0);
    bool to_space = !strcmp(s->node->op_type, "DepthToSpace"), crd = step_is(s, "mode", "CRD", "DCR");
    if (!step_has(s, 0) || s->in[0]->dims.rank != 4) return step_refuse(s, "its input is no image");
    int err = step_image(s, s->in[0], &x);
    if (err) return err;
    int64_t c = x.dims.dim[1], h = x.dims.dim[2], w = x.dims.dim[3];
    if (b < 1 || b > 1024 || (to_space ? c % (b * b) : h % b || w % b))
        return step_refuse(s, "its blocksize does not fit");
    struct dims dims = to_space ? (struct dims){ 4, { x.dims.dim[0], c / (b * b), h * b, w * b } }
                                : (struct dims){ 4, { x.dims.dim[0], c * b * b, h / b, w / b } };
    int64_t space[] = { h / b, b, w / b, b, c }, dcr[] = { h, w, b, b, c / (b * b) },
            crd_dims[] = { h, w, c / (b * b), b, b };
    const char *order = !to_space ? "[1,3,2,4,5]" : crd ? "[1,4,2,5,3]" : "[1,3,2,4,5]";
    struct hsgd_value *v = step_reshape(s, x.v, 5, !to_space ? space : crd ? crd_dims : dcr);
    v = v ? step_apply_one(s, "transpose", v, "permutation=%s", order) : NULL;
    return step_out(s, 0, &x, &dims,
                    v ? step_reshape(s, v, 3, (int64_t[]){ dims.dim[2], dims.dim[3], dims.dim[1] }) : NULL);
}

const struct onnx_row onnx_move_rows[] = {
    { "Compress", 9, 0, "axis", 0, 1u << 1, false, false, read_compress },
    { "DepthToSpace", 1, 0, "blocksize mode", 0, 0, true, false, read_depth },
    { "Expand", 8, 0, "", 0, 1u << 1, false, false, read_expand },
    { "Gather", 1, 0, "axis", 0, 1u << 1, false, false, read_gather },
    { "Pad", 2, 0, "mode pads value", 0, 1u << 1 | 1u << 2 | 1u << 3, false, false, read_pad },
    { "Slice", 1, 0, "axes ends starts", 0, 0x1e, false, false, read_slice },
    { "SpaceToDepth", 1, 0, "blocksize", 0, 0, true, false, read_depth },
    { "Tile", 6, 0, "", 0, 1u << 1, false, false, read_tile },
    { 0 },
};
