/* SPDX-License-Identifier: BSD-3-Clause */
/* Records as JSON, in the metadata of safetensors files. */
#include "record.h"

#include <hsgd/file.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../io/json.h"
#include "record_table.h"
#include "table.h"

enum { VERSION = 1, DIGITS = 17 };

static const char *const dtype_name[] = { [HSGD_F32] = "f32", [HSGD_I32] = "i32", [HSGD_U8] = "u8" };
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

static json_t *json_dim(const struct hsgd_type *t)
{
    json_t *list = json_array();
    for (int i = 0; i < t->rank; i++) hsgd_json_append(&list, json_integer(t->dim[i]));
    return list;
}

/* Keys without a value are omitted. */
static void add_floats(json_t **o, const struct record_field *f, const struct hsgd_normalisation *n)
{
    if (f->unit) {
        hsgd_json_set(o, "unit", json_string(unit_name[f->unit]));
        hsgd_json_set(o, "minimum", json_real(f->low));
        hsgd_json_set(o, "maximum", json_real(f->high));
    }
    if (n) {
        hsgd_json_set(o, "mean", json_numbers(n->mean, n->channels));
        hsgd_json_set(o, "inv_std", json_numbers(n->inv_std, n->channels));
    }
}

static json_t *json_x(const struct hsgd_record *r, const struct hsgd_normalisation *n)
{
    struct hsgd_shape s = record_shape(r);
    struct hsgd_type plain = shape_type(s), image = hsgd_image(s.h, s.w, s.c);
    json_t *x = json_pack("{s:i, s:[i,i,i]}", "version", VERSION, "shape", s.h, s.w, s.c);
    if (r->x.type.rank >= 0 && !type_equal(&r->x.type, &plain) && !type_equal(&r->x.type, &image))
        hsgd_json_set(&x, "dim", json_dim(&r->x.type));
    if (r->x.columns) hsgd_json_set(&x, "columns", json_names(r->x.columns));
    if (r->ignored) hsgd_json_set(&x, "ignored", json_names(r->ignored));
    if (r->table) hsgd_json_set(&x, "table", table_to_json(r->table));
    add_floats(&x, &r->x, n);
    return x;
}

static json_t *json_classes(const struct record_field *f)
{
    return f->names ? json_names(f->names) : json_integer(f->classes);
}

static json_t *json_label(const struct record_field *f)
{
    json_t *label = json_pack("{s:i}", "version", VERSION);
    if (f->columns) hsgd_json_set(&label, "column", hsgd_json_text(f->columns->name[0]));
    hsgd_json_set(&label, "classes", json_classes(f));
    return label;
}

static json_t *json_other(const struct record_field *f)
{
    json_t *o = json_pack("{s:i, s:s}", "version", VERSION, "dtype", dtype_name[f->type.dtype]);
    hsgd_json_set(&o, "dim", json_dim(&f->type));
    if (f->columns) hsgd_json_set(&o, "columns", json_names(f->columns));
    if (f->classes) hsgd_json_set(&o, "classes", json_classes(f));
    add_floats(&o, f, f->norm);
    return o;
}

/* Fields that samples of version 0.2 have, too, are written as it did. */
static bool is_x(const struct record_field *f) { return !strcmp(f->name, "x") && f->type.dtype == HSGD_F32; }

static bool is_label(const struct record_field *f)
{
    return !strcmp(f->name, "label") && f->type.dtype == HSGD_I32 && f->type.rank == 0;
}

