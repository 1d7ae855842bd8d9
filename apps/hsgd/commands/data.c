/* SPDX-License-Identifier: BSD-3-Clause */
/* hsgd data info, hsgd data show */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "data_targets.h"
#include "draw/draw.h"
#include "lib/json.h"
#include "lib/text.h"
#include "lib/translation.h"

enum { CLASS = 40 /* columns */ };
static const char *const split_name[SPLITS] = { "train", "test" };

/* A data set; the test split may be NULL. */
struct data_view {
    const struct settings *s;
    struct session *run;
    const char *what;
    struct hsgd_data *split[SPLITS];
};

static bool is_plain(const struct hsgd_data *d) { return hsgd_data_shape(d).h == 1 && hsgd_data_shape(d).w == 1; }

static bool has_tokens(const struct hsgd_data *d) { return hsgd_data_type(d, "x").dtype == HSGD_I32; }

/* ------------------------------------------------------------------ values */

/* Boxes per class; to be freed, NULL: out of memory. */
static int64_t *count_boxes(const struct hsgd_data *d)
{
    const struct hsgd_type type = hsgd_data_type(d, "boxes");
    int64_t size = hsgd_type_size(&type), *count = calloc((size_t)hsgd_data_classes(d) + 1, sizeof *count);
    float *box = malloc((size_t)size * sizeof *box);
    for (int64_t i = 0; count && box && i < hsgd_data_count(d); i++) {
        hsgd_data_gather_field(d, hsgd_data_find(d, "boxes"), &i, 1, NULL, box);
        for (int64_t k = 0; k < size; k += hsgd_type_channels(&type))
            if (box[k] >= 0) count[(int)box[k]]++;
    }
    if (!box) free(count), count = NULL;
    free(box);
    return count;
}

/* Labels per class; to be freed, NULL: out of memory. */
static int64_t *count_classes(const struct hsgd_data *d)
{
    const struct hsgd_type type = hsgd_data_type(d, "label");
    if (type.dtype != HSGD_I32 && hsgd_data_classes(d)) return count_boxes(d);
    int64_t size = hsgd_data_classes(d) ? hsgd_type_size(&type) : 0;
    int64_t *count = calloc((size_t)hsgd_data_classes(d) + 1, sizeof *count);
    int32_t *label = malloc((size_t)(size + 1) * sizeof *label);
    for (int64_t i = 0; count && label && size && i < hsgd_data_count(d); i++) {
        hsgd_data_gather_field(d, hsgd_data_find(d, "label"), &i, 1, NULL, label);
        for (int64_t k = 0; k < size; k++) count[label[k]]++;
    }
    if (!label) free(count), count = NULL;
    free(label);
    return count;
}

/* At most 24 bytes at any scale; returns their number. */
static int write_number(char *out, double x)
{
    bool tiny = x != 0 && fabs(x) < 1e-3;
    return snprintf(out, 25, tiny ? " %.4g" : fabs(x) < 1e9 ? " %.4f" : " %.10g", x);
}

/* "0.1307 0.2", or the range of more than 4 values. */
static void write_numbers(char out[100], const double *v, int n, bool inverse)
{
    double low = INFINITY, high = -INFINITY;
    int used = 0;
    for (int i = 0; i < n; i++) {
        double x = inverse ? 1 / v[i] : v[i];
        low = fmin(low, x);
        high = fmax(high, x);
        if (n <= 4) used += write_number(out + used, x);
    }
    if (n <= 4) return;
    used = write_number(out, low);
    used += sprintf(out + used, " to");
    write_number(out + used, high);
}

/* "28x28x1", "4 features" or "128 tokens" */
static void write_shape(char out[40], const struct hsgd_data *d)
{
    struct hsgd_shape in = hsgd_data_shape(d);
    const char *what = has_tokens(d) ? "token" : "feature";
    if (is_plain(d)) snprintf(out, 40, "%d %s%s", in.c, what, in.c == 1 ? "" : "s");
    else snprintf(out, 40, "%dx%dx%d", in.h, in.w, in.c);
}

