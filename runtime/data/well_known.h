/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef HSGD_DATA_WELL_KNOWN_H
#define HSGD_DATA_WELL_KNOWN_H

#include <stdbool.h>
#include <stddef.h>

enum { WELL_KNOWN_HINT = 400 };

/* For a path with the name of a well-known data set: which files are expected
 * there and how to get them; else false. */
bool well_known_hint(const char *path, char *out, size_t size);

#endif
