/* SPDX-License-Identifier: BSD-3-Clause */
/* Group normalisation, and instance normalisation, whose groups are the channels. */
#include <stdio.h>

#include "base/c_locale.h"
#include "kernels.h"

enum { WEIGHT, BIAS };

/* What the two operations differ in. */
struct norm {
    int groups;
    float epsilon;
    bool affine;
};

static struct norm norm_of_group(const struct hsgd_node *n)
{
    const struct hsgd_group_norm *a = n->attributes;
    return (struct norm){ a->num_groups, a->epsilon, !a->no_affine };
}

static struct norm norm_of_instance(const struct hsgd_node *n)
{
    const struct hsgd_instance_norm *a = n->attributes;
    return (struct norm){ hsgd_type_channels(&n->in[0]), a->epsilon, a->affine };
}

static int infer_norm(struct hsgd_node *n, struct norm norm, char *why, size_t size)
{
    int channels = hsgd_type_channels(&n->in[0]);
    if (n->in[0].dtype != HSGD_F32) snprintf(why, size, "the input must be of 32-bit floats");
    else if (channels == HSGD_ANY) snprintf(why, size, "the number of channels, the last axis, must be known");
    else if (norm.groups < 1 || channels % norm.groups)
        snprintf(why, size, "num_groups must be a divisor of %d, the number of channels, not %d", channels,
                 norm.groups);
    else if (!(norm.epsilon >= 0 && norm.epsilon <= 1))
        c_snprintf(why, size, "epsilon must be in [0,1], not %g", (double)norm.epsilon);
    else {
        struct hsgd_param_spec spec = {
            .name = "weight", .rank = 1, .dim = { channels }, .init = HSGD_INIT_ONE, .no_decay = true
        };
        n->outputs = 1;
        n->out[0] = n->in[0];
        n->kept = 2 * norm.groups;
        if (norm.affine) hsgd_node_add_param(n, &spec);
        spec.name = "bias", spec.init = HSGD_INIT_ZERO;
        if (norm.affine) hsgd_node_add_param(n, &spec);
        n->forward_flops = 8.0 * sample_size(&n->in[0]);
        n->backward_flops = 12.0 * sample_size(&n->in[0]);
        return 0;
    }
    return -1;
}

static int infer_group(struct hsgd_node *n, char *why, size_t size)
{
    if (n->in[0].rank >= 1) return infer_norm(n, norm_of_group(n), why, size);
    snprintf(why, size, "the input must have channels, not be one number");
    return -1;
}

static int infer_instance(struct hsgd_node *n, char *why, size_t size)
{
    if (n->in[0].rank >= 2) return infer_norm(n, norm_of_instance(n), why, size);
    snprintf(why, size, "the input must have positions and channels, as an image");
    return -1;
}

static struct group_norm_args args_of(const struct hsgd_emit *e, struct norm norm)
{
    const struct hsgd_type *in = &e->node->in[0];
    struct group_norm_args a = { .rows = e->rows,
                                 .positions = (int)hsgd_type_positions(in),
                                 .groups = norm.groups,
                                 .affine = norm.affine,
                                 .epsilon = norm.epsilon,
                                 .add = e->adds & 1 };
    a.c = hsgd_type_channels(in);
    a.wide = e->kind == HSGD_CUDA ? 1 : GROUP_WIDE; /* on CUDA neighbouring tiles take neighbouring columns */
    a.blocks = ((a.c + 15) / 16 + a.wide - 1) / a.wide;
    return a;
}

/* A weight; without weights anything that can be read. */
static struct hsgd_ref param(const struct hsgd_emit *e, int i)
{
    return e->node->params ? hsgd_param_at(e, i) : e->x[0];
}

/* Per channel of a sample: mean of its group and rstd w. */
static struct hsgd_ref emit_scale(struct hsgd_emit *e, const struct group_norm_args *a)
{
    struct hsgd_ref factors = hsgd_scratch(e, 2 * (int64_t)a->rows * a->c);
    HSGD_LAUNCH(e, HSGD_KERNEL(group_norm_scale), HSGD_ITEMS, (int64_t)a->rows * a->c, a, e->kept, param(e, WEIGHT),
                factors);
    return factors;
}

