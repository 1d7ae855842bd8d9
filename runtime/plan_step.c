/* SPDX-License-Identifier: BSD-3-Clause */
/* One slice: the whole step is one cell. */
#include "kernels.h"
#include "plan_build.h"

/* Where the clipping factor has come to be. */
static struct hsgd_ref emit_factor(struct plan *p, struct hsgd_emit *e)
{
    const struct store *t = p->store;
    int partial = p->slice[0].partial;
    struct hsgd_ref factor = ref(partial, METRICS);
    struct clip_scale_args a = { p->updater.clip_norm };
    emit_square_sum(p, e, 0, t->model->floats, ref(partial, GRADIENT_HEADER), factor);
    HSGD_LAUNCH(e, HSGD_KERNEL(clip_scale), HSGD_ITEMS, 1, &a, slotted(FIXED_STEP, HSGD_STEP_WORDS), factor);
    return factor;
}

/* A pass over each shard, from the gradients of all parameters. */
static void emit_whole_updates(struct plan *p, struct cell *c, struct hsgd_emit *e)
{
    const struct store *t = p->store;
    bool clip = p->updater.clip_norm > 0;
    struct hsgd_ref factor = clip ? emit_factor(p, e) : ref(0, 0); /* unused then */
    for (int i = 0; i < t->nshards; i++) {
        struct hsgd_ref g = ref(p->slice[0].partial, GRADIENT_HEADER + t->shard[i].first);
        emit_shard_update(p, c, e, i, 1, (struct hsgd_ref[]){ g, factor, factor }, clip);
    }
}

static int emit_tiled_updates(struct plan *p, struct cell *c, struct hsgd_emit *e)
{
    struct slice *s = &p->slice[0];
    struct hsgd_ref small = ref(s->partial, GRADIENT_HEADER), tile, scratch;
    access_update(p, c, 0);
    emit_update(p, e, 0, 0, p->store->model->small_floats, 1, (struct hsgd_ref[]){ small, small, small }, false);
    for (int i = 0; i < p->store->nshards; i++) {
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

static int step_work(struct plan *p, struct cell *c)
{
    struct slice *s = &p->slice[0];
    struct hsgd_emit e;
    slice_program(p, c, s);
    if (p->mode == PLAN_PREDICT) return 0;
    begin_emit(p, &e, c, s->device);
    emit_metrics(p, c, &e);
    p->gradient[0] = s->partial;
    if (p->mode != PLAN_TRAIN) return 0;
    if (tiled(p)) return emit_tiled_updates(p, c, &e);
    emit_whole_updates(p, c, &e);
    return 0;
}

int plan_step_cells(struct plan *p, const struct plan_hooks *hooks)
{
    struct cell *c = new_cell(p, CELL_STEP, p->slice[0].device, 0);
    c->affinity = p->worker;
    int err = hooks->first ? hooks->first(p, c, hooks->user) : 0;
    if (!err) err = step_work(p, c);
    return !err && hooks->last ? hooks->last(p, c, hooks->user) : err;
}
