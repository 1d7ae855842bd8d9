/* SPDX-License-Identifier: BSD-3-Clause */
#include "store.h"

#include <stdlib.h>
#include <string.h>

#include "sizes.h"

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

static void cut_shards(struct parameters *p, const struct hsgd_model *m)
{
    int parts = m->floats > m->small_floats ? deferred_parts(m->ctx) : 0;
    p->nshards = 1;
    p->shard[0] = (struct shard){ 0, parts ? m->small_floats : m->floats };
    int64_t small = m->small_floats, from = small;
    for (int i = 0; i < parts; i++) {
        int64_t to = i == parts - 1 ? m->floats : row_boundary(m, small + (m->floats - small) * (i + 1) / parts);
        if (to <= from) continue;
        p->shard[p->nshards++] = (struct shard){ from, to - from };
        from = to;
    }
}

/* -------------------------------------------------------------- parameters */

static void parameters_free(struct parameters *p)
{
    for (int i = 0; i < p->nshards; i++) buffer_destroy(&p->buffer[i]);
    free(p->own_weights);
    free(p);
}

/* Those of the model, or where own, others as large (all zero). */
static struct parameters *parameters_new(struct hsgd_model *m, bool own)
{
    struct parameters *p = calloc(1, sizeof *p);
    float *weights = m->weights;
    bool there = p && (!own || (weights = p->own_weights = calloc((size_t)m->floats + 16, sizeof *weights)));
    if (there) cut_shards(p, m);
    for (int i = 0; there && i < p->nshards; i++) { /* no device has room for nothing: behind the last are 16 more */
        int64_t floats = p->shard[i].floats ? p->shard[i].floats : 1;
        there = !buffer_wrap(m->ctx, &p->buffer[i], "param", floats, weights + p->shard[i].first);
    }
    if (there) return p;
    if (p) parameters_free(p);
    hsgd_fail(m->ctx, ENOMEM, "out of memory");
    return NULL;
}

void parameters_acquire(struct hsgd_context *ctx, struct parameters *p, bool write)
{
    for (int i = 0; i < p->nshards; i++) buffer_acquire(ctx, &p->buffer[i], write ? BUFFER_UPDATE : BUFFER_READ);
}

void parameters_release(struct parameters *p)
{
    for (int i = 0; i < p->nshards; i++) buffer_release(&p->buffer[i]);
}

/* -------------------------------------------------------------- life cycle */

static int open_on(struct store *s, struct hsgd_model *model, struct parameters *p)
{
    if (!p) return -ENOMEM;
    *s = (struct store){
        .ctx = model->ctx, .model = model, .parameters = p, .nshards = p->nshards, .shard = p->shard, .param = p->buffer
    };
    s->sized = model;
    p->users++;
    return 0;
}

int store_set_types(struct store *s, const struct hsgd_type *field)
{
    struct hsgd_model *sized = sizes_model(s->model, field);
    if (!sized) return -EINVAL;
    sizes_let_go(s->sized);
    s->sized = sized;
    return 0;
}

int store_add_metrics(struct store *s)
{
    if (s->metrics.handle) return 0;
    return buffer_create(s->ctx, &s->metrics, "metrics", (int64_t)WINDOW_STEPS * s->model->nsums, true);
}

static int open_rows(struct store *s)
{
    int err = buffer_create(s->ctx, &s->step, "step", (int64_t)WINDOW_STEPS * HSGD_STEP_WORDS, true);
    if (!err) err = store_add_metrics(s);
    if (err) store_close(s);
    return err;
}

int store_open(struct store *s, struct hsgd_model *model, enum store_use use)
{
    struct hsgd_context *ctx = model->ctx;
    bool trains = use == STORE_TRAINS;
    *s = (struct store){ 0 };
    int err = model_require_finished(model);
    if (err) return err;
    if (trains && model->bound && model->bound->trained)
        return hsgd_fail(ctx, EBUSY, "model \"%s\" is in use by another trainer", model->name);
    if (!model->bound) model->bound = parameters_new(model, false);
    err = open_on(s, model, model->bound);
    if (err || !trains) return err;
    s->trains = model->bound->trained = true;
    return open_rows(s);
}

int store_open_copy(struct store *s, const struct store *of, bool shared)
{
    *s = (struct store){ 0 };
    int err = open_on(s, of->model, parameters_new(of->model, !shared));
    if (err) return err;
    s->first_step = of->first_step;
    s->sized = sizes_share(of->sized);
    return open_rows(s);
}

int store_open_same(struct store *s, const struct store *of) { return open_on(s, of->model, of->parameters); }

void store_close(struct store *s)
{
    if (!s->model) return;
    struct parameters *p = s->parameters;
    sizes_let_go(s->sized);
    buffer_destroy(&s->step);
    buffer_destroy(&s->metrics);
    if (s->trains) p->trained = false;
    if (!--p->users) {
        if (s->model->bound == p) s->model->bound = NULL;
        parameters_free(p);
    }
    s->model = NULL;
}
