/* SPDX-License-Identifier: BSD-3-Clause */
/* Losses of values against a target of the same type. */
#ifndef HSGD_REFERENCE_VALUES_H
#define HSGD_REFERENCE_VALUES_H

#include "check.h"

/* Of one value: its loss and derivative. */
struct value_loss {
    struct approx loss, slope;
};

/* Runs such a loss on random types, logits and targets in 0..1. */
void check_value_loss(const struct hsgd_op *op, const void *attributes, struct value_loss (*of)(double z, double t),
                      int shapes);

/* Values of samples of this type; value i has weight i modulo their number, where there are weights. */
struct values {
    struct hsgd_type type;
    int rows, size;
    double *z;
    const float *t;
    struct value_loss (*of)(double z, double t);
    struct value_loss (*weighted)(double z, double t, double w); /* in place of `of` where there are weights */
    const struct hsgd_floats *weight;                            /* NULL: there are none */
};
/* Draws logits and targets for the type and rows of s, and runs the loss on them. */
void check_values(int turn, const struct hsgd_op *op, const void *attributes, struct values *s);

/* A type of some values, with `channels` where it is not a number. */
struct hsgd_type check_value_type(int turn, int channels);

#endif