static int print_split(const struct hsgd_data *d, const char *name)
{
    struct hsgd_normalisation *n = hsgd_data_statistics(d);
    if (!n && !has_tokens(d)) return report_error(FAILED, "out of memory");
    char mean[100], deviation[100], shape[40], classes[40] = "", values[220] = "";
    if (n) write_numbers(mean, n->mean, n->channels, false);
    if (n) write_numbers(deviation, n->inv_std, n->channels, true);
    if (n) snprintf(values, sizeof values, ", mean%s, std%s", mean, deviation);
    write_shape(shape, d);
    if (hsgd_data_classes(d)) snprintf(classes, sizeof classes, ", %d classes", hsgd_data_classes(d));
    text_wrap(0, 2, "%s: %lld samples of %s%s%s", name, (long long)hsgd_data_count(d), shape, classes, values);
    hsgd_normalisation_destroy(&n);
    return OK;
}

/* -------------------------------------------------------------------- info */

static json_t *json_numbers(const double *v, int n, bool inverse)
{
    json_t *list = json_array();
    for (int i = 0; i < n; i++) json_append(&list, json_number(inverse ? 1 / v[i] : v[i]));
    return list;
}

static json_t *json_split(const struct hsgd_data *d)
{
    if (!d) return json_null();
    if (has_tokens(d))
        return json_pack("{s:I, s:n, s:n}", "samples", (json_int_t)hsgd_data_count(d), "mean", "deviation");
    struct hsgd_normalisation *n = hsgd_data_statistics(d);
    if (!n) return NULL;
    json_t *split =
        json_pack("{s:I, s:o, s:o}", "samples", (json_int_t)hsgd_data_count(d), "mean",
                  json_numbers(n->mean, n->channels, false), "deviation", json_numbers(n->inv_std, n->channels, true));
    hsgd_normalisation_destroy(&n);
    return split;
}

static json_t *json_classes(const struct data_view *l, int64_t *const count[SPLITS])
{
    json_t *list = json_array();
    for (int i = 0; i < hsgd_data_classes(l->split[0]); i++)
        json_append(&list, json_pack("{s:o, s:I, s:o}", "name", json_text(hsgd_data_class_name(l->split[0], i)),
                                     "train", (json_int_t)count[0][i], "test",
                                     count[1] ? json_integer((json_int_t)count[1][i]) : json_null()));
    return list;
}

static json_t *json_passed(const struct hsgd_data *d)
{
    json_t *list = json_array();
    struct hsgd_passed p;
    for (int i = 0; hsgd_data_passed(d, i, &p, sizeof p); i++)
        json_append(&list, json_pack("{s:s, s:I, s:o}", "why", p.why, "files", (json_int_t)p.count, "first",
                                     json_text(p.first)));
    return list;
}

static int info_json(const struct data_view *l, int64_t *const count[SPLITS])
{
    struct hsgd_shape in = hsgd_data_shape(l->split[0]);
    return json_print(
        json_pack("{s:o, s:s, s:o, s:[i,i,i], s:o, s:o, s:o, s:o, s:o}", "data", json_text(l->what), "format",
                  hsgd_data_format(l->split[0]), "summary", json_text(summary_of(l->split[0]).text), "shape", in.h,
                  in.w, in.c, "train", json_split(l->split[0]), "test", json_split(l->split[1]), "passed_over",
                  json_passed(l->split[0]), "classes", json_classes(l, count), "targets", targets_json(l->split)));
}

static void print_classes(const struct data_view *l, int64_t *const count[SPLITS])
{
    printf("\n%-*s %10s %10s\n", CLASS, "class", "train", "test");
    for (int i = 0; i < hsgd_data_classes(l->split[0]); i++) {
        text_cell(hsgd_data_class_name(l->split[0], i), CLASS);
        printf(" %10lld ", (long long)count[0][i]);
        if (count[1]) printf("%10lld\n", (long long)count[1][i]);
        else printf("%10s\n", "-");
    }
}

