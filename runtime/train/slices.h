/* SPDX-License-Identifier: BSD-3-Clause */
/* Choosing slices: how a batch is divided over the devices. */
#ifndef HSGD_RUNTIME_TRAIN_SLICES_H
#define HSGD_RUNTIME_TRAIN_SLICES_H

#include "plan/division.h"
#include "state.h"

/* Divides `batch` rows.  A negative errno when there is no memory for trials. */
int slices_choose(struct trainer_state *s, int batch, enum plan_mode mode, struct division *out);

/* Fills in s->balance.alone for batches of this size, by trials if need be. */
int slices_calibrate(struct trainer_state *s, int batch);

/* Divides anew by the present model (s->balance). */
void slices_solve(struct trainer_state *s, int batch, struct division *out);

#endif
