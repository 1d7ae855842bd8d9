/* SPDX-License-Identifier: BSD-3-Clause */
#include "perfmodel_files.h"

#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/c_locale.h"
#include "io/cache.h"

#define DIGITS "0123456789"
#define HEX DIGITS "abcdef"
#define HASH 16

static const char prefix[] = "hsgd_";

void perfmodel_network(const char *name, char out[PERFMODEL_NETWORK + 1])
{
    snprintf(out, PERFMODEL_NETWORK + 1, "%.*s", PERFMODEL_NETWORK, name);
    for (char *c = out; *c; c++)
        if (!c_isalnum(*c) && *c != '-') *c = '_';
}

/* Bytes of the network in "hsgd_<network>_<kind>_<hash>", of n bytes; 0: it is none of ours. */
static int network_bytes(const char *symbol, int n)
{
    int begin = sizeof prefix - 1, hash = n - HASH, kind = hash - 1;
    if (hash < begin || strncmp(symbol, prefix, sizeof prefix - 1)) return 0;
    if (strspn(symbol + hash, HEX) < HASH || symbol[kind] != '_') return 0;
    while (kind > begin && symbol[kind - 1] >= 'a' && symbol[kind - 1] <= 'z') kind--;
    bool named = kind < hash - 1 && symbol[kind - 1] == '_';
    return named && kind - 1 > begin ? kind - 1 - begin : 0;
}

/* What a folder is searched for. */
struct search {
    const char *network; /* NULL: any */
    char host[HOST_NAME];
};
typedef bool match_fn(const struct search *s, const char *name);

static bool is_model(const struct search *s, const char *name)
{
    const char *dot = strchr(name, '.');
    if (!dot || strcmp(dot + 1, s->host)) return false;
    int n = network_bytes(name, (int)(dot - name));
    return n &&
           (!s->network || ((int)strlen(s->network) == n && !memcmp(name + sizeof prefix - 1, s->network, (size_t)n)));
}

/* "<host>_hsgd_1-3_2_opencl.latency": starpu_environment_init() has chosen the name. */
static bool is_transfer(const struct search *s, const char *name)
{
    size_t n = strlen(s->host);
    int end = 0;
    unsigned major, minor, cores;
    if (strncmp(name, s->host, n)) return false;
    return sscanf(name + n, "_hsgd_%4u-%4u_%6u%n", &major, &minor, &cores, &end) == 3 && end &&
           strchr("._", name[n + (size_t)end]);
}

static int find(struct hsgd_context *ctx, const char *folder, const struct search *s, match_fn *match,
                struct aged_files *out)
{
    char path[PATH_MAX];
    int err = 0;
    DIR *d = opendir(folder);
    if (!d) return 0;
    for (struct dirent *e; !err && (e = readdir(d));)
        if (match(s, e->d_name) && snprintf(path, sizeof path, "%s/%s", folder, e->d_name) < (int)sizeof path)
            err = aged_files_add(ctx, out, path);
    closedir(d);
    return err;
}

/* A folder for each form of StarPU's files: "45". */
int perfmodel_files_find(struct hsgd_context *ctx, const char *folder, const char *network, struct aged_files *out)
{
    char path[PATH_MAX];
    struct search s = { .network = network };
    int err = 0;
    hsgd_cache_host(s.host, sizeof s.host);
    if (snprintf(path, sizeof path, "%scodelets", folder) >= (int)sizeof path) return 0;
    DIR *d = opendir(path);
    if (!d) return 0;
    for (struct dirent *e; !err && (e = readdir(d));) {
        if (e->d_name[strspn(e->d_name, DIGITS)]) continue;
        if (snprintf(path, sizeof path, "%scodelets/%s", folder, e->d_name) < (int)sizeof path)
            err = find(ctx, path, &s, is_model, out);
    }
    closedir(d);
    return err;
}

int perfmodel_transfers_find(struct hsgd_context *ctx, const char *folder, struct aged_files *out)
{
    char path[PATH_MAX];
    struct search s = { 0 };
    hsgd_cache_host(s.host, sizeof s.host);
    return snprintf(path, sizeof path, "%sbus", folder) < (int)sizeof path ? find(ctx, path, &s, is_transfer, out) : 0;
}

void perfmodel_files_limit(const char *folder, const char *symbol)
{
    char network[PERFMODEL_NETWORK + 1];
    struct aged_files files = { 0 };
    int n = network_bytes(symbol, (int)strlen(symbol));
    if (!n || n > PERFMODEL_NETWORK) return;
    snprintf(network, sizeof network, "%.*s", n, symbol + sizeof prefix - 1);
    perfmodel_files_find(NULL, folder, network, &files);
    aged_files_remove(NULL, &files, PERFMODEL_FILES_KEPT);
}

/* ------------------------------------------------------------- parts of files */

/* A blank line follows the last model; every combination of devices has one. */
bool perfmodel_is_whole(const char *path)
{
    char line[256] = "", last = 0;
    int combinations = -1, models = 0;
    bool counts = false;
    FILE *f = fopen(path, "r");
    if (!f) return true;
    while (fgets(line, sizeof line, f)) {
        if (counts) sscanf(line, "%9d", &combinations);
        counts = !strcmp(line, "# number of combinations\n");
        models += !strncmp(line, "# Model for ", 12);
        last = *line;
    }
    bool empty = !ftell(f);
    fclose(f);
    return empty || (last == '\n' && combinations >= 0 && models >= combinations);
}

static bool ends_in_line(const char *path)
{
    FILE *f = fopen(path, "r");
    if (!f) return true;
    bool whole = !fseek(f, -1, SEEK_END) && getc(f) == '\n';
    fclose(f);
    return whole;
}

bool perfmodel_transfers_mend(const char *folder, const char *name)
{
    static const char *const parts[] = { "config", "affinity", "latency", "bandwidth" };
    enum { PARTS = sizeof parts / sizeof *parts };
    char path[PARTS][PATH_MAX];
    bool whole = true;
    for (int i = 0; i < PARTS; i++) {
        if (snprintf(path[i], PATH_MAX, "%s/bus/%s.%s", folder, name, parts[i]) >= PATH_MAX) return false;
        whole = whole && ends_in_line(path[i]);
    }
    for (int i = 0; !whole && i < PARTS; i++) unlink(path[i]);
    return !whole;
}