static int info_text(const struct data_view *l, int64_t *const count[SPLITS])
{
    text_wrap(0, 2, "%s: %s", l->what, summary_of(l->split[0]).text);
    int code = OK;
    for (int i = 0; !code && i < SPLITS; i++)
        if (l->split[i]) code = print_split(l->split[i], split_name[i]);
    if (!code && targets_of(l->split[0]) >= 0) code = targets_print(l->split);
    else if (!code) print_classes(l, count);
    if (code) return code;
    return flush_output();
}

static int info(const struct data_view *l)
{
    int64_t *count[SPLITS] = { count_classes(l->split[0]), l->split[1] ? count_classes(l->split[1]) : NULL };
    bool there = count[0] && (count[1] || !l->split[1]);
    int code = there ? (l->s->json ? info_json : info_text)(l, count) : report_error(FAILED, "out of memory");
    free(count[0]);
    free(count[1]);
    return code;
}

/* -------------------------------------------------------------------- show */

/* "1:0.5 3:0.25 ..." of the first `max` values that are not 0; NULL: out of
 * memory. */
static char *row_text(const float *x, int width, int64_t max)
{
    char *text;
    size_t size;
    int shown = 0;
    FILE *out = open_memstream(&text, &size);
    for (int k = 0; out && k < width && shown <= max; k++) {
        if (x[k] == 0) continue;
        if (shown) putc(' ', out);
        if (shown++ == max) fputs("...", out);
        else fprintf(out, isnan(x[k]) ? "%d:?" : "%d:%g", k + 1, x[k]);
    }
    return out && !fclose(out) ? text : NULL;
}

/* The class or the targets of a sample. */
static bool print_answer(const struct hsgd_data *d, int64_t i)
{
    int32_t label;
    char *text = NULL;
    bool labels = !hsgd_data_gather(d, &i, 1, NULL, NULL, &label);
    if (!labels && !(text = targets_text(d, i))) return false;
    text_cell(labels ? hsgd_data_class_name(d, label) : text, 16);
    free(text);
    return true;
}

/* The class or the targets, and the values, of samples. */
static int print_rows(const struct data_view *l, const struct hsgd_data *d)
{
    int width = hsgd_data_shape(d).c, code = OK;
    float *x = malloc((size_t)width * sizeof *x);
    if (!x) return report_error(FAILED, "out of memory");
    printf("\n%-16s %s\n", targets_of(d) < 0 ? "class" : "target",
           "feature:value (features from 1; zeros are omitted)");
    for (int64_t i = 0; !code && i < l->s->rows && i < hsgd_data_count(d); i++) {
        hsgd_data_gather(d, &i, 1, NULL, x, NULL);
        char *text = print_answer(d, i) ? row_text(x, width, l->s->columns) : NULL;
        putchar(' ');
        text_wrap(17, 17, "%s", text ? text : "");
        if (!text) code = report_error(FAILED, "out of memory");
        free(text);
    }
    free(x);
    return code;
}

/* Tokens of sample i in one of its fields, as text; those of a target up to its end. */
static bool write_tokens(FILE *out, const struct hsgd_data *d, const char *field, int64_t i)
{
    struct hsgd_data_field f = { .name = "" };
    int at = hsgd_data_find(d, field), length = hsgd_data_find(d, "length");
    hsgd_data_field_get(d, at, &f, sizeof f);
    int32_t n = f.type.dim[0], *token = malloc((size_t)n * sizeof *token);
    bool has_memory = token != NULL;
    if (has_memory) hsgd_data_gather_field(d, at, &i, 1, NULL, token);
    if (!at && length > 0 && hsgd_data_type(d, "length").dtype == HSGD_I32)
        hsgd_data_gather_field(d, length, &i, 1, NULL, &n);
    for (int k = 0; token && k < n; k++) {
        if (at && f.class_name && !strcmp(f.class_name[token[k]], END_TEXT)) break;
        if (f.class_name) fputs(f.class_name[token[k]], out);
        else fprintf(out, "%s%d", k ? " " : "", (int)token[k]);
    }
    free(token);
    return has_memory;
}

