/* SPDX-License-Identifier: BSD-3-Clause */
#include "server.h"

#include "kernels.h"
#include "plan_build.h"

#define PRIORITY 9 /* others wait for what the server has */

/* Where a cell finds the server's and the replica's parts of a shard. */
struct places {
    int server, version, base, ticket;
};

static int add_places(struct plan *p, struct exchange *x, int shard, struct places *at)
{
    at->server = foreign_buffer(p, x->server[shard]);
    at->version = foreign_buffer(p, x->version[shard]);
    at->base = foreign_buffer(p, &x->base[shard]);
    at->ticket = foreign_buffer(p, &x->ticket[shard]);
    return at->server < 0 || at->version < 0 || at->base < 0 || at->ticket < 0 ? -ENOMEM : 0;
}

static struct cell *begin_cell(struct plan *p, const struct exchange *x, enum cell_kind kind, struct hsgd_emit *e)
{
    struct cell *c = new_cell(p, kind, x->home, PRIORITY);
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

static int shared_ticket(struct plan *p, struct cell *c, struct exchange *x, bool draw)
{
    struct hsgd_emit e;
    int version = foreign_buffer(p, &x->versions), ticket = foreign_buffer(p, &x->ticket[0]);
    if (version < 0 || ticket < 0) return -ENOMEM;
    begin_emit(p, &e, c, c->device);
    emit_ticket(&e, c, version, ticket, p->store->nshards, draw);
    return 0;
}

int server_draw_ticket(struct plan *p, struct cell *step, void *x) { return shared_ticket(p, step, x, true); }

int server_return_ticket(struct plan *p, struct cell *step, void *x) { return shared_ticket(p, step, x, false); }

static int pull_cell(struct plan *p, struct exchange *x, int shard)
{
    struct places at;
    struct hsgd_emit e;
    int err = add_places(p, x, shard, &at);
    if (err) return err;
    struct pull_args a = { (int)p->store->shard[shard].floats };
    struct cell *c = begin_cell(p, x, CELL_PULL, &e);
    access_buffer(c, at.server, STARPU_R);
    access_buffer(c, FIXED_PARAM + shard, STARPU_W);
    access_buffer(c, at.base, STARPU_W);
    HSGD_LAUNCH(&e, HSGD_KERNEL(pull), HSGD_ITEMS, a.n, &a, ref(at.server, 0), ref(FIXED_PARAM + shard, 0),
                ref(at.base, 0));
    emit_ticket(&e, c, at.version, at.ticket, 1, true);
    return 0;
}

static int push_cell(struct plan *p, struct exchange *x, int shard)
{
    struct places at;
    struct hsgd_emit e;
    int err = add_places(p, x, shard, &at), n = (int)p->store->shard[shard].floats;
    if (err) return err;
    bool elastic = x->merge == MERGE_ELASTIC;
    struct push_args push = { n };
    struct elastic_args pull = { n };
    struct hsgd_ref step = slotted(FIXED_STEP, HSGD_STEP_WORDS), w = ref(FIXED_PARAM + shard, 0);
    struct cell *c = begin_cell(p, x, CELL_PUSH, &e);
    access_buffer(c, FIXED_STEP, STARPU_R);
    access_buffer(c, FIXED_PARAM + shard, elastic ? STARPU_RW : STARPU_R);
    access_buffer(c, at.server, STARPU_RW);
    if (!elastic) access_buffer(c, at.base, STARPU_R);
    if (elastic) HSGD_LAUNCH(&e, HSGD_KERNEL(elastic), HSGD_ITEMS, n, &pull, step, w, ref(at.server, 0));
    else HSGD_LAUNCH(&e, HSGD_KERNEL(push), HSGD_ITEMS, n, &push, step, w, ref(at.base, 0), ref(at.server, 0));
    emit_ticket(&e, c, at.version, at.ticket, 1, false);
    return 0;
}

int server_pull(struct plan *p, void *exchange)
{
    int err = 0;
    for (int s = 0; !err && s < p->store->nshards; s++) err = pull_cell(p, exchange, s);
    return err;
}

int server_push(struct plan *p, void *exchange)
{
    const struct exchange *x = exchange;
    int err = 0;
    for (int s = 0; !err && s < p->store->nshards; s++)
        if (!x->merged[s]) err = push_cell(p, exchange, s);
    return err;
}
