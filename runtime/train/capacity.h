/* SPDX-License-Identifier: BSD-3-Clause */
/* How many rows of a batch a device's memory holds. */
#ifndef HSGD_RUNTIME_TRAIN_CAPACITY_H
#define HSGD_RUNTIME_TRAIN_CAPACITY_H

#include "state.h"

/* The most rows of a training step on d beside the other devices that its
 * memory holds, at most `batch`; 0: none, with a sentence. */
int capacity_rows(struct trainer_state *shadow, struct device *d, int batch);

#endif
