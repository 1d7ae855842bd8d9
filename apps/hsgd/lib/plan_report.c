/* SPDX-License-Identifier: BSD-3-Clause */
/* A plan's report, from a trainer and its trace. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan_report.h"

#define TRACE_CELLS (1 << 16) /* 4 MiB in memory, about 10 MiB as a file */
#define FIRST_STEPS 200
#define STEPS_OF_EPOCH 5

void plan_free(struct plan_report *r)
{
    free(r->device);
    free(r->cell);
    *r = (struct plan_report){ 0 };
}

/* ---------------------------------------------------------------- predict */

static void read_device(struct plan_device *d, const struct session *run, int i)
{
    struct hsgd_device info;
    hsgd_device_get(run->ctx, i, &info, sizeof info);
    d->workers = info.workers;
    snprintf(d->id, sizeof d->id, "%s", info.id);
    snprintf(d->name, sizeof d->name, "%s", info.name);
    snprintf(d->kind, sizeof d->kind, "%s", hsgd_device_kind_name(info.kind));
}

static int faster(const void *a, const void *b)
{
    double x = ((const struct hsgd_candidate *)a)->predicted_ms, y = ((const struct hsgd_candidate *)b)->predicted_ms;
    return (x > y) - (x < y);
}

static int compare_sets(struct plan_report *r, const struct session *run, int batch)
{
    int n = hsgd_trainer_candidates(run->trainer, batch, r->candidate, sizeof *r->candidate, PLAN_CANDIDATES);
    if (n < 0) return library_error(run, n);
    r->ncandidates = n;
    qsort(r->candidate, (size_t)n, sizeof *r->candidate, faster);
    return OK;
}

/* Which cells the plan has, and whether the times of all are known. */
static int read_cells(struct plan_report *r, const struct session *run, int n, bool *known)
{
    int err = 0;
    *known = true;
    r->steps = hsgd_trainer_plan_steps(run->trainer, r->batch, &r->seconds);
    for (; !err && r->ncells < n; r->ncells++) {
        struct plan_cell *c = &r->cell[r->ncells];
        err = hsgd_trainer_plan_cell(run->trainer, r->batch, r->ncells, &c->of, sizeof c->of);
        c->worker = -1;
        c->start_ms = c->end_ms = NAN;
        *known &= c->of.known;
    }
    return err ? library_error(run, err) : OK;
}

static int read_parts(struct plan_report *r, const struct session *run)
{
    for (int i = 0; i < r->ndevices && !plan_of_replicas(r); i++) {
        struct hsgd_plan_device *of = &r->device[i].of;
        int err = hsgd_trainer_plan_device(run->trainer, r->batch, i, of, sizeof *of);
        if (err) return library_error(run, err);
    }
    return OK;
}

int plan_predict(struct plan_report *r, const struct session *run, const char *model, int batch, bool compare)
{
    bool known = false;
    *r = (struct plan_report){ .batch = batch, .measured_step_ms = NAN, .shown_step = -1 };
    snprintf(r->model, sizeof r->model, "%s", model);
    int n = hsgd_trainer_plan(run->trainer, batch);
    if (n < 0) return library_error(run, n);
    r->cell = calloc((size_t)n, sizeof *r->cell);
    r->device = calloc((size_t)hsgd_device_count(run->ctx), sizeof *r->device);
    if (!r->cell || !r->device) return report_error(FAILED, "out of memory for %d cells", n);
    r->ndevices = hsgd_device_count(run->ctx);
    for (int i = 0; i < r->ndevices; i++) read_device(&r->device[i], run, i);
    int code = compare ? compare_sets(r, run, batch) : OK; /* before the figures that its trials say more of */
    if (!code) code = read_cells(r, run, n, &known);
    if (!code) code = read_parts(r, run);
    r->predicted_step_ms = known ? hsgd_trainer_plan_ms(run->trainer, batch) : NAN;
    return code;
}

/* ---------------------------------------------------------------- measure */

/* The mean over the runs since the prediction. */
static void measure_cell(struct hsgd_plan_cell *c, const struct hsgd_plan_cell *now)
{
    unsigned long long before = c->runs;
    double sum = before ? c->measured_ms * (double)before : 0;
    c->runs = now->runs - before;
    c->measured_ms = c->runs ? (now->measured_ms * (double)now->runs - sum) / (double)c->runs : NAN;
}

struct span {
    int64_t step;
    int cells;
    double begin, end;
};

static int by_step(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    return (x->step > y->step) - (x->step < y->step);
}

static int by_length(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    double lx = x->end - x->begin, ly = y->end - y->begin;
    return (lx > ly) - (lx < ly);
}

/* Not of another division before. */
static bool of_plan(const struct plan_report *r, const struct hsgd_trace_event *e)
{
    if (!e->training || e->batch != r->batch || e->cell >= r->ncells || e->device >= r->ndevices) return false;
    const struct hsgd_plan_cell *c = &r->cell[e->cell].of;
    return e->rows == c->rows && (c->placed || !strcmp(r->device[e->device].id, c->device));
}

/* One span per event of this plan, by step. */
static int read_spans(const struct plan_report *r, const struct session *run, struct span *span)
{
    struct hsgd_trace_event e;
    int n = 0;
    for (int64_t i = 0; !hsgd_trace_get(run->ctx, i, &e, sizeof e); i++)
        if (of_plan(r, &e)) span[n++] = (struct span){ e.step, 1, e.begin, e.end };
    qsort(span, (size_t)n, sizeof *span, by_step);
    return n;
}

