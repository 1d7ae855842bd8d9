/* SPDX-License-Identifier: BSD-3-Clause */
#include "pass.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/lengths.h"
#include "data/record.h"
#include "base/rng.h"
#include "model/metrics.h"
#include "model/sizes.h"
#include "type_text.h"

static void fill(void *user, int step, int first_row, int rows, void *const *field)
{
    const struct pass *p = user;
    const int64_t *index = p->order + p->at + (int64_t)step * p->batch + first_row;
    for (int i = 0; i < p->fields; i++) {
        const struct pass_field *f = &p->field[i];
        if (f->cut)
            field_gather_cut(&p->data->field[f->index], p->length, p->data->index, index, rows, f->norm, field[i]);
        else if (p->augment) augment_gather_field(p->augment, p->data, f->index, index, rows, f->norm, field[i]);
        else hsgd_data_gather_field(p->data, f->index, index, rows, f->norm, field[i]);
    }
}

/* How field i of the model is normalised; NULL: not at all. */
static const struct hsgd_normalisation *norm_of(const struct hsgd_trainer *t, const struct hsgd_data *d, int i)
{
    const struct hsgd_model *m = t->state.store.model;
    const struct model_field *f = &m->field[i];
    const struct hsgd_type *type = &m->value[f->value].type;
    if (type->dtype != HSGD_F32 || hsgd_type_channels(type) == HSGD_ANY || field_reader_as_is(m, f)) return NULL;
    if (hsgd_data_find(d, f->name) == 0) return t->norm;
    return t->record ? hsgd_record_normalisation(t->record, f->name) : t->field_norm[i];
}

bool pass_has_lengths(const struct hsgd_model *m, const struct hsgd_data *d)
{
    bool reads = false;
    for (const struct model_field *f = m->field; f < m->field + m->nfields; f++)
        reads = reads || !strcmp(f->name, "length");
    const struct hsgd_type *x = &m->value[m->field[0].value].type;
    return reads && x->rank && x->dim[0] == HSGD_ANY && data_lengths(d) && hsgd_data_find(d, m->field[0].name) == 0;
}

/* Whether field i has the axis of x that the length is of. */
static bool is_cut(const struct hsgd_model *m, const struct hsgd_data *d, int i)
{
    const struct hsgd_type *t = &m->value[m->field[i].value].type;
    struct hsgd_type has = hsgd_data_type(d, m->field[i].name);
    return pass_has_lengths(m, d) && t->rank && t->dim[0] == HSGD_ANY && has.dim[0] == d->x.type.dim[0];
}

