/* SPDX-License-Identifier: BSD-3-Clause */
/* The header of a CSV text: names and roles of the columns. */
#include "csv.h"

#include <stdlib.h>
#include <string.h>

#include "base/c_locale.h"
#include "record.h"
#include "table.h"

/* -------------------------------------------------------------------- names */

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static int64_t column_named(const struct csv *r, const char *name, int64_t from)
{
    for (int64_t i = from; i < r->columns; i++)
        if (!strcmp(r->column[i], name)) return i;
    return -1;
}

static int refuse_repeated(const struct csv *r, const char *name)
{
    int64_t first = column_named(r, name, 0), second = column_named(r, name, first + 1);
    return hsgd_fail(r->ctx, EINVAL, "%s: line %lld: columns %lld and %lld have the same name, \"%s\"", r->name,
                     (long long)r->record, (long long)first + 1, (long long)second + 1, hsgd_show(name).text);
}

/* Names must be unique. */
static int check_repeated(const struct csv *r)
{
    char **sorted = malloc((size_t)r->columns * sizeof *sorted);
    int err = sorted ? 0 : csv_out_of_memory(r);
    if (!err) {
        memcpy(sorted, r->column, (size_t)r->columns * sizeof *sorted);
        qsort(sorted, (size_t)r->columns, sizeof *sorted, by_name);
    }
    for (int64_t i = 1; !err && i < r->columns; i++)
        if (!strcmp(sorted[i - 1], sorted[i])) err = refuse_repeated(r, sorted[i]);
    free(sorted);
    return err;
}

/* A number or a missing value in place of a name means that the line is a row.
 * An empty name is accepted: some programs write row numbers without one. */
static int check_names(const struct csv *r)
{
    double v;
    for (int64_t i = 0; i < r->columns; i++) {
        enum csv_kind kind = *r->column[i] ? csv_parse_number(r, r->column[i], &v) : CSV_TEXT;
        if (kind == CSV_TEXT) continue;
        return hsgd_fail(r->ctx, EINVAL,
                         "%s: line %lld: column names are expected, \"%s\" is a %s; add a line of names above it",
                         r->name, (long long)r->record, hsgd_show(r->column[i]).text,
                         kind == CSV_NUMBER ? "number" : "missing value");
    }
    return check_repeated(r);
}

static int check_count(const struct csv *r)
{
    if (r->columns < 2)
        return hsgd_fail(r->ctx, EINVAL, "%s: line %lld: one column, \"%s\"; labels and a feature need two", r->name,
                         (long long)r->record, hsgd_show(r->column[0]).text);
    if (r->columns > MAX_FEATURES)
        return hsgd_fail(r->ctx, EINVAL, "%s: line %lld: %lld columns, the maximum is %d", r->name,
                         (long long)r->record, (long long)r->columns, MAX_FEATURES);
    return 0;
}

static int copy_fields(struct csv *r)
{
    r->column = calloc((size_t)r->fields, sizeof *r->column);
    r->role = calloc((size_t)r->fields, sizeof *r->role);
    if (!r->column || !r->role) return csv_out_of_memory(r);
    for (; r->columns < r->fields; r->columns++)
        if (!(r->column[r->columns] = strdup(r->field[r->columns]))) return csv_out_of_memory(r);
    return 0;
}

/* -------------------------------------------------------------------- roles */

/* A column by name or number from 1. */
static int find_column(const struct csv *r, const char *wanted, int64_t *out)
{
    char *end;
    *out = column_named(r, wanted, 0);
    long long number = *out < 0 ? strtoll(wanted, &end, 10) : 0;
    if (*out < 0 && *wanted && !*end && number >= 1 && number <= r->columns) *out = number - 1;
    if (*out >= 0) return 0;
    return hsgd_fail(r->ctx, EINVAL, "%s: line %lld: no column \"%s\"; there are %lld, from \"%s\" to \"%s\"", r->name,
                     (long long)r->record, hsgd_show(wanted).text, (long long)r->columns, hsgd_show(r->column[0]).text,
                     hsgd_show(r->column[r->columns - 1]).text);
}

