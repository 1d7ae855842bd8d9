/* SPDX-License-Identifier: BSD-3-Clause */
#include "conv.h"

#include <limits.h>
#include <stdio.h>

#include "type_text.h"

/* ------------------------------------------------------------- attributes */

int conv_check(const struct conv *c, int in_channels, char *why, size_t size)
{
    if (c->out_channels < 1 || c->out_channels > 65536)
        snprintf(why, size, "out_channels must be in 1..65536, not %d", c->out_channels);
    else if (c->groups < 1) snprintf(why, size, "groups must be 1 or more, not %d", c->groups);
    else if (in_channels != HSGD_ANY && in_channels % c->groups)
        snprintf(why, size, "groups must divide the channels of the input: %d and %d", c->groups, in_channels);
    else if (c->out_channels % c->groups)
        snprintf(why, size, "groups must divide out_channels: %d and %d", c->groups, c->out_channels);
    else return 0;
    return -1;
}

int conv_add_params(struct hsgd_node *n, const struct conv *c, int in_channels, struct hsgd_param_spec weight,
                    char *why, size_t size)
{
    const int *d = weight.dim, *k = c->window.kernel;
    const struct hsgd_type dims = { HSGD_F32, weight.rank, { d[0], d[1], d[2], d[3] } };
    double floats = 1;
    for (int i = 0; i < weight.rank; i++) floats *= d[i];
    if (floats > INT_MAX) {
        snprintf(why, size, "a weight of %s is too large", type_text(&dims).text);
        return -1;
    }
    weight.name = "weight";
    weight.init = c->init;
    weight.fan_in = k[0] * k[1] * (in_channels == HSGD_ANY ? HSGD_ANY : in_channels / c->groups);
    weight.fan_out = k[0] * k[1] * (c->out_channels / c->groups);
    hsgd_node_add_param(n, &weight);
    if (!c->no_bias)
        add_param(n, .name = "bias", .rank = 1, .dim = { c->out_channels }, .init = HSGD_INIT_ZERO, .no_decay = true);
    return 0;
}

struct conv2d_args conv_args(const struct conv *c, int rows, const struct hsgd_type *x, const struct hsgd_type *y)
{
    const struct window *w = &c->window;
    struct hsgd_shape in = window_shape(x), out = window_shape(y);
    return (struct conv2d_args){ .n = rows,
                                 .h = in.h,
                                 .w = in.w,
                                 .c = in.c,
                                 .oh = out.h,
                                 .ow = out.w,
                                 .o = out.c,
                                 .kh = w->kernel[0],
                                 .kw = w->kernel[1],
                                 .stride_h = w->stride[0],
                                 .stride_w = w->stride[1],
                                 .dilation_h = w->dilation[0],
                                 .dilation_w = w->dilation[1],
                                 .top = w->begin[0],
                                 .left = w->begin[1],
                                 .groups = c->groups,
                                 .activation = (int)c->activation,
                                 .splits = 1,
                                 .has_bias = !c->no_bias };
}

struct hsgd_ref conv_zeros(struct hsgd_emit *e, int n)
{
    struct zero_args zero = { n };
    struct hsgd_ref zeros = hsgd_scratch(e, n);
    HSGD_LAUNCH(e, HSGD_KERNEL(zero), HSGD_ITEMS, zero.n, &zero, zeros);
    return zeros;
}

struct hsgd_ref conv_bias(struct hsgd_emit *e, const struct conv *c)
{
    return c->no_bias ? conv_zeros(e, c->out_channels) : hsgd_param_at(e, 1);
}

struct hsgd_ref conv_bias_gradient(struct hsgd_emit *e, const struct conv *c)
{
    return hsgd_wanted(e->gradient[1]) ? e->gradient[1] : hsgd_scratch(e, c->out_channels);
}

/* -------------------------------------------------------------- launches */

/* Indexed by output channels per work-group: 8, 16, 32. */
static const enum hsgd_kernel_id gpu_forward[] = { HSGD_KERNEL_conv2d_gpu_fwd8, HSGD_KERNEL_conv2d_gpu_fwd16,
                                                   HSGD_KERNEL_conv2d_gpu_fwd32 };
static const enum hsgd_kernel_id gpu_backward[] = { HSGD_KERNEL_conv2d_gpu_dx8, HSGD_KERNEL_conv2d_gpu_dx16,
                                                    HSGD_KERNEL_conv2d_gpu_dx32 };

static const struct hsgd_kernel *gpu_kernel(const enum hsgd_kernel_id *by_outputs, int channels)
{
    return &hsgd_kernels[by_outputs[gpu_outputs(channels) / 16]];
}

static int pixels(const struct conv2d_args *a, int h, int w) { return lanes_blocks(a->n) * h * w; }

/* Channels of a depthwise tile: enough for reading in order, few enough for the nearest cache; elsewhere many tiles. */
static int chunk(const struct hsgd_emit *e) { return e->kind == HSGD_CPU ? 64 : 16; }

