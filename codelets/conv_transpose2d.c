/* SPDX-License-Identifier: BSD-3-Clause */
/* Transposed convolution: forward is the input gradient of a convolution from y to
 * x, with the same weight, and backward is that convolution. */
#include <stdio.h>

#include "conv.h"
#include "type_text.h"
#include "types.h"

static struct conv conv_of(const struct hsgd_node *n)
{
    const struct hsgd_conv_transpose2d *a = n->attributes;
    struct conv c = { .window = { .kernel = { a->kernel, window_or(a->kernel_w, a->kernel) },
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
    window_resolve(&c.window, n->in[0].rank);
    return c;
}

static int check_output_padding(const struct window *w, int extra, char *why, size_t size)
{
    for (int i = 0; i < 2; i++) {
        int below = w->stride[i] > w->dilation[i] ? w->stride[i] : w->dilation[i];
        if (extra >= 0 && extra < below) continue;
        snprintf(why, size, "output_padding must be from 0 to %d, below stride or dilation, not %d", below - 1, extra);
        return -1;
    }
    return 0;
}

/* The window is checked on the output, of which it makes the input. */
static int infer(struct hsgd_node *n, char *why, size_t size)
{
    const struct hsgd_conv_transpose2d *a = n->attributes;
    struct conv c = conv_of(n);
    const int *k = c.window.kernel;
    int channels = hsgd_type_channels(&n->in[0]);
    if (conv_check(&c, channels, why, size) || need_floats(n, why, size)) return -1;
    if (window_infer_transposed(n, &c.window, a->output_padding, c.out_channels, why, size)) return -1;
    if (check_output_padding(&c.window, a->output_padding, why, size)) return -1;
    struct hsgd_param_spec weight = { .rank = 4, .dim = { channels, k[0], k[1], c.out_channels / c.groups } };
    if (conv_add_params(n, &c, channels, weight, why, size)) return -1;
    n->forward_flops = 2.0 * k[0] * k[1] * (c.out_channels / c.groups) * sample_size(&n->in[0]);
    n->backward_flops = 2 * n->forward_flops;
    return 0;
}

/* Of the convolution from y to x. */
static struct conv2d_args args_of(const struct hsgd_emit *e, const struct conv *c)
{
    return conv_args(c, e->rows, &e->node->out[0], &e->node->in[0]);
}

static void forward(struct hsgd_emit *e)
{
    struct conv c = conv_of(e->node);
    conv_emit_input(e, args_of(e, &c), e->x[0], hsgd_param_at(e, 0), conv_bias(e, &c), e->y[0]);
}

/* The sum of dy over positions, lane by lane, then over the lanes. */
static void bias_gradient(struct hsgd_emit *e, const struct conv2d_args *a)
{
    struct lanes_sum_args sum = { a->c };
    struct hsgd_ref lanes = hsgd_scratch(e, 16 * (int64_t)a->c);
    emit_column_sums(e, lanes_blocks(a->n) * a->h * a->w, 16 * a->c, 16 * a->c, e->dy[0], lanes);
    HSGD_LAUNCH(e, HSGD_KERNEL(conv_lanes_sum), HSGD_ITEMS, a->c, &sum, lanes, e->gradient[1]);
}

static void backward(struct hsgd_emit *e)
{
    struct conv c = conv_of(e->node);
    struct conv2d_args a = args_of(e, &c);
    if (a.activation && !e->node->slope_applied) {
        struct act_bwd_args act = { hsgd_stored_rows(e) * sample_size(&e->node->out[0]), a.activation };
        HSGD_LAUNCH(e, HSGD_KERNEL(act_bwd), HSGD_ITEMS, act.n, &act, e->y[0], e->dy[0]);
    }
    a.activation = 0;
    a.has_bias = false;
    if (hsgd_wanted(e->gradient[1])) bias_gradient(e, &a);
    if (hsgd_wanted(e->gradient[0])) conv_emit_weights(e, a, e->dy[0], e->x[0], e->gradient[0], hsgd_scratch(e, a.o));
    if (hsgd_wanted(e->dx[0])) conv_emit_forward(e, a, e->dy[0], hsgd_param_at(e, 0), conv_zeros(e, a.o), e->dx[0]);
}

static enum hsgd_activation activation(const void *attributes)
{
    return ((const struct hsgd_conv_transpose2d *)attributes)->activation;
}

#define AT(field) offsetof(struct hsgd_conv_transpose2d, field)
static const struct hsgd_attribute fields[] = {
    CONV_FIELDS, CONV_IMAGE_FIELDS, { "output_padding", HSGD_INT, AT(output_padding), false, 0, NULL }, { 0 }
};

const struct hsgd_op hsgd_op_conv_transpose2d = { .name = "conv_transpose2d",
                                                  .attributes_size = sizeof(struct hsgd_conv_transpose2d),
                                                  .fields = fields,
                                                  .layouts = 1u << HSGD_LANES,
                                                  .overwrites_dy = true,
                                                  .keeps_in = 1,
                                                  .keeps_out = 1,
                                                  .infer = infer,
                                                  .forward = { { forward } },
                                                  .backward = { { backward } },
                                                  .activation = activation };
