/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "starpu_environment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <sched.h>
#include <starpu_config.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/c_locale.h"
#include "base/sha256.h"
#include "io/cache.h"
#include "io/private_folder.h"
#include "perfmodel_files.h"

static bool begins(const char *text, const char *with) { return !strncmp(text, with, strlen(with)); }

/* ----------------------------------------------------------------- numbers */

enum form { WHOLE, REAL, CORES };

/* What StarPU 1.3 and 1.4 read with starpu_get_env_number() and
 * starpu_get_env_float_default(), and their lists of cores.  The first pattern
 * that fits counts.  Variables of what is never started from here
 * (master-slave, SimGrid, heteroprio) are left out. */
static const struct {
    const char *pattern;
    enum form form;
    int min;
} variables[] = {
    { "STARPU_NTHREADS_PER_CORE", WHOLE, 1 },
    { "STARPU_N*", WHOLE, 0 },
    { "STARPU_BACKOFF_M*", WHOLE, 0 },
    { "STARPU_BUS_CALIBRATE", WHOLE, 0 },
    { "STARPU_BUS_STATS", WHOLE, 0 },
    { "STARPU_CALIBRATE*", WHOLE, 0 },
    { "STARPU_CATCH_SIGNALS", WHOLE, 0 },
    { "STARPU_CHECK_ENTIRE_PLATFORM", WHOLE, 0 },
    { "STARPU_CODELET_PROFILING", WHOLE, 0 },
    { "STARPU_CUDA_*", WHOLE, 0 },
    { "STARPU_DATA_LOCALITY_ENFORCE", WHOLE, 0 },
    { "STARPU_DISABLE_*", WHOLE, 0 },
    { "STARPU_DISK_SWAP_SIZE", WHOLE, 0 },
    { "STARPU_DISPLAY_BINDINGS", WHOLE, 0 },
    { "STARPU_ENABLE_CUDA_GPU_GPU_DIRECT", WHOLE, 0 },
    { "STARPU_ENABLE_MAP", WHOLE, 0 },
    { "STARPU_ENERGY_PROFILING", WHOLE, 0 },
    { "STARPU_EXPECTED_TRANSFER_TIME_WRITEBACK", WHOLE, 0 },
    { "STARPU_EXP_LEN_THRESHOLD", REAL, 0 },
    { "STARPU_FXT_TRACE", WHOLE, 0 },
    { "STARPU_GENERATE_TRACE", WHOLE, 0 },
    { "STARPU_GLOBAL_ARBITER", WHOLE, 0 },
    { "STARPU_HISTORY_MAX_ERROR", WHOLE, 0 },
    { "STARPU_IDLE_POWER", REAL, 0 },
    { "STARPU_LIMIT_*", WHOLE, 0 },
    { "STARPU_MAIN_THREAD_*", WHOLE, 0 },
    { "STARPU_MAX_*", WHOLE, 0 },
    { "STARPU_MEMORY_STATS", WHOLE, 0 },
    { "STARPU_MIN*", WHOLE, 0 },
    { "STARPU_OPENCL_ON*", WHOLE, 0 },
    { "STARPU_OPENCL_PIPELINE", WHOLE, 0 },
    { "STARPU_PCI_FLAT", WHOLE, 0 },
    { "STARPU_PERF_MODEL_HOMOGENEOUS_*", WHOLE, 0 },
    { "STARPU_PREFETCH", WHOLE, 0 },
    { "STARPU_RAND_SEED", WHOLE, 0 },
    { "STARPU_RESERVE_NCPU", WHOLE, 0 },
    { "STARPU_SCHED_ALPHA", REAL, 0 },
    { "STARPU_SCHED_BETA", REAL, 0 },
    { "STARPU_SCHED_GAMMA", REAL, 0 },
    { "STARPU_SCHED_GRAPH_TEST_DESCENDANTS", WHOLE, 0 },
    { "STARPU_SCHED_READY", WHOLE, 0 },
    { "STARPU_SCHED_SORTED_*", WHOLE, 0 },
    { "STARPU_SILENT", WHOLE, 0 },
    { "STARPU_SINGLE_COMBINED_WORKER", WHOLE, 0 },
    { "STARPU_STATS", WHOLE, 0 },
    { "STARPU_SUBALLOCATOR", WHOLE, 0 },
    { "STARPU_SYNTHESIZE_ARITY_COMBINED_WORKER", WHOLE, 0 },
    { "STARPU_TARGET_*", WHOLE, 0 },
    { "STARPU_TASK_*", WHOLE, 0 },
    { "STARPU_TRACE_BUFFER_SIZE", WHOLE, 0 },
    { "STARPU_USE_NUMA", WHOLE, 0 },
    { "STARPU_WATCHDOG_*", WHOLE, 0 },
    { "STARPU_WINDOW_TIME_SIZE", REAL, 0 },
    { "STARPU_WORKERS_COREID", CORES, 0 },
    { "STARPU_WORKERS_CPUID", CORES, 0 },
    { "STARPU_WORKERS_GETBIND", WHOLE, 0 },
    { "STARPU_WORKERS_NOBIND", WHOLE, 0 },
    { "STARPU_WORKER_TREE", WHOLE, 0 },
};

