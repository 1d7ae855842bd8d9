/* SPDX-License-Identifier: BSD-3-Clause */
#include "replica.h"

#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "model/metrics.h"
#include "recover.h"
#include "exec/lose.h"
#include "schedule.h"
#include "exec/task.h"

/* ------------------------------------------------------------- life cycle */

/* Where its merges run: on its own device, for another may be in the middle of
 * a long step; but where CPU cores write the server's memory as they go, or
 * the device has failed, on the CPU, and without one on the first that is left. */
static struct device *home_of(const struct replica *r)
{
    struct hsgd_context *ctx = r->trainer->state.ctx;
    struct device *first = NULL;
    if (r->exchange.merge != MERGE_SHARED && !r->device->lost) return r->device;
    for (int i = 0; i < ctx->ndevices; i++) {
        struct device *d = &ctx->device[i];
        if (d->lost) continue;
        if (d->info.kind == HSGD_CPU) return d;
        if (!first) first = d;
    }
    return first;
}

static int open_tickets(struct replica *r, int n, int shards)
{
    struct exchange *x = &r->exchange;
    int err = 0;
    for (int i = 0; !err && i < n; i++)
        err = buffer_create(r->state.ctx, &x->ticket[i], "ticket", TICKET_HEADER + WINDOW_STEPS * shards, true);
    return err;
}

static int open_shared(struct replica *r)
{
    struct trainer_state *s = &r->trainer->state;
    int err =
        buffer_wrap(s->ctx, &r->exchange.versions, "versions", s->store.nshards * VERSION_INTS, s->version[0].memory);
    r->exchange.shared = true;
    return err ? err : open_tickets(r, 1, s->store.nshards);
}

static int open_exchange(struct replica *r)
{
    struct trainer_state *s = &r->trainer->state;
    struct exchange *x = &r->exchange;
    int err = open_tickets(r, s->store.nshards, 1);
    uint32_t nodes = 1u << x->home->node | 1u << r->device->node;
    for (int i = 0; !err && i < s->store.nshards; i++) {
        x->server[i] = &s->store.param[i];
        x->version[i] = &s->version[i];
        err = buffer_create(s->ctx, &x->base[i], "base", s->store.shard[i].floats, true);
        if (r->device != x->home) buffer_write_through(&r->state.store.param[i], nodes);
        buffer_write_through(&s->store.param[i], MAIN_MEMORY); /* not lost with a device */
        buffer_write_through(&s->version[i], MAIN_MEMORY);
    }
    return err;
}

/* It goes on with what the trainer has: after a checkpoint not zero. */
static void take_optimizer(struct replica *r)
{
    struct trainer_state *from = &r->trainer->state, *to = &r->state;
    int per = optimizer_state_floats(from->options.optimizer);
    for (int i = 0; per && i < from->store.nshards; i++) {
        buffer_acquire(from->ctx, &from->optimizer[i], BUFFER_READ);
        buffer_acquire(to->ctx, &to->optimizer[i], BUFFER_WRITE);
        memcpy(to->optimizer[i].memory, from->optimizer[i].memory,
               (size_t)(per * from->store.shard[i].floats) * sizeof(float));
        buffer_release(&to->optimizer[i]);
        buffer_release(&from->optimizer[i]);
    }
}

int replica_open(struct replica *r, struct hsgd_trainer *t, struct device *d, int worker, bool shares)
{
    *r = (struct replica){ .trainer = t, .device = d, .worker = worker, .shares = shares, .before = t->at.updates };
    failure_open(&r->failure);
    int err = trainer_replica_open(&r->state, &t->state, shares);
    r->exchange.merge = algorithm_row(t->state.options.algorithm)->merge;
    r->exchange.home = home_of(r);
    if (!err) err = shares ? open_shared(r) : open_exchange(r);
    if (err) replica_close(r);
    else take_optimizer(r);
    return err;
}

void replica_close(struct replica *r)
{
    if (!r->trainer) return;
    trainer_state_close(&r->state);
    buffer_destroy(&r->exchange.versions);
    for (int i = 0; i < MAX_SHARDS; i++) {
        buffer_destroy(&r->exchange.base[i]);
        buffer_destroy(&r->exchange.ticket[i]);
    }
    failure_close(&r->failure);
    r->trainer = NULL;
}

/* ------------------------------------------------------------------ a round */

