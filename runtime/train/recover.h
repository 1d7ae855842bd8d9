/* SPDX-License-Identifier: BSD-3-Clause */
/* Going on without a device that has failed. */
#ifndef HSGD_RUNTIME_TRAIN_RECOVER_H
#define HSGD_RUNTIME_TRAIN_RECOVER_H

#include "state.h"

/* After a failure in step `step` of p: whether the step can be repeated
 * without the device, because nothing of it has reached the parameters and
 * another device is left.  Then p and all plans that use the device are gone,
 * and the user is told. */
bool recover(struct trainer_state *s, const struct plan *p, int64_t step);

#endif
