/* SPDX-License-Identifier: BSD-3-Clause */
/* Updates that need norms of whole weights: sums of squares of each shard's part of
 * a weight, and then, from those of all shards in their order, the change. */
#include "kernels.h"
#include "plan_build.h"

static const struct hsgd_ref step_row = { .buffer = FIXED_STEP, .slot_stride = HSGD_STEP_WORDS * sizeof(float) };

enum { SUMS = 2 }; /* of a weight; behind those of all, NORM_SCRATCH floats */

/* A weight that trains, as far as it lies in a shard: floats [begin, end) of the bucket. */
struct part {
    struct bucket_range weight;
    int64_t begin, end;
};

static bool part_in(const struct plan *p, int shard, const struct bucket_range *w, struct part *out)
{
    const struct shard *s = &p->store->shard[shard];
    int64_t end = w->begin + spec_size(w->spec), last = s->first + s->floats;
    *out = (struct part){ *w, w->begin > s->first ? w->begin : s->first, end < last ? end : last };
    return out->begin < out->end;
}

/* The first part from *at on in a shard; *at moves behind it. */
static bool next_part(const struct plan *p, int shard, int64_t *at, struct part *out)
{
    int64_t end = p->store->shard[shard].first + p->store->shard[shard].floats;
    while (*at < end) {
        struct bucket_range w = bucket_range(p, *at);
        *at = w.next;
        if (w.spec && trains(w) && part_in(p, shard, &w, out)) return true;
    }
    return false;
}

static struct update update_of(const struct plan *p, int shard, const struct part *part)
{
    int64_t offset = part->begin - p->store->shard[shard].first;
    return (struct update){ .n = part->end - part->begin,
                            .stride = p->store->shard[shard].floats,
                            .w = ref(FIXED_PARAM + shard, offset),
                            .state = ref(FIXED_OPTIMIZER + shard, offset),
                            .step = step_row,
                            .treatment = part->weight.treatment };
}

int64_t norms_floats(const struct plan *p) { return (int64_t)SUMS * hsgd_model_weight_count(p->model) + NORM_SCRATCH; }

static void access_shard(struct cell *c, int shard, enum starpu_data_access_mode mode)
{
    access_buffer(c, FIXED_PARAM + shard, mode);
    access_buffer(c, FIXED_OPTIMIZER + shard, STARPU_R);
    access_buffer(c, FIXED_STEP, STARPU_R);
}

/* ------------------------------------------------------------------- norms */

static void norms_access(struct builder *b, const struct job *j, struct cell *c)
{
    (void)b;
    access_shard(c, j->index, STARPU_R);
    access_buffer(c, j->place.buffer, STARPU_W);
}

static void norms_emit(struct builder *b, const struct job *j, struct hsgd_emit *e)
{
    const struct plan *p = b->plan;
    struct hsgd_ref scratch = hsgd_at(j->place, norms_floats(p) - NORM_SCRATCH);
    struct part part;
    for (int64_t at = p->store->shard[j->index].first; next_part(p, j->index, &at, &part);) {
        struct update u = update_of(p, j->index, &part);
        p->updater.norms(e, p->updater.user, &u, hsgd_at(j->place, (int64_t)SUMS * part.weight.index), scratch);
    }
}

const struct job_type norms_job = { "norms", norms_access, norms_emit, true };

/* ------------------------------------------------------------------- change */

static void change_access(struct builder *b, const struct job *j, struct cell *c)
{
    access_shard(c, j->index, STARPU_RW);
    for (int s = 0; s < b->plan->store->nshards; s++) access_buffer(c, b->shard[s].norms.buffer, STARPU_R);
    access_buffer(c, j->place.buffer, STARPU_W);
}

/* Those of the whole weight: of its only shard, or their sum, at the job's place. */
static struct hsgd_ref total_norms(struct builder *b, const struct job *j, const struct part *here, struct hsgd_emit *e)
{
    const struct plan *p = b->plan;
    int64_t offset = (int64_t)SUMS * here->weight.index;
    struct hsgd_ref total = hsgd_at(b->shard[j->index].norms, offset), place = hsgd_at(j->place, offset);
    struct copy_args copy = { SUMS };
    struct add_args add = { SUMS };
    struct part other;
    if (here->end - here->begin == spec_size(here->weight.spec)) return total;
    for (int s = 0, n = 0; s < p->store->nshards; s++) {
        struct hsgd_ref from = hsgd_at(b->shard[s].norms, offset);
        if (!part_in(p, s, &here->weight, &other)) continue;
        if (n++) HSGD_LAUNCH(e, HSGD_KERNEL(add), HSGD_ITEMS, SUMS, &add, from, place);
        else HSGD_LAUNCH(e, HSGD_KERNEL(copy), HSGD_ITEMS, SUMS, &copy, from, place);
    }
    return place;
}

static void change_emit(struct builder *b, const struct job *j, struct hsgd_emit *e)
{
    const struct plan *p = b->plan;
    struct part part;
    for (int64_t at = p->store->shard[j->index].first; next_part(p, j->index, &at, &part);) {
        struct update u = update_of(p, j->index, &part);
        p->updater.change(e, p->updater.user, &u, total_norms(b, j, &part, e));
    }
}

const struct job_type change_job = { "change", change_access, change_emit, true };
