/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "image_folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "message.h"

enum { MAX_DEPTH = 32 };

static int visit(struct image_folder *f, const char *folder, int depth);

static bool is_image(const char *name)
{
    static const char *const ends[] = { ".png", ".jpg", ".jpeg" };
    size_t n = strlen(name);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        size_t m = strlen(ends[i]);
        if (n > m && !strcasecmp(name + n - m, ends[i])) return true;
    }
    return false;
}

static int no_memory(const char *folder) { return report_error(FAILED, "%s: out of memory for its files", folder); }

/* Takes the path over. */
static int add(struct image_folder *f, const char *folder, char *path)
{
    if (f->count == f->capacity) {
        int capacity = f->capacity ? 2 * f->capacity : 64;
        char **bigger = realloc(f->path, (size_t)capacity * sizeof *bigger);
        if (!bigger) {
            free(path);
            return no_memory(folder);
        }
        f->path = bigger;
        f->capacity = capacity;
    }
    f->path[f->count++] = path;
    return OK;
}

static int take(struct image_folder *f, const char *folder, const char *name, int depth)
{
    struct stat st;
    char *path;
    size_t n = strlen(folder);
    if (asprintf(&path, "%s%s%s", folder, n && folder[n - 1] == '/' ? "" : "/", name) < 0) return no_memory(folder);
    if (!stat(path, &st) && S_ISDIR(st.st_mode)) {
        int code = visit(f, path, depth + 1);
        free(path);
        return code;
    }
    if (is_image(name)) return add(f, folder, path);
    if (!f->others++) f->first_other = path;
    else free(path);
    return OK;
}

/* Hidden files are not inputs. */
static int visible(const struct dirent *d) { return d->d_name[0] != '.'; }

static int visit(struct image_folder *f, const char *folder, int depth)
{
    struct dirent **entry;
    if (depth > MAX_DEPTH) return report_error(USAGE, "%s: folders are nested more than %d deep", folder, MAX_DEPTH);
    int n = scandir(folder, &entry, visible, alphasort), code = OK;
    if (n < 0) return report_error(USAGE, "%s: cannot read: %s", folder, strerror(errno));
    for (int i = 0; i < n; i++) {
        if (!code) code = take(f, folder, entry[i]->d_name, depth);
        free(entry[i]);
    }
    free(entry);
    return code;
}

int image_folder_list(struct image_folder *f, const char *folder)
{
    *f = (struct image_folder){ 0 };
    int code = visit(f, folder, 0);
    if (code) return code;
    if (!f->count) return report_error(USAGE, "%s: has no PNG or JPEG image", folder);
    if (f->others)
        report_warning("%s: %d file%s passed over: neither PNG nor JPEG; the first is %s", folder, f->others,
                       f->others == 1 ? "" : "s", f->first_other);
    return OK;
}

void image_folder_free(struct image_folder *f)
{
    for (int i = 0; i < f->count; i++) free(f->path[i]);
    free(f->path);
    free(f->first_other);
}
