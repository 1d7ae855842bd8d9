/* SPDX-License-Identifier: BSD-3-Clause */
/* Jobs that change parameters: updates of shards, in runs of parameters that
 * are treated alike. */
#include "kernels.h"
#include "plan_build.h"

static const struct hsgd_ref step_row = { .buffer = FIXED_STEP, .slot_stride = HSGD_STEP_WORDS * sizeof(float) };

/* ------------------------------------------------------------ what is where */

/* The weight at a place in the bucket; spec NULL: none. */
static struct bucket_range find_range(const struct hsgd_model *m, int64_t at, struct weight_place *w)
{
    for (int i = 0; model_weight(m, i, w); i++) {
        int64_t end = w->offset + (spec_size(w->spec) + 15) / 16 * 16;
        if (at >= w->offset && at < end) return (struct bucket_range){ .spec = w->spec, w->offset, end, i, { 0 } };
    }
    return (struct bucket_range){ .begin = m->floats, .next = m->floats };
}

struct bucket_range bucket_range(const struct plan *p, int64_t at)
{
    static const struct treatment plain = { .rate = 1 };
    const struct updater *u = &p->updater;
    struct weight_place w;
    struct bucket_range r = find_range(p->model, at, &w);
    if (r.spec && model_weight_trains(p->model, &w)) r.treatment = u->treat ? u->treat(u->user, p->model, &w) : plain;
    return r;
}

static bool same(struct treatment a, struct treatment b)
{
    return !(a.rate < b.rate || a.rate > b.rate || a.weight_decay < b.weight_decay || a.weight_decay > b.weight_decay);
}

/* The end of the bucket floats from `at` on that updates treat alike. */
static int64_t treatment_end(const struct plan *p, int64_t at, int64_t end)
{
    struct bucket_range first = bucket_range(p, at), r = first;
    for (at = r.next; at < end && same((r = bucket_range(p, at)).treatment, first.treatment);) at = r.next;
    return at < end ? at : end;
}

/* ------------------------------------------------------- update of a shard */

static void access_update(const struct plan *p, struct cell *c, int shard)
{
    access_buffer(c, FIXED_PARAM + shard, STARPU_RW);
    access_buffer(c, FIXED_STEP, STARPU_R);
    if (p->updater.state_floats) access_buffer(c, FIXED_OPTIMIZER + shard, STARPU_RW);
}

/* Of `floats` parameters from `offset` of a shard, which are treated alike. */
static void emit_update(const struct plan *p, struct hsgd_emit *e, int shard, int64_t offset, int64_t floats, int parts,
                        const struct hsgd_ref part[3], bool clipped)
{
    const struct update u = { .n = floats,
                              .stride = p->store->shard[shard].floats,
                              .w = ref(FIXED_PARAM + shard, offset),
                              .state = ref(FIXED_OPTIMIZER + shard, offset),
                              .step = step_row,
                              .parts = parts,
                              .part = part,
                              .clipped = clipped,
                              .treatment = bucket_range(p, p->store->shard[shard].first + offset).treatment };
    p->updater.emit(e, p->updater.user, &u);
}

int64_t update_floats(const struct builder *b, int shard)
{
    if (b->deferral != BY_ROWS_USED) return b->plan->store->shard[shard].floats;
    return shard == 0 ? b->plan->model->small_floats : 0;
}

/* All that trains in a shard, in as few launches as there are runs of parameters
 * that are treated alike. */
static void emit_trained(const struct builder *b, struct hsgd_emit *e, int shard, int parts,
                         const struct hsgd_ref *part, bool clipped)
{
    int64_t first = b->plan->store->shard[shard].first, end = first + update_floats(b, shard);
    for (int64_t at = first, to; at < end; at = to) {
        struct hsgd_ref run[3];
        to = treatment_end(b->plan, at, end);
        if (!trains(bucket_range(b->plan, at))) continue;
        for (int i = 0; i < 3; i++) run[i] = i < parts ? hsgd_at(part[i], at - first) : part[clipped && i == 1 ? 1 : 0];
        emit_update(b->plan, e, shard, at - first, to - at, parts, run, clipped);
    }
}

void access_parts(struct cell *c, const struct shard_gradient *g)
{
    for (int i = 0; i < g->parts; i++) access_buffer(c, g->part[i].buffer, STARPU_R);
}

static void update_access(struct builder *b, const struct job *j, struct cell *c)
{
    const struct shard_gradient *g = &b->shard[j->index];
    access_update(b->plan, c, j->index);
    if (hsgd_wanted(g->merged)) access_buffer(c, g->merged.buffer, STARPU_R);
    else access_parts(c, g);
}

/* Its place is that of the clipping factor. */
static void update_emit(struct builder *b, const struct job *j, struct hsgd_emit *e)
{
    const struct shard_gradient *g = &b->shard[j->index];
    bool clipped = hsgd_wanted(j->place), merged = hsgd_wanted(g->merged);
    struct hsgd_ref whole = merged ? g->merged : g->part[0], one[3] = { whole, clipped ? j->place : whole, whole };
    bool sums = g->parts > 1 && !merged;
    emit_trained(b, e, j->index, sums ? g->parts : 1, sums ? g->part : one, clipped);
}

const struct job_type update_job = { "update", update_access, update_emit, true };

/* ------------------------------------- gradients that are used tile by tile */

static void tiles_access(struct builder *b, const struct job *j, struct cell *c)
{
    rows_access(b, j, c);
    access_update(b->plan, c, j->index);
}

static void tiles_emit(struct builder *b, const struct job *j, struct hsgd_emit *e)
{
    struct weight_rows r = { 0 };
    int64_t first = b->plan->store->shard[j->index].first;
    while (next_weight_rows(b->plan, j->index, tile_floats(j->device), &r)) {
        if (!trains(bucket_range(b->plan, first + r.offset))) continue;
        emit_rows(b, j, &r, j->place, e);
        emit_update(b->plan, e, j->index, r.offset, r.floats, 1, (struct hsgd_ref[]){ j->place, j->place, j->place },
                    false);
    }
}

const struct job_type tiles_job = { "tiles", tiles_access, tiles_emit, true };

/* --------------------------------------------------------- moving average */

static void ema_access(struct builder *b, const struct job *j, struct cell *c)
{
    access_buffer(c, foreign_buffer(b, &b->plan->updater.ema[j->index]), STARPU_RW);
    access_buffer(c, FIXED_PARAM + j->index, STARPU_R);
    access_buffer(c, FIXED_STEP, STARPU_R);
}

/* States, too, and what does not train, whose average it is. */
static void ema_emit(struct builder *b, const struct job *j, struct hsgd_emit *e)
{
    struct ema_args a = { (int)b->plan->store->shard[j->index].floats };
    HSGD_LAUNCH(e, HSGD_KERNEL(ema_update), HSGD_ITEMS, a.n, &a,
                ref(foreign_buffer(b, &b->plan->updater.ema[j->index]), 0), ref(FIXED_PARAM + j->index, 0), step_row);
}

const struct job_type ema_job = { "ema", ema_access, ema_emit, true };
