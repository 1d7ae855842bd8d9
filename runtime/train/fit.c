/* SPDX-License-Identifier: BSD-3-Clause */
/* Training over a data set. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <hsgd/plan.h>

#include "async.h"
#include "checkpoint.h"
#include "data/lengths.h"
#include "fit.h"
#include "model/metrics.h"
#include "pass.h"
#include "schedule.h"
#include "base/sized.h"

struct timed_steps {
    double seconds; /* of one of them */
    int steps;
};

struct fit {
    struct hsgd_trainer *t;
    const struct hsgd_data *train, *validation;
    struct hsgd_fit_result *result;
    int64_t *order, total;
    struct timed_steps *timed; /* per window */
    int windows, window_capacity;
    bool stop, cut; /* the progress function said so; the last epoch is not whole */
};

static const struct hsgd_model *model_of(const struct fit *f) { return f->t->state.store.model; }

/* ------------------------------------------------------------ reasons to end */

static bool out_of_patience(const struct fit *f)
{
    int patience = f->t->state.options.patience;
    return patience && f->t->at.worse >= patience;
}

static bool out_of_time(const struct fit *f)
{
    double limit = f->t->state.options.time_limit;
    return limit > 0 && f->result->seconds >= limit;
}

static bool on_target(const struct fit *f)
{
    double target = f->t->state.options.target_accuracy;
    return target > 0 && metric_named(model_of(f), f->t->at.validation, "accuracy") >= target;
}

static bool all_done(const struct fit *f) { return f->t->at.step >= f->total && !f->t->at.samples; }

static bool finished(const struct fit *f)
{
    return all_done(f) || out_of_patience(f) || out_of_time(f) || on_target(f);
}

static enum hsgd_fit_end end_of(const struct fit *f)
{
    return f->stop              ? HSGD_FIT_STOPPED
           : on_target(f)       ? HSGD_FIT_TARGET
           : all_done(f)        ? HSGD_FIT_DONE
           : out_of_patience(f) ? HSGD_FIT_PATIENCE
                                : HSGD_FIT_TIME;
}

/* ---------------------------------------------------------------- windows */

static int note_losses(struct fit *f, const double *sums, int steps)
{
    const struct hsgd_model *m = model_of(f);
    struct position *at = &f->t->at;
    for (int i = 0; i < steps; i++, sums += m->nsums) {
        double loss = metric_value(m, 0, sums);
        if (!isfinite(loss) && sums_have_terms(m, sums))
            return hsgd_fail(f->t->state.ctx, EDOM, "the loss of step %lld is not finite",
                             (long long)(at->step - steps + i + 1));
        for (int k = 0; k < m->nsums; k++) at->sums[k] += sums[k];
        if (f->result->losses < HSGD_KEPT_LOSSES) f->result->loss[f->result->losses++] = loss;
    }
    return 0;
}

static int note_time(struct fit *f, double seconds, int steps)
{
    if (f->windows == f->window_capacity) {
        int capacity = f->window_capacity ? 2 * f->window_capacity : 64;
        struct timed_steps *bigger = realloc(f->timed, (size_t)capacity * sizeof *bigger);
        if (!bigger) return hsgd_fail(f->t->state.ctx, ENOMEM, "out of memory");
        f->timed = bigger;
        f->window_capacity = capacity;
    }
    f->timed[f->windows++] = (struct timed_steps){ seconds / steps, steps };
    f->result->seconds += seconds;
    return 0;
}

