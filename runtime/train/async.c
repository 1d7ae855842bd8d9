#include "async.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "async_rounds.h"

#define SMALL 16        /* hogbatch: a CPU core's batch is a fraction of the user's */
#define RANGE 8         /* adaptive: the least batch is so much smaller than the user's */

/* ---------------------------------------------------------------- checking */

static bool has_cpu(const struct hsgd_context *ctx)
{
    for (int i = 0; i < ctx->ndevices; i++)
        if (ctx->device[i].info.kind == HSGD_CPU) return true;
    return false;
}

int async_check(struct hsgd_context *ctx, const struct hsgd_train_options *o)
{
    const struct algorithm *row = algorithm_row(o->algorithm);
    if (!algorithm_has_server(row)) return 0;
    if (ctx->deterministic) return hsgd_fail(ctx, EINVAL, "algorithm \"%s\" is not deterministic", row->name);
    if (o->executor != HSGD_REPLAY)
        return hsgd_fail(ctx, EINVAL, "algorithm \"%s\" does not go with the insert executor, which would order what it "
                                      "lets go", row->name);
    if (ctx->starpu_places)
        return hsgd_fail(ctx, EINVAL, "algorithm \"%s\" does not go with HSGD_PLACEMENT=starpu", row->name);
    if (o->algorithm == HSGD_HOGWILD && !has_cpu(ctx))
        return hsgd_fail(ctx, EINVAL, "algorithm \"hogwild\" needs the CPU among its devices");
    return 0;
}

/* ---------------------------------------------------------------- replicas */

/* The batch that a replica begins with, and how it may change. */
static void size_replica(struct async *a, struct replica *r, const int *rows)
{
    int batch = a->t->state.options.batch_size;
    bool small = a->row->slices == SLICE_BY_KIND && r->device->info.kind == HSGD_CPU;
    r->batch = small ? batch / SMALL : batch;
    if (a->row->slices == SLICE_EQUATIONS) r->batch = rows[r->device - a->t->state.ctx->device];
    if (r->batch < 1) r->batch = 1;
    r->least = r->most = r->batch;
    if (a->row->slices != SLICE_ADAPTIVE) return;
    r->least = batch / RANGE > 1 ? batch / RANGE : 1;
    r->most = batch * ALPHA;
}

/* Hogwild's and hogbatch's CPU cores are replicas each; else a device is one. */
static int add_device(struct async *a, struct device *d, const int *rows)
{
    bool cores = a->row->merge == MERGE_SHARED && d->info.kind == HSGD_CPU;
    if (a->row->slices == SLICE_EQUATIONS && !rows[d - a->t->state.ctx->device]) return 0;
    if (a->t->state.options.algorithm == HSGD_HOGWILD && !cores) {
        hsgd_log(a->t->state.ctx, HSGD_LOG_INFO, "%s is left idle: hogwild trains on CPU cores", d->info.id);
        return 0;
    }
    for (int w = 0; w < (cores ? d->info.workers : 1); w++) {
        int err = replica_open(&a->replica[a->n], a->t, d, w, cores);
        if (err) return err;
        size_replica(a, &a->replica[a->n++], rows);
    }
    return 0;
}

static int open_versions(struct trainer_state *s)
{
    int err = 0;
    for (int i = 0; !err && i < s->nshards; i++)
        err = buffer_create(s->ctx, &s->version[i], "version", GRADIENT_HEADER, true);
    return err;
}

/* Rows per device of a batch, as the equations say. */
static int share_batch(struct hsgd_trainer *t, int *rows)
{
    const struct plan *p = trainer_plan(t, PLAN_TRAIN, t->state.options.batch_size);
    memset(rows, 0, MAX_DEVICES * sizeof *rows);
    for (int i = 0; p && i < p->nslices; i++) rows[p->slice[i].device - p->ctx->device] += p->slice[i].rows;
    return p ? 0 : -EIO;
}

static int open_replicas(struct async *a)
{
    struct trainer_state *s = &a->t->state;
    int rows[MAX_DEVICES], most = 0, err = a->row->slices == SLICE_EQUATIONS ? share_batch(a->t, rows) : 0;
    for (int i = 0; i < s->ctx->ndevices; i++) most += s->ctx->device[i].info.workers;
    a->replica = calloc((size_t)most, sizeof *a->replica);
    if (!a->replica) return hsgd_fail(s->ctx, ENOMEM, "out of memory");
    if (!err) err = open_versions(s);
    for (int i = 0; !err && i < s->ctx->ndevices; i++) err = add_device(a, &s->ctx->device[i], rows);
    return err;
}

static int async_open(struct hsgd_trainer *t)
{
    const struct hsgd_train_options *o = &t->state.options;
    struct async *a = t->async = calloc(1, sizeof *a);
    if (!a) return hsgd_fail(t->state.ctx, ENOMEM, "out of memory");
    a->t = t;
    a->row = algorithm_row(o->algorithm);
    a->staleness = o->algorithm == HSGD_STALE && o->staleness ? o->staleness : a->row->staleness;
    pthread_mutex_init(&a->lock, NULL);
    pthread_mutex_init(&a->fill_lock, NULL);
    pthread_mutex_init(&a->plan_lock, NULL);
    pthread_cond_init(&a->changed, NULL);
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
    free(a->replica);
    free(a);
    t->async = NULL;
}

