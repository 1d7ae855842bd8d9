/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/c_locale.h"
#include "base/core.h"
#include "cuda_device.h"
#include "devices.h"
#include "environment.h"
#include "headroom.h"
#include "inject.h"
#include "kernels.h"
#include "opencl_device.h"
#include "perfmodels.h"
#include "product_choice.h"
#include "base/sized.h"
#include "starpu_environment.h"

/* One process has one StarPU: contexts of ours share it. */
static pthread_mutex_t starpu_lock = PTHREAD_MUTEX_INITIALIZER;
static int starpu_users, blas_threads_before;

/* ------------------------------------------------------------------ fork() */

/* Whether StarPU ran where this process came from. */
static bool orphaned;

/* Another thread may have held the lock. */
static void after_fork(void)
{
    orphaned = orphaned || starpu_is_initialized();
    pthread_mutex_init(&starpu_lock, NULL);
}

__attribute__((constructor)) static void watch_forks(void) { pthread_atfork(NULL, NULL, after_fork); }

/* --------------------------------------------------- starting StarPU */

/* Slices of one size go to the worker that is free. */
static const char *default_policy(const struct device_request *r)
{
    if (environment_number("HSGD_SLICES", 0) > 0) return "eager";
    return r->cpu && !r->count[HSGD_CUDA] && !r->count[HSGD_OPENCL] ? "eager" : "dmdas";
}

static int start_starpu(struct hsgd_context *ctx, const struct device_request *r, const char *wish)
{
    struct starpu_conf conf;
    starpu_environment_defaults();
    int err = headroom_check_start(ctx, r);
    if (!err) err = starpu_environment_check(ctx, wish);
    if (err) return err;
    int ncuda = r->count[HSGD_CUDA], nopencl = r->count[HSGD_OPENCL];
    if (starpu_conf_init(&conf)) return hsgd_fail(ctx, EIO, "StarPU refuses its own default configuration");
    conf.precedence_over_environment_variables = 1;
    conf.ncpus = r->cpu ? r->cores : 0;
    conf.ncuda = ncuda;
    conf.use_explicit_workers_cuda_gpuid = ncuda > 0;
    for (int i = 0; i < ncuda; i++) conf.workers_cuda_gpuid[i] = (unsigned)r->index[HSGD_CUDA][i];
    conf.nopencl = nopencl;
    conf.use_explicit_workers_opencl_gpuid = nopencl > 0;
    for (int i = 0; i < nopencl; i++) conf.workers_opencl_gpuid[i] = (unsigned)r->index[HSGD_OPENCL][i];
    const char *policy = getenv("STARPU_SCHED");
    if (!policy) policy = wish;
    conf.sched_policy_name = policy ? policy : default_policy(r);
    ctx->chose_policy = !policy;
    conf.catch_signals = 0;
    /* A driver that polls for the end of a copy takes the core the copy needs. */
    if (nopencl && r->only_opencl_cpus) conf.disable_asynchronous_opencl_copy = 1;
    err = starpu_environment_init(ctx, &conf);
    if (err) return hsgd_fail(ctx, -err, "StarPU did not start: %s", strerror(-err));
    starpu_malloc_set_align(64);
    starpu_pause();
    return 0;
}

static int attach_starpu(struct hsgd_context *ctx, const struct device_request *r, const char *policy)
{
    pthread_mutex_lock(&starpu_lock);
    int err = 0;
    if (starpu_users > 0) {
        ctx->owns_starpu = ctx->joined = true;
    } else if (!starpu_is_initialized()) {
        ctx->owns_starpu = true;
        err = start_starpu(ctx, r, policy);
    }
    if (!err && ctx->owns_starpu && starpu_users++ == 0) blas_threads_before = hsgd_blas_single_thread();
    if (err) ctx->owns_starpu = false;
    pthread_mutex_unlock(&starpu_lock);
    return err;
}

static void detach_starpu(struct hsgd_context *ctx)
{
    if (!ctx->owns_starpu) return;
    pthread_mutex_lock(&starpu_lock);
    if (--starpu_users == 0) {
        locale_t before = c_locale_enter();
        perfmodels_before_shutdown(ctx);
        starpu_resume();
        starpu_shutdown();
        perfmodels_after_shutdown();
        c_locale_leave(before);
        hsgd_blas_restore(blas_threads_before);
    }
    pthread_mutex_unlock(&starpu_lock);
}

/* ------------------------------------------------------------- public */

/* A StarPU that runs already has the cores that it has. */
static void note_threads(struct hsgd_context *ctx, int threads)
{
    int workers = 0;
    for (int i = 0; i < ctx->ndevices; i++)
        if (ctx->device[i].info.kind == HSGD_CPU) workers = ctx->device[i].info.workers;
    if (workers && threads > workers && (ctx->joined || !ctx->owns_starpu))
        hsgd_log(ctx, HSGD_LOG_WARNING, "threads is %d, but the StarPU that runs already uses %d core%s", threads,
                 workers, workers > 1 ? "s" : "");
}