static void tell(struct fit *f, bool epoch_end)
{
    const struct hsgd_train_options *o = &f->t->state.options;
    const struct position *at = &f->t->at;
    const struct hsgd_model *m = model_of(f);
    struct hsgd_fit_result *r = f->result;
    double running[MAX_METRICS], none[MAX_METRICS];
    if (!o->progress || f->stop) return;
    metric_values(m, at->sums, running);
    for (int i = 0; i < m->nmetrics; i++) none[i] = NAN;
    const double *train = epoch_end ? at->train : running, *validation = epoch_end ? at->validation : none;
    struct hsgd_progress p = {
        .size = sizeof p,
        .epoch = (int)at->epoch + (!epoch_end || f->cut),
        .epochs = o->epochs,
        .step = at->step,
        .steps = f->total,
        .loss = train[0],
        .samples_per_second = (double)r->samples / r->seconds,
        .seconds = r->seconds,
        .learning_rate = schedule_rate(o, &at->plateau, at->step - 1, f->total),
        .epoch_end = epoch_end,
        .train_accuracy = metric_named(m, train, "accuracy"),
        .validation_loss = validation[0],
        .validation_accuracy = metric_named(m, validation, "accuracy"),
        .metrics = m->nmetrics,
        .train = train,
        .validation = validation,
    };
    if (!o->progress(o->progress_user, &p)) f->stop = true;
}

static int note_steps(struct fit *f, const double *sums, int steps, int batch, double seconds)
{
    struct position *at = &f->t->at;
    int64_t n = hsgd_data_count(f->train), before = at->samples;
    int err = note_losses(f, sums, steps);
    if (!err) err = note_time(f, seconds, steps);
    if (err) return err;
    if (batch == f->t->state.options.batch_size) f->t->step_seconds = seconds / steps;
    at->samples += (int64_t)steps * batch;
    if (at->samples > n) at->samples = n; /* the last batch of a run of replicas */
    f->result->samples += at->samples - before;
    f->t->unsaved = true;
    tell(f, false);
    return 0;
}

static int train_window(struct fit *f, struct pass *p, int steps)
{
    double *sums = f->t->window;
    struct batch_source source = pass_source(p);
    int err = trainer_plan(f->t, PLAN_TRAIN, p->batch, NULL);
    if (err) return err;
    uint64_t began = monotonic_ns();
    err = trainer_window(f->t, PLAN_TRAIN, p->batch, steps, &source, sums);
    return err ? err : note_steps(f, sums, steps, p->batch, 1e-9 * (double)(monotonic_ns() - began));
}

/* ---------------------------------------------------------------- replicas */

struct replica_run {
    struct fit *fit;
    int batch, err;
};

static bool hear(void *user, const double *sums, int batches, double seconds)
{
    struct replica_run *r = user;
    if (!r->err) r->err = note_steps(r->fit, sums, batches, r->batch, seconds);
    return !r->err && !r->fit->stop && !out_of_time(r->fit) && !checkpoint_is_due(r->fit->t);
}

/* Replicas go on until there is something to do that needs them all to stop. */
static int train_replicas(struct fit *f, struct pass *p, int64_t steps)
{
    struct replica_run r = { f, p->batch, 0 };
    struct batch_source source = pass_source(p);
    struct async_listener listener = { hear, &r };
    int64_t left = hsgd_data_count(f->train) - p->at, n = steps * p->batch;
    int err = async_run(f->t, p->batch, n < left ? n : left, &source, &listener);
    return err ? err : r.err;
}

/* ----------------------------------------------------------------- epochs */

/* Steps that can be done before the epoch, the training or the distance
 * between two checkpoints ends. */
static int64_t steps_ahead(const struct fit *f, int64_t full)
{
    const struct hsgd_train_options *o = &f->t->state.options;
    int64_t step = f->t->at.step, steps = full ? full : 1;
    if (steps > f->total - step) steps = f->total - step;
    if (o->checkpoints && o->checkpoint_every && steps > o->checkpoint_every - step % o->checkpoint_every)
        steps = o->checkpoint_every - step % o->checkpoint_every;
    return steps;
}

/* Nothing but a checkpoint keeps the epoch from going on. */
static bool epoch_goes_on(const struct fit *f)
{
    const struct position *at = &f->t->at;
    return at->samples < hsgd_data_count(f->train) && at->step < f->total && !f->stop && !out_of_time(f);
}

