/* SPDX-License-Identifier: BSD-3-Clause */
/* Decoded images, cached in files for the next run. */
#ifndef HSGD_DATA_CACHE_H
#define HSGD_DATA_CACHE_H

#include "../io/safetensors.h"
#include "base/sha256.h"
#include "format.h"

/* The splits that were stored under this key (64 hexadecimal digits), as a set
 * called `name`.  False: there is no valid file, and *out is unchanged. */
bool cache_load(struct hsgd_context *ctx, const char *key, const char *name, struct data_splits *out);

/* The same from a file in memory, which *out may take over from f. */
bool cache_parse(struct safetensors *f, const char *key, const char *name, struct data_splits *out);

/* Stores the splits.  A failure is only logged: the next run decodes again. */
void cache_store(struct hsgd_context *ctx, const char *key, const struct data_splits *splits);

#endif
