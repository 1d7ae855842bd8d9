/* SPDX-License-Identifier: BSD-3-Clause */
/* Batch normalisation: statistics over the whole batch, however it is sliced. */
#include <stdio.h>

#include "base/c_locale.h"
#include "kernels.h"

enum { WEIGHT, BIAS, RUNNING_MEAN, RUNNING_VAR, BATCHES };

enum { MIN_STEPS = 8 }; /* of a part: fewer are not worth a tile */

static void add_per_channel(struct hsgd_node *n, const char *name, enum hsgd_init init, bool is_state)
{
    add_param(n, .name = name, .rank = 1, .dim = { hsgd_type_channels(&n->in[0]) }, .init = init, .is_state = is_state,
              .no_decay = true);
}

static int check(const struct hsgd_node *n, char *why, size_t size)
{
    const struct hsgd_batch_norm *a = n->attributes;
    if (n->in[0].rank < 1) snprintf(why, size, "the input must have channels, not be one number");
    else if (n->in[0].dtype != HSGD_F32) snprintf(why, size, "the input must be of 32-bit floats");
    else if (!(a->epsilon >= 0 && a->epsilon <= 1))
        c_snprintf(why, size, "epsilon must be in [0,1], not %g", (double)a->epsilon);
    else if (!(a->momentum >= 0 && a->momentum <= 1))
        c_snprintf(why, size, "momentum must be in [0,1], not %g", (double)a->momentum);
    else return 0;
    return -1;
}

static int infer(struct hsgd_node *n, char *why, size_t size)
{
    if (check(n, why, size)) return -1;
    n->outputs = 1;
    n->out[0] = n->in[0];
    add_per_channel(n, "weight", HSGD_INIT_ONE, false);
    add_per_channel(n, "bias", HSGD_INIT_ZERO, false);
    add_per_channel(n, "running_mean", HSGD_INIT_ZERO, true);
    add_per_channel(n, "running_var", HSGD_INIT_ONE, true);
    add_param(n, .name = "num_batches_tracked", .init = HSGD_INIT_ZERO, .is_state = true, .is_count = true);
    n->sums[HSGD_FORWARD][0] = n->sums[HSGD_BACKWARD][0] = 2 * (int64_t)hsgd_type_channels(&n->in[0]);
    n->forward_flops = 6.0 * sample_size(&n->in[0]);
    n->backward_flops = 9.0 * sample_size(&n->in[0]);
    return 0;
}

static const struct hsgd_batch_norm *attributes(const struct hsgd_emit *e) { return e->node->attributes; }
static int channels(const struct hsgd_emit *e) { return hsgd_type_channels(&e->node->in[0]); }

/* Values of a channel in so many samples. */
static float values(const struct hsgd_emit *e, int rows)
{
    return (float)rows * (float)hsgd_type_positions(&e->node->in[0]);
}

/* ------------------------------------------------------------------- tiles */

