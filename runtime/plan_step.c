/* SPDX-License-Identifier: BSD-3-Clause */
/* One slice: the whole step is one cell. */
#include "kernels.h"
#include "plan_build.h"
#include "train/server.h"
#include "train/state.h"

/* Where the clipping factor has come to be. */
static struct hsgd_ref emit_factor(struct plan *p, struct hsgd_emit *e)
{
    struct trainer_state *t = p->state;
    int partial = p->slice[0].partial;
    struct hsgd_ref factor = ref(partial, METRICS);
    struct clip_scale_args a = { t->options.clip_norm };
    emit_square_sum(p, e, 0, t->store.model->floats, ref(partial, GRADIENT_HEADER), factor);
    HSGD_LAUNCH(e, HSGD_KERNEL(clip_scale), HSGD_ITEMS, 1, &a, slotted(FIXED_STEP, HSGD_STEP_WORDS), factor);
    return factor;
}

/* A pass over each shard, from the gradients of all parameters. */
static void emit_whole_updates(struct plan *p, struct cell *c, struct hsgd_emit *e)
{
    struct trainer_state *t = p->state;
    bool clip = t->options.clip_norm > 0;
    struct hsgd_ref factor = clip ? emit_factor(p, e) : ref(0, 0); /* unused then */
    for (int i = 0; i < t->store.nshards; i++) {
        struct hsgd_ref g = ref(p->slice[0].partial, GRADIENT_HEADER + t->store.shard[i].first);
        emit_shard_update(p, c, e, i, 1, (struct hsgd_ref[]){ g, factor, factor }, clip);
    }
}

static int emit_tiled_updates(struct plan *p, struct cell *c, struct hsgd_emit *e)
{
    struct slice *s = &p->slice[0];
    struct hsgd_ref small = ref(s->partial, GRADIENT_HEADER), tile, scratch;
    access_update(p, c, 0);
    emit_update(p, e, 0, 0, p->state->store.model->small_floats, 1, (struct hsgd_ref[]){ small, small, small }, false);
    for (int i = 0; i < p->state->store.nshards; i++) {
        struct weight_rows any = { 0 };
        if (!next_weight_rows(p, i, TILE_FLOATS, &any)) continue;
        int b = tile_buffer(p, i, s->device, &tile, &scratch);
        if (b < 0) return b;
        access_buffer(c, b, STARPU_W);
        access_update(p, c, i);
        emit_shard_rows(p, c, s->device, i, tile, TILE_FLOATS, scratch, true);
    }
    return 0;
}

static int step_cell(struct plan *p)
{
    struct slice *s = &p->slice[0];
    struct cell *c = new_cell(p, CELL_STEP, s->device, 0);
    struct hsgd_emit e;
    struct ticket_places ticket;
    c->affinity = p->state->worker;
    bool shared = p->state->exchange && p->state->exchange->shared;
    int err = shared ? server_add_ticket(p, &ticket) : 0;
    if (err) return err;
    if (shared) server_shared_ticket(p, c, &ticket, true);
    slice_program(p, c, s);
    if (p->mode == PLAN_PREDICT) return 0;
    begin_emit(p, &e, c, s->device);
    emit_metrics(p, c, &e);
    p->gradient[0] = s->partial;
    if (p->mode != PLAN_TRAIN) return 0;
    if (tiled(p)) err = emit_tiled_updates(p, c, &e);
    else emit_whole_updates(p, c, &e);
    if (shared) server_shared_ticket(p, c, &ticket, false);
    return err;
}

/* A replica takes parameters before its step and hands them in after it. */
int plan_step_cells(struct plan *p)
{
    const struct exchange *x = p->state->exchange;
    p->pulls = x && x->pull;
    p->pushes = x && x->push;
    int err = p->pulls ? server_pull_cells(p) : 0;
    if (!err && (!x || x->step)) err = step_cell(p);
    return !err && p->pushes ? server_push_cells(p) : err;
}
