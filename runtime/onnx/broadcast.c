/* SPDX-License-Identifier: BSD-3-Clause */
/* Implicit broadcasting becomes operations, and constants become parameters. */
#include <stdio.h>
#include <string.h>

#include "onnx/rows.h"

struct list_text list_text(int n, const int64_t *numbers)
{
    struct list_text t = { "[" };
    for (int i = 0; i < n; i++)
        snprintf(t.text + strlen(t.text), sizeof t.text - strlen(t.text), "%s%lld", i ? "," : "",
                 (long long)numbers[i]);
    strcat(t.text, "]");
    return t;
}

int value_sample_dims(const struct onnx_value *v, int64_t dim[ONNX_RANK])
{
    for (int i = 0; i < v->dims.rank; i++)
        if (v->place[i] != BATCH) dim[v->place[i]] = v->dims.dim[i];
    return value_sample_rank(v);
}

struct hsgd_value *step_view(struct step *s, const struct onnx_value *v)
{
    int64_t dim[ONNX_RANK];
    int rank = value_sample_dims(v, dim);
    return step_reshape(s, v->v, rank, dim);
}

/* ------------------------------------------------------------------- constants */

/* The value to which a parameter is attached: an input of the model, which has no gradient. */
static struct hsgd_value *any_value(const struct step *s)
{
    if (s->r->ninputs) return s->r->input[0]->v;
    for (int i = 0; i < s->inputs; i++)
        if (step_has(s, i) && s->in[i]->v) return s->in[i]->v;
    return NULL;
}

/* A parameter with these numbers, which are taken, in the order in which they lie. */
static struct hsgd_value *parameter(struct step *s, struct tensor *t, bool trains)
{
    char name[LAYER_NAME];
    struct hsgd_value *of = any_value(s), *v = NULL;
    int err = 0;
    if (!t) err = step_no_memory(s);
    else if (!of) err = step_refuse(s, "none of its inputs is computed by the model");
    if (!err) v = step_apply(s, "parameter", name, 1, &of, "dims=%s", list_text(t->dims.rank, t->dims.dim).text);
    if (v && step_weight(s, name, "weight", numbers_of(t), t->count, trains)) v = NULL;
    tensor_free(t);
    return v;
}

/* Its axes as those of `to`, ones before them. */
static int pad_dims(struct step *s, const struct onnx_value *v, const struct dims *to, struct dims *out)
{
    int shift = to->rank - v->dims.rank;
    if (shift < 0) return step_refuse(s, "%s cannot be broadcast to %s", dims_text(&v->dims).text, dims_text(to).text);
    *out = (struct dims){ .rank = to->rank };
    for (int i = 0; i < to->rank; i++) {
        out->dim[i] = i < shift ? 1 : v->dims.dim[i - shift];
        if (out->dim[i] != 1 && out->dim[i] != to->dim[i])
            return step_refuse(s, "%s cannot be broadcast to %s", dims_text(&v->dims).text, dims_text(to).text);
    }
    return 0;
}

/* Along the axis of the batch, where all samples have the same numbers, one is enough: NULL: they differ, or no memory. */
static struct tensor *one_sample(const struct tensor *t, int axis)
{
    int64_t inner = 1, n = t->dims.dim[axis];
    struct dims dims = t->dims;
    for (int i = axis + 1; i < t->dims.rank; i++) inner *= t->dims.dim[i];
    for (int64_t i = 0; i < t->count; i++)
        if (t->number[i] != t->number[i - i / inner % n * inner]) return NULL;
    dims.dim[axis] = 1;
    struct tensor *one = tensor_create(t->dtype, &dims);
    for (int64_t i = 0; one && i < one->count; i++) one->number[i] = t->number[i / inner * n * inner + i % inner];
    return one;
}

static int align_known(struct step *s, const struct onnx_value *v, const struct dims *dims, const int *place,
                       struct onnx_value *out)
{
    int axis[ONNX_RANK], rank = 0;
    struct dims lies = { 0 };
    for (int i = 0; i < dims->rank; i++) {
        if (place[i] == BATCH && dims->dim[i] != 1)
            return step_refuse_batch(s, "constant \"%s\" has numbers for each sample", v->name ? v->name : "");
        if (place[i] == BATCH) continue;
        axis[place[i]] = i;
        rank++;
    }
    for (int i = 0; i < rank; i++) lies.dim[i] = dims->dim[axis[i]];
    lies.rank = rank;
    int all[ONNX_RANK], n = 0;
    for (int i = 0; i < dims->rank; i++)
        if (place[i] == BATCH) all[n++] = i;
    memcpy(all + n, axis, (size_t)rank * sizeof *axis);
    struct tensor *padded = tensor_copy(v->known, v->dtype, dims);
    struct tensor *turned = padded ? tensor_transpose(padded, all) : NULL;
    if (turned) turned->dims = lies;
    tensor_free(padded);
    *out = (struct onnx_value){ .v = parameter(s, turned, v->trains), .dtype = v->dtype, .dims = *dims };
    if (out->v && onnx_dtype_is_integer(v->dtype)) out->v = step_apply_one(s, "pointwise", out->v, "function=to_int");
    memcpy(out->place, place, sizeof out->place);
    return out->v ? 0 : -EINVAL;
}

