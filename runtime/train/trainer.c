/* SPDX-License-Identifier: BSD-3-Clause */
#include "trainer.h"

#include <stdlib.h>
#include <string.h>

#include "async.h"
#include "checkpoint.h"
#include "groups.h"
#include "drift.h"
#include "ema.h"
#include "model/metrics.h"
#include "model/sizes.h"
#include "recover.h"
#include "schedule.h"
#include "base/sized.h"
#include "slices.h"

static const struct hsgd_train_options defaults = {
    .batch_size = 128,
    .epochs = 5,
    .optimizer = HSGD_ADAM,
    .learning_rate = 1e-3f,
    .momentum = 0.9f,
    .beta1 = 0.9f,
    .beta2 = 0.999f,
    .epsilon = 1e-8f,
    .schedule = HSGD_CONSTANT,
    .step_size = 1000,
    .step_gamma = 0.1f,
    .moving_rate = 0.9f,
    .rate_ramp = 10,
    .executor = HSGD_REPLAY,
    .checkpoint_hist = 3,
    .alpha = 0.99f,
    .power = 1,
    .pct_start = 0.3f,
    .div_factor = 25,
    .final_div_factor = 1e4f,
    .rate_threshold = 1e-4f,
    .rate_patience = 10,
};

int hsgd_train_defaults(struct hsgd_train_options *o, size_t size)
{
    return SIZED_GIVE(NULL, hsgd_train_options, o, size, &defaults);
}

/* ------------------------------------------------------------- checking */

#define MAX_ACCUMULATE 1024

struct range {
    const char *field;
    double value, low, high;
};

