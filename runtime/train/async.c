/* SPDX-License-Identifier: BSD-3-Clause */
#include "async.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "async_rounds.h"
#include "kernels.h"
#include "pass.h"
#include "recover.h"

/* ---------------------------------------------------------------- checking */

static bool has_cpu(const struct hsgd_context *ctx)
{
    for (int i = 0; i < ctx->ndevices; i++)
        if (ctx->device[i].info.kind == HSGD_CPU) return true;
    return false;
}

/* Of adaptive also a bound that the user gives against one that follows from
 * batch_size. */
static int check_bounds(struct hsgd_context *ctx, const struct algorithm *row, const struct hsgd_train_options *o)
{
    bool adaptive = row->slices == SLICE_ADAPTIVE;
    int min = adaptive ? algorithm_min_batch(o) : o->min_batch;
    int max = adaptive ? algorithm_max_batch(o) : o->max_batch;
    if (!min || !max || min <= max) return 0;
    return hsgd_fail(ctx, EINVAL, "min_batch %d is more than max_batch %d", min, max);
}

int async_check(struct hsgd_context *ctx, const struct hsgd_train_options *o)
{
    const struct algorithm *row = algorithm_row(o->algorithm);
    if (!algorithm_has_server(row)) return 0;
    if (ctx->deterministic) return hsgd_fail(ctx, EINVAL, "algorithm \"%s\" is not deterministic", row->name);
    if (o->executor != HSGD_REPLAY)
        return hsgd_fail(ctx, EINVAL,
                         "algorithm \"%s\" is incompatible with the insert executor, which orders all "
                         "accesses",
                         row->name);
    if (ctx->starpu_places)
        return hsgd_fail(ctx, EINVAL, "algorithm \"%s\" is incompatible with HSGD_PLACEMENT=starpu", row->name);
    if (o->algorithm == HSGD_HOGWILD && !has_cpu(ctx))
        return hsgd_fail(ctx, EINVAL, "algorithm \"hogwild\" needs the CPU among its devices");
    return check_bounds(ctx, row, o);
}

/* ---------------------------------------------------------------- replicas */

/* Hogwild's and hogbatch's CPU cores are replicas each; else a device is one. */
static int add_device(struct async *a, struct device *d)
{
    const struct hsgd_train_options *o = &a->t->state.options;
    bool cores = algorithm_shares_cores(a->row, d->info.kind);
    if (d->lost) return 0;
    if (o->algorithm == HSGD_HOGWILD && !cores) {
        hsgd_log(a->t->state.ctx, HSGD_LOG_INFO, "%s is left idle: hogwild trains on CPU cores", d->info.id);
        return 0;
    }
    for (int w = 0; w < (cores ? d->info.workers : 1); w++) {
        int err = replica_open(&a->replica[a->n], a->t, d, w, cores);
        if (err) return err;
        a->replica[a->n++].batch = algorithm_batch(a->row, o, o->batch_size, d->info.kind, 1);
    }
    return 0;
}

/* All in one piece, for who counts in all. */
static int open_versions(struct async *a)
{
    struct trainer_state *s = &a->t->state;
    int err = 0;
    a->versions = aligned_alloc(64, (size_t)s->store.nshards * VERSION_INTS * sizeof *a->versions);
    if (!a->versions) return hsgd_fail(s->ctx, ENOMEM, "out of memory");
    memset(a->versions, 0, (size_t)s->store.nshards * VERSION_INTS * sizeof *a->versions);
    for (int i = 0; !err && i < s->store.nshards; i++)
        err = buffer_wrap(s->ctx, &s->version[i], "version", VERSION_INTS, (float *)(a->versions + i * VERSION_INTS));
    return err;
}

static int open_replicas(struct async *a)
{
    struct hsgd_context *ctx = a->t->state.ctx;
    int max = 0, err = open_versions(a);
    for (int i = 0; i < ctx->ndevices; i++) max += ctx->device[i].info.workers;
    a->replica = calloc((size_t)max, sizeof *a->replica);
    a->back = calloc((size_t)max, sizeof *a->back);
    if (!a->replica || !a->back) return hsgd_fail(ctx, ENOMEM, "out of memory");
    for (int i = 0; !err && i < ctx->ndevices; i++) err = add_device(a, &ctx->device[i]);
    a->alive = a->n;
    return err || a->n ? err : hsgd_fail(ctx, EIO, "all devices have failed");
}

