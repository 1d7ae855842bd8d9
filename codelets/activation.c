/* SPDX-License-Identifier: BSD-3-Clause */
/* Activations as separate operations. */
#include <stdio.h>

#include "kernels.h"
#include "types.h"

static int infer(struct hsgd_node *n, char *why, size_t size)
{
    if (need_floats(n, why, size)) return -1;
    n->outputs = 1;
    n->out[0] = n->in[0];
    n->forward_flops = n->backward_flops = sample_size(&n->in[0]);
    return 0;
}

static void emit_forward(struct hsgd_emit *e, enum hsgd_activation f)
{
    struct act_fwd_args a = { hsgd_stored_rows(e) * sample_size(&e->node->in[0]), (int)f };
    HSGD_LAUNCH(e, HSGD_KERNEL(act_fwd), HSGD_ITEMS, a.n, &a, e->x[0], e->y[0]);
}

static void emit_backward(struct hsgd_emit *e, enum hsgd_activation f)
{
    struct act_fwd_args a = { hsgd_stored_rows(e) * sample_size(&e->node->in[0]), (int)f };
    if (hsgd_wanted(e->dx[0])) HSGD_LAUNCH(e, HSGD_KERNEL(act_dx), HSGD_ITEMS, a.n, &a, e->y[0], e->dy[0], e->dx[0]);
}

/* ---------------------------------------------------------------- activate */

static const struct hsgd_activate *attributes(const struct hsgd_node *n) { return n->attributes; }

static void activate_forward(struct hsgd_emit *e) { emit_forward(e, attributes(e->node)->activation); }
static void activate_backward(struct hsgd_emit *e) { emit_backward(e, attributes(e->node)->activation); }

#define AT(field) offsetof(struct hsgd_activate, field)
static const struct hsgd_attribute fields[] = { { "activation", HSGD_ACTIVATION, AT(activation), true, 0, NULL },
                                                { 0 } };

const struct hsgd_op hsgd_op_activate = { .name = "activate",
                                          .attributes_size = sizeof(struct hsgd_activate),
                                          .fields = fields,
                                          .layouts = 1u << HSGD_NHWC | 1u << HSGD_LANES,
                                          .keeps_out = 1,
                                          .infer = infer,
                                          .forward = { { activate_forward } },
                                          .backward = { { activate_backward } } };

/* ------------------------------------------------------- one function each */

static void relu_forward(struct hsgd_emit *e) { emit_forward(e, HSGD_RELU); }
static void relu_backward(struct hsgd_emit *e) { emit_backward(e, HSGD_RELU); }
static void tanh_forward(struct hsgd_emit *e) { emit_forward(e, HSGD_TANH); }
static void tanh_backward(struct hsgd_emit *e) { emit_backward(e, HSGD_TANH); }
static void sigmoid_forward(struct hsgd_emit *e) { emit_forward(e, HSGD_SIGMOID); }
static void sigmoid_backward(struct hsgd_emit *e) { emit_backward(e, HSGD_SIGMOID); }

const struct hsgd_op hsgd_op_relu = { .name = "relu",
                                      .layouts = 1u << HSGD_NHWC | 1u << HSGD_LANES,
                                      .keeps_out = 1,
                                      .infer = infer,
                                      .forward = { { relu_forward } },
                                      .backward = { { relu_backward } } };
const struct hsgd_op hsgd_op_tanh = { .name = "tanh",
                                      .layouts = 1u << HSGD_NHWC | 1u << HSGD_LANES,
                                      .keeps_out = 1,
                                      .infer = infer,
                                      .forward = { { tanh_forward } },
                                      .backward = { { tanh_backward } } };
const struct hsgd_op hsgd_op_sigmoid = { .name = "sigmoid",
                                         .layouts = 1u << HSGD_NHWC | 1u << HSGD_LANES,
                                         .keeps_out = 1,
                                         .infer = infer,
                                         .forward = { { sigmoid_forward } },
                                         .backward = { { sigmoid_backward } } };
