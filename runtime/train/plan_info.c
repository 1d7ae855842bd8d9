/* SPDX-License-Identifier: BSD-3-Clause */
/* Plans as the public interface shows them. */
#include <math.h>
#include <stdio.h>

#include <hsgd/plan.h>

#include "async.h"
#include "plan/cost.h"
#include "base/sized.h"
#include "trainer.h"

#define MAX_PARTS (ASYNC_PARTS * HSGD_KEPT_REPLICAS)

/* The plans that train a batch: one, or those of replicas. */
struct view {
    int n;
    struct async_part part[MAX_PARTS];
};

static int look(struct hsgd_trainer *t, int batch, struct view *v)
{
    int err = trainer_check_batch(t, batch);
    if (err) return err;
    if (trainer_has_server(t)) return (v->n = async_view(t, batch, v->part, MAX_PARTS)) < 0 ? v->n : 0;
    v->n = 1;
    v->part[0] = (struct async_part){ .replica = -1, .steps = 1 };
    return trainer_plan(t, PLAN_TRAIN, batch, &v->part[0].plan);
}

static int cells_of(const struct view *v)
{
    int n = 0;
    for (int i = 0; i < v->n; i++) n += v->part[i].plan->ncells;
    return n;
}

int hsgd_trainer_plan(struct hsgd_trainer *t, int batch)
{
    struct view v;
    int err = ENTER(t ? t->state.ctx : NULL, t);
    if (!err) err = look(t, batch, &v);
    return err ? err : cells_of(&v);
}

/* ------------------------------------------------------------ prediction */

/* Where a cell lies in a step as the cost model expects it, in milliseconds. */
struct place {
    double start, end;
    int worker;
};

/* When the cells before i that it must wait for are done. */
static double ready_at(const struct plan *p, int i, const struct place *place)
{
    double t = 0;
    for (int k = 0; k < i; k++)
        if (place[k].end > t && plan_conflict(&p->cell[i], &p->cell[k])) t = place[k].end;
    return t;
}

/* The worker the plan names, or the first free one. */
static int worker_for(const struct plan *p, const struct cell *c, const double *worker_end)
{
    const struct device *d = c->device;
    if (c->affinity >= 0 && p->ctx->chose_policy) return c->affinity % d->info.workers;
    int first = 0;
    for (int w = 1; w < d->info.workers; w++)
        if (worker_end[d->worker[w]] < worker_end[d->worker[first]]) first = w;
    return first;
}

/* Lays out all cells; returns the length of the step. */
static double lay_out(const struct plan *p, struct place *place)
{
    double worker_end[MAX_WORKERS] = { 0 }, last = 0;
    for (int i = 0; i < p->ncells; i++) {
        const struct cell *c = &p->cell[i];
        int w = worker_for(p, c, worker_end);
        double *end = &worker_end[c->device->worker[w]], start = fmax(ready_at(p, i, place), *end);
        *end = start + 1e-3 * cost_us(&c->variant[0]);
        place[i] = (struct place){ start, *end, w };
        last = fmax(last, *end);
    }
    return last;
}

/* Samples a millisecond of the replica whose parts begin at *i; moves on to the
 * next one's. */
static double rate(const struct view *v, int *i)
{
    double ms = 0, samples = 0;
    for (int replica = v->part[*i].replica; *i < v->n && v->part[*i].replica == replica; ++*i) {
        const struct async_part *part = &v->part[*i];
        struct place place[part->plan->ncells];
        ms += part->steps * lay_out(part->plan, place);
        samples += (double)part->steps * part->plan->batch;
    }
    return samples / ms;
}

double hsgd_trainer_plan_ms(struct hsgd_trainer *t, int batch)
{
    struct view v;
    double rates = 0;
    if (ENTER(t ? t->state.ctx : NULL, t) || look(t, batch, &v)) return NAN;
    for (int i = 0; i < v.n;) rates += rate(&v, &i);
    return batch / rates;
}

