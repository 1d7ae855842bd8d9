/* SPDX-License-Identifier: BSD-3-Clause */
/* Records as JSON, in the metadata of safetensors files. */
#include "record.h"

#include <hsgd/file.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../io/json.h"

enum { VERSION = 1, DIGITS = 17 };

static const char *const unit_name[] = { [UNIT_BYTES] = "8-bit", [UNIT_STORED] = "as stored" };

/* ------------------------------------------------------------------ writing */

static json_t *json_names(const struct hsgd_names *names)
{
    json_t *list = json_array();
    for (int i = 0; i < names->count; i++) hsgd_json_append(&list, hsgd_json_text(names->name[i]));
    return list;
}

static json_t *json_numbers(const double *v, int n)
{
    json_t *list = json_array();
    for (int i = 0; i < n; i++) hsgd_json_append(&list, json_real(v[i]));
    return list;
}

/* Keys without a value are omitted. */
static json_t *json_x(const struct hsgd_record *r, const struct hsgd_normalisation *n)
{
    json_t *x = json_pack("{s:i, s:[i,i,i]}", "version", VERSION, "shape", r->shape.h, r->shape.w, r->shape.c);
    if (r->columns) hsgd_json_set(&x, "columns", json_names(r->columns));
    if (r->ignored) hsgd_json_set(&x, "ignored", json_names(r->ignored));
    if (r->unit) {
        hsgd_json_set(&x, "unit", json_string(unit_name[r->unit]));
        hsgd_json_set(&x, "minimum", json_real(r->low));
        hsgd_json_set(&x, "maximum", json_real(r->high));
    }
    if (n) {
        hsgd_json_set(&x, "mean", json_numbers(n->mean, n->channels));
        hsgd_json_set(&x, "inv_std", json_numbers(n->inv_std, n->channels));
    }
    if (*r->x_hash) hsgd_json_set(&x, "sha256", json_string(r->x_hash));
    return x;
}

static json_t *json_label(const struct hsgd_record *r)
{
    json_t *label = json_pack("{s:i}", "version", VERSION);
    if (r->label) hsgd_json_set(&label, "column", hsgd_json_text(r->label->name[0]));
    hsgd_json_set(&label, "classes", r->names ? json_names(r->names) : json_integer(r->classes));
    if (*r->label_hash) hsgd_json_set(&label, "sha256", json_string(r->label_hash));
    return label;
}

char *record_text(struct hsgd_context *ctx, const struct hsgd_record *r, const struct hsgd_normalisation *norm)
{
    json_t *fields = json_object(), *all = json_pack("{s:i, s:s, s:I}", "version", VERSION, "format", r->format,
                                                     "samples", (json_int_t)r->count);
    hsgd_json_set(&fields, "x", json_x(r, norm));
    hsgd_json_set(&fields, "label", json_label(r));
    hsgd_json_set(&all, "fields", fields);
    char *text = all ? json_dumps(all, JSON_COMPACT | JSON_REAL_PRECISION(DIGITS)) : NULL;
    json_decref(all);
    if (!text) hsgd_fail(ctx, ENOMEM, "the record of the training data cannot be written: out of memory");
    return text;
}

/* ------------------------------------------------------------------ reading */

/* A record being read; the first error is reported. */
struct parsing {
    struct hsgd_context *ctx;
    const char *where;
    struct hsgd_record *r;
    struct hsgd_normalisation **norm;
};

static int damaged(const struct parsing *p, const char *key, const char *what)
{
    return hsgd_fail(p->ctx, EINVAL, "%s: record of the data: %s is not %s", p->where, key, what);
}

static int out_of_memory(const struct parsing *p)
{
    return hsgd_fail(p->ctx, ENOMEM, "%s: out of memory for the record of the data", p->where);
}

static int check_version(const struct parsing *p, const json_t *object, const char *key)
{
    const json_t *version = json_object_get(object, "version");
    if (!json_is_integer(version)) return damaged(p, key, "an object with a version");
    if (json_integer_value(version) == VERSION) return 0;
    return hsgd_fail(p->ctx, EINVAL, "%s: record of the data: %s has version %lld, only %d is read", p->where, key,
                     (long long)json_integer_value(version), VERSION);
}

