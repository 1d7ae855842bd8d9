/* SPDX-License-Identifier: BSD-3-Clause */
/* Two-dimensional convolution (cross-correlation) with bias and activation. */
#include <limits.h>
#include <stdio.h>

#include "conv2d_cudnn.h"
#include "window.h"

static int prepare(struct hsgd_layer *l, char *why, size_t n)
{
    const struct hsgd_conv2d *a = l->attributes;
    struct hsgd_pool window = { a->kernel, a->stride, a->padding };
    int k = a->kernel;
    char what[40];
    if (a->out_channels < 1 || a->out_channels > 65536) {
        snprintf(why, n, "out_channels must be in 1..65536, not %d", a->out_channels);
        return -1;
    }
    snprintf(what, sizeof what, "a %dx%d kernel", k, k);
    if (window_prepare(l, &window, a->out_channels, what, why, n)) return -1;
    if ((double)k * k * l->in.c * a->out_channels > INT_MAX) {
        snprintf(why, n, "a weight of %dx%dx%dx%d is too large", a->out_channels, k, k, l->in.c);
        return -1;
    }
    int fan_in = k * k * l->in.c, fan_out = k * k * a->out_channels;
    l->params = 2;
    l->param[0] =
        (struct hsgd_param_spec){ "weight", 4, { a->out_channels, k, k, l->in.c }, a->init, fan_in, fan_out, 0 };
    l->param[1] = (struct hsgd_param_spec){ "bias", 1, { a->out_channels }, HSGD_INIT_ZERO, fan_in, fan_out, 0 };
    l->forward_flops = 2.0 * fan_in * hsgd_size(l->out);
    l->backward_flops = 2 * l->forward_flops;
    return 0;
}

static struct conv2d_args args_of(const struct hsgd_emit *e)
{
    const struct hsgd_conv2d *a = e->layer->attributes;
    struct hsgd_shape in = e->layer->in, out = e->layer->out;
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

static int pixels(const struct conv2d_args *a, int h, int w) { return lanes_blocks(a->n) * h * w; }

static void forward(struct hsgd_emit *e)
{
    struct conv2d_args a = args_of(e);
    struct hsgd_ref w = e->weight[0].piece[0].ref, bias = e->weight[1].piece[0].ref;
    if (conv2d_cudnn_forward(e, a)) return;
    if (e->kind == HSGD_CUDA) {
        a.tiles = gpu_tiles_of(a.o, pixels(&a, a.oh, a.ow));
        HSGD_LAUNCH(e, gpu_kernel(gpu_forward, a.o), HSGD_ROWS, a.tiles, &a, e->x, w, bias, e->y);
    } else {
        a.tiles = conv2d_fwd_tiles(a);
        HSGD_LAUNCH(e, HSGD_KERNEL(conv2d_fwd), HSGD_TILES, a.tiles, &a, e->x, w, bias, e->y);
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
    HSGD_LAUNCH(e, HSGD_KERNEL(conv2d_gpu_dw), HSGD_ROWS, a.tiles, &a, e->x, e->dy, work);
    HSGD_LAUNCH(e, HSGD_KERNEL(conv2d_gpu_sum), HSGD_ITEMS, a.o * gpu_dw_entries(a), &a, work, e->gradient[0],
                e->gradient[1]);
}

static void gradients(struct hsgd_emit *e, struct conv2d_args a)
{
    a.splits = e->units < a.kh ? e->units : a.kh;
    a.tiles = conv2d_dw_tiles(a);
    struct hsgd_ref work = hsgd_scratch(e, (int64_t)conv2d_dw_work(a));
    HSGD_LAUNCH(e, HSGD_KERNEL(conv2d_dw), HSGD_TILES, a.tiles, &a, e->x, e->dy, e->gradient[0], e->gradient[1], work);
}

static void input_gradient(struct hsgd_emit *e, struct conv2d_args a)
{
    struct hsgd_ref w = e->weight[0].piece[0].ref;
    if (e->kind == HSGD_CUDA) {
        a.tiles = gpu_tiles_of(a.c, pixels(&a, a.h, a.w));
        HSGD_LAUNCH(e, gpu_kernel(gpu_backward, a.c), HSGD_ROWS, a.tiles, &a, e->dy, w, e->dx);
    } else {
        a.tiles = conv2d_dx_tiles(a);
        HSGD_LAUNCH(e, HSGD_KERNEL(conv2d_dx), HSGD_TILES, a.tiles, &a, e->dy, w, e->dx);
    }
}

/* dz = dy f'(z), unless the next operation's backward has applied f'; db and dW
 * from dz and x; dx is the full correlation of dz with the flipped kernel. */
static void backward(struct hsgd_emit *e)
{
    struct conv2d_args a = args_of(e);
    if (a.activation && !e->layer->slope_applied) {
        struct act_bwd_args act = { hsgd_stored_rows(e) * hsgd_size(e->layer->out), a.activation };
        HSGD_LAUNCH(e, HSGD_KERNEL(act_bwd), HSGD_ITEMS, act.n, &act, e->y, e->dy);
    }
    struct hsgd_ref dy = { .buffer = -1 }; /* in scratch memory, where cuDNN has used it */
    bool wanted = e->gradient[0].buffer >= 0, by_cudnn = wanted && conv2d_cudnn_gradients(e, a, &dy);
    if (wanted && !by_cudnn && e->kind == HSGD_CUDA) gpu_gradients(e, a);
    else if (wanted && !by_cudnn) gradients(e, a);
    if (e->dx.buffer >= 0 && !conv2d_cudnn_input_gradient(e, a, dy)) input_gradient(e, a);
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
                                                { "init", HSGD_INIT, AT(init), false, 0, NULL },
                                                { 0 } };

const struct hsgd_op hsgd_op_conv2d = { .name = "conv2d",
                                        .attributes_size = sizeof(struct hsgd_conv2d),
                                        .fields = fields,
                                        .layouts = 1u << HSGD_LANES,
                                        .prepare = prepare,
                                        .forward = forward,
                                        .backward = backward,
                                        .activation = activation };
