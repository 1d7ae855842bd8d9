/* SPDX-License-Identifier: BSD-3-Clause */
/* A plan's report as JSON, written and read; doc/plan.md describes it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "plan_report.h"

/* ---------------------------------------------------------------- writing */

static json_t *json_cell(const struct plan_cell *c)
{
    const struct hsgd_plan_cell *o = &c->of;
    return json_pack(
        "{s:o, s:o, s:s, s:s, s:s, s:i, s:I, s:s, s:o, s:i, s:i, s:i, s:I, s:o, s:o, s:i, s:o, s:I, s:o, s:o, s:o}",
        "name", json_text(o->name), "replica", o->replica < 0 ? json_null() : json_integer(o->replica), "device",
        o->device, "reason", o->reason, "about", o->about, "weights", o->weights, "weight_bytes",
        (json_int_t)o->weight_bytes, "chosen_by", o->chosen_by, "copied_ms", json_number(o->copied_ms), "rows", o->rows,
        "launches", o->launches, "accesses", o->accesses, "bytes", (json_int_t)o->bytes, "predicted_ms",
        json_number(o->known ? o->predicted_ms : NAN), "predicted_start_ms",
        json_number(o->known ? o->predicted_start_ms : NAN), "predicted_worker", o->predicted_worker, "measured_ms",
        json_number(o->measured_ms), "runs", (json_int_t)o->runs, "worker",
        c->worker < 0 ? json_null() : json_integer(c->worker), "start_ms", json_number(c->start_ms), "end_ms",
        json_number(c->end_ms));
}

static json_t *json_device(const struct plan_report *r, int i)
{
    const struct plan_device *d = &r->device[i];
    struct plan_total t = plan_total(r, i);
    const struct hsgd_plan_device *o = &d->of;
    return json_pack("{s:o, s:s, s:s, s:i, s:I, s:o, s:i, s:I, s:o, s:o, s:s, s:i, s:i, s:i, s:o, s:o, s:o, s:o, s:o}",
                     "name", json_text(d->name), "id", d->id, "reason", o->reason, "copies_to", o->copies_to,
                     "bytes_to", (json_int_t)o->bytes_to, "to_ms", json_number(o->to_ms), "copies_from", o->copies_from,
                     "bytes_from", (json_int_t)o->bytes_from, "from_ms", json_number(o->from_ms), "waiting_ms",
                     json_number(o->waiting_ms), "kind", d->kind, "workers", d->workers, "samples", t.rows, "cells",
                     t.cells, "share", json_number(t.share), "predicted_ms", json_number(t.predicted_ms), "measured_ms",
                     json_number(t.measured_ms), "busy_fraction", json_number(t.busy), "idle_ms",
                     json_number(t.idle_ms));
}

static json_t *json_candidates(const struct plan_report *r)
{
    json_t *list = json_array();
    for (int i = 0; i < r->ncandidates; i++) {
        const struct hsgd_candidate *c = &r->candidate[i];
        json_append(&list, json_pack("{s:s, s:s, s:o, s:b}", "devices", c->devices, "algorithm", c->algorithm,
                                     "predicted_ms", json_number(c->predicted_ms), "chosen", c->chosen));
    }
    return list;
}

json_t *plan_json(const struct plan_report *r)
{
    json_t *devices = json_array(), *cells = json_array();
    for (int i = 0; i < r->ndevices; i++) json_append(&devices, json_device(r, i));
    for (int i = 0; i < r->ncells; i++) json_append(&cells, json_cell(&r->cell[i]));
    return json_pack("{s:i, s:o, s:i, s:o, s:o, s:o, s:o, s:o, s:o}", "version", 1, "model", json_text(r->model),
                     "batch_size", r->batch, "predicted_step_ms", json_number(r->predicted_step_ms), "measured_step_ms",
                     json_number(r->measured_step_ms), "shown_step",
                     r->shown_step < 0 ? json_null() : json_integer(r->shown_step), "devices", devices, "candidates",
                     json_candidates(r), "cells", cells);
}

