/* SPDX-License-Identifier: BSD-3-Clause */
/* Drift: whether devices still take the time that the batch was divided by. */
#ifndef HSGD_RUNTIME_TRAIN_DRIFT_H
#define HSGD_RUNTIME_TRAIN_DRIFT_H

#include "state.h"

/* Watches the plan that the training's batches run by; a plan of another
 * batch is not watched. */
void drift_watch(struct trainer_state *s, const struct plan *p);

/* After a step, on a worker: whether the batch should be divided anew. */
bool drift_enough(void *state);

/* Before a window: measures devices that are left idle, so seldom that it is
 * no more than a hundredth of the time.  Whether the batch should be divided
 * anew. */
bool drift_probe(struct trainer_state *s, int batch);

/* Whether drift_enough() or drift_probe() has said so, before step `step`; corrects the model
 * then, and tells. */
bool drift_correct(struct trainer_state *s, int64_t step);

#endif
