/* SPDX-License-Identifier: BSD-3-Clause */
/* A whole file in memory. */
#ifndef HSGD_IO_FILE_H
#define HSGD_IO_FILE_H

#include <hsgd/context.h>
#include <stdint.h>

/* Reads a regular file of at most `max` bytes; *bytes is to be freed and has
 * a zero after its end.  Returns 0, or a negative errno with a sentence. */
int hsgd_file_read(struct hsgd_context *ctx, const char *path, int64_t max, void **bytes, size_t *size);

#endif