/* The rate's factor in an update whose batch may be of another size than the
 * user's: for some updates after a change of size it is on the way. */
static double scale_of(const struct replica *r, int64_t update)
{
    const struct hsgd_train_options *o = &r->state.options;
    double size = o->batch_size, since = (double)(update - r->changed), ramp = o->rate_ramp;
    if (!algorithm_scales_rate(algorithm_row(o->algorithm))) return 1;
    double scale = schedule_scale(o, r->round.batch / size);
    if (!r->batch_before || since >= ramp) return scale;
    double before = schedule_scale(o, r->batch_before / size), now = schedule_scale(o, r->batch / size);
    return scale * (before + (now - before) * since / ramp) / now;
}

static void fill_step_table(struct replica *r, const struct origin *from)
{
    struct trainer_state *s = &r->state;
    const struct hsgd_train_options *o = &s->options;
    s->store.first_step = from->step + r->round.first / o->batch_size;
    double rate = schedule_rate(o, &r->trainer->at.plateau, s->store.first_step, r->trainer->planned_steps);
    buffer_acquire(s->ctx, &s->store.step, BUFFER_WRITE);
    for (int i = 0; i < r->round.steps; i++) {
        float *row = (float *)s->store.step.memory + (size_t)i * HSGD_STEP_WORDS;
        int64_t update = r->updates + i + 1;
        r->rate = scale_of(r, update) * rate;
        struct schedule_step step = { (float)r->rate, r->before + update, loss_scale(s->store.sized, r->round.batch),
                                      from->samples + r->round.first + (int64_t)i * r->round.batch, from->epoch };
        schedule_fill(o, &step, row);
        row[HSGD_STEP_SHARE] = (float)r->round.share;
    }
    buffer_release(&s->store.step);
}

/* The tickets of the round, whose last step hands in; shared: of every step. */
static int tickets(const struct replica *r) { return r->shares ? 1 : r->state.store.nshards; }
static int per_step(const struct replica *r) { return r->shares ? r->state.store.nshards : 1; }

static int32_t *missed(struct replica *r, int ticket, int step)
{
    return (int32_t *)r->exchange.ticket[ticket].memory + TICKET_HEADER + step * per_step(r);
}

/* Marks them, to see later what was handed in. */
static void clear_tickets(struct replica *r)
{
    for (int i = 0; i < tickets(r); i++) {
        struct buffer *b = &r->exchange.ticket[i];
        buffer_acquire(r->state.ctx, b, BUFFER_UPDATE);
        for (int k = 0; k < r->round.steps * per_step(r); k++) missed(r, i, 0)[k] = NOT_HANDED_IN;
        buffer_release(b);
    }
}

enum { PULLS = 1, PUSHES = 2 };

/* Before its step it takes parameters, or after it hands in what it has made of them. */
static struct plan *new_plan(struct replica *r, int batch, int tag, bool steps)
{
    struct slice_spec whole = { r->device, batch };
    const struct plan_hooks hooks = { server_before, server_after, .no_step = !steps, .user = &r->exchange };
    r->exchange.pull = tag & PULLS;
    r->exchange.push = tag & PUSHES;
    return trainer_state_plan(&r->state, (struct plan_spec){ .mode = PLAN_TRAIN,
                                                             .n = 1,
                                                             .slice = &whole,
                                                             .hooks = &hooks,
                                                             .failure = &r->failure,
                                                             .worker = r->worker,
                                                             .tag = tag,
                                                             .exchanges = tag != 0 });
}

struct plan *replica_plan(struct replica *r, int batch, bool pulls, bool pushes, pthread_mutex_t *lock)
{
    struct trainer_state *s = &r->state;
    int tag = (pulls ? PULLS : 0) | (pushes ? PUSHES : 0);
    struct plan *p = plan_cache_find(&s->plans, s->store.sized, PLAN_TRAIN, batch, tag);
    if (p) return p;
    pthread_mutex_lock(lock);
    if ((p = new_plan(r, batch, tag, true))) p = trainer_state_keep(s, p);
    pthread_mutex_unlock(lock);
    return p;
}

/* The first step takes parameters, the last hands in; those between are
 * plain.  *done: steps that are. */
