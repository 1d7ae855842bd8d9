/* SPDX-License-Identifier: BSD-3-Clause */
/* One prediction of a step, for candidates and for the plan in use. */
#ifndef HSGD_RUNTIME_TRAIN_PREDICT_H
#define HSGD_RUNTIME_TRAIN_PREDICT_H

#include "algorithm.h"
#include "state.h"

/* Bit i: device i of the context. */
typedef uint32_t device_set;

/* The devices that the batch is divided over now; replicas are on all devices. */
device_set predict_chosen(const struct trainer_state *s);

/* What every device takes alone, and together, for batches of this size; NULL: not known. */
const struct curve *predict_curves(const struct trainer_state *s, int batch);

/* Seconds of a step of `batch` samples on these devices; with a server, in which all replicas together train as
 * many.  What trials measured of this very division counts more than curves.  NaN: not known, or it is another
 * candidate, since a device would have no rows. */
double predict_step(const struct trainer_state *s, const struct algorithm *a, device_set devices, int batch);

#endif
