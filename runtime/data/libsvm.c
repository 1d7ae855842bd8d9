/* SPDX-License-Identifier: BSD-3-Clause */
/* LIBSVM text: one sample per line, LABEL INDEX:VALUE ..., indices from 1 and
 * ascending; other values are 0.
 * Source: Chang and Lin, "LIBSVM", README, section "Training and Testing". */
#include "readers.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "origin.h"
#include "record.h"
#include "text.h"

/* A file being read. */
struct libsvm {
    struct hsgd_context *ctx;
    const char *name;
    struct labels *labels;
    const char *target; /* the first word is a target of this name; NULL: a label */
    struct hsgd_data *d;
    int64_t line, values;
    int features;   /* 0: not known yet */
    int32_t widest; /* largest index so far */
    int64_t label_capacity, start_capacity, column_capacity, value_capacity;
};

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f'; }

static const char *skip_blanks(const char *c)
{
    while (is_blank(*c)) c++;
    return c;
}

static size_t word_length(const char *c)
{
    size_t n = 0;
    while (c[n] && !is_blank(c[n])) n++;
    return n;
}

static int out_of_memory(const struct libsvm *r)
{
    return hsgd_fail(r->ctx, ENOMEM, "%s: out of memory after %lld lines", r->name, (long long)r->line);
}

/* ------------------------------------------------------------------ a line */

static int word_failed(const struct libsvm *r, const char *word, const char *what)
{
    return hsgd_fail(r->ctx, EINVAL, "%s: line %lld: \"%s\" is not %s", r->name, (long long)r->line,
                     hsgd_show_bytes(word, word_length(word)).text, what);
}

/* Whether a word is a list of numbers separated by commas, as in multi-label sets. */
static bool has_labels(const char *word, size_t n)
{
    double v;
    const char *c = text_number(word, &v), *end = word + n;
    bool several = false;
    for (; c && c < end && *c == ','; several = true) c = text_number(c + 1, &v);
    return several && c == end;
}

/* Without labels a first word that is no pair is passed over. */
static void pass_label(char **at)
{
    size_t n = word_length(*at);
    if (!memchr(*at, ':', n)) *at = (char *)skip_blanks(*at + n);
}

static int read_label(struct libsvm *r, char **at)
{
    char place[512], *word = *at;
    double v;
    size_t n = word_length(word);
    if (!r->labels) return pass_label(at), 0;
    const char *end = text_number(word, &v);
    if (has_labels(word, n)) return word_failed(r, word, "a label: multi-label data is not supported");
    if (end != word + n)
        return word_failed(r, word, r->target ? "a number, as targets must be" : "a number, as labels must be");
    if (!isfinite(v) || (r->target && !isfinite((float)v)))
        return word_failed(r, word,
                           r->target ? "finite as a 32-bit float, as targets must be" : "finite, as labels must be");
    *at = (char *)skip_blanks(end);
    if (r->target) {
        ((double *)r->d->y.owned)[r->d->count] = v;
        return 0;
    }
    word[n] = 0;
    int32_t class = labels_class(r->labels, word);
    ((int32_t *)r->d->y.owned)[r->d->count] = class;
    if (class >= 0) return 0;
    snprintf(place, sizeof place, "%s: line %lld", r->name, (long long)r->line);
    return labels_refuse(r->ctx, r->labels, class, place, word);
}

static int check_index(const struct libsvm *r, const char *word, int64_t index)
{
    int max = r->features ? r->features : MAX_FEATURES;
    const struct hsgd_sparse *s = &r->d->x.sparse;
    int64_t before = r->values > s->start[r->d->count] ? s->column[r->values - 1] + 1 : 0;
    if (index < 1) return word_failed(r, word, "INDEX:VALUE with an index from 1");
    if (index > max)
        return hsgd_fail(r->ctx, EINVAL, "%s: line %lld: index of \"%s\" is larger than %d, the number of features",
                         r->name, (long long)r->line, hsgd_show_bytes(word, word_length(word)).text, max);
    if (index > before) return 0;
    return hsgd_fail(r->ctx, EINVAL, "%s: line %lld: \"%s\" comes after index %lld; indices must ascend", r->name,
                     (long long)r->line, hsgd_show_bytes(word, word_length(word)).text, (long long)before);
}

static int add_value(struct libsvm *r, int64_t index, double v)
{
    struct hsgd_sparse *s = &r->d->x.sparse;
    if (!text_grow(&s->column, &r->column_capacity, r->values + 1, sizeof *s->column) ||
        !text_grow(&s->value, &r->value_capacity, r->values + 1, sizeof *s->value))
        return out_of_memory(r);
    s->column[r->values] = (int32_t)index - 1;
    s->value[r->values++] = (float)v;
    if (index > r->widest) r->widest = (int32_t)index;
    return 0;
}

