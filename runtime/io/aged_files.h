/* SPDX-License-Identifier: BSD-3-Clause */
/* Files of which only the last used are kept. */
#ifndef HSGD_RUNTIME_IO_AGED_FILES_H
#define HSGD_RUNTIME_IO_AGED_FILES_H

#include <hsgd/context.h>
#include <stdint.h>

struct aged_file {
    char *path;
    int64_t used_ns; /* when it was written, or marked as used, last */
};

/* Begins as { 0 }. */
struct aged_files {
    int n;
    struct aged_file *file;
};

/* Adds a file, unless it has gone.  0 or -ENOMEM. */
int aged_files_add(struct hsgd_context *ctx, struct aged_files *l, const char *path);

/* Removes all but the `keep` last used from the disk, and frees the list.  Returns how many, or a negative errno with a
 * sentence.  Another process that reads or writes one meanwhile does so to its end: the name goes at once, the file with
 * who has it open. */
int aged_files_remove(struct hsgd_context *ctx, struct aged_files *l, int keep);

#endif