int csv_each_column(struct csv *r, const char *text, int (*use)(struct csv *r, int64_t column))
{
    char *list = strdup(text), *rest = list;
    int64_t at = list ? column_named(r, list, 0) : -1;
    int err = !list ? csv_out_of_memory(r) : at >= 0 ? use(r, at) : 0;
    while (!err && at < 0 && rest) {
        int64_t column;
        err = find_column(r, csv_trim(strsep(&rest, ",")), &column);
        if (!err) err = use(r, column);
    }
    free(list);
    return err;
}

static int ignore_column(struct csv *r, int64_t column)
{
    r->role[column] = CSV_IGNORED;
    return 0;
}

static int target_column(struct csv *r, int64_t column)
{
    if (r->role[column] != CSV_FEATURE)
        return hsgd_fail(r->ctx, EINVAL, "%s: column \"%s\" is %s", r->name, hsgd_show(r->column[column]).text,
                         r->role[column] == CSV_TARGET ? "a target twice" : "both a target and ignored");
    if (!text_grow(&r->target, &r->target_capacity, r->targets + 1, sizeof *r->target)) return csv_out_of_memory(r);
    r->target[r->targets++] = column;
    r->role[column] = CSV_TARGET;
    return 0;
}

/* The targets of the training data, by name. */
static int find_known_targets(struct csv *r, const struct hsgd_names *known)
{
    int err = 0;
    for (int i = 0; !err && i < known->count; i++) {
        int64_t column = column_named(r, known->name[i], 0);
        err = column >= 0 ? target_column(r, column)
                          : hsgd_fail(r->ctx, EINVAL,
                                      "%s: column \"%s\", a target of the training data, is missing; --target names "
                                      "others",
                                      r->name, hsgd_show(known->name[i]).text);
    }
    return err;
}

static int64_t default_label(const struct csv *r)
{
    static const char *const defaults[] = { "label", "class", "target", "y" };
    for (int k = 0; k < 4; k++)
        for (int64_t i = 0; i < r->columns; i++)
            if (r->role[i] == CSV_FEATURE && !c_strcasecmp(r->column[i], defaults[k])) return i;
    return -1;
}

/* A default name in two letter cases is ambiguous. */
static int check_default_label(const struct csv *r)
{
    for (int64_t i = r->label + 1; r->label >= 0 && i < r->columns; i++)
        if (r->role[i] == CSV_FEATURE && !c_strcasecmp(r->column[i], r->column[r->label]))
            return hsgd_fail(r->ctx, EINVAL,
                             "%s: line %lld: \"%s\" and \"%s\" may both be the label; --label chooses one", r->name,
                             (long long)r->record, r->column[r->label], r->column[i]);
    return 0;
}

/* --label, else a default name, else the last. */
static int find_label(struct csv *r)
{
    const char *wanted = r->options->label;
    int err = wanted ? find_column(r, wanted, &r->label) : 0;
    if (err) return err;
    if (wanted && r->role[r->label] == CSV_IGNORED)
        return hsgd_fail(r->ctx, EINVAL, "%s: column \"%s\" is both the label and ignored", r->name,
                         hsgd_show(wanted).text);
    if (!wanted) r->label = default_label(r);
    if (!wanted) err = check_default_label(r);
    if (err) return err;
    if (r->label < 0)
        for (r->label = r->columns - 1; r->label > 0 && r->role[r->label] == CSV_IGNORED;) r->label--;
    r->role[r->label] = CSV_LABEL;
    return 0;
}

/* --target, else those of the record. */
static int find_targets(struct csv *r)
{
    const struct hsgd_data_options *o = r->options;
    const struct record_field *known = record_wants_targets(o) ? record_field(o->record, "target") : NULL;
    r->label = -1;
    if (o->target) return csv_each_column(r, o->target, target_column);
    return known && known->columns ? find_known_targets(r, known->columns) : 0;
}

/* In their order. */
static struct hsgd_names *target_names(const struct csv *r)
{
    const char **name = calloc((size_t)r->targets, sizeof *name);
    for (int64_t i = 0; name && i < r->targets; i++) name[i] = r->column[r->target[i]];
    struct hsgd_names *names = name ? hsgd_names_copy(name, (int)r->targets) : NULL;
    free(name);
    return names;
}