/* A text that may be missing. */
static int read_text(const struct parsing *p, const json_t *object, const char *key, const char **out)
{
    const json_t *value = json_object_get(object, key);
    *out = json_string_value(value);
    return value && !*out ? damaged(p, key, "a string") : 0;
}

static int read_hash(const struct parsing *p, const json_t *object, char out[65])
{
    const char *text;
    int err = read_text(p, object, "sha256", &text);
    if (err || !text) return err;
    if (strlen(text) != 64 || strspn(text, "0123456789abcdef") != 64) return damaged(p, "sha256", "a digest");
    memcpy(out, text, 65);
    return 0;
}

static int read_names(const struct parsing *p, const json_t *list, const char *key, struct hsgd_names **out)
{
    size_t n = json_array_size(list), i;
    json_t *name;
    if (!list) return 0;
    bool good = json_is_array(list) && n && n < INT_MAX, kept = true;
    json_array_foreach(list, i, name) good = good && json_is_string(name);
    if (!good) return damaged(p, key, "a list of strings");
    char **text = calloc(n, sizeof *text);
    json_array_foreach(list, i, name) kept = kept && text && (text[i] = hsgd_json_bytes(name));
    struct hsgd_names *names = text ? hsgd_names_new(text, (int)n) : NULL;
    if (kept && names) *out = names;
    else hsgd_names_free(names);
    return *out ? 0 : out_of_memory(p);
}

static int read_shape(const struct parsing *p, const json_t *x)
{
    const json_t *list = json_object_get(x, "shape");
    int *to[] = { &p->r->shape.h, &p->r->shape.w, &p->r->shape.c };
    int64_t all = 1;
    for (size_t i = 0; i < 3; i++) {
        int64_t v = json_integer_value(json_array_get(list, i));
        if (json_array_size(list) != 3 || v < 1 || v > INT_MAX || all * v > INT_MAX)
            return damaged(p, "shape", "[height, width, channels]");
        all *= v;
        *to[i] = (int)v;
    }
    return 0;
}

static int read_number(const struct parsing *p, const json_t *object, const char *key, double *out)
{
    const json_t *value = json_object_get(object, key);
    *out = json_number_value(value);
    return json_is_number(value) && isfinite(*out) ? 0 : damaged(p, key, "a number");
}

static int read_unit(const struct parsing *p, const json_t *x)
{
    const char *text;
    int err = read_text(p, x, "unit", &text);
    if (err || !text) return err;
    for (unsigned i = UNIT_BYTES; i <= UNIT_STORED; i++)
        if (!strcmp(text, unit_name[i])) p->r->unit = i;
    if (!p->r->unit) return damaged(p, "unit", "\"8-bit\" or \"as stored\"");
    err = read_number(p, x, "minimum", &p->r->low);
    return err ? err : read_number(p, x, "maximum", &p->r->high);
}

static int read_numbers(const struct parsing *p, const json_t *list, const char *key, double *to, int n)
{
    bool good = json_is_array(list) && json_array_size(list) == (size_t)n;
    for (int i = 0; good && i < n; i++) {
        const json_t *value = json_array_get(list, (size_t)i);
        to[i] = json_number_value(value);
        good = json_is_number(value) && isfinite(to[i]);
    }
    return good ? 0 : damaged(p, key, "a list of numbers, one for each channel");
}

static int read_norm(const struct parsing *p, const json_t *x)
{
    const json_t *mean = json_object_get(x, "mean"), *inv_std = json_object_get(x, "inv_std");
    size_t n = json_array_size(mean);
    if (!mean && !inv_std) return 0;
    if (!n || n > INT_MAX) return damaged(p, "mean", "a list of numbers, one for each channel");
    *p->norm = hsgd_normalisation_create((int)n, NULL, NULL);
    if (!*p->norm) return out_of_memory(p);
    int err = read_numbers(p, mean, "mean", (*p->norm)->mean, (int)n);
    return err ? err : read_numbers(p, inv_std, "inv_std", (*p->norm)->inv_std, (int)n);
}