/* Merges the spans of each step; removes steps that are incomplete. */
static int merge_spans(struct span *span, int n, int ncells)
{
    int steps = 0;
    for (int i = 0, k; i < n; i = k) {
        struct span s = span[i];
        for (k = i + 1; k < n && span[k].step == s.step; k++, s.cells++) {
            s.begin = fmin(s.begin, span[k].begin);
            s.end = fmax(s.end, span[k].end);
        }
        if (s.cells == ncells) span[steps++] = s;
    }
    return steps;
}

static void show_step(struct plan_report *r, const struct session *run, const struct span *shown)
{
    struct hsgd_trace_event e;
    r->shown_step = shown->step;
    for (int64_t i = 0; !hsgd_trace_get(run->ctx, i, &e, sizeof e); i++) {
        if (e.step != shown->step || !of_plan(r, &e)) continue;
        struct plan_cell *c = &r->cell[e.cell];
        c->worker = e.worker;
        c->start_ms = 1e3 * (e.begin - shown->begin);
        c->end_ms = 1e3 * (e.end - shown->begin);
        snprintf(c->of.device, sizeof c->of.device, "%s", r->device[e.device].id); /* it ran there */
    }
}

/* Whether it is still the plan that was predicted.  After repartitioning and
 * back, its cells have fewer runs. */
static bool same_division(const struct plan_report *r, const struct session *run)
{
    struct hsgd_plan_cell now;
    if (hsgd_trainer_plan(run->trainer, r->batch) != r->ncells) return false;
    for (int i = 0; i < r->ncells; i++)
        if (hsgd_trainer_plan_cell(run->trainer, r->batch, i, &now, sizeof now) || now.rows != r->cell[i].of.rows ||
            now.runs < r->cell[i].of.runs || strcmp(now.device, r->cell[i].of.device))
            return false;
    return true;
}

/* Predicts the present plan; all runs of its cells count as measured. */
static int predict_again(struct plan_report *r, const struct session *run)
{
    struct plan_report now;
    int code = plan_predict(&now, run, r->model, r->batch, r->ncandidates > 0);
    for (int i = 0; i < now.ncells; i++) now.cell[i].of.runs = 0;
    now.steps = 0;
    now.seconds = 0;
    plan_free(r);
    *r = now;
    return code;
}

/* The mean over the steps whose cells are measured, so that the times of the
 * devices refer to it; for replicas the value of the caller. */
static double measured_step(const struct plan_report *r, const struct session *run, double step_ms)
{
    double seconds;
    int64_t steps = hsgd_trainer_plan_steps(run->trainer, r->batch, &seconds) - r->steps;
    return steps > 0 ? 1e3 * (seconds - r->seconds) / (double)steps : step_ms;
}

int plan_measure(struct plan_report *r, const struct session *run, double step_ms)
{
    struct hsgd_plan_cell now;
    int64_t events = plan_of_replicas(r) ? 0 : hsgd_trace_count(run->ctx, NULL);
    int code = same_division(r, run) ? OK : predict_again(r, run);
    if (code) return code;
    for (int i = 0; i < r->ncells; i++) {
        int err = hsgd_trainer_plan_cell(run->trainer, r->batch, i, &now, sizeof now);
        if (err) return library_error(run, err);
        measure_cell(&r->cell[i].of, &now);
    }
    r->measured_step_ms = measured_step(r, run, step_ms);
    if (!events) return OK;
    struct span *span = malloc((size_t)events * sizeof *span);
    if (!span) return report_error(FAILED, "out of memory for %lld events", (long long)events);
    int steps = merge_spans(span, read_spans(r, run, span), r->ncells);
    qsort(span, (size_t)steps, sizeof *span, by_length);
    if (steps) show_step(r, run, &span[steps / 2]);
    free(span);
    return OK;
}

/* ----------------------------------------------------------------- totals */

bool plan_of_replicas(const struct plan_report *r) { return r->ncells && r->cell[0].of.replica >= 0; }

struct plan_total plan_total(const struct plan_report *r, int device)
{
    const struct plan_device *d = &r->device[device];
    struct plan_total t = { 0 };
    int replica = -1;
    for (int i = 0; i < r->ncells; i++) {
        const struct hsgd_plan_cell *c = &r->cell[i].of;
        if (strcmp(c->device, d->id)) continue;
        if (c->replica < 0 || (c->rows && c->replica != replica)) t.rows += c->rows;
        if (c->rows) replica = c->replica;
        t.cells++;
        t.predicted_ms += c->known ? c->predicted_ms : NAN;
        t.measured_ms += c->measured_ms;
    }
    t.share = plan_of_replicas(r) ? NAN : (double)t.rows / r->batch;
    t.busy = plan_of_replicas(r) ? NAN : t.measured_ms / (r->measured_step_ms * d->workers);
    t.idle_ms = fmax(0, r->measured_step_ms - t.measured_ms / d->workers);
    if (isnan(t.busy)) t.idle_ms = NAN;
    return t;
}

/* ------------------------------------------------------------------ trace */

int trace_begin(const struct session *run, int64_t steps_per_epoch)
{
    struct hsgd_trace_options o = {
        .size = sizeof o, .capacity = TRACE_CELLS, .first = FIRST_STEPS, .every = steps_per_epoch, .few = STEPS_OF_EPOCH
    };
    int err = hsgd_trace_start(run->ctx, &o);
    return err ? library_error(run, err) : OK;
}

int trace_write(const struct session *run, const char *path)
{
    int err = hsgd_trace_write(run->ctx, path);
    return err ? library_error(run, err) : OK;
}