char *record_text(struct hsgd_context *ctx, const struct hsgd_record *r, const struct hsgd_normalisation *norm)
{
    json_t *fields = json_object(), *all = json_pack("{s:i, s:s, s:I}", "version", VERSION, "format", r->format,
                                                     "samples", (json_int_t)r->count);
    for (int i = 0; i < r->fields; i++) {
        const struct record_field *f = &r->field[i];
        json_t *value = !i && is_x(f) ? json_x(r, norm) : is_label(f) ? json_label(f) : json_other(f);
        if (*f->hash) hsgd_json_set(&value, "sha256", json_string(f->hash));
        hsgd_json_set(&fields, f->name, value);
    }
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
    struct hsgd_shape s;
    int *to[] = { &s.h, &s.w, &s.c };
    int64_t all = 1;
    for (size_t i = 0; i < 3; i++) {
        int64_t v = json_integer_value(json_array_get(list, i));
        if (json_array_size(list) != 3 || v < 1 || v > INT_MAX || all * v > INT_MAX)
            return damaged(p, "shape", "[height, width, channels]");
        all *= v;
        *to[i] = (int)v;
    }
    p->r->x.type = shape_type(s);
    return 0;
}

static int read_dim(const struct parsing *p, const json_t *object, struct hsgd_type *t)
{
    const json_t *list = json_object_get(object, "dim");
    size_t n = json_array_size(list);
    int64_t all = 1;
    if (!json_is_array(list) || n > HSGD_MAX_RANK) return damaged(p, "dim", "a list of sizes");
    t->rank = (int)n;
    for (size_t i = 0; i < n; i++) {
        int64_t v = json_integer_value(json_array_get(list, i));
        if (v < 1 || v > INT_MAX || all * v > INT_MAX) return damaged(p, "dim", "a list of sizes");
        all *= v;
        t->dim[i] = (int)v;
    }
    return 0;
}

static int read_number(const struct parsing *p, const json_t *object, const char *key, double *out)
{
    const json_t *value = json_object_get(object, key);
    *out = json_number_value(value);
    return json_is_number(value) && isfinite(*out) ? 0 : damaged(p, key, "a number");
}

