/* SPDX-License-Identifier: BSD-3-Clause */
/* Decoded pictures, kept in files for the next start. */
#ifndef HSGD_DATA_CACHE_H
#define HSGD_DATA_CACHE_H

#include "../io/safetensors.h"
#include "../sha256.h"
#include "format.h"

/* The parts that were kept under this key (64 hexadecimal digits), called
 * `name`.  False: there are none that are whole, and *out is as it was. */
bool cache_load(struct hsgd_context *ctx, const char *key, const char *name, struct data_parts *out);

/* The same from a file in memory, which *out may take over from f. */
bool cache_parse(struct safetensors *f, const char *key, const char *name, struct data_parts *out);

/* Keeps them.  Failing is no error: it is said in the log, and the next start
 * decodes again. */
void cache_store(struct hsgd_context *ctx, const char *key, const struct data_parts *parts);

#endif
