/* SPDX-License-Identifier: BSD-3-Clause */
#include "cores.h"

#include <hwloc.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int by_affinity(void)
{
    hwloc_topology_t topology;
    if (hwloc_topology_init(&topology)) return 1;
    int cores = 1;
    if (!hwloc_topology_load(topology)) {
        hwloc_bitmap_t set = hwloc_bitmap_alloc();
        if (set && !hwloc_get_cpubind(topology, set, HWLOC_CPUBIND_PROCESS))
            cores = hwloc_get_nbobjs_inside_cpuset_by_type(topology, set, HWLOC_OBJ_CORE);
        else cores = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_CORE);
        hwloc_bitmap_free(set);
    }
    hwloc_topology_destroy(topology);
    return cores > 0 ? cores : 1;
}

/* ------------------------------------------------------------------ quotas */

/* A hierarchy of groups with a controller of CPU time: where it is mounted,
 * and the group that is the top there (of a container, for instance). */
struct hierarchy {
    const char *root;
    bool v2;
    char mounted[PATH_MAX], top[PATH_MAX], group[PATH_MAX];
};

/* Whether the word is one of a list with commas. */
static bool has_word(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = list; (at = strstr(at, word)); at++)
        if ((at == list || at[-1] == ',') && (!at[n] || strchr(",\n: ", at[n]))) return true;
    return false;
}

static FILE *open_file(const char *root, const char *path)
{
    char name[2 * PATH_MAX];
    return snprintf(name, sizeof name, "%s%s", root, path) < (int)sizeof name ? fopen(name, "r") : NULL;
}

/* proc(5): "36 35 98:0 ROOT MOUNTED options tags - TYPE source options" */
static bool find_mount(struct hierarchy *h)
{
    char line[3 * PATH_MAX], mounted[PATH_MAX], top[PATH_MAX], type[40], options[400];
    bool found = false;
    FILE *f = open_file(h->root, "/proc/self/mountinfo");
    while (f && !found && fgets(line, sizeof line, f)) {
        const char *rest = strstr(line, " - ");
        if (!rest || sscanf(line, "%*s %*s %*s %4095s %4095s", top, mounted) != 2 ||
            sscanf(rest, " - %39s %*s %399s", type, options) != 2)
            continue;
        found = h->v2 ? !strcmp(type, "cgroup2") : !strcmp(type, "cgroup") && has_word(options, "cpu");
    }
    if (f) fclose(f);
    if (!found) return false;
    strcpy(h->mounted, mounted);
    strcpy(h->top, top);
    return true;
}

/* cgroups(7): "4:cpu,cpuacct:/group", or "0::/group" */
static bool find_group(struct hierarchy *h)
{
    char line[PATH_MAX + 200];
    bool found = false;
    FILE *f = open_file(h->root, "/proc/self/cgroup");
    while (f && !found && fgets(line, sizeof line, f)) {
        char *list = strchr(line, ':'), *path = list ? strchr(list + 1, ':') : NULL;
        if (!path || strlen(path) >= sizeof h->group) continue;
        *path++ = '\0';
        found = h->v2 ? !strncmp(line, "0:", 2) && !list[1] : has_word(list + 1, "cpu");
        snprintf(h->group, sizeof h->group, "%.*s", (int)strcspn(path, "\n"), path);
    }
    if (f) fclose(f);
    return found;
}

static bool read_number(const struct hierarchy *h, const char *file, long *out)
{
    char path[3 * PATH_MAX];
    snprintf(path, sizeof path, "%s%s/%s", h->mounted, h->group, file);
    FILE *f = open_file(h->root, path);
    bool read = f && fscanf(f, "%ld", out) == 1;
    if (f) fclose(f);
    return read;
}

/* "QUOTA PERIOD", or "max PERIOD" */
static bool read_pair(const struct hierarchy *h, long *quota, long *period)
{
    char path[3 * PATH_MAX];
    snprintf(path, sizeof path, "%s%s/cpu.max", h->mounted, h->group);
    FILE *f = open_file(h->root, path);
    bool read = f && fscanf(f, "%ld %ld", quota, period) == 2;
    if (f) fclose(f);
    return read;
}

static int quota_here(const struct hierarchy *h)
{
    long quota, period;
    bool set = h->v2 ? read_pair(h, &quota, &period)
                     : read_number(h, "cpu.cfs_quota_us", &quota) && read_number(h, "cpu.cfs_period_us", &period);
    if (!set || quota <= 0 || period <= 0) return INT_MAX;
    long cores = quota / period + (quota % period != 0);
    return cores < INT_MAX ? (int)cores : INT_MAX;
}

/* The least of the group's own and of those above it, up to what is mounted. */
static int quota_of(struct hierarchy *h)
{
    if (!find_group(h) || !find_mount(h)) return INT_MAX;
    size_t n = strcmp(h->top, "/") ? strlen(h->top) : 0;
    if (n && !strncmp(h->group, h->top, n)) memmove(h->group, h->group + n, strlen(h->group + n) + 1);
    int min = INT_MAX;
    for (;;) {
        int quota = quota_here(h);
        if (quota < min) min = quota;
        char *slash = strrchr(h->group, '/');
        if (!slash) return min;
        *slash = '\0';
    }
}

int cores_by_quota(const char *root)
{
    struct hierarchy v1 = { .root = root }, v2 = { .root = root, .v2 = true };
    int a = quota_of(&v1), b = quota_of(&v2);
    return a < b ? a : b;
}

int cores_allowed(void)
{
    int a = by_affinity(), q = cores_by_quota("");
    return a < q ? a : q;
}