int64_t hsgd_trainer_plan_steps(struct hsgd_trainer *t, int batch, double *seconds)
{
    struct view v;
    if (seconds) *seconds = 0;
    int err = ENTER(t ? t->state.ctx : NULL, t);
    if (!err) err = look(t, batch, &v);
    if (err) return err;
    if (trainer_has_server(t)) return 0;
    if (seconds) *seconds = 1e-9 * (double)v.part[0].plan->run_ns;
    return v.part[0].plan->steps;
}

/* ------------------------------------------------------------------ cells */

/* Slices are placed by how the batch was divided, everything else by where
 * its data is. */
static const char *reason(const struct hsgd_trainer *t, const struct plan *p, const struct cell *c)
{
    const struct algorithm *a = algorithm_row(t->state.options.algorithm);
    bool home_is_cpu = c->device->info.kind == HSGD_CPU;
    if (c->nvariants > 1 && p->ctx->starpu_places)
        return "HSGD_PLACEMENT=starpu: the scheduling policy chooses a device for every run";
    if (algorithm_has_server(a) && c->kind == CELL_STEP) return "batches of its own, as the algorithm says";
    if (c->kind == CELL_SLICE || c->kind == CELL_STEP) return p->why[c->device - p->ctx->device];
    if (p->ctx->ndevices == 1) return "the only device in use";
    if (algorithm_has_server(a) && a->merge != MERGE_SHARED)
        return "the replica's own device, so that it waits for no other";
    if (c->kind == CELL_GRADIENT) return "the activations of its slices are there";
    return home_is_cpu ? "the parameters live in main memory: the CPU takes part"
                       : "the parameters live on the first device with a slice: the CPU takes no part";
}

/* Of the buffers that a cell uses; of an input, of the one in use. */
static int64_t bytes_of(const struct plan *p, const struct cell *c)
{
    int64_t floats = 0;
    for (int i = 0; i < c->naccesses; i++) floats += plan_buffer(p, c->access[i].buffer, 0)->floats;
    return floats * (int64_t)sizeof(float);
}

static void describe(const struct hsgd_trainer *t, const struct plan *p, int i, struct hsgd_plan_cell *out)
{
    const struct cell *c = &p->cell[i];
    struct place place[p->ncells];
    unsigned long long runs = atomic_load(&c->runs);
    lay_out(p, place);
    *out = (struct hsgd_plan_cell){
        .rows = c->rows,
        .known = cost_known(&c->variant[0]),
        .predicted_ms = place[i].end - place[i].start,
        .predicted_start_ms = place[i].start,
        .predicted_worker = place[i].worker,
        .runs = runs,
        .measured_ms = runs ? 1e-6 * (double)atomic_load(&c->busy_ns) / (double)runs : NAN,
        .launches = c->variant[0].program.n,
        .accesses = c->naccesses,
        .bytes = bytes_of(p, c),
    };
    snprintf(out->name, sizeof out->name, "%s", c->name);
    snprintf(out->device, sizeof out->device, "%s", c->device->info.id);
    snprintf(out->reason, sizeof out->reason, "%s", reason(t, p, c));
}

int hsgd_trainer_plan_cell(struct hsgd_trainer *t, int batch, int i, struct hsgd_plan_cell *out, size_t size)
{
    struct hsgd_plan_cell full;
    struct view v;
    int err = ENTER(t ? t->state.ctx : NULL, t, out);
    if (!err) err = look(t, batch, &v);
    int cells = err ? 0 : cells_of(&v), part = 0;
    if (err) return err;
    if (i < 0 || i >= cells) return hsgd_fail(t->state.ctx, EINVAL, "the plan has cells 0 to %d, not %d", cells - 1, i);
    while (i >= v.part[part].plan->ncells) i -= v.part[part++].plan->ncells;
    describe(t, v.part[part].plan, i, &full);
    full.replica = v.part[part].replica;
    return SIZED_GIVE(t->state.ctx, hsgd_plan_cell, out, size, &full);
}
