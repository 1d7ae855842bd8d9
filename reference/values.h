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

/* A type of some values, with `channels` where it is not a number. */
struct hsgd_type check_value_type(int turn, int channels);

#endif
