/* SPDX-License-Identifier: BSD-3-Clause */
/* Plans as the public interface shows them. */
#include <math.h>
#include <stdio.h>

#include <hsgd/plan.h>

#include "async.h"
#include "base/sized.h"
#include "device/devices.h"
#include "plan/about.h"
#include "plan/cost.h"
#include "plan/layout.h"
#include "predict.h"
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

/* Samples a millisecond of the replica whose parts begin at *i; moves on to the
 * next one's. */
static double rate(const struct view *v, int *i)
{
    double ms = 0, samples = 0;
    for (int replica = v->part[*i].replica; *i < v->n && v->part[*i].replica == replica; ++*i) {
        const struct async_part *part = &v->part[*i];
        struct place place[part->plan->ncells];
        ms += part->steps * layout(part->plan, place, NULL);
        samples += (double)part->steps * part->plan->batch;
    }
    return samples / ms;
}

/* Milliseconds that the workers of a device have cells for, of the device with most; guesses do not count. */
static double busiest(const struct plan *p)
{
    double ms[MAX_DEVICES] = { 0 }, most = 0;
    for (int i = 0; i < p->ncells; i++) {
        const struct cell *c = &p->cell[i];
        double *of = &ms[c->device - p->ctx->device];
        if (c->nvariants == 1 && cost_known(&c->variant[0]))
            *of += 1e-3 * cost_us(&c->variant[0]) / c->device->info.workers;
        most = fmax(most, *of);
    }
    return most;
}

/* By the predictor that candidates have, else by the schedule of the cells. */
static double step_ms(const struct hsgd_trainer *t, const struct view *v, int batch)
{
    const struct trainer_state *s = &t->state;
    double ms = 1e3 * predict_step(s, algorithm_row(s->options.algorithm), predict_chosen(s), batch), rates = 0;
    if (isfinite(ms)) return trainer_has_server(t) ? ms : fmax(ms, busiest(v->part[0].plan));
    for (int i = 0; i < v->n;) rates += rate(v, &i);
    return batch / rates;
}

double hsgd_trainer_plan_ms(struct hsgd_trainer *t, int batch)
{
    struct view v;
    if (ENTER(t ? t->state.ctx : NULL, t) || look(t, batch, &v)) return NAN;
    return step_ms(t, &v, batch);
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
    if (c->nvariants > 1 && p->ctx->starpu_places && !t->state.pieces)
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

static void name_chooser(const struct cell *c, const struct plan *p, char *out, size_t size)
{
    bool one = c->nvariants == 1 && c->device->info.workers == 1;
    if (one) snprintf(out, size, "one worker");
    else if (c->nvariants == 1 && c->affinity >= 0 && p->ctx->chose_policy) snprintf(out, size, "plan");
    else snprintf(out, size, "policy %s", devices_policy());
}

static void describe(const struct hsgd_trainer *t, const struct plan *p, int i, struct hsgd_plan_cell *out)
{
    const struct cell *c = &p->cell[i];
    struct place place[p->ncells];
    struct about about;
    unsigned long long runs = atomic_load(&c->runs);
    layout(p, place, NULL);
    about_cell(p, c, &about);
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
        .weights = about.weights,
        .weight_bytes = about.weight_bytes,
        .copied_ms = place[i].copied,
        .placed = c->nvariants > 1,
    };
    snprintf(out->name, sizeof out->name, "%s", c->name);
    snprintf(out->device, sizeof out->device, "%s", c->device->info.id);
    snprintf(out->reason, sizeof out->reason, "%s", reason(t, p, c));
    snprintf(out->about, sizeof out->about, "%s", about.text);
    name_chooser(c, p, out->chosen_by, sizeof out->chosen_by);
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

/* ---------------------------------------------------------------- devices */

static void add_up(const struct plan *p, const struct device *d, const struct copies *copies, double step,
                   struct hsgd_plan_device *out)
{
    double cells = 0;
    *out = (struct hsgd_plan_device){ .copies_to = copies->to,
                                      .copies_from = copies->from,
                                      .bytes_to = copies->bytes_to,
                                      .bytes_from = copies->bytes_from,
                                      .to_ms = copies->ms_to,
                                      .from_ms = copies->ms_from };
    for (int i = 0; i < p->ncells; i++) {
        const struct cell *c = &p->cell[i];
        if (c->device != d) continue;
        out->cells++;
        out->rows += c->rows;
        cells += cost_known(&c->variant[0]) ? 1e-3 * cost_us(&c->variant[0]) : NAN;
    }
    out->cells_ms = cells;
    out->waiting_ms = d->info.workers * step - cells - copies->ms_to - copies->ms_from;
    snprintf(out->device, sizeof out->device, "%s", d->info.id);
    snprintf(out->reason, sizeof out->reason, "%s", p->why[d - p->ctx->device]);
}

int hsgd_trainer_plan_device(struct hsgd_trainer *t, int batch, int i, struct hsgd_plan_device *out, size_t size)
{
    struct hsgd_plan_device full;
    struct view v;
    int err = ENTER(t ? t->state.ctx : NULL, t, out);
    if (err) return err;
    struct hsgd_context *ctx = t->state.ctx;
    if (trainer_has_server(t)) return hsgd_fail(ctx, EINVAL, "replicas have no common step");
    if (i < 0 || i >= ctx->ndevices)
        return hsgd_fail(ctx, EINVAL, "the context has devices 0 to %d, not %d", ctx->ndevices - 1, i);
    err = look(t, batch, &v);
    if (err) return err;
    const struct plan *p = v.part[0].plan;
    struct copies copies[MAX_DEVICES];
    struct place place[p->ncells];
    layout(p, place, copies);
    add_up(p, &ctx->device[i], &copies[i], step_ms(t, &v, batch), &full);
    return SIZED_GIVE(ctx, hsgd_plan_device, out, size, &full);
}
