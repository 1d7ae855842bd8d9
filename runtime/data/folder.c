/* SPDX-License-Identifier: BSD-3-Clause */
/* Listing a folder.  Links are followed, also out of the folder: subsets of a
 * data set are created that way.  Cycles are refused. */
#include "image_set.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A folder being listed, and the one that contains it. */
struct level {
    const struct level *above;
    const char *name; /* relative to the set's folder; "" for the folder itself */
    dev_t device;
    ino_t inode;
    int depth;
};

static int list(struct hsgd_context *ctx, struct image_set *a, const struct level *above, const char *name,
                const struct stat *st);

static char *joined(const char *folder, const char *name)
{
    size_t capacity = strlen(folder) + strlen(name) + 2;
    char *path = malloc(capacity);
    if (path) snprintf(path, capacity, "%s%s%s", folder, *folder && *name ? "/" : "", name);
    return path;
}

static int out_of_memory(struct hsgd_context *ctx, const struct image_set *a)
{
    return hsgd_fail(ctx, ENOMEM, "%s: out of memory for %d files", a->source, a->count);
}

/* *keep: `path` is a folder, or a file that may be wanted.  Broken links with
 * other names are ignored. */
static int look(struct hsgd_context *ctx, const char *path, struct stat *st, bool *keep)
{
    bool wanted = image_set_wants(path);
    *keep = false;
    if (stat(path, st)) return wanted ? hsgd_fail(ctx, errno, "%s: cannot open: %s", path, strerror(errno)) : 0;
    *keep = S_ISDIR(st->st_mode) || (wanted && S_ISREG(st->st_mode));
    return 0;
}

/* Adds the file or folder `name` and everything below it. */
static int add(struct hsgd_context *ctx, struct image_set *a, const struct level *in, const char *name)
{
    struct stat st;
    bool keep = false;
    char *path = joined(a->source, name);
    int err = path ? look(ctx, path, &st, &keep) : out_of_memory(ctx, a);
    free(path);
    if (err) return err;
    if (!keep) return image_set_pass_over(ctx, a, name);
    struct image_entry e = { .name = strdup(name), .folder = S_ISDIR(st.st_mode) };
    if (!e.name) return out_of_memory(ctx, a);
    e.size = e.folder ? 0 : st.st_size;
    e.changed = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
    a->source_bytes += e.size;
    err = image_set_add(ctx, a, &e);
    return err || !S_ISDIR(st.st_mode) ? err : list(ctx, a, in, name, &st);
}

static int each(struct hsgd_context *ctx, struct image_set *a, const struct level *here, DIR *folder, const char *path)
{
    int err = 0;
    while (!err) {
        errno = 0;
        const struct dirent *d = readdir(folder);
        if (!d) break;
        if (d->d_name[0] == '.') continue;
        bool passed = d->d_type == DT_REG && !image_set_wants(d->d_name); /* most files need no stat() */
        char *name = joined(here->name, d->d_name);
        if (!name) err = out_of_memory(ctx, a);
        else err = passed ? image_set_pass_over(ctx, a, name) : add(ctx, a, here, name);
        free(name);
    }
    if (!err && errno) err = hsgd_fail(ctx, errno, "%s: cannot read: %s", path, strerror(errno));
    return err;
}

static int check_level(struct hsgd_context *ctx, const struct level *here, const char *path)
{
    if (here->depth > IMAGE_SET_DEPTH)
        return hsgd_fail(ctx, EINVAL, "%s: folders are nested more than %d deep", path, IMAGE_SET_DEPTH);
    for (const struct level *l = here->above; l; l = l->above)
        if (l->device == here->device && l->inode == here->inode)
            return hsgd_fail(ctx, EINVAL, "%s: a link leads back to a folder that contains it", path);
    return 0;
}

static int list(struct hsgd_context *ctx, struct image_set *a, const struct level *above, const char *name,
                const struct stat *st)
{
    struct level here = { above, name, st->st_dev, st->st_ino, above ? above->depth + 1 : 0 };
    char *path = joined(a->source, name);
    int err = path ? check_level(ctx, &here, path) : out_of_memory(ctx, a);
    DIR *folder = err ? NULL : opendir(path);
    if (!err && !folder) err = hsgd_fail(ctx, errno, "%s: cannot open: %s", path, strerror(errno));
    if (!err) err = each(ctx, a, &here, folder, path);
    if (folder) closedir(folder);
    free(path);
    return err;
}

int image_set_folder(struct hsgd_context *ctx, struct image_set *a, const char *path)
{
    struct stat st;
    int err = image_set_begin(ctx, a, path);
    if (!err && stat(path, &st)) err = hsgd_fail(ctx, errno, "%s: cannot open: %s", path, strerror(errno));
    return err ? err : list(ctx, a, NULL, "", &st);
}

static bool is_folder(const char *path)
{
    struct stat st;
    return !stat(path, &st) && S_ISDIR(st.st_mode);
}

bool image_set_folder_has(const char *path, bool (*wanted)(const char *name), int depth)
{
    DIR *folder = opendir(path);
    bool found = false;
    for (const struct dirent *d; folder && !found && (d = readdir(folder));) {
        if (d->d_name[0] == '.') continue;
        char *name = joined(path, d->d_name);
        if (name && is_folder(name)) found = depth > 0 && image_set_folder_has(name, wanted, depth - 1);
        else found = wanted(d->d_name);
        free(name);
    }
    if (folder) closedir(folder);
    return found;
}
