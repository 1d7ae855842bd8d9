/* SPDX-License-Identifier: BSD-3-Clause */
/* Preloaded into hsgd: counts the writes, fsyncs and renames below a folder,
 * and makes one of them fail, or ends the process in the middle of it.
 *
 * SHIM_PATH    only files whose path contains this count
 * SHIM_WHAT    "write", "fsync", "rename" or "any"
 * SHIM_AT      the call that is hit, from 1; 0: none
 * SHIM_ERRNO   the error it gives; 0: SIGKILL before, half-way, or after it
 * SHIM_REPORT  file that gets a line about the hit, or the count at exit */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

enum op { WRITE, FSYNC, RENAME };
static const char *const op_name[] = { "write", "fsync", "rename" };

static const char *wanted_path, *wanted_op, *report;
static long hit_at, hit_errno;
static atomic_long calls;

static long number(const char *name)
{
    const char *v = getenv(name);
    return v ? atol(v) : 0;
}

__attribute__((constructor)) static void begin(void)
{
    wanted_path = getenv("SHIM_PATH");
    wanted_op = getenv("SHIM_WHAT");
    report = getenv("SHIM_REPORT");
    hit_at = number("SHIM_AT");
    hit_errno = number("SHIM_ERRNO");
}

static void say(const char *text)
{
    int fd = report ? open(report, O_WRONLY | O_CREAT | O_APPEND, 0666) : -1;
    ssize_t (*real)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
    if (fd < 0) return;
    if (real(fd, text, strlen(text)) < 0) abort();
    close(fd);
}

__attribute__((destructor)) static void end(void)
{
    char text[60];
    snprintf(text, sizeof text, "calls %ld\n", atomic_load(&calls));
    say(text);
}

static bool path_of(int fd, char path[PATH_MAX])
{
    char link[40];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, PATH_MAX - 1);
    path[n > 0 ? n : 0] = '\0';
    return n > 0;
}

/* Whether this call is the one to be hit. */
static bool hit(enum op op, const char *path)
{
    struct stat st;
    char text[PATH_MAX + 60];
    if (!wanted_path || !wanted_op || !strstr(path, wanted_path)) return false;
    if (strcmp(wanted_op, "any") && strcmp(wanted_op, op_name[op])) return false;
    if (atomic_fetch_add(&calls, 1) + 1 != hit_at) return false;
    bool folder = !stat(path, &st) && S_ISDIR(st.st_mode);
    snprintf(text, sizeof text, "hit %s %s %s\n", op_name[op], folder ? "folder" : "file", path);
    say(text);
    return true;
}

static void die(void) { kill(getpid(), SIGKILL); }

/* Before the call for a third of the hits, after it for another. */
static bool dies_before(void) { return hit_at % 3 == 0; }
static bool dies_after(void) { return hit_at % 3 == 1; }

EXPORT ssize_t write(int fd, const void *bytes, size_t n)
{
    ssize_t (*real)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
    char path[PATH_MAX];
    if (!wanted_path || !path_of(fd, path) || !hit(WRITE, path)) return real(fd, bytes, n);
    if (hit_errno) {
        errno = (int)hit_errno;
        return -1;
    }
    if (!dies_before() && real(fd, bytes, dies_after() ? n : n / 2) < 0) abort();
    die();
    return -1;
}

/* The C library's own writes are out of reach; its callers are not. */
EXPORT size_t fwrite(const void *bytes, size_t size, size_t n, FILE *file)
{
    size_t (*real)(const void *, size_t, size_t, FILE *) = dlsym(RTLD_NEXT, "fwrite");
    int (*flush)(FILE *) = dlsym(RTLD_NEXT, "fflush");
    char path[PATH_MAX];
    if (!wanted_path || fileno(file) < 0 || !path_of(fileno(file), path) || !hit(WRITE, path))
        return real(bytes, size, n, file);
    if (hit_errno) {
        file->_flags |= 0x20; /* what ferror() looks at */
        errno = (int)hit_errno;
        return 0;
    }
    if (!dies_before()) real(bytes, 1, dies_after() ? size * n : size * n / 2, file);
    flush(file);
    die();
    return 0;
}

EXPORT int fsync(int fd)
{
    int (*real)(int) = dlsym(RTLD_NEXT, "fsync");
    char path[PATH_MAX];
    if (!path_of(fd, path) || !hit(FSYNC, path)) return real(fd);
    if (hit_errno) {
        errno = (int)hit_errno;
        return -1;
    }
    if (dies_after()) real(fd);
    die();
    return -1;
}

EXPORT int rename(const char *from, const char *to)
{
    int (*real)(const char *, const char *) = dlsym(RTLD_NEXT, "rename");
    if (!hit(RENAME, to)) return real(from, to);
    if (hit_errno) {
        errno = (int)hit_errno;
        return -1;
    }
    if (dies_after() && real(from, to)) abort();
    die();
    return -1;
}
