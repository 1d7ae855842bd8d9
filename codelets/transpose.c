/* SPDX-License-Identifier: BSD-3-Clause */
/* The axes of a sample in another order. */
#include <stdio.h>

#include "strided.h"
#include "type_text.h"
#include "types.h"

static int infer(struct hsgd_node *n, char *why, size_t size)
{
    const struct hsgd_transpose *a = n->attributes;
    const struct hsgd_type *in = &n->in[0];
    unsigned seen = 0;
    if (need_numbers(n, why, size)) return -1;
    n->outputs = 1;
    n->out[0] = *in;
    for (int i = 0; i < in->rank && a->permutation.count == in->rank; i++) {
        int axis = axis_place(a->permutation.value[i], in->rank);
        if (axis < 0) break;
        seen |= 1u << axis;
        n->out[0].dim[i] = in->dim[axis];
    }
    if (in->rank && seen == (1u << in->rank) - 1) return 0;
    snprintf(why, size, "permutation must have each axis of %s once, from 1 on", type_text(in).text);
    return -1;
}

/* From x to y. */
static struct strided moves(const struct hsgd_emit *e)
{
    const struct hsgd_transpose *a = e->node->attributes;
    const struct hsgd_type *in = &e->node->in[0], *out = &e->node->out[0];
    int64_t from[HSGD_MAX_RANK], to[HSGD_MAX_RANK];
    struct strided s = strided_begin(e, hsgd_type_size(in), hsgd_type_size(out));
    type_strides(in, from);
    type_strides(out, to);
    for (int i = 0; i < in->rank; i++)
        strided_add(&s, out->dim[i], from[axis_place(a->permutation.value[i], in->rank)], to[i]);
    return s;
}

static void forward(struct hsgd_emit *e) { emit_strided_copy(e, moves(e), e->x[0], e->y[0]); }

static void backward(struct hsgd_emit *e)
{
    if (hsgd_wanted(e->dx[0])) emit_strided_copy(e, strided_reverse(moves(e)), e->dy[0], e->dx[0]);
}

#define AT(field) offsetof(struct hsgd_transpose, field)
static const struct hsgd_attribute fields[] = { { "permutation", HSGD_INTS, AT(permutation), true, 0, NULL }, { 0 } };

const struct hsgd_op hsgd_op_transpose = { .name = "transpose",
                                           .attributes_size = sizeof(struct hsgd_transpose),
                                           .fields = fields,
                                           .layouts = 1u << HSGD_NHWC | 1u << HSGD_LANES,
                                           .infer = infer,
                                           .forward = { { forward } },
                                           .backward = { { backward } } };
