/* SPDX-License-Identifier: BSD-3-Clause */
/* Arrays that grow. */
#ifndef HSGD_RUNTIME_GROW_H
#define HSGD_RUNTIME_GROW_H

#include <stdbool.h>
#include <stdlib.h>

/* Room for one more than n elements of `unit` bytes in *block, of which there is
 * room for *capacity.  Out of memory: false, and *block is as it was. */
static inline bool array_grow(void **block, int n, int *capacity, size_t unit)
{
    if (n < *capacity) return true;
    int more = *capacity ? 2 * *capacity : 16;
    void *bigger = realloc(*block, (size_t)more * unit);
    if (!bigger) return false;
    *block = bigger;
    *capacity = more;
    return true;
}

#endif
