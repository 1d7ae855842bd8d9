/* SPDX-License-Identifier: BSD-3-Clause */
#include "trainer.h"

#include <stdlib.h>
#include <string.h>

#include "async.h"
#include "checkpoint.h"
#include "drift.h"
#include "recover.h"
#include "rng.h"
#include "schedule.h"
#include "sized.h"
#include "slices.h"

static const struct hsgd_train_options defaults = {
    .batch_size = 128,
    .epochs = 5,
    .optimizer = HSGD_ADAM,
    .learning_rate = 1e-3f,
    .momentum = 0.9f,
    .beta1 = 0.9f,
    .beta2 = 0.999f,
    .epsilon = 1e-8f,
    .schedule = HSGD_CONSTANT,
    .step_size = 1000,
    .step_gamma = 0.1f,
    .moving_rate = 0.9f,
    .rate_ramp = 10,
    .executor = HSGD_REPLAY,
    .checkpoint_hist = 3,
    .alpha = 0.99f,
};

int hsgd_train_defaults(struct hsgd_train_options *o, size_t size)
{
    return SIZED_GIVE(NULL, hsgd_train_options, o, size, &defaults);
}

/* ------------------------------------------------------------- checking */

#define MAX_BATCH (1 << 20)
#define MAX_ACCUMULATE 1024

struct range {
    const char *field;
    double value, low, high;
};

