/* SPDX-License-Identifier: BSD-3-Clause */
/* Room for a plan in its devices' memory. */
#ifndef HSGD_RUNTIME_MEMORY_H
#define HSGD_RUNTIME_MEMORY_H

#include "plan/plan.h"

/* Whether everything that the plan keeps on a device has room there; it then
 * counts as the device's memory (buffer_count()).  If not,
 * that is noted in the plan's failure, with the device.  To be asked before
 * the first task is submitted: where a device has no memory left StarPU tries
 * again for ever. */
bool memory_suffices(struct plan *plan);

/* Bytes of all that the plan, or one like this sketch, keeps on a device, and
 * how many it has for that:
 * INFINITY where that is not known. */
size_t memory_need(struct plan *plan, struct device *d);
double memory_room(const struct device *d);

/* The sentence where a batch needs so many bytes, more than there is room for. */
struct memory_sentence {
    char text[200];
};
struct memory_sentence memory_too_small(const struct device *d, int batch, size_t bytes);

/* Whether the device has room for so many floats, if nothing else is there. */
bool memory_holds(const struct device *d, int64_t floats);

#endif
