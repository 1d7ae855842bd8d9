/* SPDX-License-Identifier: BSD-3-Clause */
/* hsgd eval */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "draw/draw.h"
#include "eval_targets.h"
#include "lib/checkpoint.h"
#include "lib/json.h"
#include "lib/measure.h"
#include "lib/options.h"
#include "lib/report.h"
#include "lib/text.h"
#include "lib/translation.h"

#define CHUNK 2048     /* samples in memory at once */
#define MAX_CLASSES 20 /* of a confusion matrix as text */
#define LABEL 24       /* columns of a class's name */

/* ---------------------------------------------------------------- measure */

/* Whether the targets are columns, which are found by their names. */
static bool has_target_columns(const struct hsgd_record *r)
{
    struct hsgd_data_field f;
    for (int i = 0; hsgd_record_field_get(r, i, &f, sizeof f); i++)
        if (!strcmp(f.name, "target")) return f.column;
    return false;
}

/* Options that were given, or else those in config.yaml of the run. */
static struct hsgd_data_options data_options(const struct opened *o, const struct settings *s,
                                             const struct settings *run)
{
    bool columns = has_target_columns(o->info->record);
    double part = 0;
    if (run) test_part(run, &part);
    return (struct hsgd_data_options){ .size = sizeof(struct hsgd_data_options),
                                       .format = s->format || !run ? s->format : run->format,
                                       .label = s->label || s->target || !run ? s->label : run->label,
                                       .target = s->target || !run || columns ? s->target : run->target,
                                       .resize = (int)(s->resize || !run ? s->resize : run->resize),
                                       .keep_going = s->keep_going || (run && run->keep_going),
                                       .ignore = s->ignore,
                                       .window = (int)(s->window || !run ? s->window : run->window),
                                       .stride = (int)(s->stride || !run ? s->stride : run->stride),
                                       .tokens = s->tokens || !run ? s->tokens : run->tokens,
                                       .test_part = part,
                                       .fields = s->fields || !run ? s->fields : run->fields,
                                       .record = o->info->record,
                                       .reports_passed = !s->json };
}

static int choose_part(struct opened *o, struct evaluation *e, const struct settings *s, const char *what)
{
    bool given = option_given(s, option_named("split", EVAL)), train = !o->run.test || (given && !s->split);
    e->part = train ? o->run.test ? "train" : "all" : "test";
    if (given && s->split && train) return report_error(USAGE, "--split test: \"%s\" has no test split", what);
    if (!train) {
        hsgd_data_destroy(&o->run.whole);
        o->run.whole = o->run.test;
        o->run.test = NULL;
    }
    return OK;
}

static int open_given(struct opened *o, struct evaluation *e, const struct settings *s)
{
    struct hsgd_data_options options = data_options(o, s, NULL);
    int err = hsgd_data_read(o->run.ctx, s->data, &options, &o->run.whole, &o->run.test);
    if (err) return report_error(data_exit_code(err), "--data \"%s\": %s", s->data, hsgd_error(o->run.ctx));
    return choose_part(o, e, s, s->data);
}

/* Without --data: only the data of the run.  A checkpoint outside a run does not
 * know it, unless it was the built-in data. */
static int open_own(struct opened *o, struct evaluation *e, const struct settings *s)
{
    const struct own_data *own = &e->own;
    const char *what = own->s.data ? own->s.data : "digits";
    bool digits = !strcmp(hsgd_record_format(o->info->record), what);
    if (!*own->config && !digits)
        return report_error(USAGE, "--data is missing: %s is not in the folder of a run, which would name its data",
                            o->path);
    bool train = option_given(s, option_named("split", EVAL)) && !s->split, test = own->s.test && !train;
    double part = 0;
    int code = test ? test_part(&own->s, &part) : OK;
    if (code) return code;
    test = test && part == 0;
    struct hsgd_data_options options = data_options(o, s, &own->s);
    if (test) {
        what = own->s.test;
        options.format = s->format;
    }
    int err = hsgd_data_read(o->run.ctx, what, &options, &o->run.whole, &o->run.test);
    if (err)
        return report_error(data_exit_code(err), "data \"%s\" of %s: %s; --data can name its new location", what,
                            own->config, hsgd_error(o->run.ctx));
    if (!test || o->run.test) return choose_part(o, e, s, what);
    e->part = "test";
    return OK;
}

