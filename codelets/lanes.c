/* SPDX-License-Identifier: BSD-3-Clause */
/* Layout conversions, which the graph inserts between operations with different layouts. */
#include "kernels.h"
#include "relayout.h"

static int prepare(struct hsgd_layer *l, char *why, size_t n)
{
    (void)why;
    (void)n;
    l->out = l->in;
    return 0;
}

static void move(struct hsgd_emit *e, const struct hsgd_kernel *kernel, struct hsgd_ref from, struct hsgd_ref to)
{
    int size = hsgd_size(e->layer->in);
    struct lanes_args a = { e->rows, size, lanes_tiles(e->rows, size) };
    HSGD_LAUNCH(e, kernel, HSGD_TILES, a.tiles, &a, from, to);
}

static void to_lanes(struct hsgd_emit *e) { move(e, HSGD_KERNEL(lanes_pack), e->x, e->y); }
static void to_nhwc(struct hsgd_emit *e) { move(e, HSGD_KERNEL(lanes_unpack), e->x, e->y); }

static void to_lanes_back(struct hsgd_emit *e)
{
    if (e->dx.buffer >= 0) move(e, HSGD_KERNEL(lanes_unpack), e->dy, e->dx);
}

static void to_nhwc_back(struct hsgd_emit *e)
{
    if (e->dx.buffer >= 0) move(e, HSGD_KERNEL(lanes_pack), e->dy, e->dx);
}

const struct hsgd_op hsgd_op_to_lanes = {
    .name = "to_lanes", .layouts = 1u << HSGD_NHWC, .prepare = prepare, .forward = to_lanes, .backward = to_lanes_back
};
const struct hsgd_op hsgd_op_to_nhwc = {
    .name = "to_nhwc", .layouts = 1u << HSGD_LANES, .prepare = prepare, .forward = to_nhwc, .backward = to_nhwc_back
};
