/* SPDX-License-Identifier: BSD-3-Clause */
/* Convolution (cross-correlation) of images and sequences, with bias and activation. */
#include <stdio.h>

#include "conv.h"
#include "conv2d_cudnn.h"

static struct conv of_sequence(const struct hsgd_conv1d *a)
{
    return (struct conv){ .window = { .kernel = { a->kernel, a->kernel },
                                      .stride = { a->stride, a->stride },
                                      .dilation = { window_or(a->dilation, 1), window_or(a->dilation, 1) },
                                      .padding = a->padding,
                                      .pads = a->pads },
                          .out_channels = a->out_channels,
                          .groups = window_or(a->groups, 1),
                          .activation = a->activation,
                          .init = a->init,
                          .no_bias = a->no_bias };
}

static struct conv of_image(const struct hsgd_conv2d *a)
{
    return (struct conv){ .window = { .kernel = { a->kernel, window_or(a->kernel_w, a->kernel) },
                                      .stride = { a->stride, window_or(a->stride_w, a->stride) },
                                      .dilation = { window_or(a->dilation, 1),
                                                    window_or(a->dilation_w, window_or(a->dilation, 1)) },
                                      .padding = a->padding,
                                      .pads = a->pads },
                          .out_channels = a->out_channels,
                          .groups = window_or(a->groups, 1),
                          .activation = a->activation,
                          .init = a->init,
                          .no_bias = a->no_bias };
}

/* conv1d has sequences, conv2d images. */
static struct conv conv_of(const struct hsgd_node *n)
{
    int rank = n->in[0].rank;
    struct conv c = rank == 2 ? of_sequence(n->attributes) : of_image(n->attributes);
    window_resolve(&c.window, rank);
    return c;
}

static int infer(struct hsgd_node *n, int rank, char *why, size_t size)
{
    struct window none = { 0 };
    if (n->in[0].rank != rank) return window_infer(n, &none, 1u << rank, 1, "", why, size);
    struct conv c = conv_of(n);
    const int *k = c.window.kernel, channels = hsgd_type_channels(&n->in[0]);
    char what[40];
    if (rank == 3) snprintf(what, sizeof what, "a %dx%d kernel", k[0], k[1]);
    else snprintf(what, sizeof what, "a kernel of %d", k[1]);
    if (conv_check(&c, channels, why, size)) return -1;
    if (window_infer(n, &c.window, 1u << rank, c.out_channels, what, why, size)) return -1;
    int in = channels == HSGD_ANY ? HSGD_ANY : channels / c.groups;
    struct hsgd_param_spec image = { .rank = 4, .dim = { c.out_channels, k[0], k[1], in } };
    struct hsgd_param_spec sequence = { .rank = 3, .dim = { c.out_channels, k[1], in } };
    if (conv_add_params(n, &c, channels, rank == 3 ? image : sequence, why, size)) return -1;
    n->forward_flops = 2.0 * k[0] * k[1] * in * sample_size(&n->out[0]);
    n->backward_flops = 2 * n->forward_flops;
    return 0;
}

static int infer_image(struct hsgd_node *n, char *why, size_t size) { return infer(n, 3, why, size); }
static int infer_sequence(struct hsgd_node *n, char *why, size_t size) { return infer(n, 2, why, size); }

static struct conv2d_args args_of(const struct hsgd_emit *e, const struct conv *c)
{
    return conv_args(c, e->rows, &e->node->in[0], &e->node->out[0]);
}

static void forward(struct hsgd_emit *e)
{
    struct conv c = conv_of(e->node);
    struct conv2d_args a = args_of(e, &c);
    if (!conv2d_cudnn_forward(e, &c, a))
        conv_emit_forward(e, a, e->x[0], hsgd_param_at(e, 0), conv_bias(e, &c), e->y[0]);
}

/* Both gradients are made together: that of W goes to scratch memory where only the other is wanted. */
static bool wants_gradients(struct hsgd_emit *e, const struct conv2d_args *a)
{
    bool weight = hsgd_wanted(e->gradient[0]), bias = hsgd_wanted(e->gradient[1]);
    if (!weight && bias) e->gradient[0] = hsgd_scratch(e, (int64_t)a->o * conv2d_weights(*a));
    return weight || bias;
}

/* dz = dy f'(z), unless the next operation's backward has applied f'; db and dW
 * from dz and x; dx is the full correlation of dz with the flipped kernel. */
static void backward(struct hsgd_emit *e)
{
    struct conv c = conv_of(e->node);
    struct conv2d_args a = args_of(e, &c);
    struct hsgd_ref absent = { .buffer = -1 }, dy = absent; /* in scratch memory, where cuDNN has used it */
    if (a.activation && !e->node->slope_applied) {
        struct act_bwd_args act = { hsgd_stored_rows(e) * sample_size(&e->node->out[0]), a.activation };
        HSGD_LAUNCH(e, HSGD_KERNEL(act_bwd), HSGD_ITEMS, act.n, &act, e->y[0], e->dy[0]);
    }
    if (wants_gradients(e, &a) && !conv2d_cudnn_gradients(e, &c, a, &dy))
        conv_emit_weights(e, a, e->x[0], e->dy[0], e->gradient[0], conv_bias_gradient(e, &c));
    if (hsgd_wanted(e->dx[0]) && !conv2d_cudnn_input_gradient(e, a, dy))
        conv_emit_input(e, a, e->dy[0], hsgd_param_at(e, 0), absent, e->dx[0]);
}

static enum hsgd_activation activation(const void *attributes)
{
    return ((const struct hsgd_conv2d *)attributes)->activation;
}

static enum hsgd_activation activation_of_sequence(const void *attributes)
{
    return ((const struct hsgd_conv1d *)attributes)->activation;
}

#define AT(field) offsetof(struct hsgd_conv2d, field)
static const struct hsgd_attribute fields[] = { CONV_FIELDS, CONV_IMAGE_FIELDS, { 0 } };

const struct hsgd_op hsgd_op_conv2d = { .name = "conv2d",
                                        .attributes_size = sizeof(struct hsgd_conv2d),
                                        .fields = fields,
                                        .layouts = 1u << HSGD_LANES,
                                        .overwrites_dy = true,
                                        .keeps_in = 1,
                                        .keeps_out = 1,
                                        .infer = infer_image,
                                        .forward = { { forward } },
                                        .backward = { { backward } },
                                        .activation = activation };

#undef AT
#define AT(field) offsetof(struct hsgd_conv1d, field)
static const struct hsgd_attribute sequence_fields[] = { CONV_FIELDS,
                                                         { "pads", HSGD_INTS, AT(pads), false, 0, NULL },
                                                         { 0 } };

const struct hsgd_op hsgd_op_conv1d = { .name = "conv1d",
                                        .attributes_size = sizeof(struct hsgd_conv1d),
                                        .fields = sequence_fields,
                                        .layouts = 1u << HSGD_LANES,
                                        .overwrites_dy = true,
                                        .keeps_in = 1,
                                        .keeps_out = 1,
                                        .infer = infer_sequence,
                                        .forward = { { forward } },
                                        .backward = { { backward } },
                                        .activation = activation_of_sequence };
