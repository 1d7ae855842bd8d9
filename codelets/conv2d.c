/* SPDX-License-Identifier: BSD-3-Clause */
/* Two-dimensional convolution (cross-correlation) with bias and activation. */
#include <limits.h>
#include <stdio.h>

#include "conv2d_cudnn.h"
#include "window.h"

static int infer(struct hsgd_node *n, char *why, size_t size)
{
    const struct hsgd_conv2d *a = n->attributes;
    struct window window = { a->kernel, a->stride, a->padding };
    int k = a->kernel, channels = hsgd_type_channels(&n->in[0]);
    char what[40];
    if (a->out_channels < 1 || a->out_channels > 65536) {
        snprintf(why, size, "out_channels must be in 1..65536, not %d", a->out_channels);
        return -1;
    }
    snprintf(what, sizeof what, "a %dx%d kernel", k, k);
    if (window_infer(n, &window, a->out_channels, what, why, size)) return -1;
    if ((double)k * k * channels * a->out_channels > INT_MAX) {
        snprintf(why, size, "a weight of %dx%dx%dx%d is too large", a->out_channels, k, k, channels);
        return -1;
    }
    int fan_in = k * k * channels, fan_out = k * k * a->out_channels;
    add_param(n, .name = "weight", .rank = 4, .dim = { a->out_channels, k, k, channels }, .init = a->init,
              .fan_in = fan_in, .fan_out = fan_out);
    if (!a->no_bias)
        add_param(n, .name = "bias", .rank = 1, .dim = { a->out_channels }, .init = HSGD_INIT_ZERO, .no_decay = true);
    n->forward_flops = 2.0 * fan_in * sample_size(&n->out[0]);
    n->backward_flops = 2 * n->forward_flops;
    return 0;
}

static struct conv2d_args args_of(const struct hsgd_emit *e)
{
    const struct hsgd_conv2d *a = e->node->attributes;
    struct hsgd_shape in = image_of(&e->node->in[0]), out = image_of(&e->node->out[0]);
    return (struct conv2d_args){ .n = e->rows,
                                 .h = in.h,
                                 .w = in.w,
                                 .c = in.c,
                                 .oh = out.h,
                                 .ow = out.w,
                                 .o = out.c,
                                 .kh = a->kernel,
                                 .kw = a->kernel,
                                 .stride = a->stride,
                                 .pad = a->padding,
                                 .activation = (int)a->activation,
                                 .splits = 1 };
}

/* Indexed by output channels per group: 8, 16, 32. */
static const enum hsgd_kernel_id gpu_forward[] = { HSGD_KERNEL_conv2d_gpu_fwd8, HSGD_KERNEL_conv2d_gpu_fwd16,
                                                   HSGD_KERNEL_conv2d_gpu_fwd32 };
static const enum hsgd_kernel_id gpu_backward[] = { HSGD_KERNEL_conv2d_gpu_dx8, HSGD_KERNEL_conv2d_gpu_dx16,
                                                    HSGD_KERNEL_conv2d_gpu_dx32 };

static const struct hsgd_kernel *gpu_kernel(const enum hsgd_kernel_id *by_outputs, int channels)
{
    return &hsgd_kernels[by_outputs[gpu_outputs(channels) / 16]];
}

/* Without a bias: zeros, in scratch memory. */
struct hsgd_ref conv2d_bias(struct hsgd_emit *e)
{
    const struct hsgd_conv2d *a = e->node->attributes;
    if (!a->no_bias) return hsgd_param_at(e, 1);
    struct zero_args zero = { a->out_channels };
    struct hsgd_ref zeros = hsgd_scratch(e, a->out_channels);
    HSGD_LAUNCH(e, HSGD_KERNEL(zero), HSGD_ITEMS, zero.n, &zero, zeros);
    return zeros;
}

/* Where it is not wanted it goes to scratch memory. */
struct hsgd_ref conv2d_bias_gradient(struct hsgd_emit *e)
{
    const struct hsgd_conv2d *a = e->node->attributes;
    return hsgd_wanted(e->gradient[1]) ? e->gradient[1] : hsgd_scratch(e, a->out_channels);
}

/* Both gradients are made together: that of W goes to scratch memory where only the other is wanted. */
static bool wants_gradients(struct hsgd_emit *e, const struct conv2d_args *a)
{
    bool weight = hsgd_wanted(e->gradient[0]), bias = hsgd_wanted(e->gradient[1]);
    if (!weight && bias) e->gradient[0] = hsgd_scratch(e, (int64_t)a->o * a->kh * a->kw * a->c);
    return weight || bias;
}

static int pixels(const struct conv2d_args *a, int h, int w) { return lanes_blocks(a->n) * h * w; }

static void forward(struct hsgd_emit *e)
{
    struct conv2d_args a = args_of(e);
    struct hsgd_ref w = hsgd_param_at(e, 0), bias;
    if (conv2d_cudnn_forward(e, a)) return;
    bias = conv2d_bias(e);
    if (e->kind == HSGD_CUDA) {
        a.tiles = gpu_tiles_of(a.o, pixels(&a, a.oh, a.ow));
        HSGD_LAUNCH(e, gpu_kernel(gpu_forward, a.o), HSGD_ROWS, a.tiles, &a, e->x[0], w, bias, e->y[0]);
    } else {
        a.tiles = conv2d_fwd_tiles(a);
        HSGD_LAUNCH(e, HSGD_KERNEL(conv2d_fwd), HSGD_TILES, a.tiles, &a, e->x[0], w, bias, e->y[0]);
    }
}

