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

#endif
