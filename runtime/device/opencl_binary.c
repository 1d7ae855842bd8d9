/* SPDX-License-Identifier: BSD-3-Clause */
#include "opencl_binary.h"

#include <dirent.h>
#include <fcntl.h>
#include <hsgd/file.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/sha256.h"
#include "io/aged_files.h"
#include "io/cache.h"

/* A file is this, and the program's bytes. */
struct head {
    char magic[32], key[65], digest[65]; /* the digest is that of the bytes */
    char reserved[94];
};
static const char magic[32] = "hsgd OpenCL program 1\n";

enum { MOST = 1 << 28 }; /* bytes of a program */

/* Code for a processor runs on the host alone, whose name the path has. */
static bool path_of(const char key[65], char *out, size_t size)
{
    if (!hsgd_cache_prefix("program", out, size)) return false;
    size_t used = strlen(out);
    snprintf(out + used, size - used, "%.*s", CACHE_DIGITS, key);
    return true;
}

static struct head head_of(const char key[65], const unsigned char *bytes, size_t size)
{
    struct head h = { 0 };
    struct sha256 s;
    memcpy(h.magic, magic, sizeof h.magic);
    memcpy(h.key, key, sizeof h.key);
    sha256_begin(&s);
    sha256_add(&s, bytes, size);
    sha256_end(&s, h.digest);
    return h;
}

/* ------------------------------------------------------------------- reading */

/* The whole file; NULL: there is none, or it is empty or longer than any program. */
static unsigned char *read_file(const char *path, size_t *size)
{
    struct stat s;
    unsigned char *bytes = NULL;
    FILE *f = fopen(path, "rb");
    if (!f) return NULL;
    if (!fstat(fileno(f), &s) && s.st_size > 0 && s.st_size <= MOST) bytes = malloc((size_t)s.st_size);
    if (bytes && fread(bytes, 1, (size_t)s.st_size, f) != (size_t)s.st_size) {
        free(bytes);
        bytes = NULL;
    }
    fclose(f);
    *size = (size_t)s.st_size;
    return bytes;
}

unsigned char *opencl_binary_read(struct hsgd_context *ctx, const char key[65], size_t *size)
{
    char path[PATH_MAX];
    if (!path_of(key, path, sizeof path)) return NULL;
    unsigned char *file = read_file(path, size);
    if (!file) return NULL;
    if (*size > sizeof(struct head)) {
        *size -= sizeof(struct head);
        struct head right = head_of(key, file + sizeof right, *size);
        if (!memcmp(file, &right, sizeof right)) {
            memmove(file, file + sizeof right, *size);
            utimensat(AT_FDCWD, path, NULL, 0);
            return file;
        }
    }
    hsgd_log(ctx, HSGD_LOG_INFO, "%s is damaged, or another program: it is compiled again", path);
    free(file);
    return NULL;
}

/* ------------------------------------------------------------------- writing */

static void limit_files(void)
{
    char path[PATH_MAX], one[PATH_MAX + NAME_MAX + 2];
    struct aged_files files = { 0 };
    if (!hsgd_cache_prefix("program", path, sizeof path)) return;
    char *prefix = strrchr(path, '/');
    *prefix++ = '\0';
    DIR *d = opendir(path);
    if (!d) return;
    for (struct dirent *e; (e = readdir(d));)
        if (hsgd_cache_is_keyed(e->d_name, prefix)) {
            snprintf(one, sizeof one, "%s/%s", path, e->d_name);
            aged_files_add(NULL, &files, one);
        }
    closedir(d);
    aged_files_remove(NULL, &files, OPENCL_BINARIES_KEPT);
}

void opencl_binary_write(struct hsgd_context *ctx, const char key[65], const unsigned char *bytes, size_t size)
{
    char path[PATH_MAX];
    struct head h = head_of(key, bytes, size);
    if (size > MOST - sizeof h || !path_of(key, path, sizeof path)) return;
    unsigned char *file = malloc(sizeof h + size);
    if (!file) return;
    memcpy(file, &h, sizeof h);
    memcpy(file + sizeof h, bytes, size);
    hsgd_cache_make_folders(path);
    int err = hsgd_file_write(NULL, path, file, sizeof h + size);
    if (err) hsgd_log(ctx, HSGD_LOG_INFO, "%s: %s: the program is compiled again next time", path, strerror(-err));
    else limit_files();
    free(file);
}
