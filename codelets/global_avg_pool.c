/* SPDX-License-Identifier: BSD-3-Clause */
/* The mean of each channel over all positions. */
#include <stdio.h>

#include "kernels.h"

static int infer(struct hsgd_node *n, char *why, size_t size)
{
    if (n->in[0].rank < 2 || n->in[0].dtype != HSGD_F32) {
        snprintf(why, size, "%s",
                 n->in[0].rank < 2 ? "the input must have positions and channels, as an image"
                                   : "the input must be of 32-bit floats");
        return -1;
    }
    n->outputs = 1;
    n->out[0] = hsgd_vector(hsgd_type_channels(&n->in[0]));
    n->forward_flops = n->backward_flops = sample_size(&n->in[0]);
    return 0;
}

/* In lanes a row is a block of sixteen samples. */
static struct global_avg_pool_args args_of(const struct hsgd_emit *e)
{
    bool lanes = e->node->layout == HSGD_LANES;
    const struct hsgd_type *in = &e->node->in[0];
    struct global_avg_pool_args a = { .rows = lanes ? (e->rows + 15) / 16 : e->rows,
                                      .positions = (int)hsgd_type_positions(in),
                                      .width = hsgd_type_channels(in) * (lanes ? 16 : 1),
                                      .add = e->adds & 1 };
    int vectors = (a.width + 15) / 16;
    a.wide = e->kind == HSGD_CUDA ? 1 : vectors;
    a.tiles = a.rows * ((vectors + a.wide - 1) / a.wide);
    return a;
}

static void forward(struct hsgd_emit *e)
{
    struct global_avg_pool_args a = args_of(e);
    HSGD_LAUNCH(e, HSGD_KERNEL(global_avg_pool_fwd), HSGD_TILES, a.tiles, &a, e->x[0], e->y[0]);
}

static void backward(struct hsgd_emit *e)
{
    struct global_avg_pool_args a = args_of(e);
    if (hsgd_wanted(e->dx[0]))
        HSGD_LAUNCH(e, HSGD_KERNEL(global_avg_pool_bwd), HSGD_ROWS, a.rows, &a, e->dy[0], e->dx[0]);
}

const struct hsgd_op hsgd_op_global_avg_pool = { .name = "global_avg_pool",
                                                 .layouts = 1u << HSGD_NHWC | 1u << HSGD_LANES,
                                                 .adds = 1,
                                                 .infer = infer,
                                                 .forward = { { forward } },
                                                 .backward = { { backward } } };
