/* SPDX-License-Identifier: BSD-3-Clause */
/* Known numbers in other places. */
#include <math.h>
#include <string.h>

#include "onnx/fold.h"
#include "onnx/shapes.h"

int fold_reshape(struct step *s)
{
    struct dims dims;
    const struct tensor *x = s->in[0]->known;
    int err = shape_reshaped(s, &dims);
    return err ? err : step_out_known(s, 0, tensor_copy(x, x->dtype, &dims));
}

int fold_transpose(struct step *s)
{
    int axis[ONNX_RANK];
    int err = shape_permutation(s, s->in[0]->dims.rank, axis);
    return err ? err : step_out_known(s, 0, tensor_transpose(s->in[0]->known, axis));
}

/* Product of the dimensions before, and behind. */
static int64_t before(const struct dims *d, int axis)
{
    int64_t n = 1;
    for (int i = 0; i < axis; i++) n *= d->dim[i];
    return n;
}

static int64_t behind(const struct dims *d, int axis)
{
    int64_t n = 1;
    for (int i = axis + 1; i < d->rank; i++) n *= d->dim[i];
    return n;
}

int fold_concat(struct step *s)
{
    struct dims dims = s->in[0]->dims;
    int axis = step_axis(s, step_int(s, "axis", 0), dims.rank);
    if (axis < 0) return -EINVAL;
    for (int i = 1; i < s->inputs; i++) {
        struct dims other = s->in[i] ? s->in[i]->dims : (struct dims){ 0 };
        int64_t more = other.dim[axis];
        other.dim[axis] = dims.dim[axis];
        if (!dims_equal(&other, &dims)) return step_refuse(s, "its inputs have dimensions that do not fit");
        dims.dim[axis] += more;
    }
    struct tensor *t = tensor_create(s->in[0]->dtype, &dims);
    int64_t at = 0, inner = behind(&dims, axis);
    for (int i = 0; t && i < s->inputs; i++) {
        int64_t size = s->in[i]->dims.dim[axis] * inner, whole = dims.dim[axis] * inner;
        for (int64_t k = 0; k < before(&dims, axis); k++)
            memcpy(t->number + k * whole + at, s->in[i]->known->number + k * size, (size_t)size * sizeof *t->number);
        at += size;
    }
    return step_out_known(s, 0, t);
}

int fold_gather(struct step *s)
{
    const struct tensor *x = s->in[0]->known, *index = s->in[1]->known;
    int axis = step_axis(s, step_int(s, "axis", 0), x->dims.rank);
    if (axis < 0) return -EINVAL;
    struct dims dims = { .rank = x->dims.rank - 1 + index->dims.rank };
    if (dims.rank > ONNX_RANK) return step_refuse(s, "its result has more than 8 dimensions");
    for (int i = 0; i < dims.rank; i++)
        dims.dim[i] = i < axis                      ? x->dims.dim[i]
                      : i < axis + index->dims.rank ? index->dims.dim[i - axis]
                                                    : x->dims.dim[i - index->dims.rank + 1];
    struct tensor *t = tensor_create(x->dtype, &dims);
    int64_t n = x->dims.dim[axis], inner = behind(&x->dims, axis);
    for (int64_t i = 0; t && i < t->count; i++) {
        double k = index->number[i / inner % index->count];
        k = k < 0 ? k + (double)n : k;
        if (!(k >= 0 && k < (double)n)) {
            tensor_free(t);
            return step_refuse(s, "index %g is none of %lld", k, (long long)n);
        }
        t->number[i] = x->number[(i / inner / index->count * n + (int64_t)k) * inner + i % inner];
    }
    return step_out_known(s, 0, t);
}

int fold_slice(struct step *s)
{
    const struct tensor *x = s->in[0]->known;
    struct slice slice;
    struct dims dims = { .rank = x->dims.rank };
    int err = shape_sliced(s, &x->dims, &slice);
    if (err) return err;
    memcpy(dims.dim, slice.count, sizeof dims.dim);
    struct tensor *t = tensor_create(x->dtype, &dims);
    for (int64_t i = 0; t && i < t->count; i++) {
        int64_t left = i, at = 0, stride = 1;
        for (int k = dims.rank - 1; k >= 0; k--) {
            at += (slice.start[k] + left % dims.dim[k] * slice.step[k]) * stride;
            left /= dims.dim[k];
            stride *= x->dims.dim[k];
        }
        t->number[i] = x->number[at];
    }
    return step_out_known(s, 0, t);
}

/* What is kept of the lower or upper triangle of the last two axes. */
int fold_trilu(struct step *s)
{
    const struct tensor *x = s->in[0]->known;
    int64_t k = step_has(s, 1) && s->in[1]->known->count ? tensor_integer(s->in[1]->known, 0) : 0;
    bool upper = step_int(s, "upper", 1) != 0;
    if (x->dims.rank < 2) return step_refuse(s, "its input is no matrix");
    struct tensor *t = tensor_copy(x, x->dtype, &x->dims);
    int64_t rows = x->dims.dim[x->dims.rank - 2], columns = x->dims.dim[x->dims.rank - 1];
    for (int64_t i = 0; t && i < t->count; i++) {
        int64_t row = i / columns % rows, column = i % columns;
        if (upper ? column - row < k : column - row > k) t->number[i] = 0;
    }
    return step_out_known(s, 0, t);
}

/* ------------------------------------------------------------------ reductions */

static double combine(const char *op, double all, double x)
{
    if (!strcmp(op, "ReduceMax")) return fmax(all, x);
    if (!strcmp(op, "ReduceMin")) return fmin(all, x);
    return !strcmp(op, "ReduceProd") ? all * x : all + x;
}

int fold_reduce(struct step *s)
{
    const struct tensor *x = s->in[0]->known;
    const char *op = s->node->op_type;
    unsigned axes;
    bool keeps = step_int(s, "keepdims", 1) != 0;
    unsigned none = step_int(s, "noop_with_empty_axes", 0) ? 0 : (1u << x->dims.rank) - 1;
    int err = shape_axes(s, 1, x->dims.rank, none, &axes);
    struct dims ones = x->dims, dims = { 0 };
    for (int i = 0; !err && i < x->dims.rank; i++) {
        if (axes >> i & 1) ones.dim[i] = 1;
        if (!(axes >> i & 1) || keeps) dims.dim[dims.rank++] = ones.dim[i];
    }
    if (!err && !x->count) err = step_refuse(s, "its input is empty");
    struct tensor *t = err ? NULL : tensor_create(x->dtype, &dims);
    if (err || !t) return err ? err : step_no_memory(s);
    for (int64_t i = 0; i < t->count; i++) t->number[i] = NAN;
    for (int64_t i = 0; i < x->count; i++) {
        double *to = &t->number[dims_broadcast_index(&x->dims, i, &ones)];
        *to = isnan(*to) ? x->number[i] : combine(op, *to, x->number[i]);
    }
    for (int64_t i = 0; !strcmp(op, "ReduceMean") && i < t->count; i++)
        t->number[i] *= (double)t->count / (double)x->count;
    return step_out_known(s, 0, t);
}
