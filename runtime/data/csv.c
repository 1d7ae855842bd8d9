/* CSV with a header: fields separated by comma, semicolon or tab, quoted as
 * in RFC 4180; one column holds the labels, the others numbers. */
#include "readers.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "c_locale.h"
#include "record.h"
#include "text.h"

static const char separators[] = { ',', ';', '\t' };
static const char bom[] = "\xef\xbb\xbf";

/* A file being read; a record is one line, or several where a field in quotes
 * holds line ends. */
struct csv {
    struct hsgd_context *ctx;
    struct hsgd_stream *s;
    const char *name;
    const struct hsgd_data_options *options;
    struct labels *labels;
    struct hsgd_data *d;
    char separator;
    bool headless;                      /* the first record is a row */
    int64_t line, record;               /* the last line; the one where the record began */
    char *text;                         /* of the record, cut into fields */
    char **field, **column;             /* the record's; names of the columns */
    int64_t fields, columns, features, label; /* label: its column; -1: there is none */
    bool *passed;                       /* columns that are neither label nor feature */
    float *values;
    int64_t text_room, field_room, value_room, label_room;
};

static int memory_failed(const struct csv *r)
{
    return hsgd_fail(r->ctx, ENOMEM, "%s: out of memory after %lld lines", r->name, (long long)r->line);
}

/* ------------------------------------------------------------------ records */

/* Appends a line to the record's text; *quotes counts the quotes in it. */
static int append(struct csv *r, const char *line, size_t length, int64_t *used, int64_t *quotes)
{
    if (memchr(line, 0, length))
        return hsgd_fail(r->ctx, EINVAL, "%s: line %lld: holds a zero byte, this is no text", r->name,
                         (long long)r->line);
    if (!text_grow(&r->text, &r->text_room, *used + (int64_t)length + 2, 1)) return memory_failed(r);
    if (*used) r->text[(*used)++] = '\n';
    memcpy(r->text + *used, line, length + 1);
    *used += (int64_t)length;
    for (size_t i = 0; i < length; i++) *quotes += line[i] == '"';
    return 0;
}

/* The text of the next record: lines until all quotes are closed.  1, 0 at the
 * end, or an error. */
static int read_text(struct csv *r)
{
    int64_t used = 0, quotes = 0;
    char *line;
    size_t length;
    r->record = r->line + 1;
    do {
        int more = hsgd_stream_line(r->s, &line, &length);
        if (more < 0) return more;
        if (!more && !used) return 0;
        if (!more)
            return hsgd_fail(r->ctx, EINVAL, "%s: line %lld: a quoted field does not end", r->name,
                             (long long)r->record);
        size_t skip = !r->line++ && !strncmp(line, bom, 3) ? 3 : 0;
        int err = append(r, line + skip, length - skip, &used, &quotes);
        if (err) return err;
    } while (quotes % 2);
    return 1;
}

/* Takes the quotes off a field that begins at c; returns its end. */
static char *unquote(char *c)
{
    char *to = c++;
    for (; *c; c++) {
        if (*c == '"' && c[1] != '"') break;
        c += *c == '"';
        *to++ = *c;
    }
    *to = 0;
    return *c ? c + 1 : c;
}

static int quote_failed(const struct csv *r)
{
    return hsgd_fail(r->ctx, EINVAL, "%s: line %lld: field %lld has a quote inside; the whole field would be quoted",
                     r->name, (long long)r->record, (long long)r->fields);
}

static int split(struct csv *r)
{
    char *c = r->text;
    r->fields = 0;
    for (bool more = true; more;) {
        if (!text_grow(&r->field, &r->field_room, r->fields + 1, sizeof *r->field)) return memory_failed(r);
        r->field[r->fields++] = c;
        char *end = *c == '"' ? unquote(c) : c + strcspn(c, (char[]){ r->separator, '"', 0 });
        if (*end && *end != r->separator) return quote_failed(r);
        more = *end;
        *end = 0;
        c = end + 1;
    }
    return 0;
}

