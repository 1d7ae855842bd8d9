/* SPDX-License-Identifier: BSD-3-Clause */
#include "environment.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/distance.h"

/* Those of the library, the command line and the scripts. */
static const char *const known[] = {
    "HSGD_CACHE",     "HSGD_CACHE_DIR", "HSGD_CUDA_GRAPHS",     "HSGD_CUDNN",         "HSGD_EXECUTOR",
    "HSGD_FAIL",      "HSGD_ISA",       "HSGD_OPENCL_BINARIES", "HSGD_OPENCL_GROUPS", "HSGD_PERFMODELS",
    "HSGD_PLACEMENT", "HSGD_PRODUCTS",  "HSGD_SLICES",          "HSGD_SLOW",          "HSGD_STARPU_CACHE",
};
/* Of tests, which read them themselves. */
static const char *const families[] = { "HSGD_CUDAEMU_", "HSGD_TEST_" };

enum { KNOWN = sizeof known / sizeof *known, FAMILIES = sizeof families / sizeof *families };

static bool is_known(const char *name)
{
    for (int i = 0; i < KNOWN; i++)
        if (!strcmp(name, known[i])) return true;
    for (int i = 0; i < FAMILIES; i++)
        if (!strncmp(name, families[i], strlen(families[i]))) return true;
    return false;
}

void environment_check(struct hsgd_context *ctx)
{
    for (char **e = environ; e && *e; e++) {
        char name[TEXT_DISTANCE_MAX + 1];
        size_t length = strcspn(*e, "=");
        if (strncmp(*e, "HSGD_", 5) || length > TEXT_DISTANCE_MAX) continue;
        memcpy(name, *e, length);
        name[length] = '\0';
        if (is_known(name)) continue;
        int nearest = 0;
        for (int i = 1; i < KNOWN; i++)
            if (text_distance(name, known[i]) < text_distance(name, known[nearest])) nearest = i;
        hsgd_log(ctx, HSGD_LOG_WARNING, "%s is not used: there is no such variable; the nearest is %s", name,
                 known[nearest]);
    }
}

int environment_number(const char *name, int otherwise)
{
    const char *text = getenv(name);
    char *end = NULL;
    long n = text ? strtol(text, &end, 10) : -1;
    return text && end != text && !*end && n >= 0 && n < 1 << 16 ? (int)n : otherwise;
}