/* The order of the epoch, a pure function of seed and epoch. */
static int order_epoch(const struct fit *f, int64_t n, int batch)
{
    struct hsgd_trainer *t = f->t;
    pass_shuffle(f->order, n, t->state.options.seed, t->at.epoch);
    t->augment.key = augment_key(t->state.options.seed, t->at.epoch);
    return pass_has_lengths(model_of(f), f->train) ? lengths_arrange(t->state.ctx, f->train, f->order, n, batch) : 0;
}

static int train_epoch(struct fit *f)
{
    struct hsgd_trainer *t = f->t;
    int64_t n = hsgd_data_count(f->train);
    int batch = t->state.options.batch_size;
    if (batch > n) batch = (int)n;
    int err = order_epoch(f, n, batch);
    bool by_replicas = trainer_has_server(t);
    if (!err && !t->step_seconds && !by_replicas && !pass_has_lengths(model_of(f), f->train)) {
        err = trainer_plan(t, PLAN_TRAIN, batch, NULL);
        if (!err) t->step_seconds = 1e-3 * hsgd_trainer_plan_ms(t, batch);
    }
    while (!err && epoch_goes_on(f)) {
        int64_t left = n - t->at.samples, full = left / batch;
        struct pass p = { .data = f->train,
                          .order = f->order,
                          .at = t->at.samples,
                          .batch = full || by_replicas ? batch : (int)left,
                          .augment = t->augment.room ? &t->augment : NULL };
        pass_bind(&p, t);
        int64_t steps = steps_ahead(f, by_replicas ? (left + batch - 1) / batch : full);
        err = pass_take_run(&p, t, &steps, trainer_set_types);
        if (!err)
            err = by_replicas ? train_replicas(f, &p, steps) : train_window(f, &p, pass_window(steps, t->step_seconds));
        if (!err && epoch_goes_on(f)) err = checkpoint_in_epoch(t);
    }
    return err;
}

/* By the figure that the options name; of equal ones the loss decides. */
static bool is_better(const struct fit *f)
{
    const struct position *at = &f->t->at;
    int i = f->t->best;
    double now = at->validation[i], best = at->best[i];
    if (!at->best_step || isnan(best)) return true;
    if (now == best) return at->validation[0] < at->best[0];
    return metric_less_is_better(model_of(f), i) ? now < best : now > best;
}

/* Returns whether the epoch that ended is the best so far. */
static bool note_best(const struct fit *f)
{
    struct position *at = &f->t->at;
    if (!is_better(f)) {
        at->worse++;
        return false;
    }
    at->best_step = at->step;
    memcpy(at->best, at->validation, sizeof at->best);
    at->worse = 0;
    return true;
}

/* What the epoch has come to, whole or not. */
static int measure_epoch(struct fit *f)
{
    struct position *at = &f->t->at;
    double figure[MAX_METRICS];
    for (int i = 0; i < MAX_METRICS; i++) figure[i] = NAN;
    int err = f->validation ? pass_evaluate(f->t, f->validation, figure) : 0;
    if (err == -EINTR) {
        f->stop = true;
        return 0;
    }
    if (!err && f->validation && !isfinite(figure[0]))
        err =
            hsgd_fail(f->t->state.ctx, EDOM, "the validation loss after step %lld is not finite", (long long)at->step);
    if (err) return err;
    metric_values(model_of(f), at->sums, at->train);
    memcpy(at->validation, figure, sizeof figure);
    f->t->unsaved = true;
    return 0;
}

static int end_epoch(struct fit *f)
{
    struct position *at = &f->t->at;
    int err = measure_epoch(f);
    if (err || f->stop) return err;
    memset(at->sums, 0, sizeof at->sums);
    at->samples = 0;
    at->epoch++;
    bool best = f->validation && note_best(f);
    tell(f, true);
    schedule_note_epoch(&f->t->state.options, &at->plateau, f->validation ? at->validation[0] : at->train[0]);
    return checkpoint_after_epoch(f->t, best);
}

/* The position stays within the epoch, for who goes on from the checkpoint. */
static int cut_epoch(struct fit *f)
{
    int err = measure_epoch(f);
    if (err || f->stop) return err;
    f->cut = true;
    tell(f, true);
    return 0;
}

