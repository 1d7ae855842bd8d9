/* SPDX-License-Identifier: BSD-3-Clause */
/* Learned positions: a row of a table for each. */
#include <limits.h>
#include <stdio.h>

#include "kernels.h"
#include "type_text.h"

static const struct hsgd_positions *attributes(const struct hsgd_node *n) { return n->attributes; }

static int infer(struct hsgd_node *n, char *why, size_t size)
{
    const struct hsgd_positions *a = attributes(n);
    const struct hsgd_type *in = &n->in[0];
    if (in->rank != 2 || in->dtype != HSGD_F32)
        snprintf(why, size, "the input must be of floats with positions and channels, not %s", type_text(in).text);
    else if (a->length < 1 || (in->dim[1] != HSGD_ANY && (double)a->length * in->dim[1] > INT_MAX))
        snprintf(why, size, "a table of %d positions of %s is not possible", a->length, type_text(in).text);
    else if (in->dim[0] > a->length)
        snprintf(why, size, "%d positions are more than length, %d", in->dim[0], a->length);
    else {
        n->outputs = 1;
        n->out[0] = *in;
        n->cache = 1;
        add_param(n, .name = "weight", .rank = 2, .dim = { a->length, in->dim[1] }, .init = a->init,
                  .fan_in = in->dim[1], .fan_out = in->dim[1], .in_order = true);
        n->forward_flops = n->backward_flops = (double)hsgd_type_size(in);
        return 0;
    }
    return -1;
}

static struct position_args args_of(const struct hsgd_emit *e)
{
    const int *dim = e->node->in[0].dim;
    return (struct position_args){ e->rows, dim[0], dim[1], attributes(e->node)->length, hsgd_wanted(e->cache) };
}

static void forward(struct hsgd_emit *e)
{
    struct position_args a = args_of(e);
    struct advance_args advance = { a.rows, 1, a.t };
    HSGD_LAUNCH(e, HSGD_KERNEL(position_fwd), HSGD_WARPS, (int64_t)a.rows * a.t, &a, e->x[0], hsgd_param_at(e, 0),
                a.cached ? e->cache : e->x[0], e->y[0]);
    if (a.cached) HSGD_LAUNCH(e, HSGD_KERNEL(advance), HSGD_ITEMS, a.rows, &advance, e->cache);
}

static void backward(struct hsgd_emit *e)
{
    struct position_args a = args_of(e);
    if (hsgd_wanted(e->gradient[0]))
        HSGD_LAUNCH(e, HSGD_KERNEL(position_dw), HSGD_WARPS, a.length, &a, e->dy[0], e->gradient[0]);
}

#define AT(field) offsetof(struct hsgd_positions, field)
static const struct hsgd_attribute fields[] = { { "length", HSGD_INT, AT(length), true, 0, NULL },
                                                { "init", HSGD_INIT, AT(init), false, 0, NULL },
                                                { 0 } };

const struct hsgd_op hsgd_op_positions = { .name = "positions",
                                           .attributes_size = sizeof(struct hsgd_positions),
                                           .fields = fields,
                                           .layouts = 1u << HSGD_NHWC,
                                           .passes = 1,
                                           .infer = infer,
                                           .forward = { { forward } },
                                           .backward = { { backward } } };
