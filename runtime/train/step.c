/* SPDX-License-Identifier: BSD-3-Clause */
/* Single steps on samples in memory, gradients, and the benchmark. */
#include <stdlib.h>
#include <string.h>

#include "async.h"
#include "base/rng.h"
#include "model/metrics.h"
#include "model/sizes.h"
#include "trainer.h"

/* --------------------------------------------------------- single steps */

/* The fields of a batch, as the caller has them. */
struct memory_batch {
    const struct hsgd_model *model;
    const void *const *field;
};

static void fill_from_memory(void *user, int step, int first_row, int rows, void *const *field)
{
    const struct memory_batch *b = user;
    (void)step;
    for (int f = 0; f < b->model->nfields; f++) {
        size_t bytes = (size_t)hsgd_type_bytes(&b->model->value[b->model->field[f].value].type);
        memcpy(field[f], (const char *)b->field[f] + (size_t)first_row * bytes, (size_t)rows * bytes);
    }
}

int trainer_check_batch(const struct hsgd_trainer *t, int batch)
{
    struct hsgd_context *ctx = t->state.ctx;
    if (batch < 1) return hsgd_fail(ctx, EINVAL, "a batch needs at least 1 sample, not %d", batch);
    if (batch > MAX_BATCH) return hsgd_fail(ctx, EINVAL, "a batch has at most %d samples, not %d", MAX_BATCH, batch);
    return 0;
}

/* The first number that is not finite, or n.  The inner loop has a constant
 * length: compilers make vectors of it. */
static int64_t first_not_finite(const float *x, int64_t n)
{
    enum { BLOCK = 64 };
    const uint32_t exponent = 0x7f800000;
    for (int64_t i = 0; i < n; i += BLOCK) {
        uint32_t bits[BLOCK] = { 0 }, bad = 0;
        int64_t count = n - i < BLOCK ? n - i : BLOCK;
        memcpy(bits, x + i, (size_t)count * sizeof *bits);
        for (int k = 0; k < BLOCK; k++) bad |= (bits[k] & exponent) == exponent;
        for (int k = 0; bad && k < count; k++)
            if ((bits[k] & exponent) == exponent) return i + k;
    }
    return n;
}

static int check_floats(const struct hsgd_model *m, const struct model_field *f, const float *x, int n)
{
    int64_t size = hsgd_type_size(&m->value[f->value].type), all = size * n, at = first_not_finite(x, all);
    if (at == all) return 0;
    return hsgd_fail(m->ctx, EDOM, "%s: value %lld of sample %lld is %f, it must be finite", f->name,
                     (long long)(at % size), (long long)(at / size), (double)x[at]);
}

static int check_probabilities(const struct hsgd_model *m, const struct node *loss, const float *target, int n)
{
    const struct model_field *f = node_target(m, loss);
    int64_t size = hsgd_type_size(&m->value[f->value].type);
    for (int64_t i = 0; i < size * n; i++)
        if (target[i] < 0 || target[i] > 1)
            return hsgd_fail(m->ctx, EDOM, "%s: value %lld of sample %lld is %g, but %s takes 0 to 1", f->name,
                             (long long)(i % size), (long long)(i / size), (double)target[i], loss->op->name);
    return 0;
}

/* Classes that a loss or metric reads. */
static int check_classes(const struct hsgd_model *m, const struct node *reader, const int32_t *class, int n)
{
    const struct model_field *f = node_target(m, reader);
    int classes = node_classes(m, reader);
    int64_t size = hsgd_type_size(&m->value[f->value].type);
    for (int64_t i = 0; i < size * n; i++)
        if ((class[i] < 0 || class[i] >= classes) && !node_ignores(reader, class[i]))
            return hsgd_fail(m->ctx, EINVAL, "%s %d of sample %lld is not in 0..%d", f->name, class[i],
                             (long long)(i / size), classes - 1);
    return 0;
}

static int check_batch(struct hsgd_trainer *t, const void *const *field, int n)
{
    const struct hsgd_model *m = t->state.store.sized;
    int err = trainer_check_batch(t, n);
    if (!err) err = sizes_require(m, ~0u);
    for (int i = 0; !err && i < m->nfields; i++) {
        const struct model_field *f = &m->field[i];
        enum hsgd_dtype dtype = m->value[f->value].type.dtype;
        if (!field[i]) err = hsgd_fail(m->ctx, EINVAL, "field %d (%s) is NULL", i, f->name);
        else if (dtype == HSGD_F32) err = check_floats(m, f, field[i], n);
    }
    for (const struct node *l = m->node; !err && l < m->node + m->nnodes; l++) {
        const void *target = node_target(m, l) ? field[node_target(m, l) - m->field] : NULL;
        if (node_classes(m, l)) err = check_classes(m, l, target, n);
        else if (target && l->op->takes_probabilities) err = check_probabilities(m, l, target, n);
    }
    return err;
}

/* The last batches, of which only the first is of interest. */
struct first_sums {
    int n;
    double *sums;
};

static bool hear_batch(void *user, const double *sums, int n, double seconds)
{
    const struct first_sums *first = user;
    (void)n, (void)seconds;
    memcpy(first->sums, sums, (size_t)first->n * sizeof *sums);
    return true;
}

static int memory_window(struct hsgd_trainer *t, enum plan_mode mode, int n, const void *const *field, double *sums)
{
    struct memory_batch b = { t->state.store.sized, field };
    struct batch_source source = { fill_from_memory, &b };
    struct first_sums first = { b.model->nsums, sums };
    struct async_listener listener = { hear_batch, &first };
    int err = check_batch(t, field, n);
    if (err) return err;
    bool by_replicas = mode == PLAN_TRAIN && trainer_has_server(t);
    return by_replicas ? async_run(t, n, n, &source, &listener) : trainer_window(t, mode, n, 1, &source, sums);
}

