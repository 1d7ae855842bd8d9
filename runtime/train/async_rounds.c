/* SPDX-License-Identifier: BSD-3-Clause */
#include "async_rounds.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "schedule.h"

#define SHARED_STEPS 16 /* steps of who hands in nothing, between two looks for samples */
#define STEP 2          /* adaptive: batches change by this factor */
#define UNEVEN 1.25     /* when updates differ by so much, */
#define RATIO 2         /* and nobody makes more than so many times the updates of another, */
#define RATIO_SLACK 4   /* and these */

void async_say(struct async *a, enum hsgd_log_level level, const char *format, ...)
{
    struct async_line *more = realloc(a->line, (size_t)(a->nlines + 1) * sizeof *more);
    va_list args;
    if (!more) return;
    a->line = more;
    va_start(args, format);
    more[a->nlines].level = level;
    if (vasprintf(&more[a->nlines].text, format, args) >= 0) a->nlines++;
    va_end(args);
    pthread_cond_broadcast(&a->changed);
}

/* ---------------------------------------------------------- who may begin */

static int local_steps(const struct async *a, const struct replica *r)
{
    int steps = r->shares ? SHARED_STEPS : algorithm_local_steps(a->row, &a->t->state.options);
    return steps < WINDOW_STEPS ? steps : WINDOW_STEPS;
}

/* Whether a round of r may begin: no round under way may miss more merges
 * than the bound, nor this one. */
static bool within_staleness(const struct async *a, const struct replica *r)
{
    int flying = 0;
    if (a->staleness < 0) return true;
    for (int i = 0; i < a->n; i++) {
        const struct replica *o = &a->replica[i];
        if (o == r || !o->flying) continue;
        flying++;
        if (o->after + 1 > a->staleness) return false;
    }
    return flying <= a->staleness;
}

static bool within_ratio(const struct async *a, const struct replica *r)
{
    int64_t min = INT64_MAX;
    if (a->row->slices != SLICE_ADAPTIVE) return true;
    for (int i = 0; i < a->n; i++)
        if (&a->replica[i] != r && !a->replica[i].gone && a->replica[i].updates < min) min = a->replica[i].updates;
    return a->alive == 1 || r->updates < RATIO * min + RATIO_SLACK;
}

/* -------------------------------------------------------------- its samples */

/* Of what it hands in. */
static double share_of(const struct async *a)
{
    switch (a->row->merge) {
    case MERGE_ELASTIC: return a->t->state.options.moving_rate / a->alive;
    case MERGE_AVERAGE: return 1.0 / a->alive;
    default: return 1;
    }
}

static int batch_of(const struct async *a, struct replica *r)
{
    const struct hsgd_train_options *o = &a->t->state.options;
    if (a->row->slices == SLICE_EQUAL)
        r->batch = algorithm_batch(a->row, o, o->batch_size, r->device->info.kind, a->alive);
    return r->batch;
}

static bool any_left(const struct async *a) { return a->nback || a->next < a->end; }

/* Takes up to n samples: their number and the first. */
static int64_t take(struct async *a, int64_t n, int64_t *first)
{
    struct stretch *back = a->nback ? &a->back[a->nback - 1] : NULL;
    *first = back ? back->first : a->next;
    if (!back) {
        a->next += n;
        return n;
    }
    back->first += n;
    back->n -= n;
    a->nback -= !back->n;
    return n;
}

static void begin_round(struct async *a, struct replica *r)
{
    int64_t left = a->nback ? a->back[a->nback - 1].n : a->end - a->next, first;
    int batch = batch_of(a, r), steps = local_steps(a, r);
    if (batch > left) batch = (int)left;
    if (steps > left / batch) steps = (int)(left / batch);
    take(a, (int64_t)batch * steps, &first);
    r->round = (struct round){ first, batch, steps, share_of(a), !r->shares };
    if (a->row->merge == MERGE_ELASTIC) r->round.pulls = !r->begun;
    r->begun = r->flying = true;
    r->after = 0;
    for (int i = 0; i < a->n; i++) {
        if (&a->replica[i] == r || !a->replica[i].flying) continue;
        a->replica[i].after++;
        r->after++;
    }
}

/* Who finds nothing left stays until all is merged: a device that fails gives
 * samples back. */
bool async_take_round(struct async *a, struct replica *r)
{
    pthread_mutex_lock(&a->lock);
    while (!a->err && !r->gone && a->merged < a->end && !(any_left(a) && within_staleness(a, r) && within_ratio(a, r)))
        pthread_cond_wait(&a->changed, &a->lock);
    bool goes_on = !a->err && !r->gone && a->merged < a->end;
    if (goes_on) begin_round(a, r);
    pthread_mutex_unlock(&a->lock);
    return goes_on;
}

void async_give_back(struct async *a, struct replica *r, int merged)
{
    const struct round *d = &r->round;
    int64_t kept = (int64_t)merged * d->batch, all = (int64_t)d->steps * d->batch;
    if (kept < all) a->back[a->nback++] = (struct stretch){ d->first + kept, all - kept };
    if (d->pulls && !merged) r->begun = false;
}

/* ---------------------------------------------------------------- adaptive */

static void say_change(struct async *a, const struct replica *r, int batch, double others)
{
    const struct hsgd_train_options *o = &a->t->state.options;
    double size = o->batch_size, before = schedule_scale(o, r->batch / size), after = schedule_scale(o, batch / size);
    async_say(a, HSGD_LOG_INFO,
              "step %lld: %s takes batches of %d instead of %d and, within %d updates, %g instead of %g "
              "times the learning rate: it has made %lld updates, the others %.0f",
              (long long)r->state.store.first_step, r->device->info.id, batch, r->batch, o->rate_ramp, after, before,
              (long long)r->updates, others);
}

void async_adapt(struct async *a, struct replica *r)
{
    const struct hsgd_train_options *o = &a->t->state.options;
    int64_t sum = 0;
    if (a->alive == 1 || r->updates - r->changed < RATIO_SLACK) return;
    for (int i = 0; i < a->n; i++)
        if (!a->replica[i].gone) sum += a->replica[i].updates;
    double others = (double)(sum - r->updates) / (a->alive - 1);
    int batch = r->batch;
    if ((double)r->updates > UNEVEN * others) batch *= STEP;
    if ((double)r->updates * UNEVEN < others) batch /= STEP;
    if (batch < algorithm_min_batch(o)) batch = algorithm_min_batch(o);
    if (batch > algorithm_max_batch(o)) batch = algorithm_max_batch(o);
    if (batch == r->batch) return;
    say_change(a, r, batch, others);
    r->changed = r->updates;
    r->batch_before = r->batch;
    r->batch = batch;
}
