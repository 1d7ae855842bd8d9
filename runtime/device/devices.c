/* SPDX-License-Identifier: BSD-3-Clause */
#include "devices.h"
#include "base/sized.h"

#include <ctype.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cores.h"
#include "cuda_device.h"
#include "environment.h"
#include "headroom.h"
#include "opencl_device.h"

static const char *const kind_names[HSGD_DEVICE_KINDS] = { "cpu", "cuda", "opencl" };

const char *hsgd_device_kind_name(enum hsgd_device_kind kind)
{
    return kind < HSGD_DEVICE_KINDS ? kind_names[kind] : "?";
}

/* -------------------------------------------------------------- the list */

/* The accelerators there are, per kind. */
struct machine {
    int count[HSGD_DEVICE_KINDS];
    struct opencl_list opencl;
};

static const char *const kind_words[HSGD_DEVICE_KINDS] = { "CPU", "CUDA", "OpenCL" }; /* in sentences */

static int want_one(struct hsgd_context *ctx, struct device_request *r, const struct machine *have,
                    enum hsgd_device_kind kind, int index)
{
    const char *name = kind_names[kind], *word = kind_words[kind];
    int *n = &r->count[kind];
    if (!have->count[kind])
        return hsgd_fail(ctx, ENODEV, "device \"%s:%d\" is not available: no %s device was found", name, index, word);
    if (index >= have->count[kind])
        return hsgd_fail(ctx, ENODEV, "device \"%s:%d\" is not available: %s devices are 0 to %d", name, index, word,
                         have->count[kind] - 1);
    for (int i = 0; i < *n; i++)
        if (r->index[kind][i] == index) return 0;
    char why[300];
    if (kind == HSGD_OPENCL && !opencl_is_usable(&have->opencl, index, why, sizeof why))
        return hsgd_fail(ctx, ENOTSUP, "device \"%s:%d\" cannot be used: %s", name, index, why);
    if (kind == HSGD_OPENCL) r->only_opencl_cpus = have->opencl.is_cpu[index] && (r->only_opencl_cpus || !*n);
    r->index[kind][(*n)++] = index;
    return 0;
}

/* One of several; it is said if it cannot be used, and left out. */
static int want_usable(struct hsgd_context *ctx, struct device_request *r, const struct machine *have,
                       enum hsgd_device_kind kind, int index)
{
    int err = want_one(ctx, r, have, kind, index);
    if (err != -ENOTSUP) return err;
    hsgd_log(ctx, HSGD_LOG_WARNING, "%s: it is left out", ctx->error);
    *ctx->error = '\0';
    return 0;
}

static int want_all(struct hsgd_context *ctx, struct device_request *r, const struct machine *have,
                    enum hsgd_device_kind kind)
{
    int n = have->count[kind];
    if (!have->count[kind])
        return hsgd_fail(ctx, ENODEV, "device \"%s\" is not available: no %s device was found", kind_names[kind],
                         kind_words[kind]);
    for (int i = 0; i < n && n > 1; i++) want_usable(ctx, r, have, kind, i);
    return r->count[kind] ? 0 : want_one(ctx, r, have, kind, 0);
}

/* One word of the list: "cpu", "opencl", "opencl:1".  A bare number after
 * "opencl:0" ("opencl:0,1") names another device of that kind. */
static int want_word(struct hsgd_context *ctx, struct device_request *r, const struct machine *have, char *word,
                     enum hsgd_device_kind *kind)
{
    char *colon = strchr(word, ':'), *number = colon ? colon + 1 : isdigit((unsigned char)word[0]) ? word : NULL;
    if (colon) *colon = 0;
    if (number != word) {
        int k = 0;
        while (k < HSGD_DEVICE_KINDS && strcmp(word, kind_names[k])) k++;
        if (k == HSGD_DEVICE_KINDS)
            return hsgd_fail(ctx, EINVAL, "device \"%s\" is not one of cpu, cuda, opencl", word);
        *kind = k;
    }
#ifndef HSGD_USE_CUDA
    if (*kind == HSGD_CUDA) return hsgd_fail(ctx, ENODEV, "device \"cuda\" is not available: built without CUDA");
#endif
    char *end = number;
    long index = number ? strtol(number, &end, 10) : -1;
    if (number && (end == number || *end || index < 0 || index > 255))
        return hsgd_fail(ctx, EINVAL, "device number \"%s\" is not an integer from 0 to 255", number);
    if (*kind == HSGD_CPU) {
        if (index > 0)
            return hsgd_fail(ctx, ENODEV, "device \"cpu:%ld\" is not available: the CPU is one device", index);
        r->cpu = true;
        return 0;
    }
    return number ? want_one(ctx, r, have, *kind, (int)index) : want_all(ctx, r, have, *kind);
}

