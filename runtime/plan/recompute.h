/* SPDX-License-Identifier: BSD-3-Clause */
/* Blocks that are recomputed: forward keeps only what enters and leaves them. */
#ifndef HSGD_RUNTIME_RECOMPUTE_H
#define HSGD_RUNTIME_RECOMPUTE_H

#include "model/lower.h"

/* again: of each node, whether it runs again before the backward of its block,
 * because backward reads what it makes there.  leaves: of each value that lies
 * in its own place, whether it stays: it is made in no block, or is read outside
 * of the one that makes it.  Both are false before.  Out of memory: false. */
bool recompute_find(const struct lowered *l, bool *again, bool *leaves);

#endif
