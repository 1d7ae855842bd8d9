/* SPDX-License-Identifier: BSD-3-Clause */
/* Forward only: a model's outputs. */
#include <math.h>
#include <string.h>

#include "trainer.h"

/* Samples being predicted; at: the first of the window. */
struct prediction {
    struct hsgd_trainer *t;
    const float *x;
    float *out;
    int64_t at;
    int batch, size, outputs;
};

static void fill(void *user, int step, int first_row, int rows, void *const *field)
{
    const struct prediction *p = user;
    int64_t first = p->at + (int64_t)step * p->batch + first_row;
    memcpy(field[0], p->x + first * p->size, (size_t)rows * (size_t)p->size * sizeof *p->x);
    const struct hsgd_model *m = p->t->state.store.model;
    for (int i = 1; i < m->nfields; i++)
        memset(field[i], 0, (size_t)rows * (size_t)hsgd_type_bytes(&m->value[m->field[i].value].type));
}

static void read_slice(struct prediction *p, const struct plan *plan, const struct slice *s, int steps)
{
    struct buffer *b = plan->buffer[s->partial];
    int64_t floats = (int64_t)s->rows * p->outputs;
    buffer_acquire(plan->ctx, b, STARPU_R);
    for (int step = 0; step < steps; step++)
        memcpy(p->out + (p->at + (int64_t)step * p->batch + s->first_row) * p->outputs,
               (const float *)b->memory + step * floats, (size_t)floats * sizeof *p->out);
    starpu_data_release(b->handle);
}

static int predict_window(struct prediction *p, int steps)
{
    struct trainer_state *s = &p->t->state;
    struct batch_source source = { fill, p };
    struct plan *plan;
    int err = trainer_plan(p->t, PLAN_PREDICT, p->batch, &plan);
    if (err) return err;
    s->store.first_step = p->t->at.step;
    struct span span = { .end = steps };
    err = plan_run(plan, &span, s->options.executor, &source);
    for (int i = 0; !err && i < plan->nslices; i++) read_slice(p, plan, &plan->slice[i], steps);
    return err;
}

/* softmax(y)_i = exp(y_i - max y) / sum_k exp(y_k - max y), in place. */
static void softmax(float *y, int n)
{
    double sum = 0, most = y[0];
    for (int i = 1; i < n; i++) most = fmax(most, y[i]);
    for (int i = 0; i < n; i++) sum += exp(y[i] - most);
    for (int i = 0; i < n; i++) y[i] = (float)(exp(y[i] - most) / sum);
}

static int check(const struct hsgd_trainer *t, int64_t n, int64_t count)
{
    const struct hsgd_model *m = t->state.store.model;
    for (int i = 0; i < m->nfields; i++)
        if (!m->field[i].is_target && (i || m->value[m->field[i].value].type.dtype != HSGD_F32))
            return hsgd_fail(m->ctx, EINVAL, "model \"%s\" takes \"%s\"; a prediction gives it one input of floats",
                             m->name, m->field[i].name);
    if (n < 1 || n > INT64_MAX / hsgd_model_outputs(m))
        return hsgd_fail(m->ctx, EINVAL, "a prediction needs at least 1 sample, not %lld", (long long)n);
    if (count != n * hsgd_model_outputs(m))
        return hsgd_fail(m->ctx, EINVAL, "%lld samples have %lld outputs, not %lld", (long long)n,
                         (long long)n * hsgd_model_outputs(m), (long long)count);
    return 0;
}

int hsgd_trainer_predict(struct hsgd_trainer *t, const float *x, int64_t n, float *out, int64_t count)
{
    int err = ENTER(t ? t->state.ctx : NULL, t, x, out);
    if (!err) err = check(t, n, count);
    if (err) return err;
    const struct hsgd_model *m = t->state.store.model;
    struct prediction p = { .t = t,
                            .x = x,
                            .out = out,
                            .batch = t->state.options.batch_size,
                            .size = hsgd_size(m->in),
                            .outputs = hsgd_model_outputs(m) };
    while (!err && p.at < n) {
        if (p.batch > n - p.at) p.batch = (int)(n - p.at);
        int64_t full = (n - p.at) / p.batch;
        int steps = full < PREDICT_STEPS ? (int)full : PREDICT_STEPS;
        err = predict_window(&p, steps);
        p.at += (int64_t)steps * p.batch;
    }
    bool probabilities = m->node[m->loss].op == &hsgd_op_softmax_cross_entropy;
    for (int64_t i = 0; !err && probabilities && i < n; i++) softmax(out + i * p.outputs, p.outputs);
    return err;
}
