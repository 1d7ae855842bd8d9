/* Choosing slices: how a batch is divided over the devices. */
#ifndef HSGD_RUNTIME_TRAIN_SLICES_H
#define HSGD_RUNTIME_TRAIN_SLICES_H

#include "state.h"

#define MAX_SLICES 32

/* Divides `batch` rows; returns how many slices, or a negative errno. */
int slices_choose(struct trainer_state *s, int batch, enum plan_mode mode, struct slice_spec out[MAX_SLICES]);

#endif
