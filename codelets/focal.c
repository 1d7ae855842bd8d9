/* SPDX-License-Identifier: BSD-3-Clause */
/* Focal loss: binary cross-entropies of all classes, in which those that are right already count less. */
#include <math.h>

#include "base/c_locale.h"
#include "loss.h"

static const struct hsgd_focal *attributes(const struct hsgd_node *n) { return n->attributes; }

static int infer(struct hsgd_node *n, char *why, size_t size)
{
    const struct hsgd_focal *a = attributes(n);
    if (!(a->alpha <= 1 && a->alpha > -1e30f) || !(a->gamma > 0 && a->gamma <= 100)) {
        c_snprintf(why, size, "alpha must be at most 1, and gamma in (0, 100], not %g and %g", (double)a->alpha,
                   (double)a->gamma);
        return -1;
    }
    if (class_loss_infer(n, why, size)) return -1;
    n->sums[HSGD_FORWARD][0] = 4;
    if (a->has_ignore || a->per_positive) n->terms = 0;
    n->forward_flops = 60.0 * sample_size(&n->in[0]);
    return 0;
}

static struct focal_args args_of(const struct hsgd_emit *e)
{
    const struct hsgd_focal *a = attributes(e->node);
    int classes = hsgd_type_channels(&e->node->in[0]);
    return (struct focal_args){ .rows = e->rows * (sample_size(&e->node->in[0]) / classes),
                                .cols = classes,
                                .has_background = a->has_background,
                                .per_positive = a->per_positive,
                                .has_ignore = a->has_ignore,
                                .ignore = a->ignore,
                                .want_gradient = hsgd_wanted(e->dx[0]),
                                .alpha = a->alpha,
                                .gamma = a->gamma };
}

static void forward(struct hsgd_emit *e)
{
    struct focal_args a = args_of(e);
    struct hsgd_ref stats = hsgd_scratch(e, 4 * (int64_t)a.rows);
    HSGD_LAUNCH(e, HSGD_KERNEL(focal), HSGD_WARPS, a.rows, &a, e->x[0], e->x[1], a.want_gradient ? e->dx[0] : e->x[0],
                stats);
    emit_row_sums(e, a.rows, 4, 4, 0, stats);
}

static void count(struct hsgd_emit *e)
{
    struct focal_args a = args_of(e);
    HSGD_LAUNCH(e, HSGD_KERNEL(focal_count), HSGD_WARPS, 1, &a, e->x[1], e->sums);
}

static void prediction(float *y, int64_t vectors, int channels)
{
    for (int64_t i = 0; i < vectors * channels; i++) y[i] = 1 / (1 + expf(-y[i]));
}

#define AT(field) offsetof(struct hsgd_focal, field)
static const struct hsgd_attribute fields[] = { { "alpha", HSGD_FLOAT, AT(alpha), false, 0.25, NULL },
                                                { "gamma", HSGD_FLOAT, AT(gamma), false, 2, NULL },
                                                { "has_background", HSGD_BOOL, AT(has_background), false, 0, NULL },
                                                { "per_positive", HSGD_BOOL, AT(per_positive), false, 0, NULL },
                                                { "has_ignore", HSGD_BOOL, AT(has_ignore), false, 0, NULL },
                                                { "ignore", HSGD_INT, AT(ignore), false, 0, NULL },
                                                { 0 } };

const struct hsgd_op hsgd_op_focal = { .name = "focal",
                                       .attributes_size = sizeof(struct hsgd_focal),
                                       .fields = fields,
                                       .layouts = 1u << HSGD_NHWC,
                                       .inputs = 2,
                                       .is_loss = true,
                                       .infer = infer,
                                       .forward = { { forward } },
                                       .count = count,
                                       .prediction = prediction };
