/* SPDX-License-Identifier: BSD-3-Clause */
/* A tape in double precision: gradients of graphs of dense, conv2d, avg_pool, activate,
 * gelu, batch_norm, layer_norm, add, mul, concat, split and flatten, with softmax losses. */
#ifndef HSGD_TESTS_GRAPH_TAPE_H
#define HSGD_TESTS_GRAPH_TAPE_H

#include "model/model.h"

/* Forward and backward of a batch of fields x, z (floats) and label (int32_t, below
 * the number of logits); the loss is the sum over the samples, in units of the first
 * loss's weight. */
void graph_tape_make(const struct hsgd_model *m, int rows, float *const fields[3]);
/* The gradient of parameter p. */
const double *graph_tape_gradient(const struct node *n, int p);
/* How far the gradient of all that trains moves, as a relative norm, when what nodes read
 * of each other is off by up to a rounding of single precision: how well conditioned the
 * graph is. */
double graph_tape_rounding(void);
void graph_tape_free(void);

#endif