/* Waits on a clock that nobody sets. */
static void open_condition(struct async *a)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&a->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

int async_open(struct hsgd_trainer *t)
{
    const struct hsgd_train_options *o = &t->state.options;
    if (t->async) return 0;
    struct async *a = t->async = calloc(1, sizeof *a);
    if (!a) return hsgd_fail(t->state.ctx, ENOMEM, "out of memory");
    a->t = t;
    a->row = algorithm_row(o->algorithm);
    a->staleness = o->algorithm == HSGD_STALE && o->staleness ? o->staleness : a->row->staleness;
    pthread_mutex_init(&a->lock, NULL);
    pthread_mutex_init(&a->fill_lock, NULL);
    pthread_mutex_init(&a->plan_lock, NULL);
    open_condition(a);
    int err = open_replicas(a);
    if (err) async_close(t);
    return err;
}

void async_close(struct hsgd_trainer *t)
{
    struct async *a = t->async;
    if (!a) return;
    context_begin(t->state.ctx);
    for (int i = 0; i < a->n; i++) replica_close(&a->replica[i]);
    for (int i = 0; i < MAX_SHARDS; i++) buffer_destroy(&t->state.version[i]);
    context_end(t->state.ctx);
    pthread_mutex_destroy(&a->lock);
    pthread_mutex_destroy(&a->fill_lock);
    pthread_mutex_destroy(&a->plan_lock);
    pthread_cond_destroy(&a->changed);
    free(a->versions);
    free(a->replica);
    free(a->back);
    free(a->line);
    free(a);
    t->async = NULL;
}

/* ------------------------------------------------------------- what was done */

static int sums_of(const struct async *a) { return a->t->state.store.model->nsums; }

/* Spreads a step's sums over the batches that its samples belong to. */
static void add_sums(struct async *a, int64_t first, int rows, const double *sums)
{
    for (int64_t at = first; at < first + rows;) {
        int64_t index = at / a->batch, end = (index + 1) * a->batch;
        if (end > first + rows) end = first + rows;
        struct async_batch *b = &a->done[index];
        double part = (double)(end - at) / rows;
        for (int i = 0; i < sums_of(a); i++) b->sums[i] += part * sums[i];
        b->rows += (int)(end - at);
        at = end;
    }
}

/* The bound holds for every merge. */
static int count_merges(struct async *a, struct replica *r, int merged)
{
    a->merges += replica_staleness(r, merged, a->stale);
    a->pushes += r->shares ? merged : 1;
    if (a->staleness < 0 || r->max_missed <= a->staleness) return 0;
    return hsgd_fail(a->t->state.ctx, EPROTO, "algorithm \"%s\": a merge of %s has missed %d others, the bound is %d",
                     a->row->name, r->device->info.id, r->max_missed, a->staleness);
}

static int count_round(struct async *a, struct replica *r, int merged)
{
    const struct round *d = &r->round;
    if (!merged) return 0;
    for (int i = 0; i < merged; i++) {
        double sums[MAX_SUMS];
        trainer_read_sums(&r->state.store, i, 1, sums);
        add_sums(a, d->first + (int64_t)i * d->batch, d->batch, sums);
    }
    r->updates += merged;
    r->samples += (int64_t)merged * d->batch;
    a->merged += (int64_t)merged * d->batch;
    return count_merges(a, r, merged);
}

/* Training continues while there is a device. */
static int lose_replicas(struct async *a, const struct replica *r, int err)
{
    const struct device *d = r->failure.device;
    int lost = 0;
    if (!d) return err;
    for (int i = 0; i < a->n; i++) {
        if (a->replica[i].device != d || a->replica[i].gone) continue;
        a->replica[i].gone = true;
        a->alive--;
        lost++;
    }
    if (lost && a->alive)
        async_say(a, HSGD_LOG_WARNING, "%s; its samples go to the others, and training continues without %s",
                  r->failure.sentence, d->info.id);
    return a->alive ? 0 : err;
}

