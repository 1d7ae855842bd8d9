/* SPDX-License-Identifier: BSD-3-Clause */
#include "server.h"

#include "kernels.h"
#include "plan/plan_build.h"

#define PRIORITY 9 /* others wait for what the server has */

static const struct hsgd_ref step_row = { .buffer = FIXED_STEP, .slot_stride = HSGD_STEP_WORDS * sizeof(float) };

/* Where a job finds the server's and the replica's parts of a shard. */
struct places {
    struct hsgd_ref server, param, base;
    int version, ticket;
};

static struct places places_of(struct builder *b, const struct job *j)
{
    struct exchange *x = j->user;
    return (struct places){ .server = ref(foreign_buffer(b, x->server[j->index]), 0),
                            .param = ref(FIXED_PARAM + j->index, 0),
                            .base = ref(foreign_buffer(b, &x->base[j->index]), 0),
                            .version = foreign_buffer(b, x->version[j->index]),
                            .ticket = foreign_buffer(b, &x->ticket[j->index]) };
}

/* ---------------------------------------------------------------- tickets */

static void access_ticket(struct cell *c, int version, int ticket, bool draw)
{
    access_buffer(c, version, draw ? BUFFER_READ : BUFFER_UPDATE);
    access_buffer(c, ticket, BUFFER_UPDATE);
}

static void emit_ticket(struct hsgd_emit *e, int version, int ticket, int shards, bool draw)
{
    struct ticket_args a = { shards, draw };
    struct hsgd_ref missed = slotted(ticket, shards);
    HSGD_LAUNCH(e, HSGD_KERNEL(ticket), HSGD_ITEMS, shards, &a, ref(version, 0), ref(ticket, 0),
                hsgd_at(missed, TICKET_HEADER));
}

/* One for all shards, of a step that writes the server's parameters itself;
 * the job's index says whether it is drawn. */
static void shared_access(struct builder *b, const struct job *j, struct cell *c)
{
    struct exchange *x = j->user;
    access_ticket(c, foreign_buffer(b, &x->versions), foreign_buffer(b, &x->ticket[0]), j->index);
}

static void shared_emit(struct builder *b, const struct job *j, struct hsgd_emit *e)
{
    struct exchange *x = j->user;
    emit_ticket(e, foreign_buffer(b, &x->versions), foreign_buffer(b, &x->ticket[0]), b->plan->store->nshards,
                j->index);
}

static void add_shared(struct builder *b, struct exchange *x, bool draw)
{
    static const struct job_type type = { "shared", shared_access, shared_emit, false };
    struct job *j = add_job(b, &type, CELL_STEP, b->plan->slice[0].device);
    j->affinity = b->plan->worker;
    j->index = draw;
    j->user = x;
}

/* --------------------------------------------------------- pull and push */

static void pull_access(struct builder *b, const struct job *j, struct cell *c)
{
    struct places at = places_of(b, j);
    access_buffer(c, at.server.buffer, BUFFER_READ);
    access_buffer(c, at.param.buffer, BUFFER_WRITE);
    access_buffer(c, at.base.buffer, BUFFER_WRITE);
    access_ticket(c, at.version, at.ticket, true);
}

static void pull_emit(struct builder *b, const struct job *j, struct hsgd_emit *e)
{
    struct places at = places_of(b, j);
    struct pull_args a = { (int)b->plan->store->shard[j->index].floats };
    HSGD_LAUNCH(e, HSGD_KERNEL(pull), HSGD_ITEMS, a.n, &a, at.server, at.param, at.base);
    emit_ticket(e, at.version, at.ticket, 1, true);
}

static bool is_elastic(const struct job *j) { return ((const struct exchange *)j->user)->merge == MERGE_ELASTIC; }

static void push_access(struct builder *b, const struct job *j, struct cell *c)
{
    struct places at = places_of(b, j);
    access_buffer(c, FIXED_STEP, BUFFER_READ);
    access_buffer(c, at.param.buffer, is_elastic(j) ? BUFFER_UPDATE : BUFFER_READ);
    access_buffer(c, at.server.buffer, BUFFER_UPDATE);
    if (!is_elastic(j)) access_buffer(c, at.base.buffer, BUFFER_READ);
    access_ticket(c, at.version, at.ticket, false);
}

static void push_emit(struct builder *b, const struct job *j, struct hsgd_emit *e)
{
    struct places at = places_of(b, j);
    int n = (int)b->plan->store->shard[j->index].floats;
    struct push_args push = { n };
    struct elastic_args pull = { n };
    if (is_elastic(j)) HSGD_LAUNCH(e, HSGD_KERNEL(elastic), HSGD_ITEMS, n, &pull, step_row, at.param, at.server);
    else HSGD_LAUNCH(e, HSGD_KERNEL(push), HSGD_ITEMS, n, &push, step_row, at.param, at.base, at.server);
    emit_ticket(e, at.version, at.ticket, 1, false);
}

static void add_exchange(struct builder *b, const struct job_type *type, enum cell_kind kind, struct exchange *x,
                         int shard)
{
    struct job *j = add_job(b, type, kind, x->home);
    j->priority = PRIORITY;
    j->index = shard;
    j->user = x;
}

/* ------------------------------------------------------------------ hooks */

void server_before(struct builder *b, void *exchange)
{
    static const struct job_type type = { "pull", pull_access, pull_emit, true };
    struct exchange *x = exchange;
    if (x->shared) add_shared(b, x, true);
    for (int s = 0; x->pull && s < b->plan->store->nshards; s++) add_exchange(b, &type, CELL_PULL, x, s);
}

void server_after(struct builder *b, void *exchange)
{
    static const struct job_type type = { "push", push_access, push_emit, true };
    struct exchange *x = exchange;
    if (x->shared) add_shared(b, x, false);
    for (int s = 0; x->push && s < b->plan->store->nshards; s++)
        if (!x->merged[s]) add_exchange(b, &type, CELL_PUSH, x, s);
}
