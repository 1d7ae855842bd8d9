/* HSGD_SLOW: devices that pretend to be slower, so that any ratio of speeds
 * can be tried on one machine. */
#ifndef HSGD_RUNTIME_SLOW_H
#define HSGD_RUNTIME_SLOW_H

#include "core.h"

/* Reads the variable once the context's devices are known; -EINVAL. */
int slow_read(struct hsgd_context *ctx);

/* Waits after a cell of training step `step` that began at `began` on d, so
 * that it lasts as on the slower device. */
void slow_wait(const struct device *d, int64_t step, uint64_t began);

#endif
