/* SPDX-License-Identifier: BSD-3-Clause */
/* Layout conversions, which the graph inserts between operations with different layouts. */
#include "kernels.h"
#include "relayout.h"

static int infer(struct hsgd_node *n, char *why, size_t size)
{
    (void)why;
    (void)size;
    n->outputs = 1;
    n->out[0] = n->in[0];
    return 0;
}

static void move(struct hsgd_emit *e, const struct hsgd_kernel *kernel, struct hsgd_ref from, struct hsgd_ref to)
{
    int size = sample_size(&e->node->in[0]);
    struct lanes_args a = { e->rows, size, lanes_tiles(e->rows, size) };
    HSGD_LAUNCH(e, kernel, HSGD_TILES, a.tiles, &a, from, to);
}

static void to_lanes(struct hsgd_emit *e) { move(e, HSGD_KERNEL(lanes_pack), e->x[0], e->y[0]); }
static void to_nhwc(struct hsgd_emit *e) { move(e, HSGD_KERNEL(lanes_unpack), e->x[0], e->y[0]); }

static void to_lanes_back(struct hsgd_emit *e)
{
    if (hsgd_wanted(e->dx[0])) move(e, HSGD_KERNEL(lanes_unpack), e->dy[0], e->dx[0]);
}

static void to_nhwc_back(struct hsgd_emit *e)
{
    if (hsgd_wanted(e->dx[0])) move(e, HSGD_KERNEL(lanes_pack), e->dy[0], e->dx[0]);
}

const struct hsgd_op hsgd_op_to_lanes = { .name = "to_lanes",
                                          .layouts = 1u << HSGD_NHWC,
                                          .infer = infer,
                                          .forward = { { to_lanes } },
                                          .backward = { { to_lanes_back } } };
const struct hsgd_op hsgd_op_to_nhwc = { .name = "to_nhwc",
                                         .layouts = 1u << HSGD_LANES,
                                         .infer = infer,
                                         .forward = { { to_nhwc } },
                                         .backward = { { to_nhwc_back } } };
