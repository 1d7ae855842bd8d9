/* SPDX-License-Identifier: BSD-3-Clause */
/* Which jobs a step has: decided here alone, for one slice, whose jobs all go
 * into one cell, and for several. */
#include <stdio.h>

#include "plan_build.h"

enum { SLICE_PRIORITY = 8, MERGE_PRIORITY = 1 };
#define MAX_DIRECT_PARTS 3 /* gradients that an update sums by itself */

static bool alone(const struct builder *b) { return b->plan->nslices == 1; }

static bool clips(const struct builder *b) { return b->plan->updater.clip_norm > 0 && b->plan->mode == PLAN_TRAIN; }

/* Updates are done where the parameters live: on the CPU when it takes part. */
static struct device *home(const struct plan *p)
{
    for (int i = 0; i < p->nslices; i++)
        if (p->slice[i].device->info.kind == HSGD_CPU) return p->slice[i].device;
    return p->slice[0].device;
}

/* A job of the grid, or of the only slice's cell. */
static struct job *step_job(struct builder *b, const struct job_type *type, enum cell_kind kind, struct device *d,
                            int priority)
{
    struct job *j = add_job(b, type, alone(b) ? CELL_STEP : kind, d);
    if (alone(b)) j->affinity = b->plan->worker;
    else j->priority = priority;
    return j;
}

/* --------------------------------------------------------------- gradients */

static int gradient_buffer(struct builder *b, int shard, const struct device *d)
{
    char name[64];
    int64_t floats = GRADIENT_HEADER + b->plan->store->shard[shard].floats;
    snprintf(name, sizeof name, "gradient%d %s", shard, d->info.id);
    return new_buffer(b, name, floats, d, b->plan->mode == PLAN_GRADIENT);
}

static void add_part(struct builder *b, int shard, struct hsgd_ref part)
{
    struct shard_gradient *g = &b->shard[shard];
    if (g->parts < MAX_ACCESSES) g->part[g->parts++] = part;
    else if (!b->error) b->error = hsgd_fail(b->plan->ctx, E2BIG, "more than %d slices", MAX_ACCESSES);
}

/* What backward makes. */
static void add_partials(struct builder *b, int shard)
{
    int64_t offset = slice_header(b->plan->model) + b->plan->store->shard[shard].first;
    for (int i = 0; i < b->plan->nslices; i++)
        if (!b->plan->slice[i].part) add_part(b, shard, ref(b->plan->slice[i].partial, offset));
}

static bool has_slice(const struct plan *p, const struct device *d)
{
    for (int i = 0; i < p->nslices; i++)
        if (p->slice[i].device == d) return true;
    return false;
}

/* A part from every device. */
static void add_rows(struct builder *b, int shard)
{
    struct plan *p = b->plan;
    for (int i = 0; i < p->ctx->ndevices; i++) {
        struct device *d = &p->ctx->device[i];
        if (!has_slice(p, d)) continue;
        int g = gradient_buffer(b, shard, d);
        struct job *j = step_job(b, &rows_job, CELL_GRADIENT, d, 1 + p->store->nshards - shard);
        j->index = shard;
        j->place = ref(g, GRADIENT_HEADER);
        j->scratch = hsgd_at(j->place, p->store->shard[shard].floats);
        add_part(b, shard, j->place);
        if (d != home(p) && !b->error) p->buffer_plan[g].nodes = 1u << home(p)->node;
    }
}

/* A buffer for the largest tile, and scratch behind it. */
static void add_tiles(struct builder *b, int shard)
{
    struct device *d = b->plan->slice[0].device;
    struct weight_rows r = { 0 };
    int64_t floats = 0;
    while (next_weight_rows(b->plan, shard, tile_floats(d), &r))
        if (r.floats > floats) floats = r.floats;
    if (!floats) return;
    int tile = new_buffer(b, "tile", floats, d, false);
    struct job *j = step_job(b, &tiles_job, CELL_GRADIENT, d, 0);
    if (!alone(b)) j->affinity = shard - 1;
    j->index = shard;
    j->place = ref(tile, 0);
    j->scratch = ref(tile, floats);
}

static void add_merge(struct builder *b, int shard)
{
    struct device *d = home(b->plan);
    int merged = gradient_buffer(b, shard, d);
    struct job *j = step_job(b, &merge_job, CELL_MERGE, d, MERGE_PRIORITY);
    j->index = shard;
    j->place = ref(merged, 0);
    b->shard[shard].merged = ref(merged, GRADIENT_HEADER);
}

static void add_gradient(struct builder *b, int shard)
{
    struct shard_gradient *g = &b->shard[shard];
    g->merged = (struct hsgd_ref){ .buffer = -1 };
    if (shard == 0 || b->deferral == IN_BACKWARD) add_partials(b, shard);
    else if (b->deferral == BY_ROWS) add_rows(b, shard);
    if (b->deferral == BY_ROWS_USED) add_tiles(b, shard);
    bool whole = clips(b) || b->plan->mode == PLAN_GRADIENT || g->parts > MAX_DIRECT_PARTS;
    if (whole && !alone(b)) add_merge(b, shard);
    b->plan->gradient[shard] = hsgd_wanted(g->merged) ? g->merged : g->part[0];
}

