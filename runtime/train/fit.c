/* Training over a data set, and evaluating one. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rng.h"
#include "schedule.h"
#include "trainer.h"

/* Samples of one pass, in order. */
struct pass {
    const struct hsgd_data *data;
    const struct hsgd_normalisation *norm;
    const int64_t *order;
    int64_t at;                 /* first sample of the window */
    int batch;
};

static void fill_from_pass(void *user, int step, int first_row, int rows, float *x, int32_t *labels)
{
    const struct pass *p = user;
    hsgd_data_gather(p->data, p->order + p->at + (int64_t)step * p->batch + first_row, rows, p->norm, x, labels);
}

/* Fisher-Yates with counter-based numbers: the order of an epoch is a pure
 * function of seed and epoch. */
static void shuffle(int64_t *order, int64_t n, uint64_t seed, int epoch)
{
    uint64_t key = hsgd_random(seed, 0x0ddba11ull + (uint64_t)epoch);
    for (int64_t i = 0; i < n; i++) order[i] = i;
    for (int64_t i = n - 1; i > 0; i--) {
        int64_t k = (int64_t)(hsgd_random(key, (uint64_t)i) % (uint64_t)(i + 1)), swap = order[i];
        order[i] = order[k];
        order[k] = swap;
    }
}

static int check_data(struct hsgd_trainer *t, const struct hsgd_data *d)
{
    const struct hsgd_model *m = t->state.model;
    struct hsgd_shape s = hsgd_data_shape(d);
    int outputs = hsgd_size(m->layer[m->nlayers - 1].info.in);
    if (s.h != m->in.h || s.w != m->in.w || s.c != m->in.c)
        return hsgd_fail(m->ctx, EINVAL, "data \"%s\" has samples of %dx%dx%d, model \"%s\" takes %dx%dx%d",
                         hsgd_data_name(d), s.h, s.w, s.c, m->name, m->in.h, m->in.w, m->in.c);
    if (hsgd_data_classes(d) > outputs)
        return hsgd_fail(m->ctx, EINVAL, "data \"%s\" has %d classes, model \"%s\" has %d outputs", hsgd_data_name(d),
                         hsgd_data_classes(d), m->name, outputs);
    return 0;
}

/* --------------------------------------------------------------- evaluate */

int hsgd_trainer_evaluate(struct hsgd_trainer *t, const struct hsgd_data *data, double *loss, double *accuracy)
{
    int64_t n = hsgd_data_count(data), done = 0;
    struct batch_metrics m[WINDOW_STEPS], sum = { 0 };
    int err = check_data(t, data), batch = t->state.options.batch_size;
    int64_t *order = err ? NULL : malloc((size_t)n * sizeof *order);
    if (err) return err;
    if (!order) return hsgd_fail(t->state.ctx, ENOMEM, "out of memory");
    for (int64_t i = 0; i < n; i++) order[i] = i;
    if (batch > n) batch = (int)n;
    while (!err && done < n) {
        int64_t full = (n - done) / batch;
        int steps = full > WINDOW_STEPS ? WINDOW_STEPS : full ? (int)full : 1;
        struct pass p = { data, t->has_norm ? &t->norm : NULL, order, done, full ? batch : (int)(n - done) };
        struct batch_source source = { fill_from_pass, &p };
        err = trainer_window(t, PLAN_EVALUATE, p.batch, steps, &source, m);
        for (int i = 0; !err && i < steps; i++) {
            sum.loss += m[i].loss;
            sum.correct += m[i].correct;
            sum.terms += m[i].terms;
        }
        done += (int64_t)steps * p.batch;
    }
    free(order);
    if (loss) *loss = sum.loss / sum.terms;
    if (accuracy) *accuracy = sum.correct / sum.terms;
    return err;
}

/* -------------------------------------------------------------------- fit */

struct fit {
    struct hsgd_trainer *t;
    const struct hsgd_data *train, *validation;
    struct hsgd_fit_result *result;
    int64_t *order, total;
    double *step_seconds;       /* per window */
    int windows, window_capacity;
    int epoch;
    double loss_sum, correct_sum, terms_sum; /* of this epoch */
    bool stop;
};

static void note_losses(struct fit *f, const struct batch_metrics *m, int steps)
{
    for (int i = 0; i < steps; i++) {
        f->loss_sum += m[i].loss;
        f->correct_sum += m[i].correct;
        f->terms_sum += m[i].terms;
        f->result->samples += (int64_t)m[i].terms;
        if (f->result->losses < HSGD_KEPT_LOSSES) f->result->loss[f->result->losses++] = m[i].loss / m[i].terms;
    }
}