/* The next record that is not blank: 1, 0 at the end, or an error. */
static int read_record(struct csv *r)
{
    int rc;
    while ((rc = read_text(r)) > 0)
        if (r->text[strspn(r->text, " \t")]) break;
    int err = rc > 0 ? split(r) : rc;
    return err ? err : rc;
}

/* ------------------------------------------------------------------- header */

/* The separator that is most frequent outside quotes; 0: there is none. */
static char find_separator(const char *text)
{
    int count[3] = { 0 }, best = 0;
    bool quoted = false;
    for (; *text && (quoted || *text != '\n'); text++) {
        quoted ^= *text == '"';
        for (int i = 0; i < 3; i++) count[i] += !quoted && *text == separators[i];
    }
    for (int i = 1; i < 3; i++)
        if (count[i] > count[best]) best = i;
    return count[best] ? separators[best] : 0;
}

static bool is_number(const char *field)
{
    double v;
    const char *end = text_number(field, &v);
    return end && !end[strspn(end, " \t")];
}

static char *trim(char *field)
{
    field += strspn(field, " \t");
    size_t n = strlen(field);
    while (n && (field[n - 1] == ' ' || field[n - 1] == '\t')) n--;
    field[n] = 0;
    return field;
}

static bool is_missing(const char *field)
{
    static const char *const words[] = { "", "NA", "N/A", "NaN", "null", "?" };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!c_strcasecmp(field, words[i])) return true;
    return false;
}

static int check_header(const struct csv *r)
{
    int64_t numbers = 0;
    for (int64_t i = 0; i < r->columns; i++) numbers += is_number(r->column[i]);
    if (numbers == r->columns)
        return hsgd_fail(r->ctx, EINVAL, "%s: line %lld: names of columns are expected, \"%s\" is a number", r->name,
                         (long long)r->record, hsgd_show(r->column[0]).text);
    if (r->columns < 2)
        return hsgd_fail(r->ctx, EINVAL, "%s: line %lld: one column, \"%s\"; labels and a feature need two", r->name,
                         (long long)r->record, hsgd_show(r->column[0]).text);
    if (r->columns > MOST_FEATURES)
        return hsgd_fail(r->ctx, EINVAL, "%s: line %lld: %lld columns, the most are %d", r->name, (long long)r->record,
                         (long long)r->columns, MOST_FEATURES);
    return 0;
}

static int64_t column_named(const struct csv *r, const char *name, bool exact)
{
    for (int64_t i = 0; i < r->columns; i++)
        if (!(exact ? strcmp : c_strcasecmp)(r->column[i], name)) return i;
    return -1;
}

static int64_t usual_label(const struct csv *r)
{
    static const char *const usual[] = { "label", "class", "target", "y" };
    int64_t at = -1;
    for (int i = 0; i < 4 && at < 0; i++) at = column_named(r, usual[i], false);
    return at;
}

/* Without labels: the first line is a header unless it has nothing but numbers
 * and missing values.  Where the names of the training are not known, a column
 * too many is passed over when it has the usual name of labels. */
static int find_rows(struct csv *r)
{
    int64_t number = -1, text = -1;
    for (int64_t i = 0; i < r->columns; i++) {
        if (is_number(r->column[i])) number = i;
        else if (!is_missing(r->column[i])) text = i;
    }
    bool named = record_has_columns(r->options->record);
    r->headless = text < 0;
    r->label = !r->headless && !named && r->columns == r->options->features + 1 ? usual_label(r) : -1;
    if (number < 0 || text < 0 || named) return 0;
    return hsgd_fail(r->ctx, EINVAL, "%s: line %lld: \"%s\" is a number and \"%s\" is not; a header has names only, a row "
                     "numbers only", r->name, (long long)r->record, hsgd_show(r->column[number]).text,
                     hsgd_show(r->column[text]).text);
}

static bool is_feature(const struct csv *r, int64_t column) { return column != r->label && !r->passed[column]; }

