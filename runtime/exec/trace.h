/* SPDX-License-Identifier: BSD-3-Clause */
/* The recorder of executed cells. */
#ifndef HSGD_RUNTIME_TRACE_H
#define HSGD_RUNTIME_TRACE_H

#include "plan/plan.h"

/* Where the context records: what a plan's cells are for, before they run.  No effect
 * without a trace. */
void trace_describe(struct plan *plan);

/* Keeps one run of a cell on a device, from the calling worker; called from
 * many at once. */
void trace_cell(struct trace *trace, const struct plan *plan, const struct cell *cell, const struct device *device,
                int row, uint64_t began, uint64_t ended);

#endif