static int check_options(struct hsgd_context *ctx, const struct hsgd_train_options *o)
{
    const struct range ranges[] = {
        { "batch_size", o->batch_size, 1, MAX_BATCH },
        { "epochs", o->epochs, 0, 1e9 },
        { "steps", (double)o->steps, 0, 1e15 },
        { "optimizer", o->optimizer, 0, HSGD_OPTIMIZERS - 1 },
        { "learning_rate", o->learning_rate, 0, 1e6 },
        { "momentum", o->momentum, 0, 1 },
        { "beta1", o->beta1, 0, 0.9999999 },
        { "beta2", o->beta2, 0, 0.9999999 },
        { "epsilon", o->epsilon, 0, 1 },
        { "weight_decay", o->weight_decay, 0, 1e6 },
        { "label_smoothing", o->label_smoothing, 0, 0.999 },
        { "clip_norm", o->clip_norm, 0, 1e30 },
        { "schedule", o->schedule, 0, HSGD_SCHEDULES - 1 },
        { "warmup_steps", (double)o->warmup_steps, 0, 1e15 },
        { "step_size", (double)o->step_size, 1, 1e15 },
        { "step_gamma", o->step_gamma, 0, 1 },
        { "min_learning_rate", o->min_learning_rate, 0, 1e6 },
        { "algorithm", o->algorithm, 0, HSGD_ALGORITHMS - 1 },
        { "local_steps", o->local_steps, 0, WINDOW_STEPS },
        { "staleness", o->staleness, 0, 1e6 },
        { "moving_rate", o->moving_rate, 0, 1 },
        { "min_batch", o->min_batch, 0, MAX_BATCH },
        { "max_batch", o->max_batch, 0, MAX_BATCH },
        { "rate_scaling", o->rate_scaling, 0, HSGD_RATE_SCALINGS - 1 },
        { "rate_ramp", o->rate_ramp, 0, 1e9 },
        { "min_share", o->min_share, 0, 1 },
        { "executor", o->executor, 0, HSGD_INSERT },
        { "patience", o->patience, 0, 1e9 },
        { "target_accuracy", o->target_accuracy, 0, 1 },
        { "time_limit", o->time_limit, 0, 1e9 },
        { "checkpoint_every", (double)o->checkpoint_every, 0, 1e15 },
        { "checkpoint_hist", o->checkpoint_hist, 1, 1e6 },
        { "alpha", o->alpha, 0, 0.9999999 },
        { "accumulate", o->accumulate, 0, MAX_ACCUMULATE },
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (!(ranges[i].value >= ranges[i].low && ranges[i].value <= ranges[i].high))
            return hsgd_fail(ctx, EINVAL, "%s must be from %g to %g, not %g", ranges[i].field, ranges[i].low,
                             ranges[i].high, ranges[i].value);
    return 0;
}

static int smooth_labels(struct hsgd_model *m, float smoothing)
{
    if (smoothing == 0 || !m->finished) return 0;
    struct node *loss = &m->node[m->loss];
    if (loss->op != &hsgd_op_softmax_cross_entropy)
        return hsgd_fail(m->ctx, EINVAL, "label_smoothing %g is for softmax_cross_entropy, model \"%s\" has %s",
                         (double)smoothing, m->name, loss->op->name);
    ((struct hsgd_softmax_cross_entropy *)loss->attributes)->label_smoothing = smoothing;
    return 0;
}

/* A sum over all samples in the middle of a slice would need all parts at once. */
static int check_parts(const struct hsgd_model *m, const struct hsgd_train_options *o)
{
    if (o->accumulate <= 1) return 0;
    for (int i = 0; i < m->nnodes; i++)
        if (m->node[i].op->forward[1].emit || m->node[i].op->backward[1].emit)
            return hsgd_fail(m->ctx, EINVAL, "accumulate %d: model \"%s\" has %s, which needs all samples at once",
                             o->accumulate, m->name, m->node[i].op->name);
    if (!algorithm_has_server(algorithm_row(o->algorithm))) return 0;
    return hsgd_fail(m->ctx, EINVAL, "accumulate %d is incompatible with algorithm \"%s\"", o->accumulate,
                     hsgd_algorithm_name(o->algorithm));
}

static int open_augment(struct hsgd_trainer *t, const struct hsgd_model *m)
{
    struct augmentation *a = &t->augment;
    a->how = *t->state.options.augment;
    t->state.options.augment = &a->how;
    if (!augment_any(&a->how)) return 0;
    a->room = malloc((size_t)hsgd_size(m->in) * sizeof *a->room);
    return a->room ? 0 : hsgd_fail(m->ctx, ENOMEM, "out of memory");
}

/* The options of a program, which may be shorter or longer, in full. */
static int take_options(const struct hsgd_model *m, const struct hsgd_train_options *given,
                        struct hsgd_train_options *o, struct hsgd_augment_options *augment)
{
    struct hsgd_context *ctx = m->ctx;
    int err = ENTER(ctx, ctx);
    if (!err && !ctx->ndevices)
        err = hsgd_fail(ctx, EINVAL, "a trainer needs a device, and the context was created with devices \"none\"");
    if (!err) err = SIZED_TAKE(ctx, hsgd_train_options, o, given);
    if (!err) err = SIZED_TAKE(ctx, hsgd_augment_options, augment, o->augment);
    if (!err) err = check_options(ctx, o);
    if (!err) err = check_parts(m, o);
    if (!err) err = async_check(ctx, o);
    if (!err) err = augment_check(ctx, augment, m->in);
    o->augment = augment;
    return err;
}

struct hsgd_trainer *hsgd_trainer_create(struct hsgd_model *model, const struct hsgd_train_options *options)
{
    struct hsgd_train_options o = defaults;
    struct hsgd_augment_options augment = { 0 };
    if (!model || take_options(model, options, &o, &augment)) return NULL;
    struct hsgd_trainer *t = calloc(1, sizeof *t);
    if (!t) {
        hsgd_fail(model->ctx, ENOMEM, "out of memory");
        return NULL;
    }
    if (trainer_state_open(&t->state, model, &o)) {
        free(t);
        return NULL;
    }
    t->planned_steps = o.steps;
    if (open_augment(t, model) || smooth_labels(model, o.label_smoothing)) hsgd_trainer_destroy(&t);
    return t;
}

void hsgd_trainer_destroy(struct hsgd_trainer **pt)
{
    struct hsgd_trainer *t = pt ? *pt : NULL;
    if (!t) return;
    if (context_is_orphan(t->state.ctx)) {
        *pt = NULL; /* a copy, whose threads are not there to be waited for */
        return;
    }
    checkpoint_close(t);
    async_close(t);
    trainer_state_close(&t->state);
    free(t->augment.room);
    hsgd_record_destroy(&t->record);
    hsgd_normalisation_destroy(&t->norm);
    for (int i = 0; i < MAX_MODEL_FIELDS; i++) hsgd_normalisation_destroy(&t->field_norm[i]);
    free(t);
    *pt = NULL;
}

/* ---------------------------------------------------------------- plans */

static struct plan *plan_for(struct trainer_state *s, enum plan_mode mode, const struct division *d)
{
    struct plan *p = trainer_state_plan(s, (struct plan_spec){ .mode = mode, .n = d->n, .slice = d->slice });
    if (p) memcpy(p->why, d->why, sizeof p->why);
    return p;
}

static int new_plan(struct trainer_state *s, enum plan_mode mode, int batch, struct plan **out)
{
    struct division d;
    int err = slices_choose(s, batch, mode, &d);
    *out = err ? NULL : plan_for(s, mode, &d);
    return err || *out ? err : -EIO;
}

/* Puts a plan of another division in the place of p. */
static int repartition(struct trainer_state *s, struct plan *p)
{
    struct division d;
    int i = 0;
    slices_solve(s, p->batch, &d);
    context_begin(s->ctx);
    struct plan *better = plan_for(s, PLAN_TRAIN, &d);
    while (better && s->plan[i] != p) i++;
    if (better) {
        better->last_used = p->last_used;
        plan_destroy(p);
        s->plan[i] = better;
        trainer_state_send_eagerly(s, NULL);
    }
    context_end(s->ctx);
    return better ? 0 : -EIO;
}

int trainer_plan(struct hsgd_trainer *t, enum plan_mode mode, int batch, struct plan **out)
{
    struct trainer_state *s = &t->state;
    struct plan *p = trainer_state_find(s, mode, batch, 0);
    int err = 0;
    if (!p) {
        context_begin(s->ctx);
        err = new_plan(s, mode, batch, &p);
        if (p) trainer_state_keep(s, p); /* workers are awake: what the dropped plan has on devices may be fetched */
        context_end(s->ctx);
    }
    if (out) *out = p;
    return err;
}

bool trainer_has_server(const struct hsgd_trainer *t)
{
    return algorithm_has_server(algorithm_row(t->state.options.algorithm));
}

/* -------------------------------------------------------------- windows */

static void fill_step_table(struct hsgd_trainer *t, int batch, int steps)
{
    struct trainer_state *s = &t->state;
    const struct hsgd_train_options *o = &s->options;
    buffer_acquire(s->ctx, &s->store.step, STARPU_W);
    for (int i = 0; i < steps; i++) {
        float *row = (float *)s->store.step.memory + (size_t)i * HSGD_STEP_WORDS;
        struct schedule_step step = { schedule_rate(o, t->at.step + i, t->planned_steps), t->at.updates + i + 1, batch,
                                      t->at.step + i, 0 };
        schedule_fill(o, &step, row);
    }
    starpu_data_release(s->store.step.handle);
}

static void read_metrics(struct trainer_state *s, int steps, struct batch_metrics *out)
{
    buffer_acquire(s->ctx, &s->store.metrics, STARPU_R);
    for (int i = 0; i < steps; i++) {
        const float *m = (const float *)s->store.metrics.memory + (size_t)i * METRICS;
        out[i] = (struct batch_metrics){ m[0], m[1], m[2] };
    }
    starpu_data_release(s->store.metrics.handle);
}

/* Divides the batch anew where drift was found before `step`. */
static int correct(struct hsgd_trainer *t, int64_t step, int batch)
{
    struct trainer_state *s = &t->state;
    if (!drift_correct(s, step)) return 0;
    struct plan *p;
    int err = trainer_plan(t, PLAN_TRAIN, batch, &p);
    return err ? err : repartition(s, p);
}

/* Runs steps of a window from *done on, until they are done or the batch is
 * divided anew. */
static int run_steps(struct hsgd_trainer *t, enum plan_mode mode, int batch, int steps,
                     const struct batch_source *source, int *done)
{
    struct trainer_state *s = &t->state;
    struct plan *p;
    int err = trainer_plan(t, mode, batch, &p);
    if (err) return err;
    drift_watch(s, p);
    struct span span = { *done, steps, drift_enough, s };
    err = plan_run(p, &span, s->options.executor, source);
    *done = span.end;
    if (err && recover(s, p, t->at.step + *done)) return 0;
    return err ? err : correct(t, t->at.step + *done, batch);
}

int trainer_window(struct hsgd_trainer *t, enum plan_mode mode, int batch, int steps, const struct batch_source *source,
                   struct batch_metrics *metrics)
{
    struct trainer_state *s = &t->state;
    int err = 0;
    s->store.first_step = t->at.step;
    if (mode == PLAN_TRAIN && drift_probe(s, batch)) err = correct(t, t->at.step, batch);
    fill_step_table(t, batch, steps);
    for (int done = 0; !err && done < steps;) err = run_steps(t, mode, batch, steps, source, &done);
    if (!err) read_metrics(s, steps, metrics);
    if (err || mode != PLAN_TRAIN) return err;
    t->at.step += steps;
    t->at.updates += steps;
    return 0;
}

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

/* Classes of the loss. */
static int check_classes(const struct hsgd_model *m, const struct model_field *f, const int32_t *class, int n)
{
    int classes = model_classes(m);
    int64_t size = hsgd_type_size(&m->value[f->value].type);
    for (int64_t i = 0; i < size * n; i++)
        if (class[i] < 0 || class[i] >= classes)
            return hsgd_fail(m->ctx, EINVAL, "%s %d of sample %lld is not in 0..%d", f->name, class[i],
                             (long long)(i / size), classes - 1);
    return 0;
}

static int check_batch(struct hsgd_trainer *t, const void *const *field, int n)
{
    const struct hsgd_model *m = t->state.store.model;
    int err = trainer_check_batch(t, n);
    for (int i = 0; !err && i < m->nfields; i++) {
        const struct model_field *f = &m->field[i];
        enum hsgd_dtype dtype = m->value[f->value].type.dtype;
        if (!field[i]) err = hsgd_fail(m->ctx, EINVAL, "field %d (%s) is NULL", i, f->name);
        else if (dtype == HSGD_F32) err = check_floats(m, f, field[i], n);
        else if (model_classes(m) && model_loss_field(m) == f) err = check_classes(m, f, field[i], n);
    }
    return err;
}

/* The last batches, of which only the first is of interest. */
static bool hear_batch(void *user, const struct batch_metrics *m, int n, double seconds)
{
    (void)n, (void)seconds;
    *(struct batch_metrics *)user = *m;
    return true;
}

static int memory_window(struct hsgd_trainer *t, enum plan_mode mode, int n, const void *const *field,
                         struct batch_metrics *m)
{
    struct memory_batch b = { t->state.store.model, field };
    struct batch_source source = { fill_from_memory, &b };
    struct async_listener listener = { hear_batch, m };
    int err = check_batch(t, field, n);
    if (err) return err;
    bool by_replicas = mode == PLAN_TRAIN && trainer_has_server(t);
    return by_replicas ? async_run(t, n, n, &source, &listener) : trainer_window(t, mode, n, 1, &source, m);
}

int hsgd_trainer_step(struct hsgd_trainer *t, int n, const void *const *field, double *loss)
{
    struct batch_metrics m;
    int err = ENTER(t ? t->state.ctx : NULL, t, field);
    if (!err) err = memory_window(t, PLAN_TRAIN, n, field, &m);
    if (!err && loss) *loss = m.loss / m.terms;
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
        buffer_acquire(s->ctx, b, STARPU_R);
        memcpy(bucket + shard->first, (const char *)starpu_data_get_local_ptr(b->handle) + at.offset,
               (size_t)shard->floats * sizeof *bucket);
        starpu_data_release(b->handle);
    }
}

