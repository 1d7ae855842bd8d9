/* SPDX-License-Identifier: BSD-3-Clause */
/* What StarPU's performance models know cells by: a model for each kind of a network's
 * cells, in which a footprint tells them apart, the same on every device. */
#ifndef HSGD_RUNTIME_RECORDING_H
#define HSGD_RUNTIME_RECORDING_H

#include "base/sha256.h"
#include "plan_build.h"

/* Another job of a cell: its footprint and its size (samples, or bytes of parameters). */
void recording_add(const struct plan *p, const struct job *j, struct cell *c);

/* The symbol of a kind of a plan's cells: hsgd_<network>_<kind>_<hash>.  False: the plan
 * is of an operation alone, and has none. */
bool recording_symbol(struct plan *p, enum cell_kind kind, char out[PERFMODEL_SYMBOL]);

/* What times depend on, for digests: all kernels; the types of inputs and targets. */
void recording_add_kernels(struct sha256 *h);
void recording_add_fields(struct sha256 *h, const struct hsgd_model *m);

#endif