/* "0 2 4", "0,2", "4-7", "4-": numbers and ranges. */
static bool is_core_list(const char *text)
{
    do {
        char *end;
        text += strspn(text, " ,");
        long first = strtol(text, &end, 10), last = first;
        if (end == text || first < 0) return false;
        if (*end == '-') {
            text = end + 1;
            last = strtol(text, &end, 10);
            if (end == text) last = first;
        }
        if (last < first || !strchr(" ,", *end)) return false;
        text = end + strspn(end, " ,");
    } while (*text);
    return true;
}

static int check_number(struct hsgd_context *ctx, const char *name, const char *value, int which)
{
    char *end;
    int min = variables[which].min;
    switch (variables[which].form) {
    case WHOLE: {
        long n = strtol(value, &end, 10);
        if (!*end && n >= min && n <= INT_MAX) return 0;
        return hsgd_fail(ctx, EINVAL, "%s is \"%s\", not an integer from %d to %d", name, value, min, INT_MAX);
    }
    case REAL:
        c_strtof(value, &end);
        return *end ? hsgd_fail(ctx, EINVAL, "%s is \"%s\", not a number", name, value) : 0;
    default:
        if (is_core_list(value)) return 0;
        return hsgd_fail(ctx, EINVAL, "%s is \"%s\", not a list of cores like \"0 2 4\" or \"4-7\"", name, value);
    }
}

static int check_numbers(struct hsgd_context *ctx)
{
    enum { NVARIABLES = sizeof variables / sizeof *variables };
    for (char **e = environ; e && *e; e++) {
        char name[64];
        size_t length = strcspn(*e, "=");
        if (!begins(*e, "STARPU_") || length >= sizeof name || !(*e)[length]) continue;
        snprintf(name, sizeof name, "%.*s", (int)length, *e);
        int i = 0;
        while (i < NVARIABLES && fnmatch(variables[i].pattern, name, 0)) i++;
        int err = i < NVARIABLES ? check_number(ctx, name, *e + length + 1, i) : 0;
        if (err) return err;
    }
    return 0;
}

/* ------------------------------------------------------------------- words */

/* StarPU takes another policy when it does not know the name.  Heteroprio
 * aborts unless the application fills its buckets. */
static int check_policy(struct hsgd_context *ctx, const char *what, const char *name)
{
    char known[300] = "";
    size_t used = 0;
    if (!name || getenv("STARPU_SCHED_LIB")) return 0;
    if (!strcmp(name, "heteroprio"))
        return hsgd_fail(ctx, EINVAL, "%s is \"heteroprio\", which cannot run restricted tasks: use dmdas", what);
    for (struct starpu_sched_policy **p = starpu_sched_get_predefined_policies(); *p; p++) {
        const char *has = (*p)->policy_name;
        if (!strcmp(name, has)) return 0;
        if (used < sizeof known && !begins(has, "modular-") && strcmp(has, "heteroprio"))
            used += (size_t)snprintf(known + used, sizeof known - used, "%s, ", has);
    }
    return hsgd_fail(ctx, EINVAL, "%s is \"%s\", not one of %smodular-*", what, name, known);
}

