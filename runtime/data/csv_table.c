/* SPDX-License-Identifier: BSD-3-Clause */
/* Columns of a CSV with categories or filled values: --categorical, --impute, and what a
 * record has of them. */
#include "csv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "origin.h"
#include "record.h"
#include "table.h"

enum { MAX_CATEGORIES = 1000 };
enum impute { NO_IMPUTE, MEAN, MEDIAN, MOST_FREQUENT, IMPUTES };
static const char *const impute_name[IMPUTES] = { "", "mean", "median", "most-frequent" };

/* What is known of a column of the file while it is read. */
struct csv_values {
    struct labels labels; /* the categories */
    int32_t *code;        /* of each row; `unknown` of categories that the record lacks */
    int64_t capacity, missing, unknown;
    bool text, full; /* has text; more than MAX_CATEGORIES */
    char first[88];  /* the first unknown category */
};

static struct table *known_table(const struct csv *r) { return r->options->record ? r->options->record->table : NULL; }

/* ------------------------------------------------------------------ options */

static int find_impute(const struct csv *r, enum impute *out)
{
    const char *text = r->options->impute ? r->options->impute : "";
    for (*out = 0; *out < IMPUTES && strcmp(text, impute_name[*out]);) ++*out;
    if (*out < IMPUTES) return 0;
    return hsgd_fail(r->ctx, EINVAL, "%s: --impute \"%s\" is not one of mean, median, most-frequent", r->name,
                     hsgd_show(text).text);
}

static int choose_category(struct csv *r, int64_t column)
{
    if (r->role[column] != CSV_FEATURE && r->role[column] != CSV_EITHER)
        return hsgd_fail(r->ctx, EINVAL, "%s: column \"%s\" is not a feature, so it cannot be categorical", r->name,
                         hsgd_show(r->column[column]).text);
    r->role[column] = CSV_CATEGORY;
    return 0;
}

/* Roles as in the record, by name. */
static int take_known(struct csv *r, const struct table *t)
{
    int err = 0, at = 0;
    for (int64_t i = 0; !err && i < r->columns; i++) {
        if (r->role[i] != CSV_FEATURE) continue;
        int k = r->headless ? at++ : table_find(t, r->column[i]);
        const struct hsgd_names *names = k >= 0 && k < t->count ? t->column[k].category : NULL;
        if (!names) continue;
        r->role[i] = CSV_CATEGORY;
        const struct hsgd_data_options o = { .classes = names->count, .class_name = (const char *const *)names->name };
        err = labels_begin(r->ctx, &r->values_of[i].labels, &o);
    }
    return err;
}

int csv_settle_categories(struct csv *r)
{
    const struct hsgd_data_options *o = r->options;
    const struct table *known = known_table(r);
    enum impute impute;
    int err = find_impute(r, &impute);
    bool wanted = known || (!o->record && r->labels && (o->categorical || impute));
    if (err || !wanted) return err;
    r->values_of = calloc((size_t)r->columns, sizeof *r->values_of);
    if (!r->values_of) return csv_out_of_memory(r);
    if (known) return take_known(r, known);
    bool automatic = o->categorical && !strcmp(o->categorical, "auto");
    for (int64_t i = 0; automatic && i < r->columns; i++)
        if (r->role[i] == CSV_FEATURE) r->role[i] = CSV_EITHER;
    return o->categorical && !automatic ? csv_each_column(r, o->categorical, choose_category) : 0;
}

void csv_table_close(struct csv *r)
{
    for (int64_t i = 0; r->values_of && i < r->columns; i++) {
        labels_free(&r->values_of[i].labels);
        free(r->values_of[i].code);
    }
    free(r->values_of);
}

/* ------------------------------------------------------------------- fields */

static int too_many(const struct csv *r, int64_t column)
{
    return hsgd_fail(r->ctx, EINVAL,
                     "%s: line %lld: column \"%s\" has more than %d categories; --ignore leaves a column out", r->name,
                     (long long)r->record, hsgd_show(r->column[column]).text, MAX_CATEGORIES);
}

/* The category of a field.  Of a column that may be one of numbers only as long as there are
 * few. */