static int read_pair(struct libsvm *r, const char **at)
{
    const char *word = *at, *c = word;
    int64_t index = 0;
    double v;
    if (!strncmp(word, "qid:", 4)) return word_failed(r, word, "read: ranking is not supported");
    for (; *c >= '0' && *c <= '9'; c++) index = index < INT32_MAX ? 10 * index + (*c - '0') : index;
    if (c == word || *c != ':') return word_failed(r, word, "INDEX:VALUE");
    int err = check_index(r, word, index);
    if (err) return err;
    const char *end = text_number(c + 1, &v);
    if (!end || end != word + word_length(word)) return word_failed(r, word, "INDEX:VALUE with a number as value");
    if (!isfinite((float)v)) return word_failed(r, word, "INDEX:VALUE with a value that fits into a 32-bit float");
    *at = skip_blanks(end);
    return add_value(r, index, v);
}

static int begin_sample(struct libsvm *r)
{
    struct hsgd_data *d = r->d;
    if (!text_grow(&d->y.owned, &r->label_capacity, d->count + 1, r->target ? sizeof(double) : sizeof(int32_t)) ||
        !text_grow(&d->x.sparse.start, &r->start_capacity, d->count + 2, sizeof *d->x.sparse.start))
        return out_of_memory(r);
    d->x.sparse.start[d->count] = r->values;
    return 0;
}

static int read_line(struct libsvm *r, char *line, size_t length)
{
    r->line++;
    if (memchr(line, 0, length))
        return hsgd_fail(r->ctx, EINVAL, "%s: line %lld: contains a zero byte; this is not a text file", r->name,
                         (long long)r->line);
    line[strcspn(line, "#")] = 0;
    char *at = (char *)skip_blanks(r->line == 1 ? text_skip_bom(line) : line);
    if (!*at) return 0;
    int err = begin_sample(r);
    if (!err) err = read_label(r, &at);
    for (const char *c = at; !err && *c;) err = read_pair(r, &c);
    if (!err) r->d->x.sparse.start[++r->d->count] = r->values;
    return err;
}

/* ------------------------------------------------------------------ a file */

static int finish_targets(struct libsvm *r)
{
    struct hsgd_data *d = r->d;
    double *values = d->y.owned;
    d->y.owned = NULL;
    d->y.columns = hsgd_names_copy(&r->target, 1);
    hsgd_data_set_targets(d, hsgd_vector(1));
    int err = origin_values(r->ctx, d->name, &d->y, values, d->count);
    return err || d->y.columns ? err : out_of_memory(r);
}

static int finish(struct libsvm *r)
{
    struct hsgd_data *d = r->d;
    if (!d->count) return hsgd_fail(r->ctx, EINVAL, "%s: no samples in %lld lines", r->name, (long long)r->line);
    if (!r->features && !r->widest) return hsgd_fail(r->ctx, EINVAL, "%s: no line has a feature, INDEX:VALUE", r->name);
    d->x.type = hsgd_vector(r->features ? r->features : r->widest);
    if (!r->labels) return 0;
    if (r->target) return finish_targets(r);
    int err = labels_sort(r->ctx, r->labels, r->name, d->y.owned, d->count);
    return err ? err : labels_name(r->ctx, r->labels, d);
}

int libsvm_parse(struct hsgd_context *ctx, struct hsgd_stream *s, int features, struct labels *labels,
                 const char *target, struct hsgd_data **out)
{
    struct libsvm r = {
        .ctx = ctx, .name = hsgd_stream_name(s), .labels = labels, .target = target, .features = features
    };
    char *line;
    size_t length;
    int more;
    *out = r.d = hsgd_data_new(ctx, r.name);
    if (!r.d) return -ENOMEM;
    r.d->x.owned_sparse = true;
    while ((more = hsgd_stream_line(s, &line, &length)) > 0) {
        int err = read_line(&r, line, length);
        if (err) return err;
    }
    int err = more < 0 ? more : finish(&r);
    if (!err && !r.values && !text_grow(&r.d->x.sparse.value, &r.value_capacity, 1, sizeof(float)))
        err = out_of_memory(&r);
    return err;
}

