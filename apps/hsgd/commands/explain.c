/* SPDX-License-Identifier: BSD-3-Clause */
/* hsgd explain */
#include "explain.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "draw/draw.h"
#include "lib/folders.h"
#include "lib/inputs.h"
#include "lib/json.h"
#include "lib/text.h"

struct explanation {
    struct opened o;
    struct explainer e;
    const struct settings *s;
    char folder[EXPLAIN_PATH]; /* "": no pictures */
    json_t *list;              /* with --json */
    int samples;
    int64_t chosen; /* class or target; -1: the predicted class, all targets */
};

/* ------------------------------------------------------------ class or target */

/* Classes or targets of a sample; HSGD_ANY: it depends on open sizes. */
static int64_t count_scores(const struct opened *o)
{
    struct hsgd_session_value v;
    if (o->predicts_targets) return o->targets.channels;
    if (hsgd_session_result_get(o->run.predictor, 0, &v, sizeof v)) return HSGD_ANY;
    return o->predicts_positions ? hsgd_type_channels(&v.type) : hsgd_type_size(&v.type);
}

static const char *score_name(const struct opened *o, int64_t i, char number[TARGET_NAME])
{
    const struct target_columns *t = &o->targets;
    return o->predicts_targets ? target_column_name(&t->field, t->channels, (int)i, number)
                               : class_name(o, NULL, (int)i);
}