static void end_round(struct async *a, struct replica *r, int err, int merged)
{
    pthread_mutex_lock(&a->lock);
    r->flying = false;
    int counted = count_round(a, r, merged);
    async_give_back(a, r, merged);
    if (r->failure.device) err = lose_replicas(a, r, err);
    if (!err) err = counted;
    if (err && !a->err) a->err = err;
    if (a->row->slices == SLICE_ADAPTIVE && !r->gone) async_adapt(a, r);
    pthread_cond_broadcast(&a->changed);
    pthread_mutex_unlock(&a->lock);
}

/* -------------------------------------------------------------------- a run */

static void fill(void *user, int step, int first_row, int rows, void *const *field)
{
    struct replica *r = user;
    struct async *a = r->trainer->async;
    int64_t first = r->round.first + (int64_t)step * r->round.batch + first_row;
    pthread_mutex_lock(&a->fill_lock);
    a->source->fill(a->source->user, (int)(first / a->batch), (int)(first % a->batch), rows, field);
    pthread_mutex_unlock(&a->fill_lock);
}

static void *drive(void *user)
{
    struct replica *r = user;
    struct async *a = r->trainer->async;
    struct batch_source source = { a->source->fill ? fill : NULL, r };
    while (async_take_round(a, r)) {
        int merged, err = replica_run(r, &a->origin, &source, &a->plan_lock, &merged);
        end_round(a, r, err, merged);
    }
    return NULL;
}

/* Whoever shares the server's parameters writes them in main memory. */
static void fetch_parameters(struct trainer_state *s)
{
    for (int i = 0; i < s->store.nshards; i++) {
        buffer_acquire(s->ctx, &s->store.param[i], BUFFER_UPDATE);
        buffer_release(&s->store.param[i]);
    }
}

static int start(struct async *a, pthread_t *thread)
{
    int started = 0;
    while (started < a->n && !pthread_create(&thread[started], NULL, drive, &a->replica[started])) started++;
    if (started == a->n) return started;
    pthread_mutex_lock(&a->lock);
    a->err = hsgd_fail(a->t->state.ctx, EAGAIN, "no thread for a replica");
    pthread_cond_broadcast(&a->changed);
    pthread_mutex_unlock(&a->lock);
    return started;
}

/* ---------------------------------------------------------------- listening */

/* What is done and was not heard of. */
struct heard {
    int64_t batches;
    uint64_t at;
};

static bool is_done(const struct async *a, int64_t index)
{
    int64_t rows = a->end - index * a->batch;
    return rows > 0 && a->done[index].rows == (rows < a->batch ? rows : a->batch);
}

static void tell_lines(struct async *a)
{
    int n = a->nlines;
    struct async_line *line = a->line;
    if (!n) return;
    a->line = NULL;
    a->nlines = 0;
    pthread_mutex_unlock(&a->lock);
    for (int i = 0; i < n; i++) {
        hsgd_log(a->t->state.ctx, line[i].level, "%s", line[i].text);
        free(line[i].text);
    }
    free(line);
    pthread_mutex_lock(&a->lock);
}

/* No samples are taken any more but those of batches that were begun. */
static void stop(struct async *a)
{
    int64_t begun = (a->next + a->batch - 1) / a->batch * a->batch;
    if (begun < a->end) a->end = begun;
    pthread_cond_broadcast(&a->changed);
}

static void tell_batches(struct async *a, const struct async_listener *l, struct heard *h)
{
    const double *sums = a->done[h->batches].sums;
    int n = 0;
    for (; n < WINDOW_STEPS && is_done(a, h->batches); h->batches++) n++;
    if (!n) return;
    pthread_mutex_unlock(&a->lock);
    uint64_t now = monotonic_ns();
    a->t->at.step += n;
    bool goes_on = l->hear(l->user, sums, n, 1e-9 * (double)(now - h->at));
    h->at = now;
    pthread_mutex_lock(&a->lock);
    if (!goes_on) stop(a);
}