/* The models of a host are in files of its name. */
static int check_host(struct hsgd_context *ctx)
{
    const char *name = getenv("STARPU_HOSTNAME");
    if (!name || !strchr(name, '/')) return 0;
    return hsgd_fail(ctx, EINVAL, "STARPU_HOSTNAME is \"%s\", which no file can be called", name);
}

/* ------------------------------------------------- where measurements are */

/* Until StarPU has ended; there is one. */
static char folder[PATH_MAX];

/* StarPU would take XDG_CACHE_HOME before STARPU_HOME.  What the user has named
 * for this must do. */
static const struct {
    const char *name, *below;
    bool must;
} homes[] = {
    { "STARPU_PERF_MODEL_DIR", "/", true },
    { "STARPU_HOME", "/.starpu/sampling/", true },
    { "XDG_CACHE_HOME", "/.starpu/sampling/", false },
    { "HOME", "/.starpu/sampling/", false },
};
enum { HOMES = sizeof homes / sizeof *homes };

/* The first that is set; HOMES: none. */
static int first_home(void)
{
    int i = 0;
    for (; i < HOMES; i++) {
        const char *home = getenv(homes[i].name);
        if (home && *home) break;
    }
    return i;
}

/* 0, or why StarPU, which ends the process then, could not write a file there. */
static int check_files(const char *below)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s%s", folder, below) >= (int)sizeof path) return ENAMETOOLONG;
    DIR *d = opendir(path);
    if (!d) return errno == ENOENT ? 0 : errno;
    int err = faccessat(dirfd(d), ".", W_OK | X_OK, AT_EACCESS) ? errno : 0;
    for (struct dirent *e; !err && (e = readdir(d));)
        if (e->d_name[0] != '.' && faccessat(dirfd(d), e->d_name, R_OK | W_OK, AT_EACCESS)) err = errno;
    closedir(d);
    return err;
}

static int use_folder(void)
{
    int err = hsgd_cache_make_folders(folder), missing = access(folder, F_OK) ? errno : 0;
    if (missing) return err ? err : missing;
    err = check_files("");
    if (!err) err = check_files("bus");
    return err ? err : check_files("codelets");
}

/* What is measured is measured again by the next process. */
static int use_private_folder(struct hsgd_context *ctx, const char *why)
{
    const char *instead = private_folder();
    if (!instead)
        return hsgd_fail(ctx, errno,
                         "%s, and there is no place for StarPU's measurements in /tmp either: set "
                         "STARPU_HOME to another folder",
                         why);
    snprintf(folder, sizeof folder, "%s/sampling/", instead);
    hsgd_cache_make_folders(folder);
    hsgd_log(ctx, HSGD_LOG_WARNING, "%s: StarPU's measurements are not kept; set STARPU_HOME to another folder", why);
    return 0;
}

static int choose_folder(struct hsgd_context *ctx)
{
    char why[PATH_MAX + 100];
    int i = first_home();
    if (i == HOMES) return use_private_folder(ctx, "HOME is not set");
    snprintf(folder, sizeof folder, "%s%s", getenv(homes[i].name), homes[i].below);
    int err = use_folder();
    if (!err) return 0;
    if (homes[i].must)
        return hsgd_fail(ctx, err, "%s: %s; StarPU keeps its measurements there: set %s to another folder", folder,
                         strerror(err), homes[i].name);
    snprintf(why, sizeof why, "%s: %s", folder, strerror(err));
    return use_private_folder(ctx, why);
}

bool measurements_folder(char *out, size_t size)
{
    int i = first_home();
    if (*folder) return (size_t)snprintf(out, size, "%s", folder) < size;
    return i < HOMES && (size_t)snprintf(out, size, "%s%s", getenv(homes[i].name), homes[i].below) < size;
}

