/* SPDX-License-Identifier: BSD-3-Clause */
/* Softmax cross-entropy on class labels, as a loss and as a perplexity. */
#include <math.h>
#include <stdio.h>

#include "base/c_locale.h"
#include "loss.h"

static const struct hsgd_softmax_cross_entropy *attributes(const struct hsgd_node *n) { return n->attributes; }

/* The weights of classes; NULL: all are 1. */
static const struct hsgd_floats *weights_of(const struct hsgd_node *n)
{
    return attributes(n)->class_weights.count ? &attributes(n)->class_weights : NULL;
}

static int weights_infer(const struct hsgd_node *n, char *why, size_t size)
{
    const struct hsgd_floats *w = weights_of(n);
    int classes = hsgd_type_channels(&n->in[0]);
    bool valid = !w || w->count == classes, some = !w;
    for (int i = 0; w && valid && i < w->count && i < HSGD_MAX_FLOATS; i++) {
        valid = w->value[i] >= 0 && w->value[i] < 1e30f;
        some |= w->value[i] > 0;
    }
    if (valid && some && (!w || w->count <= HSGD_MAX_FLOATS)) return 0;
    snprintf(why, size, "class_weights must be %d numbers from 0, not all 0, at most %d of them", classes,
             HSGD_MAX_FLOATS);
    return -1;
}

static int infer(struct hsgd_node *n, char *why, size_t size)
{
    if (!(attributes(n)->label_smoothing >= 0 && attributes(n)->label_smoothing < 1)) {
        c_snprintf(why, size, "label_smoothing must be in [0, 1), not %g", (double)attributes(n)->label_smoothing);
        return -1;
    }
    if (class_loss_infer(n, why, size) || weights_infer(n, why, size)) return -1;
    if (attributes(n)->has_ignore || weights_of(n)) n->terms = 0;
    if (weights_of(n)) n->sums[HSGD_FORWARD][0] = 4;
    n->forward_flops = 10.0 * sample_size(&n->in[0]);
    return 0;
}

static void emit_softmax(struct hsgd_emit *e, int rows, float smoothing, struct hsgd_ref labels, struct hsgd_ref stats)
{
    int classes = hsgd_type_channels(&e->node->in[0]);
    struct softmax_ce_args a = { rows, classes, hsgd_wanted(e->dx[0]), 1 - smoothing, smoothing / (float)classes };
    HSGD_LAUNCH(e, HSGD_KERNEL(softmax_ce), HSGD_WARPS, rows, &a, e->x[0], labels, a.want_gradient ? e->dx[0] : e->x[0],
                stats);
}

static void emit_weighted(struct hsgd_emit *e, int rows, float smoothing, struct hsgd_ref labels,
                          struct hsgd_ref weights, struct hsgd_ref stats)
{
    int classes = hsgd_type_channels(&e->node->in[0]);
    struct softmax_ce_args a = { rows, classes, hsgd_wanted(e->dx[0]), 1 - smoothing, smoothing / (float)classes };
    HSGD_LAUNCH(e, HSGD_KERNEL(softmax_ce_weighted), HSGD_WARPS, rows, &a, e->x[0], labels, weights,
                a.want_gradient ? e->dx[0] : e->x[0], stats);
}

/* Labels that may be ignored, or are not a label of the data set, which has been checked.  w NULL: classes have no
 * weights. */
static void emit_masked(struct hsgd_emit *e, float smoothing, bool has_ignore, int ignore, const struct hsgd_floats *w)
{
    int classes = hsgd_type_channels(&e->node->in[0]), rows = e->rows * (sample_size(&e->node->in[0]) / classes);
    struct softmax_mask_args a = { rows, classes, has_ignore, ignore, hsgd_wanted(e->dx[0]) };
    struct hsgd_ref stats = hsgd_scratch(e, 4 * (int64_t)rows), labels = hsgd_scratch(e, rows);
    struct hsgd_ref counts = hsgd_at(stats, 2 * (int64_t)rows);
    HSGD_LAUNCH(e, HSGD_KERNEL(softmax_labels), HSGD_ITEMS, rows, &a, e->x[1], labels, counts);
    struct hsgd_ref weights = w ? emit_floats(e, w) : stats;
    if (!w) emit_softmax(e, rows, smoothing, labels, stats);
    else emit_weighted(e, rows, smoothing, labels, weights, stats);
    HSGD_LAUNCH(e, HSGD_KERNEL(softmax_mask), HSGD_WARPS, rows, &a, stats, a.want_gradient ? e->dx[0] : stats);
    struct softmax_weigh_args weigh = { rows, classes, has_ignore, ignore };
    if (w) HSGD_LAUNCH(e, HSGD_KERNEL(softmax_weigh), HSGD_ITEMS, rows, &weigh, labels, weights, stats);
    emit_row_sums(e, rows, w ? 4 : 3, w ? 4 : 3, 0, stats);
}

