/* SPDX-License-Identifier: BSD-3-Clause */
/* Running a plan for a window of steps: the two executors. */
#ifndef HSGD_RUNTIME_RUN_H
#define HSGD_RUNTIME_RUN_H

#include "plan/plan.h"

/* Where batches come from.  fill() writes rows [first_row, first_row + rows)
 * of step `step` of the window to the places of the model's fields; it may be
 * called from another thread.  fill NULL: the plan's inputs hold data already. */
struct batch_source {
    void (*fill)(void *user, int step, int first_row, int rows, void *const *field);
    void *user;
};

/* The steps of a window to run: rows first to end - 1 of the step table.
 * `enough` (or NULL) is asked after each, on a worker; it says that no more
 * should begin.  Afterwards `end` is where the run stopped: all steps before
 * it are done. */
struct span {
    int first, end;
    bool (*enough)(void *user);
    void *user;
};

/* Runs steps; returns when they are done, with 0 or the first failure.  The
 * step table must be filled in. */
int plan_run(struct plan *plan, struct span *span, enum hsgd_executor executor, const struct batch_source *source);

#endif
