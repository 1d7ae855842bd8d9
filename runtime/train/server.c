/* SPDX-License-Identifier: BSD-3-Clause */
#include "server.h"

#include "kernels.h"
#include "plan_build.h"
#include "train/state.h"

#define PRIORITY 9 /* others wait for what the server has */

/* Where a cell finds the server's and the replica's parts of a shard. */
struct places {
    int server, version, base, ticket;
};

static int add_places(struct plan *p, int shard, struct places *at)
{
    struct exchange *x = p->state->exchange;
    at->server = add_buffer(p, x->server[shard], false);
    at->version = add_buffer(p, x->version[shard], false);
    at->base = add_buffer(p, &x->base[shard], false);
    at->ticket = add_buffer(p, &x->ticket[shard], false);
    return at->server < 0 || at->version < 0 || at->base < 0 || at->ticket < 0 ? -ENOMEM : 0;
}

static struct cell *begin_cell(struct plan *p, enum cell_kind kind, struct hsgd_emit *e)
{
    struct cell *c = new_cell(p, kind, p->state->exchange->home, PRIORITY);
    begin_emit(p, e, c, c->device);
    return c;
}

static void emit_ticket(struct hsgd_emit *e, struct cell *c, int version, int ticket, int shards, bool draw)
{
    struct ticket_args a = { shards, draw };
    access_buffer(c, version, draw ? STARPU_R : STARPU_RW);
    access_buffer(c, ticket, STARPU_RW);
    HSGD_LAUNCH(e, HSGD_KERNEL(ticket), HSGD_ITEMS, shards, &a, ref(version, 0), ref(ticket, 0),
                hsgd_at(slotted(ticket, shards), TICKET_HEADER));
}

int server_add_ticket(struct plan *p, struct ticket_places *at)
{
    struct exchange *x = p->state->exchange;
    at->version = add_buffer(p, &x->versions, false);
    at->ticket = add_buffer(p, &x->ticket[0], false);
    return at->version < 0 || at->ticket < 0 ? -ENOMEM : 0;
}

void server_shared_ticket(struct plan *p, struct cell *c, const struct ticket_places *at, bool draw)
{
    struct hsgd_emit e;
    begin_emit(p, &e, c, c->device);
    emit_ticket(&e, c, at->version, at->ticket, p->state->store.nshards, draw);
}

static int pull_cell(struct plan *p, int shard)
{
    struct places at;
    struct hsgd_emit e;
    int err = add_places(p, shard, &at);
    if (err) return err;
    struct pull_args a = { (int)p->state->store.shard[shard].floats };
    struct cell *c = begin_cell(p, CELL_PULL, &e);
    access_buffer(c, at.server, STARPU_R);
    access_buffer(c, FIXED_PARAM + shard, STARPU_W);
    access_buffer(c, at.base, STARPU_W);
    HSGD_LAUNCH(&e, HSGD_KERNEL(pull), HSGD_ITEMS, a.n, &a, ref(at.server, 0), ref(FIXED_PARAM + shard, 0),
                ref(at.base, 0));
    emit_ticket(&e, c, at.version, at.ticket, 1, true);
    return 0;
}

static int push_cell(struct plan *p, int shard)
{
    struct places at;
    struct hsgd_emit e;
    int err = add_places(p, shard, &at), n = (int)p->state->store.shard[shard].floats;
    if (err) return err;
    bool elastic = p->state->exchange->merge == MERGE_ELASTIC;
    struct push_args push = { n };
    struct elastic_args pull = { n };
    struct hsgd_ref step = slotted(FIXED_STEP, HSGD_STEP_WORDS), w = ref(FIXED_PARAM + shard, 0);
    struct cell *c = begin_cell(p, CELL_PUSH, &e);
    access_buffer(c, FIXED_STEP, STARPU_R);
    access_buffer(c, FIXED_PARAM + shard, elastic ? STARPU_RW : STARPU_R);
    access_buffer(c, at.server, STARPU_RW);
    if (!elastic) access_buffer(c, at.base, STARPU_R);
    if (elastic) HSGD_LAUNCH(&e, HSGD_KERNEL(elastic), HSGD_ITEMS, n, &pull, step, w, ref(at.server, 0));
    else HSGD_LAUNCH(&e, HSGD_KERNEL(push), HSGD_ITEMS, n, &push, step, w, ref(at.base, 0), ref(at.server, 0));
    emit_ticket(&e, c, at.version, at.ticket, 1, false);
    return 0;
}

int server_pull_cells(struct plan *p)
{
    int err = 0;
    for (int s = 0; !err && s < p->state->store.nshards; s++) err = pull_cell(p, s);
    return err;
}

int server_push_cells(struct plan *p)
{
    int err = 0;
    for (int s = 0; !err && s < p->state->store.nshards; s++)
        if (!p->state->exchange->merged[s]) err = push_cell(p, s);
    return err;
}
