/* SPDX-License-Identifier: BSD-3-Clause */
/* Calibrations that are kept: what trials measured on this host, for these
 * operations and kernels. */
#ifndef HSGD_RUNTIME_TRAIN_CALIBRATION_H
#define HSGD_RUNTIME_TRAIN_CALIBRATION_H

#include "state.h"

/* Fills in the seconds of c->rows on device d; false: not known. */
bool calibration_load(const struct trainer_state *s, const struct device *d, struct curve *c);

/* Keeps them; what cannot be written is measured again next time. */
void calibration_save(const struct trainer_state *s, const struct device *d, const struct curve *c);

#endif
