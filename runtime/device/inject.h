/* SPDX-License-Identifier: BSD-3-Clause */
/* HSGD_SLOW and HSGD_FAIL: devices that pretend to be slower or to fail, so
 * that any ratio of speeds and the loss of a device can be tried on one
 * machine. */
#ifndef HSGD_RUNTIME_INJECT_H
#define HSGD_RUNTIME_INJECT_H

#include "base/core.h"

/* Reads the variables once the context's devices are known; -EINVAL. */
int inject_read(struct hsgd_context *ctx);

/* Waits after a cell of `rows` rows of training step `step` that began at
 * `began` on d, so that it lasts as on the slower device. */
void inject_slowness(const struct device *d, int rows, int64_t step, uint64_t began);

/* Whether cells of d are to fail in this step. */
static inline bool inject_failure(const struct device *d, int64_t step) { return d->fails && step >= d->fails_from; }

#endif
