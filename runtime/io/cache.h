/* SPDX-License-Identifier: BSD-3-Clause */
/* Where what can be computed again is kept between processes:
 * doc/environment.md, HSGD_CACHE and HSGD_CACHE_DIR. */
#ifndef HSGD_RUNTIME_IO_CACHE_H
#define HSGD_RUNTIME_IO_CACHE_H

#include <stdbool.h>
#include <stddef.h>

/* The folder; it may have to be made.  False: there is to be no cache. */
bool hsgd_cache_folder(char *path, size_t size);

/* Makes the folders of a path where they are missing; 0, or the first errno. */
int hsgd_cache_make_folders(char *path);

#endif