static int open_samples(struct opened *o, struct evaluation *e, const struct settings *s)
{
    if (s->data) return open_given(o, e, s);
    int code = own_data_find(&e->own, o->path);
    return code ? code : open_own(o, e, s);
}

/* Whether the figures of the model are all there is. */
static bool has_figures_only(const struct opened *o) { return o->predicts_positions || o->predicts_boxes; }

/* Counts samples by true class and largest output. */
static int count(const struct opened *o, struct evaluation *e)
{
    int outputs = hsgd_model_outputs(o->run.model), code = OK;
    float *out = malloc(sizeof *out * CHUNK * (size_t)outputs);
    int32_t labels[CHUNK];
    if (!out) return report_error(FAILED, "out of memory for %d outputs", outputs);
    for (int64_t at = 0; !code && at < e->samples; at += CHUNK) {
        int n = e->samples - at < CHUNK ? (int)(e->samples - at) : CHUNK;
        code = predict_data(o, o->run.whole, at, n, out, labels);
        for (int i = 0; !code && i < n; i++) {
            const float *y = out + (int64_t)i * outputs;
            int best = 0;
            for (int k = 1; k < outputs; k++)
                if (y[k] > y[best]) best = k;
            e->confusion[labels[i] * e->classes + best]++;
        }
    }
    free(out);
    return code;
}

static int count_classes(const struct opened *o, struct evaluation *e)
{
    e->classes = hsgd_model_outputs(o->run.model);
    e->confusion = calloc((size_t)e->classes * (size_t)e->classes, sizeof *e->confusion);
    e->name = calloc((size_t)e->classes, sizeof *e->name);
    if (!e->confusion || !e->name) return report_error(FAILED, "out of memory for %d classes", e->classes);
    for (int i = 0; i < e->classes; i++)
        if (!(e->name[i] = strdup(class_name(o, o->run.whole, i)))) return report_error(FAILED, "out of memory");
    return count(o, e);
}

static int evaluate(const struct opened *o, struct evaluation *e, const struct settings *s)
{
    double began = now_seconds();
    e->samples = hsgd_data_count(o->run.whole);
    e->data = hsgd_data_name(o->run.whole);
    e->model = hsgd_model_name(o->run.model);
    while (hsgd_model_metric_name(o->run.model, e->metrics)) e->metrics++;
    int err = hsgd_trainer_measure(o->run.trainer, o->run.whole, e->figure, e->metrics); /* checks the fields, too */
    if (err) return library_error(&o->run, err);
    int code = OK;
    if (o->predicts_targets) code = regression_measure(&o->run, o->norm, &o->targets, o->run.whole, &e->regression);
    else if (!has_figures_only(o)) code = count_classes(o, e);
    else if ((e->has_exact = translates(o))) code = translation_measure(o, s, o->run.whole, &e->exact);
    e->seconds = now_seconds() - began;
    return code;
}

/* ----------------------------------------------------------------- report */

static json_t *json_class(const struct evaluation *e, int i)
{
    struct class_score s = class_score(e, i);
    return json_pack("{s:o, s:I, s:I, s:o, s:o, s:o}", "name", json_text(e->name[i]), "samples", (json_int_t)s.samples,
                     "predicted", (json_int_t)s.predicted, "precision", json_number(s.precision), "recall",
                     json_number(s.recall), "f1", json_number(s.f1));
}

/* What classes and targets have in common. */
static json_t *json_head(const struct opened *o, const struct evaluation *e)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:s, s:I, s:o, s:o, s:o}", "checkpoint", json_text(o->path), "model",
                     json_text(e->model), "step", o->info->step < 0 ? json_null() : json_integer(o->info->step), "data",
                     json_text(e->data), "config", *e->own.config ? json_text(e->own.config) : json_null(), "part",
                     e->part, "samples", (json_int_t)e->samples, "loss", json_number(e->figure[0]), "seconds",
                     json_number(e->seconds), "peak_memory", json_peak_memory(o->run.ctx));
}

