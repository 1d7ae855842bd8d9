/* SPDX-License-Identifier: BSD-3-Clause */
/* The output of hsgd train before and after the training. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/bar.h"
#include "lib/json.h"
#include "lib/report.h"
#include "lib/text.h"
#include "train.h"

static int64_t count(const struct hsgd_data *d) { return d ? hsgd_data_count(d) : 0; }

static void print_run(const struct training *t)
{
    if (!*t->folder.name) return;
    char from[60] = "";
    if (t->folder.step >= 0) snprintf(from, sizeof from, ", resumed from step %lld", (long long)t->folder.step);
    text_field("run", "%s%s", t->folder.name, from);
}

static void print_columns(const struct training *t)
{
    char line[120], train[13], validation[13];
    int shown = train_shown(t);
    const char *name = shown < 0 ? "loss" : hsgd_model_metric_name(t->run.model, shown);
    if (!strcmp(name, "accuracy")) name = "acc";
    snprintf(train, sizeof train, "train %s", name);
    snprintf(validation, sizeof validation, "val %s", name);
    if (shown < 0) snprintf(line, sizeof line, "epoch       loss %12s    samples/s   seconds", validation);
    else snprintf(line, sizeof line, "epoch       loss %12s %12s    samples/s   seconds", train, validation);
    bar_table(line);
}

void train_print_header(const struct training *t)
{
    const struct hsgd_train_options *o = &t->options;
    const struct hsgd_data *read = t->run.whole ? t->run.whole : t->run.train;
    char split[40] = "";
    if (t->run.whole && t->run.validation) snprintf(split, sizeof split, " (seed %lld)", (long long)t->s->seed);
    print_run(t);
    text_field("model", "%s, %lld parameters", t->s->model, (long long)hsgd_model_parameters(t->run.model));
    text_field("data", "%s: %s", hsgd_data_name(read), summary_of(read).text);
    if (t->run.validation && !t->run.whole)
        text_field("validation", "%s: %s", hsgd_data_name(t->run.validation), summary_of(t->run.validation).text);
    text_field("", "%lld training, %lld validation%s and %lld test samples", (long long)count(t->run.train),
               (long long)count(t->run.validation), split, (long long)count(t->run.test));
    text_field("training", "%lld steps, batch size %d, %s, lr %g, %s", (long long)o->steps, o->batch_size,
               hsgd_optimizer_name(o->optimizer), o->learning_rate, hsgd_schedule_name(o->schedule));
    if (o->ema_decay > 0) text_field("", "moving average of the weights, decay %g", (double)o->ema_decay);
    train_print_groups(t);
    print_devices(t->run.ctx, t->s->devices);
    if (t->s->dry_run) return;
    putchar('\n');
    print_columns(t);
    fflush(stdout);
}

int train_print_dry_run(const struct training *t)
{
    if (!t->s->json) {
        train_print_header(t);
        text_field("plan", "%d cells per step, %.3f ms predicted", t->plan.ncells, t->plan.predicted_step_ms);
        puts("\nall checks passed; nothing was trained or written");
        return flush_output();
    }
    return json_print(
        json_pack("{s:b, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:i, s:I, s:o}", "dry_run", true, "resume_step",
                  t->folder.step < 0 ? json_null() : json_integer(t->folder.step), "model", json_text(t->s->model),
                  "data", json_text(t->s->data), "train_samples", (json_int_t)count(t->run.train), "validation_samples",
                  (json_int_t)count(t->run.validation), "test_samples", (json_int_t)count(t->run.test), "steps",
                  (json_int_t)t->options.steps, "batch_size", t->options.batch_size, "parameters",
                  (json_int_t)hsgd_model_parameters(t->run.model), "plan", plan_json(&t->plan)));
}

static json_t *json_replica(const struct hsgd_replica *r)
{
    double mean = (double)r->missed / (double)r->merges;
    return json_pack("{s:s, s:I, s:I, s:i, s:o, s:I, s:I, s:o, s:i}", "device", r->device, "updates",
                     (json_int_t)r->updates, "samples", (json_int_t)r->samples, "batch_size", r->batch_size,
                     "learning_rate", json_number(r->learning_rate), "merges", (json_int_t)r->merges, "stale_merges",
                     (json_int_t)r->stale, "mean_staleness", json_number(mean), "largest_staleness", r->max_missed);
}

/* Statistics of the replicas; null without any. */
static json_t *json_server(const struct hsgd_fit_result *r)
{
    json_t *stale = json_array(), *replicas = json_array();
    for (int i = 0; i < HSGD_KEPT_STALENESS; i++) json_append(&stale, json_integer(r->stale[i]));
    for (int i = 0; i < r->replicas; i++) json_append(&replicas, json_replica(&r->replica[i]));
    json_t *all = json_pack("{s:I, s:I, s:o, s:o}", "pushes", (json_int_t)r->pushes, "merges", (json_int_t)r->merges,
                            "staleness", stale, "replicas", replicas);
    if (r->replicas) return all;
    json_decref(all);
    return json_null();
}

