/* SPDX-License-Identifier: BSD-3-Clause */
/* What each type of job does to buffers, and its launches. */
#include "kernels.h"
#include "model/metrics.h"
#include "plan_build.h"

#define TILE_FLOATS (32 * 1024) /* measured: larger tiles leave the cache */

static const struct hsgd_ref step_row = { .buffer = FIXED_STEP, .slot_stride = HSGD_STEP_WORDS * sizeof(float) };

int64_t tile_floats(const struct device *d) { return d->info.kind == HSGD_CUDA ? INT64_C(1) << 40 : TILE_FLOATS; }

/* ------------------------------------------------------------------- terms */

static void terms_access(struct builder *b, const struct job *j, struct cell *c)
{
    const struct plan *p = b->plan;
    const struct slice *s = &p->slice[j->index];
    access_buffer(c, s->input, STARPU_R);
    access_buffer(c, p->terms[j->index], s->part ? STARPU_RW : STARPU_W);
}

/* Those of a later part are added to what is there. */
static void terms_emit(struct builder *b, const struct job *j, struct hsgd_emit *e)
{
    struct plan *p = b->plan;
    const struct slice *s = &p->slice[j->index];
    struct slice_places places = { .input = ref(s->input, 0), .device = e->device };
    struct hsgd_ref sum = ref(p->terms[j->index], 0), own = hsgd_at(sum, MAX_LOSSES),
                    scratch = hsgd_at(own, MAX_LOSSES);
    struct add_args add = { losses_counted(p->model) };
    grow_buffer(b, scratch, emit_terms(p, s, &places, s->part ? own : sum, scratch, e->program));
    if (s->part) HSGD_LAUNCH(e, HSGD_KERNEL(add), HSGD_ITEMS, add.n, &add, own, sum);
}

const struct job_type terms_job = { "terms", terms_access, terms_emit, false };

/* Of the batch, from all slices in their order. */
static void emit_all_terms(const struct plan *p, struct hsgd_emit *e, struct hsgd_ref out)
{
    struct hsgd_part part[p->nslices];
    int n = 0;
    for (int i = 0; i < p->nslices; i++)
        if (!p->slice[i].part) part[n++].sums = ref(p->terms[i], 0);
    emit_sum(e, losses_counted(p->model), n, part, out);
}

/* ----------------------------------------------------------------- slices */

/* Between segments slices meet: each reads what all returned. */
static void sums_access(const struct plan *p, const struct job *j, struct cell *c)
{
    const struct tape *t = p->tape;
    int k = j->segment;
    if (!t->sums_begin[t->segments]) return;
    if (p->nslices == 1) {
        access_buffer(c, p->sums[0], k ? STARPU_RW : STARPU_W);
        return;
    }
    if (t->sums_begin[k + 1] > t->sums_begin[k]) access_buffer(c, p->sums[j->index * t->segments + k], STARPU_W);
    if (!k) return;
    access_buffer(c, p->merged[j->index], k > 1 ? STARPU_RW : STARPU_W);
    for (int i = 0; i < p->nslices; i++)
        if (p->slice[i].part == p->slice[j->index].part) access_buffer(c, p->sums[i * t->segments + k - 1], STARPU_R);
}

static void slice_access(struct builder *b, const struct job *j, struct cell *c)
{
    const struct plan *p = b->plan;
    const struct slice *s = &p->slice[j->index];
    enum starpu_data_access_mode first = j->segment ? STARPU_RW : STARPU_W;
    if (j->segment == p->tape->segments - 1) c->rows = s->rows;
    access_buffer(c, s->input, STARPU_R);
    for (int i = 0; i < p->store->nshards; i++) access_buffer(c, FIXED_PARAM + i, STARPU_R);
    access_buffer(c, s->arena, first);
    access_buffer(c, s->partial, p->mode == PLAN_PREDICT ? STARPU_RW : first); /* RW: a step writes its part of it */
    if (!plan_forward_only(p)) access_buffer(c, FIXED_STEP, STARPU_R);
    if (p->cache) access_buffer(c, p->cache_index, STARPU_RW);
    sums_access(p, j, c);
    for (int i = 0; p->terms && !j->segment && i < p->nslices; i++) access_buffer(c, p->terms[i], STARPU_R);
}

