/* SPDX-License-Identifier: BSD-3-Clause */
#include "ema.h"

#include <string.h>

static size_t bytes_of(const struct hsgd_trainer *t) { return (size_t)t->state.store.model->floats * sizeof(float); }

void ema_write(struct hsgd_trainer *t, const float *bucket)
{
    struct parameters *average = t->state.ema.parameters;
    parameters_acquire(t->state.ctx, average, true);
    memcpy(average->own_weights, bucket, bytes_of(t));
    parameters_release(average);
}

void ema_refresh(struct hsgd_trainer *t)
{
    struct hsgd_model *m = t->state.store.model;
    if (!t->state.ema.model || t->has_ema) return;
    model_acquire(m, false);
    ema_write(t, m->weights);
    model_release(m);
}

void ema_begin(struct hsgd_trainer *t)
{
    ema_refresh(t);
    t->has_ema = true;
}

void ema_read(struct hsgd_trainer *t, float *bucket)
{
    struct parameters *average = t->state.ema.parameters;
    struct weight_place w;
    parameters_acquire(t->state.ctx, average, false);
    for (int i = 0; model_weight(t->state.store.model, i, &w); i++)
        if (!w.spec->is_count)
            memcpy(bucket + w.offset, average->own_weights + w.offset, (size_t)spec_size(w.spec) * sizeof *bucket);
    parameters_release(average);
}

int hsgd_trainer_use_ema(struct hsgd_trainer *t)
{
    int err = ENTER(t ? t->state.ctx : NULL, t);
    if (err) return err;
    struct hsgd_model *m = t->state.store.model;
    if (!t->state.ema.model) return hsgd_fail(m->ctx, EINVAL, "ema_decay is 0: there is no average of the weights");
    ema_refresh(t);
    model_acquire(m, true);
    ema_read(t, m->weights);
    model_release(m);
    return 0;
}
