/* SPDX-License-Identifier: BSD-3-Clause */
/* What follows the gradient in a step, as operations for hsgd_op_run(). */
#include <errno.h>
#include <stdio.h>

#include "kernels.h"
#include "state.h"

enum { GRADIENT_PARTS = 3 };

static struct hsgd_param_spec floats(const char *name, int n)
{
    return (struct hsgd_param_spec){ name, 1, { n }, HSGD_INIT_ZERO, 1, 1, 0 };
}

static int refuse(char *why, size_t n, const char *sentence, int value)
{
    snprintf(why, n, sentence, value);
    return -EINVAL;
}

/* -------------------------------------------------------------- optimizer */

static int update_prepare(struct hsgd_layer *l, char *why, size_t n)
{
    const struct hsgd_update *a = l->attributes;
    int size = hsgd_size(l->in);
    if (size % 3) return refuse(why, n, "the input must have a multiple of 3 floats, not %d", size);
    if ((unsigned)a->options.optimizer >= HSGD_OPTIMIZERS)
        return refuse(why, n, "there is no optimizer %d", (int)a->options.optimizer);
    if (a->parts < 1 || a->parts > GRADIENT_PARTS) return refuse(why, n, "parts must be 1, 2 or 3, not %d", a->parts);
    l->out = l->in;
    l->params = GRADIENT_PARTS + 1;
    for (int i = 0; i < GRADIENT_PARTS; i++) l->param[i] = floats("gradient", size / 3);
    l->param[GRADIENT_PARTS] = floats("step", HSGD_STEP_WORDS);
    return 0;
}

static void update_forward(struct hsgd_emit *e)
{
    const struct hsgd_update *a = e->layer->attributes;
    struct copy_args copy = { hsgd_size(e->layer->in) };
    int n = copy.n / 3;
    struct hsgd_ref part[GRADIENT_PARTS];
    HSGD_LAUNCH(e, HSGD_KERNEL(copy), HSGD_ITEMS, copy.n, &copy, e->x, e->y);
    for (int i = 0; i < GRADIENT_PARTS; i++) part[i] = e->weight[i].piece[0].ref;
    const struct update u = { n,        n,    e->y,      hsgd_at(e->y, n), e->weight[GRADIENT_PARTS].piece[0].ref,
                              a->parts, part, a->clipped };
    optimizer_emit(e, &a->options, &u);
}

const struct hsgd_op hsgd_op_update = { .name = "update",
                                        .attributes_size = sizeof(struct hsgd_update),
                                        .layouts = 1u << HSGD_NHWC,
                                        .prepare = update_prepare,
                                        .forward = update_forward };

/* ---------------------------------------------------------------- clipping */

static int clip_prepare(struct hsgd_layer *l, char *why, size_t n)
{
    const struct hsgd_clip_factor *a = l->attributes;
    int size = hsgd_size(l->in);
    if (a->shards < 1 || a->shards > size)
        return refuse(why, n, "shards must be from 1 to the number of floats, not %d", a->shards);
    l->out = (struct hsgd_shape){ 1, 1, 1 };
    l->params = 1;
    l->param[0] = floats("step", HSGD_STEP_WORDS);
    return 0;
}

/* The sum of squares of each shard, in runs as plans have them where a bucket
 * has gaps; then the factor from all of them. */
static void clip_forward(struct hsgd_emit *e)
{
    const struct hsgd_clip_factor *a = e->layer->attributes;
    int n = hsgd_size(e->layer->in);
    struct hsgd_ref sum = hsgd_scratch(e, 16 + SQUARE_PARTS), parts = hsgd_at(sum, 16);
    struct square_total_args total = { SQUARE_PARTS };
    for (int s = 0; s < a->shards; s++) {
        int from = (int)((int64_t)n * s / a->shards), to = (int)((int64_t)n * (s + 1) / a->shards);
        int half = (to - from) / 2;
        struct square_sum_args first = { half, false }, second = { to - from - half, true };
        struct clip_add_args add = { s == 0 };
        HSGD_LAUNCH(e, HSGD_KERNEL(square_sum), HSGD_ROWS, SQUARE_PARTS, &first, hsgd_at(e->x, from), parts);
        HSGD_LAUNCH(e, HSGD_KERNEL(square_sum), HSGD_ROWS, SQUARE_PARTS, &second, hsgd_at(e->x, from + half), parts);
        HSGD_LAUNCH(e, HSGD_KERNEL(square_total), HSGD_WARPS, 1, &total, parts, sum);
        HSGD_LAUNCH(e, HSGD_KERNEL(clip_add), HSGD_ITEMS, 1, &add, sum, e->y);
    }
    struct clip_scale_args scale = { a->max_norm };
    HSGD_LAUNCH(e, HSGD_KERNEL(clip_scale), HSGD_ITEMS, 1, &scale, e->weight[0].piece[0].ref, e->y);
}

const struct hsgd_op hsgd_op_clip_factor = { .name = "clip_factor",
                                             .attributes_size = sizeof(struct hsgd_clip_factor),
                                             .layouts = 1u << HSGD_NHWC,
                                             .prepare = clip_prepare,
                                             .forward = clip_forward };
