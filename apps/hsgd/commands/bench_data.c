/* SPDX-License-Identifier: BSD-3-Clause */
/* hsgd bench --data: timing a training on data. */
#include "bench.h"

#include "lib/json.h"
#include "lib/measure.h"
#include "lib/text.h"

#define WARM_UP 0.25 /* of the time */
#define MIN_STEPS 8  /* so that losses of trainings can be compared */

/* The last batch of an epoch is smaller, and has a window of its own. */
static bool is_partial(const struct data_timing *t, int64_t step)
{
    return t->short_every && step % t->short_every == 0;
}

/* The library's progress function, called after each window of steps. */
static bool watch(void *user, const struct hsgd_progress *p)
{
    struct data_timing *t = user;
    if (p->evaluating || p->step <= t->steps) return true;
    if (t->steps && t->seconds >= WARM_UP * t->limit && t->n < TIMED_WINDOWS && !is_partial(t, p->step))
        t->step[t->n++] = (p->seconds - t->seconds) / (double)(p->step - t->steps);
    t->steps = p->step;
    t->seconds = p->seconds;
    return p->seconds < t->limit || p->step < MIN_STEPS || !t->n;
}

void data_timing_options(struct data_timing *t, double seconds, struct hsgd_train_options *o)
{
    t->limit = seconds;
    o->steps = 1000000000; /* watch() stops it */
    o->progress = watch;
    o->progress_user = t;
}

int data_timing_measure(struct data_timing *t, const struct session *run, int batch)
{
    int64_t n = hsgd_data_count(run->train);
    t->short_every = n > batch && n % batch ? n / batch + 1 : 0;
    int err = hsgd_fit(run->trainer, run->train, NULL, &t->result, sizeof t->result);
    return err ? library_error(run, err) : OK;
}

double data_timing_step(struct data_timing *t) { return median(t->step, t->n); }

void data_timing_json(const struct data_timing *t, const char *data, json_t **object)
{
    json_t *losses = json_array();
    for (int i = 0; i < t->result.losses; i++) json_append(&losses, json_number(t->result.loss[i]));
    json_set(object, "data", json_text(data));
    json_set(object, "steps", json_integer((json_int_t)t->steps));
    json_set(object, "losses", losses);
}

void data_timing_print(const struct data_timing *t, const struct session *run)
{
    const struct hsgd_fit_result *r = &t->result;
    text_field("data", "%s, %lld samples", hsgd_data_name(run->train), (long long)hsgd_data_count(run->train));
    text_field("training", "%lld steps, %lld samples, loss %.4g after %d steps", (long long)r->steps,
               (long long)r->samples, r->losses ? r->loss[r->losses - 1] : 0.0, r->losses);
}