int hsgd_trainer_gradients(struct hsgd_trainer *t, int n, const void *const *field, float *out, int64_t count)
{
    int err = ENTER(t ? t->state.ctx : NULL, t, field, out);
    if (err) return err;
    struct trainer_state *s = &t->state;
    const struct hsgd_model *m = s->store.model;
    struct batch_metrics metrics;
    if (count != hsgd_model_parameters(m))
        return hsgd_fail(s->ctx, EINVAL, "the model has %lld parameters, not %lld", (long long)hsgd_model_parameters(m),
                         (long long)count);
    struct plan *plan;
    err = memory_window(t, PLAN_GRADIENT, n, field, &metrics);
    if (!err) err = trainer_plan(t, PLAN_GRADIENT, n, &plan);
    if (err) return err;
    float *bucket = calloc((size_t)m->floats, sizeof *bucket);
    if (!bucket) return hsgd_fail(s->ctx, ENOMEM, "out of memory");
    read_bucket(s, plan, bucket);
    for (int i = 0; i < m->nnodes; i++)
        for (int p = 0; p < m->node[i].info.params; p++) {
            int64_t size = spec_size(&m->node[i].info.param[p]);
            const float *g = m->node[i].info.param[p].is_state ? NULL : bucket + m->node[i].param_offset[p];
            for (int64_t k = 0; k < size; k++) *out++ = g ? g[k] / (float)metrics.terms : 0;
        }
    free(bucket);
    return 0;
}

