/* SPDX-License-Identifier: BSD-3-Clause */
/* Parameter: the same numbers for each sample. */
#include <limits.h>
#include <stdio.h>

#include "kernels.h"
#include "types.h"

enum { SPEC_RANK = 4 };

/* The weight has the dimensions, or, where they are too many, is one vector. */
static void add_weight(struct hsgd_node *n, const struct hsgd_type *t)
{
    struct hsgd_param_spec spec = { .name = "weight", .rank = t->rank, .init = HSGD_INIT_ZERO, .in_order = true };
    for (int i = 0; i < t->rank && i < SPEC_RANK; i++) spec.dim[i] = t->dim[i];
    if (t->rank > SPEC_RANK || !t->rank) spec.rank = 1, spec.dim[0] = sample_size(t);
    hsgd_node_add_param(n, &spec);
}

static int infer(struct hsgd_node *n, char *why, size_t size)
{
    const struct hsgd_parameter *a = n->attributes;
    struct hsgd_type t = { .dtype = HSGD_F32, .rank = a->dims.count };
    for (int i = 0; i < t.rank && i < HSGD_MAX_RANK; i++) t.dim[i] = a->dims.value[i];
    if (t.rank > HSGD_MAX_RANK || !type_is_valid(&t, INT_MAX / 16)) {
        snprintf(why, size, "dims must be at most %d sizes from 1, which are not too large together", HSGD_MAX_RANK);
        return -1;
    }
    n->outputs = 1;
    n->out[0] = t;
    add_weight(n, &t);
    n->backward_flops = sample_size(&t);
    return 0;
}

static void forward(struct hsgd_emit *e)
{
    struct parameter_args a = { e->rows, sample_size(&e->node->out[0]) };
    HSGD_LAUNCH(e, HSGD_KERNEL(parameter_fwd), HSGD_WARPS, a.rows, &a, hsgd_param_at(e, 0), e->y[0]);
}

static void backward(struct hsgd_emit *e)
{
    int cols = sample_size(&e->node->out[0]);
    struct parameter_args a = { e->rows, sample_size(&e->node->in[0]) };
    if (hsgd_wanted(e->gradient[0])) emit_column_sums(e, e->rows, cols, cols, e->dy[0], e->gradient[0]);
    if (hsgd_wanted(e->dx[0])) HSGD_LAUNCH(e, HSGD_KERNEL(parameter_dx), HSGD_WARPS, a.rows, &a, e->dx[0]);
}

static const struct hsgd_attribute fields[] = {
    { "dims", HSGD_INTS, offsetof(struct hsgd_parameter, dims), false, 0, NULL }, { 0 }
};

const struct hsgd_op hsgd_op_parameter = { .name = "parameter",
                                           .attributes_size = sizeof(struct hsgd_parameter),
                                           .fields = fields,
                                           .layouts = 1u << HSGD_NHWC,
                                           .infer = infer,
                                           .forward = { { forward } },
                                           .backward = { { backward } } };
