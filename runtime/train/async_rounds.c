#include "async_rounds.h"

#define SHARED_STEPS 16 /* steps of who hands in nothing, between two looks for samples */
#define UNEVEN 1.25     /* adaptive: batches change when updates differ by so much, */
#define RATIO 2         /* and nobody makes more than so many times the updates of another, */
#define RATIO_SLACK 4   /* and these */

static int local_steps(const struct async *a, const struct replica *r)
{
    const struct hsgd_train_options *o = &a->t->state.options;
    bool counts = a->row->merge == MERGE_AVERAGE || a->row->merge == MERGE_ELASTIC;
    int steps = r->shares ? SHARED_STEPS : counts && o->local_steps ? o->local_steps : a->row->local_steps;
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
    int64_t least = INT64_MAX;
    if (a->row->slices != SLICE_ADAPTIVE) return true;
    for (int i = 0; i < a->n; i++)
        if (&a->replica[i] != r && a->replica[i].updates < least) least = a->replica[i].updates;
    return a->n == 1 || r->updates < RATIO * least + RATIO_SLACK;
}

static double share_of(const struct async *a)
{
    if (a->row->merge == MERGE_ELASTIC) return a->t->state.options.moving_rate / a->n;
    return 1;
}

/* Takes samples for a round; with the lock held. */
static void begin_round(struct async *a, struct replica *r)
{
    int64_t left = a->end - a->next;
    int batch = r->batch, steps = local_steps(a, r);
    while (batch > left) batch /= 2; /* few sizes, and so few plans, at the end of a window */
    if (batch < 1) batch = 1;
    if (steps > left / batch) steps = (int)(left / batch);
    r->round = (struct round){ a->next, batch, steps, share_of(a), !r->shares };
    if (a->row->merge == MERGE_ELASTIC) r->round.pulls = !r->begun;
    a->next += (int64_t)batch * steps;
    r->begun = r->flying = true;
    r->after = 0;
    for (int i = 0; i < a->n; i++) {
        if (&a->replica[i] == r || !a->replica[i].flying) continue;
        a->replica[i].after++;
        r->after++;
    }
}

/* The rounds of all replicas, who divide every batch; with the lock held. */
static void begin_all(struct async *a)
{
    int64_t left = a->end - a->next;
    int batch = a->t->state.options.batch_size, whole = left < batch ? (int)left : batch, taken = 0;
    int steps = local_steps(a, &a->replica[0]);
    if (steps > left / batch) steps = (int)(left / batch);
    if (steps < 1) steps = 1;
    for (int i = 0; i < a->n; i++) {
        struct replica *r = &a->replica[i];
        int rows = i == a->n - 1 ? whole - taken : (int)((int64_t)r->batch * whole / batch);
        r->round = (struct round){ a->next, rows, rows ? steps : 0, (double)rows / (whole ? whole : 1), true };
        a->next += (int64_t)rows * steps;
        taken += rows;
    }
    a->turn++;
    a->waiting = 0;
    pthread_cond_broadcast(&a->changed);
}

/* Waits until all replicas have come for their part of the next samples. */
static void meet(struct async *a, struct replica *r)
{
    int turn = a->turn;
    r->round.steps = 0;
    if (a->next >= a->end) return;
    if (++a->waiting == a->n) begin_all(a);
    while (a->turn == turn && !a->err) pthread_cond_wait(&a->changed, &a->lock);
}

/* Waits until r may go on by itself. */
static void go_on(struct async *a, struct replica *r)
{
    r->round.steps = 0;
    while (!a->err && a->next < a->end && !(within_staleness(a, r) && within_ratio(a, r)))
        pthread_cond_wait(&a->changed, &a->lock);
    if (!a->err && a->next < a->end) begin_round(a, r);
}

bool async_take_round(struct async *a, struct replica *r)
{
    pthread_mutex_lock(&a->lock);
    if (a->row->merge == MERGE_AVERAGE) meet(a, r);
    else go_on(a, r);
    bool any = r->round.steps > 0 && !a->err;
    pthread_mutex_unlock(&a->lock);
    return any;
}

void async_adapt(struct async *a, struct replica *r)
{
    int64_t sum = 0;
    for (int i = 0; i < a->n; i++) sum += a->replica[i].updates;
    double others = a->n > 1 ? (double)(sum - r->updates) / (a->n - 1) : 0;
    if (a->n == 1 || r->updates - r->changed < RATIO_SLACK) return;
    int batch = r->batch;
    if ((double)r->updates > UNEVEN * others) batch *= ALPHA;
    if ((double)r->updates * UNEVEN < others) batch /= ALPHA;
    if (batch < r->least) batch = r->least;
    if (batch > r->most) batch = r->most;
    if (batch != r->batch) r->changed = r->updates;
    r->batch = batch;
}
