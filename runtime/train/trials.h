/* SPDX-License-Identifier: BSD-3-Clause */
/* Trials: short runs of whole steps on a shadow of the trainer. */
#ifndef HSGD_RUNTIME_TRAIN_TRIALS_H
#define HSGD_RUNTIME_TRAIN_TRIALS_H

#include "calibration.h"
#include "plan/divide.h"
#include "slices.h"

/* Seconds of one training step with these slices: the least of a few short
 * trials; INFINITY when they fail. */
double trial(struct trainer_state *shadow, int n, const struct slice_spec *specs);

/* Measures every device alone at three sizes, or takes what was measured
 * before on this host (doc/environment.md, HSGD_CACHE_DIR), unless `again`.
 * 0, or a negative errno with a sentence: it could not be kept. */
int trials_measure(struct trainer_state *shadow, int batch, bool again, struct curve *curve, struct calibration *kept);

/* The same where it does not matter whether it can be kept. */
void trials_calibrate(struct trainer_state *shadow, int batch, struct curve *curve);

#endif
