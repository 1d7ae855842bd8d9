/* SPDX-License-Identifier: BSD-3-Clause */
/* Structs that begin with their size: a program's may be shorter or longer
 * than the library's, by the rules of doc/abi.md. */
#ifndef HSGD_RUNTIME_SIZED_H
#define HSGD_RUNTIME_SIZED_H

#include "error.h"

/* Copies the options that a program gave, `given`, over `full`, which has the
 * defaults; given NULL: all of them.
 * -EINVAL: its size is none that the struct can have, or the program is newer
 * and set a field that this library does not know. */
int sized_take(struct hsgd_context *ctx, const char *name, void *full, size_t full_size, const void *given);

/* Copies `full` into a program's struct of `size` bytes, and zeros into what
 * lies behind that; its first member becomes `size`.  -EINVAL: out is NULL, or
 * the size is none that the struct can have. */
int sized_give(struct hsgd_context *ctx, const char *name, void *out, size_t size, const void *full, size_t full_size);

#define SIZED_TAKE(ctx, type, full, given) sized_take(ctx, #type, full, sizeof(struct type), given)
#define SIZED_GIVE(ctx, type, out, size, full) sized_give(ctx, #type, out, size, full, sizeof(struct type))

#endif
