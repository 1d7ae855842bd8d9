/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "folders.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

int folder_is_filled(const char *folder)
{
    int filled = 0;
    DIR *d = opendir(folder);
    if (!d) return errno == ENOENT ? 0 : -errno;
    for (struct dirent *e; !filled && (e = readdir(d));) filled = strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
    closedir(d);
    return filled;
}

/* Creates a folder and its parents; -EEXIST if `fresh` and it exists. */
static int make_folders(char *path, bool fresh)
{
    for (char *c = path + 1; *c; c++) {
        if (*c != '/') continue;
        *c = '\0';
        int err = mkdir(path, 0777) && errno != EEXIST ? -errno : 0;
        *c = '/';
        if (err) return err;
    }
    return mkdir(path, 0777) && (fresh || errno != EEXIST) ? -errno : 0;
}

int folder_make(char *path) { return make_folders(path, false); }

static void write_dated(char *name, size_t size, const char *parent, const char *model)
{
    time_t now = time(NULL);
    struct tm local;
    char date[40];
    const char *slash = strrchr(model, '/'), *base = slash ? slash + 1 : model;
    int length = (int)strcspn(base, ".");
    strftime(date, sizeof date, "%Y-%m-%d_%H-%M-%S", localtime_r(&now, &local));
    int used = snprintf(name, size, "%s/%s-", parent, date);
    for (int i = 0; i < length && i < 60; i++)
        name[used++] = isalnum((unsigned char)base[i]) || strchr("-_", base[i]) ? base[i] : '_';
    name[used] = '\0';
}

/* No two share a folder, also when they start within one second. */
int folder_make_dated(char *name, size_t size, const char *parent, const char *model)
{
    write_dated(name, size, parent, model);
    int length = (int)strlen(name), err = make_folders(name, true);
    for (int i = 2; err == -EEXIST && i < 1000; i++) {
        snprintf(name + length, size - (size_t)length, "-%d", i);
        err = make_folders(name, true);
    }
    return err;
}
