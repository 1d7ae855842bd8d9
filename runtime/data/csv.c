/* SPDX-License-Identifier: BSD-3-Clause */
/* CSV with a header: fields separated by comma, semicolon or tab, quoted as
 * in RFC 4180; one column has the labels, or some the targets, the others the
 * features. */
#include "csv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/c_locale.h"
#include "origin.h"

/* ------------------------------------------------------------------- fields */

/* A decimal comma in a label becomes a point, as in other columns. */
static void settle_comma(const struct csv *r, char *field)
{
    double v;
    char *comma = r->separator == ';' ? strchr(field, ',') : NULL;
    if (comma && csv_parse_number(r, field, &v) == CSV_NUMBER) *comma = '.';
}

static int read_label(struct csv *r, char *field)
{
    char place[512];
    double v;
    if (csv_parse_number(r, field, &v) == CSV_MISSING)
        return hsgd_fail(r->ctx, EINVAL, "%s: line %lld: column \"%s\": the label is missing (\"%s\")", r->name,
                         (long long)r->record, hsgd_show(r->column[r->label]).text, field);
    settle_comma(r, field);
    int32_t class = labels_class(r->labels, field);
    if (!text_grow(&r->d->y.owned, &r->label_capacity, r->d->count + 1, sizeof class)) return csv_out_of_memory(r);
    ((int32_t *)r->d->y.owned)[r->d->count] = class;
    if (class >= 0) return 0;
    snprintf(place, sizeof place, "%s: line %lld: column \"%s\"", r->name, (long long)r->record,
             hsgd_show(r->column[r->label]).text);
    return labels_refuse(r->ctx, r->labels, class, place, field);
}

static int value_failed(const struct csv *r, int64_t column, const char *field, const char *what)
{
    return hsgd_fail(r->ctx, EINVAL, "%s: line %lld: column \"%s\": \"%s\" %s", r->name, (long long)r->record,
                     hsgd_show(r->column[column]).text, hsgd_show(field).text, what);
}

/* A file has either decimal points or decimal commas. */
static int check_point(struct csv *r, int64_t column, const char *field)
{
    char what[80];
    bool comma = strchr(field, ',');
    int64_t *first = comma ? &r->comma : &r->point, other = comma ? r->point : r->comma;
    if (!comma && !strchr(field, '.')) return 0;
    if (!*first) *first = r->record;
    if (!other) return 0;
    snprintf(what, sizeof what, "has a decimal %s, line %lld a decimal %s", comma ? "comma" : "point", (long long)other,
             comma ? "point" : "comma");
    return value_failed(r, column, field, what);
}

bool csv_read_truth(const char *field, double *v)
{
    *v = !c_strcasecmp(field, "true");
    return *v != 0 || !c_strcasecmp(field, "false");
}

static int text_failed(struct csv *r, int64_t column, const char *field)
{
    double v;
    bool comma = csv_parse_number(&(struct csv){ .separator = ';' }, field, &v) == CSV_NUMBER;
    return value_failed(
        r, column, field,
        comma                           ? "is not a number; the decimal separator must be a point"
        : r->role[column] == CSV_TARGET ? "is not a number, as targets must be"
        : r->labels
            ? "is not a number; --categorical takes the values of a column as categories, --ignore leaves it out"
            : "is not a number");
}

static int read_value(struct csv *r, int64_t column, const char *field, double *to)
{
    enum csv_kind kind = csv_parse_number(r, field, to);
    bool target = r->role[column] == CSV_TARGET;
    if (kind == CSV_MISSING && target)
        return hsgd_fail(r->ctx, EINVAL, "%s: line %lld: column \"%s\": the target is missing (\"%s\")", r->name,
                         (long long)r->record, hsgd_show(r->column[column]).text, field);
    r->d->x.missing = r->d->x.missing || kind == CSV_MISSING;
    if (kind == CSV_MISSING) return 0;
    if (kind == CSV_TEXT) return csv_read_truth(field, to) ? 0 : text_failed(r, column, field);
    if (!isfinite((float)*to)) return value_failed(r, column, field, "does not fit into a 32-bit float");
    return r->separator == ';' ? check_point(r, column, field) : 0;
}

/* -------------------------------------------------------------------- rows */