/* Each sample of tokens, as text, and what a source is translated to. */
static int print_tokens(const struct data_view *l, const struct hsgd_data *d)
{
    bool pairs = hsgd_data_find(d, "previous") >= 0, ok = true;
    putchar('\n');
    for (int64_t i = 0; ok && i < l->s->rows && i < hsgd_data_count(d); i++) {
        char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);
        ok = out && write_tokens(out, d, "x", i);
        if (ok && pairs) fputs(" -> ", out);
        if (ok && pairs) ok = write_tokens(out, d, "label", i);
        ok = out && !fclose(out) && ok;
        if (ok) text_wrap(0, 2, "%s", text);
        free(text);
    }
    return ok ? OK : report_error(FAILED, "out of memory");
}

/* Samples, augmented as in the first epoch if requested: --out, --png and --svg. */
static int write_sheets(const struct data_view *l, const struct hsgd_data *d)
{
    const struct settings *s = l->s;
    struct hsgd_context *ctx = l->run->ctx;
    struct hsgd_augment_options how = augment_options(s);
    bool changes = how.crop || how.flip || how.resized_crop > 0 || how.rotate > 0;
    struct hsgd_data *changed = NULL;
    if (changes && !(changed = hsgd_data_augment(ctx, d, &how, (uint64_t)s->seed, 0, s->rows * s->columns)))
        return report_error(USAGE, "%s", hsgd_error(ctx));
    const struct hsgd_data *shown = changes ? changed : d;
    int err = s->out ? hsgd_data_sheet(ctx, shown, s->out, (int)s->rows, (int)s->columns) : 0;
    int code = err ? report_error(exit_code(err), "--out \"%s\": %s", s->out, hsgd_error(ctx)) : OK;
    if (!code && (s->png || s->svg)) code = draw_sheet(shown, (int)s->rows, (int)s->columns, s->png, s->svg);
    hsgd_data_destroy(&changed);
    return code;
}

static int show(const struct data_view *l)
{
    const struct settings *s = l->s;
    const struct hsgd_data *d = l->split[s->split];
    if (s->json) return report_error(USAGE, "--json works with \"hsgd data info\" only");
    if (!d) return report_error(USAGE, "data \"%s\": has no test split", l->what);
    const char *file = s->out ? s->out : s->png ? s->png : s->svg;
    int code = file ? write_sheets(l, d) : OK;
    if (code) return code;
    code = print_split(d, hsgd_data_name(d));
    if (code) return code;
    if (file) text_wrap(0, 2, "%s: the first %lld x %lld", file, (long long)s->rows, (long long)s->columns);
    else if (has_tokens(d)) code = print_tokens(l, d);
    else if (is_plain(d)) code = print_rows(l, d);
    return code ? code : flush_output();
}

/* ----------------------------------------------------------------- command */

static const struct {
    const char *name;
    int (*run)(const struct data_view *l);
} verbs[] = { { "info", info }, { "show", show } };

int cmd_data(struct settings *s)
{
    struct session run;
    if (!s->words) return report_error(USAGE, "\"hsgd data\" needs \"info\" or \"show\"");
    int verb = strcmp(s->word[0], "info") ? 1 : 0;
    if (strcmp(s->word[0], verbs[verb].name))
        return report_error(USAGE, "\"hsgd data\" takes \"info\" or \"show\", not \"%s\"", s->word[0]);
    int code = require_words(s, 2);
    if (code) return code;
    code = open_without_devices(&run, s);
    run.prints_summary = verbs[verb].run == info;
    struct data_view l = { s, &run, s->words > 1 ? s->word[1] : "digits", { NULL } };
    if (!code) code = read_data(&run, s, l.what, &l.split[0], &l.split[1]);
    if (!code) code = verbs[verb].run(&l);
    for (int i = 0; i < SPLITS; i++) hsgd_data_destroy(&l.split[i]);
    close_session(&run);
    return code;
}
