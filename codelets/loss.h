/* SPDX-License-Identifier: BSD-3-Clause */
/* What losses and metrics have in common. */
#ifndef HSGD_CODELETS_LOSS_H
#define HSGD_CODELETS_LOSS_H

#include "kernels.h"

/* Checks scores {.., C} and a class for each position.  Returns 0, or -1 with a
 * reason in why. */
int class_infer(const struct hsgd_node *n, char *why, size_t size);
/* The same for a loss, which returns three sums. */
int class_loss_infer(struct hsgd_node *n, char *why, size_t size);

/* Checks values and a target of the same type, of floats. */
int value_infer(const struct hsgd_node *n, char *why, size_t size);
/* The same for a loss of one term per sample. */
int value_loss_infer(struct hsgd_node *n, char *why, size_t size);
/* Describes a loss on values: the kernel writes the mean over a sample, and its gradient. */
void emit_value_loss(struct hsgd_emit *e, const struct hsgd_kernel *kernel);

/* Numbers of an attribute where kernels can read them: in scratch memory. */
struct hsgd_ref emit_floats(struct hsgd_emit *e, const struct hsgd_floats *floats);

/* e->sums = { sums of so many columns of stats, 0.., last }, `sums` numbers. */
void emit_row_sums(struct hsgd_emit *e, int rows, int columns, int sums, float last, struct hsgd_ref stats);

#endif
