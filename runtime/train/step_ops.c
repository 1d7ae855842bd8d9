/* SPDX-License-Identifier: BSD-3-Clause */
/* What follows the gradient in a step, as operations for hsgd_op_run(). */
#include <errno.h>
#include <stdio.h>

#include "kernels.h"
#include "state.h"

enum { GRADIENT_PARTS = 3 };

static void add_floats(struct hsgd_node *node, const char *name, int n)
{
    add_param(node, .name = name, .rank = 1, .dim = { n }, .init = HSGD_INIT_ZERO);
}

static int refuse(char *why, size_t size, const char *sentence, int value)
{
    snprintf(why, size, sentence, value);
    return -EINVAL;
}

/* -------------------------------------------------------------- optimizer */

static int update_infer(struct hsgd_node *n, char *why, size_t size)
{
    const struct hsgd_update *a = n->attributes;
    int floats = sample_size(&n->in[0]);
    if (floats % 3) return refuse(why, size, "the input must have a multiple of 3 floats, not %d", floats);
    if ((unsigned)a->options.optimizer >= HSGD_OPTIMIZERS)
        return refuse(why, size, "there is no optimizer %d", (int)a->options.optimizer);
    if (a->parts < 1 || a->parts > GRADIENT_PARTS)
        return refuse(why, size, "parts must be 1, 2 or 3, not %d", a->parts);
    n->outputs = 1;
    n->out[0] = n->in[0];
    for (int i = 0; i < GRADIENT_PARTS; i++) add_floats(n, "gradient", floats / 3);
    add_floats(n, "step", HSGD_STEP_WORDS);
    return 0;
}

static void update_forward(struct hsgd_emit *e)
{
    const struct hsgd_update *a = e->node->attributes;
    struct copy_args copy = { sample_size(&e->node->in[0]) };
    int n = copy.n / 3;
    struct hsgd_ref part[GRADIENT_PARTS];
    HSGD_LAUNCH(e, HSGD_KERNEL(copy), HSGD_ITEMS, copy.n, &copy, e->x[0], e->y[0]);
    for (int i = 0; i < GRADIENT_PARTS; i++) part[i] = hsgd_param_at(e, i);
    const struct update u = {
        n,        n,    e->y[0],    hsgd_at(e->y[0], n),           hsgd_param_at(e, GRADIENT_PARTS),
        a->parts, part, a->clipped, { 1, a->options.weight_decay }
    };
    optimizer_emit(e, &a->options, &u);
    if (!optimizer_needs_norms(a->options.optimizer)) return;
    struct hsgd_ref sums = hsgd_scratch(e, 16 + NORM_SCRATCH);
    optimizer_norms(e, &a->options, &u, sums, hsgd_at(sums, 16));
    optimizer_change(e, &a->options, &u, sums);
}

const struct hsgd_op hsgd_op_update = { .name = "update",
                                        .attributes_size = sizeof(struct hsgd_update),
                                        .layouts = 1u << HSGD_NHWC,
                                        .infer = update_infer,
                                        .forward = { { update_forward } } };

/* ---------------------------------------------------------------- clipping */

static int clip_infer(struct hsgd_node *n, char *why, size_t size)
{
    const struct hsgd_clip_factor *a = n->attributes;
    if (a->shards < 1 || a->shards > sample_size(&n->in[0]))
        return refuse(why, size, "shards must be from 1 to the number of floats, not %d", a->shards);
    n->outputs = 1;
    n->out[0] = hsgd_vector(1);
    add_floats(n, "step", HSGD_STEP_WORDS);
    return 0;
}

/* The sum of squares of each shard, in runs as plans have them where a bucket
 * has gaps; then the factor from all of them. */
static void clip_forward(struct hsgd_emit *e)
{
    const struct hsgd_clip_factor *a = e->node->attributes;
    int n = sample_size(&e->node->in[0]);
    struct hsgd_ref sum = hsgd_scratch(e, 16 + SQUARE_PARTS), parts = hsgd_at(sum, 16);
    struct square_total_args total = { SQUARE_PARTS };
    for (int s = 0; s < a->shards; s++) {
        int from = (int)((int64_t)n * s / a->shards), to = (int)((int64_t)n * (s + 1) / a->shards);
        int half = (to - from) / 2;
        struct square_sum_args first = { half, false }, second = { to - from - half, true };
        struct clip_add_args add = { s == 0 };
        HSGD_LAUNCH(e, HSGD_KERNEL(square_sum), HSGD_ROWS, SQUARE_PARTS, &first, hsgd_at(e->x[0], from), parts);
        HSGD_LAUNCH(e, HSGD_KERNEL(square_sum), HSGD_ROWS, SQUARE_PARTS, &second, hsgd_at(e->x[0], from + half), parts);
        HSGD_LAUNCH(e, HSGD_KERNEL(square_total), HSGD_WARPS, 1, &total, parts, sum);
        HSGD_LAUNCH(e, HSGD_KERNEL(clip_add), HSGD_ITEMS, 1, &add, sum, e->y[0]);
    }
    struct clip_scale_args scale = { a->max_norm };
    HSGD_LAUNCH(e, HSGD_KERNEL(clip_scale), HSGD_ITEMS, 1, &scale, hsgd_param_at(e, 0), e->y[0]);
}

const struct hsgd_op hsgd_op_clip_factor = { .name = "clip_factor",
                                             .attributes_size = sizeof(struct hsgd_clip_factor),
                                             .layouts = 1u << HSGD_NHWC,
                                             .infer = clip_infer,
                                             .forward = { { clip_forward } } };

/* --------------------------------------------------------- moving average */

static int ema_infer(struct hsgd_node *n, char *why, size_t size)
{
    (void)why, (void)size;
    n->outputs = 1;
    n->out[0] = n->in[0];
    add_floats(n, "weight", sample_size(&n->in[0]));
    add_floats(n, "step", HSGD_STEP_WORDS);
    return 0;
}

static void ema_forward(struct hsgd_emit *e)
{
    struct copy_args copy = { sample_size(&e->node->in[0]) };
    struct ema_args a = { copy.n };
    HSGD_LAUNCH(e, HSGD_KERNEL(copy), HSGD_ITEMS, copy.n, &copy, e->x[0], e->y[0]);
    HSGD_LAUNCH(e, HSGD_KERNEL(ema_update), HSGD_ITEMS, a.n, &a, e->y[0], hsgd_param_at(e, 0), hsgd_param_at(e, 1));
}

const struct hsgd_op hsgd_op_ema = {
    .name = "ema", .layouts = 1u << HSGD_NHWC, .infer = ema_infer, .forward = { { ema_forward } }
};