/* The names of the features and of the label, for the data set; they must be
 * those of the record. */
static int keep_names(struct csv *r)
{
    struct hsgd_data *d = r->d;
    const char **feature = calloc((size_t)r->columns, sizeof *feature);
    int n = 0;
    for (int64_t i = 0; feature && i < r->columns; i++)
        if (is_feature(r, i)) feature[n++] = r->column[i];
    d->columns = feature ? hsgd_names_copy(feature, n) : NULL;
    if (r->label >= 0) d->label = hsgd_names_copy((const char *const *)&r->column[r->label], 1);
    free(feature);
    if (!d->columns || (!d->label && r->label >= 0)) return memory_failed(r);
    return record_check_columns(r->ctx, r->options->record, r->name, d->columns);
}

/* Columns that the record knows and that were no features are none here. */
static int find_features(struct csv *r)
{
    int expected = r->options->features;
    r->passed = calloc((size_t)r->columns, sizeof *r->passed);
    if (!r->passed) return memory_failed(r);
    for (int64_t i = 0; i < r->columns; i++) {
        r->passed[i] = i != r->label && !r->headless && record_passes_over(r->options->record, r->column[i]);
        r->features += is_feature(r, i);
    }
    int err = r->headless ? 0 : keep_names(r);
    if (err || !expected || r->features == expected) return err;
    return hsgd_fail(r->ctx, EINVAL, "%s: line %lld: %lld columns%s, %d features are expected", r->name,
                     (long long)r->record, (long long)r->features, r->label < 0 ? "" : " beside the label", expected);
}

/* --label by name or number (from 1), else a usual name, else the last. */
static int find_label(struct csv *r)
{
    const char *wanted = r->options->label;
    r->label = -1;
    if (wanted) {
        char *end;
        r->label = column_named(r, wanted, true);
        long long number = r->label < 0 ? strtoll(wanted, &end, 10) : 0;
        if (r->label < 0 && *wanted && !*end && number >= 1 && number <= r->columns) r->label = number - 1;
        if (r->label >= 0) return 0;
        return hsgd_fail(r->ctx, EINVAL, "%s: line %lld: no column \"%s\"; there are %lld, from \"%s\" to \"%s\"",
                         r->name, (long long)r->record, hsgd_show(wanted).text, (long long)r->columns,
                         hsgd_show(r->column[0]).text,
                         hsgd_show(r->column[r->columns - 1]).text);
    }
    r->label = usual_label(r);
    if (r->label < 0) r->label = r->columns - 1;
    return 0;
}

static int read_header(struct csv *r)
{
    int rc = read_text(r);
    if (rc < 0) return rc;
    r->separator = rc ? find_separator(r->text) : 0;
    if (!r->separator) r->separator = ',';
    int err = rc ? split(r) : hsgd_fail(r->ctx, EINVAL, "%s: line 1: no header", r->name);
    if (err) return err;
    r->column = calloc((size_t)r->fields, sizeof *r->column);
    if (!r->column) return memory_failed(r);
    for (; r->columns < r->fields; r->columns++)
        if (!(r->column[r->columns] = strdup(trim(r->field[r->columns])))) return memory_failed(r);
    if (!r->labels) err = find_rows(r);
    else if (!(err = check_header(r))) err = find_label(r);
    return err ? err : find_features(r);
}

/* -------------------------------------------------------------------- rows */

static int read_label(struct csv *r, char *field)
{
    char place[512];
    int32_t class = is_missing(field) ? 0 : labels_class(r->labels, field);
    if (is_missing(field))
        return hsgd_fail(r->ctx, EINVAL, "%s: line %lld: column \"%s\": the label is missing (\"%s\")", r->name,
                         (long long)r->record, hsgd_show(r->column[r->label]).text, field);
    if (!text_grow(&r->d->owned_labels, &r->label_room, r->d->count + 1, sizeof *r->d->owned_labels))
        return memory_failed(r);
    r->d->owned_labels[r->d->count] = class;
    if (class >= 0) return 0;
    snprintf(place, sizeof place, "%s: line %lld: column \"%s\"", r->name, (long long)r->record,
             hsgd_show(r->column[r->label]).text);
    return labels_refuse(r->ctx, r->labels, class, place, field);
}