static void forward(struct hsgd_emit *e)
{
    const struct hsgd_softmax_cross_entropy *loss = attributes(e->node);
    float smoothing = e->training ? loss->label_smoothing : 0;
    if (loss->has_ignore || e->node->in[1].rank || weights_of(e->node)) {
        emit_masked(e, smoothing, loss->has_ignore, loss->ignore, weights_of(e->node));
        return;
    }
    struct hsgd_ref stats = hsgd_scratch(e, 2 * e->rows);
    emit_softmax(e, e->rows, smoothing, e->x[1], stats);
    struct loss_sums_args s = { e->rows };
    HSGD_LAUNCH(e, HSGD_KERNEL(loss_sums), HSGD_WARPS, 3, &s, stats, e->sums);
}

static void count(struct hsgd_emit *e)
{
    const struct hsgd_softmax_cross_entropy *loss = attributes(e->node);
    struct softmax_count_args a = { e->rows * sample_size(&e->node->in[1]), loss->ignore };
    if (weights_of(e->node)) {
        struct softmax_weigh_args w = { a.rows, loss->class_weights.count, loss->has_ignore, loss->ignore };
        struct hsgd_ref weights = emit_floats(e, weights_of(e->node));
        HSGD_LAUNCH(e, HSGD_KERNEL(softmax_count_weights), HSGD_WARPS, 1, &w, e->x[1], weights, e->sums);
        return;
    }
    HSGD_LAUNCH(e, HSGD_KERNEL(softmax_count), HSGD_WARPS, 1, &a, e->x[1], e->sums);
}

/* softmax(y)_i = exp(y_i - max y) / sum_k exp(y_k - max y). */
static void softmax(float *y, int n)
{
    double sum = 0, most = y[0];
    for (int i = 1; i < n; i++) most = fmax(most, y[i]);
    for (int i = 0; i < n; i++) sum += exp(y[i] - most);
    for (int i = 0; i < n; i++) y[i] = (float)(exp(y[i] - most) / sum);
}

static void prediction(float *y, int64_t vectors, int classes)
{
    for (int64_t i = 0; i < vectors; i++) softmax(y + i * classes, classes);
}

#define AT(field) offsetof(struct hsgd_softmax_cross_entropy, field)
static const struct hsgd_attribute fields[] = { { "label_smoothing", HSGD_FLOAT, AT(label_smoothing), false, 0, NULL },
                                                { "has_ignore", HSGD_BOOL, AT(has_ignore), false, 0, NULL },
                                                { "ignore", HSGD_INT, AT(ignore), false, 0, NULL },
                                                { "class_weights", HSGD_FLOATS, AT(class_weights), false, 0, NULL },
                                                { 0 } };

const struct hsgd_op hsgd_op_softmax_cross_entropy = { .name = "softmax_cross_entropy",
                                                       .attributes_size = sizeof(struct hsgd_softmax_cross_entropy),
                                                       .fields = fields,
                                                       .layouts = 1u << HSGD_NHWC,
                                                       .inputs = 2,
                                                       .is_loss = true,
                                                       .infer = infer,
                                                       .forward = { { forward } },
                                                       .count = count,
                                                       .prediction = prediction };

/* -------------------------------------------------------------- perplexity */

static int perplexity_infer(struct hsgd_node *n, char *why, size_t size)
{
    if (class_loss_infer(n, why, size)) return -1;
    n->forward_flops = 10.0 * sample_size(&n->in[0]);
    return 0;
}

static void perplexity_forward(struct hsgd_emit *e)
{
    const struct hsgd_perplexity *a = e->node->attributes;
    emit_masked(e, 0, a->has_ignore, a->ignore, NULL);
}

static double perplexity(const double *sums, const void *a)
{
    (void)a;
    return exp(sums[0] / sums[2]);
}

#undef AT
#define AT(field) offsetof(struct hsgd_perplexity, field)
static const struct hsgd_attribute perplexity_fields[] = { { "has_ignore", HSGD_BOOL, AT(has_ignore), false, 0, NULL },
                                                           { "ignore", HSGD_INT, AT(ignore), false, 0, NULL },
                                                           { 0 } };

const struct hsgd_op hsgd_op_perplexity = { .name = "perplexity",
                                            .attributes_size = sizeof(struct hsgd_perplexity),
                                            .fields = perplexity_fields,
                                            .layouts = 1u << HSGD_NHWC,
                                            .inputs = 2,
                                            .is_metric = true,
                                            .less_is_better = true,
                                            .infer = perplexity_infer,
                                            .forward = { { perplexity_forward } },
                                            .value = perplexity };
