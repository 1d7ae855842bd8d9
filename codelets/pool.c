/* SPDX-License-Identifier: BSD-3-Clause */
/* Max and average pooling: over windows, or adaptive to a size of the output. */
#include <stdio.h>

#include "kernels.h"
#include "types.h"
#include "window.h"

/* The attributes of any of them. */
struct pool {
    struct window window;
    bool counts_padding, is_adaptive;
};

static struct pool max_of(const struct hsgd_node *n)
{
    const struct hsgd_max_pool *a = n->attributes;
    struct pool p = { .window = { .kernel = { a->kernel, window_or(a->kernel_w, a->kernel) },
                                  .stride = { a->stride, window_or(a->stride_w, a->stride) },
                                  .dilation = { window_or(a->dilation, 1),
                                                window_or(a->dilation_w, window_or(a->dilation, 1)) },
                                  .padding = a->padding,
                                  .pads = a->pads,
                                  .ceil_mode = a->ceil_mode } };
    window_resolve(&p.window, n->in[0].rank);
    return p;
}

static struct pool avg_of(const struct hsgd_node *n)
{
    const struct hsgd_avg_pool *a = n->attributes;
    struct pool p = { .window = { .kernel = { a->kernel, window_or(a->kernel_w, a->kernel) },
                                  .stride = { a->stride, window_or(a->stride_w, a->stride) },
                                  .dilation = { 1, 1 },
                                  .padding = a->padding,
                                  .pads = a->pads,
                                  .ceil_mode = a->ceil_mode },
                      .counts_padding = a->count_include_pad };
    window_resolve(&p.window, n->in[0].rank);
    return p;
}

/* Its windows follow from the sizes. */
static struct pool adaptive(void)
{
    return (struct pool){ .window = { .kernel = { 1, 1 }, .stride = { 1, 1 }, .dilation = { 1, 1 } },
                          .is_adaptive = true };
}

/* ------------------------------------------------------------------- types */

static int infer(struct hsgd_node *n, struct pool p, char *why, size_t size)
{
    const int *k = p.window.kernel;
    char what[48];
    if (n->in[0].rank == 3) snprintf(what, sizeof what, "a window of %dx%d", k[0], k[1]);
    else snprintf(what, sizeof what, "a window of %d", k[1]);
    if (window_infer(n, &p.window, 1u << 2 | 1u << 3, hsgd_type_channels(&n->in[0]), what, why, size)) return -1;
    n->forward_flops = n->backward_flops = (double)k[0] * k[1] * sample_size(&n->out[0]);
    return 0;
}

static int infer_max(struct hsgd_node *n, char *why, size_t size) { return infer(n, max_of(n), why, size); }
static int infer_avg(struct hsgd_node *n, char *why, size_t size) { return infer(n, avg_of(n), why, size); }

static int infer_adaptive(struct hsgd_node *n, char *why, size_t size)
{
    const struct hsgd_adaptive_avg_pool *a = n->attributes;
    _Static_assert(sizeof *a == sizeof(struct hsgd_adaptive_max_pool), "the same attributes");
    int rank = n->in[0].rank, channels = hsgd_type_channels(&n->in[0]);
    int rows = a->output_size, columns = window_or(a->output_size_w, rows);
    if (rank != 2 && rank != 3) {
        snprintf(why, size,
                 "the input must be an image (height, width, channels) or a sequence (positions, channels), "
                 "not of rank %d",
                 rank);
        return -1;
    }
    if (need_floats(n, why, size)) return -1;
    if (rows < 1 || rows > 4096 || columns < 1 || columns > 4096) {
        snprintf(why, size, "output_size must be in 1..4096, not %d and %d", rows, columns);
        return -1;
    }
    if (rank == 2 && rows != columns) {
        snprintf(why, size, "output_size_w is for images");
        return -1;
    }
    if (window_set_output(n, rows, columns, channels, why, size)) return -1;
    n->forward_flops = n->backward_flops = (double)sample_size(&n->in[0]) + sample_size(&n->out[0]);
    return 0;
}

/* -------------------------------------------------------------------- work */

static struct pool_args args_of(const struct hsgd_emit *e, struct pool p)
{
    const struct window *w = &p.window;
    struct hsgd_shape in = window_shape(&e->node->in[0]), out = window_shape(&e->node->out[0]);
    return (struct pool_args){ .n = e->rows,
                               .h = in.h,
                               .w = in.w,
                               .c = in.c,
                               .oh = out.h,
                               .ow = out.w,
                               .kh = w->kernel[0],
                               .kw = w->kernel[1],
                               .stride_h = w->stride[0],
                               .stride_w = w->stride[1],
                               .dilation_h = w->dilation[0],
                               .dilation_w = w->dilation[1],
                               .top = w->begin[0],
                               .left = w->begin[1],
                               .bottom = w->end[0],
                               .right = w->end[1],
                               .adaptive = p.is_adaptive,
                               .counts = p.counts_padding,
                               .activation = (int)e->node->slope_of_x };
}

static void largest(struct hsgd_emit *e, struct pool_args a)
{
    a.tiles = pool_max_fwd_tiles(a);
    HSGD_LAUNCH(e, HSGD_KERNEL(pool_max_fwd), HSGD_TILES, a.tiles, &a, e->x[0], e->y[0]);
}

static void largest_back(struct hsgd_emit *e, struct pool_args a)
{
    a.tiles = pool_max_bwd_tiles(a);
    if (hsgd_wanted(e->dx[0]))
        HSGD_LAUNCH(e, HSGD_KERNEL(pool_max_bwd), HSGD_TILES, a.tiles, &a, e->x[0], e->y[0], e->dy[0], e->dx[0]);
}

