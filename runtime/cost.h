/* The cost model: time of a cell on its device, seeded by a guess, corrected
 * by the moving median of what the launchers measured. */
#ifndef HSGD_RUNTIME_COST_H
#define HSGD_RUNTIME_COST_H

#include "plan.h"

/* Finds the cell's entry: cells of the same kernels, sizes and device share
 * one, over all plans of the context. */
int cost_bind(struct hsgd_context *ctx, struct cell *c);
void cost_free(struct hsgd_context *ctx);

void cost_measured(struct cell *c, uint64_t ns);
/* Median of the last measurements; a guess before the first. */
double cost_cell_us(const struct cell *c);
bool cost_known(const struct cell *c);
uint32_t cost_footprint(const struct cell *c);

#endif
