/* SPDX-License-Identifier: BSD-3-Clause */
#include "headroom.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)

/* Measured, and rounded up. */
#define START_BYTES (64 * MIB)   /* StarPU's own tables */
#define WORKER_BYTES (132 * MIB) /* OpenBLAS: a buffer of up to 128 MiB for every thread that multiplies */
#define OPENCL_BYTES (768 * MIB) /* PoCL with its compiler */
#define RUN_BYTES (16 * MIB)
#define OTHER_THREADS 4 /* that write checkpoints and fill batches */

/* Threads that wait until all of them are there. */
struct crowd {
    pthread_mutex_t gate;
    int n;
    pthread_t thread[];
};

static void *stand(void *arg)
{
    struct crowd *c = arg;
    pthread_mutex_lock(&c->gate);
    pthread_mutex_unlock(&c->gate);
    return NULL;
}

/* 0, or why there cannot be so many. */
static int try_threads(int threads)
{
    struct crowd *c = calloc(1, sizeof *c + (size_t)threads * sizeof *c->thread);
    int err = c ? 0 : ENOMEM;
    if (err) return err;
    pthread_mutex_init(&c->gate, NULL);
    pthread_mutex_lock(&c->gate);
    while (!err && c->n < threads)
        if (!(err = pthread_create(&c->thread[c->n], NULL, stand, c))) c->n++;
    pthread_mutex_unlock(&c->gate);
    for (int i = 0; i < c->n; i++) pthread_join(c->thread[i], NULL);
    pthread_mutex_destroy(&c->gate);
    free(c);
    return err;
}

/* Takes it all at the same time, and gives it back. */
static int try_all(size_t bytes, int threads)
{
    void *block = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (block == MAP_FAILED) return ENOMEM;
    int err = try_threads(threads);
    munmap(block, bytes);
    return err;
}

/* " (ulimit -v 300000)" where a limit is set. */
static void name_limit(char *out, size_t size)
{
    static const struct {
        int resource;
        char option;
        size_t unit;
    } limits[] = {
        { RLIMIT_AS, 'v', 1024 },
        { RLIMIT_DATA, 'd', 1024 },
        { RLIMIT_NPROC, 'u', 1 },
    };
    struct rlimit r;
    size_t used = 0;
    *out = '\0';
    for (size_t i = 0; i < sizeof limits / sizeof *limits && used < size; i++) {
        bool counts = limits[i].resource != RLIMIT_NPROC || getuid();
        if (counts && !getrlimit((__rlimit_resource_t)limits[i].resource, &r) && r.rlim_cur != RLIM_INFINITY)
            used += (size_t)snprintf(out + used, size - used, "%s -%c %zu", used ? "" : " (ulimit", limits[i].option,
                                     (size_t)r.rlim_cur / limits[i].unit);
    }
    if (used && used + 1 < size) strcpy(out + used, ")");
}

static int check(struct hsgd_context *ctx, const char *what, size_t bytes, int threads)
{
    char limit[100];
    if (!try_all(bytes, threads)) return 0;
    name_limit(limit, sizeof limit);
    return hsgd_fail(ctx, ENOMEM,
                     "%s: %zu MiB more of address space and %d more threads are needed, which this process "
                     "may not have%s",
                     what, bytes / MIB, threads, limit);
}

int headroom_check_start(struct hsgd_context *ctx, const struct device_request *r)
{
    char what[60];
    int cores = r->cpu ? r->cores : 0, others = r->count[HSGD_CUDA] + r->count[HSGD_OPENCL];
    snprintf(what, sizeof what, "cannot start %d worker%s", cores + others, cores + others == 1 ? "" : "s");
    return check(ctx, what, START_BYTES + (size_t)cores * WORKER_BYTES, cores + others + OTHER_THREADS);
}

int headroom_check_opencl(struct hsgd_context *ctx)
{
    return check(ctx, "cannot load OpenCL", OPENCL_BYTES, (int)sysconf(_SC_NPROCESSORS_ONLN) + OTHER_THREADS);
}

int headroom_check_run(struct hsgd_context *ctx)
{
    int cores = 0;
    if (ctx->runs) return 0;
    for (int i = 0; i < ctx->ndevices; i++)
        if (ctx->device[i].info.kind == HSGD_CPU) cores = ctx->device[i].info.workers;
    int err = check(ctx, "cannot start to compute", RUN_BYTES + (size_t)cores * WORKER_BYTES, OTHER_THREADS);
    ctx->runs = !err;
    return err;
}