/* ------------------------------------------------------------- what was done */

/* Spreads a step's metrics over the batches that its samples belong to. */
static void add_metrics(struct async *a, int64_t first, int rows, const struct batch_metrics *m)
{
    for (int64_t at = first; at < first + rows;) {
        int64_t step = at / a->window_batch, end = (step + 1) * a->window_batch;
        if (end > first + rows) end = first + rows;
        double part = (double)(end - at) / rows;
        a->metrics[step].loss += part * m->loss;
        a->metrics[step].correct += part * m->correct;
        a->metrics[step].terms += part * m->terms;
        at = end;
    }
}

static void end_round(struct async *a, struct replica *r, int err)
{
    struct batch_metrics m[WINDOW_STEPS];
    const struct round *d = &r->round;
    if (!err) replica_metrics(r, m);
    pthread_mutex_lock(&a->lock);
    if (err && !a->err) a->err = err;
    for (int i = 0; !err && i < d->steps; i++) add_metrics(a, d->first + (int64_t)i * d->batch, d->batch, &m[i]);
    if (!err) {
        a->merges += replica_staleness(r, a->stale);
        a->pushes += !r->shares;
        r->updates += d->steps;
        r->samples += (int64_t)d->steps * d->batch;
    }
    if (a->row->slices == SLICE_ADAPTIVE) async_adapt(a, r);
    r->flying = false;
    pthread_cond_broadcast(&a->changed);
    pthread_mutex_unlock(&a->lock);
}

/* ------------------------------------------------------------------ a window */

static void fill(void *user, int step, int first_row, int rows, float *x, int32_t *labels)
{
    struct replica *r = user;
    struct async *a = r->trainer->async;
    int64_t first = r->round.first + (int64_t)step * r->round.batch + first_row;
    pthread_mutex_lock(&a->fill_lock);
    a->source->fill(a->source->user, 0, (int)first, rows, x, labels);
    pthread_mutex_unlock(&a->fill_lock);
}

static void *drive(void *user)
{
    struct replica *r = user;
    struct async *a = r->trainer->async;
    struct batch_source source = { a->source->fill ? fill : NULL, r };
    while (async_take_round(a, r)) end_round(a, r, replica_run(r, &source, &a->plan_lock));
    return NULL;
}

/* Whoever shares the server's parameters writes them in main memory. */
static void fetch_parameters(struct trainer_state *s)
{
    for (int i = 0; i < s->nshards; i++) {
        buffer_acquire(s->ctx, &s->param[i], STARPU_RW);
        starpu_data_release(s->param[i].handle);
    }
}

static int drive_all(struct async *a)
{
    pthread_t thread[a->n];
    int started = 0;
    while (started < a->n && !pthread_create(&thread[started], NULL, drive, &a->replica[started])) started++;
    if (started < a->n) {
        pthread_mutex_lock(&a->lock);
        a->err = hsgd_fail(a->t->state.ctx, EAGAIN, "no thread for a replica");
        pthread_cond_broadcast(&a->changed);
        pthread_mutex_unlock(&a->lock);
    }
    for (int i = 0; i < started; i++) pthread_join(thread[i], NULL);
    return a->err;
}

static void tell_batches(const struct async *a, const int *before)
{
    for (int i = 0; i < a->n; i++) {
        const struct replica *r = &a->replica[i];
        if (r->batch == before[i]) continue;
        hsgd_log(a->t->state.ctx, HSGD_LOG_INFO,
                 "step %lld: %s takes batches of %d instead of %d and a learning rate of %g: it has made %lld updates",
                 (long long)a->t->at.step, r->device->info.id, r->batch, before[i], r->rate, (long long)r->updates);
    }
}

int async_window(struct hsgd_trainer *t, int batch, int steps, const struct batch_source *source,
                 struct batch_metrics *metrics)
{
    int err = t->async ? 0 : async_open(t);
    if (err) return err;
    struct async *a = t->async;
    int before[a->n];
    for (int i = 0; i < a->n; i++) before[i] = a->replica[i].batch;
    memset(metrics, 0, (size_t)steps * sizeof *metrics);
    a->source = source;
    a->metrics = metrics;
    a->window_batch = batch;
    a->next = a->err = a->waiting = 0;
    a->end = (int64_t)batch * steps;
    fetch_parameters(&t->state);
    context_begin(t->state.ctx);
    err = drive_all(a);
    context_end(t->state.ctx);
    tell_batches(a, before);
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
        out->replica[i] = (struct hsgd_replica){ .updates = r->updates, .samples = r->samples, .batch_size = r->batch,
                                                 .learning_rate = r->rate };
        snprintf(out->replica[i].device, sizeof out->replica[i].device, "%s", r->device->info.id);
    }
}
