/* SPDX-License-Identifier: BSD-3-Clause */
#include "state.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "quiesce.h"

/* ------------------------------------------------------------------ shards */

/* How many parts the deferred weights are cut into: one per worker that can
 * make gradients at the same time; several devices want a few, so that
 * merging one overlaps with making the next. */
static int deferred_parts(const struct hsgd_context *ctx)
{
    int workers = 0;
    for (int i = 0; i < ctx->ndevices; i++) workers += ctx->device[i].info.workers;
    if (ctx->deterministic) return 4;
    if (workers == 1) return 0;
    if (ctx->ndevices > 1 && workers < 4) return 4;
    return workers < MAX_SHARDS - 1 ? workers : MAX_SHARDS - 1;
}

/* The row boundary of the deferred weights nearest to bucket offset `at`. */
static int64_t row_boundary(const struct hsgd_model *m, int64_t at)
{
    for (int i = 0; i < m->nlayers; i++) {
        const struct layer *l = &m->layer[i];
        if (!l->deferred) continue;
        int64_t begin = l->param_offset[0], size = spec_size(&l->info.param[0]);
        int64_t row = size / l->info.param[0].dims[0];
        if (at < begin) return begin;
        if (at >= begin + size) continue;
        int64_t rows = ((at - begin) / row + 8) / 16 * 16;
        if (rows * row >= size) rows = size / row;
        return rows * row == size ? begin + (size + 15) / 16 * 16 : begin + rows * row;
    }
    return m->floats;
}

/* The memory of the devices with slices of a plan; 0: it does not train. */
static uint32_t trains_on(const struct trainer_state *s, const struct plan *p)
{
    uint32_t nodes = 0;
    for (int i = 0; p && p->mode == PLAN_TRAIN && i < p->nslices; i++) {
        const struct device *d = p->slice[i].device;
        if (!d->lost && memory_holds(d, s->model->floats)) nodes |= 1u << d->node;
    }
    return nodes;
}

void trainer_state_send_eagerly(struct trainer_state *s, const struct plan *trial)
{
    uint32_t nodes = trains_on(s, trial);
    bool several = s->ctx->ndevices > 1 && !algorithm_has_server(algorithm_row(s->options.algorithm));
    for (int i = 0; i < s->nplans; i++) nodes |= trains_on(s, s->plan[i]);
    if (!(nodes & (nodes - 1))) nodes = 0; /* one has them anyway */
    for (int i = 0; several && i < s->nshards; i++) buffer_write_through(&s->param[i], nodes);
}

static void cut_shards(struct trainer_state *s)
{
    struct hsgd_model *m = s->model;
    int parts = m->floats > m->small_floats ? deferred_parts(s->ctx) : 0;
    s->nshards = 1;
    s->shard[0] = (struct shard){ 0, parts ? m->small_floats : m->floats };
    int64_t small = m->small_floats, from = small;
    for (int i = 0; i < parts; i++) {
        int64_t to = i == parts - 1 ? m->floats : row_boundary(m, small + (m->floats - small) * (i + 1) / parts);
        if (to <= from) continue;
        s->shard[s->nshards++] = (struct shard){ from, to - from };
        from = to;
    }
}

/* -------------------------------------------------------------- life cycle */

/* The buffers; parameters wrap `weights`. */
static int open_buffers(struct trainer_state *s, float *weights)
{
    int err = 0, per = optimizer_state_floats(s->options.optimizer);
    for (int i = 0; !err && i < s->nshards; i++) {
        err = buffer_wrap(s->ctx, &s->param[i], "param", s->shard[i].floats, weights + s->shard[i].first);
        if (!err && per) err = buffer_create(s->ctx, &s->optimizer[i], "optimizer", per * s->shard[i].floats, true);
    }
    if (!err) err = buffer_create(s->ctx, &s->step, "step", (int64_t)WINDOW_STEPS * HSGD_STEP_WORDS, true);
    if (!err) err = buffer_create(s->ctx, &s->metrics, "metrics", (int64_t)WINDOW_STEPS * METRICS, true);
    return err;
}

static void close_buffers(struct trainer_state *s)
{
    for (int i = 0; i < s->nplans; i++) plan_destroy(s->plan[i]);
    for (int i = 0; i < s->nshards; i++) {
        buffer_destroy(&s->param[i]);
        buffer_destroy(&s->optimizer[i]);
    }
    buffer_destroy(&s->step);
    buffer_destroy(&s->metrics);
}

int trainer_state_open(struct trainer_state *s, struct hsgd_model *model, const struct hsgd_train_options *o)
{
    struct hsgd_context *ctx = model->ctx;
    if (!model->finished) return hsgd_fail(ctx, EINVAL, "model \"%s\" has no loss", model->name);
    if (model->bound) return hsgd_fail(ctx, EBUSY, "model \"%s\" is in use by another trainer", model->name);
    *s = (struct trainer_state){ .ctx = ctx, .model = model, .options = *o, .block = model_block(model) };
    cut_shards(s);
    int err = open_buffers(s, model->weights);
    model->bound = s;
    if (err) trainer_state_close(s);
    return err;
}

void trainer_state_close(struct trainer_state *s)
{
    if (!s->model) return;
    context_begin(s->ctx);
    close_buffers(s);
    context_end(s->ctx);
    s->model->bound = NULL;
    s->model = NULL;
}

int trainer_replica_open(struct trainer_state *r, const struct trainer_state *s, bool shared)
{
    *r = (struct trainer_state){ .ctx = s->ctx,
                                 .model = s->model,
                                 .options = s->options,
                                 .nshards = s->nshards,
                                 .first_step = s->first_step,
                                 .block = s->block };
    memcpy(r->shard, s->shard, sizeof s->shard);
    if (!shared) r->own_weights = calloc((size_t)s->model->floats + 16, sizeof *r->own_weights);
    if (!shared && !r->own_weights) return hsgd_fail(s->ctx, ENOMEM, "out of memory");
    int err = open_buffers(r, shared ? s->model->weights : r->own_weights);
    if (err) trainer_shadow_close(r);
    return err;
}

int trainer_shadow_open(struct trainer_state *shadow, const struct trainer_state *s)
{
    int err = quiesce_check_paused(s->ctx); /* every trial would fail, and no device seem worth its share */
    if (!err) err = trainer_replica_open(shadow, s, false);
    shadow->is_trial = true;
    return err;
}

void trainer_shadow_close(struct trainer_state *shadow)
{
    close_buffers(shadow);
    free(shadow->own_weights);
    shadow->own_weights = NULL;
}

/* ------------------------------------------------------------------- plans */

struct plan *trainer_state_find(struct trainer_state *s, enum plan_mode mode, int batch, bool pulls, bool pushes)
{
    for (int i = 0; i < s->nplans; i++) {
        struct plan *p = s->plan[i];
        if (p->mode != mode || p->batch != batch || p->pulls != pulls || p->pushes != pushes) continue;
        p->last_used = ++s->uses;
        return p;
    }
    return NULL;
}

void trainer_state_keep(struct trainer_state *s, struct plan *p)
{
    int oldest = 0;
    p->last_used = ++s->uses;
    for (int i = 1; i < s->nplans; i++)
        if (s->plan[i]->last_used < s->plan[oldest]->last_used) oldest = i;
    if (s->nplans < MAX_PLANS) {
        s->plan[s->nplans++] = p;
    } else {
        plan_destroy(s->plan[oldest]);
        s->plan[oldest] = p;
    }
    trainer_state_send_eagerly(s, NULL);
}