void conv_emit_forward(struct hsgd_emit *e, struct conv2d_args a, struct hsgd_ref x, struct hsgd_ref w,
                       struct hsgd_ref bias, struct hsgd_ref y)
{
    if (conv2d_depthwise(a)) {
        a.chunk = chunk(e);
        a.tiles = depth_fwd_tiles(a);
        HSGD_LAUNCH(e, HSGD_KERNEL(conv2d_depth_fwd), HSGD_TILES, a.tiles, &a, x, w, bias, y);
    } else if (e->kind == HSGD_CUDA) {
        a.tiles = a.groups * gpu_tiles_of(conv2d_out(a), pixels(&a, a.oh, a.ow));
        HSGD_LAUNCH(e, gpu_kernel(gpu_forward, conv2d_out(a)), HSGD_ROWS, a.tiles, &a, x, w, bias, y);
    } else {
        a.tiles = conv2d_fwd_tiles(a);
        HSGD_LAUNCH(e, HSGD_KERNEL(conv2d_fwd), HSGD_TILES, a.tiles, &a, x, w, bias, y);
    }
}

void conv_emit_input(struct hsgd_emit *e, struct conv2d_args a, struct hsgd_ref dy, struct hsgd_ref w,
                     struct hsgd_ref bias, struct hsgd_ref dx)
{
    a.has_bias = hsgd_wanted(bias);
    if (!a.has_bias) {
        a.activation = 0;
        bias = w; /* not read */
    }
    if (conv2d_depthwise(a)) {
        a.chunk = chunk(e);
        a.tiles = depth_dx_tiles(a);
        HSGD_LAUNCH(e, HSGD_KERNEL(conv2d_depth_dx), HSGD_TILES, a.tiles, &a, dy, w, bias, dx);
    } else if (e->kind == HSGD_CUDA) {
        a.tiles = a.groups * gpu_tiles_of(conv2d_in(a), pixels(&a, a.h, a.w));
        HSGD_LAUNCH(e, gpu_kernel(gpu_backward, conv2d_in(a)), HSGD_ROWS, a.tiles, &a, dy, w, bias, dx);
    } else {
        a.tiles = conv2d_dx_tiles(a);
        HSGD_LAUNCH(e, HSGD_KERNEL(conv2d_dx), HSGD_TILES, a.tiles, &a, dy, w, bias, dx);
    }
}

/* Splits positions so that every unit of the device gets several groups, with
 * at least 8 positions per split. */
static void gpu_weights(struct hsgd_emit *e, struct conv2d_args a, struct hsgd_ref x, struct hsgd_ref dy,
                        struct hsgd_ref dw, struct hsgd_ref db)
{
    int max_splits = pixels(&a, a.oh, a.ow) / 8, wanted = 4 * e->units / gpu_dw_tiles(a);
    a.splits = wanted > max_splits ? max_splits : wanted;
    if (a.splits < 1) a.splits = 1;
    a.tiles = gpu_dw_tiles(a);
    struct hsgd_ref work = hsgd_scratch(e, (int64_t)gpu_dw_work(a));
    HSGD_LAUNCH(e, HSGD_KERNEL(conv2d_gpu_dw), HSGD_ROWS, a.tiles, &a, x, dy, work);
    HSGD_LAUNCH(e, HSGD_KERNEL(conv2d_gpu_sum), HSGD_ITEMS, a.o * gpu_dw_entries(a), &a, work, dw, db);
}

/* Splits rows so that every unit has a tile, on CUDA several, of at least two rows. */
static void depth_weights(struct hsgd_emit *e, struct conv2d_args a, struct hsgd_ref x, struct hsgd_ref dy,
                          struct hsgd_ref dw, struct hsgd_ref db)
{
    a.chunk = chunk(e);
    int max_splits = lanes_blocks(a.n) * a.oh / 2, units = e->kind == HSGD_CUDA ? 32 * e->units : e->units;
    a.splits = (units + depth_chunks(a) - 1) / depth_chunks(a);
    if (a.splits > max_splits) a.splits = max_splits;
    if (a.splits < 1) a.splits = 1;
    a.tiles = depth_dw_tiles(a);
    struct hsgd_ref work = hsgd_scratch(e, (int64_t)depth_dw_work(a));
    HSGD_LAUNCH(e, HSGD_KERNEL(conv2d_depth_dw), HSGD_TILES, a.tiles, &a, x, dy, work);
    HSGD_LAUNCH(e, HSGD_KERNEL(conv2d_depth_sum), HSGD_ITEMS, a.c * (a.kh * a.kw + 1), &a, work, dw, db);
}

void conv_emit_weights(struct hsgd_emit *e, struct conv2d_args a, struct hsgd_ref x, struct hsgd_ref dy,
                       struct hsgd_ref dw, struct hsgd_ref db)
{
    if (conv2d_depthwise(a)) {
        depth_weights(e, a, x, dy, dw, db);
        return;
    }
    if (e->kind == HSGD_CUDA) {
        gpu_weights(e, a, x, dy, dw, db);
        return;
    }
    a.splits = e->units < a.kh ? e->units : a.kh;
    a.tiles = conv2d_dw_tiles(a);
    struct hsgd_ref work = hsgd_scratch(e, (int64_t)conv2d_dw_work(a));
    HSGD_LAUNCH(e, HSGD_KERNEL(conv2d_dw), HSGD_TILES, a.tiles, &a, x, dy, dw, db, work);
}