static int common_divisor(int a, int b)
{
    while (b) {
        int rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static struct batch_norm_args steps_of(const struct hsgd_emit *e)
{
    int positions = (int)hsgd_type_positions(&e->node->in[0]), c = channels(e), rest = e->rows % 16;
    struct batch_norm_args a = { .c = c, .lanes = e->node->layout == HSGD_LANES, .vectors = c, .live = 16 };
    a.steps = positions;
    a.blocks = (e->rows + 15) / 16;
    if (a.lanes) {
        a.live = rest ? rest : 16;
    } else {
        int common = common_divisor(c, 16), together = 16 / common;
        a.vectors = c / common;
        a.steps = e->rows * positions / together;
        a.tail = e->rows * positions % together;
        a.blocks = 1;
    }
    a.total = a.steps * a.blocks;
    return a;
}

/* A CPU worker goes through all vectors of a step, in the order of memory; on
 * CUDA neighbouring tiles take neighbouring vectors.  parts: that each unit of
 * the device should get. */
static struct batch_norm_args args_of(const struct hsgd_emit *e, int parts)
{
    struct batch_norm_args a = steps_of(e);
    bool cuda = e->kind == HSGD_CUDA;
    int most = (a.total + MIN_STEPS - 1) / MIN_STEPS;
    a.wide = cuda ? 1 : a.vectors;
    a.run = cuda ? 64 : 4;
    int groups = (a.vectors + a.wide - 1) / a.wide;
    a.splits = e->kind == HSGD_CPU ? 1 : cuda ? parts * e->units * 16 / groups + 1 : parts * e->units;
    if (a.splits > most) a.splits = most;
    a.tiles = (a.splits ? a.splits : 1) * groups;
    return a;
}

static int width(const struct batch_norm_args *a) { return a->vectors * 16; }

/* ----------------------------------------------------------------- forward */

static void statistics(struct hsgd_emit *e)
{
    struct batch_norm_args a = args_of(e, 1);
    struct batch_norm_reduce_args r = { a, 1 / values(e, e->rows) };
    struct hsgd_ref work = hsgd_scratch(e, (a.splits + 1) * 3 * (int64_t)width(&a) + a.tiles * (int64_t)16);
    HSGD_LAUNCH(e, HSGD_KERNEL(batch_norm_stats), HSGD_TILES, a.tiles, &a, e->x[0], work);
    HSGD_LAUNCH(e, HSGD_KERNEL(batch_norm_reduce), HSGD_WARPS, a.c, &r, work, e->sums);
}

static void merge_statistics(struct hsgd_emit *e, int parts, const struct hsgd_part *part, struct hsgd_ref merged)
{
    float before = 0;
    for (int i = 0; i < parts; i++) {
        struct batch_norm_merge_args a = { channels(e), before, values(e, part[i].rows) };
        HSGD_LAUNCH(e, HSGD_KERNEL(batch_norm_merge), HSGD_ITEMS, a.c, &a, part[i].sums, merged);
        before += a.here;
    }
}

static void update_running(struct hsgd_emit *e)
{
    struct batch_norm_running_args a = { channels(e), values(e, e->batch), attributes(e)->momentum };
    HSGD_LAUNCH(e, HSGD_KERNEL(batch_norm_running), HSGD_ITEMS, a.c, &a, e->merged[HSGD_FORWARD][0],
                hsgd_param_at(e, RUNNING_MEAN), hsgd_param_at(e, RUNNING_VAR), hsgd_param_at(e, BATCHES));
}

/* Scale and shift of each float of a step; count: what m2 is divided by. */
static struct hsgd_ref factors(struct hsgd_emit *e, const struct batch_norm_args *a, struct hsgd_ref mean,
                               struct hsgd_ref m2, float count, bool plain)
{
    struct batch_norm_scale_args s = { a->c, a->lanes, width(a), plain, count, attributes(e)->epsilon };
    struct hsgd_ref out = hsgd_scratch(e, 2 * (int64_t)s.width);
    HSGD_LAUNCH(e, HSGD_KERNEL(batch_norm_scale), HSGD_ITEMS, s.width, &s, mean, m2, hsgd_param_at(e, WEIGHT),
                hsgd_param_at(e, BIAS), out);
    return out;
}

static void normalise(struct hsgd_emit *e)
{
    struct batch_norm_args a = args_of(e, 4);
    struct hsgd_ref mean = e->merged[HSGD_FORWARD][0], m2 = hsgd_at(mean, a.c);
    struct hsgd_ref f = factors(e, &a, mean, m2, values(e, e->batch), false);
    HSGD_LAUNCH(e, HSGD_KERNEL(batch_norm_fwd), HSGD_TILES, a.tiles, &a, e->x[0], f, e->y[0]);
}

static void evaluate(struct hsgd_emit *e)
{
    struct batch_norm_args a = args_of(e, 4);
    struct hsgd_ref f = factors(e, &a, hsgd_param_at(e, RUNNING_MEAN), hsgd_param_at(e, RUNNING_VAR), 1, false);
    HSGD_LAUNCH(e, HSGD_KERNEL(batch_norm_fwd), HSGD_TILES, a.tiles, &a, e->x[0], f, e->y[0]);
}

/* ---------------------------------------------------------------- backward */

/* The sums over the slice are its gradients, too. */
static void gradients(struct hsgd_emit *e)
{
    struct batch_norm_args a = args_of(e, 1);
    struct copy_args copy = { a.c };
    struct hsgd_ref mean = e->merged[HSGD_FORWARD][0], m2 = hsgd_at(mean, a.c);
    struct hsgd_ref f = factors(e, &a, mean, m2, values(e, e->batch), true);
    struct hsgd_ref work = hsgd_scratch(e, (a.splits + 1) * 2 * (int64_t)width(&a));
    HSGD_LAUNCH(e, HSGD_KERNEL(batch_norm_sums), HSGD_TILES, a.tiles, &a, e->x[0], e->dy[0], f, work);
    HSGD_LAUNCH(e, HSGD_KERNEL(batch_norm_total), HSGD_WARPS, a.c, &a, work, e->sums);
    for (int i = 0; i < 2; i++)
        if (hsgd_wanted(e->gradient[i]))
            HSGD_LAUNCH(e, HSGD_KERNEL(copy), HSGD_ITEMS, copy.n, &copy, hsgd_at(e->sums, i * a.c), e->gradient[i]);
}

static void input_gradient(struct hsgd_emit *e)
{
    struct batch_norm_args a = args_of(e, 4);
    struct batch_norm_scale_args s = { a.c, a.lanes, width(&a), false, values(e, e->batch), attributes(e)->epsilon };
    struct hsgd_ref mean = e->merged[HSGD_FORWARD][0], m2 = hsgd_at(mean, a.c);
    if (!hsgd_wanted(e->dx[0])) return;
    struct hsgd_ref f = hsgd_scratch(e, 3 * (int64_t)s.width + a.tiles * (int64_t)16);
    HSGD_LAUNCH(e, HSGD_KERNEL(batch_norm_slope), HSGD_ITEMS, s.width, &s, mean, m2, hsgd_param_at(e, WEIGHT),
                e->merged[HSGD_BACKWARD][0], f);
    HSGD_LAUNCH(e, HSGD_KERNEL(batch_norm_dx), HSGD_TILES, a.tiles, &a, e->x[0], e->dy[0], f, e->dx[0]);
}

/* dx = dy scale, with the running statistics */
static void evaluate_backward(struct hsgd_emit *e)
{
    struct batch_norm_args a = args_of(e, 4);
    struct zero_args zero = { width(&a) };
    if (!hsgd_wanted(e->dx[0])) return;
    struct hsgd_ref f = factors(e, &a, hsgd_param_at(e, RUNNING_MEAN), hsgd_param_at(e, RUNNING_VAR), 1, false);
    HSGD_LAUNCH(e, HSGD_KERNEL(zero), HSGD_ITEMS, zero.n, &zero, hsgd_at(f, zero.n)); /* no shift */
    HSGD_LAUNCH(e, HSGD_KERNEL(batch_norm_fwd), HSGD_TILES, a.tiles, &a, e->dy[0], f, e->dx[0]);
}

#define AT(field) offsetof(struct hsgd_batch_norm, field)
static const struct hsgd_attribute fields[] = { { "epsilon", HSGD_FLOAT, AT(epsilon), false, 1e-5, NULL },
                                                { "momentum", HSGD_FLOAT, AT(momentum), false, 0.1, NULL },
                                                { 0 } };

const struct hsgd_op hsgd_op_batch_norm = { .name = "batch_norm",
                                            .attributes_size = sizeof(struct hsgd_batch_norm),
                                            .fields = fields,
                                            .layouts = 1u << HSGD_NHWC | 1u << HSGD_LANES,
                                            .keeps_in = 1,
                                            .infer = infer,
                                            .forward = { { statistics, merge_statistics, update_running },
                                                         { normalise } },
                                            .backward = { { gradients }, { input_gradient } },
                                            .evaluate = evaluate,
                                            .evaluate_backward = evaluate_backward };