static int run_steps(struct replica *r, const struct batch_source *source, pthread_mutex_t *plan_lock, int *done)
{
    int err = 0, last = r->round.steps - 1;
    for (*done = 0; !err && *done <= last;) {
        bool pulls = r->round.pulls && *done == 0, pushes = !r->shares && *done == last;
        int plain_end = r->shares ? last + 1 : last;
        struct span span = { .first = *done, .end = pulls || pushes ? *done + 1 : plain_end };
        struct plan *p = replica_plan(r, r->round.batch, pulls, pushes, plan_lock);
        err = p ? plan_run(p, &span, HSGD_REPLAY, source) : -EIO;
        if (p) *done = span.end;
    }
    return err;
}

/* --------------------------------------------------- a device has failed */

/* Merges run where there is a device. */
static void move_home(struct replica *r, pthread_mutex_t *plan_lock)
{
    struct device *lost = r->exchange.home;
    pthread_mutex_lock(plan_lock);
    plan_cache_drop(&r->state.plans, lost);
    r->exchange.home = home_of(r);
    pthread_mutex_unlock(plan_lock);
}

/* Hands in the shards of the last step that were not, elsewhere. */
static int finish_push(struct replica *r, pthread_mutex_t *plan_lock)
{
    static const struct batch_source nothing;
    struct span span = { .first = r->round.steps - 1, .end = r->round.steps };
    for (int i = 0; i < r->state.store.nshards; i++) {
        struct buffer *b = &r->exchange.ticket[i];
        buffer_acquire(r->state.ctx, b, BUFFER_READ);
        r->exchange.merged[i] = *missed(r, i, span.first) != NOT_HANDED_IN;
        buffer_release(b);
    }
    move_home(r, plan_lock);
    if (!r->exchange.home) return -EIO;
    pthread_mutex_lock(plan_lock);
    struct plan *p = new_plan(r, r->round.batch, PUSHES, false);
    memset(r->exchange.merged, 0, sizeof r->exchange.merged);
    pthread_mutex_unlock(plan_lock);
    int err = p ? plan_run(p, &span, HSGD_REPLAY, &nothing) : -EIO;
    pthread_mutex_lock(plan_lock);
    plan_destroy(p);
    pthread_mutex_unlock(plan_lock);
    return err;
}

/* What of the round the server has, or is given. */
static int salvage(struct replica *r, pthread_mutex_t *plan_lock, int err, int done, int *merged)
{
    const struct failure *f = &r->failure;
    *merged = r->shares ? done : 0;
    if (!f->device) return err;
    bool pushing = f->run && f->run->cell->kind == CELL_PUSH;
    if (f->begun && (pushing || r->shares)) {
        r->failure.device = NULL; /* the server may have half of it */
        return err;
    }
    pthread_mutex_lock(plan_lock);
    lose_device(r->state.ctx, f->device);
    pthread_mutex_unlock(plan_lock);
    if (!pushing || (err = finish_push(r, plan_lock))) return err;
    *merged = r->round.steps;
    return 0;
}

int replica_run(struct replica *r, const struct origin *from, const struct batch_source *source,
                pthread_mutex_t *plan_lock, int *merged)
{
    int done;
    if (r->exchange.home->lost) move_home(r, plan_lock);
    r->failure.device = NULL;
    fill_step_table(r, from);
    clear_tickets(r);
    int err = run_steps(r, source, plan_lock, &done);
    *merged = done;
    return err ? salvage(r, plan_lock, err, done, merged) : 0;
}

/* ------------------------------------------------------------ after a round */

static void note_merge(struct replica *r, int missed)
{
    r->merges++;
    r->stale += missed > 0;
    r->missed += missed;
    if (missed > r->max_missed) r->max_missed = missed;
}

int replica_staleness(struct replica *r, int steps, int64_t stale[HSGD_KEPT_STALENESS])
{
    int first = r->shares ? 0 : steps - 1, n = (steps - first) * per_step(r);
    for (int i = 0; i < tickets(r); i++) {
        struct buffer *b = &r->exchange.ticket[i];
        buffer_acquire(r->state.ctx, b, BUFFER_READ);
        for (int k = 0; k < n; k++) {
            int m = missed(r, i, first)[k];
            note_merge(r, m);
            stale[m < HSGD_KEPT_STALENESS ? m : HSGD_KEPT_STALENESS - 1]++;
        }
        buffer_release(b);
    }
    return tickets(r) * n;
}
