/* SPDX-License-Identifier: BSD-3-Clause */
#include "file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

static int check_kind(struct hsgd_context *ctx, const char *path, const struct stat *st, int64_t max)
{
    if (S_ISDIR(st->st_mode)) return hsgd_fail(ctx, EISDIR, "%s: is a folder, not a file", path);
    if (!S_ISREG(st->st_mode)) return hsgd_fail(ctx, EINVAL, "%s: is not a regular file", path);
    if (st->st_size > max)
        return hsgd_fail(ctx, EINVAL, "%s: the file has %lld bytes, more than %lld", path, (long long)st->st_size,
                         (long long)max);
    return 0;
}

static int fill(struct hsgd_context *ctx, const char *path, int fd, char *bytes, size_t size)
{
    for (size_t at = 0; at < size;) {
        ssize_t n = read(fd, bytes + at, size - at);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return hsgd_fail(ctx, errno, "%s: cannot read: %s", path, strerror(errno));
        if (n == 0)
            return hsgd_fail(ctx, EIO, "%s: the file ended at byte %zu of %zu while it was read", path, at, size);
        at += (size_t)n;
    }
    bytes[size] = 0;
    return 0;
}

static int read_open(struct hsgd_context *ctx, const char *path, int fd, int64_t max, void **bytes, size_t *size)
{
    struct stat st;
    if (fstat(fd, &st)) return hsgd_fail(ctx, errno, "%s: cannot read: %s", path, strerror(errno));
    int err = check_kind(ctx, path, &st, max);
    if (err) return err;
    *size = (size_t)st.st_size;
    *bytes = malloc(*size + 1);
    if (!*bytes) return hsgd_fail(ctx, ENOMEM, "%s: out of memory for %zu bytes", path, *size);
    err = fill(ctx, path, fd, *bytes, *size);
    if (err) free(*bytes);
    return err;
}

int hsgd_file_read(struct hsgd_context *ctx, const char *path, int64_t max, void **bytes, size_t *size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe without a writer must not hang */
    if (fd < 0) return hsgd_fail(ctx, errno, "%s: cannot open: %s", path, strerror(errno));
    int err = read_open(ctx, path, fd, max, bytes, size);
    close(fd);
    return err;
}