static void slice_emit(struct builder *b, const struct job *j, struct hsgd_emit *e)
{
    struct plan *p = b->plan;
    const struct slice *s = &p->slice[j->index];
    int64_t stride = p->mode == PLAN_PREDICT ? slice_result(p, s->rows, plan_outputs(p)) : 0;
    struct slice_places places = { .input = ref(s->input, 0),
                                   .arena = ref(s->arena, 0),
                                   .partial = slotted(s->partial, stride),
                                   .step = plan_forward_only(p) ? (struct hsgd_ref){ .buffer = -1 } : step_row,
                                   .param = FIXED_PARAM,
                                   .device = e->device };
    if (p->terms && !j->segment) emit_all_terms(p, e, terms_place(p, places.partial));
    grow_buffer(b, places.arena, emit_segment(p, s, j->segment, &places, e->program));
}

const struct job_type slice_job = { "slice", slice_access, slice_emit, false };

/* The partial of the first part of a slice. */
static int first_partial(const struct plan *p, int slice) { return p->slice[slice - p->slice[slice].part].partial; }

static void part_access(struct builder *b, const struct job *j, struct cell *c)
{
    access_buffer(c, b->plan->slice[j->index].partial, STARPU_R);
    access_buffer(c, first_partial(b->plan, j->index), STARPU_RW);
}

static void part_emit(struct builder *b, const struct job *j, struct hsgd_emit *e)
{
    const struct plan *p = b->plan;
    int partial = p->slice[j->index].partial;
    struct add_args add = { (int)p->buffer[partial]->floats };
    HSGD_LAUNCH(e, HSGD_KERNEL(add), HSGD_ITEMS, add.n, &add, ref(partial, 0), ref(first_partial(p, j->index), 0));
}

const struct job_type part_job = { "part", part_access, part_emit, false };

/* ------------------------------------------------------- once per step */

static void once_access(struct builder *b, const struct job *j, struct cell *c)
{
    const struct plan *p = b->plan;
    access_buffer(c, p->nslices > 1 ? p->merged[j->index] : p->sums[0], STARPU_R);
    access_buffer(c, FIXED_PARAM, STARPU_RW);
    access_buffer(c, FIXED_STEP, STARPU_R);
}

/* States lie in shard 0. */
static void once_emit(struct builder *b, const struct job *j, struct hsgd_emit *e)
{
    struct slice_places places = { .step = step_row, .param = FIXED_PARAM, .device = e->device };
    emit_once(b->plan, &b->plan->slice[j->index], &places, e->program);
}

const struct job_type once_job = { "once", once_access, once_emit, false };

/* --------------------------------------------------- deferred gradients */

void rows_access(struct builder *b, const struct job *j, struct cell *c)
{
    bool made = backward_floats(b->plan->tape) > b->plan->model->small_floats;
    access_buffer(c, j->place.buffer, STARPU_W);
    for (int i = 0; i < b->plan->nslices; i++) {
        const struct slice *s = &b->plan->slice[i];
        if (s->device != j->device) continue;
        access_buffer(c, s->input, STARPU_R);
        access_buffer(c, s->arena, STARPU_R);
        if (made) access_buffer(c, s->partial, STARPU_R);
    }
}

void emit_rows(struct builder *b, const struct job *j, const struct weight_rows *r, struct hsgd_ref out,
               struct hsgd_emit *e)
{
    struct plan *p = b->plan;
    bool first = true;
    for (int i = 0; i < p->nslices; i++) {
        const struct slice *s = &p->slice[i];
        if (s->device != j->device) continue;
        struct slice_places places = { .input = ref(s->input, 0),
                                       .arena = ref(s->arena, 0),
                                       .partial = ref(s->partial, 0),
                                       .param = FIXED_PARAM,
                                       .device = e->device };
        grow_buffer(b, j->scratch, emit_weight_rows(p, s, &places, r, out, j->scratch, !first, e->program));
        first = false;
    }
}

static void rows_emit(struct builder *b, const struct job *j, struct hsgd_emit *e)
{
    struct weight_rows r = { 0 };
    while (next_weight_rows(b->plan, j->index, b->plan->store->shard[j->index].floats, &r))
        if (trains(bucket_range(b->plan, b->plan->store->shard[j->index].first + r.offset)))
            emit_rows(b, j, &r, hsgd_at(j->place, r.offset), e);
}

const struct job_type rows_job = { "rows", rows_access, rows_emit, true };

/* ---------------------------------------------------------------- merging */

/* The end of the bucket floats from `at` on that are parameters without a gap,
 * and where the next begin.  Nobody writes the gaps. */
