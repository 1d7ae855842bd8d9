/* SPDX-License-Identifier: BSD-3-Clause */
/* Layer and RMS normalisation over the channels of each position. */
#include <stdio.h>

#include "base/c_locale.h"
#include "kernels.h"

enum { WEIGHT, BIAS };

enum { MIN_ROWS = 16 }; /* of a part: fewer are not worth a tile */

/* Without mean and bias. */
static bool is_rms(const struct hsgd_node *n) { return n->params == 1; }

static void add_per_channel(struct hsgd_node *n, const char *name, enum hsgd_init init)
{
    add_param(n, .name = name, .rank = 1, .dim = { hsgd_type_channels(&n->in[0]) }, .init = init, .no_decay = true);
}

static int infer_norm(struct hsgd_node *n, float epsilon, char *why, size_t size)
{
    if (n->in[0].rank < 1 || n->in[0].dtype != HSGD_F32) {
        snprintf(why, size, "%s",
                 n->in[0].rank < 1 ? "the input must have channels, not be one number"
                                   : "the input must be of 32-bit floats");
        return -1;
    }
    if (!(epsilon >= 0 && epsilon <= 1)) {
        c_snprintf(why, size, "epsilon must be in [0,1], not %g", (double)epsilon);
        return -1;
    }
    n->outputs = 1;
    n->out[0] = n->in[0];
    n->kept = 2 * hsgd_type_positions(&n->in[0]);
    add_per_channel(n, "weight", HSGD_INIT_ONE);
    n->forward_flops = 8.0 * sample_size(&n->in[0]);
    n->backward_flops = 15.0 * sample_size(&n->in[0]);
    return 0;
}

static int infer(struct hsgd_node *n, char *why, size_t size)
{
    if (infer_norm(n, ((const struct hsgd_layer_norm *)n->attributes)->epsilon, why, size)) return -1;
    add_per_channel(n, "bias", HSGD_INIT_ZERO);
    return 0;
}

static int infer_rms(struct hsgd_node *n, char *why, size_t size)
{
    return infer_norm(n, ((const struct hsgd_rms_norm *)n->attributes)->epsilon, why, size);
}

static float epsilon_of(const struct hsgd_node *n)
{
    if (is_rms(n)) return ((const struct hsgd_rms_norm *)n->attributes)->epsilon;
    return ((const struct hsgd_layer_norm *)n->attributes)->epsilon;
}

/* Tiles are those of layer_norm_sums: a CPU worker goes through the rows in the
 * order of memory, on CUDA neighbouring tiles take neighbouring columns. */
static struct layer_norm_args args_of(const struct hsgd_emit *e)
{
    const struct hsgd_type *in = &e->node->in[0];
    struct layer_norm_args a = { .rms = is_rms(e->node), .epsilon = epsilon_of(e->node) };
    a.rows = e->rows * (int)hsgd_type_positions(in), a.cols = hsgd_type_channels(in);
    int vectors = (a.cols + 15) / 16, most = (a.rows + MIN_ROWS - 1) / MIN_ROWS;
    bool cuda = e->kind == HSGD_CUDA;
    a.wide = cuda ? 1 : vectors;
    int groups = (vectors + a.wide - 1) / a.wide;
    a.splits = e->kind == HSGD_CPU ? 1 : cuda ? 16 * e->units / groups + 1 : e->units;
    if (a.splits > most) a.splits = most;
    a.tiles = a.splits * groups;
    return a;
}

static void forward(struct hsgd_emit *e)
{
    struct layer_norm_args a = args_of(e);
    HSGD_LAUNCH(e, HSGD_KERNEL(layer_norm_fwd), HSGD_WARPS, a.rows, &a, e->x[0], hsgd_param_at(e, WEIGHT),
                hsgd_param_at(e, a.rms ? WEIGHT : BIAS), e->y[0], e->kept);
}

static bool wants(const struct hsgd_emit *e, int i) { return i < e->node->params && hsgd_wanted(e->gradient[i]); }

static void gradients(struct hsgd_emit *e)
{
    struct layer_norm_args a = args_of(e);
    struct hsgd_ref work = hsgd_scratch(e, a.splits * 2 * (int64_t)a.cols), to[2];
    for (int i = 0; i < 2; i++) to[i] = wants(e, i) ? e->gradient[i] : hsgd_scratch(e, a.cols);
    HSGD_LAUNCH(e, HSGD_KERNEL(layer_norm_sums), HSGD_TILES, a.tiles, &a, e->x[0], e->dy[0], e->kept, work);
    HSGD_LAUNCH(e, HSGD_KERNEL(layer_norm_total), HSGD_ITEMS, a.cols, &a, work, to[WEIGHT], to[BIAS]);
}

static void backward(struct hsgd_emit *e)
{
    struct layer_norm_args a = args_of(e);
    a.add = e->adds & 1;
    if (wants(e, WEIGHT) || wants(e, BIAS)) gradients(e);
    if (hsgd_wanted(e->dx[0]))
        HSGD_LAUNCH(e, HSGD_KERNEL(layer_norm_dx), HSGD_WARPS, a.rows, &a, e->x[0], hsgd_param_at(e, WEIGHT), e->dy[0],
                    e->kept, e->dx[0]);
}

#define AT(field) offsetof(struct hsgd_layer_norm, field)
static const struct hsgd_attribute fields[] = { { "epsilon", HSGD_FLOAT, AT(epsilon), false, 1e-5, NULL }, { 0 } };

const struct hsgd_op hsgd_op_layer_norm = { .name = "layer_norm",
                                            .attributes_size = sizeof(struct hsgd_layer_norm),
                                            .fields = fields,
                                            .layouts = 1u << HSGD_NHWC,
                                            .keeps_in = 1,
                                            .adds = 1,
                                            .infer = infer,
                                            .forward = { { forward } },
                                            .backward = { { backward } } };

#undef AT
#define AT(field) offsetof(struct hsgd_rms_norm, field)
static const struct hsgd_attribute rms_fields[] = { { "epsilon", HSGD_FLOAT, AT(epsilon), false, 1e-5, NULL }, { 0 } };

const struct hsgd_op hsgd_op_rms_norm = { .name = "rms_norm",
                                          .attributes_size = sizeof(struct hsgd_rms_norm),
                                          .fields = rms_fields,
                                          .layouts = 1u << HSGD_NHWC,
                                          .keeps_in = 1,
                                          .adds = 1,
                                          .infer = infer_rms,
                                          .forward = { { forward } },
                                          .backward = { { backward } } };
