/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef HSGD_DATA_WELL_KNOWN_H
#define HSGD_DATA_WELL_KNOWN_H

#include <stdbool.h>
#include <stddef.h>

enum { WELL_KNOWN_HINT = 400 };

/* Where the name of the path is that of a data set which everyone knows, what is
 * looked for at that path and how to get it; else false. */
bool well_known_hint(const char *path, char *out, size_t size);

#endif