static int read_unit(const struct parsing *p, const json_t *x, struct record_field *f)
{
    const char *text;
    int err = read_text(p, x, "unit", &text);
    if (err || !text) return err;
    for (unsigned i = UNIT_BYTES; i <= UNIT_STORED; i++)
        if (!strcmp(text, unit_name[i])) f->unit = i;
    if (!f->unit) return damaged(p, "unit", "\"8-bit\" or \"as stored\"");
    err = read_number(p, x, "minimum", &f->low);
    return err ? err : read_number(p, x, "maximum", &f->high);
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

static int read_norm(const struct parsing *p, const json_t *x, struct hsgd_normalisation **norm)
{
    const json_t *mean = json_object_get(x, "mean"), *inv_std = json_object_get(x, "inv_std");
    size_t n = json_array_size(mean);
    if (!mean && !inv_std) return 0;
    if (!n || n > INT_MAX) return damaged(p, "mean", "a list of numbers, one for each channel");
    hsgd_normalisation_destroy(norm);
    *norm = hsgd_normalisation_create((int)n, NULL, NULL);
    if (!*norm) return out_of_memory(p);
    int err = read_numbers(p, mean, "mean", (*norm)->mean, (int)n);
    return err ? err : read_numbers(p, inv_std, "inv_std", (*norm)->inv_std, (int)n);
}

/* A name for every channel; features that became pixels keep theirs. */
static int read_columns(const struct parsing *p, const json_t *object, struct record_field *f)
{
    int err = read_names(p, json_object_get(object, "columns"), "columns", &f->columns);
    if (err || !f->columns) return err;
    bool all = f->columns->count == hsgd_type_size(&f->type);
    return all || f->columns->count == hsgd_type_channels(&f->type) ? 0
                                                                    : damaged(p, "columns", "a name for every column");
}

static int read_table(const struct parsing *p, const json_t *x, const struct record_field *f)
{
    const json_t *list = json_object_get(x, "table");
    p->r->table = list ? table_from_json(list) : NULL;
    bool fits = p->r->table && p->r->table->features == hsgd_type_size(&f->type) && f->columns;
    return !list || fits ? 0 : damaged(p, "table", "a list of the columns of the features");
}

static int read_x(const struct parsing *p, const json_t *x, struct record_field *f)
{
    int err = read_shape(p, x);
    if (!err && json_object_get(x, "dim")) err = read_dim(p, x, &f->type);
    if (!err) err = read_columns(p, x, f);
    if (!err) err = read_names(p, json_object_get(x, "ignored"), "ignored", &p->r->ignored);
    if (!err) err = read_table(p, x, f);
    if (!err) err = read_unit(p, x, f);
    return err ? err : read_norm(p, x, p->norm);
}

static int read_classes(const struct parsing *p, const json_t *object, struct record_field *f)
{
    const json_t *classes = json_object_get(object, "classes");
    int err = json_is_array(classes) ? read_names(p, classes, "classes", &f->names) : 0;
    if (err) return err;
    int64_t n = f->names ? f->names->count : json_integer_value(classes);
    if (!classes || (!f->names && !json_is_integer(classes)) || n < 0 || n > INT_MAX)
        return damaged(p, "classes", "a list of strings or a number of classes");
    f->classes = (int)n;
    return 0;
}

static int read_label(const struct parsing *p, const json_t *label, struct record_field *f)
{
    const char *column = NULL;
    int err = read_text(p, label, "column", &column);
    char *name = column ? hsgd_text_decode(column) : NULL;
    if (name) f->columns = hsgd_names_copy((const char *const *)&name, 1);
    free(name);
    if (!err && column && !f->columns) err = out_of_memory(p);
    return err ? err : read_classes(p, label, f);
}

static int read_other(const struct parsing *p, const json_t *object, struct record_field *f)
{
    const char *text;
    int err = read_text(p, object, "dtype", &text);
    f->type.dtype = 0;
    while (f->type.dtype < HSGD_DTYPES && text && strcmp(text, dtype_name[f->type.dtype])) f->type.dtype++;
    if (!err && (!text || f->type.dtype == HSGD_DTYPES)) err = damaged(p, "dtype", "\"f32\", \"i32\" or \"u8\"");
    if (!err) err = read_dim(p, object, &f->type);
    if (!err) err = read_columns(p, object, f);
    if (!err && json_object_get(object, "classes")) err = read_classes(p, object, f);
    if (!err) err = read_unit(p, object, f);
    return err ? err : read_norm(p, object, &f->norm);
}

static int read_field(const struct parsing *p, const char *name, const json_t *value)
{
    struct record_field *f = &p->r->field[p->r->fields];
    bool other = json_object_get(value, "dtype");
    if (p->r->fields == MAX_FIELDS) return damaged(p, "fields", "an object of at most 16");
    if (!*name || strlen(name) >= FIELD_NAME) return damaged(p, "fields", "an object with names of 1 to 31 bytes");
    if (!other && strcmp(name, "x") && strcmp(name, "label"))
        return hsgd_fail(p->ctx, EINVAL, "%s: record of the data: field \"%s\" has no dtype", p->where,
                         hsgd_show(name).text);
    *f = (struct record_field){ .type = hsgd_number(strcmp(name, "x") ? HSGD_I32 : HSGD_F32) };
    memcpy(f->name, name, strlen(name) + 1);
    p->r->fields++;
    int err = check_version(p, value, hsgd_show(name).text);
    if (!err) err = (other ? read_other : *name == 'x' ? read_x : read_label)(p, value, f);
    return err ? err : read_hash(p, value, f->hash);
}

/* The first field is x, unless the program that made the data called it otherwise. */
static int read_fields(const struct parsing *p, json_t *fields)
{
    const char *key;
    json_t *value;
    int err = json_is_object(fields) && json_object_size(fields) ? 0 : damaged(p, "fields", "an object");
    p->r->fields = 0;
    if (!err && json_object_get(fields, "x")) err = read_field(p, "x", json_object_get(fields, "x"));
    json_object_foreach(fields, key, value) if (!err && strcmp(key, "x")) err = read_field(p, key, value);
    return err;
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
