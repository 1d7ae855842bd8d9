/* SPDX-License-Identifier: BSD-3-Clause */
/* Compiled OpenCL programs, kept in the cache folder for implementations that keep none themselves. */
#ifndef HSGD_RUNTIME_OPENCL_BINARY_H
#define HSGD_RUNTIME_OPENCL_BINARY_H

#include <hsgd/context.h>

enum { OPENCL_BINARIES_KEPT = 1000 };

/* The file of a program by its key, a SHA-256 over all that it depends on; none in it: it is not there, or another
 * program's, or damaged.  Returns the bytes, which the caller frees, or NULL. */
unsigned char *opencl_binary_read(struct hsgd_context *ctx, const char key[65], size_t *size);

/* A program that cannot be kept is logged, and compiled again next time. */
void opencl_binary_write(struct hsgd_context *ctx, const char key[65], const unsigned char *bytes, size_t size);

#endif