static int read_x(const struct parsing *p, const json_t *x)
{
    struct hsgd_record *r = p->r;
    int err = check_version(p, x, "x");
    if (!err) err = read_shape(p, x);
    if (!err) err = read_names(p, json_object_get(x, "columns"), "columns", &r->columns);
    if (!err && r->columns && r->columns->count != r->shape.h * r->shape.w * r->shape.c)
        err = damaged(p, "columns", "a name for every value of a sample");
    if (!err) err = read_names(p, json_object_get(x, "ignored"), "ignored", &r->ignored);
    if (!err) err = read_unit(p, x);
    if (!err) err = read_norm(p, x);
    return err ? err : read_hash(p, x, r->x_hash);
}

static int read_label(const struct parsing *p, const json_t *label)
{
    const json_t *classes = json_object_get(label, "classes");
    const char *column = NULL;
    int err = check_version(p, label, "label");
    if (!err) err = read_text(p, label, "column", &column);
    char *name = column ? hsgd_text_decode(column) : NULL;
    if (name) p->r->label = hsgd_names_copy((const char *const *)&name, 1);
    free(name);
    if (!err && column && !p->r->label) err = out_of_memory(p);
    if (!err && json_is_array(classes)) err = read_names(p, classes, "classes", &p->r->names);
    if (err) return err;
    int64_t n = p->r->names ? p->r->names->count : json_integer_value(classes);
    if (!classes || (!p->r->names && !json_is_integer(classes)) || n < 0 || n > INT_MAX)
        return damaged(p, "classes", "a list of strings or a number of classes");
    p->r->classes = (int)n;
    return read_hash(p, label, p->r->label_hash);
}

/* Every field must be known: another would change what a sample is. */
static int read_fields(const struct parsing *p, json_t *fields)
{
    const char *key;
    json_t *value;
    if (!json_is_object(fields)) return damaged(p, "fields", "an object");
    json_object_foreach(fields, key, value) if (strcmp(key, "x") && strcmp(key, "label")) return hsgd_fail(
        p->ctx, EINVAL, "%s: record of the data: field \"%s\" is not one of x, label", p->where, hsgd_show(key).text);
    int err = read_x(p, json_object_get(fields, "x"));
    return err ? err : read_label(p, json_object_get(fields, "label"));
}

static int read_record(const struct parsing *p, json_t *all)
{
    const json_t *samples = json_object_get(all, "samples");
    const char *format = NULL;
    int err = check_version(p, all, "it");
    if (!err) err = read_text(p, all, "format", &format);
    if (!err && !format) err = damaged(p, "format", "a string");
    if (!err && (!json_is_integer(samples) || json_integer_value(samples) < 0)) err = damaged(p, "samples", "a count");
    if (err) return err;
    p->r->count = json_integer_value(samples);
    free(p->r->format);
    p->r->format = strdup(format);
    return p->r->format ? read_fields(p, json_object_get(all, "fields")) : out_of_memory(p);
}

struct hsgd_record *record_parse(struct hsgd_context *ctx, const char *where, const char *text,
                                 struct hsgd_normalisation **norm)
{
    struct parsing p = { ctx, where, record_new(), norm };
    json_error_t e;
    *norm = NULL;
    json_t *all = p.r ? json_loads(text, JSON_REJECT_DUPLICATES, &e) : NULL;
    int err = 0;
    if (!p.r) err = out_of_memory(&p);
    else if (!all) err = hsgd_fail(ctx, EINVAL, "%s: record of the data: %s", where, hsgd_show(e.text).text);
    else err = read_record(&p, all);
    json_decref(all);
    if (!err) return p.r;
    hsgd_record_destroy(&p.r);
    hsgd_normalisation_destroy(norm);
    return NULL;
}
