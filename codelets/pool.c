/* SPDX-License-Identifier: BSD-3-Clause */
/* Max and average pooling. */
#include <stdio.h>

#include "kernels.h"
#include "window.h"

static int prepare(struct hsgd_layer *l, char *why, size_t n)
{
    const struct hsgd_pool *a = l->attributes;
    char what[48];
    snprintf(what, sizeof what, "a window of %dx%d", a->kernel, a->kernel);
    if (window_prepare(l, a, l->in.c, what, why, n)) return -1;
    l->forward_flops = l->backward_flops = (double)a->kernel * a->kernel * hsgd_size(l->out);
    return 0;
}

static struct pool_args args_of(const struct hsgd_emit *e)
{
    const struct hsgd_pool *a = e->layer->attributes;
    struct hsgd_shape in = e->layer->in, out = e->layer->out;
    return (struct pool_args){ .n = e->rows,
                               .h = in.h,
                               .w = in.w,
                               .c = in.c,
                               .oh = out.h,
                               .ow = out.w,
                               .k = a->kernel,
                               .stride = a->stride,
                               .pad = a->padding,
                               .activation = (int)e->layer->slope_of_x };
}

static void max_forward(struct hsgd_emit *e)
{
    struct pool_args a = args_of(e);
    a.tiles = pool_max_fwd_tiles(a);
    HSGD_LAUNCH(e, HSGD_KERNEL(pool_max_fwd), HSGD_TILES, a.tiles, &a, e->x, e->y);
}

static void max_backward(struct hsgd_emit *e)
{
    struct pool_args a = args_of(e);
    a.tiles = pool_max_bwd_tiles(a);
    if (e->dx.buffer >= 0) HSGD_LAUNCH(e, HSGD_KERNEL(pool_max_bwd), HSGD_TILES, a.tiles, &a, e->x, e->y, e->dy, e->dx);
}

static void avg_forward(struct hsgd_emit *e)
{
    struct pool_args a = args_of(e);
    a.tiles = pool_avg_fwd_tiles(a);
    HSGD_LAUNCH(e, HSGD_KERNEL(pool_avg_fwd), HSGD_TILES, a.tiles, &a, e->x, e->y);
}

static void avg_backward(struct hsgd_emit *e)
{
    struct pool_args a = args_of(e);
    a.tiles = pool_avg_bwd_tiles(a);
    if (e->dx.buffer >= 0) HSGD_LAUNCH(e, HSGD_KERNEL(pool_avg_bwd), HSGD_TILES, a.tiles, &a, e->dy, e->dx);
}

#define AT(field) offsetof(struct hsgd_pool, field)
static const struct hsgd_attribute fields[] = { { "kernel", HSGD_INT, AT(kernel), true, 0, NULL },
                                                { "stride", HSGD_INT, AT(stride), false, 0, "kernel" },
                                                { "padding", HSGD_PADDING, AT(padding), false, 0, NULL },
                                                { 0 } };

const struct hsgd_op hsgd_op_max_pool = { .name = "max_pool",
                                          .attributes_size = sizeof(struct hsgd_pool),
                                          .fields = fields,
                                          .layouts = 1u << HSGD_LANES,
                                          .applies_slope = true,
                                          .prepare = prepare,
                                          .forward = max_forward,
                                          .backward = max_backward };
const struct hsgd_op hsgd_op_avg_pool = { .name = "avg_pool",
                                          .attributes_size = sizeof(struct hsgd_pool),
                                          .fields = fields,
                                          .layouts = 1u << HSGD_LANES,
                                          .prepare = prepare,
                                          .forward = avg_forward,
                                          .backward = avg_backward };
