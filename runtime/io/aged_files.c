/* SPDX-License-Identifier: BSD-3-Clause */
#include "aged_files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

int aged_files_add(struct hsgd_context *ctx, struct aged_files *l, const char *path)
{
    struct stat st;
    if (stat(path, &st) || !S_ISREG(st.st_mode)) return 0;
    struct aged_file *more = realloc(l->file, ((size_t)l->n + 1) * sizeof *more);
    if (!more) return hsgd_fail(ctx, ENOMEM, "%s: out of memory", path);
    l->file = more;
    more[l->n].used_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
    more[l->n].path = strdup(path);
    if (!more[l->n].path) return hsgd_fail(ctx, ENOMEM, "%s: out of memory", path);
    l->n++;
    return 0;
}

/* The last used first. */
static int by_age(const void *a, const void *b)
{
    const struct aged_file *x = a, *y = b;
    if (x->used_ns != y->used_ns) return x->used_ns < y->used_ns ? 1 : -1;
    return strcmp(x->path, y->path);
}

int aged_files_remove(struct hsgd_context *ctx, struct aged_files *l, int keep)
{
    int removed = 0, err = 0;
    if (l->n) qsort(l->file, (size_t)l->n, sizeof *l->file, by_age);
    for (int i = 0; i < l->n; i++) {
        const char *path = l->file[i].path;
        if (i >= keep && !unlink(path)) removed++;
        else if (i >= keep && errno != ENOENT && !err)
            err = hsgd_fail(ctx, errno, "%s: cannot remove: %s", path, strerror(errno));
        free(l->file[i].path);
    }
    free(l->file);
    *l = (struct aged_files){ 0 };
    return err ? err : removed;
}
