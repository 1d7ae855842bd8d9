/* SPDX-License-Identifier: BSD-3-Clause */
/* Losses and metrics of a model: the sums that a step returns, the figures that
 * are made of them, and what gradients of sums are divided by. */
#ifndef HSGD_RUNTIME_METRICS_H
#define HSGD_RUNTIME_METRICS_H

#include "model.h"

enum { LOSS_SUM, LOSS_CORRECT, LOSS_TERMS, LOSS_POSITIONS }; /* what a loss returns; the last only some */

/* Finds the places of sums, and the figures.  -EINVAL with a sentence. */
int metrics_find(struct hsgd_model *m);

/* Figure i from sums over slices and batches.  NaN: not known. */
double metric_value(const struct hsgd_model *m, int i, const double *sums);
bool metric_less_is_better(const struct hsgd_model *m, int i);
/* The first loss or metric that takes a field's targets as they are; NULL: they may be normalised. */
const struct node *field_reader_as_is(const struct hsgd_model *m, const struct model_field *f);
/* The figure of this name among all; NaN: the model has none. */
double metric_named(const struct hsgd_model *m, const double *figure, const char *name);
/* All figures. */
void metric_values(const struct hsgd_model *m, const double *sums, double *figure);
/* The number of the figure of this name; -1: none. */
int metric_find(const struct hsgd_model *m, const char *name);

/* Whether the sums have any terms of what is minimised. */
bool sums_have_terms(const struct hsgd_model *m, const double *sums);

/* Where only targets tell a loss's number of terms, slices count before all else,
 * and each loss's gradient is divided by that of the batch; then losses_counted()
 * are so many, of which the node's is number loss_counted(); -1: it is not one.
 *
 * Otherwise all is divided in the update: by loss_scale().  Where the terms of
 * several losses differ, loss_factor() makes up for it. */
int losses_counted(const struct hsgd_model *m);
int loss_counted(const struct hsgd_model *m, const struct node *n);
float loss_factor(const struct hsgd_model *m, const struct node *n, int batch);
float loss_scale(const struct hsgd_model *m, int batch);

#endif