static int add_code(struct csv *r, int64_t column, const char *field)
{
    struct csv_values *v = &r->values_of[column];
    int32_t code = v->full ? 0 : labels_class(&v->labels, field);
    if (code == -ENOMEM || !text_grow(&v->code, &v->capacity, r->d->count + 1, sizeof *v->code))
        return csv_out_of_memory(r);
    if (code == -EINVAL) { /* the record lacks it */
        if (!v->unknown++) snprintf(v->first, sizeof v->first, "%s", hsgd_show(field).text);
        code = v->labels.count;
    }
    if (v->labels.count > MAX_CATEGORIES) v->full = true;
    v->code[r->d->count] = code;
    bool category = r->role[column] == CSV_CATEGORY || v->text;
    return v->full && category ? too_many(r, column) : 0;
}

int csv_read_category(struct csv *r, int64_t column, const char *field, double *to)
{
    struct csv_values *v = &r->values_of[column];
    double number;
    if (csv_parse_number(r, field, &number) == CSV_MISSING) {
        *to = NAN;
        v->missing++;
        return text_grow(&v->code, &v->capacity, r->d->count + 1, sizeof *v->code)     ? v->code[r->d->count] = 0,
                                                                                     0 : csv_out_of_memory(r);
    }
    *to = 0;
    return add_code(r, column, field);
}

int csv_read_either(struct csv *r, int64_t column, const char *field, double *to)
{
    struct csv_values *v = &r->values_of[column];
    double number;
    enum csv_kind kind = csv_parse_number(r, field, &number);
    if (kind == CSV_TEXT && !csv_read_truth(field, &number)) v->text = true;
    int err = csv_read_category(r, column, field, to);
    if (!err && kind != CSV_MISSING) *to = number;
    return err;
}

/* ---------------------------------------------------------------- statistics */

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Of sorted numbers. */
static double most_frequent(const double *v, int64_t n)
{
    double best = v[0];
    int64_t most = 0;
    for (int64_t i = 0, k; i < n; i = k) {
        for (k = i; k < n && v[k] <= v[i];) k++;
        if (k - i > most) most = k - i, best = v[i];
    }
    return best;
}

/* What fills the missing numbers of feature `at` of each row. */
static int find_fill(struct csv *r, int64_t at, enum impute how, struct table_column *c)
{
    int64_t n = 0;
    double sum = 0, *v = malloc((size_t)r->d->count * sizeof *v);
    if (!v) return csv_out_of_memory(r);
    for (int64_t i = 0; i < r->d->count; i++) {
        double x = r->values[i * r->features + at];
        if (!isnan(x)) v[n++] = x;
    }
    for (int64_t i = 0; i < n; i++) sum += v[i] / (double)n;
    if (n) qsort(v, (size_t)n, sizeof *v, ascending);
    if (n) c->fill = how == MEDIAN ? (v[(n - 1) / 2] + v[n / 2]) / 2 : how == MOST_FREQUENT ? most_frequent(v, n) : sum;
    c->indicator = how && n < r->d->count;
    free(v);
    return 0;
}

static int find_categories(struct csv *r, struct csv_values *v, struct table_column *c)
{
    if (v->labels.count < 1)
        return hsgd_fail(r->ctx, EINVAL, "%s: column \"%s\" has no values; --ignore leaves a column out", r->name,
                         hsgd_show(c->name).text);
    v->labels.meant = true;
    int err = labels_sort(r->ctx, &v->labels, r->name, v->code, r->d->count);
    if (!err) c->category = labels_names(&v->labels);
    return err || c->category ? err : csv_out_of_memory(r);
}

/* Says what becomes of a column. */
static void tell_column(const struct csv *r, const struct csv_values *v, const struct table_column *c, int64_t missing,
                        enum impute how)
{
    if (c->category)
        hsgd_log(r->ctx, HSGD_LOG_INFO, "%s: column \"%s\": %d categories%s", r->name, hsgd_show(c->name).text,
                 c->category->count, v->missing ? ", some missing" : "");
    else if (missing)
        hsgd_log(r->ctx, HSGD_LOG_INFO, "%s: column \"%s\": numbers, %lld missing: %s %g%s", r->name,
                 hsgd_show(c->name).text, (long long)missing, how ? impute_name[how] : "mean", c->fill,
                 c->indicator ? " and an indicator" : "");
}

