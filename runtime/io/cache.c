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

bool hsgd_cache_prefix(const char *kind, char *out, size_t size)
{
    char host[HOST_NAME];
    if (!hsgd_cache_folder(out, size)) return false;
    hsgd_cache_host(host, sizeof host);
    size_t used = strlen(out);
    return snprintf(out + used, size - used, "/%s-%s-", kind, host) < (int)(size - used) - CACHE_DIGITS;
}

bool hsgd_cache_is_keyed(const char *name, const char *prefix)
{
    size_t n = strlen(prefix);
    return !strncmp(name, prefix, n) && strlen(name + n) == CACHE_DIGITS &&
           strspn(name + n, "0123456789abcdef") == CACHE_DIGITS;
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
