/* SPDX-License-Identifier: BSD-3-Clause */
/* Training a network in double precision, by plain loops. */
#ifndef HSGD_REFERENCE_NETWORK_H
#define HSGD_REFERENCE_NETWORK_H

#include <hsgd/hsgd.h>

/* An operation and its attributes; op NULL ends a list.  Operations: dense, conv2d,
 * max_pool, flatten, and softmax_cross_entropy as the last one, each on what the one
 * before it made. */
struct reference_layer {
    const struct hsgd_op *op;
    const void *attributes;
};

struct reference_network;

/* Copies the weights of a model with the same layers.  NULL: out of memory, or
 * the model's weights differ in shape. */
struct reference_network *reference_network_create(const struct reference_layer *layers, struct hsgd_model *model);
void reference_network_destroy(struct reference_network *n);

/* One step of plain SGD on `samples` samples; returns the mean loss before it. */
double reference_network_step(struct reference_network *n, const float *x, const int32_t *labels, int samples,
                              double rate);

#endif
