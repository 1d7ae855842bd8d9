/* SPDX-License-Identifier: BSD-3-Clause */
#include "sizes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FIELDS = 16 };

bool type_is_open(const struct hsgd_type *t) { return hsgd_type_is_open(t, t->rank); }

struct type_words type_words(const struct hsgd_type *t)
{
    static const char *const dtypes[HSGD_DTYPES] = { "", " i32", " u8" };
    const char *by = type_is_open(t) ? " x " : "x";
    struct type_words out = { "" };
    size_t used = 0, size = sizeof out.text;
    for (int i = 0; i < t->rank; i++) {
        used += (size_t)snprintf(out.text + used, size - used, "%s", i ? by : "");
        used += t->dim[i] == HSGD_ANY ? (size_t)snprintf(out.text + used, size - used, "any")
                                      : (size_t)snprintf(out.text + used, size - used, "%d", t->dim[i]);
    }
    snprintf(out.text + used, size - used, "%s%s", t->rank ? "" : "1", dtypes[t->dtype]);
    return out;
}

/* ------------------------------------------------------------------ --sizes */

/* "32x32x3" */
static bool read_dims(const char *text, struct hsgd_type *t)
{
    char *end;
    for (t->rank = 0; t->rank < HSGD_MAX_RANK; text = end + 1) {
        long n = strspn(text, "0123456789") ? strtol(text, &end, 10) : 0;
        if (n < 1 || n > 1 << 26) return false;
        t->dim[t->rank++] = (int)n;
        if (*end != 'x') return !*end;
    }
    return false;
}

static int find_field(const struct session *run, const char *name, size_t length)
{
    struct hsgd_model_field f;
    for (int i = 0; !hsgd_model_field_get(run->model, i, &f, sizeof f); i++)
        if (strlen(f.name) == length && !strncmp(f.name, name, length)) return i;
    return -1;
}

static int no_such_field(const struct session *run, const char *item)
{
    struct hsgd_model_field f;
    char names[400] = "";
    size_t used = 0;
    for (int i = 0; used < sizeof names && !hsgd_model_field_get(run->model, i, &f, sizeof f); i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", f.name);
    return report_error(USAGE, "--sizes \"%s\": model \"%s\" has no such input or target; it has %s", item,
                        hsgd_model_name(run->model), names);
}

static int take_item(const struct session *run, const char *item, struct hsgd_type *type)
{
    const char *value = strchr(item, '=');
    int i = value ? find_field(run, item, (size_t)(value - item)) : -1;
    if (value && i >= 0 && read_dims(value + 1, &type[i])) return OK;
    if (!value || i >= 0) return report_error(USAGE, "--sizes \"%s\": NAME=SIZES is expected, such as x=32x32x3", item);
    return no_such_field(run, item);
}

static int take_sizes(const struct session *run, const char *list, struct hsgd_type *type)
{
    char *copy = strdup(list), *rest = copy;
    int code = copy ? OK : report_error(FAILED, "out of memory for --sizes");
    for (char *item; !code && (item = strsep(&rest, ","));) code = take_item(run, item, type);
    free(copy);
    return code;
}

/* ------------------------------------------------------------------- sizes */

/* The types of all fields, those of the data where they are open. */
static bool field_types(const struct session *run, const struct hsgd_data *d, struct hsgd_type *type)
{
    struct hsgd_model_field f;
    bool open = false;
    for (int i = 0; i < MAX_FIELDS && !hsgd_model_field_get(run->model, i, &f, sizeof f); i++) {
        type[i] = f.type;
        if (!type_is_open(&f.type)) continue;
        struct hsgd_type has = d ? hsgd_data_type(d, f.name) : f.type;
        if (has.dtype == f.type.dtype) type[i] = has;
        open = true;
    }
    return open;
}

/* The data does not have the field, or nothing says its sizes. */
static int refuse_field(const struct session *run, const struct hsgd_model_field *f, const struct hsgd_type *type)
{
    const char *model = hsgd_model_name(run->model);
    if (run->train && hsgd_data_find(run->train, f->name) < 0)
        return report_error(USAGE, "data \"%s\" has no \"%s\", which model \"%s\" needs", hsgd_data_name(run->train),
                            f->name, model);
    return report_error(USAGE, "model \"%s\" leaves the sizes of \"%s\" open, %s: give them with --sizes %s=SIZES",
                        model, f->name, type_words(type).text, f->name);
}

int open_sizes(const struct session *run, const struct settings *s)
{
    struct hsgd_type type[MAX_FIELDS];
    struct hsgd_model_field f;
    bool open = field_types(run, run->train, type);
    int n = hsgd_model_fields(run->model), code = s->sizes ? take_sizes(run, s->sizes, type) : OK;
    for (int i = 0; !code && i < n; i++)
        if (type_is_open(&type[i]) && !hsgd_model_field_get(run->model, i, &f, sizeof f))
            code = refuse_field(run, &f, &type[i]);
    if (code || (!open && !s->sizes)) return code;
    if (!hsgd_trainer_set_types(run->trainer, n, type)) return OK;
    if (!s->sizes && run->train)
        return report_error(USAGE, "data \"%s\": %s", hsgd_data_name(run->train), hsgd_error(run->ctx));
    if (!s->sizes) return report_error(USAGE, "%s", hsgd_error(run->ctx));
    return report_error(USAGE, "--sizes \"%s\": %s", s->sizes, hsgd_error(run->ctx));
}

int predict_sizes(const struct session *run, const struct hsgd_data *d)
{
    struct hsgd_session_value in, out;
    struct hsgd_type type[MAX_FIELDS], x = { 0 };
    struct hsgd_model_field f = { .name = "" };
    int n = 0;
    for (; n < MAX_FIELDS && !hsgd_session_input_get(run->predictor, n, &in, sizeof in); n++) {
        struct hsgd_type has = hsgd_data_type(d, in.name);
        type[n] = has.dtype == HSGD_DTYPES ? in.type : has;
        if (!n) x = type[n];
    }
    hsgd_model_field_get(run->model, 0, &f, sizeof f);
    if (!n || !type_is_open(&f.type)) return OK;
    int err = hsgd_session_set_types(run->predictor, n, type);
    if (!err) err = hsgd_session_result_get(run->predictor, 0, &out, sizeof out);
    if (err) return report_error(USAGE, "%s: %s", hsgd_data_name(d), hsgd_error(run->ctx));
    if (!run->outputs || hsgd_type_size(&out.type) == run->outputs) return OK;
    return report_error(USAGE, "%s: samples of %s have %lld outputs, those of the training had %lld", hsgd_data_name(d),
                        type_words(&x).text, (long long)hsgd_type_size(&out.type), (long long)run->outputs);
}