static int64_t count_missing(const struct csv *r, int64_t at)
{
    int64_t n = 0;
    for (int64_t i = 0; i < r->d->count; i++) n += isnan(r->values[i * r->features + at]);
    return n;
}

/* From the training split. */
static int make_table(struct csv *r, struct table *t)
{
    enum impute how = NO_IMPUTE;
    int err = find_impute(r, &how), k = 0;
    for (int64_t i = 0; !err && i < r->columns; i++) {
        struct table_column *c = &t->column[k];
        struct csv_values *v = &r->values_of[i];
        if (!csv_is_feature(r->role[i])) continue;
        if (!(c->name = strdup(r->column[i]))) return csv_out_of_memory(r);
        if (r->role[i] == CSV_EITHER) r->role[i] = v->text ? CSV_CATEGORY : CSV_FEATURE;
        err = r->role[i] == CSV_CATEGORY ? find_categories(r, v, c) : find_fill(r, k, how, c);
        if (!err) tell_column(r, v, c, count_missing(r, k), how);
        k++;
    }
    table_settle(t);
    return err;
}

/* ----------------------------------------------------------------- features */

static void expand_category(const struct csv *r, const struct csv_values *v, const struct table_column *c, int64_t at,
                            double *to, int64_t step)
{
    int n = c->category->count;
    for (int64_t i = 0; i < r->d->count; i++) {
        int32_t code = isnan(r->values[i * r->features + at]) ? n : v->code[i];
        to[i * step + code] = 1;
    }
}

static void expand_numbers(const struct csv *r, const struct table_column *c, int64_t at, double *to, int64_t step)
{
    for (int64_t i = 0; i < r->d->count; i++) {
        double v = r->values[i * r->features + at];
        to[i * step] = isnan(v) ? c->fill : v;
        if (c->indicator) to[i * step + 1] = isnan(v);
    }
}

/* Other data than that of the training. */
static void tell_unknown(const struct csv *r, const struct csv_values *v, const struct table_column *c, int64_t at)
{
    int64_t missing = c->category || c->indicator ? 0 : count_missing(r, at);
    if (v->unknown)
        hsgd_log(
            r->ctx, HSGD_LOG_WARNING,
            "%s: column \"%s\": %lld rows have categories that the training data lacked, such as \"%s\"; they count "
            "as unknown",
            r->name, hsgd_show(c->name).text, (long long)v->unknown, v->first);
    if (missing)
        hsgd_log(r->ctx, HSGD_LOG_WARNING, "%s: column \"%s\": %lld values are missing, as none was in training: %g",
                 r->name, hsgd_show(c->name).text, (long long)missing, c->fill);
}

static int expand(struct csv *r, const struct table *t, double *all)
{
    int64_t at = 0;
    for (int64_t i = 0; i < r->columns; i++) {
        if (!csv_is_feature(r->role[i])) continue;
        int k = r->headless ? (int)at : table_find(t, r->column[i]), first = 0;
        for (int j = 0; j < k; j++) first += table_width(&t->column[j]);
        const struct table_column *c = &t->column[k];
        if (c->category) expand_category(r, &r->values_of[i], c, at, all + first, t->features);
        else expand_numbers(r, c, at, all + first, t->features);
        if (known_table(r)) tell_unknown(r, &r->values_of[i], c, at);
        at++;
    }
    return 0;
}

static int give_features(struct csv *r, struct table *t)
{
    struct hsgd_data *d = r->d;
    double *all = NULL;
    if (t->features <= MAX_FEATURES) all = calloc((size_t)d->count * (size_t)t->features, sizeof *all);
    if (!all) return csv_out_of_memory(r);
    expand(r, t, all);
    hsgd_names_free(d->x.columns);
    d->x.columns = table_names(t);
    d->x.missing = false;
    d->x.type = hsgd_vector(t->features);
    int err = origin_values(r->ctx, d->name, &d->x, all, d->count);
    return err || d->x.columns ? err : csv_out_of_memory(r);
}

int csv_finish_table(struct csv *r)
{
    struct table *t = known_table(r) ? table_share(known_table(r)) : table_new((int)r->features);
    int err = t ? 0 : csv_out_of_memory(r);
    r->d->table = t;
    if (!err && !known_table(r)) err = make_table(r, t);
    return err ? err : give_features(r, t);
}
