/* SPDX-License-Identifier: BSD-3-Clause */
#include "store.h"

#include <stdlib.h>
#include <string.h>

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
    for (int i = 0; i < m->nnodes; i++) {
        const struct node *n = &m->node[i];
        if (!n->deferred) continue;
        int64_t begin = n->param_offset[0], size = spec_size(&n->info.param[0]);
        int64_t row = size / n->info.param[0].dim[0];
        if (at < begin) return begin;
        if (at >= begin + size) continue;
        int64_t rows = ((at - begin) / row + 8) / 16 * 16;
        if (rows * row >= size) rows = size / row;
        return rows * row == size ? begin + (size + 15) / 16 * 16 : begin + rows * row;
    }
    return m->floats;
}

static void cut_shards(struct store *s)
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
static int open_buffers(struct store *s, float *weights)
{
    int err = 0;
    for (int i = 0; !err && i < s->nshards; i++)
        err = buffer_wrap(s->ctx, &s->param[i], "param", s->shard[i].floats, weights + s->shard[i].first);
    if (!err) err = buffer_create(s->ctx, &s->step, "step", (int64_t)WINDOW_STEPS * HSGD_STEP_WORDS, true);
    if (!err) err = buffer_create(s->ctx, &s->metrics, "metrics", (int64_t)WINDOW_STEPS * METRICS, true);
    if (err) store_close(s);
    return err;
}

int store_open(struct store *s, struct hsgd_model *model)
{
    struct hsgd_context *ctx = model->ctx;
    if (!model->finished) return hsgd_fail(ctx, EINVAL, "model \"%s\" has no loss", model->name);
    if (model->bound) return hsgd_fail(ctx, EBUSY, "model \"%s\" is in use by another trainer", model->name);
    *s = (struct store){ .ctx = ctx, .model = model };
    cut_shards(s);
    model->bound = s;
    return open_buffers(s, model->weights);
}

int store_open_copy(struct store *s, const struct store *of, bool shared)
{
    *s = (struct store){ .ctx = of->ctx, .model = of->model, .nshards = of->nshards, .first_step = of->first_step };
    memcpy(s->shard, of->shard, sizeof of->shard);
    if (shared) return open_buffers(s, s->model->weights);
    s->own_weights = calloc((size_t)s->model->floats + 16, sizeof *s->own_weights);
    if (s->own_weights) return open_buffers(s, s->own_weights);
    s->model = NULL;
    return hsgd_fail(s->ctx, ENOMEM, "out of memory");
}

void store_close(struct store *s)
{
    if (!s->model) return;
    for (int i = 0; i < s->nshards; i++) buffer_destroy(&s->param[i]);
    buffer_destroy(&s->step);
    buffer_destroy(&s->metrics);
    free(s->own_weights);
    s->own_weights = NULL;
    if (s->model->bound == s) s->model->bound = NULL;
    s->model = NULL;
}

void store_acquire(struct store *s, bool write)
{
    for (int i = 0; i < s->nshards; i++) buffer_acquire(s->ctx, &s->param[i], write ? STARPU_RW : STARPU_R);
}

void store_release(struct store *s)
{
    for (int i = 0; i < s->nshards; i++) starpu_data_release(s->param[i].handle);
}