static int read_value(struct csv *r, int64_t column, const char *field, float *to)
{
    double v = NAN;
    bool missing = is_missing(field);
    const char *end = missing ? NULL : text_number(field, &v);
    *to = (float)v;
    r->d->missing = r->d->missing || missing;
    if (missing || (end && !*end && isfinite(*to))) return 0;
    return hsgd_fail(r->ctx, EINVAL, "%s: line %lld: column \"%s\": \"%s\" is not a %s", r->name, (long long)r->record,
                     hsgd_show(r->column[column]).text, hsgd_show(field).text,
                     end && !*end ? "number that a 32-bit float holds" : "number");
}

static int read_row(struct csv *r)
{
    if (r->fields != r->columns)
        return hsgd_fail(r->ctx, EINVAL, "%s: line %lld: %lld fields, the header has %lld", r->name,
                         (long long)r->record, (long long)r->fields, (long long)r->columns);
    int64_t width = r->features;
    if (!text_grow(&r->values, &r->value_room, (r->d->count + 1) * width, sizeof *r->values)) return memory_failed(r);
    float *to = r->values + r->d->count * width;
    for (int64_t i = 0; i < r->columns; i++) {
        char *field = trim(r->field[i]);
        if (r->passed[i] || (i == r->label && !r->labels)) continue;
        int err = i == r->label ? read_label(r, field) : read_value(r, i, field, to++);
        if (err) return err;
    }
    r->d->count++;
    return 0;
}

static int finish(struct csv *r)
{
    struct hsgd_data *d = r->d;
    if (!d->count) return hsgd_fail(r->ctx, EINVAL, "%s: no rows after the header", r->name);
    d->shape = (struct hsgd_shape){ 1, 1, (int)r->features };
    d->owned = r->values;
    d->values = r->values;
    r->values = NULL;
    if (!r->labels) return 0;
    d->labels = d->owned_labels;
    int err = labels_sort(r->ctx, r->labels, d->owned_labels, d->count);
    return err ? err : labels_name(r->ctx, r->labels, d);
}

static void close_csv(struct csv *r)
{
    for (int64_t i = 0; r->column && i < r->columns; i++) free(r->column[i]);
    free(r->column);
    free(r->field);
    free(r->passed);
    free(r->text);
    free(r->values);
}

int csv_parse(struct hsgd_context *ctx, struct hsgd_stream *s, const struct hsgd_data_options *options,
              struct labels *labels, struct hsgd_data **out)
{
    struct csv r = { .ctx = ctx, .s = s, .name = hsgd_stream_name(s), .options = options, .labels = labels };
    *out = r.d = hsgd_data_new(ctx, r.name);
    int err = r.d ? read_header(&r) : -ENOMEM, more = 0;
    if (!err && r.headless) err = read_row(&r);
    while (!err && (more = read_record(&r)) > 0) err = read_row(&r);
    if (!err) err = more < 0 ? more : finish(&r);
    close_csv(&r);
    return err;
}

/* ------------------------------------------------------------------ format */

static int read_csv(struct hsgd_context *ctx, const char *path, const struct hsgd_data_options *options,
                    struct data_parts *out)
{
    struct labels labels = { 0 };
    struct hsgd_stream *s = hsgd_stream_open(ctx, path);
    int err = s ? labels_begin(ctx, &labels, options) : -EIO;
    if (!err) err = csv_parse(ctx, s, options, &labels, &out->train);
    labels_free(&labels);
    hsgd_stream_close(&s);
    return err;
}

/* Text whose first line has a separator. */
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
    return find_separator(head) != 0;
}

const struct data_format hsgd_format_csv = { "csv", "a CSV text with a header", is_csv, read_csv };
