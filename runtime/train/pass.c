/* SPDX-License-Identifier: BSD-3-Clause */
#include "pass.h"

#include <math.h>
#include <stdlib.h>

#include "data/record.h"
#include "rng.h"

static void fill(void *user, int step, int first_row, int rows, void *const *field)
{
    const struct pass *p = user;
    const int64_t *index = p->order + p->at + (int64_t)step * p->batch + first_row;
    if (p->augment) augment_gather(p->augment, p->data, index, rows, p->norm, field[0], field[1]);
    else hsgd_data_gather(p->data, index, rows, p->norm, field[0], field[1]);
}

struct batch_source pass_source(struct pass *p) { return (struct batch_source){ fill, p }; }

/* Fisher-Yates with counter-based numbers. */
void pass_shuffle(int64_t *order, int64_t n, uint64_t seed, int64_t epoch)
{
    uint64_t key = hsgd_random(seed, 0x0ddba11ull + (uint64_t)epoch);
    for (int64_t i = 0; i < n; i++) order[i] = i;
    for (int64_t i = n - 1; i > 0; i--) {
        int64_t k = (int64_t)(hsgd_random(key, (uint64_t)i) % (uint64_t)(i + 1)), swap = order[i];
        order[i] = order[k];
        order[k] = swap;
    }
}

int pass_window(int64_t most, double step_seconds)
{
    int64_t steps = most < WINDOW_STEPS ? most : WINDOW_STEPS;
    if (step_seconds * (double)steps > WINDOW_SECONDS) steps = (int64_t)(WINDOW_SECONDS / step_seconds);
    return steps < 1 ? 1 : (int)steps;
}

int pass_check(const struct hsgd_trainer *t, const struct hsgd_data *d)
{
    const struct hsgd_model *m = t->state.store.model;
    struct hsgd_shape s = hsgd_data_shape(d);
    int outputs = hsgd_model_outputs(m), err = ENTER(m->ctx, d);
    if (err) return err;
    if (s.h != m->in.h || s.w != m->in.w || s.c != m->in.c)
        return hsgd_fail(m->ctx, EINVAL, "data \"%s\" has samples of %dx%dx%d, model \"%s\" takes %dx%dx%d",
                         hsgd_data_name(d), s.h, s.w, s.c, m->name, m->in.h, m->in.w, m->in.c);
    if (d->x.type.dtype != HSGD_F32 || !data_labels(d))
        return hsgd_fail(m->ctx, EINVAL, "data \"%s\" has no %s, model \"%s\" needs them", hsgd_data_name(d),
                         data_labels(d) ? "samples of 32-bit floats" : "labels (one integer, \"label\")", m->name);
    if (hsgd_data_classes(d) > outputs)
        return hsgd_fail(m->ctx, EINVAL, "data \"%s\" has %d classes, model \"%s\" has %d outputs", hsgd_data_name(d),
                         hsgd_data_classes(d), m->name, outputs);
    return 0;
}

/* --------------------------------------------------------------- evaluate */

struct evaluation {
    struct hsgd_trainer *t;
    struct pass pass;
    int64_t count;
    double step_seconds; /* of the last window; at first, what a step of training takes */
    struct batch_metrics sum;
};

static int evaluate_window(struct evaluation *e)
{
    struct batch_metrics m[WINDOW_STEPS];
    struct pass *p = &e->pass;
    int64_t left = e->count - p->at;
    if (p->batch > left) p->batch = (int)left;
    int steps = pass_window(left / p->batch, e->step_seconds);
    struct batch_source source = pass_source(p);
    uint64_t began = monotonic_ns();
    int err = trainer_window(e->t, PLAN_EVALUATE, p->batch, steps, &source, m);
    for (int i = 0; !err && i < steps; i++) {
        e->sum.loss += m[i].loss;
        e->sum.correct += m[i].correct;
        e->sum.terms += m[i].terms;
    }
    e->step_seconds = 1e-9 * (double)(monotonic_ns() - began) / steps;
    p->at += (int64_t)steps * p->batch;
    return err;
}

static int tell_evaluating(const struct evaluation *e)
{
    const struct hsgd_train_options *o = &e->t->state.options;
    struct hsgd_progress p = { .size = sizeof p,
                               .epoch = (int)e->t->at.epoch + 1,
                               .epochs = o->epochs,
                               .step = e->t->at.step,
                               .steps = e->t->planned_steps,
                               .evaluating = true,
                               .done = e->pass.at,
                               .count = e->count,
                               .validation_loss = NAN,
                               .validation_accuracy = NAN };
    if (!o->progress || e->pass.at >= e->count || o->progress(o->progress_user, &p)) return 0;
    return hsgd_fail(e->t->state.ctx, EINTR, "the evaluation was stopped");
}

int hsgd_trainer_evaluate(struct hsgd_trainer *t, const struct hsgd_data *data, double *loss, double *accuracy)
{
    int64_t n = hsgd_data_count(data);
    int err = ENTER(t ? t->state.ctx : NULL, t, data);
    if (!err) err = pass_check(t, data);
    if (!err && t->record) err = record_check_order(t->state.ctx, t->record->x.columns, data);
    int64_t *order = err ? NULL : malloc((size_t)n * sizeof *order);
    if (err) return err;
    if (!order) return hsgd_fail(t->state.ctx, ENOMEM, "out of memory");
    for (int64_t i = 0; i < n; i++) order[i] = i;
    struct evaluation e = { .t = t,
                            .count = n,
                            .step_seconds = t->step_seconds,
                            .pass = { data, t->norm, order, 0, t->state.options.batch_size } };
    while (!err && e.pass.at < n) {
        err = evaluate_window(&e);
        if (!err) err = tell_evaluating(&e);
    }
    free(order);
    if (!err && loss) *loss = e.sum.loss / e.sum.terms;
    if (!err && accuracy) *accuracy = e.sum.correct / e.sum.terms;
    return err;
}