static void print_server(const struct hsgd_fit_result *r)
{
    if (!r->replicas) return;
    printf("\n%-12s %10s %12s %8s %10s\n", "replica", "updates", "samples", "batch", "last lr");
    for (int i = 0; i < r->replicas; i++) {
        const struct hsgd_replica *p = &r->replica[i];
        printf("%-12s %10lld %12lld %8d %10.3g\n", p->device, (long long)p->updates, (long long)p->samples,
               p->batch_size, p->learning_rate);
    }
    if (r->merges)
        printf("%lld merges, %.1f %% of them stale\n", (long long)r->merges,
               100.0 * (double)(r->merges - r->stale[0]) / (double)r->merges);
}

/* Why a training ended; no sentence if it did all its steps. */
static const struct {
    const char *name, *sentence;
} ends[] = {
    [HSGD_FIT_DONE] = { "done", NULL },
    [HSGD_FIT_STOPPED] = { "stopped", NULL },
    [HSGD_FIT_PATIENCE] = { "patience", "stopped early: validation has not improved (--patience)" },
    [HSGD_FIT_TARGET] = { "stop-at", "stopped early: the validation accuracy of --stop-at is reached" },
    [HSGD_FIT_TIME] = { "time-limit", "stopped early: the time limit is reached" },
};

/* The metrics of a split by name, null where it was not evaluated; those of targets
 * in their units. */
static json_t *json_metrics(const struct training *t, const double *figure, const struct regression *r)
{
    const char *name;
    if (isnan(figure[0])) return json_null();
    json_t *all = json_object();
    for (int i = 0; (name = hsgd_model_metric_name(t->run.model, i)); i++) json_set(&all, name, json_number(figure[i]));
    if (r && r->score) {
        json_set(&all, "rmse", json_number(r->mean.rmse));
        json_set(&all, "mae", json_number(r->mean.mae));
        json_set(&all, "r2", json_number(r->mean.r2));
    }
    return all;
}

/* *report: NULL if memory is exhausted. */
static int json_report(const struct training *t, json_t **report)
{
    const struct hsgd_fit_result *r = &t->result;
    char digest[65];
    int err = hsgd_model_digest(t->run.model, digest);
    if (err) return library_error(&t->run, err);
    json_t *losses = json_array();
    for (int i = 0; i < r->losses; i++) json_append(&losses, json_number(r->loss[i]));
    *report = json_pack(
        "{s:s, s:o, s:o, s:i, s:I, s:i, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o, "
        "s:o, s:s, s:o}",
        "end", ends[r->end].name, "model", json_text(t->s->model), "data", json_text(t->s->data), "epochs", r->epochs,
        "steps", (json_int_t)r->steps, "batch_size", t->options.batch_size, "seed", (json_int_t)t->s->seed,
        "parameters", (json_int_t)hsgd_model_parameters(t->run.model), "train_loss", json_number(r->train_loss),
        "train_accuracy", json_number(r->train_accuracy), "validation_accuracy", json_number(r->validation_accuracy),
        "test_loss", json_number(t->test_loss), "test_accuracy", json_number(t->test_accuracy), "samples_per_second",
        json_number((double)r->samples / r->seconds), "step_ms_median", json_number(1e3 * r->step_seconds_median),
        "seconds", json_number(r->seconds), "losses", losses, "devices", json_usage(&t->used, r->seconds),
        "final_weights_sha256", digest, "run", json_text(t->folder.name), "best_step",
        r->best_step ? json_integer(r->best_step) : json_null(), "best_validation_accuracy",
        json_number(r->best_accuracy), "algorithm", hsgd_algorithm_name(t->options.algorithm), "server",
        json_server(r));
    json_set(report, "best_validation_loss", json_number(r->best_loss));
    json_set(report, "peak_memory", json_peak_memory(t->run.ctx));
    json_set(report, "best_metric", json_text(hsgd_model_metric_name(t->run.model, train_best(t))));
    json_set(report, "metrics",
             json_pack("{s:o, s:o, s:o, s:o}", "train", json_metrics(t, r->train, NULL), "validation",
                       json_metrics(t, r->validation, &t->validation), "test", json_metrics(t, t->tested, &t->test),
                       "best", json_metrics(t, r->best, NULL)));
    return OK;
}

