/* SPDX-License-Identifier: BSD-3-Clause */
/* hsgd train */
#include "train.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "lib/bar.h"
#include "lib/history.h"
#include "lib/measure.h"
#include "lib/signals.h"
#include "lib/sizes.h"
#include "plot.h"

/* ----------------------------------------------------------------- opening */

static int load_weights(struct training *t)
{
    char path[4096];
    int code = train_initial_path(t, path);
    if (code) return code;
    int err = hsgd_model_load(t->run.model, path);
    return err ? report_error(exit_code(err), "--initial-checkpoint: %s", hsgd_error(t->run.ctx)) : OK;
}

static int load_checkpoint(struct training *t)
{
    char path[RUN_NAME + 64];
    snprintf(path, sizeof path, "%s/step-%lld", t->folder.checkpoints, (long long)t->folder.step);
    int err = hsgd_checkpoint_load(t->run.trainer, path);
    return err ? report_error(exit_code(err), "--resume: %s", hsgd_error(t->run.ctx)) : OK;
}

/* Plans are created before the counters are read: choosing one runs trials. */
static int make_plans(struct training *t)
{
    int64_t n = hsgd_data_count(t->run.train), batch = t->options.batch_size < n ? t->options.batch_size : n;
    int err = hsgd_trainer_plan(t->run.trainer, (int)batch);
    bool partial = n % batch && t->options.steps > n / batch;
    if (err >= 0 && partial) err = hsgd_trainer_plan(t->run.trainer, (int)(n % batch));
    if (err < 0) return library_error(&t->run, err);
    return plan_predict(&t->plan, &t->run, t->s->model, (int)batch, false);
}

int train_metric(const struct training *t, const char *name)
{
    const char *other;
    for (int i = 0; (other = hsgd_model_metric_name(t->run.model, i)); i++)
        if (!strcmp(other, name)) return i;
    return -1;
}

int train_best(const struct training *t)
{
    int accuracy = train_metric(t, "accuracy");
    return t->s->best ? train_metric(t, t->s->best) : accuracy < 0 ? 0 : accuracy;
}

int train_shown(const struct training *t) { return train_best(t) > 0 ? train_best(t) : train_metric(t, "accuracy"); }

static int find_targets(struct training *t)
{
    if (hsgd_data_type(t->run.train, "target").dtype != HSGD_F32) return OK;
    if (t->s->stop_at > 0)
        return report_error(USAGE, "--stop-at %g: the data has no classes, and so no accuracy", t->s->stop_at);
    t->record = hsgd_record_create(t->run.ctx, t->run.train);
    return t->record && target_columns_find(t->record, &t->targets) ? OK : library_error(&t->run, -ENOMEM);
}

static int open_training(struct training *t)
{
    int code = open_context(&t->run, t->s);
    t->run.prints_summary = !t->s->json && !t->s->quiet;
    if (!code) code = train_read_known(t);
    if (!code) code = open_data(&t->run, t->s);
    if (!code) code = train_check_known(t);
    if (!code) code = train_choose_lengths(t);
    if (!code) code = open_model(&t->run, t->s, t->run.train);
    if (!code) code = find_targets(t);
    if (!code) code = open_trainer(&t->run, &t->options);
    if (!code) code = open_sizes(&t->run, t->s);
    if (!code && t->s->initial_checkpoint && t->folder.step < 0) code = load_weights(t);
    if (!code && t->folder.step >= 0) code = load_checkpoint(t);
    return code ? code : make_plans(t);
}

/* -------------------------------------------------------------------- run */

/* The first code that is not OK. */
static int first(int code, int next) { return code ? code : next; }

static int stopped(const struct training *t)
{
    int number = signals_stop();
    return report_error(128 + number, "stopped by %s at step %lld; --out %s --resume continues", signals_name(number),
                        (long long)t->result.steps, t->folder.name);
}

