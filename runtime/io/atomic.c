/* SPDX-License-Identifier: BSD-3-Clause */
#include "atomic.h"
#include "base/error.h"
#include <hsgd/file.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* PATH.tmp-PROCESS-NUMBER: no two writers share it, and it has the permissions
 * that the user's umask allows. */
static char *temporary_name(const char *path)
{
    static atomic_uint number;
    size_t capacity = strlen(path) + 40;
    char *name = malloc(capacity);
    if (name) snprintf(name, capacity, "%s.tmp-%ld-%u", path, (long)getpid(), atomic_fetch_add(&number, 1));
    return name;
}

static int create(struct hsgd_context *ctx, struct hsgd_atomic *a)
{
    int fd = open(a->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0) return hsgd_fail(ctx, errno, "%s: cannot create \"%s\": %s", a->path, a->temporary, strerror(errno));
    a->file = fdopen(fd, "wb");
    if (a->file) return 0;
    int err = errno;
    close(fd);
    unlink(a->temporary);
    return hsgd_fail(ctx, err, "%s: cannot open for writing: %s", a->path, strerror(err));
}

static void forget(struct hsgd_atomic *a)
{
    free(a->path);
    free(a->temporary);
    memset(a, 0, sizeof *a);
}

int hsgd_atomic_open(struct hsgd_context *ctx, struct hsgd_atomic *a, const char *path)
{
    int rc = context_check(ctx);
    if (rc < 0) return rc;
    *a = (struct hsgd_atomic){ .path = strdup(path), .temporary = temporary_name(path) };
    rc = a->path && a->temporary ? create(ctx, a) : hsgd_fail(ctx, ENOMEM, "%s: out of memory", path);
    if (rc < 0) forget(a);
    return rc;
}

/* Makes the new name itself survive a power cut.  Some file systems refuse to
 * sync a folder; the file is complete anyway, so that is not an error. */
static void sync_folder(const char *path)
{
    char *folder = strdup(path), *slash = folder ? strrchr(folder, '/') : NULL;
    if (slash) slash[slash == folder] = '\0';
    int fd = folder ? open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
    free(folder);
}

/* Flushes, syncs and closes; returns 0 or the first errno. */
static int close_file(FILE *file)
{
    int err = ferror(file) ? EIO : 0;
    if (fflush(file) != 0 && !err) err = errno;
    if (!err && fsync(fileno(file)) != 0 && errno != EINVAL && errno != ENOTSUP) err = errno;
    if (fclose(file) != 0 && !err) err = errno;
    return err;
}

int hsgd_atomic_commit(struct hsgd_context *ctx, struct hsgd_atomic *a)
{
    int rc = 0, err = close_file(a->file);
    a->file = NULL;
    if (err) rc = hsgd_fail(ctx, err, "%s: cannot write: %s", a->path, strerror(err));
    else if (rename(a->temporary, a->path) != 0)
        rc = hsgd_fail(ctx, errno, "%s: cannot rename the finished file: %s", a->path, strerror(errno));
    else sync_folder(a->path);
    if (rc < 0) unlink(a->temporary);
    forget(a);
    return rc;
}

void hsgd_atomic_abandon(struct hsgd_atomic *a)
{
    if (!a || !a->path) return;
    if (a->file) fclose(a->file);
    unlink(a->temporary);
    forget(a);
}

int hsgd_file_write(struct hsgd_context *ctx, const char *path, const void *bytes, size_t size)
{
    struct hsgd_atomic a;
    int err = ENTER(ctx, path);
    if (!err && size) err = ENTER(ctx, bytes);
    if (!err) err = hsgd_atomic_open(ctx, &a, path);
    if (err) return err;
    if (size) fwrite(bytes, 1, size, a.file); /* the commit checks ferror() */
    return hsgd_atomic_commit(ctx, &a);
}