static bool is_whole(const struct fit *f)
{
    const struct position *at = &f->t->at;
    return at->samples >= hsgd_data_count(f->train) || at->step >= f->total;
}

/* ---------------------------------------------------------------- the run */

static int run(struct fit *f)
{
    int err = 0;
    while (!err && !f->stop && !finished(f)) {
        err = train_epoch(f);
        if (!err && !f->stop) err = is_whole(f) ? end_epoch(f) : cut_epoch(f);
    }
    return err;
}

static int ascending(const void *a, const void *b)
{
    double x = ((const struct timed_steps *)a)->seconds, y = ((const struct timed_steps *)b)->seconds;
    return (x > y) - (x < y);
}

/* Over steps, each of which took what its window took on average: a window of
 * one short batch counts as one step beside another's 85. */
static double median_step(struct timed_steps *timed, int windows)
{
    int64_t steps = 0, passed = 0;
    int i = 0;
    for (int k = 0; k < windows; k++) steps += timed[k].steps;
    qsort(timed, (size_t)windows, sizeof *timed, ascending);
    while (2 * (passed += timed[i].steps) < steps) i++;
    return timed[i].seconds;
}

/* Of an epoch that was stopped, the mean so far. */
static void conclude(struct fit *f)
{
    struct hsgd_fit_result *r = f->result;
    const struct position *at = &f->t->at;
    const struct hsgd_model *m = model_of(f);
    bool partial = at->samples > 0, validated = at->epoch || f->cut;
    async_report(f->t, r);
    r->end = end_of(f);
    r->epochs = (int)at->epoch + partial;
    r->steps = at->step;
    r->metrics = m->nmetrics;
    for (int i = 0; i < m->nmetrics; i++) {
        r->train[i] = partial ? metric_value(m, i, at->sums) : at->epoch ? at->train[i] : NAN;
        r->validation[i] = validated ? at->validation[i] : NAN;
        r->best[i] = at->best_step ? at->best[i] : NAN;
    }
    r->train_loss = r->train[0];
    r->train_accuracy = metric_named(m, r->train, "accuracy");
    r->validation_loss = r->validation[0];
    r->validation_accuracy = metric_named(m, r->validation, "accuracy");
    r->best_step = at->best_step;
    r->best_loss = r->best[0];
    r->best_accuracy = metric_named(m, r->best, "accuracy");
    if (f->windows) r->step_seconds_median = median_step(f->timed, f->windows);
}

int hsgd_fit(struct hsgd_trainer *t, const struct hsgd_data *train, const struct hsgd_data *validation,
             struct hsgd_fit_result *result, size_t size)
{
    struct hsgd_fit_result full = { .validation_loss = NAN, .validation_accuracy = NAN };
    int err = ENTER(t ? t->state.ctx : NULL, t, train);
    if (err) return err;
    const struct hsgd_train_options *o = &t->state.options;
    int64_t n = hsgd_data_count(train), per_epoch = (n + o->batch_size - 1) / o->batch_size;
    struct fit f = { .t = t,
                     .train = train,
                     .validation = validation,
                     .result = &full,
                     .total = o->steps ? o->steps : per_epoch * o->epochs };
    err = fit_check(t, train, validation);
    if (!err && result) err = SIZED_GIVE(t->state.ctx, hsgd_fit_result, result, size, &full);
    if (err) return err;
    f.order = malloc((size_t)n * sizeof *f.order);
    if (!f.order) return hsgd_fail(t->state.ctx, ENOMEM, "out of memory");
    t->planned_steps = f.total;
    err = fit_adopt(t, train);
    if (!err && o->checkpoints) err = checkpoint_open(t, o->checkpoints);
    if (!err) err = run(&f);
    err = checkpoint_finish(t, err);
    conclude(&f);
    if (result) SIZED_GIVE(t->state.ctx, hsgd_fit_result, result, size, &full);
    free(f.order);
    free(f.timed);
    return err;
}
