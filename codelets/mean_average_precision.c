/* SPDX-License-Identifier: BSD-3-Clause */
/* Mean average precision of detections, from histograms of their scores. */
#include <math.h>
#include <stdio.h>

#include "base/c_locale.h"
#include "kernels.h"
#include "type_text.h"
#include "types.h"

enum { FOUND = 6, BOX = 5, MAX_BINS = 1 << 16, MAX_SUMS = 1 << 24 };

static int sums_of(const struct hsgd_mean_average_precision *a) { return a->classes * (2 * a->bins + 1); }

static int infer(struct hsgd_node *n, char *why, size_t size)
{
    const struct hsgd_mean_average_precision *a = n->attributes;
    if (!is_rows_of(&n->in[0], 2, FOUND) || !is_rows_of(&n->in[1], 2, BOX))
        snprintf(why, size, "the inputs must be detections, N x %d, and boxes, N x %d floats, not %s and %s", FOUND,
                 BOX, type_text(&n->in[0]).text, type_text(&n->in[1]).text);
    else if (a->classes < 1 || a->bins < 1 || a->bins > MAX_BINS || a->classes > MAX_SUMS / (2 * a->bins + 1))
        snprintf(why, size,
                 "classes must be 1 or more, and bins from 1 to %d, which are not too many together, "
                 "not %d and %d",
                 MAX_BINS, a->classes, a->bins);
    else if (!(a->iou_threshold > 0 && a->iou_threshold <= 1))
        c_snprintf(why, size, "iou_threshold must be in (0, 1], not %g", (double)a->iou_threshold);
    else {
        n->sums[HSGD_FORWARD][0] = sums_of(a);
        n->forward_flops = 15.0 * n->in[0].dim[0] * n->in[1].dim[0];
        return 0;
    }
    return -1;
}

static void forward(struct hsgd_emit *e)
{
    const struct hsgd_mean_average_precision *u = e->node->attributes;
    struct map_args a = {
        e->rows, e->node->in[0].dim[0], e->node->in[1].dim[0], u->classes, u->bins, u->iou_threshold
    };
    struct map_count_args count = { a.samples * (a.found + a.boxes), sums_of(u) };
    struct zero_args none = { count.sums + 1 };
    struct hsgd_ref places = hsgd_scratch(e, count.places), taken = hsgd_scratch(e, (int64_t)a.samples * a.boxes);
    struct hsgd_ref counts = hsgd_scratch(e, none.n);
    HSGD_LAUNCH(e, HSGD_KERNEL(map_places), HSGD_ITEMS, a.samples, &a, e->x[0], e->x[1], places, taken);
    HSGD_LAUNCH(e, HSGD_KERNEL(zero), HSGD_ITEMS, none.n, &none, counts);
    HSGD_LAUNCH(e, HSGD_KERNEL(map_count), HSGD_ITEMS, count.places, &count, places, counts);
    HSGD_LAUNCH(e, HSGD_KERNEL(map_sums), HSGD_ITEMS, count.sums, &count, counts, e->sums);
}

/* Of a class: the area under its precision as a function of recall, where each has the largest precision at that recall
 * or a larger one; detections of one bin come together. */
static double average_precision(const double *right, const double *wrong, int bins, double boxes)
{
    double found = 0, others = 0, best = 0, area = 0;
    for (int i = 0; i < bins; i++) found += right[i], others += wrong[i];
    for (int i = 0; i < bins; i++) { /* from the lowest score: what has at least this one */
        if (right[i] + wrong[i] == 0) continue;
        best = fmax(best, found / (found + others));
        area += right[i] * best;
        found -= right[i];
        others -= wrong[i];
    }
    return area / boxes;
}

/* The mean over the classes that have boxes. */
static double value(const double *sums, const void *attributes)
{
    const struct hsgd_mean_average_precision *a = attributes;
    double sum = 0;
    int classes = 0;
    if (isnan(sums[0])) return NAN;
    for (int c = 0; c < a->classes; c++, sums += 2 * a->bins + 1) {
        double boxes = sums[2 * a->bins];
        if (boxes == 0) continue;
        sum += average_precision(sums, sums + a->bins, a->bins, boxes);
        classes++;
    }
    return sum / classes;
}

#define AT(field) offsetof(struct hsgd_mean_average_precision, field)
static const struct hsgd_attribute fields[] = { { "classes", HSGD_UNITS, AT(classes), true, 0, NULL },
                                                { "iou_threshold", HSGD_FLOAT, AT(iou_threshold), false, 0.5, NULL },
                                                { "bins", HSGD_INT, AT(bins), false, 1024, NULL },
                                                { 0 } };

const struct hsgd_op hsgd_op_mean_average_precision = { .name = "mean_average_precision",
                                                        .attributes_size = sizeof(struct hsgd_mean_average_precision),
                                                        .fields = fields,
                                                        .layouts = 1u << HSGD_NHWC,
                                                        .inputs = 2,
                                                        .is_metric = true,
                                                        .infer = infer,
                                                        .forward = { { forward } },
                                                        .value = value };