int hsgd_trainer_step(struct hsgd_trainer *t, int n, const void *const *field, double *loss)
{
    double sums[MAX_SUMS];
    int err = ENTER(t ? t->state.ctx : NULL, t, field);
    if (!err) err = memory_window(t, PLAN_TRAIN, n, field, sums);
    if (!err && loss) *loss = metric_value(t->state.store.model, 0, sums);
    return err;
}

/* ------------------------------------------------------------ gradients */

/* Copies the summed gradient of the last PLAN_GRADIENT step to bucket order. */
static void read_bucket(struct trainer_state *s, const struct plan *p, float *bucket)
{
    for (int i = 0; i < s->store.nshards; i++) {
        struct hsgd_ref at = p->gradient[i];
        struct buffer *b = p->buffer[at.buffer];
        const struct shard *shard = &s->store.shard[i];
        buffer_acquire(s->ctx, b, BUFFER_READ);
        memcpy(bucket + shard->first, (const char *)buffer_memory(b) + at.offset,
               (size_t)shard->floats * sizeof *bucket);
        buffer_release(b);
    }
}

int hsgd_trainer_gradients(struct hsgd_trainer *t, int n, const void *const *field, float *out, int64_t count)
{
    int err = ENTER(t ? t->state.ctx : NULL, t, field, out);
    if (err) return err;
    struct trainer_state *s = &t->state;
    const struct hsgd_model *m = s->store.sized;
    double sums[MAX_SUMS];
    if (count != hsgd_model_parameters(m))
        return hsgd_fail(s->ctx, EINVAL, "the model has %lld parameters, not %lld", (long long)hsgd_model_parameters(m),
                         (long long)count);
    struct plan *plan;
    err = memory_window(t, PLAN_GRADIENT, n, field, sums);
    if (!err) err = trainer_plan(t, PLAN_GRADIENT, n, &plan);
    if (err) return err;
    float *bucket = calloc((size_t)m->floats, sizeof *bucket);
    if (!bucket) return hsgd_fail(s->ctx, ENOMEM, "out of memory");
    float scale = loss_scale(m, n);
    read_bucket(s, plan, bucket);
    struct weight_place w;
    for (int i = 0; model_weight(m, i, &w); i++) {
        const float *g = model_weight_trains(m, &w) ? bucket + w.offset : NULL;
        for (int64_t k = 0; k < spec_size(w.spec); k++) *out++ = g ? g[k] * scale : 0;
    }
    free(bucket);
    return 0;
}

/* ------------------------------------------------------------ benchmark */

/* Of all that read the field; integers that nobody reads as classes are as small as those of the loss. */
static int64_t classes_of(const struct hsgd_model *m, const struct model_field *f)
{
    int64_t classes = 0;
    for (const struct node *n = m->node; n < m->node + m->nnodes; n++)
        if (node_target(m, n) == f && node_classes(m, n) && (!classes || node_classes(m, n) < classes))
            classes = node_classes(m, n);
    return classes ? classes : hsgd_type_channels(&m->node[m->loss].info.in[0]);
}

static void fill_synthetic(void *user, int step, int first_row, int rows, void *const *field)
{
    const struct hsgd_model *m = user;
    for (int f = 0; f < m->nfields; f++) {
        const struct hsgd_type *t = &m->value[m->field[f].value].type;
        int64_t size = hsgd_type_size(t), first = first_row * size, classes = classes_of(m, &m->field[f]);
        float *x = field[f];
        int32_t *class = field[f];
        for (int64_t i = 0; i < rows * size; i++) {
            if (t->dtype == HSGD_F32) x[i] = 2.0f * hsgd_random_float(7 + (uint64_t)step, (uint64_t)(first + i)) - 1.0f;
            else class[i] = (int32_t)(hsgd_random(11, (uint64_t)(first + i)) % (uint64_t)classes);
        }
    }
}

static int time_window(struct hsgd_trainer *t, int steps, const struct batch_source *source)
{
    int batch = t->state.options.batch_size, n = t->state.store.model->nsums;
    double *sums = t->window;
    struct first_sums first = { n, sums };
    struct async_listener listener = { hear_batch, &first };
    return trainer_has_server(t) ? async_run(t, batch, (int64_t)steps * batch, source, &listener)
                                 : trainer_window(t, PLAN_TRAIN, batch, steps, source, sums);
}

int hsgd_trainer_time(struct hsgd_trainer *t, int steps, double *seconds_per_step)
{
    static const struct batch_source filled;
    int err = ENTER(t ? t->state.ctx : NULL, t, seconds_per_step);
    if (!err && steps < 1) err = hsgd_fail(t->state.ctx, EINVAL, "steps must be at least 1, not %d", steps);
    if (!err) err = sizes_require(t->state.store.sized, ~0u);
    if (err) return err;
    struct batch_source synthetic = { fill_synthetic, t->state.store.sized };
    int batch = t->state.options.batch_size;
    struct position at = t->at;
    uint64_t spent = 0;
    if (plan_cache_find(&t->state.plans, t->state.store.sized, PLAN_TRAIN, batch, 0) == NULL)
        err = time_window(t, PLAN_SLOTS, &synthetic);
    for (int done = 0; !err && done < steps;) {
        int n = steps - done < WINDOW_STEPS ? steps - done : WINDOW_STEPS;
        uint64_t began = monotonic_ns();
        err = time_window(t, n, &filled);
        spent += monotonic_ns() - began;
        done += n;
    }
    t->at = at;
    *seconds_per_step = 1e-9 * (double)spent / steps;
    return err;
}
