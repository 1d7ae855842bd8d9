/* Plans as the public interface shows them. */
#include <math.h>
#include <stdio.h>

#include <hsgd/plan.h>

#include "cost.h"
#include "trainer.h"

static struct plan *training_plan(struct hsgd_trainer *t, int batch, int *err)
{
    *err = batch < 1 ? hsgd_fail(t->state.ctx, EINVAL, "a batch needs at least 1 sample, not %d", batch) : 0;
    struct plan *p = *err ? NULL : trainer_plan(t, PLAN_TRAIN, batch);
    if (!p && !*err) *err = -EIO;
    return p;
}

int hsgd_trainer_plan(struct hsgd_trainer *t, int batch)
{
    int err;
    struct plan *p = training_plan(t, batch, &err);
    return p ? p->ncells : err;
}

int hsgd_trainer_plan_cell(struct hsgd_trainer *t, int batch, int i, struct hsgd_plan_cell *out)
{
    int err;
    struct plan *p = training_plan(t, batch, &err);
    if (!p) return err;
    if (i < 0 || i >= p->ncells)
        return hsgd_fail(p->ctx, EINVAL, "the plan has cells 0 to %d, not %d", p->ncells - 1, i);
    const struct cell *c = &p->cell[i];
    unsigned long long runs = atomic_load(&c->runs);
    *out = (struct hsgd_plan_cell){
        .rows = c->rows, .known = cost_known(&c->variant[0]), .predicted_ms = 1e-3 * cost_us(&c->variant[0]), .runs = runs,
        .measured_ms = runs ? 1e-6 * (double)atomic_load(&c->busy_ns) / (double)runs : NAN,
        .launches = c->variant[0].program.n, .accesses = c->naccesses,
    };
    snprintf(out->name, sizeof out->name, "%s", c->name);
    snprintf(out->device, sizeof out->device, "%s", c->device->info.id);
    return 0;
}

/* ------------------------------------------------------------ prediction */

/* When the cells before i that it must wait for are done. */
static double ready_at(const struct plan *p, int i, const double *end)
{
    double t = 0;
    for (int k = 0; k < i; k++)
        if (end[k] > t && plan_conflict(&p->cell[i], &p->cell[k])) t = end[k];
    return t;
}

double hsgd_trainer_plan_ms(struct hsgd_trainer *t, int batch)
{
    int err;
    struct plan *p = training_plan(t, batch, &err);
    if (!p) return NAN;
    double worker_end[STARPU_NMAXWORKERS] = { 0 }, end[p->ncells], last = 0;
    for (int i = 0; i < p->ncells; i++) {
        const struct device *d = p->cell[i].device;
        int first = d->worker[0];
        for (int w = 1; w < d->info.workers; w++)
            if (worker_end[d->worker[w]] < worker_end[first]) first = d->worker[w];
        end[i] = fmax(ready_at(p, i, end), worker_end[first]) + 1e-3 * cost_us(&p->cell[i].variant[0]);
        worker_end[first] = end[i];
        last = fmax(last, end[i]);
    }
    return last;
}