int plan_write(const struct plan_report *r, const struct session *run, const char *path)
{
    json_t *object = plan_json(r);
    char *text = object ? json_dumps(object, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(object);
    if (!text) return report_error(FAILED, "out of memory for the plan");
    int err = hsgd_file_write(run->ctx, path, text, strlen(text));
    free(text);
    return err ? library_error(run, err) : OK;
}

/* ---------------------------------------------------------------- reading */

/* One object of the file being read, and how to name it in a message. */
struct reader {
    const char *path;
    char where[40]; /* "cells[3]."; empty at the top */
    const json_t *object;
    int code; /* OK until the first error */
};

static const json_t *field(const struct reader *r, const char *name) { return json_object_get(r->object, name); }

static void refuse(struct reader *r, const char *name, const char *expected)
{
    if (!r->code) r->code = report_error(USAGE, "%s: %s%s is not %s", r->path, r->where, name, expected);
}

static void read_text(struct reader *r, const char *name, char *out, size_t size)
{
    char *s = hsgd_text_decode(json_string_value(field(r, name))), expected[60];
    snprintf(expected, sizeof expected, "text of at most %zu bytes", size - 1);
    if (!s || strlen(s) >= size) refuse(r, name, expected);
    else strcpy(out, s);
    free(s);
}

/* The same, empty in files of versions that did not have it. */
static void read_since(struct reader *r, const char *name, char *out, size_t size)
{
    if (field(r, name)) read_text(r, name, out, size);
}

/* An integer from low to high; null counts as -1 if low is -1. */
static int64_t read_integer(struct reader *r, const char *name, int64_t low, int64_t high)
{
    const json_t *v = field(r, name);
    char expected[80];
    snprintf(expected, sizeof expected, "an integer from %lld to %lld", (long long)low, (long long)high);
    if (low < 0 && json_is_null(v)) return -1;
    if (!json_is_integer(v) || json_integer_value(v) < low || json_integer_value(v) > high) {
        refuse(r, name, expected);
        return low;
    }
    return json_integer_value(v);
}

/* Milliseconds, or null, which is NaN. */
static double read_ms(struct reader *r, const char *name)
{
    const json_t *v = field(r, name);
    if (json_is_null(v)) return NAN;
    if (!json_is_number(v) || json_number_value(v) < 0 || json_number_value(v) > 1e9) {
        refuse(r, name, "a time from 0 to 1e9 ms or null");
        return NAN;
    }
    return json_number_value(v);
}

/* A time, or minus a time: what overlaps. */
static double read_rest(struct reader *r, const char *name)
{
    const json_t *v = field(r, name);
    if (json_is_number(v) && fabs(json_number_value(v)) <= 1e9) return json_number_value(v);
    if (!json_is_null(v)) refuse(r, name, "a time or null");
    return NAN;
}

/* Files of earlier versions do not have it. */
static void read_part(struct reader *r, struct plan_device *d)
{
    struct hsgd_plan_device *o = &d->of;
    if (!field(r, "waiting_ms")) return;
    snprintf(o->device, sizeof o->device, "%s", d->id);
    read_text(r, "reason", o->reason, sizeof o->reason);
    o->copies_to = (int)read_integer(r, "copies_to", 0, 1 << 30);
    o->copies_from = (int)read_integer(r, "copies_from", 0, 1 << 30);
    o->bytes_to = read_integer(r, "bytes_to", 0, INT64_MAX);
    o->bytes_from = read_integer(r, "bytes_from", 0, INT64_MAX);
    o->to_ms = read_ms(r, "to_ms");
    o->from_ms = read_ms(r, "from_ms");
    o->waiting_ms = read_rest(r, "waiting_ms");
}

static void read_cell(struct reader *r, struct plan_cell *c, int max_rows)
{
    struct hsgd_plan_cell *o = &c->of;
    read_text(r, "name", o->name, sizeof o->name);
    read_text(r, "device", o->device, sizeof o->device);
    read_text(r, "reason", o->reason, sizeof o->reason);
    o->replica = field(r, "replica") ? (int)read_integer(r, "replica", -1, PLAN_MAX) : -1; /* absent in older files */
    o->rows = (int)read_integer(r, "rows", 0, o->replica < 0 ? max_rows : 1 << 20);
    o->launches = (int)read_integer(r, "launches", 0, 1 << 30);
    o->accesses = (int)read_integer(r, "accesses", 0, 1 << 30);
    o->bytes = field(r, "bytes") ? read_integer(r, "bytes", 0, INT64_MAX) : 0; /* absent in older files */
    read_since(r, "about", o->about, sizeof o->about);
    read_since(r, "chosen_by", o->chosen_by, sizeof o->chosen_by);
    o->weights = field(r, "weights") ? (int)read_integer(r, "weights", 0, 1 << 30) : 0;
    o->weight_bytes = field(r, "weight_bytes") ? read_integer(r, "weight_bytes", 0, INT64_MAX) : 0;
    o->copied_ms = field(r, "copied_ms") ? read_ms(r, "copied_ms") : 0;
    o->predicted_ms = read_ms(r, "predicted_ms");
    o->predicted_start_ms = read_ms(r, "predicted_start_ms");
    o->predicted_worker = (int)read_integer(r, "predicted_worker", 0, PLAN_MAX);
    o->known = !isnan(o->predicted_ms) && !isnan(o->predicted_start_ms);
    o->measured_ms = read_ms(r, "measured_ms");
    o->runs = (unsigned long long)read_integer(r, "runs", 0, INT64_MAX);
    c->worker = (int)read_integer(r, "worker", -1, PLAN_MAX);
    c->start_ms = read_ms(r, "start_ms");
    c->end_ms = read_ms(r, "end_ms");
}

static void read_one_device(struct reader *r, struct plan_device *d)
{
    read_text(r, "id", d->id, sizeof d->id);
    read_text(r, "name", d->name, sizeof d->name);
    read_text(r, "kind", d->kind, sizeof d->kind);
    d->workers = (int)read_integer(r, "workers", 1, PLAN_MAX);
    read_part(r, d);
}

/* The array `name`, of 1 to PLAN_MAX objects. */
static const json_t *read_list(struct reader *r, const char *name, size_t element, int *n, void **out)
{
    const json_t *list = field(r, name);
    *n = 0;
    if (!json_is_array(list) || !json_array_size(list) || json_array_size(list) > PLAN_MAX)
        refuse(r, name, "a list of 1 to 4096 objects");
    if (r->code) return NULL;
    *out = calloc(json_array_size(list), element);
    if (!*out) r->code = report_error(FAILED, "%s: out of memory", r->path);
    else *n = (int)json_array_size(list);
    return list;
}

static struct reader element(const struct reader *r, const json_t *list, const char *name, int i)
{
    struct reader e = { .path = r->path, .object = json_array_get(list, (size_t)i), .code = r->code };
    snprintf(e.where, sizeof e.where, "%s[%d].", name, i);
    return e;
}

/* A cell runs on a worker of a device that is listed. */
static void check_place(struct reader *r, const struct plan_report *p, const struct plan_cell *c)
{
    for (int i = 0; i < p->ndevices; i++) {
        if (strcmp(p->device[i].id, c->of.device)) continue;
        if (c->of.predicted_worker >= p->device[i].workers) refuse(r, "predicted_worker", "a worker of its device");
        if (c->worker >= p->device[i].workers) refuse(r, "worker", "a worker of its device");
        return;
    }
    refuse(r, "device", "the id of one of the devices");
}

/* Files of earlier versions have none. */
static void read_candidates(struct reader *r, struct plan_report *out)
{
    const json_t *list = field(r, "candidates");
    if (!list) return;
    if (!json_is_array(list) || json_array_size(list) > PLAN_CANDIDATES)
        refuse(r, "candidates", "a list of at most 512 objects");
    for (size_t i = 0; !r->code && i < json_array_size(list); i++) {
        struct hsgd_candidate *c = &out->candidate[out->ncandidates++];
        struct reader e = element(r, list, "candidates", (int)i);
        read_text(&e, "devices", c->devices, sizeof c->devices);
        read_text(&e, "algorithm", c->algorithm, sizeof c->algorithm);
        c->predicted_ms = read_ms(&e, "predicted_ms");
        if (!json_is_boolean(field(&e, "chosen"))) refuse(&e, "chosen", "true or false");
        c->chosen = json_is_true(field(&e, "chosen"));
        r->code = e.code;
    }
}

static void read_lists(struct reader *r, struct plan_report *out)
{
    void *memory = NULL;
    const json_t *list = read_list(r, "devices", sizeof *out->device, &out->ndevices, &memory);
    out->device = memory;
    for (int i = 0; i < out->ndevices && !r->code; i++) {
        struct reader e = element(r, list, "devices", i);
        read_one_device(&e, &out->device[i]);
        r->code = e.code;
    }
    if (r->code) return;
    list = read_list(r, "cells", sizeof *out->cell, &out->ncells, &memory);
    out->cell = out->ncells ? memory : NULL;
    for (int i = 0; i < out->ncells && !r->code; i++) {
        struct reader e = element(r, list, "cells", i);
        read_cell(&e, &out->cell[i], out->batch);
        if (!e.code) check_place(&e, out, &out->cell[i]);
        r->code = e.code;
    }
}

int plan_read(struct plan_report *out, const char *path)
{
    json_error_t error;
    *out = (struct plan_report){ .shown_step = -1 };
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (!root && error.line < 0) return report_error(USAGE, "%s", error.text);
    if (!root) return report_error(USAGE, "%s: line %d: %s", path, error.line, error.text);
    struct reader r = { .path = path, .object = root };
    if (!json_is_object(root)) r.code = report_error(USAGE, "%s: not a JSON object", path);
    if (!r.code) read_integer(&r, "version", 1, 1);
    read_text(&r, "model", out->model, sizeof out->model);
    out->batch = (int)read_integer(&r, "batch_size", 1, 1 << 20);
    out->predicted_step_ms = read_ms(&r, "predicted_step_ms");
    out->measured_step_ms = read_ms(&r, "measured_step_ms");
    out->shown_step = read_integer(&r, "shown_step", -1, INT64_MAX);
    if (!r.code) read_lists(&r, out);
    if (!r.code) read_candidates(&r, out);
    json_decref(root);
    return r.code;
}
