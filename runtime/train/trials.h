/* SPDX-License-Identifier: BSD-3-Clause */
/* Trials: short runs of whole steps on a shadow of the trainer. */
#ifndef HSGD_RUNTIME_TRAIN_TRIALS_H
#define HSGD_RUNTIME_TRAIN_TRIALS_H

#include "plan/divide.h"
#include "slices.h"

/* Seconds of one training step with these slices: the least of a few short
 * trials; INFINITY when they fail. */
double trial(struct trainer_state *shadow, int n, const struct slice_spec *specs);

/* Measures every device alone at three sizes, or takes what was measured
 * before on this host (doc/environment.md, HSGD_CACHE_DIR). */
void trials_calibrate(struct trainer_state *shadow, int batch, struct curve *curve);

#endif
