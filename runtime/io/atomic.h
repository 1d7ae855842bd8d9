/* SPDX-License-Identifier: BSD-3-Clause */
/* Files that appear whole or not at all: written to a temporary name in the
 * same folder, flushed to the disk, then renamed. */
#ifndef HSGD_IO_ATOMIC_H
#define HSGD_IO_ATOMIC_H

#include <hsgd/context.h>
#include <stdio.h>

struct hsgd_atomic {
    FILE *file; /* write here */
    char *path, *temporary;
};

/* Opens a temporary file next to `path`.  Returns 0, or a negative errno with
 * a sentence; then there is nothing to undo. */
int hsgd_atomic_open(struct hsgd_context *ctx, struct hsgd_atomic *a, const char *path);

/* Gives the file its name, replacing what was there.  Returns 0; on failure
 * a negative errno with a sentence, the temporary file is gone and what was
 * at `path` is untouched.  Undone either way: *a holds nothing afterwards. */
int hsgd_atomic_commit(struct hsgd_context *ctx, struct hsgd_atomic *a);

/* Removes the temporary file.  NULL-safe and harmless after a commit. */
void hsgd_atomic_abandon(struct hsgd_atomic *a);

#endif