/* ---------------------------------------------------------------- starting */

void starpu_environment_defaults(void)
{
    setenv("STARPU_SILENT", "1", 0);
    setenv("STARPU_WORKERS_GETBIND", "1", 0);
    if (!STARPU_HAS_SAFE_PREFETCH) setenv("STARPU_PREFETCH", "0", 0);
}

int starpu_environment_check(struct hsgd_context *ctx, const char *policy)
{
    int err = check_numbers(ctx);
    if (!err) err = check_policy(ctx, "STARPU_SCHED", getenv("STARPU_SCHED"));
    if (!err) err = check_policy(ctx, "policy", policy);
    if (!err) err = check_host(ctx);
    return err ? err : choose_folder(ctx);
}

/* What a variable is while StarPU starts; NULL: not set. */
struct setting {
    const char *name, *value;
    bool told; /* the user is, where it was set */
    char *before;
};

static void put(const char *name, const char *value)
{
    if (value) setenv(name, value, 1);
    else unsetenv(name);
}

static void set(struct hsgd_context *ctx, struct setting *s)
{
    const char *value = getenv(s->name);
    if (value && s->told) hsgd_log(ctx, HSGD_LOG_WARNING, "%s is not used: the device list names devices", s->name);
    s->before = value ? strdup(value) : NULL;
    put(s->name, s->value);
}

/* What StarPU takes for the host's name while it starts, and so for its measurement of
 * transfers: it throws away one that was made with other cores or numbers of devices.
 * So each set has one of its own, and none is that of StarPU's tools. */
static void name_host(char *out, size_t size, bool opencl)
{
    const char *vendors = getenv("OCL_ICD_VENDORS");
    char host[HOST_NAME], hex[65];
    struct sha256 h;
    cpu_set_t cores;
    int n = sched_getaffinity(0, sizeof cores, &cores) ? 0 : CPU_COUNT(&cores);
    hsgd_cache_host(host, sizeof host);
    sha256_begin(&h);
    sha256_text(&h, vendors ? vendors : "");
    sha256_end(&h, hex);
    snprintf(out, size, "%s_hsgd_%d-%d_%d%s%s%.*s", host, STARPU_MAJOR_VERSION, STARPU_MINOR_VERSION, n,
             opencl ? "_opencl" : "", opencl && vendors ? "-" : "", opencl && vendors ? 8 : 0, hex);
}

int starpu_environment_init(struct hsgd_context *ctx, struct starpu_conf *conf)
{
    bool spare = ctx->spare_opencl && !conf->nopencl;
    char host[120], where[PATH_MAX];
    name_host(host, sizeof host, !spare);
    if (measurements_folder(where, sizeof where) && perfmodel_transfers_mend(where, host))
        hsgd_log(ctx, HSGD_LOG_INFO, "%sbus/%s is damaged: transfers are measured again", where, host);
    struct setting settings[] = {
        { .name = "STARPU_PERF_MODEL_DIR", .value = folder },
        /* StarPU and hwloc look for OpenCL devices that nobody wants. */
        { .name = "OCL_ICD_VENDORS", .value = spare ? "/dev/null" : getenv("OCL_ICD_VENDORS") },
        { .name = "STARPU_HOSTNAME", .value = host },
        /* StarPU counts OpenCL devices once a process: a later context may need one that is a CPU. */
        { .name = "STARPU_OPENCL_ON_CPUS", .value = "1" },
        { .name = "STARPU_OPENCL_ONLY_ON_CPUS", .told = true },
        { .name = "STARPU_WORKERS_OPENCLID", .told = true },
        { .name = "STARPU_WORKERS_CUDAID", .told = true },
    };
    enum { SETTINGS = sizeof settings / sizeof *settings };
    for (int i = 0; i < SETTINGS; i++) set(ctx, &settings[i]);
    int err = starpu_init(conf);
    for (int i = 0; i < SETTINGS; i++) {
        put(settings[i].name, settings[i].before);
        free(settings[i].before);
    }
    return err;
}