static void normalise(struct hsgd_emit *e, struct norm norm)
{
    struct group_norm_args a = args_of(e, norm);
    struct hsgd_ref work = hsgd_scratch(e, 2 * (int64_t)a.rows * a.c);
    HSGD_LAUNCH(e, HSGD_KERNEL(group_norm_stats), HSGD_TILES, (int64_t)a.rows * a.blocks, &a, e->x[0], work);
    HSGD_LAUNCH(e, HSGD_KERNEL(group_norm_merge), HSGD_ITEMS, (int64_t)a.rows * a.groups, &a, work, e->kept);
    HSGD_LAUNCH(e, HSGD_KERNEL(group_norm_fwd), HSGD_ROWS, (int64_t)a.rows * a.positions, &a, e->x[0],
                emit_scale(e, &a), param(e, BIAS), e->y[0]);
}

static void gradients(struct hsgd_emit *e, struct norm norm)
{
    struct group_norm_args a = args_of(e, norm);
    int64_t floats = 2 * (int64_t)a.rows * a.c, groups = (int64_t)a.rows * a.groups;
    struct hsgd_ref factors = emit_scale(e, &a), work = hsgd_scratch(e, floats), lines = hsgd_scratch(e, floats);
    struct hsgd_ref slopes = hsgd_scratch(e, 2 * groups);
    HSGD_LAUNCH(e, HSGD_KERNEL(group_norm_sums), HSGD_TILES, (int64_t)a.rows * a.blocks, &a, e->x[0], e->dy[0], factors,
                work);
    HSGD_LAUNCH(e, HSGD_KERNEL(group_norm_slopes), HSGD_ITEMS, groups, &a, work, e->kept, param(e, WEIGHT), slopes);
    HSGD_LAUNCH(e, HSGD_KERNEL(group_norm_lines), HSGD_ITEMS, floats / 2, &a, slopes, e->kept, work, lines);
    for (int i = 0; i < e->node->params; i++)
        if (hsgd_wanted(e->gradient[i]))
            emit_column_sums(e, a.rows, a.c, 2 * a.c, hsgd_at(work, i * a.c), e->gradient[i]);
    if (hsgd_wanted(e->dx[0]))
        HSGD_LAUNCH(e, HSGD_KERNEL(group_norm_dx), HSGD_ROWS, (int64_t)a.rows * a.positions, &a, e->x[0], e->dy[0],
                    factors, lines, e->dx[0]);
}

static void group_forward(struct hsgd_emit *e) { normalise(e, norm_of_group(e->node)); }
static void group_backward(struct hsgd_emit *e) { gradients(e, norm_of_group(e->node)); }
static void instance_forward(struct hsgd_emit *e) { normalise(e, norm_of_instance(e->node)); }
static void instance_backward(struct hsgd_emit *e) { gradients(e, norm_of_instance(e->node)); }

#define AT(field) offsetof(struct hsgd_group_norm, field)
static const struct hsgd_attribute group_fields[] = { { "num_groups", HSGD_INT, AT(num_groups), true, 0, NULL },
                                                      { "epsilon", HSGD_FLOAT, AT(epsilon), false, 1e-5, NULL },
                                                      { "no_affine", HSGD_BOOL, AT(no_affine), false, 0, NULL },
                                                      { 0 } };

const struct hsgd_op hsgd_op_group_norm = { .name = "group_norm",
                                            .attributes_size = sizeof(struct hsgd_group_norm),
                                            .fields = group_fields,
                                            .layouts = 1u << HSGD_NHWC,
                                            .keeps_in = 1,
                                            .adds = 1,
                                            .infer = infer_group,
                                            .forward = { { group_forward } },
                                            .backward = { { group_backward } } };

#undef AT
#define AT(field) offsetof(struct hsgd_instance_norm, field)
static const struct hsgd_attribute instance_fields[] = { { "epsilon", HSGD_FLOAT, AT(epsilon), false, 1e-5, NULL },
                                                         { "affine", HSGD_BOOL, AT(affine), false, 0, NULL },
                                                         { 0 } };

const struct hsgd_op hsgd_op_instance_norm = { .name = "instance_norm",
                                               .attributes_size = sizeof(struct hsgd_instance_norm),
                                               .fields = instance_fields,
                                               .layouts = 1u << HSGD_NHWC,
                                               .keeps_in = 1,
                                               .adds = 1,
                                               .infer = infer_instance,
                                               .forward = { { instance_forward } },
                                               .backward = { { instance_backward } } };