static int read_row(struct csv *r)
{
    if (r->fields != r->columns)
        return hsgd_fail(r->ctx, EINVAL, "%s: line %lld: %lld fields, the header has %lld", r->name,
                         (long long)r->record, (long long)r->fields, (long long)r->columns);
    if (!text_grow(&r->values, &r->value_capacity, (r->d->count + 1) * r->features, sizeof *r->values) ||
        !text_grow(&r->goals, &r->goal_capacity, (r->d->count + 1) * r->targets, sizeof *r->goals))
        return csv_out_of_memory(r);
    double *to = r->values + r->d->count * r->features;
    int64_t goal = r->d->count * r->targets;
    int err = 0;
    for (int64_t i = 0; !err && i < r->targets; i++)
        err = read_value(r, r->target[i], r->field[r->target[i]], &r->goals[goal + i]);
    for (int64_t i = 0; !err && i < r->columns; i++)
        if (r->role[i] == CSV_FEATURE) err = read_value(r, i, r->field[i], to++);
        else if (r->role[i] == CSV_CATEGORY) err = csv_read_category(r, i, r->field[i], to++);
        else if (r->role[i] == CSV_EITHER) err = csv_read_either(r, i, r->field[i], to++);
        else if (r->role[i] == CSV_LABEL && r->labels) err = read_label(r, r->field[i]);
    r->d->count += !err;
    return err;
}

static int finish_labels(struct csv *r)
{
    char place[512];
    struct hsgd_data *d = r->d;
    snprintf(place, sizeof place, "%s: column \"%s\"", r->name, hsgd_show(r->column[r->label]).text);
    int err = labels_sort(r->ctx, r->labels, place, d->y.owned, d->count);
    return err ? err : labels_name(r->ctx, r->labels, d);
}

static int finish_targets(struct csv *r)
{
    struct hsgd_data *d = r->d;
    hsgd_data_set_targets(d, hsgd_vector((int)r->targets));
    int err = origin_values(r->ctx, d->name, &d->y, r->goals, d->count);
    r->goals = NULL;
    return err;
}

static int finish_numbers(struct csv *r)
{
    struct hsgd_data *d = r->d;
    d->x.type = hsgd_vector((int)r->features);
    int err = origin_values(r->ctx, d->name, &d->x, r->values, d->count);
    r->values = NULL;
    return err;
}

static int finish(struct csv *r)
{
    struct hsgd_data *d = r->d;
    if (!d->count) return hsgd_fail(r->ctx, EINVAL, "%s: no rows after the header", r->name);
    int err = r->values_of ? csv_finish_table(r) : finish_numbers(r);
    if (err || !r->labels) return err;
    return r->targets ? finish_targets(r) : finish_labels(r);
}

static void close_csv(struct csv *r)
{
    csv_table_close(r);
    for (int64_t i = 0; r->column && i < r->columns; i++) free(r->column[i]);
    free(r->column);
    free(r->role);
    free(r->field);
    free(r->text);
    free(r->values);
    free(r->target);
    free(r->goals);
}

int csv_parse(struct hsgd_context *ctx, struct hsgd_stream *s, const struct hsgd_data_options *options,
              struct labels *labels, struct hsgd_data **out)
{
    struct csv r = { .ctx = ctx, .s = s, .name = hsgd_stream_name(s), .options = options, .labels = labels };
    *out = r.d = hsgd_data_new(ctx, r.name);
    int err = r.d ? csv_read_header(&r) : -ENOMEM, more = 0;
    if (!err && r.headless) err = read_row(&r);
    while (!err && (more = csv_read_record(&r)) > 0) err = read_row(&r);
    if (!err) err = more < 0 ? more : finish(&r);
    close_csv(&r);
    return err;
}

/* ------------------------------------------------------------------ format */

static int read_csv(struct hsgd_context *ctx, const char *path, const struct hsgd_data_options *options,
                    struct data_splits *out)
{
    struct labels labels = { 0 };
    struct hsgd_stream *s = hsgd_stream_open(ctx, path);
    int err = s ? labels_begin(ctx, &labels, options) : -EIO;
    if (!err) err = csv_parse(ctx, s, options, &labels, &out->train);
    labels_free(&labels);
    hsgd_stream_close(&s);
    return err;
}

/* Text whose header has a separator. */
static bool is_csv(const struct data_source *source)
{
    char head[STREAM_PEEK + 1];
    if (source->folder || !source->head) return false;
    for (size_t i = 0; i < source->head_bytes; i++) {
        unsigned char c = source->head[i];
        if (c < ' ' && !strchr("\t\r\n", c)) return false;
    }
    memcpy(head, source->head, source->head_bytes);
    head[source->head_bytes] = 0;
    return csv_has_separator(head);
}

const struct data_format hsgd_format_csv = { "csv", "a CSV text with a header", is_csv, read_csv };
