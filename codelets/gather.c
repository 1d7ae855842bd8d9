/* SPDX-License-Identifier: BSD-3-Clause */
/* Gathering along an axis by indices that are fixed. */
#include <stdio.h>

#include "strided.h"
#include "type_text.h"
#include "types.h"

static int infer(struct hsgd_node *n, char *why, size_t size)
{
    const struct hsgd_gather *a = n->attributes;
    const struct hsgd_type *in = &n->in[0];
    int axis = axis_place(a->axis, in->rank), count = a->indices.count;
    if (need_numbers(n, why, size)) return -1;
    if (axis < 0) return no_axis(a->axis, in, why, size);
    if (count < 1 || count > HSGD_MAX_INTS) {
        snprintf(why, size, "indices must be 1 to %d numbers, not %d", HSGD_MAX_INTS, count);
        return -1;
    }
    int dim = in->dim[axis];
    for (int i = 0; dim != HSGD_ANY && i < count; i++) {
        if (a->indices.value[i] >= -dim && a->indices.value[i] < dim) continue;
        snprintf(why, size, "index %d is not in %d..%d, as axis %d of %s has", a->indices.value[i], -dim, dim - 1,
                 axis + 1, type_text(in).text);
        return -1;
    }
    n->outputs = 1;
    n->out[0] = *in;
    n->out[0].dim[axis] = count;
    return need_room(&n->out[0], why, size);
}

static int index_at(const struct hsgd_ints *indices, int i, int dim)
{
    return indices->value[i] < 0 ? indices->value[i] + dim : indices->value[i];
}

/* How many indices from number i on are as far apart as the first two of them. */
static int run_at(const struct hsgd_ints *indices, int i, int dim)
{
    int n = 1, apart = 0;
    while (i + n < indices->count) {
        int step = index_at(indices, i + n, dim) - index_at(indices, i + n - 1, dim);
        if (n > 1 && step != apart) break;
        apart = step;
        n++;
    }
    return n;
}

/* From x to y, of n indices from number i on. */
static struct strided moves(const struct hsgd_emit *e, int i, int n)
{
    const struct hsgd_gather *a = e->node->attributes;
    const struct hsgd_type *in = &e->node->in[0], *out = &e->node->out[0];
    int64_t from[HSGD_MAX_RANK], to[HSGD_MAX_RANK];
    struct strided s = strided_begin(e, hsgd_type_size(in), hsgd_type_size(out));
    int axis = axis_place(a->axis, in->rank), dim = in->dim[axis], first = index_at(&a->indices, i, dim);
    int apart = n > 1 ? index_at(&a->indices, i + 1, dim) - first : 0;
    type_strides(in, from);
    type_strides(out, to);
    for (int k = 0; k < in->rank; k++)
        if (k == axis) strided_add(&s, n, apart * from[k], to[k]);
        else strided_add(&s, in->dim[k], from[k], to[k]);
    strided_skip(&s, first * from[axis], i * to[axis]);
    return s;
}

static int dim_of(const struct hsgd_emit *e)
{
    const struct hsgd_gather *a = e->node->attributes;
    return e->node->in[0].dim[axis_place(a->axis, e->node->in[0].rank)];
}

static void forward(struct hsgd_emit *e)
{
    const struct hsgd_ints *indices = &((const struct hsgd_gather *)e->node->attributes)->indices;
    for (int i = 0, n; i < indices->count; i += n) {
        n = run_at(indices, i, dim_of(e));
        emit_strided_copy(e, moves(e, i, n), e->x[0], e->y[0]);
    }
}

/* An index may appear several times, or not at all. */
static void backward(struct hsgd_emit *e)
{
    const struct hsgd_ints *indices = &((const struct hsgd_gather *)e->node->attributes)->indices;
    if (!hsgd_wanted(e->dx[0])) return;
    emit_strided_zero(e, hsgd_type_size(&e->node->in[0]), e->dx[0]);
    for (int i = 0, n; i < indices->count; i += n) {
        n = run_at(indices, i, dim_of(e));
        emit_strided_sum(e, strided_reverse(moves(e, i, n)), e->dy[0], e->dx[0], true);
    }
}

#define AT(field) offsetof(struct hsgd_gather, field)
static const struct hsgd_attribute fields[] = { { "indices", HSGD_INTS, AT(indices), true, 0, NULL },
                                                { "axis", HSGD_INT, AT(axis), true, 0, NULL },
                                                { 0 } };

const struct hsgd_op hsgd_op_gather = { .name = "gather",
                                        .attributes_size = sizeof(struct hsgd_gather),
                                        .fields = fields,
                                        .layouts = 1u << HSGD_NHWC | 1u << HSGD_LANES,
                                        .infer = infer,
                                        .forward = { { forward } },
                                        .backward = { { backward } } };
