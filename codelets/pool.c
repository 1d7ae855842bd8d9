/* SPDX-License-Identifier: BSD-3-Clause */
/* Max and average pooling. */
#include <stdio.h>

#include "kernels.h"
#include "window.h"

/* Both operations have the same attributes. */
static struct window window_of(const struct hsgd_node *n)
{
    const struct hsgd_max_pool *a = n->attributes;
    _Static_assert(sizeof *a == sizeof(struct hsgd_avg_pool), "the same attributes");
    return (struct window){ .kernel = { a->kernel, a->kernel },
                            .stride = { a->stride, a->stride },
                            .dilation = { 1, 1 },
                            .padding = a->padding };
}

static int infer(struct hsgd_node *n, char *why, size_t size)
{
    struct window a = window_of(n);
    char what[48];
    snprintf(what, sizeof what, "a window of %dx%d", a.kernel[0], a.kernel[1]);
    if (window_infer(n, &a, 1u << 3, hsgd_type_channels(&n->in[0]), what, why, size)) return -1;
    n->forward_flops = n->backward_flops = (double)a.kernel[0] * a.kernel[1] * sample_size(&n->out[0]);
    return 0;
}

static struct pool_args args_of(const struct hsgd_emit *e)
{
    struct window a = window_of(e->node);
    struct hsgd_shape in = image_of(&e->node->in[0]), out = image_of(&e->node->out[0]);
    return (struct pool_args){ .n = e->rows,
                               .h = in.h,
                               .w = in.w,
                               .c = in.c,
                               .oh = out.h,
                               .ow = out.w,
                               .k = a.kernel[0],
                               .stride = a.stride[0],
                               .pad = a.padding,
                               .activation = (int)e->node->slope_of_x };
}

static void max_forward(struct hsgd_emit *e)
{
    struct pool_args a = args_of(e);
    a.tiles = pool_max_fwd_tiles(a);
    HSGD_LAUNCH(e, HSGD_KERNEL(pool_max_fwd), HSGD_TILES, a.tiles, &a, e->x[0], e->y[0]);
}

static void max_backward(struct hsgd_emit *e)
{
    struct pool_args a = args_of(e);
    a.tiles = pool_max_bwd_tiles(a);
    if (hsgd_wanted(e->dx[0]))
        HSGD_LAUNCH(e, HSGD_KERNEL(pool_max_bwd), HSGD_TILES, a.tiles, &a, e->x[0], e->y[0], e->dy[0], e->dx[0]);
}

static void avg_forward(struct hsgd_emit *e)
{
    struct pool_args a = args_of(e);
    a.tiles = pool_avg_fwd_tiles(a);
    HSGD_LAUNCH(e, HSGD_KERNEL(pool_avg_fwd), HSGD_TILES, a.tiles, &a, e->x[0], e->y[0]);
}

static void avg_backward(struct hsgd_emit *e)
{
    struct pool_args a = args_of(e);
    a.tiles = pool_avg_bwd_tiles(a);
    if (hsgd_wanted(e->dx[0])) HSGD_LAUNCH(e, HSGD_KERNEL(pool_avg_bwd), HSGD_TILES, a.tiles, &a, e->dy[0], e->dx[0]);
}

#define AT(field) offsetof(struct hsgd_max_pool, field)
static const struct hsgd_attribute fields[] = { { "kernel", HSGD_INT, AT(kernel), true, 0, NULL },
                                                { "stride", HSGD_INT, AT(stride), false, 0, "kernel" },
                                                { "padding", HSGD_PADDING, AT(padding), false, 0, NULL },
                                                { 0 } };

const struct hsgd_op hsgd_op_max_pool = { .name = "max_pool",
                                          .attributes_size = sizeof(struct hsgd_max_pool),
                                          .fields = fields,
                                          .layouts = 1u << HSGD_LANES,
                                          .applies_slope = true,
                                          .keeps_in = 1,
                                          .keeps_out = 1,
                                          .infer = infer,
                                          .forward = { { max_forward } },
                                          .backward = { { max_backward } } };
const struct hsgd_op hsgd_op_avg_pool = { .name = "avg_pool",
                                          .attributes_size = sizeof(struct hsgd_avg_pool),
                                          .fields = fields,
                                          .layouts = 1u << HSGD_LANES,
                                          .infer = infer,
                                          .forward = { { avg_forward } },
                                          .backward = { { avg_backward } } };