static int check_options(struct hsgd_context *ctx, const struct hsgd_train_options *o)
{
    bool cycles = o->schedule == HSGD_ONE_CYCLE;
    const struct range ranges[] = {
        { "batch_size", o->batch_size, 1, MAX_BATCH },
        { "epochs", o->epochs, 0, 1e9 },
        { "steps", (double)o->steps, 0, 1e15 },
        { "optimizer", o->optimizer, 0, HSGD_OPTIMIZERS - 1 },
        { "learning_rate", o->learning_rate, 0, 1e6 },
        { "momentum", o->momentum, 0, 1 },
        { "beta1", o->beta1, 0, 0.9999999 },
        { "beta2", o->beta2, 0, 0.9999999 },
        { "epsilon", o->epsilon, 0, 1 },
        { "weight_decay", o->weight_decay, 0, 1e6 },
        { "label_smoothing", o->label_smoothing, 0, 0.999 },
        { "clip_norm", o->clip_norm, 0, 1e30 },
        { "schedule", o->schedule, 0, HSGD_SCHEDULES - 1 },
        { "warmup_steps", (double)o->warmup_steps, 0, 1e15 },
        { "step_size", (double)o->step_size, 1, 1e15 },
        { "step_gamma", o->step_gamma, 0, 1 },
        { "min_learning_rate", o->min_learning_rate, 0, 1e6 },
        { "algorithm", o->algorithm, 0, HSGD_ALGORITHMS - 1 },
        { "local_steps", o->local_steps, 0, WINDOW_STEPS },
        { "staleness", o->staleness, 0, 1e6 },
        { "moving_rate", o->moving_rate, 0, 1 },
        { "min_batch", o->min_batch, 0, MAX_BATCH },
        { "max_batch", o->max_batch, 0, MAX_BATCH },
        { "rate_scaling", o->rate_scaling, 0, HSGD_RATE_SCALINGS - 1 },
        { "rate_ramp", o->rate_ramp, 0, 1e9 },
        { "min_share", o->min_share, 0, 1 },
        { "executor", o->executor, 0, HSGD_INSERT },
        { "patience", o->patience, 0, 1e9 },
        { "target_accuracy", o->target_accuracy, 0, 1 },
        { "time_limit", o->time_limit, 0, 1e9 },
        { "checkpoint_every", (double)o->checkpoint_every, 0, 1e15 },
        { "checkpoint_hist", o->checkpoint_hist, 1, 1e6 },
        { "alpha", o->alpha, 0, 0.9999999 },
        { "accumulate", o->accumulate, 0, MAX_ACCUMULATE },
        { "ema_decay", o->ema_decay, 0, 0.999999 },
        { "slices", o->slices, 0, MAX_SLICES },
        { "power", o->power, 0, 100 },
        { "pct_start", o->pct_start, 0, 1 },
        { "div_factor", o->div_factor, cycles ? 1 : 0, 1e9 },
        { "final_div_factor", o->final_div_factor, cycles ? 1 : 0, 1e9 },
        { "rate_threshold", o->rate_threshold, 0, 1 },
        { "rate_patience", o->rate_patience, 0, 1e9 },
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (!(ranges[i].value >= ranges[i].low && ranges[i].value <= ranges[i].high))
            return hsgd_fail(ctx, EINVAL, "%s must be from %g to %g, not %g", ranges[i].field, ranges[i].low,
                             ranges[i].high, ranges[i].value);
    if (cycles && o->warmup_steps)
        return hsgd_fail(ctx, EINVAL, "warmup_steps %lld is incompatible with schedule \"%s\"",
                         (long long)o->warmup_steps, hsgd_schedule_name(o->schedule));
    return 0;
}

/* The attribute of a loss that the option replaces; NULL: it has none. */
static float *smoothing_of(const struct node *loss)
{
    for (const struct hsgd_attribute *f = loss->op->fields; f && f->name; f++)
        if (!strcmp(f->name, "label_smoothing")) return (float *)((char *)loss->attributes + f->offset);
    return NULL;
}

static int smooth_labels(struct hsgd_model *m, float smoothing)
{
    if (smoothing == 0 || !m->finished) return 0;
    const struct node *loss = &m->node[m->loss];
    float *attribute = smoothing_of(loss);
    if (!attribute)
        return hsgd_fail(m->ctx, EINVAL, "label_smoothing %g: the loss of model \"%s\", %s, has none",
                         (double)smoothing, m->name, loss->op->name);
    *attribute = smoothing;
    return 0;
}

/* What replicas do not do. */
static int check_server(const struct hsgd_model *m, const struct hsgd_train_options *o)
{
    const char *name = hsgd_algorithm_name(o->algorithm);
    if (!algorithm_has_server(algorithm_row(o->algorithm))) return 0;
    if (o->accumulate > 1)
        return hsgd_fail(m->ctx, EINVAL, "accumulate %d is incompatible with algorithm \"%s\"", o->accumulate, name);
    if (o->ema_decay > 0)
        return hsgd_fail(m->ctx, EINVAL, "ema_decay %g is incompatible with algorithm \"%s\"", (double)o->ema_decay,
                         name);
    if (o->slices) return hsgd_fail(m->ctx, EINVAL, "slices %d is incompatible with algorithm \"%s\"", o->slices, name);
    return 0;
}

static int choose_best(struct hsgd_trainer *t)
{
    const struct hsgd_model *m = t->state.store.model;
    const char *name = t->state.options.best;
    char names[400] = "";
    t->best = metric_find(m, name ? name : "accuracy");
    if (t->best < 0 && !name) t->best = 0;
    if (t->best >= 0) return 0;
    for (int i = 0; i < m->nmetrics; i++)
        snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", i ? ", " : "", m->metric[i].name);
    return hsgd_fail(m->ctx, EINVAL, "best is \"%s\", which model \"%s\" does not measure; it has %s", name, m->name,
                     names);
}

/* HSGD_SLICES, where steps are exact and the program has no wish. */
static int take_slices(struct hsgd_context *ctx, struct hsgd_train_options *o)
{
    const char *text = getenv("HSGD_SLICES");
    char *end;
    if (text && !o->slices && !algorithm_has_server(algorithm_row(o->algorithm))) {
        long n = strtol(text, &end, 10);
        if (end == text || *end || n < 0 || n > MAX_SLICES)
            return hsgd_fail(ctx, EINVAL, "HSGD_SLICES is \"%s\", not an integer from 0 to %d", text, MAX_SLICES);
        o->slices = (int)n;
    }
    if (o->slices && ctx->deterministic && ctx->ndevices > 1)
        return hsgd_fail(ctx, EINVAL,
                         "slices %d is not deterministic: the device that computes a slice rounds its sums", o->slices);
    return 0;
}

/* The options of a program, which may be shorter or longer, in full. */
static int take_options(const struct hsgd_model *m, const struct hsgd_train_options *given,
                        struct hsgd_train_options *o, struct hsgd_augment_options *augment)
{
    struct hsgd_context *ctx = m->ctx;
    int err = ENTER(ctx, ctx);
    if (!err && !ctx->ndevices)
        err = hsgd_fail(ctx, EINVAL, "a trainer needs a device, and the context was created with devices \"none\"");
    if (!err && m->finished && m->loss < 0) err = hsgd_fail(ctx, EINVAL, "model \"%s\" has no loss", m->name);
    if (!err) err = SIZED_TAKE(ctx, hsgd_train_options, o, given);
    if (!err) err = SIZED_TAKE(ctx, hsgd_augment_options, augment, o->augment);
    if (!err) err = check_options(ctx, o);
    if (!err) err = take_slices(ctx, o);
    if (!err) err = check_server(m, o);
    if (!err) err = groups_check(m, o);
    if (!err) err = async_check(ctx, o);
    if (!err) err = augment_check(ctx, augment, m->in);
    o->augment = augment;
    return err ? err : groups_copy(ctx, o);
}

static int open_window(struct hsgd_trainer *t)
{
    t->window = malloc(sizeof *t->window * WINDOW_STEPS * (size_t)t->state.store.model->nsums);
    return t->window ? 0 : hsgd_fail(t->state.ctx, ENOMEM, "out of memory");
}

struct hsgd_trainer *hsgd_trainer_create(struct hsgd_model *model, const struct hsgd_train_options *options)
{
    struct hsgd_train_options o = defaults;
    struct hsgd_augment_options augment = { 0 };
    if (!model || take_options(model, options, &o, &augment)) return NULL;
    struct hsgd_trainer *t = calloc(1, sizeof *t);
    if (!t) hsgd_fail(model->ctx, ENOMEM, "out of memory");
    if (!t || trainer_state_open(&t->state, model, &o)) {
        groups_free(&o);
        free(t);
        return NULL;
    }
    t->planned_steps = o.steps;
    t->augment.how = augment;
    t->state.options.augment = &t->augment.how;
    if (open_window(t) || choose_best(t) || trainer_open_augment(t) || smooth_labels(model, o.label_smoothing))
        hsgd_trainer_destroy(&t);
    return t;
}

void hsgd_trainer_destroy(struct hsgd_trainer **pt)
{
    struct hsgd_trainer *t = pt ? *pt : NULL;
    if (!t) return;
    if (context_is_orphan(t->state.ctx)) {
        *pt = NULL; /* a copy, whose threads are not there to be waited for */
        return;
    }
    checkpoint_close(t);
    async_close(t);
    session_close(&t->session);
    trainer_state_close(&t->state);
    groups_free(&t->state.options);
    free(t->augment.room);
    free(t->window);
    hsgd_record_destroy(&t->record);
    hsgd_normalisation_destroy(&t->norm);
    for (int i = 0; i < MAX_MODEL_FIELDS; i++) hsgd_normalisation_destroy(&t->field_norm[i]);
    free(t);
    *pt = NULL;
}

/* ---------------------------------------------------------------- plans */

static struct plan *plan_for(struct trainer_state *s, enum plan_mode mode, const struct division *d)
{
    struct plan *p = trainer_state_plan(s, (struct plan_spec){ .mode = mode, .n = d->n, .slice = d->slice });
    if (p) memcpy(p->why, d->why, sizeof p->why);
    return p;
}

static int new_plan(struct trainer_state *s, enum plan_mode mode, int batch, struct plan **out)
{
    struct division d;
    int err = slices_choose(s, batch, mode, &d);
    *out = err ? NULL : plan_for(s, mode, &d);
    return err || *out ? err : -EIO;
}

/* Puts a plan of another division in the place of p. */
static int repartition(struct trainer_state *s, struct plan *p)
{
    struct division d;
    slices_solve(s, p->batch, &d);
    context_begin(s->ctx);
    struct plan *better = plan_for(s, PLAN_TRAIN, &d);
    if (better) {
        plan_cache_replace(&s->plans, p, better);
        trainer_state_send_eagerly(s, NULL);
    }
    context_end(s->ctx);
    return better ? 0 : -EIO;
}

int trainer_plan(struct hsgd_trainer *t, enum plan_mode mode, int batch, struct plan **out)
{
    struct trainer_state *s = &t->state;
    struct plan *p = plan_cache_find(&s->plans, s->store.sized, mode, batch, 0);
    int err = p ? 0 : sizes_require(s->store.sized, ~0u);
    if (!p && !err) {
        context_begin(s->ctx);
        err = new_plan(s, mode, batch, &p);
        if (p && !(p = trainer_state_keep(s, p))) err = -ENOMEM;
        context_end(s->ctx);
    }
    if (out) *out = p;
    return err;
}

bool trainer_has_server(const struct hsgd_trainer *t)
{
    return algorithm_has_server(algorithm_row(t->state.options.algorithm));
}

/* -------------------------------------------------------------- windows */

static void fill_step_table(struct hsgd_trainer *t, int batch, int steps)
{
    struct trainer_state *s = &t->state;
    const struct hsgd_train_options *o = &s->options;
    buffer_acquire(s->ctx, &s->store.step, BUFFER_WRITE);
    for (int i = 0; i < steps; i++) {
        float *row = (float *)s->store.step.memory + (size_t)i * HSGD_STEP_WORDS;
        struct schedule_step step = { schedule_rate(o, &t->at.plateau, t->at.step + i, t->planned_steps),
                                      t->at.updates + i + 1, loss_scale(s->store.sized, batch), t->at.step + i, 0 };
        schedule_fill(o, &step, row);
    }
    buffer_release(&s->store.step);
}

void trainer_read_sums(struct store *s, int first, int steps, double *out)
{
    buffer_acquire(s->ctx, &s->metrics, BUFFER_READ);
    const float *from = (const float *)s->metrics.memory + (size_t)first * (size_t)s->model->nsums;
    for (int i = 0; i < steps * s->model->nsums; i++) out[i] = (double)from[i];
    buffer_release(&s->metrics);
}

/* Divides the batch anew where drift was found before `step`. */
static int correct(struct hsgd_trainer *t, int64_t step, int batch)
{
    struct trainer_state *s = &t->state;
    if (!drift_correct(s, step)) return 0;
    struct plan *p;
    int err = trainer_plan(t, PLAN_TRAIN, batch, &p);
    return err ? err : repartition(s, p);
}

/* Runs steps of a window from *done on, until they are done or the batch is
 * divided anew. */
static int run_steps(struct hsgd_trainer *t, enum plan_mode mode, int batch, int steps,
                     const struct batch_source *source, int *done)
{
    struct trainer_state *s = &t->state;
    struct plan *p;
    int err = trainer_plan(t, mode, batch, &p);
    if (err) return err;
    drift_watch(s, p);
    struct span span = { *done, steps, drift_enough, s };
    err = plan_run(p, &span, s->options.executor, source);
    *done = span.end;
    if (err && recover(s, p, t->at.step + *done)) return 0;
    return err ? err : correct(t, t->at.step + *done, batch);
}

int trainer_window(struct hsgd_trainer *t, enum plan_mode mode, int batch, int steps, const struct batch_source *source,
                   double *sums)
{
    struct trainer_state *s = &t->state;
    int err = 0;
    s->store.first_step = t->at.step;
    if (mode == PLAN_TRAIN) ema_begin(t);
    if (mode == PLAN_TRAIN && drift_probe(s, batch)) err = correct(t, t->at.step, batch);
    fill_step_table(t, batch, steps);
    for (int done = 0; !err && done < steps;) err = run_steps(t, mode, batch, steps, source, &done);
    if (!err) trainer_read_sums(&s->store, 0, steps, sums);
    if (err || mode != PLAN_TRAIN) return err;
    t->at.step += steps;
    t->at.updates += steps;
    return 0;
}
