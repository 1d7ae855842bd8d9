/* SPDX-License-Identifier: BSD-3-Clause */
#include "perfmodels.h"

#include <limits.h>
#include <starpu.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/c_locale.h"
#include "environment.h"
#include "io/cache.h"
#include "perfmodel_files.h"
#include "starpu_environment.h"

/* StarPU keeps a model's address until it ends. */
struct entry {
    struct entry *next;
    struct starpu_perfmodel model;
    bool dropped; /* its file cannot be written */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct entry *entries;

int perfmodels_choose(struct hsgd_context *ctx)
{
    const char *wish = getenv("HSGD_PERFMODELS");
    if (wish && strcmp(wish, "0") && strcmp(wish, "1"))
        return hsgd_fail(ctx, EINVAL, "HSGD_PERFMODELS is \"%s\", not 0 or 1", wish);
    /* StarPU writes all models of the process from the first record on: those of a host are not ours. */
    ctx->records = wish ? *wish == '1' : ctx->owns_starpu;
    if (environment_number("STARPU_CALIBRATE", 1) == 0) ctx->records = false;
    return 0;
}

/* STARPU_CALIBRATE=2: what is there is not read.  StarPU forgets that with the first record. */
static void begin_anew(struct hsgd_context *ctx, const char *symbol)
{
    char path[PATH_MAX];
    starpu_perfmodel_get_model_path(symbol, path, sizeof path);
    bool whole = perfmodel_is_whole(path);
    if (!whole) hsgd_log(ctx, HSGD_LOG_INFO, "%s is damaged: this model of StarPU's begins anew", path);
    if (!whole || environment_number("STARPU_CALIBRATE", 1) == 2) unlink(path);
}

static struct entry *add(struct hsgd_context *ctx, const char *symbol, const struct perfmodel_view *view)
{
    struct entry *e = calloc(1, sizeof *e);
    char *kept = strdup(symbol);
    if (!e || !kept) {
        free(e);
        free(kept);
        return NULL;
    }
    begin_anew(ctx, symbol);
    e->model.type = STARPU_HISTORY_BASED;
    e->model.symbol = kept;
    e->model.footprint = view->footprint;
    e->model.size_base = view->size;
    e->next = entries;
    entries = e;
    return e;
}

struct starpu_perfmodel *perfmodels_find(struct hsgd_context *ctx, const char *symbol,
                                         const struct perfmodel_view *view)
{
    if (!ctx->records) return NULL;
    pthread_mutex_lock(&lock);
    struct entry *e = entries;
    while (e && strcmp(e->model.symbol, symbol)) e = e->next;
    if (!e) e = add(ctx, symbol, view);
    pthread_mutex_unlock(&lock);
    return e ? &e->model : NULL;
}

static int any_worker(const struct device *d)
{
    int w = 0;
    while (w < STARPU_NMAXWORKERS && !(d->worker_mask[w / 32] & 1u << w % 32)) w++;
    return w;
}

void perfmodels_record(struct starpu_perfmodel *m, struct starpu_task *task, const struct device *d, double us)
{
    int worker = any_worker(d);
    if (worker == STARPU_NMAXWORKERS) return;
    bool reads = !m->is_loaded; /* a file with numbers */
    locale_t before = reads ? c_locale_enter() : (locale_t)0;
    starpu_perfmodel_update_history(m, task, starpu_worker_get_perf_archtype(worker, STARPU_NMAX_SCHED_CTXS),
                                    (unsigned)worker, 0, us);
    if (reads) c_locale_leave(before);
}

/* ------------------------------------------------------------- StarPU's end */

static bool writable(const char *symbol, bool *added)
{
    char path[PATH_MAX];
    starpu_perfmodel_get_model_path(symbol, path, sizeof path);
    hsgd_cache_make_folders(path);
    *added = access(path, F_OK);
    FILE *f = fopen(path, "a+");
    if (f) fclose(f);
    return f != NULL;
}

void perfmodels_before_shutdown(struct hsgd_context *ctx)
{
    char folder[PATH_MAX];
    bool added, known = measurements_folder(folder, sizeof folder);
    int lost = 0;
    for (struct entry *e = entries; e; e = e->next) {
        if (!e->model.is_init) continue;
        if (writable(e->model.symbol, &added)) {
            if (added && known) perfmodel_files_limit(folder, e->model.symbol);
            continue;
        }
        starpu_perfmodel_unload_model(&e->model);
        e->dropped = true;
        lost++;
    }
    if (lost)
        hsgd_log(ctx, HSGD_LOG_WARNING, "%d of StarPU's performance models cannot be written: their folder is gone",
                 lost);
}

void perfmodels_after_shutdown(void)
{
    while (entries) {
        struct entry *next = entries->next;
        if (!entries->dropped) free((char *)entries->model.symbol);
        free(entries);
        entries = next;
    }
}
