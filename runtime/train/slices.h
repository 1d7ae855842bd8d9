/* SPDX-License-Identifier: BSD-3-Clause */
/* Choosing slices: how a batch is divided over the devices. */
#ifndef HSGD_RUNTIME_TRAIN_SLICES_H
#define HSGD_RUNTIME_TRAIN_SLICES_H

#include "state.h"

#define MAX_SLICES 32

/* How a batch is divided, and why each device has its rows. */
struct division {
    int n;
    struct slice_spec slice[MAX_SLICES];
    char why[MAX_DEVICES][PLAN_REASON];
};

/* Divides `batch` rows.  A negative errno when there is no memory for trials. */
int slices_choose(struct trainer_state *s, int batch, enum plan_mode mode, struct division *out);

/* Fills in s->balance.alone for batches of this size, by trials if need be. */
int slices_calibrate(struct trainer_state *s, int batch);

/* Divides anew by the present model (s->balance). */
void slices_solve(struct trainer_state *s, int batch, struct division *out);

/* Appends `rows` rows on a device to n slices, over at most `parts` of about
 * equal size, in blocks of `block` rows; returns how many there are then. */
int slices_add(struct slice_spec *out, int n, struct device *d, int rows, int parts, int block);

#endif
