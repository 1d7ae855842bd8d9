/* SPDX-License-Identifier: BSD-3-Clause */
/* Metrics of classes: the fraction of positions whose class is the largest score, or
 * one of the k largest. */
#include <stdio.h>

#include "loss.h"

static int infer(struct hsgd_node *n, char *why, size_t size)
{
    if (class_infer(n, why, size)) return -1;
    n->sums[HSGD_FORWARD][0] = 2;
    n->forward_flops = sample_size(&n->in[0]);
    return 0;
}

static void emit(struct hsgd_emit *e, int k, bool has_ignore, int ignore)
{
    int classes = hsgd_type_channels(&e->node->in[0]), rows = e->rows * (sample_size(&e->node->in[0]) / classes);
    struct top_k_args a = { rows, classes, k, has_ignore, ignore };
    struct hsgd_ref stats = hsgd_scratch(e, 2 * (int64_t)rows);
    HSGD_LAUNCH(e, HSGD_KERNEL(top_k), HSGD_WARPS, rows, &a, e->x[0], e->x[1], stats);
    emit_row_sums(e, rows, 2, 2, 0, stats);
}

static double value(const double *sums, const void *attributes)
{
    (void)attributes;
    return sums[0] / sums[1];
}

/* ---------------------------------------------------------------- accuracy */

static void accuracy_forward(struct hsgd_emit *e)
{
    const struct hsgd_accuracy *a = e->node->attributes;
    emit(e, 1, a->has_ignore, a->ignore);
}

#define AT(field) offsetof(struct hsgd_accuracy, field)
static const struct hsgd_attribute accuracy_fields[] = { { "has_ignore", HSGD_BOOL, AT(has_ignore), false, 0, NULL },
                                                         { "ignore", HSGD_INT, AT(ignore), false, 0, NULL },
                                                         { 0 } };

const struct hsgd_op hsgd_op_accuracy = { .name = "accuracy",
                                          .attributes_size = sizeof(struct hsgd_accuracy),
                                          .fields = accuracy_fields,
                                          .layouts = 1u << HSGD_NHWC,
                                          .inputs = 2,
                                          .is_metric = true,
                                          .infer = infer,
                                          .forward = { { accuracy_forward } },
                                          .value = value };

/* ------------------------------------------------------------------- top k */

static int top_k_infer(struct hsgd_node *n, char *why, size_t size)
{
    const struct hsgd_top_k *a = n->attributes;
    if (infer(n, why, size)) return -1;
    if (a->k >= 1 && a->k <= hsgd_type_channels(&n->in[0])) return 0;
    snprintf(why, size, "k must be in 1..%d, the number of classes, not %d", hsgd_type_channels(&n->in[0]), a->k);
    return -1;
}

static void top_k_forward(struct hsgd_emit *e)
{
    const struct hsgd_top_k *a = e->node->attributes;
    emit(e, a->k, a->has_ignore, a->ignore);
}

#undef AT
#define AT(field) offsetof(struct hsgd_top_k, field)
static const struct hsgd_attribute top_k_fields[] = { { "k", HSGD_INT, AT(k), true, 0, NULL },
                                                      { "has_ignore", HSGD_BOOL, AT(has_ignore), false, 0, NULL },
                                                      { "ignore", HSGD_INT, AT(ignore), false, 0, NULL },
                                                      { 0 } };

const struct hsgd_op hsgd_op_top_k = { .name = "top_k",
                                       .attributes_size = sizeof(struct hsgd_top_k),
                                       .fields = top_k_fields,
                                       .layouts = 1u << HSGD_NHWC,
                                       .inputs = 2,
                                       .is_metric = true,
                                       .infer = top_k_infer,
                                       .forward = { { top_k_forward } },
                                       .value = value };