static void mean(struct hsgd_emit *e, struct pool_args a)
{
    a.tiles = pool_avg_fwd_tiles(a);
    HSGD_LAUNCH(e, HSGD_KERNEL(pool_avg_fwd), HSGD_TILES, a.tiles, &a, e->x[0], e->y[0]);
}

static void mean_back(struct hsgd_emit *e, struct pool_args a)
{
    a.tiles = pool_avg_bwd_tiles(a);
    if (hsgd_wanted(e->dx[0])) HSGD_LAUNCH(e, HSGD_KERNEL(pool_avg_bwd), HSGD_TILES, a.tiles, &a, e->dy[0], e->dx[0]);
}

static void max_forward(struct hsgd_emit *e) { largest(e, args_of(e, max_of(e->node))); }
static void max_backward(struct hsgd_emit *e) { largest_back(e, args_of(e, max_of(e->node))); }
static void avg_forward(struct hsgd_emit *e) { mean(e, args_of(e, avg_of(e->node))); }
static void avg_backward(struct hsgd_emit *e) { mean_back(e, args_of(e, avg_of(e->node))); }
static void adaptive_max_forward(struct hsgd_emit *e) { largest(e, args_of(e, adaptive())); }
static void adaptive_max_backward(struct hsgd_emit *e) { largest_back(e, args_of(e, adaptive())); }
static void adaptive_avg_forward(struct hsgd_emit *e) { mean(e, args_of(e, adaptive())); }
static void adaptive_avg_backward(struct hsgd_emit *e) { mean_back(e, args_of(e, adaptive())); }

/* ------------------------------------------------------------- descriptors */

#define AT(field) offsetof(struct hsgd_max_pool, field)
static const struct hsgd_attribute max_fields[] = { { "kernel", HSGD_INT, AT(kernel), true, 0, NULL },
                                                    { "stride", HSGD_INT, AT(stride), false, 0, "kernel" },
                                                    { "padding", HSGD_PADDING, AT(padding), false, 0, NULL },
                                                    { "kernel_w", HSGD_INT, AT(kernel_w), false, 0, "kernel" },
                                                    { "stride_w", HSGD_INT, AT(stride_w), false, 0, "stride" },
                                                    { "dilation", HSGD_INT, AT(dilation), false, 1, NULL },
                                                    { "dilation_w", HSGD_INT, AT(dilation_w), false, 0, "dilation" },
                                                    { "pads", HSGD_INTS, AT(pads), false, 0, NULL },
                                                    { "ceil_mode", HSGD_BOOL, AT(ceil_mode), false, 0, NULL },
                                                    { 0 } };
#undef AT
#define AT(field) offsetof(struct hsgd_avg_pool, field)
static const struct hsgd_attribute avg_fields[] = { { "kernel", HSGD_INT, AT(kernel), true, 0, NULL },
                                                    { "stride", HSGD_INT, AT(stride), false, 0, "kernel" },
                                                    { "padding", HSGD_PADDING, AT(padding), false, 0, NULL },
                                                    { "kernel_w", HSGD_INT, AT(kernel_w), false, 0, "kernel" },
                                                    { "stride_w", HSGD_INT, AT(stride_w), false, 0, "stride" },
                                                    { "pads", HSGD_INTS, AT(pads), false, 0, NULL },
                                                    { "ceil_mode", HSGD_BOOL, AT(ceil_mode), false, 0, NULL },
                                                    { "count_include_pad", HSGD_BOOL, AT(count_include_pad), false, 0,
                                                      NULL },
                                                    { 0 } };
#undef AT
#define AT(field) offsetof(struct hsgd_adaptive_avg_pool, field)
static const struct hsgd_attribute adaptive_fields[] = { { "output_size", HSGD_INT, AT(output_size), true, 0, NULL },
                                                         { "output_size_w", HSGD_INT, AT(output_size_w), false, 0,
                                                           "output_size" },
                                                         { 0 } };

const struct hsgd_op hsgd_op_max_pool = { .name = "max_pool",
                                          .attributes_size = sizeof(struct hsgd_max_pool),
                                          .fields = max_fields,
                                          .layouts = 1u << HSGD_LANES,
                                          .applies_slope = true,
                                          .keeps_in = 1,
                                          .keeps_out = 1,
                                          .infer = infer_max,
                                          .forward = { { max_forward } },
                                          .backward = { { max_backward } } };
const struct hsgd_op hsgd_op_avg_pool = { .name = "avg_pool",
                                          .attributes_size = sizeof(struct hsgd_avg_pool),
                                          .fields = avg_fields,
                                          .layouts = 1u << HSGD_LANES,
                                          .infer = infer_avg,
                                          .forward = { { avg_forward } },
                                          .backward = { { avg_backward } } };
const struct hsgd_op hsgd_op_adaptive_max_pool = { .name = "adaptive_max_pool",
                                                   .attributes_size = sizeof(struct hsgd_adaptive_max_pool),
                                                   .fields = adaptive_fields,
                                                   .layouts = 1u << HSGD_LANES,
                                                   .applies_slope = true,
                                                   .keeps_in = 1,
                                                   .keeps_out = 1,
                                                   .infer = infer_adaptive,
                                                   .forward = { { adaptive_max_forward } },
                                                   .backward = { { adaptive_max_backward } } };
const struct hsgd_op hsgd_op_adaptive_avg_pool = { .name = "adaptive_avg_pool",
                                                   .attributes_size = sizeof(struct hsgd_adaptive_avg_pool),
                                                   .fields = adaptive_fields,
                                                   .layouts = 1u << HSGD_LANES,
                                                   .infer = infer_adaptive,
                                                   .forward = { { adaptive_avg_forward } },
                                                   .backward = { { adaptive_avg_backward } } };