void pass_bind(struct pass *p, const struct hsgd_trainer *t)
{
    const struct hsgd_model *m = t->state.store.model;
    p->fields = m->nfields;
    for (int i = 0; i < m->nfields; i++)
        p->field[i] = (struct pass_field){ hsgd_data_find(p->data, m->field[i].name), norm_of(t, p->data, i),
                                           is_cut(m, p->data, i) };
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

/* ------------------------------------------------------------------- check */

/* "x, label" */
static void name_fields(const struct hsgd_data *d, char *out, size_t size)
{
    struct hsgd_data_field f;
    size_t used = 0;
    for (int i = 0; used < size && hsgd_data_field_get(d, i, &f, sizeof f); i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "", f.name);
}

static int refuse_type(const struct hsgd_model *m, const struct hsgd_data *d, const char *name,
                       const struct hsgd_type *takes)
{
    struct hsgd_type has = hsgd_data_type(d, name);
    struct hsgd_shape s = type_shape(&has), want = type_shape(takes);
    bool open = hsgd_type_is_open(takes, takes->rank);
    if (!strcmp(name, "x") && has.dtype == takes->dtype && !open)
        return hsgd_fail(m->ctx, EINVAL, "data \"%s\" has samples of %dx%dx%d, model \"%s\" takes %dx%dx%d",
                         hsgd_data_name(d), s.h, s.w, s.c, m->name, want.h, want.w, want.c);
    return hsgd_fail(m->ctx, EINVAL, "data \"%s\": \"%s\" is %s, model \"%s\" takes %s", hsgd_data_name(d), name,
                     type_text(&has).text, m->name, type_text(takes).text);
}

/* Types are the same if their values lie in memory alike. */
static int check_field(const struct hsgd_model *m, const struct hsgd_data *d, const struct model_field *f)
{
    const struct hsgd_type *takes = &m->value[f->value].type;
    struct hsgd_type has = hsgd_data_type(d, f->name);
    struct hsgd_shape s = type_shape(&has), want = type_shape(takes);
    char names[MAX_FIELDS * (FIELD_NAME + 2)] = "";
    if (has.dtype == HSGD_DTYPES) {
        name_fields(d, names, sizeof names);
        return hsgd_fail(m->ctx, EINVAL, "data \"%s\" has no \"%s\", which model \"%s\" needs; it has %s",
                         hsgd_data_name(d), f->name, m->name, names);
    }
    bool same = has.dtype == takes->dtype && s.h == want.h && s.w == want.w && s.c == want.c;
    return same || sizes_fit(takes, &has) ? 0 : refuse_type(m, d, f->name, takes);
}

/* The fields as the model has them, with the data's sizes where they are open. */
static void field_types(const struct hsgd_model *m, const struct hsgd_data *d, struct hsgd_type *field)
{
    for (int i = 0; i < m->nfields; i++) {
        const struct hsgd_type *t = &m->value[m->field[i].value].type;
        field[i] = hsgd_type_is_open(t, t->rank) ? hsgd_data_type(d, m->field[i].name) : *t;
    }
}

/* Whether the model can work on the data's sizes. */
static int check_sizes(struct hsgd_model *m, const struct hsgd_data *d)
{
    struct hsgd_type field[MAX_MODEL_FIELDS];
    field_types(m, d, field);
    struct hsgd_model *sized = sizes_model(m, field);
    if (sized) sizes_let_go(sized);
    return sized ? 0 : -EINVAL;
}

/* Labels that are ignored may be the data's last class. */
static int check_classes(const struct hsgd_model *m, const struct node *reader, const struct hsgd_data *d)
{
    struct hsgd_data_field f;
    int outputs = node_classes(m, reader);
    const char *label = node_target(m, reader)->name;
    if (!hsgd_data_field_get(d, hsgd_data_find(d, label), &f, sizeof f)) return 0;
    if (f.classes && (f.classes <= outputs || node_ignores(reader, f.classes - 1))) return 0;
    if (!f.classes)
        return hsgd_fail(m->ctx, EINVAL, "data \"%s\": the number of classes of \"%s\" is not known", hsgd_data_name(d),
                         label);
    return hsgd_fail(m->ctx, EINVAL, "data \"%s\" has %d classes, model \"%s\" has %d outputs", hsgd_data_name(d),
                     f.classes, m->name, outputs);
}

int pass_check(const struct hsgd_trainer *t, const struct hsgd_data *d)
{
    struct hsgd_model *m = t->state.store.model;
    int err = ENTER(m->ctx, d);
    for (int i = 0; !err && i < m->nfields; i++) err = check_field(m, d, &m->field[i]);
    for (const struct node *n = m->node; !err && n < m->node + m->nnodes; n++)
        if (node_classes(m, n)) err = check_classes(m, n, d);
    return err ? err : check_sizes(m, d);
}

int pass_take_sizes(struct hsgd_trainer *t, const struct hsgd_data *d)
{
    struct hsgd_type field[MAX_MODEL_FIELDS];
    field_types(t->state.store.model, d, field);
    return trainer_set_types(t, field);
}

int pass_take_run(struct pass *p, struct hsgd_trainer *t, int64_t *steps,
                  int (*set)(struct hsgd_trainer *t, const struct hsgd_type *field))
{
    const struct hsgd_model *m = t->state.store.model;
    struct hsgd_type field[MAX_MODEL_FIELDS];
    if (!pass_has_lengths(m, p->data)) return 0;
    *steps = lengths_run(p->data, p->order + p->at, p->batch, *steps < WINDOW_STEPS ? (int)*steps : WINDOW_STEPS,
                         &p->length);
    field_types(m, p->data, field);
    for (int i = 0; i < m->nfields; i++)
        if (p->field[i].cut) field[i].dim[0] = p->length;
    return set(t, field);
}

/* --------------------------------------------------------------- evaluate */

struct evaluation {
    struct hsgd_trainer *t;
    struct pass pass;
    int64_t count;
    double step_seconds; /* of the last window; at first, what a step of training takes */
    double sums[MAX_SUMS];
};

static int evaluate_window(struct evaluation *e)
{
    struct pass *p = &e->pass;
    int64_t left = e->count - p->at;
    if (p->batch > left) p->batch = (int)left;
    int64_t ahead = left / p->batch;
    int err = pass_take_run(p, e->t, &ahead, trainer_set_evaluated);
    if (err) return err;
    int steps = pass_window(ahead, e->step_seconds);
    int n = e->t->state.store.model->nsums;
    double *sums = e->t->window;
    struct batch_source source = pass_source(p);
    uint64_t began = monotonic_ns();
    err = trainer_evaluate(e->t, p->batch, steps, &source, sums);
    for (int i = 0; !err && i < steps * n; i++) e->sums[i % n] += sums[i];
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

static int set_evaluated(struct hsgd_trainer *t, const struct hsgd_data *d)
{
    struct hsgd_type field[MAX_MODEL_FIELDS];
    field_types(t->state.store.model, d, field);
    return trainer_set_evaluated(t, field);
}

int pass_evaluate(struct hsgd_trainer *t, const struct hsgd_data *data, double *figure)
{
    int64_t n = hsgd_data_count(data);
    int err = ENTER(t ? t->state.ctx : NULL, t, data);
    if (!err) err = pass_check(t, data);
    if (!err && t->record) err = record_check_order(t->state.ctx, t->record->x.columns, data);
    if (!err && !pass_has_lengths(t->state.store.model, data)) err = set_evaluated(t, data);
    int64_t *order = err ? NULL : malloc((size_t)n * sizeof *order);
    if (err) return err;
    if (!order) return hsgd_fail(t->state.ctx, ENOMEM, "out of memory");
    for (int64_t i = 0; i < n; i++) order[i] = i;
    struct evaluation e = { .t = t,
                            .count = n,
                            .step_seconds = t->step_seconds,
                            .pass = { .data = data, .order = order, .batch = t->state.options.batch_size } };
    pass_bind(&e.pass, t);
    if (pass_has_lengths(t->state.store.model, data))
        err = lengths_arrange(t->state.ctx, data, order, n, e.pass.batch < n ? e.pass.batch : (int)n);
    while (!err && e.pass.at < n) {
        err = evaluate_window(&e);
        if (!err) err = tell_evaluating(&e);
    }
    free(order);
    if (!err) metric_values(t->state.store.model, e.sums, figure);
    return err;
}

int hsgd_trainer_evaluate(struct hsgd_trainer *t, const struct hsgd_data *data, double *loss, double *accuracy)
{
    double figure[MAX_METRICS];
    int err = pass_evaluate(t, data, figure);
    if (!err && loss) *loss = figure[0];
    if (!err && accuracy) *accuracy = metric_named(t->state.store.model, figure, "accuracy");
    return err;
}

int hsgd_trainer_measure(struct hsgd_trainer *t, const struct hsgd_data *data, double *figure, int count)
{
    double all[MAX_METRICS];
    int err = ENTER(t ? t->state.ctx : NULL, t, figure);
    if (!err && count != t->state.store.model->nmetrics)
        err = hsgd_fail(t->state.ctx, EINVAL, "model \"%s\" has %d figures, not %d", t->state.store.model->name,
                        t->state.store.model->nmetrics, count);
    if (!err) err = pass_evaluate(t, data, all);
    if (!err) memcpy(figure, all, (size_t)count * sizeof *all);
    return err;
}
