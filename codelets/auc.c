/* SPDX-License-Identifier: BSD-3-Clause */
/* Area under the ROC curve of two classes, from histograms of their scores. */
#include <math.h>
#include <stdio.h>

#include "base/c_locale.h"
#include "loss.h"
#include "type_text.h"

static bool of_classes(const struct hsgd_node *n) { return n->in[1].dtype == HSGD_I32; }

static int infer(struct hsgd_node *n, char *why, size_t size)
{
    const struct hsgd_auc *a = n->attributes;
    if (of_classes(n) ? class_infer(n, why, size) : value_infer(n, why, size)) return -1;
    if (of_classes(n) && hsgd_type_channels(&n->in[0]) != 2)
        snprintf(why, size, "the input must be scores of two classes, not %s", type_text(&n->in[0]).text);
    else if (!isfinite(a->low) || !isfinite(a->high) || (a->high != a->low && !(a->high - a->low > 1e-30f)))
        c_snprintf(why, size, "low must be less than high, not %g and %g", (double)a->low, (double)a->high);
    else {
        n->sums[HSGD_FORWARD][0] = 2 * AUC_BINS;
        n->forward_flops = (of_classes(n) ? 1.0 : 2.0) * AUC_BINS * sample_size(&n->in[0]);
        return 0;
    }
    return -1;
}

static void forward(struct hsgd_emit *e)
{
    const struct hsgd_auc *u = e->node->attributes;
    bool classes = of_classes(e->node);
    int rows = e->rows * sample_size(&e->node->in[0]) / (classes ? 2 : 1);
    struct auc_args a = { rows, classes, u->has_ignore, u->ignore, u->low, u->high };
    struct hsgd_ref bins = hsgd_scratch(e, rows), truth = e->x[1];
    HSGD_LAUNCH(e, HSGD_KERNEL(auc_bins), HSGD_ITEMS, rows, &a, e->x[0], truth, truth, bins);
    HSGD_LAUNCH(e, HSGD_KERNEL(auc_count), HSGD_WARPS, 2 * AUC_BINS, &a, bins, e->sums);
}

/* The fraction of pairs in which the positive has the larger score; of one bin it is a half. */
static double value(const double *sums, const void *attributes)
{
    (void)attributes;
    const double *negative = sums, *positive = sums + AUC_BINS;
    double below = 0, positives = 0, area = 0;
    for (int i = 0; i < AUC_BINS; i++) {
        area += positive[i] * (below + 0.5 * negative[i]);
        below += negative[i];
        positives += positive[i];
    }
    return area / (below * positives);
}

#define AT(field) offsetof(struct hsgd_auc, field)
static const struct hsgd_attribute fields[] = { { "low", HSGD_FLOAT, AT(low), false, 0, NULL },
                                                { "high", HSGD_FLOAT, AT(high), false, 0, NULL },
                                                { "has_ignore", HSGD_BOOL, AT(has_ignore), false, 0, NULL },
                                                { "ignore", HSGD_INT, AT(ignore), false, 0, NULL },
                                                { 0 } };

const struct hsgd_op hsgd_op_auc = { .name = "auc",
                                     .attributes_size = sizeof(struct hsgd_auc),
                                     .fields = fields,
                                     .layouts = 1u << HSGD_NHWC,
                                     .inputs = 2,
                                     .is_metric = true,
                                     .infer = infer,
                                     .forward = { { forward } },
                                     .value = value };