struct metric {
    const char *name;
    double value;
};

/* Those of the model and these, which are beside the others, too, by the part of the data. */
static void set_metrics(json_t **all, const struct opened *o, const struct evaluation *e, const struct metric *m, int n)
{
    json_t *by_name = json_object();
    for (int i = 0; i < e->metrics; i++)
        json_set(&by_name, hsgd_model_metric_name(o->run.model, i), json_number(e->figure[i]));
    for (int i = 0; i < n; i++) {
        json_set(all, m[i].name, json_number(m[i].value));
        json_set(&by_name, m[i].name, json_number(m[i].value));
    }
    json_set(all, "metrics", json_pack("{s:o}", e->part, by_name));
}

static int print_targets_json(const struct opened *o, const struct evaluation *e)
{
    const struct target_score *mean = &e->regression.mean;
    const struct metric metrics[] = { { "rmse", mean->rmse }, { "mae", mean->mae }, { "r2", mean->r2 } };
    json_t *all = json_head(o, e);
    set_metrics(&all, o, e, metrics, 3);
    json_set(&all, "targets", eval_targets_json(&o->targets, &e->regression));
    return json_print(all);
}

static int print_figures_json(const struct opened *o, const struct evaluation *e)
{
    const struct metric exact = { "exact_match", e->exact };
    json_t *all = json_head(o, e);
    set_metrics(&all, o, e, &exact, e->has_exact);
    return json_print(all);
}

static int print_json(const struct opened *o, const struct evaluation *e)
{
    if (o->predicts_targets) return print_targets_json(o, e);
    if (has_figures_only(o)) return print_figures_json(o, e);
    struct class_score mean = mean_score(e);
    const struct metric metrics[] = { { "accuracy", evaluation_accuracy(e) },
                                      { "precision", mean.precision },
                                      { "recall", mean.recall },
                                      { "f1", mean.f1 } };
    json_t *classes = json_array(), *confusion = json_array(), *all = json_head(o, e);
    for (int i = 0; i < e->classes; i++) {
        json_t *row = json_array();
        for (int k = 0; k < e->classes; k++) json_append(&row, json_integer(e->confusion[i * e->classes + k]));
        json_append(&confusion, row);
        json_append(&classes, json_class(e, i));
    }
    set_metrics(&all, o, e, metrics, sizeof metrics / sizeof *metrics);
    json_set(&all, "classes", classes);
    json_set(&all, "confusion", confusion);
    return json_print(all);
}

static void print_score(const char *name, const struct class_score *s, bool mean)
{
    text_cell(name, LABEL);
    if (mean) printf(" %10s %10s", "", "");
    else printf(" %10lld %10lld", (long long)s->samples, (long long)s->predicted);
    const double fractions[] = { s->precision, s->recall, s->f1 };
    for (int i = 0; i < 3; i++) {
        if (isnan(fractions[i])) printf(" %10s", "-");
        else printf(" %9.2f%%", 100 * fractions[i]);
    }
    putchar('\n');
}

/* Width of the longest name, from `min` to `max` columns. */
static int columns_of(const struct evaluation *e, int min, int max)
{
    for (int i = 0; i < e->classes; i++) {
        char *clean = text_clean(e->name[i]);
        if (clean && text_width(clean) > min) min = text_width(clean);
        free(clean);
    }
    return min < max ? min : max;
}

/* Columns `first` to `end` of the matrix. */
static void print_confused(const struct evaluation *e, int first, int end, int label, int column)
{
    printf("\n%-*s  predicted\n%*s", label, "true", label, "");
    for (int k = first; k < end; k++) {
        printf("  ");
        text_cell(e->name[k], -column);
    }
    putchar('\n');
    for (int i = 0; i < e->classes; i++) {
        text_cell(e->name[i], label);
        for (int k = first; k < end; k++) printf("  %*lld", column, (long long)e->confusion[i * e->classes + k]);
        putchar('\n');
    }
}

