/* SPDX-License-Identifier: BSD-3-Clause */
#include "cache.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool hsgd_cache_folder(char *path, size_t size)
{
    const char *given = getenv("HSGD_CACHE_DIR"), *shared = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    const char *off = getenv("HSGD_CACHE");
    int n = -1;
    if (off && !strcmp(off, "off")) return false;
    if (given && *given) n = snprintf(path, size, "%s", given);
    else if (shared && *shared == '/') n = snprintf(path, size, "%s/hsgd", shared);
    else if (home && *home) n = snprintf(path, size, "%s/.cache/hsgd", home);
    return n > 0 && (size_t)n < size;
}

void hsgd_cache_host(char *out, size_t size)
{
    const char *given = getenv("STARPU_HOSTNAME");
    if (given && *given && !strchr(given, '/')) snprintf(out, size, "%s", given);
    else if (gethostname(out, size)) snprintf(out, size, "host");
    else out[size - 1] = '\0', out[strcspn(out, ".")] = '\0';
}

int hsgd_cache_make_folders(char *path)
{
    int err = 0;
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        if (mkdir(path, 0777) && errno != EEXIST && !err) err = errno;
        *slash = '/';
    }
    return err;
}