static int want_list(struct hsgd_context *ctx, struct device_request *r, const struct machine *have, const char *list)
{
    char copy[256];
    if (strlen(list) >= sizeof copy) return hsgd_fail(ctx, EINVAL, "the device list is longer than 255 characters");
    strcpy(copy, list);
    enum hsgd_device_kind kind = HSGD_DEVICE_KINDS;
    char *rest = copy, *word;
    while ((word = strsep(&rest, ","))) {
        if (!*word) return hsgd_fail(ctx, EINVAL, "device list \"%s\" has an empty name", list);
        if (isdigit((unsigned char)word[0]) && kind == HSGD_DEVICE_KINDS)
            return hsgd_fail(ctx, EINVAL, "device list \"%s\" starts with a number", list);
        int err = want_word(ctx, r, have, word, &kind);
        if (err) return err;
    }
    return 0;
}

/* Whether OpenCL devices that are CPUs have cores of their own: the user wants
 * them, and CPU workers leave some. */
static bool cpus_are_left(int threads)
{
    return environment_number("STARPU_OPENCL_ON_CPUS", 0) && threads > 0 && threads < cores_allowed();
}

/* Every physical device once: OpenCL devices that are CPUs, or NVIDIA's where
 * CUDA drives them, are there already. */
static void want_every_device(struct hsgd_context *ctx, struct device_request *r, const struct machine *have,
                              int threads)
{
    int max_cuda = environment_number("STARPU_NCUDA", have->count[HSGD_CUDA]);
    int max_opencl = environment_number("STARPU_NOPENCL", have->count[HSGD_OPENCL]);
    bool cpus = cpus_are_left(threads);
    r->cpu = true;
    for (int i = 0; i < have->count[HSGD_CUDA] && i < max_cuda; i++) want_one(ctx, r, have, HSGD_CUDA, i);
    for (int i = 0; i < have->count[HSGD_OPENCL]; i++) {
        bool again = have->opencl.is_cpu[i] ? !cpus : have->opencl.is_nvidia[i] && have->count[HSGD_CUDA];
        if (!again && r->count[HSGD_OPENCL] < max_opencl) want_usable(ctx, r, have, HSGD_OPENCL, i);
    }
}

/* An accelerator's driver takes a core. */
static int want_cores(struct hsgd_context *ctx, struct device_request *out, int threads)
{
    int allowed = cores_allowed();
    int left = allowed - out->count[HSGD_CUDA] - out->count[HSGD_OPENCL];
    if (threads < 0) return hsgd_fail(ctx, EINVAL, "threads must be 0 or more, not %d", threads);
    if (threads > allowed)
        return hsgd_fail(ctx, EINVAL, "threads is %d, but this process may use %d core%s", threads, allowed,
                         allowed > 1 ? "s" : "");
    out->cores = threads ? threads : left > 1 ? left : 1;
    if (out->cores > STARPU_MAXCPUS) {
        hsgd_log(ctx, HSGD_LOG_WARNING,
                 "this StarPU drives at most %d of the %d cores: install one configured with --enable-maxcpus=%d",
                 STARPU_MAXCPUS, out->cores, out->cores);
        out->cores = STARPU_MAXCPUS;
    }
    return 0;
}

/* Nodes of GPUs and other accelerators, of all drivers that have an OpenCL
 * library: DRM, AMD, NVIDIA, WSL, Arm, Qualcomm, Imagination, Vivante, FPGAs. */