static int note_time(struct fit *f, double seconds, int steps)
{
    if (f->windows == f->window_capacity) {
        int capacity = f->window_capacity ? 2 * f->window_capacity : 64;
        double *bigger = realloc(f->step_seconds, (size_t)capacity * sizeof *bigger);
        if (!bigger) return hsgd_fail(f->t->state.ctx, ENOMEM, "out of memory");
        f->step_seconds = bigger;
        f->window_capacity = capacity;
    }
    f->step_seconds[f->windows++] = seconds / steps;
    f->result->seconds += seconds;
    return 0;
}

static void tell(struct fit *f, bool epoch_end)
{
    const struct hsgd_train_options *o = &f->t->state.options;
    if (!o->progress || f->stop) return;
    struct hsgd_fit_result *r = f->result;
    struct hsgd_progress p = {
        .epoch = f->epoch + 1, .epochs = o->epochs, .step = f->t->step, .steps = f->total,
        .loss = f->loss_sum / f->terms_sum, .samples_per_second = (double)r->samples / r->seconds,
        .learning_rate = schedule_rate(o, f->t->step - 1, f->total),
        .epoch_end = epoch_end, .train_accuracy = f->correct_sum / f->terms_sum,
        .validation_loss = epoch_end ? r->validation_loss : NAN,
        .validation_accuracy = epoch_end ? r->validation_accuracy : NAN,
    };
    if (!o->progress(o->progress_user, &p)) f->stop = true;
}

static int train_window(struct fit *f, struct pass *p, int steps)
{
    struct batch_metrics m[WINDOW_STEPS];
    struct batch_source source = { fill_from_pass, p };
    if (!trainer_plan(f->t, PLAN_TRAIN, p->batch)) return -EIO;
    uint64_t began = monotonic_ns();
    int err = trainer_window(f->t, PLAN_TRAIN, p->batch, steps, &source, m);
    if (err) return err;
    note_losses(f, m, steps);
    err = note_time(f, 1e-9 * (double)(monotonic_ns() - began), steps);
    tell(f, false);
    return err;
}

static int train_epoch(struct fit *f)
{
    struct hsgd_trainer *t = f->t;
    int64_t n = hsgd_data_count(f->train), done = 0;
    int err = 0, batch = t->state.options.batch_size;
    if (batch > n) batch = (int)n;
    shuffle(f->order, n, t->state.options.seed, f->epoch);
    f->loss_sum = f->correct_sum = f->terms_sum = 0;
    while (!err && done < n && t->step < f->total && !f->stop) {
        int64_t steps = (n - done) / batch, left = f->total - t->step;
        struct pass p = { f->train, &t->norm, f->order, done, steps ? batch : (int)(n - done) };
        if (!steps) steps = 1;
        if (steps > WINDOW_STEPS) steps = WINDOW_STEPS;
        if (steps > left) steps = left;
        err = train_window(f, &p, (int)steps);
        done += steps * p.batch;
    }
    return err;
}

static int end_epoch(struct fit *f)
{
    struct hsgd_fit_result *r = f->result;
    r->train_loss = f->loss_sum / f->terms_sum;
    r->train_accuracy = f->correct_sum / f->terms_sum;
    r->epochs = f->epoch + 1;
    int err = f->validation ? hsgd_trainer_evaluate(f->t, f->validation, &r->validation_loss, &r->validation_accuracy)
                            : 0;
    if (!err) tell(f, true);
    return err;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int hsgd_fit(struct hsgd_trainer *t, const struct hsgd_data *train, const struct hsgd_data *validation,
             struct hsgd_fit_result *result)
{
    const struct hsgd_train_options *o = &t->state.options;
    int64_t n = hsgd_data_count(train), per_epoch = (n + o->batch_size - 1) / o->batch_size;
    int err = check_data(t, train);
    if (!err && validation) err = check_data(t, validation);
    if (err) return err;
    *result = (struct hsgd_fit_result){ .validation_loss = NAN, .validation_accuracy = NAN };
    struct fit f = { .t = t, .train = train, .validation = validation, .result = result,
                     .order = malloc((size_t)n * sizeof *f.order),
                     .total = o->steps ? o->steps : per_epoch * o->epochs };
    if (!f.order) return hsgd_fail(t->state.ctx, ENOMEM, "out of memory");
    t->planned_steps = f.total;
    hsgd_data_statistics(train, &t->norm);
    t->has_norm = true;
    while (!err && t->step < f.total && !f.stop) {
        err = train_epoch(&f);
        if (!err) err = end_epoch(&f);
        f.epoch++;
    }
    result->steps = t->step;
    if (f.windows) {
        qsort(f.step_seconds, (size_t)f.windows, sizeof *f.step_seconds, ascending);
        result->step_seconds_median = f.step_seconds[f.windows / 2];
    }
    free(f.order);
    free(f.step_seconds);
    return err;
}
