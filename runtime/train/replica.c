#include "replica.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rng.h"
#include "schedule.h"
#include "slices.h"

/* ------------------------------------------------------------- life cycle */

static struct device *home_of(struct hsgd_context *ctx)
{
    for (int i = 0; i < ctx->ndevices; i++)
        if (ctx->device[i].info.kind == HSGD_CPU) return &ctx->device[i];
    return &ctx->device[0];
}

static int open_exchange(struct replica *r)
{
    struct trainer_state *s = &r->trainer->state;
    struct exchange *x = &r->exchange;
    int err = 0;
    x->merge = algorithm_row(s->options.algorithm)->merge;
    x->home = home_of(s->ctx);
    uint32_t nodes = 1u << x->home->node | 1u << r->device->node;
    for (int i = 0; !err && i < s->nshards; i++) {
        x->server[i] = &s->param[i];
        x->version[i] = &s->version[i];
        err = buffer_create(s->ctx, &x->base[i], "base", s->shard[i].floats, true);
        if (!err) err = buffer_create(s->ctx, &x->ticket[i], "ticket", TICKET_HEADER + WINDOW_STEPS, true);
        if (r->device != x->home) buffer_write_through(&r->state.param[i], nodes);
    }
    r->state.exchange = x;
    return err;
}

int replica_open(struct replica *r, struct hsgd_trainer *t, struct device *d, int worker, bool shares)
{
    *r = (struct replica){ .trainer = t, .device = d, .shares = shares };
    int err = trainer_replica_open(&r->state, &t->state, shares);
    r->state.worker = worker;
    if (!err && !shares) err = open_exchange(r);
    if (err) replica_close(r);
    return err;
}

void replica_close(struct replica *r)
{
    if (!r->state.ctx) return;
    trainer_shadow_close(&r->state);
    for (int i = 0; i < MAX_SHARDS; i++) {
        buffer_destroy(&r->exchange.base[i]);
        buffer_destroy(&r->exchange.ticket[i]);
    }
    r->state.ctx = NULL;
}

/* ------------------------------------------------------------------ a round */

static float bits(uint32_t u)
{
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

/* The rate for a batch of another size than the user's: in proportion, and
 * for Adam, which divides by the gradient's size, by the root. */
static double scale_of(const struct replica *r)
{
    const struct hsgd_train_options *o = &r->state.options;
    double ratio = (double)r->round.batch / o->batch_size;
    if (!algorithm_scales_rate(algorithm_row(o->algorithm))) return 1;
    return o->optimizer == HSGD_ADAM || o->optimizer == HSGD_ADAMW ? sqrt(ratio) : ratio;
}

static void fill_step_table(struct replica *r)
{
    struct trainer_state *s = &r->state;
    const struct hsgd_train_options *o = &s->options;
    int64_t step = r->trainer->at.step + r->round.first / o->batch_size;
    r->rate = scale_of(r) * schedule_rate(o, step, r->trainer->planned_steps);
    buffer_acquire(s->ctx, &s->step, STARPU_W);
    for (int i = 0; i < r->round.steps; i++) {
        float *row = (float *)s->step.memory + (size_t)i * HSGD_STEP_WORDS;
        double update = (double)(r->updates + i + 1);
        row[HSGD_STEP_RATE] = (float)r->rate;
        row[HSGD_STEP_CORRECT1] = (float)(1.0 / (1.0 - pow(o->beta1, update)));
        row[HSGD_STEP_CORRECT2] = (float)(1.0 / (1.0 - pow(o->beta2, update)));
        row[HSGD_STEP_SCALE] = 1.0f / (float)r->round.batch;
        row[HSGD_STEP_NUMBER] = bits((uint32_t)(r->trainer->at.samples + r->round.first + (int64_t)i * r->round.batch));
        row[HSGD_STEP_SEED] = bits((uint32_t)hsgd_random(o->seed, 0x5eed + (uint64_t)r->trainer->at.epoch));
        row[HSGD_STEP_SHARE] = (float)r->round.share;
    }
    starpu_data_release(s->step.handle);
    s->first_step = step;
}

static struct plan *plan_of(struct replica *r, bool pulls, bool pushes, pthread_mutex_t *lock)
{
    struct trainer_state *s = &r->state;
    struct slice_spec whole = { r->device, r->round.batch };
    struct plan *p = trainer_state_find(s, PLAN_TRAIN, r->round.batch, pulls, pushes);
    if (p) return p;
    pthread_mutex_lock(lock);
    r->exchange.pull = pulls;
    r->exchange.push = pushes;
    if ((p = plan_create(s, PLAN_TRAIN, 1, &whole))) trainer_state_keep(s, p);
    pthread_mutex_unlock(lock);
    return p;
}

/* The first step takes parameters, the last hands in; those between are
 * plain. */
int replica_run(struct replica *r, const struct batch_source *source, pthread_mutex_t *plan_lock)
{
    int err = 0, last = r->round.steps - 1;
    fill_step_table(r);
    for (struct span span = { 0 }; !err && span.first <= last; span.first = span.end) {
        bool pulls = r->round.pulls && span.first == 0, pushes = !r->shares && span.first == last;
        int plain_end = r->shares ? last + 1 : last;
        span.end = pulls || pushes ? span.first + 1 : plain_end;
        struct plan *p = plan_of(r, pulls, pushes, plan_lock);
        err = p ? plan_run(p, &span, HSGD_REPLAY, source) : -EIO;
    }
    return err;
}

void replica_metrics(struct replica *r, struct batch_metrics *m)
{
    struct trainer_state *s = &r->state;
    buffer_acquire(s->ctx, &s->metrics, STARPU_R);
    for (int i = 0; i < r->round.steps; i++) {
        const float *row = (const float *)s->metrics.memory + (size_t)i * METRICS;
        m[i] = (struct batch_metrics){ row[0], row[1], row[2] };
    }
    starpu_data_release(s->metrics.handle);
}

int replica_staleness(struct replica *r, int64_t *stale)
{
    struct trainer_state *s = &r->state;
    if (r->shares) return 0;
    for (int i = 0; i < s->nshards; i++) {
        struct buffer *b = &r->exchange.ticket[i];
        buffer_acquire(s->ctx, b, STARPU_R);
        int missed = (int)((const float *)b->memory)[TICKET_HEADER + r->round.steps - 1];
        starpu_data_release(b->handle);
        stale[missed < HSGD_KEPT_STALENESS ? missed : HSGD_KEPT_STALENESS - 1]++;
    }
    return s->nshards;
}