/* The names of the columns in a role; NULL: none has it, or memory is exhausted. */
static struct hsgd_names *names_of(const struct csv *r, enum csv_role role, bool *failed)
{
    const char **name = calloc((size_t)r->columns, sizeof *name);
    int n = 0;
    for (int64_t i = 0; name && i < r->columns; i++)
        if (r->role[i] == role) name[n++] = r->column[i];
    struct hsgd_names *names = n ? hsgd_names_copy(name, n) : NULL;
    *failed = *failed || !name || (n && !names);
    free(name);
    return names;
}

/* Stores the names in the data set and checks them against the record. */
static int keep_names(struct csv *r)
{
    bool failed = false;
    r->d->x.columns = names_of(r, CSV_FEATURE, &failed);
    r->d->y.columns = r->targets ? target_names(r) : names_of(r, CSV_LABEL, &failed);
    failed = failed || (r->targets && !r->d->y.columns);
    r->d->ignored = names_of(r, CSV_IGNORED, &failed);
    return failed ? csv_out_of_memory(r) : record_check_columns(r->ctx, r->options->record, r->name, r->d->x.columns);
}

/* Every column that is neither the label, a target nor ignored is a feature. */
static int find_features(struct csv *r)
{
    const struct table *table = r->options->record ? r->options->record->table : NULL;
    int expected = table ? table->count : r->options->features;
    for (int64_t i = 0; i < r->columns; i++) {
        bool known = !r->headless && record_passes_over(r->options->record, r->column[i]);
        if (r->role[i] == CSV_FEATURE && known) r->role[i] = CSV_IGNORED;
        r->features += r->role[i] == CSV_FEATURE;
    }
    int err = r->headless ? 0 : keep_names(r);
    if (!err && !r->features)
        err = hsgd_fail(r->ctx, EINVAL, "%s: line %lld: no column is left as a feature", r->name, (long long)r->record);
    if (err || expected <= 0 || r->features == expected) return err;
    return hsgd_fail(r->ctx, EINVAL, "%s: line %lld: %lld columns%s, %d features are expected", r->name,
                     (long long)r->record, (long long)r->features,
                     r->targets     ? " beside the targets"
                     : r->label < 0 ? ""
                                    : " beside the label",
                     expected);
}

/* Without labels: the first line is a header unless it has only numbers and
 * missing values.  Where the column names of the training data are unknown, one
 * extra column with a default name of labels is ignored. */
static int find_rows(struct csv *r)
{
    int64_t number = -1, text = -1;
    double v;
    for (int64_t i = 0; i < r->columns; i++) {
        enum csv_kind kind = csv_parse_number(r, r->column[i], &v);
        if (kind == CSV_NUMBER) number = i;
        else if (kind == CSV_TEXT) text = i;
    }
    bool named = record_has_columns(r->options->record);
    r->headless = text < 0;
    r->label = !r->headless && !named && r->columns - 1 == r->options->features ? default_label(r) : -1;
    if (r->label >= 0) r->role[r->label] = CSV_LABEL;
    if (text < 0 || named || number < 0) return r->headless ? 0 : check_repeated(r);
    return hsgd_fail(r->ctx, EINVAL,
                     "%s: line %lld: \"%s\" is a number and \"%s\" is not; a header has names only, a row numbers only",
                     r->name, (long long)r->record, hsgd_show(r->column[number]).text, hsgd_show(r->column[text]).text);
}

static int find_roles(struct csv *r)
{
    int err = check_names(r);
    if (!err) err = check_count(r);
    if (!err && r->options->ignore) err = csv_each_column(r, r->options->ignore, ignore_column);
    if (!err) err = find_targets(r);
    return err || r->targets ? err : find_label(r);
}

int csv_read_header(struct csv *r)
{
    int rc = csv_read_record(r);
    if (!rc) return hsgd_fail(r->ctx, EINVAL, "%s: no header in %lld lines", r->name, (long long)r->line);
    int err = rc < 0 ? rc : copy_fields(r);
    if (err) return err;
    err = r->labels ? find_roles(r) : find_rows(r);
    if (!err) err = find_features(r);
    return err ? err : csv_settle_categories(r);
}
