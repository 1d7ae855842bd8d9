/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "publish.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

#define TEMPORARY ".tmp-" /* how all begins that has not its name yet, or no longer */

static char *join(const char *folder, const char *name)
{
    char *path;
    return asprintf(&path, "%s/%s", folder, name) < 0 ? NULL : path;
}

static char *step_path(const char *folder, int64_t step)
{
    char name[40];
    snprintf(name, sizeof name, "step-%" PRId64, step);
    return join(folder, name);
}

static char *temporary_path(const char *folder)
{
    static atomic_uint number;
    char name[60];
    snprintf(name, sizeof name, TEMPORARY "%ld-%u", (long)getpid(), atomic_fetch_add(&number, 1));
    return join(folder, name);
}

/* "step-<n>" without anything else; -1. */
static int64_t step_of(const char *name)
{
    int64_t step = -1;
    int length = 0;
    if (sscanf(name, "step-%" SCNd64 "%n", &step, &length) < 1 || name[length] || name[5] == '+') return -1;
    return step < 0 ? -1 : step;
}

/* Removes a folder of files, or a link; what cannot be removed stays. */
static void remove_flat(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        if (fd >= 0) close(fd);
        unlink(path);
        return;
    }
    for (struct dirent *e; (e = readdir(d));) unlinkat(fd, e->d_name, 0);
    closedir(d);
    rmdir(path);
}

/* A checkpoint loses its name before its files. */
static void remove_step(const char *folder, int64_t step)
{
    char *path = step_path(folder, step), *temporary = temporary_path(folder);
    if (path && temporary && !rename(path, temporary)) remove_flat(temporary);
    free(path);
    free(temporary);
}

/* Some file systems cannot sync a folder, and it is no error there. */
static int sync_folder(struct hsgd_context *ctx, const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int err = fd < 0 || (fsync(fd) && errno != EINVAL && errno != ENOTSUP) ? errno : 0;
    if (fd >= 0) close(fd);
    return err ? hsgd_fail(ctx, err, "%s: cannot sync the folder: %s", path, strerror(err)) : 0;
}

/* ----------------------------------------------------------------- opening */

static void sweep(const char *folder)
{
    DIR *d = opendir(folder);
    for (struct dirent *e; d && (e = readdir(d));) {
        char *path = strncmp(e->d_name, TEMPORARY, strlen(TEMPORARY)) ? NULL : join(folder, e->d_name);
        if (path) remove_flat(path);
        free(path);
    }
    if (d) closedir(d);
}

int publish_open(struct hsgd_context *ctx, const char *folder, int *lock)
{
    if (mkdir(folder, 0777) && errno != EEXIST)
        return hsgd_fail(ctx, errno, "%s: cannot make the folder: %s", folder, strerror(errno));
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return hsgd_fail(ctx, errno, "%s: cannot open the folder: %s", folder, strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK) {
        close(fd);
        return hsgd_fail(ctx, EBUSY, "%s: another process keeps its checkpoints there", folder);
    }
    *lock = fd;
    sweep(folder);
    return 0;
}

/* -------------------------------------------------------------- publishing */

int publish_begin(struct hsgd_context *ctx, const char *folder, char **temporary)
{
    *temporary = temporary_path(folder);
    if (!*temporary) return hsgd_fail(ctx, ENOMEM, "%s: out of memory", folder);
    if (!mkdir(*temporary, 0777)) return 0;
    int err = hsgd_fail(ctx, errno, "%s: cannot make the folder: %s", *temporary, strerror(errno));
    free(*temporary);
    *temporary = NULL;
    return err;
}

void publish_abandon(const char *temporary) { remove_flat(temporary); }

/* Swaps with what is there; where the file system cannot, the old one makes
 * room first. */
static int put_in_place(const char *folder, const char *temporary, const char *path)
{
    if (!rename(temporary, path)) return 0;
    if (errno != EEXIST && errno != ENOTEMPTY) return errno;
    if (!renameat2(AT_FDCWD, temporary, AT_FDCWD, path, RENAME_EXCHANGE)) {
        remove_flat(temporary);
        return 0;
    }
    char *old = temporary_path(folder);
    int err = !old ? ENOMEM : rename(path, old) ? errno : 0;
    if (!err && rename(temporary, path)) {
        err = errno;
        rename(old, path);
    }
    if (!err) remove_flat(old);
    free(old);
    return err;
}

int publish_commit(struct hsgd_context *ctx, const char *folder, const char *temporary, int64_t step)
{
    char *path = step_path(folder, step);
    if (!path) return hsgd_fail(ctx, ENOMEM, "%s: out of memory", folder);
    int rc = sync_folder(ctx, temporary), err = rc ? 0 : put_in_place(folder, temporary, path);
    if (err) rc = hsgd_fail(ctx, err, "%s: cannot put the checkpoint in place: %s", path, strerror(err));
    if (!rc) rc = sync_folder(ctx, folder);
    free(path);
    return rc;
}

/* Copying a run may have made a folder of a link.  Another folder is not ours
 * to remove. */
static void remove_copy(const char *folder, const char *path)
{
    char *state = join(path, STATE_FILE), *temporary = temporary_path(folder);
    struct stat st;
    bool copy = state && !lstat(path, &st) && S_ISDIR(st.st_mode) && !access(state, F_OK);
    if (copy && temporary && !rename(path, temporary)) remove_flat(temporary);
    free(state);
    free(temporary);
}

int publish_link(struct hsgd_context *ctx, const char *folder, const char *name, int64_t step)
{
    char target[40], *path = join(folder, name), *temporary = temporary_path(folder);
    snprintf(target, sizeof target, "step-%" PRId64, step);
    bool made = path && temporary && !symlink(target, temporary);
    int err = !path || !temporary ? ENOMEM : made ? 0 : errno;
    if (!err) remove_copy(folder, path);
    if (!err && rename(temporary, path)) err = errno;
    if (err && made) unlink(temporary);
    if (err) err = hsgd_fail(ctx, err, "%s/%s: cannot make the link: %s", folder, name, strerror(err));
    free(path);
    free(temporary);
    return err;
}

/* ------------------------------------------------------------------ looking */

/* The newest step below `below`; -1: none. */
static int64_t newest_below(const char *folder, int64_t below)
{
    int64_t newest = -1;
    DIR *d = opendir(folder);
    for (struct dirent *e; d && (e = readdir(d));) {
        int64_t step = step_of(e->d_name);
        if (step > newest && step < below) newest = step;
    }
    if (d) closedir(d);
    return newest;
}

int64_t publish_latest(const char *folder) { return newest_below(folder, INT64_MAX); }

bool publish_exists(const char *folder, int64_t step)
{
    char *path = step_path(folder, step);
    bool exists = path && !access(path, F_OK);
    free(path);
    return exists;
}

int64_t publish_linked(const char *folder, const char *name)
{
    char target[NAME_MAX + 1], *path = join(folder, name);
    ssize_t length = path ? readlink(path, target, NAME_MAX) : -1;
    free(path);
    target[length > 0 ? length : 0] = '\0';
    return step_of(target);
}

void publish_prune(const char *folder, int keep, int64_t best)
{
    int64_t linked = publish_linked(folder, "best"), step = INT64_MAX;
    while ((step = newest_below(folder, step)) >= 0)
        if (keep-- <= 0 && step != best && step != linked) remove_step(folder, step);
}
