/* SPDX-License-Identifier: BSD-3-Clause */
/* A step as the cost model expects it: when each cell runs, what is copied for
 * it, and how long workers wait. */
#ifndef HSGD_RUNTIME_PLAN_LAYOUT_H
#define HSGD_RUNTIME_PLAN_LAYOUT_H

#include "plan.h"

/* What a step copies between main memory and the memory of a device. */
struct copies {
    int to, from; /* buffers */
    int64_t bytes_to, bytes_from;
    double ms_to, ms_from; /* that the link takes, by StarPU's measurement of it; NaN: there is none */
};

/* Where a cell lies in a step, in milliseconds. */
struct place {
    double start, end;
    double copied; /* of the time before `start`: copies of what it reads to its device */
    int worker;
};

/* Fills in the places of all cells: each runs on its worker, or the first free one of
 * its device, as soon as the cells that it must wait for are done and what it
 * reads has been copied: to main memory by the device that has it, from there by its own.  Adds up the copies of each device (NULL: not wanted).
 * Returns the length of the step. */
double layout(const struct plan *p, struct place *place, struct copies *copies);

#endif