static const char *const accelerator_nodes[] = {
    "/dev/dri/*", "/dev/accel/*", "/dev/kfd",   "/dev/nvidia*",     "/dev/dxg",
    "/dev/mali*", "/dev/kgsl*",   "/dev/pvr*",  "/dev/galcore",     "/dev/xclmgmt*",
    "/dev/xdma*", "/dev/qdma*",   "/dev/dfl-*", "/dev/intel-fpga*", "/dev/acl*",
};

bool devices_has_accelerator(void)
{
    bool has = false;
    for (size_t i = 0; !has && i < sizeof accelerator_nodes / sizeof *accelerator_nodes; i++) {
        glob_t found;
        has = !glob(accelerator_nodes[i], 0, NULL, &found);
        globfree(&found);
    }
    return has;
}

/* Finding devices loads every OpenCL library and starts its threads: not where
 * "auto" could take none. */
static int find_opencl(struct hsgd_context *ctx, bool automatic, int threads, struct opencl_list *out)
{
    if (automatic && !devices_has_accelerator() && !cpus_are_left(threads)) return 0;
    int err = headroom_check_opencl(ctx);
    if (!err && opencl_is_orphan())
        err = hsgd_fail(ctx, ECHILD, "this is a child process of fork(), and OpenCL was used in its parent");
    if (!err) opencl_enumerate(ctx, out);
    if (!err || !automatic) return err;
    hsgd_log(ctx, HSGD_LOG_WARNING, "%s: without OpenCL devices", ctx->error);
    *ctx->error = '\0';
    return 0;
}

int devices_request(struct hsgd_context *ctx, const char *list, int threads, struct device_request *out)
{
    struct machine have = { 0 };
    bool automatic = !list || !strcmp(list, "auto");
    *out = (struct device_request){ 0 };
    if (!threads) threads = environment_number("STARPU_NCPU", 0);
    if (automatic || strstr(list, "opencl")) {
        int err = find_opencl(ctx, automatic, threads, &have.opencl);
        if (err) return err;
    }
    if (automatic || strstr(list, "cuda")) have.count[HSGD_CUDA] = cuda_count();
    have.count[HSGD_OPENCL] = have.opencl.count;
    if (automatic) want_every_device(ctx, out, &have, threads);
    int err = automatic ? 0 : want_list(ctx, out, &have, list);
    return err ? err : want_cores(ctx, out, threads);
}

/* ------------------------------------------------------ StarPU's workers */

static enum hsgd_device_kind worker_kind(int worker)
{
    switch (starpu_worker_get_type(worker)) {
    case STARPU_CUDA_WORKER: return HSGD_CUDA;
    case STARPU_OPENCL_WORKER: return HSGD_OPENCL;
    default: return HSGD_CPU;
    }
}

static int physical_index(enum hsgd_device_kind kind, int worker)
{
    return kind == HSGD_CPU ? 0 : starpu_worker_get_devid(worker);
}

static struct device *find_device(struct hsgd_context *ctx, enum hsgd_device_kind kind, int index)
{
    for (int i = 0; i < ctx->ndevices; i++)
        if (ctx->device[i].info.kind == kind && ctx->device[i].info.index == index) return &ctx->device[i];
    return NULL;
}

static void cpu_describe(struct device *d)
{
    snprintf(d->info.name, sizeof d->info.name, "CPU");
    FILE *f = fopen("/proc/cpuinfo", "r");
    char line[256];
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, "model name", 10) && strchr(line, ':')) {
            snprintf(d->info.name, sizeof d->info.name, "%.*s", (int)strcspn(strchr(line, ':') + 2, "\n"),
                     strchr(line, ':') + 2);
            break;
        }
    if (f) fclose(f);
    d->info.is_cpu = true;
    d->info.memory_bytes = (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE);
    strcpy(d->info.id, "cpu");
}

static bool wanted(const struct device_request *r, enum hsgd_device_kind kind, int index)
{
    if (kind == HSGD_CPU) return r->cpu;
    for (int i = 0; i < r->count[kind]; i++)
        if (r->index[kind][i] == index) return true;
    return false;
}