/* In the folder of the run, for hsgd compare. */
static void write_report(const struct training *t, const json_t *report)
{
    char *text = json_dumps(report, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    const char *path = run_path(&t->folder, RUN_REPORT);
    int err = text ? hsgd_file_write(t->run.ctx, path, text, strlen(text)) : -ENOMEM;
    if (err) report_warning("%s: %s", path, strerror(-err));
    free(text);
}

/* "best validation accuracy 98.20%", "best validation loss 0.1234" */
static const char *best_text(const struct training *t, char text[100])
{
    int best = train_best(t);
    const char *name = hsgd_model_metric_name(t->run.model, best);
    double value = t->result.best[best];
    if (!strcmp(name, "accuracy")) snprintf(text, 100, "best validation accuracy %.2f%%", 100 * value);
    else snprintf(text, 100, "best validation %s %.4g", name, value);
    return text;
}

static void print_summary(const struct training *t)
{
    const struct hsgd_fit_result *r = &t->result;
    char best[100];
    if (ends[r->end].sentence) printf("%s\n", ends[r->end].sentence);
    if (r->best_step) printf("%s at step %lld\n", best_text(t, best), (long long)r->best_step);
}

double train_step_seconds(const struct training *t)
{
    int64_t steps = t->result.steps - t->first_step;
    return steps > 0 ? t->result.seconds / (double)steps : NAN;
}

/* The only line with --quiet; without test samples it then has the best validation
 * metric.  For a resumed run it has the number of steps since. */
static void print_result(const struct training *t)
{
    const struct hsgd_fit_result *r = &t->result;
    const struct target_score *mean = &t->test.mean;
    char best[100];
    if (t->test.score)
        printf("test loss %.4g, RMSE %.4g, MAE %.4g, R2 %.4f; ", t->test_loss, mean->rmse, mean->mae, mean->r2);
    else if (t->run.test && isnan(t->test_accuracy)) printf("test loss %.4g; ", t->test_loss);
    else if (t->run.test) printf("test accuracy %.2f%%, loss %.4g; ", 100 * t->test_accuracy, t->test_loss);
    else if (t->s->quiet && r->best_step) printf("%s; ", best_text(t, best));
    printf("%lld steps", (long long)r->steps);
    if (r->samples && t->first_step) printf(", %lld of them now", (long long)(r->steps - t->first_step));
    if (r->samples) printf(" in %.2f s", r->seconds);
    putchar('\n');
}

int train_report(const struct training *t)
{
    const struct hsgd_fit_result *r = &t->result;
    json_t *report = NULL;
    int code = json_report(t, &report);
    if (code) return code;
    write_report(t, report);
    if (t->s->json) return json_print(report);
    json_decref(report);
    if (!t->s->quiet) {
        putchar('\n');
        print_summary(t);
    }
    print_result(t);
    if (t->s->quiet || !r->samples) return flush_output();
    printf("%.0f samples/s, %.3f ms per step\n", (double)r->samples / r->seconds, 1e3 * train_step_seconds(t));
    putchar('\n');
    print_usage(&t->used, r->seconds);
    print_peak_memory(t->run.ctx);
    print_server(r);
    return flush_output();
}