/* Until everything is merged; with the lock held. */
static void listen(struct async *a, const struct async_listener *l, uint64_t began)
{
    struct heard h = { 0, began };
    uint64_t next = h.at;
    while (!a->err && h.batches * a->batch < a->end) {
        struct timespec until;
        if (monotonic_ns() >= next) next = monotonic_ns() + (uint64_t)(1e9 * WINDOW_SECONDS);
        until = (struct timespec){ (time_t)(next / 1000000000u), (long)(next % 1000000000u) };
        while (!a->err && !a->nlines && a->merged < a->end && monotonic_ns() < next)
            pthread_cond_timedwait(&a->changed, &a->lock, &until);
        tell_lines(a);
        if (!a->err && (a->merged >= a->end || monotonic_ns() >= next)) tell_batches(a, l, &h);
    }
    tell_lines(a);
}

static int run(struct async *a, const struct async_listener *l)
{
    pthread_t thread[a->n];
    uint64_t began = monotonic_ns(); /* the first cells may end before anyone listens */
    int started = start(a, thread);
    pthread_mutex_lock(&a->lock);
    listen(a, l, began);
    pthread_mutex_unlock(&a->lock);
    for (int i = 0; i < started; i++) pthread_join(thread[i], NULL);
    return a->err;
}

/* What evaluates is not to find out once more that a device has failed. */
static void drop_lost(struct trainer_state *s)
{
    for (int i = 0; i < s->ctx->ndevices; i++)
        if (s->ctx->device[i].lost) plan_cache_drop(&s->plans, &s->ctx->device[i]);
}

static void close_batches(struct async *a)
{
    free(a->done);
    free(a->sums);
    a->done = NULL;
    a->sums = NULL;
}

static bool open_batches(struct async *a, size_t n)
{
    size_t sums = (size_t)sums_of(a);
    a->done = calloc(n + 1, sizeof *a->done);
    a->sums = calloc((n + 1) * sums, sizeof *a->sums);
    for (size_t i = 0; a->done && a->sums && i <= n; i++) a->done[i].sums = a->sums + i * sums;
    if (!a->done || !a->sums) close_batches(a);
    return a->done;
}

int async_run(struct hsgd_trainer *t, int batch, int64_t n, const struct batch_source *source,
              const struct async_listener *listener)
{
    int err = async_open(t);
    if (err) return err;
    struct async *a = t->async;
    if (!open_batches(a, (size_t)((n + batch - 1) / batch))) return hsgd_fail(t->state.ctx, ENOMEM, "out of memory");
    a->source = source;
    a->origin = (struct origin){ t->at.step, t->at.samples, t->at.epoch };
    a->batch = batch;
    a->next = a->merged = a->err = a->nback = 0;
    a->end = n;
    fetch_parameters(&t->state);
    context_begin(t->state.ctx);
    err = run(a, listener);
    context_end(t->state.ctx);
    close_batches(a);
    drop_lost(&t->state);
    return err;
}

void async_report(const struct hsgd_trainer *t, struct hsgd_fit_result *out)
{
    const struct async *a = t->async;
    if (!a) return;
    out->pushes = a->pushes;
    out->merges = a->merges;
    memcpy(out->stale, a->stale, sizeof out->stale);
    out->replicas = a->n < HSGD_KEPT_REPLICAS ? a->n : HSGD_KEPT_REPLICAS;
    for (int i = 0; i < out->replicas; i++) {
        const struct replica *r = &a->replica[i];
        out->replica[i] = (struct hsgd_replica){ .updates = r->updates,
                                                 .samples = r->samples,
                                                 .batch_size = r->batch,
                                                 .learning_rate = r->rate,
                                                 .merges = r->merges,
                                                 .stale = r->stale,
                                                 .missed = r->missed,
                                                 .max_missed = r->max_missed };
        snprintf(out->replica[i].device, sizeof out->replica[i].device, "%s", r->device->info.id);
    }
}
