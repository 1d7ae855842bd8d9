/* SPDX-License-Identifier: BSD-3-Clause */
/* GELU: y = x Phi(x). */
#include "kernels.h"
#include "types.h"

static int infer(struct hsgd_node *n, char *why, size_t size)
{
    if (need_floats(n, why, size)) return -1;
    n->outputs = 1;
    n->out[0] = n->in[0];
    n->forward_flops = 30.0 * sample_size(&n->in[0]);
    n->backward_flops = 60.0 * sample_size(&n->in[0]);
    return 0;
}

static struct gelu_args args_of(const struct hsgd_emit *e)
{
    const struct hsgd_gelu *a = e->node->attributes;
    return (struct gelu_args){ hsgd_stored_rows(e) * sample_size(&e->node->in[0]), a->tanh };
}

static void forward(struct hsgd_emit *e)
{
    struct gelu_args a = args_of(e);
    HSGD_LAUNCH(e, HSGD_KERNEL(gelu_fwd), HSGD_ITEMS, a.n, &a, e->x[0], e->y[0]);
}

static void backward(struct hsgd_emit *e)
{
    struct gelu_args a = args_of(e);
    if (hsgd_wanted(e->dx[0])) HSGD_LAUNCH(e, HSGD_KERNEL(gelu_bwd), HSGD_ITEMS, a.n, &a, e->x[0], e->dy[0], e->dx[0]);
}

#define AT(field) offsetof(struct hsgd_gelu, field)
static const struct hsgd_attribute fields[] = { { "tanh", HSGD_BOOL, AT(tanh), false, 0, NULL }, { 0 } };

const struct hsgd_op hsgd_op_gelu = { .name = "gelu",
                                      .attributes_size = sizeof(struct hsgd_gelu),
                                      .fields = fields,
                                      .layouts = 1u << HSGD_NHWC | 1u << HSGD_LANES,
                                      .keeps_in = 1,
                                      .infer = infer,
                                      .forward = { { forward } },
                                      .backward = { { backward } } };