static int new_device(struct hsgd_context *ctx, enum hsgd_device_kind kind, int index, int worker, struct device **out)
{
    if (ctx->ndevices == MAX_DEVICES) return hsgd_fail(ctx, EINVAL, "more than %d devices", MAX_DEVICES);
    struct device *d = &ctx->device[ctx->ndevices++];
    d->info.kind = kind;
    d->info.index = index;
    d->info.numa_node = -1;
    d->units = 1;
    d->node = starpu_worker_get_memory_node(worker);
    *out = d;
    if (kind == HSGD_CPU) {
        cpu_describe(d);
        return 0;
    }
    snprintf(d->info.id, sizeof d->info.id, "%s:%d", kind_names[kind], index);
    return kind == HSGD_CUDA ? cuda_device_open(ctx, d) : opencl_device_open(ctx, d);
}

int devices_collect(struct hsgd_context *ctx, const struct device_request *request)
{
    for (int w = 0; w < (int)starpu_worker_get_count(); w++) {
        enum hsgd_device_kind kind = worker_kind(w);
        int index = physical_index(kind, w);
        if (!wanted(request, kind, index)) continue;
        struct device *d = find_device(ctx, kind, index);
        if (d && kind == HSGD_CPU && d->info.workers == request->cores) continue;
        int err = d ? 0 : new_device(ctx, kind, index, w, &d);
        if (!err && kind == HSGD_CUDA) err = cuda_worker_open(ctx, d, w);
        if (err) return err;
        d->worker[d->info.workers++] = w;
        d->worker_mask[w / 32] |= 1u << w % 32;
        ctx->worker_mask[w / 32] |= 1u << w % 32;
    }
    for (int i = 0; i < ctx->ndevices; i++) {
        struct device *d = &ctx->device[i];
        d->one_worker = calloc((size_t)d->info.workers, sizeof *d->one_worker);
        if (!d->one_worker) return hsgd_fail(ctx, ENOMEM, "out of memory");
        for (int k = 0; k < d->info.workers; k++) d->one_worker[k][d->worker[k] / 32] = 1u << d->worker[k] % 32;
    }
    opencl_tell_apart(ctx);
    int missing = ctx->joined ? EBUSY : ENODEV; /* the context that started StarPU wanted other devices */
    if (request->cpu && !find_device(ctx, HSGD_CPU, 0))
        return hsgd_fail(ctx, missing, "device \"cpu\" is not available: StarPU has no CPU worker");
    for (int kind = HSGD_CUDA; kind < HSGD_DEVICE_KINDS; kind++)
        for (int i = 0; i < request->count[kind]; i++)
            if (!find_device(ctx, kind, request->index[kind][i]))
                return hsgd_fail(ctx, missing, "device \"%s:%d\" is not driven by StarPU", kind_names[kind],
                                 request->index[kind][i]);
    return 0;
}

/* -------------------------------------------------------------- public */

int hsgd_device_count(const struct hsgd_context *ctx) { return ctx ? ctx->ndevices : 0; }

int hsgd_device_get(const struct hsgd_context *ctx, int i, struct hsgd_device *out, size_t size)
{
    if (!ctx || i < 0 || i >= ctx->ndevices) return -EINVAL;
    const struct device *d = &ctx->device[i];
    struct hsgd_device full = d->info;
    full.tasks = atomic_load(&d->tasks);
    full.samples = atomic_load(&d->samples);
    full.graphs_captured = atomic_load(&d->captures);
    full.graphs_launched = atomic_load(&d->graph_launches);
    full.busy_seconds = 1e-9 * (double)atomic_load(&d->busy_ns);
    full.peak_bytes = (size_t)atomic_load(&d->peak_bytes);
    return SIZED_GIVE(NULL, hsgd_device, out, size, &full);
}

const char *devices_policy(void)
{
    const struct starpu_sched_policy *policy = starpu_sched_ctx_get_sched_policy(0);
    return policy && policy->policy_name ? policy->policy_name : "of StarPU";
}

double device_copy_us(const struct device *d, bool to_device, size_t bytes)
{
    if (d->node == STARPU_MAIN_RAM) return 0;
    return to_device ? starpu_transfer_predict(STARPU_MAIN_RAM, d->node, bytes)
                     : starpu_transfer_predict(d->node, STARPU_MAIN_RAM, bytes);
}
