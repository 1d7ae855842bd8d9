/* SPDX-License-Identifier: BSD-3-Clause */
#include "snapshot.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "async.h"
#include "ema.h"
#include "state_file.h"
#include "model/weights.h"

static int moments_of(const struct hsgd_trainer *t) { return optimizer_state_floats(t->state.options.optimizer); }

static bool averages(const struct hsgd_trainer *t) { return t->state.ema.model; }

int snapshot_kept(const struct hsgd_trainer *t) { return moments_of(t) + averages(t); }

const char *snapshot_kept_name(const struct hsgd_trainer *t, int i)
{
    return i < moments_of(t) ? optimizer_state_name(t->state.options.optimizer, i) : "weight";
}

/* --------------------------------------------------------------- in memory */

static int allocate(struct snapshot *s, struct hsgd_trainer *t)
{
    size_t bytes = (size_t)t->state.store.model->floats * sizeof(float) + 1;
    s->t = t;
    if (!s->param) s->param = calloc(1, bytes);
    bool ok = s->param;
    for (int i = 0; i < snapshot_kept(t); i++) {
        if (!s->kept[i]) s->kept[i] = calloc(1, bytes);
        ok = ok && s->kept[i];
    }
    return ok ? 0 : hsgd_fail(t->state.ctx, ENOMEM, "out of memory for a checkpoint");
}

void snapshot_free(struct snapshot *s)
{
    free(s->param);
    for (int i = 0; i < SNAPSHOT_KEPT; i++) free(s->kept[i]);
    *s = (struct snapshot){ 0 };
}

/* Copies optimizer state between the shards and the order of the bucket. */
static void copy_moments(struct hsgd_trainer *t, float *const *moment, bool to_trainer)
{
    struct trainer_state *state = &t->state;
    for (int i = 0; moments_of(t) && i < state->store.nshards; i++) {
        struct shard shard = state->store.shard[i];
        buffer_acquire(state->ctx, &state->optimizer[i], to_trainer ? BUFFER_WRITE : BUFFER_READ);
        for (int k = 0; k < moments_of(t); k++) {
            float *here = (float *)state->optimizer[i].memory + k * shard.floats, *there = moment[k] + shard.first;
            memcpy(to_trainer ? here : there, to_trainer ? there : here, (size_t)shard.floats * sizeof(float));
        }
        buffer_release(&state->optimizer[i]);
    }
}

int snapshot_take(struct snapshot *s, struct hsgd_trainer *t, bool best)
{
    struct hsgd_model *m = t->state.store.model;
    int err = allocate(s, t);
    if (err) return err;
    async_gather_state(t);
    s->at = t->at;
    s->best = best;
    model_acquire(m, false);
    memcpy(s->param, m->weights, (size_t)m->floats * sizeof(float));
    model_release(m);
    copy_moments(t, s->kept, false);
    if (averages(t)) {
        memcpy(s->kept[moments_of(t)], s->param, (size_t)m->floats * sizeof(float));
        ema_refresh(t);
        ema_read(t, s->param);
    }
    return 0;
}

/* ------------------------------------------------------------------- files */

static int path_in(struct hsgd_context *ctx, char path[PATH_MAX], const char *folder, const char *file)
{
    int length = snprintf(path, PATH_MAX, "%s/%s", folder, file);
    return length < PATH_MAX ? 0 : hsgd_fail(ctx, ENAMETOOLONG, "%s: the name is too long", folder);
}

int snapshot_write(struct hsgd_context *ctx, const struct snapshot *s, const char *folder)
{
    char path[PATH_MAX], *record = s->t->record ? record_text(ctx, s->t->record, s->t->norm) : NULL;
    int err = s->t->record && !record ? -ENOMEM : path_in(ctx, path, folder, MODEL_FILE);
    if (!err) err = weights_save(ctx, s->t->state.store.model, s->param, record, path);
    if (!err) err = path_in(ctx, path, folder, STATE_FILE);
    if (!err) err = state_file_write(ctx, s, record, path);
    free(record);
    return err;
}

static int read_weights(struct hsgd_trainer *t, const char *folder, float *bucket)
{
    struct safetensors f;
    char path[PATH_MAX];
    int err = path_in(t->state.ctx, path, folder, MODEL_FILE);
    if (!err) err = safetensors_read(t->state.ctx, &f, path);
    if (err) return err;
    err = weights_load(t->state.ctx, t->state.store.model, &f, bucket);
    safetensors_close(&f);
    return err;
}

static int read_state(struct hsgd_trainer *t, const char *folder, struct snapshot *s, struct state_file *state)
{
    char path[PATH_MAX];
    int err = path_in(t->state.ctx, path, folder, STATE_FILE);
    return err ? err : state_file_read(t->state.ctx, s, state, path);
}

static void adopt(struct hsgd_trainer *t, const struct snapshot *s, struct state_file *state)
{
    struct hsgd_model *m = t->state.store.model;
    async_close(t); /* replicas begin from what is read */
    model_acquire(m, true);
    memcpy(m->weights, averages(t) ? s->kept[moments_of(t)] : s->param, (size_t)m->floats * sizeof(float));
    model_release(m);
    copy_moments(t, s->kept, true);
    if (averages(t)) ema_write(t, s->param);
    t->has_ema = averages(t);
    t->at = s->at;
    hsgd_normalisation_destroy(&t->norm);
    t->norm = state->norm;
    t->count = state->count;
    hsgd_record_destroy(&t->record);
    t->record = state->record;
    t->loaded = true;
    if (!t->record->count) t->record->count = state->count; /* of version 0.1 */
    const struct hsgd_type *x = &m->value[m->field[0].value].type;
    if (!record_shape(t->record).h && !hsgd_type_is_open(x, x->rank)) t->record->x.type = shape_type(m->in);
    t->unsaved = false;
}

int snapshot_restore(struct hsgd_trainer *t, const char *folder)
{
    struct snapshot s = { 0 };
    struct state_file state;
    int err = allocate(&s, t);
    if (!err) err = read_weights(t, folder, s.param);
    if (!err) err = read_state(t, folder, &s, &state);
    if (!err) adopt(t, &s, &state);
    snapshot_free(&s);
    return err;
}