/* Splits positions so that every unit of the device gets several groups, with
 * at least 8 positions per split. */
static void gpu_gradients(struct hsgd_emit *e, struct conv2d_args a)
{
    int max_splits = pixels(&a, a.oh, a.ow) / 8, wanted = 4 * e->units / gpu_dw_tiles(a);
    a.splits = wanted > max_splits ? max_splits : wanted;
    if (a.splits < 1) a.splits = 1;
    a.tiles = gpu_dw_tiles(a);
    struct hsgd_ref work = hsgd_scratch(e, (int64_t)gpu_dw_work(a));
    HSGD_LAUNCH(e, HSGD_KERNEL(conv2d_gpu_dw), HSGD_ROWS, a.tiles, &a, e->x[0], e->dy[0], work);
    HSGD_LAUNCH(e, HSGD_KERNEL(conv2d_gpu_sum), HSGD_ITEMS, a.o * gpu_dw_entries(a), &a, work, e->gradient[0],
                conv2d_bias_gradient(e));
}

static void gradients(struct hsgd_emit *e, struct conv2d_args a)
{
    a.splits = e->units < a.kh ? e->units : a.kh;
    a.tiles = conv2d_dw_tiles(a);
    struct hsgd_ref work = hsgd_scratch(e, (int64_t)conv2d_dw_work(a));
    HSGD_LAUNCH(e, HSGD_KERNEL(conv2d_dw), HSGD_TILES, a.tiles, &a, e->x[0], e->dy[0], e->gradient[0],
                conv2d_bias_gradient(e), work);
}

static void input_gradient(struct hsgd_emit *e, struct conv2d_args a)
{
    struct hsgd_ref w = hsgd_param_at(e, 0);
    if (e->kind == HSGD_CUDA) {
        a.tiles = gpu_tiles_of(a.c, pixels(&a, a.h, a.w));
        HSGD_LAUNCH(e, gpu_kernel(gpu_backward, a.c), HSGD_ROWS, a.tiles, &a, e->dy[0], w, e->dx[0]);
    } else {
        a.tiles = conv2d_dx_tiles(a);
        HSGD_LAUNCH(e, HSGD_KERNEL(conv2d_dx), HSGD_TILES, a.tiles, &a, e->dy[0], w, e->dx[0]);
    }
}

/* dz = dy f'(z), unless the next operation's backward has applied f'; db and dW
 * from dz and x; dx is the full correlation of dz with the flipped kernel. */
static void backward(struct hsgd_emit *e)
{
    struct conv2d_args a = args_of(e);
    if (a.activation && !e->node->slope_applied) {
        struct act_bwd_args act = { hsgd_stored_rows(e) * sample_size(&e->node->out[0]), a.activation };
        HSGD_LAUNCH(e, HSGD_KERNEL(act_bwd), HSGD_ITEMS, act.n, &act, e->y[0], e->dy[0]);
    }
    struct hsgd_ref dy = { .buffer = -1 }; /* in scratch memory, where cuDNN has used it */
    bool wanted = wants_gradients(e, &a), by_cudnn = wanted && conv2d_cudnn_gradients(e, a, &dy);
    if (wanted && !by_cudnn && e->kind == HSGD_CUDA) gpu_gradients(e, a);
    else if (wanted && !by_cudnn) gradients(e, a);
    if (hsgd_wanted(e->dx[0]) && !conv2d_cudnn_input_gradient(e, a, dy)) input_gradient(e, a);
}

static enum hsgd_activation activation(const void *attributes)
{
    return ((const struct hsgd_conv2d *)attributes)->activation;
}

#define AT(field) offsetof(struct hsgd_conv2d, field)
static const struct hsgd_attribute fields[] = { { "out_channels", HSGD_UNITS, AT(out_channels), true, 0, NULL },
                                                { "kernel", HSGD_INT, AT(kernel), true, 0, NULL },
                                                { "stride", HSGD_INT, AT(stride), false, 1, NULL },
                                                { "padding", HSGD_PADDING, AT(padding), false, 0, NULL },
                                                { "activation", HSGD_ACTIVATION, AT(activation), false, 0, NULL },
                                                { "no_bias", HSGD_BOOL, AT(no_bias), false, 0, NULL },
                                                { "init", HSGD_INIT, AT(init), false, 0, NULL },
                                                { 0 } };

const struct hsgd_op hsgd_op_conv2d = { .name = "conv2d",
                                        .attributes_size = sizeof(struct hsgd_conv2d),
                                        .fields = fields,
                                        .layouts = 1u << HSGD_LANES,
                                        .overwrites_dy = true,
                                        .keeps_in = 1,
                                        .keeps_out = 1,
                                        .infer = infer,
                                        .forward = { { forward } },
                                        .backward = { { backward } },
                                        .activation = activation };