/* ----------------------------------------------------------------- updates */

static void add_metrics(struct builder *b, enum cell_kind kind)
{
    step_job(b, &metrics_job, kind, home(b->plan), MERGE_PRIORITY);
}

/* The clipping factor; of several slices every update cell makes its own. */
static struct hsgd_ref add_factor(struct builder *b)
{
    struct device *d = home(b->plan);
    struct hsgd_ref factor = ref(b->plan->slice[0].partial, b->plan->model->nsums);
    if (!alone(b)) factor = ref(new_buffer(b, "clip", GRADIENT_HEADER, d, false), 0);
    step_job(b, &factor_job, CELL_UPDATE, d, MERGE_PRIORITY)->place = factor;
    return factor;
}

/* Once for each part, by its first slice. */
static void add_once(struct builder *b)
{
    int parts = plan_has_once(b->plan) ? plan_parts(b->plan) : 0;
    for (int part = 0; part < parts; part++)
        step_job(b, &once_job, CELL_UPDATE, home(b->plan), MERGE_PRIORITY)->index = plan_part_first(b->plan, part);
}

/* The update of a shard, in a cell with what it needs before; with the first,
 * the metrics. */
static void add_update(struct builder *b, int shard, struct hsgd_ref *factor)
{
    int first = b->njobs;
    if (shard == 0) add_metrics(b, CELL_UPDATE);
    if (shard == 0) add_once(b);
    if (clips(b) && (shard == 0 || !alone(b))) *factor = add_factor(b);
    struct job *j = step_job(b, &update_job, CELL_UPDATE, home(b->plan), MERGE_PRIORITY);
    j->index = shard;
    j->place = *factor;
    for (int i = first + 1; i < b->njobs; i++) b->job[i].joins = true;
}

/* Where changes need norms of whole weights: they wait for those of all shards. */
static void add_changes(struct builder *b)
{
    struct device *d = home(b->plan);
    int shards = b->plan->store->nshards;
    for (int s = 0; s < shards; s++) {
        struct job *j = step_job(b, &norms_job, CELL_UPDATE, d, MERGE_PRIORITY);
        j->index = s;
        j->place = b->shard[s].norms = ref(new_buffer(b, "norms", norms_floats(b->plan), d, false), 0);
    }
    for (int s = 0; s < shards; s++) {
        struct job *j = step_job(b, &change_job, CELL_UPDATE, d, MERGE_PRIORITY);
        j->index = s;
        j->place = ref(new_buffer(b, "norm sums", norms_floats(b->plan), d, false), 0);
    }
}

/* When all shards have their new parameters. */
static void add_ema(struct builder *b)
{
    for (int s = 0; s < b->plan->store->nshards; s++)
        step_job(b, &ema_job, CELL_UPDATE, home(b->plan), MERGE_PRIORITY)->index = s;
}

/* What a part of a slice returned goes to that of the first, before the next part replaces it. */
static void add_to_first(struct builder *b, int slice)
{
    const struct slice *s = &b->plan->slice[slice];
    struct job *j = step_job(b, &part_job, CELL_MERGE, s->device, SLICE_PRIORITY);
    j->affinity = s->share;
    j->index = slice;
}

/* The same part of all slices, which meet between segments. */
static void add_part_jobs(struct builder *b, int part)
{
    const struct plan *p = b->plan;
    int last = p->tape->segments - 1;
    for (int k = 0; k <= last; k++)
        for (int i = 0; i < p->nslices; i++) {
            if (p->slice[i].part != part) continue;
            struct job *j = step_job(b, &slice_job, CELL_SLICE, p->slice[i].device, SLICE_PRIORITY);
            if (!alone(b)) j->affinity = p->slice[i].share;
            j->index = i;
            j->segment = k;
            if (part && k == last) add_to_first(b, i);
        }
}

void plan_step_jobs(struct builder *b)
{
    const struct plan *p = b->plan;
    struct hsgd_ref factor = { .buffer = -1 };
    for (int i = 0; p->terms && i < p->nslices; i++) {
        struct job *j = step_job(b, &terms_job, CELL_MERGE, p->slice[i].device, SLICE_PRIORITY);
        if (!alone(b)) j->affinity = p->slice[i].share;
        j->index = i;
    }
    for (int part = 0; part < plan_parts(p); part++) add_part_jobs(b, part);
    if (p->mode == PLAN_PREDICT) return;
    if (p->mode != PLAN_TRAIN) add_metrics(b, CELL_MERGE);
    if (p->mode == PLAN_EVALUATE) return;
    for (int s = 0; s < p->store->nshards; s++) add_gradient(b, s);
    for (int s = 0; p->mode == PLAN_TRAIN && s < p->store->nshards; s++)
        if (s == 0 || update_floats(b, s)) add_update(b, s, &factor);
    if (p->updater.norms && p->mode == PLAN_TRAIN) add_changes(b);
    if (p->updater.ema && p->mode == PLAN_TRAIN) add_ema(b);
}
