/* SPDX-License-Identifier: BSD-3-Clause */
/* What hsgd train shows and logs during the training. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/bar.h"
#include "lib/json.h"
#include "lib/measure.h"
#include "lib/signals.h"
#include "train.h"

#define BAR_SECONDS 0.1 /* between two drawings */
#define LOG_STEPS 100   /* minimum between two lines of the log, */
#define LOG_SECONDS 1.0 /* and minimum time */

/* --------------------------------------------------------------------- bar */

/* "1:05", "2:01:05" */
static void print_time(char *out, size_t size, double seconds)
{
    long s = isfinite(seconds) && seconds < 1e8 ? (long)(seconds + 0.5) : -1;
    if (s < 0) snprintf(out, size, "-");
    else if (s < 3600) snprintf(out, size, "%ld:%02ld", s / 60, s % 60);
    else snprintf(out, size, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
}

/* From 0 to 1: fraction of the steps from `first`, or of the time limit if that is
 * larger. */
static double done_since(const struct training *t, const struct hsgd_progress *p, int64_t first)
{
    double time = t->s->time_limit > 0 ? fmin(1, p->seconds / t->s->time_limit) : 0;
    return fmax(time, (double)(p->step - first) / (double)(p->steps - first));
}

static double time_left(const struct training *t, const struct hsgd_progress *p)
{
    double done = done_since(t, p, t->first_step);
    return (now_seconds() - t->began) * (1 - done) / done;
}

static void draw_training(const struct training *t, const struct hsgd_progress *p)
{
    char what[60], figures[120], left[30], accuracy[30] = "";
    int64_t epochs = (p->steps + t->steps_per_epoch - 1) / t->steps_per_epoch;
    print_time(left, sizeof left, time_left(t, p));
    snprintf(what, sizeof what, "epoch %d/%lld", p->epoch, (long long)epochs);
    if (!isnan(p->train_accuracy)) snprintf(accuracy, sizeof accuracy, " acc %.2f%%", 100 * p->train_accuracy);
    snprintf(figures, sizeof figures, "loss %.4f%s %.0f/s ETA %s", p->loss, accuracy, p->samples_per_second, left);
    bar_draw(&(struct bar){ what, done_since(t, p, 0), figures });
}

static void draw_evaluation(const struct training *t, const struct hsgd_progress *p)
{
    char what[60], figures[60];
    snprintf(what, sizeof what, t->testing ? "testing" : "epoch %d validating", p->epoch);
    snprintf(figures, sizeof figures, "%lld/%lld", (long long)p->done, (long long)p->count);
    bar_draw(&(struct bar){ what, (double)p->done / (double)p->count, figures });
}

static void draw(struct training *t, const struct hsgd_progress *p)
{
    double now = now_seconds();
    if (t->s->quiet || now - t->shown < BAR_SECONDS) return;
    t->shown = now;
    if (p->evaluating) draw_evaluation(t, p);
    else draw_training(t, p);
}

static void print_losses(const struct training *t, const struct hsgd_progress *p)
{
    char line[200], validation[20] = "-";
    if (!isnan(p->validation_loss)) snprintf(validation, sizeof validation, "%.5g", p->validation_loss);
    snprintf(line, sizeof line, "%5d %10.5g %12s %12.0f %9.1f", p->epoch, p->loss, validation, p->samples_per_second,
             now_seconds() - t->began);
    bar_table(line);
}

/* "98.20%", "0.1234"; "-": not known. */
static void write_metric(const struct training *t, int i, double value, char out[20])
{
    bool percent = !strcmp(hsgd_model_metric_name(t->run.model, i), "accuracy");
    if (isnan(value)) snprintf(out, 20, "-");
    else if (percent) snprintf(out, 20, "%.2f%%", 100 * value);
    else snprintf(out, 20, "%.5g", value);
}

/* The loss, and the figure that makes an epoch the best. */
static void print_metrics(const struct training *t, const struct hsgd_progress *p)
{
    char line[200], train[20], validation[20];
    int i = train_shown(t);
    write_metric(t, i, p->train[i], train);
    write_metric(t, i, p->validation[i], validation);
    snprintf(line, sizeof line,
             fabs(p->loss) < 1e4 ? "%5d %10.4f %12s %12s %12.0f %9.1f" : "%5d %10.4g %12s %12s %12.0f %9.1f", p->epoch,
             p->loss, train, validation, p->samples_per_second, now_seconds() - t->began);
    bar_table(line);
}

/* A line of the table on stdout. */
static void print_epoch(const struct training *t, const struct hsgd_progress *p)
{
    if (train_shown(t) < 0) print_losses(t, p);
    else print_metrics(t, p);
}

/* --------------------------------------------------------------------- log */

void train_log_event(struct training *t, const char *event, int64_t step)
{
    run_log(&t->folder, json_pack("{s:s, s:I, s:o}", "event", event, "step", (json_int_t)step, "time",
                                  json_integer((json_int_t)time(NULL))));
}

/* Those of the model that have no key of their own. */
static void log_metrics(struct training *t, const struct hsgd_progress *p, json_t **line)
{
    const char *name;
    char key[100];
    for (int i = 1; (name = hsgd_model_metric_name(t->run.model, i)); i++) {
        if (!strcmp(name, "accuracy")) continue;
        json_set(line, name, json_number(p->train[i]));
        snprintf(key, sizeof key, "validation_%s", name);
        json_set(line, key, json_number(p->validation[i]));
        snprintf(key, sizeof key, "%s/train", name);
        if (isfinite(p->train[i])) run_scalar(&t->folder, key, p->step, p->train[i]);
        snprintf(key, sizeof key, "%s/validation", name);
        if (isfinite(p->validation[i])) run_scalar(&t->folder, key, p->step, p->validation[i]);
    }
}

static void log_progress(struct training *t, const struct hsgd_progress *p)
{
    const struct {
        const char *key, *tag;
        double value;
    } figures[] = {
        { "loss", "loss/train", p->loss },
        { "accuracy", "accuracy/train", p->train_accuracy },
        { "validation_loss", "loss/validation", p->validation_loss },
        { "validation_accuracy", "accuracy/validation", p->validation_accuracy },
        { "learning_rate", "learning_rate", p->learning_rate },
        { "samples_per_second", "samples_per_second", p->samples_per_second },
    };
    json_t *line = json_pack("{s:s, s:I, s:i}", "event", p->epoch_end ? "epoch" : "steps", "step", (json_int_t)p->step,
                             "epoch", p->epoch);
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        json_set(&line, figures[i].key, json_number(figures[i].value));
        if (isfinite(figures[i].value)) run_scalar(&t->folder, figures[i].tag, p->step, figures[i].value);
    }
    log_metrics(t, p, &line);
    json_set(&line, "seconds", json_number(now_seconds() - t->began));
    json_set(&line, "train_seconds", json_number(p->seconds));
    json_set(&line, "epochs", json_number((double)p->step / (double)t->steps_per_epoch));
    run_log(&t->folder, line);
    t->logged = now_seconds();
    t->logged_step = p->step;
}

