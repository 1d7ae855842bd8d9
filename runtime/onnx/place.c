/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the axes of a value are, and values in another order. */
#include <stdio.h>
#include <string.h>

#include "onnx/reader.h"

int value_sample_rank(const struct onnx_value *v) { return v->dims.rank - (value_batch_axis(v) != NO_BATCH); }

int value_axis_at(const struct onnx_value *v, int place)
{
    for (int i = 0; i < v->dims.rank; i++)
        if (v->place[i] == place) return i;
    return -1;
}

int value_batch_axis(const struct onnx_value *v) { return value_axis_at(v, BATCH); }

bool value_in_order(const struct onnx_value *v)
{
    int at = 0;
    for (int i = 0; i < v->dims.rank; i++)
        if (v->place[i] != BATCH && v->place[i] != at++) return false;
    return !v->flat_positions;
}

/* The sample's dimensions in the order in which they lie. */
static void sample_dims(const struct onnx_value *v, const int *place, int64_t dim[ONNX_RANK])
{
    for (int i = 0; i < v->dims.rank; i++)
        if (place[i] != BATCH) dim[place[i]] = v->dims.dim[i];
}

/* Whether only axes of size 1 move. */
static bool keeps_order(const struct onnx_value *v, const int *place)
{
    for (int i = 0; i < v->dims.rank; i++)
        for (int k = 0; k < i; k++) {
            bool both = v->dims.dim[i] > 1 && v->dims.dim[k] > 1 && place[i] != BATCH && place[k] != BATCH;
            if (both && (v->place[i] < v->place[k]) != (place[i] < place[k])) return false;
        }
    return true;
}

/* A flattened image in ONNX's order. */
static struct hsgd_value *unflatten(struct step *s, const struct onnx_value *v)
{
    int64_t n = v->dims.dim[1], dim[] = { v->flat_positions, n / v->flat_positions };
    struct hsgd_value *image = step_reshape(s, v->v, 2, dim);
    struct hsgd_value *turned = image ? step_apply_one(s, "transpose", image, "permutation=[2,1]") : NULL;
    return turned ? step_reshape(s, turned, 1, &n) : NULL;
}

int step_place(struct step *s, const struct onnx_value *from, const int *place, struct onnx_value *out)
{
    int64_t dim[ONNX_RANK] = { 0 };
    char text[80] = "permutation=[";
    struct onnx_value v = *from;
    if (v.flat_positions) v.v = unflatten(s, &v);
    v.flat_positions = 0;
    if (!v.v) return -EINVAL;
    *out = v;
    if (!memcmp(v.place, place, (size_t)v.dims.rank * sizeof *place)) return 0;
    memcpy(out->place, place, (size_t)v.dims.rank * sizeof *place);
    int rank = value_sample_rank(&v);
    sample_dims(&v, place, dim);
    for (int i = 0; i < rank; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%d", i ? "," : "",
                 v.place[value_axis_at(out, i)] + 1);
    out->v =
        keeps_order(&v, place) ? step_reshape(s, v.v, rank, dim) : step_apply_one(s, "transpose", v.v, "%s]", text);
    return out->v ? 0 : -EINVAL;
}

/* A known value is made one of the model. */
static int computed(struct step *s, const struct onnx_value **v, struct onnx_value *made)
{
    if (!(*v)->known) return 0;
    int err = step_constant(s, *v, made);
    *v = made;
    return err;
}

int step_in_order(struct step *s, const struct onnx_value *v, struct onnx_value *out)
{
    int place[ONNX_RANK], at = 0;
    struct onnx_value made;
    if (computed(s, &v, &made)) return -EINVAL;
    for (int i = 0; i < v->dims.rank; i++) place[i] = v->place[i] == BATCH ? BATCH : at++;
    return step_place(s, v, place, out);
}

int step_axis_last(struct step *s, const struct onnx_value *v, int axis, struct onnx_value *out)
{
    int place[ONNX_RANK];
    struct onnx_value made;
    if (computed(s, &v, &made)) return -EINVAL;
    if (v->place[axis] == BATCH) return step_refuse_batch(s, "axis %d is the batch", axis);
    for (int i = 0; i < v->dims.rank; i++) place[i] = v->place[i] - (v->place[i] > v->place[axis]);
    place[axis] = value_sample_rank(v) - 1;
    return step_place(s, v, place, out);
}

int step_image(struct step *s, const struct onnx_value *v, struct onnx_value *out)
{
    int place[ONNX_RANK];
    struct onnx_value made;
    if (computed(s, &v, &made)) return -EINVAL;
    if (v->dims.rank < 2 || v->place[0] != BATCH) return step_refuse_batch(s, "axis 0 of its input is not the batch");
    place[0] = BATCH;
    place[1] = v->dims.rank - 2;
    for (int i = 2; i < v->dims.rank; i++) place[i] = i - 2;
    return step_place(s, v, place, out);
}