/* ------------------------------------------------------------------- alignment */

/* A value of the model with ones for the axes that it lacks. */
static int align_computed(struct step *s, const struct onnx_value *v, const struct dims *dims, const int *place,
                          struct onnx_value *out)
{
    struct onnx_value padded = *v;
    int shift = dims->rank - v->dims.rank, rank = value_sample_rank(v);
    if (shift && v->flat_positions && step_in_order(s, v, &padded)) return -EINVAL;
    for (int i = 0; i < dims->rank; i++) {
        bool batch = i >= shift && v->place[i - shift] == BATCH;
        if (batch != (place[i] == BATCH)) return step_refuse_batch(s, "its inputs have their batch in other axes");
    }
    int from[ONNX_RANK];
    memcpy(from, padded.place, sizeof from);
    for (int i = 0; i < dims->rank; i++) padded.place[i] = i < shift ? rank + i : from[i - shift];
    padded.dims = *dims;
    if (shift && rank + shift == value_sample_rank(&padded)) {
        int64_t dim[ONNX_RANK];
        int n = value_sample_dims(&padded, dim);
        padded.v = step_reshape(s, padded.v, n, dim);
        if (!padded.v) return -EINVAL;
    }
    return step_place(s, &padded, place, out);
}

int step_align(struct step *s, const struct onnx_value *v, const struct dims *to, const int *place,
               struct onnx_value *out)
{
    struct dims dims;
    int err = pad_dims(s, v, to, &dims);
    if (err) return err;
    if (!v->known) return align_computed(s, v, &dims, place, out);
    int batch = -1, shift = to->rank - v->dims.rank;
    for (int i = 0; i < to->rank; i++)
        if (place[i] == BATCH) batch = i;
    if (batch < shift || dims.dim[batch] == 1) return align_known(s, v, &dims, place, out);
    struct onnx_value one = *v;
    struct tensor *t = one_sample(v->known, batch - shift);
    if (!t) return step_refuse_batch(s, "constant \"%s\" has numbers for each sample", v->name ? v->name : "");
    one.known = t;
    dims.dim[batch] = 1;
    err = align_known(s, &one, &dims, place, out);
    tensor_free(t);
    return err;
}

int step_like(struct step *s, const struct onnx_value *v, const struct dims *to, const int *place,
              struct onnx_value *out)
{
    int64_t dim[ONNX_RANK], has[ONNX_RANK];
    int err = step_align(s, v, to, place, out);
    for (int i = 0; !err && !v->known && i < to->rank; i++)
        if (place[i] == BATCH && out->dims.dim[i] != to->dim[i]) err = step_refuse_batch(s, "it repeats the batch");
    if (err) return err;
    value_sample_dims(out, has);
    out->dims = *to;
    int rank = value_sample_dims(out, dim);
    if (!memcmp(dim, has, (size_t)rank * sizeof *dim)) return 0;
    out->v = step_apply_one(s, "broadcast", out->v, "dims=%s", list_text(rank, dim).text);
    return out->v ? 0 : -EINVAL;
}

int step_constant(struct step *s, const struct onnx_value *v, struct onnx_value *out)
{
    int place[ONNX_RANK], at = 0;
    struct dims dims = v->dims;
    int batch = s->r->batch_axis;
    if (batch != NO_BATCH &&
        (batch >= dims.rank || (dims.dim[batch] != 1 && dims.dim[batch] != s->r->batch) || s->r->batch != 1))
        return step_refuse_batch(s, "constant \"%s\" has no batch", v->name ? v->name : "");
    for (int i = 0; i < dims.rank; i++) place[i] = i == s->r->batch_axis ? BATCH : at++;
    return step_align(s, v, &dims, place, out);
}

int step_computed(struct step *s, int i, struct onnx_value *out)
{
    if (!step_has(s, i)) return step_refuse(s, "input %d is missing", i + 1);
    if (s->in[i]->known) return step_constant(s, s->in[i], out);
    *out = *s->in[i];
    if (!out->flat_positions) return 0;
    struct onnx_value flat = *out;
    return step_place(s, &flat, flat.place, out);
}