/* ------------------------------------------------------------ benchmark */

static void fill_synthetic(void *user, int step, int first_row, int rows, void *const *field)
{
    const struct hsgd_model *m = user;
    int64_t classes = hsgd_type_channels(&m->node[m->loss].info.in[0]);
    for (int f = 0; f < m->nfields; f++) {
        const struct hsgd_type *t = &m->value[m->field[f].value].type;
        int64_t size = hsgd_type_size(t), first = first_row * size;
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
    struct batch_metrics m[WINDOW_STEPS];
    struct async_listener listener = { hear_batch, m };
    int batch = t->state.options.batch_size;
    return trainer_has_server(t) ? async_run(t, batch, (int64_t)steps * batch, source, &listener)
                                 : trainer_window(t, PLAN_TRAIN, batch, steps, source, m);
}

int hsgd_trainer_time(struct hsgd_trainer *t, int steps, double *seconds_per_step)
{
    static const struct batch_source filled;
    int err = ENTER(t ? t->state.ctx : NULL, t, seconds_per_step);
    if (!err && steps < 1) err = hsgd_fail(t->state.ctx, EINVAL, "steps must be at least 1, not %d", steps);
    if (err) return err;
    struct batch_source synthetic = { fill_synthetic, t->state.store.model };
    int batch = t->state.options.batch_size;
    struct position at = t->at;
    uint64_t spent = 0;
    if (trainer_state_find(&t->state, PLAN_TRAIN, batch, 0) == NULL) err = time_window(t, PLAN_SLOTS, &synthetic);
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
