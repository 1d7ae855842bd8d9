/* SPDX-License-Identifier: BSD-3-Clause */
/* Activations as separate operations. */
#include <stdio.h>

#include "kernels.h"

static int prepare(struct hsgd_layer *l, char *why, size_t n)
{
    const struct hsgd_activate *a = l->attributes;
    if (a->activation > HSGD_SIGMOID) {
        snprintf(why, n, "activation %d is not one of 0..%d", a->activation, HSGD_SIGMOID);
        return -1;
    }
    l->out = l->in;
    l->forward_flops = l->backward_flops = hsgd_size(l->in);
    return 0;
}

static struct act_fwd_args args_of(const struct hsgd_emit *e)
{
    const struct hsgd_activate *a = e->layer->attributes;
    return (struct act_fwd_args){ hsgd_stored_rows(e) * hsgd_size(e->layer->in), (int)a->activation };
}

static void forward(struct hsgd_emit *e)
{
    struct act_fwd_args a = args_of(e);
    HSGD_LAUNCH(e, HSGD_KERNEL(act_fwd), HSGD_ITEMS, a.n, &a, e->x, e->y);
}

static void backward(struct hsgd_emit *e)
{
    struct act_fwd_args a = args_of(e);
    if (e->dx.buffer >= 0) HSGD_LAUNCH(e, HSGD_KERNEL(act_dx), HSGD_ITEMS, a.n, &a, e->y, e->dy, e->dx);
}

#define AT(field) offsetof(struct hsgd_activate, field)
static const struct hsgd_attribute fields[] = { { "activation", HSGD_ACTIVATION, AT(activation), true, 0, NULL },
                                                { 0 } };

const struct hsgd_op hsgd_op_activate = { .name = "activate",
                                          .attributes_size = sizeof(struct hsgd_activate),
                                          .fields = fields,
                                          .layouts = 1u << HSGD_NHWC | 1u << HSGD_LANES,
                                          .prepare = prepare,
                                          .forward = forward,
                                          .backward = backward };
