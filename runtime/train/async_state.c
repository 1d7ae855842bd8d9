/* SPDX-License-Identifier: BSD-3-Clause */
/* The optimizer's state of replicas, and that of the trainer, which a
 * checkpoint has. */
#include <math.h>
#include <string.h>

#include "async_rounds.h"

static bool counts(const struct replica *r) { return r->updates > 0 && !r->gone; }

/* sum += weight x, over the floats of a shard's state. */
static void add_scaled(struct trainer_state *from, int shard, int64_t n, double weight, float *sum)
{
    buffer_acquire(from->ctx, &from->optimizer[shard], BUFFER_READ);
    const float *x = from->optimizer[shard].memory;
    for (int64_t i = 0; i < n; i++) sum[i] += (float)weight * x[i];
    buffer_release(&from->optimizer[shard]);
}

static void gather_shard(struct async *a, int shard, double all)
{
    struct trainer_state *s = &a->t->state;
    int64_t n = s->store.shard[shard].floats * optimizer_state_floats(s->options.optimizer);
    float *sum = s->optimizer[shard].memory;
    buffer_acquire(s->ctx, &s->optimizer[shard], BUFFER_WRITE);
    memset(sum, 0, (size_t)n * sizeof *sum);
    for (int i = 0; i < a->n; i++) {
        struct replica *r = &a->replica[i];
        if (counts(r)) add_scaled(&r->state, shard, n, (double)r->updates / all, sum);
    }
    buffer_release(&s->optimizer[shard]);
}

void async_gather_state(struct hsgd_trainer *t)
{
    struct async *a = t->async;
    double all = 0, squares = 0;
    if (!a) return;
    for (int i = 0; i < a->n; i++) {
        if (!counts(&a->replica[i])) continue;
        all += (double)a->replica[i].updates;
        squares += (double)a->replica[i].updates * (double)a->replica[i].updates;
    }
    if (all == 0) return;
    t->at.updates = a->replica[0].before + llround(squares / all);
    if (!optimizer_state_floats(t->state.options.optimizer)) return;
    for (int i = 0; i < t->state.store.nshards; i++) gather_shard(a, i, all);
}