/* The errors of the final model in the units of the targets. */
static int measure_targets(struct training *t)
{
    struct hsgd_normalisation *norm = t->targets.size ? hsgd_data_statistics(t->run.train) : NULL;
    int code = !t->targets.size || norm ? OK : report_error(FAILED, "out of memory");
    if (!code && norm) code = open_predictor(&t->run, t->s);
    if (!code && norm && t->run.validation)
        code = regression_measure(&t->run, norm, &t->targets, t->run.validation, &t->validation);
    if (!code && norm && t->run.test) code = regression_measure(&t->run, norm, &t->targets, t->run.test, &t->test);
    hsgd_normalisation_destroy(&norm);
    return code;
}

/* The test samples, once. */
static int score(struct training *t)
{
    t->testing = true;
    int accuracy = train_metric(t, "accuracy"), err = 0;
    for (int i = 0; i < HSGD_KEPT_METRICS; i++) t->tested[i] = NAN;
    if (t->run.test) err = hsgd_trainer_measure(t->run.trainer, t->run.test, t->tested, t->result.metrics);
    if (err == -EINTR) return stopped(t);
    if (err) return library_error(&t->run, err);
    t->test_loss = t->tested[0];
    t->test_accuracy = accuracy < 0 ? NAN : t->tested[accuracy];
    int code = measure_targets(t);
    if (!code) train_log_test(t);
    return code;
}

/* plan.json and trace.json, also of a run that was stopped early. */
static int write_plan(struct training *t)
{
    if (!t->result.samples) return OK;
    int code = plan_measure(&t->plan, &t->run, 1e3 * train_step_seconds(t));
    if (!code) code = plan_write(&t->plan, &t->run, run_path(&t->folder, "plan.json"));
    return code ? code : trace_write(&t->run, run_path(&t->folder, "trace.json"));
}

/* A plot that cannot be drawn is a warning. */
static void draw_curves(const struct training *t)
{
    char title[300], png[RUN_NAME + 64], svg[RUN_NAME + 64];
    snprintf(title, sizeof title, "%s on %s", t->s->model, t->s->data);
    snprintf(png, sizeof png, "%s", run_path(&t->folder, "curves.png"));
    snprintf(svg, sizeof svg, "%s", run_path(&t->folder, "curves.svg"));
    history_draw(t->folder.name, title, "warning: the plot", png, svg);
}

static int fit(struct training *t)
{
    int err = hsgd_fit(t->run.trainer, t->run.train, t->run.validation, &t->result, sizeof t->result);
    bar_clear();
    if (err == -EDOM) return report_error(NOT_FINITE, "%s; try a smaller --lr or --clip-grad", hsgd_error(t->run.ctx));
    if (err) return library_error(&t->run, err);
    if (t->options.ema_decay > 0) err = hsgd_trainer_use_ema(t->run.trainer); /* as the last checkpoint has them */
    if (err) return library_error(&t->run, err);
    return t->result.end == HSGD_FIT_STOPPED ? stopped(t) : OK;
}

static int train(struct training *t)
{
    int code = run_create(&t->folder, &t->run, t->s);
    if (!code) code = trace_begin(&t->run, t->steps_per_epoch);
    if (code) return code;
    if (!t->s->json && !t->s->quiet) train_print_header(t);
    t->first_step = t->logged_step = t->folder.step < 0 ? 0 : t->folder.step;
    train_log_event(t, "begin", t->first_step);
    usage_now(t->run.ctx, &t->mark);
    t->began = t->logged = now_seconds();
    code = fit(t);
    int written = write_plan(t);
    if (!code) code = score(t);
    bar_clear();
    train_log_event(t, "end", t->result.steps);
    draw_curves(t);
    if (!code) code = train_report(t);
    return first(code, written);
}

int cmd_train(struct settings *s)
{
    struct training t = { .s = s };
    int code = require_words(s, 0);
    if (!code) code = run_choose(&t.folder, s);
    if (!code) code = require_model(s);
    if (!code) code = train_choose_options(&t);
    if (code) return code;
    signals_catch();
    code = open_training(&t);
    if (!code) code = s->dry_run ? train_print_dry_run(&t) : train(&t);
    run_close(&t.folder);
    free(t.group);
    plan_free(&t.plan);
    regression_free(&t.validation);
    regression_free(&t.test);
    hsgd_record_destroy(&t.record);
    close_session(&t.run);
    return code;
}
