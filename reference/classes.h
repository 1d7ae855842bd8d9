/* SPDX-License-Identifier: BSD-3-Clause */
/* Losses of scores against a class per row. */
#ifndef HSGD_REFERENCE_CLASSES_H
#define HSGD_REFERENCE_CLASSES_H

#include "check.h"

/* Of one row: its loss, the bound of that, and the class with the largest score. */
struct class_row {
    double loss, e;
    int best;
};

/* A row's loss with its labels smoothed, and the gradient. */
typedef struct class_row class_row_fn(int cols, const double *z, int label, double smoothing, struct approx *dz);

/* Runs such a loss on a random shape; outside training labels are not smoothed. */
void check_class_loss(const struct hsgd_op *op, const void *attributes, class_row_fn *of, float smoothing, int turn);

#endif
