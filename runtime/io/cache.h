/* SPDX-License-Identifier: BSD-3-Clause */
/* The folder for results that can be recomputed, shared between processes:
 * doc/environment.md, HSGD_CACHE and HSGD_CACHE_DIR. */
#ifndef HSGD_RUNTIME_IO_CACHE_H
#define HSGD_RUNTIME_IO_CACHE_H

#include <stdbool.h>
#include <stddef.h>

/* The folder; it may have to be created.  False: caching is off. */
bool hsgd_cache_folder(char *path, size_t size);

/* The host's name without its domain, or the one given in its place (doc/environment.md), as StarPU has it: for names of
 * files that hold on it alone. */
#define HOST_NAME 65
void hsgd_cache_host(char *out, size_t size);

/* Files with a key, as FOLDER/KIND-HOST-DIGITS: the path up to the digits; false: caching is off, or it is too long.  The
 * digits are the first of a SHA-256. */
#define CACHE_DIGITS 32
bool hsgd_cache_prefix(const char *kind, char *out, size_t size);
/* Whether a file of that name is one with such a prefix, both without the folder. */
bool hsgd_cache_is_keyed(const char *name, const char *prefix);

/* Creates the missing folders of a path; 0, or the first errno. */
int hsgd_cache_make_folders(char *path);

#endif
