/* SPDX-License-Identifier: BSD-3-Clause */
/* Lives of slots, and their places in the arena. */
#ifndef HSGD_RUNTIME_LIVES_H
#define HSGD_RUNTIME_LIVES_H

#include "tape.h"

/* Places the slots of a tape whose works are there; results live to the end.
 * Out of memory: false. */
bool lives_place(struct tape *t);

#endif
