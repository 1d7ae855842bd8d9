/* SPDX-License-Identifier: BSD-3-Clause */
/* What a training asks of its data, and keeps of it. */
#include "fit.h"

#include "data/record.h"
#include "model/metrics.h"
#include "pass.h"

int fit_check(const struct hsgd_trainer *t, const struct hsgd_data *train, const struct hsgd_data *validation)
{
    struct hsgd_context *ctx = t->state.ctx;
    int err = pass_check(t, train);
    if (!err) err = augment_check_boxes(ctx, &t->augment.how, train);
    if (!err && validation) err = pass_check(t, validation);
    if (!err && validation) err = record_check_order(ctx, train->x.columns, validation);
    if (err) return err;
    if (t->state.options.target_accuracy > 0 && !validation)
        return hsgd_fail(ctx, EINVAL, "target_accuracy %g needs validation", t->state.options.target_accuracy);
    if (t->state.options.target_accuracy > 0 && metric_find(t->state.store.model, "accuracy") < 0)
        return hsgd_fail(ctx, EINVAL, "target_accuracy %g: model \"%s\" has no accuracy",
                         t->state.options.target_accuracy, t->state.store.model->name);
    if (t->state.options.patience && !validation)
        return hsgd_fail(ctx, EINVAL, "patience %d needs validation", t->state.options.patience);
    if (t->at.step && t->loaded) return hsgd_record_check(ctx, t->record, train);
    if (t->at.step && t->count && t->count != hsgd_data_count(train))
        return hsgd_fail(ctx, EINVAL, "training continues with %lld samples, not %lld", (long long)t->count,
                         (long long)hsgd_data_count(train));
    return 0;
}

/* Targets that are no values of any unit, such as probabilities, are not normalised. */
static int keep_as_is(const struct hsgd_trainer *t, struct hsgd_record *record)
{
    const struct hsgd_model *m = t->state.store.model;
    for (const struct model_field *f = m->field; f < m->field + m->nfields; f++) {
        const struct node *reader = field_reader_as_is(m, f);
        if (!reader || m->value[f->value].type.dtype != HSGD_F32) continue;
        const struct record_field *r = record_field(record, f->name);
        if (reader->op->takes_probabilities && r && (r->low < 0 || r->high > 1))
            return hsgd_fail(m->ctx, EDOM, "\"%s\" has values from %g to %g, but %s takes 0 to 1", f->name, r->low,
                             r->high, reader->op->name);
        record_keep_as_is(record, f->name);
        if (!t->at.step)
            hsgd_log(m->ctx, HSGD_LOG_INFO, "\"%s\" is not normalised: %s takes targets as they are", f->name,
                     reader->op->name);
    }
    return 0;
}

int fit_adopt(struct hsgd_trainer *t, const struct hsgd_data *train)
{
    int err = pass_take_sizes(t, train);
    if (err) return err;
    if (!t->at.step) hsgd_normalisation_destroy(&t->norm);
    if (!t->norm) t->norm = hsgd_data_statistics(train);
    if (!t->norm && train->x.type.dtype == HSGD_F32)
        return hsgd_fail(t->state.ctx, ENOMEM, "out of memory for the mean of the training samples");
    t->count = hsgd_data_count(train);
    struct hsgd_record *record = hsgd_record_create(t->state.ctx, train);
    if (!record) return -ENOMEM;
    if ((err = keep_as_is(t, record))) {
        hsgd_record_destroy(&record);
        return err;
    }
    hsgd_record_destroy(&t->record);
    t->record = record;
    t->loaded = false;
    return 0;
}