static void log_tested(struct training *t, int64_t step, json_t **line)
{
    const char *name;
    char tag[100];
    for (int i = 1; (name = hsgd_model_metric_name(t->run.model, i)); i++) {
        if (!strcmp(name, "accuracy")) continue;
        json_set(line, name, json_number(t->tested[i]));
        snprintf(tag, sizeof tag, "%s/test", name);
        bool in_units = t->test.score && (!strcmp(name, "rmse") || !strcmp(name, "mae") || !strcmp(name, "r2"));
        if (isfinite(t->tested[i]) && !in_units) run_scalar(&t->folder, tag, step, t->tested[i]);
    }
}

void train_log_test(struct training *t)
{
    int64_t step = t->result.steps;
    if (!t->run.test) return;
    const struct target_score *mean = &t->test.mean;
    const struct {
        const char *key, *tag;
        double value;
        bool of_targets;
    } figures[] = { { "loss", "loss/test", t->test_loss, false },
                    { "accuracy", "accuracy/test", t->test_accuracy, false },
                    { "rmse", "rmse/test", mean->rmse, true },
                    { "mae", "mae/test", mean->mae, true },
                    { "r2", "r2/test", mean->r2, true } };
    json_t *line = json_pack("{s:s, s:I}", "event", "test", "step", (json_int_t)step);
    log_tested(t, step, &line);
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        if (figures[i].of_targets && !t->test.score) continue;
        json_set(&line, figures[i].key, json_number(figures[i].value));
        if (isfinite(figures[i].value)) run_scalar(&t->folder, figures[i].tag, step, figures[i].value);
    }
    run_log(&t->folder, line);
}

static bool time_to_log(const struct training *t, const struct hsgd_progress *p)
{
    return p->epoch_end || (p->step - t->logged_step >= LOG_STEPS && now_seconds() - t->logged >= LOG_SECONDS);
}

/* ---------------------------------------------------------------- progress */

/* Work of evaluations is not counted. */
static void count_work(struct training *t, bool epoch_end)
{
    struct usage now;
    usage_now(t->run.ctx, &now);
    if (!epoch_end) {
        struct usage window = now;
        usage_since(&t->mark, &window);
        usage_add(&t->used, &window);
    }
    t->mark = now;
}

bool train_progress(void *user, const struct hsgd_progress *p)
{
    struct training *t = user;
    draw(t, p);
    if (!p->evaluating) {
        count_work(t, p->epoch_end);
        if (time_to_log(t, p)) log_progress(t, p);
        if (p->epoch_end && !t->s->quiet && !t->s->json) print_epoch(t, p);
    }
    if (signals_checkpoint()) hsgd_checkpoint_request(t->run.trainer);
    return !signals_stop();
}