static int64_t run_end(const struct plan *p, int64_t at, int64_t *next)
{
    struct bucket_range r = bucket_range(p, at);
    *next = r.next;
    if (!r.spec) return r.next;
    if (!trains(r)) return at; /* it has no gradient, or none that counts */
    int64_t end = r.begin + spec_size(r.spec);
    return end < r.next || r.next == p->model->floats ? end : run_end(p, r.next, next);
}

/* out[0] = the sum of squares of the bucket floats [first, first + floats);
 * SQUARE_PARTS behind it are lost. */
static void emit_square_sum(const struct plan *p, struct hsgd_emit *e, int64_t first, int64_t floats,
                            struct hsgd_ref gradient, struct hsgd_ref out)
{
    struct square_total_args total = { SQUARE_PARTS };
    struct hsgd_ref parts = hsgd_at(out, 1);
    for (int64_t at = first, next; at < first + floats; at = next) {
        int64_t end = run_end(p, at, &next);
        struct square_sum_args a = { (int)((end < first + floats ? end : first + floats) - at), at > first };
        HSGD_LAUNCH(e, HSGD_KERNEL(square_sum), HSGD_ROWS, SQUARE_PARTS, &a, hsgd_at(gradient, at - first), parts);
    }
    HSGD_LAUNCH(e, HSGD_KERNEL(square_total), HSGD_WARPS, 1, &total, parts, out);
}

static void merge_access(struct builder *b, const struct job *j, struct cell *c)
{
    access_parts(c, &b->shard[j->index]);
    access_buffer(c, j->place.buffer, STARPU_W);
}

/* Its place is that of the sum of squares, in the header. */
static void merge_emit(struct builder *b, const struct job *j, struct hsgd_emit *e)
{
    const struct shard_gradient *g = &b->shard[j->index];
    const struct shard *s = &b->plan->store->shard[j->index];
    struct hsgd_part part[MAX_ACCESSES];
    for (int i = 0; i < g->parts; i++) part[i].sums = g->part[i];
    emit_sum(e, s->floats, g->parts, part, g->merged);
    emit_square_sum(b->plan, e, s->first, s->floats, g->merged, j->place);
}

const struct job_type merge_job = { "merge", merge_access, merge_emit, true };

static void metrics_access(struct builder *b, const struct job *j, struct cell *c)
{
    (void)j;
    for (int i = 0; i < b->plan->nslices; i++)
        if (!b->plan->slice[i].part) access_buffer(c, b->plan->slice[i].partial, STARPU_R);
    access_buffer(c, FIXED_METRICS, STARPU_RW);
}

/* The step's losses and metrics, summed over the slices. */
static void metrics_emit(struct builder *b, const struct job *j, struct hsgd_emit *e)
{
    (void)j;
    struct hsgd_part part[b->plan->nslices];
    int n = 0, sums = b->plan->model->nsums;
    for (int i = 0; i < b->plan->nslices; i++)
        if (!b->plan->slice[i].part) part[n++].sums = ref(b->plan->slice[i].partial, 0);
    emit_sum(e, sums, n, part, slotted(FIXED_METRICS, sums));
}

const struct job_type metrics_job = { "metrics", metrics_access, metrics_emit, false };

/* --------------------------------------------------------------- clipping */

static void factor_access(struct builder *b, const struct job *j, struct cell *c)
{
    access_buffer(c, j->place.buffer, STARPU_W);
    access_buffer(c, FIXED_STEP, STARPU_R);
    for (int i = 0; b->plan->nslices > 1 && i < b->plan->store->nshards; i++)
        access_buffer(c, b->shard[i].merged.buffer, STARPU_R);
}

/* From the squares of all shards, or of the whole bucket of the only slice. */
static void factor_emit(struct builder *b, const struct job *j, struct hsgd_emit *e)
{
    const struct plan *p = b->plan;
    struct clip_scale_args scale = { p->updater.clip_norm };
    if (p->nslices == 1) emit_square_sum(p, e, 0, p->model->floats, b->shard[0].part[0], j->place);
    for (int i = 0; p->nslices > 1 && i < p->store->nshards; i++) {
        struct clip_add_args add = { i == 0 };
        HSGD_LAUNCH(e, HSGD_KERNEL(clip_add), HSGD_ITEMS, 1, &add, ref(b->shard[i].merged.buffer, 0), j->place);
    }
    HSGD_LAUNCH(e, HSGD_KERNEL(clip_scale), HSGD_ITEMS, 1, &scale, step_row, j->place);
}

const struct job_type factor_job = { "factor", factor_access, factor_emit, false };