static int refuse_name(const struct opened *o, const char *option, const char *name, int64_t n)
{
    char names[400] = "", number[TARGET_NAME];
    size_t used = 0;
    for (int64_t i = 0; i < n && used < sizeof names; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", score_name(o, i, number));
    return report_error(USAGE, "%s \"%s\" is not one of %s", option, name, names);
}

/* By its name, or else its number from 0. */
static int find_score(const struct opened *o, const char *option, const char *name, int64_t *out)
{
    char number[TARGET_NAME], *end;
    int64_t n = count_scores(o);
    for (int64_t i = 0; i < n; i++)
        if (!strcmp(score_name(o, i, number), name)) {
            *out = i;
            return OK;
        }
    long long i = strspn(name, "0123456789") == strlen(name) ? strtoll(name, &end, 10) : -1;
    *out = i;
    return i >= 0 && (n < 0 || i < n) ? OK : refuse_name(o, option, name, n);
}

static int choose_score(struct explanation *x)
{
    const struct opened *o = &x->o;
    const struct settings *s = x->s;
    x->chosen = -1;
    if (o->predicts_boxes)
        return report_error(USAGE, "%s: it predicts boxes, and only scores of classes and targets are explained",
                            o->path);
    if (o->predicts_targets && o->targets.size != o->targets.channels)
        return report_error(USAGE, "%s: its targets have the shape of %lld positions, and only one vector is explained",
                            o->path, (long long)(o->targets.size / o->targets.channels));
    if (s->class_name && o->predicts_targets)
        return report_error(USAGE, "--class \"%s\": the model predicts numbers; --target names one", s->class_name);
    if (s->target && !o->predicts_targets)
        return report_error(USAGE, "--target \"%s\": the model predicts classes; --class names one", s->target);
    if (s->class_name) return find_score(o, "--class", s->class_name, &x->chosen);
    return s->target ? find_score(o, "--target", s->target, &x->chosen) : OK;
}

/* ------------------------------------------------------------------- samples */

static int report(struct explanation *x, struct explained *one)
{
    int code = *x->folder ? explain_draw(one, x->folder, (int)x->s->rows) : OK;
    if (code) return code;
    if (!x->s->json) return explain_print(one, (int)x->s->rows);
    json_append(&x->list, explain_json(one));
    return OK;
}

/* Output i of the sample, from the first that counts. */
static int explain_score(struct explanation *x, const struct explained *sample, int64_t i)
{
    const struct target_columns *t = &x->o.targets;
    struct explainer *e = &x->e;
    char number[TARGET_NAME];
    struct explained *one = calloc(1, sizeof *one);
    if (!one) return report_error(FAILED, "out of memory");
    *one = *sample;
    one->index = i;
    one->name = score_name(&x->o, i, number);
    one->unit = 1;
    one->probability = NAN;
    if (!x->o.predicts_targets) one->probability = (double)e->output[e->shown + i];
    if (x->o.predicts_targets && t->norm) {
        int64_t c = t->norm->channels > 1 ? i : 0;
        one->unit = 1 / t->norm->inv_std[c];
        one->offset = t->norm->mean[c];
    }
    int code = e->integrates ? explainer_integrate(e, e->shown + i, &one->integral) : OK;
    if (!code && e->layer) code = explainer_grad_cam(e, e->shown + i, &one->map);
    if (!code) code = report(x, one);
    integral_free(&one->integral);
    free(one->map);
    free(one);
    return code;
}

static int64_t predicted(const struct explainer *e)
{
    int64_t best = 0;
    for (int64_t i = 1; i < e->classes; i++)
        if (e->output[e->shown + i] > e->output[e->shown + best]) best = i;
    return best;
}

static int explain_sample(struct explanation *x, const char *input, const struct hsgd_data *d, int64_t row)
{
    struct explained sample = { .e = &x->e, .input = input, .row = row, .rows = hsgd_data_count(d) };
    int code = explainer_read(&x->e, d, row);
    if (code) return code;
    sample.number = ++x->samples;
    if (x->chosen >= x->e.classes)
        return report_error(USAGE, "%s: the model has %lld outputs for it", input, (long long)x->e.classes);
    if (x->chosen >= 0) return explain_score(x, &sample, x->chosen);
    if (!x->o.predicts_targets) return explain_score(x, &sample, predicted(&x->e));
    for (int64_t i = 0; !code && i < x->o.targets.channels; i++) code = explain_score(x, &sample, i);
    return code;
}

static int explain_input(void *user, const char *name, const struct hsgd_data *d)
{
    int code = OK;
    for (int64_t i = 0; !code && i < hsgd_data_count(d); i++) code = explain_sample(user, name, d, i);
    return code;
}

/* ------------------------------------------------------------------- folder */

static int check_folder(struct explanation *x)
{
    const char *out = x->s->out;
    if (!out) return OK;
    if (snprintf(x->folder, sizeof x->folder, "%s", out) >= (int)sizeof x->folder)
        return report_error(USAGE, "--out is longer than %d bytes", EXPLAIN_PATH - 1);
    int filled = folder_is_filled(out);
    if (filled < 0) return report_error(USAGE, "--out \"%s\": %s", out, strerror(-filled));
    return filled ? report_error(USAGE, "--out \"%s\": the folder is not empty", out) : drawing_check("--out", out);
}

/* --out, or for text a new folder where pictures can be drawn. */
static int make_folder(struct explanation *x)
{
    int err = 0;
    if (*x->folder) err = folder_make(x->folder);
    else if (!x->s->json && drawing_is_built())
        err = folder_make_dated(x->folder, sizeof x->folder, "explained", hsgd_model_name(x->o.run.model));
    return err ? report_error(exit_code(err), "%s: cannot create the folder: %s", x->folder, strerror(-err)) : OK;
}

int cmd_explain(struct settings *s)
{
    struct explanation x = { .s = s };
    struct inputs in = { &x.o, explain_input, &x, 0, 0 };
    int code = inputs_check(s);
    if (!code) code = check_folder(&x);
    if (!code) code = open_checkpoint(&x.o, s);
    if (!code) code = choose_score(&x);
    if (!code) code = explainer_open(&x.e, &x.o, s);
    if (!code && s->json) x.list = json_array();
    if (!code) code = make_folder(&x);
    if (!code) code = inputs_read(&in, s);
    if (!code && s->json)
        code = json_print(json_pack("{s:o, s:O}", "checkpoint", json_text(x.o.path), "explanations", x.list));
    else if (!code) code = flush_output();
    if (!code && in.refused) code = FAILED;
    json_decref(x.list);
    explainer_close(&x.e);
    close_checkpoint(&x.o);
    return code;
}
