/* SPDX-License-Identifier: BSD-3-Clause */
/* The cost model: time of a cell on its device, seeded by a guess, corrected
 * by the moving median of what the launchers measured. */
#ifndef HSGD_RUNTIME_COST_H
#define HSGD_RUNTIME_COST_H

#include "plan.h"

#define COST_COLD 3 /* first runs */
#define COST_KEPT 9 /* measurements; odd, so that the median is one of them */

/* Finds the variant's entry: the same kernels, sizes and device share one,
 * over all plans of the context. */
int cost_bind(struct hsgd_context *ctx, const struct cell *c, struct variant *v);

void cost_measured(struct variant *v, uint64_t ns);
/* Median of the last measurements; a guess before the first. */
double cost_us(const struct variant *v);
/* The least of them: what a cell takes when nothing else disturbs it. */
double cost_min_us(const struct variant *v);
bool cost_known(const struct variant *v);
/* Whether the first runs, which are slower, are over. */
bool cost_is_warm(const struct variant *v);

#endif
