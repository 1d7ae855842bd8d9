/* SPDX-License-Identifier: BSD-3-Clause */
/* Activations as separate operations. */
#include <stdio.h>

#include "kernels.h"

static int infer(struct hsgd_node *n, char *why, size_t size)
{
    const struct hsgd_activate *a = n->attributes;
    if (a->activation > HSGD_SIGMOID) {
        snprintf(why, size, "activation %d is not one of 0..%d", a->activation, HSGD_SIGMOID);
        return -1;
    }
    n->outputs = 1;
    n->out[0] = n->in[0];
    n->forward_flops = n->backward_flops = sample_size(&n->in[0]);
    return 0;
}

static struct act_fwd_args args_of(const struct hsgd_emit *e)
{
    const struct hsgd_activate *a = e->node->attributes;
    return (struct act_fwd_args){ hsgd_stored_rows(e) * sample_size(&e->node->in[0]), (int)a->activation };
}

static void forward(struct hsgd_emit *e)
{
    struct act_fwd_args a = args_of(e);
    HSGD_LAUNCH(e, HSGD_KERNEL(act_fwd), HSGD_ITEMS, a.n, &a, e->x[0], e->y[0]);
}

static void backward(struct hsgd_emit *e)
{
    struct act_fwd_args a = args_of(e);
    if (hsgd_wanted(e->dx[0])) HSGD_LAUNCH(e, HSGD_KERNEL(act_dx), HSGD_ITEMS, a.n, &a, e->y[0], e->dy[0], e->dx[0]);
}

#define AT(field) offsetof(struct hsgd_activate, field)
static const struct hsgd_attribute fields[] = { { "activation", HSGD_ACTIVATION, AT(activation), true, 0, NULL },
                                                { 0 } };

const struct hsgd_op hsgd_op_activate = { .name = "activate",
                                          .attributes_size = sizeof(struct hsgd_activate),
                                          .fields = fields,
                                          .layouts = 1u << HSGD_NHWC | 1u << HSGD_LANES,
                                          .keeps_out = 1,
                                          .infer = infer,
                                          .forward = { { forward } },
                                          .backward = { { backward } } };
