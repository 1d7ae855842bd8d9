/* SPDX-License-Identifier: BSD-3-Clause */
/* What losses on class labels have in common. */
#ifndef HSGD_CODELETS_LOSS_H
#define HSGD_CODELETS_LOSS_H

#include <hsgd/ops.h>

/* Checks scores {C} and a class per sample, and sets the sums that are returned.
 * Returns 0, or -1 with a reason in why. */
int loss_infer(struct hsgd_node *n, char *why, size_t size);

#endif
