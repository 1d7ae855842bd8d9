/* SPDX-License-Identifier: BSD-3-Clause */
/* hsgd predict */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdio.h>
#include <stdlib.h>

#include "commands.h"
#include "lib/checkpoint.h"
#include "lib/inputs.h"
#include "lib/json.h"
#include "lib/sizes.h"
#include "lib/text.h"
#include "predict_boxes.h"

#define CHUNK 2048 /* samples in memory at once */
#define SHOWN 3    /* classes of a line of text */
#define SHOWN_TARGETS 8

struct prediction {
    struct opened o;
    bool json;
    json_t *list;         /* of predictions, with --json */
    int outputs, classes; /* of a sample; classes: of the last of its positions */
    struct boxes_prediction boxes;
};

/* ------------------------------------------------------------------ output */

/* The next largest output after `last`; ties are ordered by index. */
static int next_best(const float *y, int n, int last)
{
    int best = -1;
    for (int i = 0; i < n; i++) {
        bool after = last < 0 || y[i] < y[last] || (y[i] == y[last] && i > last);
        if (after && (best < 0 || y[i] > y[best])) best = i;
    }
    return best;
}

static void add_json(struct prediction *p, const char *input, int64_t row, const float *y)
{
    json_t *values = json_array();
    int best = next_best(y, p->classes, -1);
    for (int i = 0; i < p->classes; i++) json_append(&values, json_number(y[i]));
    json_append(&p->list,
                json_pack("{s:o, s:I, s:o, s:i, s:o}", "input", json_text(input), "row", (json_int_t)row, "class",
                          json_text(class_name(&p->o, NULL, best)), "index", best, "probabilities", values));
}

/* ---------------------------------------------------------------- targets */

/* The targets of a vector by name; of other shapes all values. */
static void add_targets_json(struct prediction *p, const char *input, int64_t row, const double *v)
{
    const struct target_columns *t = &p->o.targets;
    json_t *by_name = json_object(), *values = json_array();
    char number[TARGET_NAME];
    for (int i = 0; t->size == t->channels && i < t->channels; i++)
        json_set(&by_name, target_column_name(&t->field, t->channels, i, number), json_number(v[i]));
    for (int64_t i = 0; i < t->size; i++) json_append(&values, json_number(v[i]));
    json_append(&p->list, json_pack("{s:o, s:I, s:o, s:o}", "input", json_text(input), "row", (json_int_t)row,
                                    "targets", by_name, "values", values));
}

/* "price 12.5 rooms 3", the first SHOWN_TARGETS; NULL: out of memory. */
static char *target_values(const struct prediction *p, const double *v)
{
    const struct target_columns *t = &p->o.targets;
    char *text, number[TARGET_NAME];
    size_t size;
    FILE *out = open_memstream(&text, &size);
    for (int64_t i = 0; out && i < t->size && i <= SHOWN_TARGETS; i++) {
        if (i == SHOWN_TARGETS) fputs(" ...", out);
        else if (t->size > t->channels) fprintf(out, "%s%.7g", i ? " " : "", v[i]);
        else fprintf(out, "%s%s %.7g", i ? " " : "", target_column_name(&t->field, t->channels, (int)i, number), v[i]);
    }
    return out && !fclose(out) ? text : NULL;
}

/* ----------------------------------------------------------------- classes */

/* " 7 0.9132 1 0.0521"; NULL: out of memory. */
static char *best_classes(const struct prediction *p, const float *y)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    for (int i = 0, k = -1; out && i < SHOWN && i < p->classes; i++) {
        k = next_best(y, p->classes, k);
        fprintf(out, "%s%s %.4f", i ? " " : "", class_name(&p->o, NULL, k), y[k]);
    }
    return out && !fclose(out) ? text : NULL;
}

/* One line per sample if it fits, else the input, then its classes or targets on
 * indented lines.  best: that text, which is freed, or NULL. */
static int print_line(const char *input, int64_t row, int64_t rows, char *best)
{
    char number[24] = "", *line = NULL;
    if (rows > 1) snprintf(number, sizeof number, ":%lld", (long long)row + 1);
    int code =
        best && asprintf(&line, "%s%s  %s", input, number, best) >= 0 ? OK : report_error(FAILED, "out of memory");
    if (!code && text_fits(line)) {
        text_wrap(0, 4, "%s", line);
    } else if (!code) {
        text_wrap(0, 0, "%s%s", input, number);
        text_wrap(printf("%4s", ""), 4, "%s", best);
    }
    if (!code) free(line);
    free(best);
    return code;
}

/* ----------------------------------------------------------------- predict */

static int show(struct prediction *p, const char *name, const struct hsgd_data *d, int64_t row, const float *y)
{
    if (p->o.predicts_boxes) return boxes_show(&p->boxes, name, d, row, y);
    double *v = p->o.predicts_targets ? malloc((size_t)p->o.targets.size * sizeof *v) : NULL;
    int code = OK;
    if (p->o.predicts_targets && !v) return report_error(FAILED, "out of memory");
    if (v) target_columns_convert(&p->o.targets, y, v);
    else y += p->outputs - p->classes;
    if (p->json && v) add_targets_json(p, name, row, v);
    else if (p->json) add_json(p, name, row, y);
    else code = print_line(name, row, hsgd_data_count(d), v ? target_values(p, v) : best_classes(p, y));
    free(v);
    return code;
}

/* What the model makes of a sample of this data. */
static int find_outputs(struct prediction *p, const struct hsgd_data *d)
{
    struct hsgd_session_value out;
    int code = predict_sizes(&p->o.run, d);
    if (code) return code;
    int err = hsgd_session_result_get(p->o.run.predictor, 0, &out, sizeof out);
    if (err) return library_error(&p->o.run, err);
    p->outputs = (int)hsgd_type_size(&out.type);
    p->classes = p->o.predicts_positions ? hsgd_type_channels(&out.type) : p->outputs;
    return OK;
}

static int predict_all(struct prediction *p, const char *name, const struct hsgd_data *d)
{
    int64_t rows = hsgd_data_count(d), most = rows < CHUNK ? rows : CHUNK;
    int code = find_outputs(p, d);
    if (code) return code;
    float *out = malloc(sizeof *out * (size_t)most * (size_t)p->outputs);
    if (!out) return report_error(FAILED, "out of memory for %d outputs", p->outputs);
    for (int64_t at = 0; !code && at < rows; at += CHUNK) {
        int n = rows - at < CHUNK ? (int)(rows - at) : CHUNK;
        code = predict_data(&p->o, d, at, n, out, NULL);
        for (int i = 0; !code && i < n; i++) code = show(p, name, d, at + i, out + (int64_t)i * p->outputs);
    }
    free(out);
    return code;
}

static int predict_input(void *user, const char *name, const struct hsgd_data *d) { return predict_all(user, name, d); }

int cmd_predict(struct settings *s)
{
    struct prediction p = { 0 };
    struct inputs in = { &p.o, predict_input, &p, 0, 0 };
    int code = inputs_check(s);
    if (!code) code = open_checkpoint(&p.o, s);
    p.boxes = (struct boxes_prediction){ .o = &p.o, .s = s, .list = &p.list };
    if (!code) code = boxes_open(&p.boxes);
    if (!code && (p.json = s->json)) p.list = json_array();
    if (!code) code = inputs_read(&in, s);
    if (!code) code = p.json ? json_print(json_pack("{s:O}", "predictions", p.list)) : flush_output();
    if (!code && in.refused) code = FAILED;
    json_decref(p.list);
    close_checkpoint(&p.o);
    return code;
}