/* In blocks of as many columns as fit beside the names. */
static void print_confusion(const struct evaluation *e)
{
    int64_t max = 0;
    for (int i = 0; i < e->classes * e->classes; i++)
        if (e->confusion[i] > max) max = e->confusion[i];
    int digits = snprintf(NULL, 0, "%lld", (long long)max);
    int label = columns_of(e, 4, LABEL), space = (TEXT_COLUMNS - label) / e->classes - 2; /* for all side by side */
    int min = digits > 8 ? digits : 8, column = columns_of(e, digits, space > min ? space : min);
    int across = (TEXT_COLUMNS - label) / (column + 2);
    for (int first = 0; first < e->classes; first += across)
        print_confused(e, first, first + across < e->classes ? first + across : e->classes, label, column);
}

static void print_classes(const struct evaluation *e)
{
    struct class_score mean = mean_score(e);
    text_field("accuracy", "%.2f%%", 100 * evaluation_accuracy(e));
    putchar('\n');
    printf("%-*s %10s %10s %10s %10s %10s\n", LABEL, "class", "samples", "predicted", "precision", "recall", "F1");
    for (int i = 0; i < e->classes; i++) {
        struct class_score s = class_score(e, i);
        print_score(e->name[i], &s, false);
    }
    print_score("mean", &mean, true);
    if (e->classes <= MAX_CLASSES) print_confusion(e);
}

static int print_text(const struct opened *o, const struct evaluation *e)
{
    char step[40] = "";
    if (o->info->step >= 0) snprintf(step, sizeof step, ", step %lld", (long long)o->info->step);
    text_field("checkpoint", "%s%s", o->path, step);
    text_field("model", "%s, %lld parameters", e->model, (long long)hsgd_model_parameters(o->run.model));
    text_field("data", "%s (%s): %s", e->data, e->part, summary_of(o->run.whole).text);
    if (*e->own.config) text_field("", "as in %s", e->own.config);
    text_field("loss", "%.4g", e->figure[0]);
    for (int i = 1; i < e->metrics; i++)
        if (has_figures_only(o) || strcmp(hsgd_model_metric_name(o->run.model, i), "accuracy"))
            text_field(hsgd_model_metric_name(o->run.model, i), "%.4g", e->figure[i]);
    if (e->has_exact) text_field("exact match", "%.2f%%", 100 * e->exact);
    if (o->predicts_targets) eval_targets_print(&o->targets, &e->regression);
    else if (!has_figures_only(o)) print_classes(e);
    putchar('\n');
    print_peak_memory(o->run.ctx);
    return flush_output();
}

/* Only of classes. */
static int check_drawing(const struct opened *o, const struct settings *s)
{
    if (!(s->png || s->svg) || !(o->predicts_targets || has_figures_only(o))) return OK;
    if (has_figures_only(o))
        return report_error(USAGE, "%s: a confusion matrix needs one class per sample, and the model predicts %s",
                            s->png ? "--png" : "--svg", o->predicts_boxes ? "boxes" : "one at each position");
    return report_error(USAGE, "%s: a confusion matrix needs classes, and the model predicts \"%s\"",
                        s->png ? "--png" : "--svg", o->targets.field.column ? o->targets.field.column[0] : "target");
}

int cmd_eval(struct settings *s)
{
    struct opened o = { 0 };
    struct evaluation e = { 0 };
    int code = require_words(s, 0);
    if (!code && (s->png || s->svg)) code = drawing_check(s->png ? "--png" : "--svg", s->png ? s->png : s->svg);
    if (!code) code = open_checkpoint(&o, s);
    if (!code) code = check_drawing(&o, s);
    if (!code) code = open_samples(&o, &e, s);
    if (!code) code = set_buckets(&o.run, s->buckets || !*e.own.config ? s : &e.own.s, o.run.whole);
    if (!code) code = open_evaluator(&o, s);
    if (!code) code = evaluate(&o, &e, s);
    if (!code && (s->png || s->svg)) code = draw_confusion(&e, s->png, s->svg);
    if (!code) code = s->json ? print_json(&o, &e) : print_text(&o, &e);
    for (int i = 0; e.name && i < e.classes; i++) free((char *)e.name[i]);
    free(e.name);
    free(e.confusion);
    regression_free(&e.regression);
    own_data_free(&e.own);
    close_checkpoint(&o);
    return code;
}