static int open_context(struct hsgd_context *ctx, const struct hsgd_context_options *o)
{
    struct device_request request;
    if (orphaned)
        return hsgd_fail(ctx, ECHILD, "this is a child process of fork(), and StarPU was running in its parent");
    const char *placement = getenv("HSGD_PLACEMENT"), *graphs = getenv("HSGD_CUDA_GRAPHS");
    const char *binaries = getenv("HSGD_OPENCL_BINARIES");
    environment_check(ctx);
    if (placement && strcmp(placement, "plan") && strcmp(placement, "starpu"))
        return hsgd_fail(ctx, EINVAL, "HSGD_PLACEMENT is \"%s\", not plan or starpu", placement);
    if (graphs && strcmp(graphs, "0") && strcmp(graphs, "1"))
        return hsgd_fail(ctx, EINVAL, "HSGD_CUDA_GRAPHS is \"%s\", not 0 or 1", graphs);
    if (binaries && strcmp(binaries, "0") && strcmp(binaries, "1"))
        return hsgd_fail(ctx, EINVAL, "HSGD_OPENCL_BINARIES is \"%s\", not 0 or 1", binaries);
    ctx->starpu_places = placement && !strcmp(placement, "starpu");
    ctx->cuda_graphs = !graphs || *graphs == '1';
    ctx->named = o->devices && strcmp(o->devices, "auto");
    if (o->devices && !strcmp(o->devices, "none")) return 0;
    int err = devices_request(ctx, o->devices, o->threads, &request);
    if (!err) err = attach_starpu(ctx, &request, o->policy);
    if (!err) err = perfmodels_choose(ctx);
    if (!err) err = devices_collect(ctx, &request);
    if (!err) err = inject_read(ctx);
    if (!err) err = product_choice_read(ctx);
    if (err) return err;
    note_threads(ctx, o->threads);
    if (!ctx->owns_starpu && hsgd_blas_threads() != 1)
        hsgd_log(ctx, HSGD_LOG_WARNING,
                 "OpenBLAS runs %d threads inside every worker: call openblas_set_num_threads(1)", hsgd_blas_threads());
    return 0;
}

int hsgd_context_defaults(struct hsgd_context_options *o, size_t size)
{
    return SIZED_GIVE(NULL, hsgd_context_options, o, size, &(struct hsgd_context_options){ 0 });
}

/* StarPU and OpenCL read and write files with numbers. */
static int open_in_c_locale(struct hsgd_context *ctx, const struct hsgd_context_options *o)
{
    locale_t before = c_locale_enter();
    int err = open_context(ctx, o);
    c_locale_leave(before);
    return err;
}

int hsgd_create(struct hsgd_context **out, const struct hsgd_context_options *options)
{
    struct hsgd_context_options o = { 0 };
    if (!out) return -EINVAL;
    struct hsgd_context *ctx = *out = calloc(1, sizeof *ctx);
    if (!ctx) return -ENOMEM;
    ctx->generation = context_generation();
    pthread_mutex_init(&ctx->error_lock, NULL);
    failure_open(&ctx->failure);
    int err = SIZED_TAKE(ctx, hsgd_context_options, &o, options);
    if (err) return err;
    ctx->log = o.log;
    ctx->log_user = o.log_user;
    ctx->deterministic = o.deterministic;
    ctx->tf32 = o.tf32;
    ctx->spare_opencl = o.spare_opencl;
    hsgd_kernels_init();
    return open_in_c_locale(ctx, &o);
}

void hsgd_destroy(struct hsgd_context **pctx)
{
    struct hsgd_context *ctx = pctx ? *pctx : NULL;
    if (!ctx) return;
    if (context_is_orphan(ctx)) {
        *pctx = NULL; /* a copy, which ends with the process */
        return;
    }
    for (int i = 0; i < ctx->ndevices; i++) {
        opencl_device_close(&ctx->device[i]);
        cuda_device_close(&ctx->device[i]);
        free(ctx->device[i].one_worker);
    }
    detach_starpu(ctx);
    for (int i = 0; i < ctx->nkept; i++) ctx->free_kept[i](ctx);
    failure_close(&ctx->failure);
    pthread_mutex_destroy(&ctx->error_lock);
    free(ctx);
    *pctx = NULL;
}

void context_keep(struct hsgd_context *ctx, void (*free_it)(struct hsgd_context *ctx))
{
    for (int i = 0; i < ctx->nkept; i++)
        if (ctx->free_kept[i] == free_it) return;
    if (ctx->nkept < MAX_KEPT) ctx->free_kept[ctx->nkept++] = free_it;
}

int hsgd_wait(struct hsgd_context *ctx)
{
    int err = ENTER(ctx, ctx);
    return err ? err : failure_take(ctx, &ctx->failure);
}

void context_begin(struct hsgd_context *ctx)
{
    if (atomic_fetch_add(&ctx->active, 1) == 0 && ctx->owns_starpu) starpu_resume();
}

void context_end(struct hsgd_context *ctx)
{
    if (atomic_fetch_sub(&ctx->active, 1) == 1 && ctx->owns_starpu) starpu_pause();
}

struct device *context_worker_device(struct hsgd_context *ctx)
{
    int worker = starpu_worker_get_id();
    for (int i = 0; worker >= 0 && i < ctx->ndevices; i++)
        if (ctx->device[i].worker_mask[worker / 32] & 1u << worker % 32) return &ctx->device[i];
    return NULL;
}
