/* SPDX-License-Identifier: BSD-3-Clause */
#include "calibration_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <hsgd/file.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/c_locale.h"
#include "base/error.h"
#include "io/aged_files.h"
#include "io/cache.h"

static const char first_line[] = "hsgd calibration"; /* and the version */

static bool set_path(struct calibration_file *f, const char *kind, const char *key)
{
    *f->text = '\0';
    f->used = 0;
    f->overflow = false;
    if (!hsgd_cache_prefix(kind, f->path, sizeof f->path)) return false;
    size_t used = strlen(f->path);
    snprintf(f->path + used, sizeof f->path - used, "%.*s", CACHE_DIGITS, key);
    return true;
}

/* ------------------------------------------------------------------- writing */

static void add_line(struct calibration_file *f, const char *name, const char *format, va_list args)
{
    char *line = f->text + f->used;
    size_t space = sizeof f->text - f->used;
    int n = c_snprintf(line, space, "%s ", name);
    int more = n < 0 || (size_t)n >= space ? -1 : c_vsnprintf(line + n, space - (size_t)n, format, args);
    if (more < 0 || (size_t)(n + more) >= space) {
        f->overflow = true;
        return;
    }
    for (char *c = line; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 127) *c = ' ';
    f->used += (size_t)(n + more) + 1;
}

void calibration_file_add(struct calibration_file *f, const char *name, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add_line(f, name, format, args);
    va_end(args);
}

bool calibration_file_begin(struct calibration_file *f, const char *kind, const char key[65])
{
    if (!set_path(f, kind, key)) return false;
    calibration_file_add(f, first_line, "%d", CALIBRATION_VERSION);
    calibration_file_add(f, "kind", "%s", kind);
    calibration_file_add(f, "key", "%s", key);
    return true;
}

struct limit {
    const char *network;
    struct aged_files files;
};

/* Of another version, no network is known: they are limited together. */
static int add_alike(void *user, const struct calibration_file *f, bool readable)
{
    struct limit *l = user;
    const char *network = readable ? calibration_file_value(f, "network", 0) : NULL;
    bool alike = network && l->network ? !strcmp(network, l->network) : network == l->network;
    return alike ? aged_files_add(NULL, &l->files, f->path) : 0;
}

static void limit_files(const char *kind, const char *network)
{
    struct limit l = { .network = network };
    calibration_file_each(kind, add_alike, &l);
    aged_files_remove(NULL, &l.files, CALIBRATION_FILES_KEPT);
}

int calibration_file_write(struct hsgd_context *ctx, struct calibration_file *f)
{
    char text[sizeof f->text + 8];
    size_t n = f->used;
    if (f->overflow) return hsgd_fail(ctx, E2BIG, "%s: more than %zu bytes", f->path, sizeof f->text);
    memcpy(text, f->text, n);
    for (size_t i = 0; i < n; i++)
        if (!text[i]) text[i] = '\n';
    n += (size_t)sprintf(text + n, "end\n");
    hsgd_cache_make_folders(f->path);
    int err = hsgd_file_write(ctx, f->path, text, n);
    if (err) return err;
    const char *kind = calibration_file_value(f, "kind", 0), *network = calibration_file_value(f, "network", 0);
    if (network) limit_files(kind, network);
    limit_files(kind, NULL);
    return 0;
}

/* ------------------------------------------------------------------- reading */

const char *calibration_file_value(const struct calibration_file *f, const char *name, int i)
{
    size_t length = strlen(name);
    for (const char *line = f->text; line < f->text + f->used; line += strlen(line) + 1)
        if (!strncmp(line, name, length) && line[length] == ' ' && !i--) return line + length + 1;
    return NULL;
}

static bool same(const char *a, const char *b) { return a && !strcmp(a, b); }

/* Reads f->path; whether it is a whole file of this version. */
static bool read_lines(struct calibration_file *f, bool *found)
{
    static const char end[] = "end\n";
    char version[12];
    FILE *file = fopen(f->path, "r");
    *found = file;
    f->used = 0;
    if (!file) return false;
    size_t n = fread(f->text, 1, sizeof f->text, file);
    fclose(file);
    if (n < sizeof end || n == sizeof f->text || memchr(f->text, 0, n)) return false;
    n -= sizeof end - 1;
    if (memcmp(f->text + n, end, sizeof end - 1) || f->text[n - 1] != '\n') return false;
    for (size_t i = 0; i < n; i++)
        if (f->text[i] == '\n') f->text[i] = '\0';
    f->used = n;
    snprintf(version, sizeof version, "%d", CALIBRATION_VERSION);
    return !strncmp(f->text, first_line, sizeof first_line - 1) &&
           same(calibration_file_value(f, first_line, 0), version);
}

bool calibration_file_read(struct hsgd_context *ctx, struct calibration_file *f, const char *kind, const char key[65])
{
    bool found;
    if (!set_path(f, kind, key)) return false;
    bool readable = read_lines(f, &found);
    if (readable && same(calibration_file_value(f, "kind", 0), kind) &&
        same(calibration_file_value(f, "key", 0), key)) {
        utimensat(AT_FDCWD, f->path, NULL, 0);
        return true;
    }
    if (found) hsgd_log(ctx, HSGD_LOG_INFO, "%s is damaged, or of another version: it is not used", f->path);
    return false;
}

int calibration_file_each(const char *kind, calibration_file_fn *each, void *user)
{
    char folder[PATH_MAX];
    int err = 0;
    if (!hsgd_cache_prefix(kind, folder, sizeof folder)) return 0;
    char *prefix = strrchr(folder, '/');
    *prefix++ = '\0';
    DIR *d = opendir(folder);
    if (!d) return 0;
    for (struct dirent *e; !err && (e = readdir(d));) {
        struct calibration_file f;
        bool found = hsgd_cache_is_keyed(e->d_name, prefix) &&
                     snprintf(f.path, sizeof f.path, "%s/%s", folder, e->d_name) < (int)sizeof f.path;
        bool readable = found && read_lines(&f, &found);
        if (found) err = each(user, &f, readable);
    }
    closedir(d);
    return err;
}
