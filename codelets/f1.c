/* SPDX-License-Identifier: BSD-3-Clause */
/* Precision, recall and F1, from the numbers of right guesses, wrong ones and misses of each class. */
#include <math.h>
#include <stdio.h>

#include "base/c_locale.h"
#include "loss.h"

enum { RIGHT, WRONG, MISSED, COUNTS, FIRST = 2 }; /* sums: two, then COUNTS for each class */

static const struct hsgd_f1 *attributes(const struct hsgd_node *n) { return n->attributes; }
static bool of_classes(const struct hsgd_node *n) { return n->in[1].dtype == HSGD_I32; }

static int infer(struct hsgd_node *n, char *why, size_t size)
{
    const struct hsgd_f1 *a = attributes(n);
    if (of_classes(n) ? class_infer(n, why, size) : value_infer(n, why, size)) return -1;
    int classes = hsgd_type_channels(&n->in[0]);
    if ((unsigned)a->average > HSGD_AVERAGE_BINARY || (a->average == HSGD_AVERAGE_BINARY && classes > 2)) {
        snprintf(why, size, "average: binary needs one class or two, not %d", classes);
        return -1;
    }
    if (!isfinite(a->threshold)) {
        c_snprintf(why, size, "threshold must be a number, not %g", (double)a->threshold);
        return -1;
    }
    n->sums[HSGD_FORWARD][0] = FIRST + COUNTS * (int64_t)classes;
    n->forward_flops = 4.0 * sample_size(&n->in[0]);
    return 0;
}

static void forward(struct hsgd_emit *e)
{
    const struct hsgd_f1 *f = attributes(e->node);
    int classes = hsgd_type_channels(&e->node->in[0]), rows = e->rows * (sample_size(&e->node->in[0]) / classes);
    if (!of_classes(e->node)) {
        struct value_guess_args a = { rows, classes, f->threshold };
        HSGD_LAUNCH(e, HSGD_KERNEL(value_counts_of), HSGD_WARPS, classes, &a, e->x[0], e->x[1], e->sums);
        return;
    }
    struct guess_args a = { rows, classes, f->has_ignore, f->ignore };
    struct class_count_args c = { rows, classes };
    struct hsgd_ref guesses = hsgd_scratch(e, 2 * (int64_t)rows);
    HSGD_LAUNCH(e, HSGD_KERNEL(class_guesses), HSGD_WARPS, rows, &a, e->x[0], e->x[1], guesses);
    HSGD_LAUNCH(e, HSGD_KERNEL(class_counts), HSGD_WARPS, classes, &c, guesses, e->sums);
}

/* -------------------------------------------------------------------- values */

/* 0 where nothing was guessed, or nothing was to be found. */
static double ratio(double a, double b) { return b == 0 ? 0 : a / b; }

static double precision_of(const double *n) { return ratio(n[RIGHT], n[RIGHT] + n[WRONG]); }
static double recall_of(const double *n) { return ratio(n[RIGHT], n[RIGHT] + n[MISSED]); }
static double f1_of(const double *n) { return ratio(2 * n[RIGHT], 2 * n[RIGHT] + n[WRONG] + n[MISSED]); }

/* Over the classes that were guessed or to be found; NaN: there are none. */
static double average(const double *sums, const void *attributes, double (*of)(const double *n))
{
    const struct hsgd_f1 *a = attributes;
    int classes = (int)lround(sums[1] / sums[0]), seen = 0;
    double all[COUNTS] = { 0 }, total = 0;
    if (!(sums[0] > 0)) return NAN;
    if (a->average == HSGD_AVERAGE_BINARY) return of(sums + FIRST + COUNTS * (classes - 1));
    for (int c = 0; c < classes; c++) {
        const double *n = sums + FIRST + COUNTS * c;
        for (int i = 0; i < COUNTS; i++) all[i] += n[i];
        if (n[RIGHT] + n[WRONG] + n[MISSED] == 0) continue;
        total += of(n);
        seen++;
    }
    if (a->average == HSGD_AVERAGE_MICRO) return of(all);
    return seen ? total / seen : NAN;
}

static double precision(const double *sums, const void *attributes) { return average(sums, attributes, precision_of); }
static double recall(const double *sums, const void *attributes) { return average(sums, attributes, recall_of); }
static double f1(const double *sums, const void *attributes) { return average(sums, attributes, f1_of); }

/* -------------------------------------------------------------- descriptors */

#define AT(field) offsetof(struct hsgd_f1, field)
static const struct hsgd_attribute fields[] = { { "average", HSGD_WORD, AT(average), false, 0, "macro micro binary" },
                                                { "threshold", HSGD_FLOAT, AT(threshold), false, 0, NULL },
                                                { "has_ignore", HSGD_BOOL, AT(has_ignore), false, 0, NULL },
                                                { "ignore", HSGD_INT, AT(ignore), false, 0, NULL },
                                                { 0 } };

const struct hsgd_op hsgd_op_precision = { .name = "precision",
                                           .attributes_size = sizeof(struct hsgd_f1),
                                           .fields = fields,
                                           .layouts = 1u << HSGD_NHWC,
                                           .inputs = 2,
                                           .is_metric = true,
                                           .infer = infer,
                                           .forward = { { forward } },
                                           .value = precision };
const struct hsgd_op hsgd_op_recall = { .name = "recall",
                                        .attributes_size = sizeof(struct hsgd_f1),
                                        .fields = fields,
                                        .layouts = 1u << HSGD_NHWC,
                                        .inputs = 2,
                                        .is_metric = true,
                                        .infer = infer,
                                        .forward = { { forward } },
                                        .value = recall };
const struct hsgd_op hsgd_op_f1 = { .name = "f1",
                                    .attributes_size = sizeof(struct hsgd_f1),
                                    .fields = fields,
                                    .layouts = 1u << HSGD_NHWC,
                                    .inputs = 2,
                                    .is_metric = true,
                                    .infer = infer,
                                    .forward = { { forward } },
                                    .value = f1 };