/* The name of the targets: --target, or that in the record; NULL: labels. */
static const char *target_of(const struct hsgd_data_options *o)
{
    const struct record_field *known = record_field(o->record, "target");
    if (!record_wants_targets(o)) return NULL;
    return o->target ? o->target : known->columns ? known->columns->name[0] : known->name;
}

static int read_file(struct hsgd_context *ctx, const char *path, const struct hsgd_data_options *o,
                     struct labels *labels, struct hsgd_data **out)
{
    struct hsgd_stream *s = hsgd_stream_open(ctx, path);
    int err = s ? libsvm_parse(ctx, s, o->features, labels, target_of(o), out) : -EIO;
    hsgd_stream_close(&s);
    return err;
}

/* ------------------------------------------------------------------- splits */

/* NAME.t, or NAME.t.gz beside NAME.gz: the test sets of LIBSVM's page. */
static char *test_path(const char *path)
{
    static const char *const suffix[] = { ".gz", ".xz", "" };
    size_t n = strlen(path), k = 0;
    for (int i = 0; i < 3 && !k; i++) {
        size_t length = strlen(suffix[i]);
        if (n > length && !strcmp(path + n - length, suffix[i])) k = n - length;
    }
    char *out = malloc(n + 3);
    if (out) snprintf(out, n + 3, "%.*s.t%s", (int)k, path, path + k);
    return out;
}

/* Both splits get the width of the wider one. */
static void widen(struct data_splits *splits)
{
    int *a = splits->train->x.type.dim, *b = splits->test->x.type.dim;
    *a = *b = *a > *b ? *a : *b;
}

static int read_splits(struct hsgd_context *ctx, const char *path, const struct hsgd_data_options *o,
                       struct labels *labels, struct data_splits *out)
{
    char *test = test_path(path);
    int err = test ? read_file(ctx, path, o, labels, &out->train) : -ENOMEM;
    if (!err && !access(test, F_OK)) err = read_file(ctx, test, o, labels, &out->test);
    if (!err && out->test) widen(out);
    free(test);
    return err;
}

static int read_libsvm(struct hsgd_context *ctx, const char *path, const struct hsgd_data_options *options,
                       struct data_splits *out)
{
    struct labels labels;
    int err = labels_begin(ctx, &labels, options);
    if (!err) err = read_splits(ctx, path, options, &labels, out);
    labels_free(&labels);
    return err;
}

/* ------------------------------------------------------------- recognition */

/* 1 or 0 when the line decides, -1 when it does not. */
static int decides(const char *line)
{
    double v;
    const char *c = skip_blanks(line), *end = *c && *c != '#' ? text_number(c, &v) : NULL;
    if (!*c || *c == '#') return -1;
    bool several = end && has_labels(c, word_length(c));
    if (several) end = c + word_length(c);
    if (!end || (*end && !is_blank(*end))) return 0;
    c = skip_blanks(end);
    if (!*c || *c == '#') return several ? 0 : -1;
    size_t digits = strspn(c, "0123456789");
    return (digits && c[digits] == ':') || !strncmp(c, "qid:", 4);
}

/* Decided by the first line with a feature; a file of labels only is LIBSVM, too. */
static bool is_libsvm(const struct data_source *source)
{
    char head[STREAM_PEEK + 1], *line = head;
    int decided = -1;
    bool any = false;
    if (source->folder || !source->head || memchr(source->head, 0, source->head_bytes)) return false;
    memcpy(head, source->head, source->head_bytes);
    head[source->head_bytes] = 0;
    line = text_skip_bom(head);
    while (decided < 0 && *line) {
        char *next = line + strcspn(line, "\n");
        if (*next) *next++ = 0;
        decided = decides(line);
        any = any || *skip_blanks(line);
        line = next;
    }
    return decided < 0 ? any : decided;
}

/* A pair is the first word, or the second after a label. */
bool libsvm_is_text(const uint8_t *head, size_t n)
{
    char text[STREAM_PEEK + 1];
    n = n < STREAM_PEEK ? n : STREAM_PEEK;
    memcpy(text, head, n);
    text[n] = 0;
    const char *c = text_skip_bom(text);
    while (*c == '#' || *c == '\n' || is_blank(*c)) c = *c == '#' ? c + strcspn(c, "\n") : c + 1;
    for (int word = 0; word < 2; word++) {
        size_t digits = strspn(c, "0123456789"), length = strcspn(c, " \t\r\n\v\f,;");
        if (digits && c[digits] == ':' && digits + 1 < length) return true;
        c = skip_blanks(c + length);
    }
    return false;
}

const struct data_format hsgd_format_libsvm = { "libsvm", "a LIBSVM text", is_libsvm, read_libsvm };
