/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading data as a record says: the unit of the values. */
#include "record.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Tolerance for the rounding of values that were divided by 255. */
#define ROUNDED 1e-6

/* A field that is being converted; `place` begins every sentence. */
struct fit {
    struct hsgd_context *ctx;
    const struct record_field *r;
    const struct hsgd_data *d;
    struct data_field *f;
    unsigned *said;
    char place[400];
};

bool record_first_time(unsigned *said, unsigned what)
{
    bool first = !(*said & what);
    *said |= what;
    return first;
}

/* The range of a field's values, and whether all are integers. */
struct values {
    double low, high;
    bool integers;
};

static void add_range(struct values *v, const float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        double value = (double)x[i];
        if (isnan(value)) continue;
        v->low = fmin(v->low, value);
        v->high = fmax(v->high, value);
        v->integers = v->integers && value == floor(value);
    }
}

static int out_of_memory(const struct fit *t)
{
    return hsgd_fail(t->ctx, ENOMEM, "%s: out of memory for %lld samples", t->place, (long long)t->d->count);
}

static int find_range(const struct fit *t, struct values *v)
{
    int64_t size = hsgd_type_size(&t->f->type);
    float *x = malloc((size_t)size * sizeof *x);
    if (!x) return out_of_memory(t);
    *v = (struct values){ INFINITY, -INFINITY, true };
    for (int64_t i = 0; i < t->d->count; i++) {
        field_gather(t->f, t->d->index, &i, 1, NULL, x);
        add_range(v, x, size);
    }
    free(x);
    return 0;
}

static void scale(const struct fit *t, float factor)
{
    struct data_field *f = t->f;
    int64_t n = f->sparse.start ? f->sparse.start[t->d->count] : t->d->count * hsgd_type_size(&f->type);
    float *x = f->sparse.start ? f->sparse.value : f->owned;
    for (int64_t i = 0; i < n; i++) x[i] *= factor;
    for (int i = 0; f->owned_origin && i < hsgd_type_channels(&f->type); i++)
        f->owned_origin[i].offset *= (double)factor;
}

/* The record has 8-bit values, which are treated as 0 to 1.  So are values of an
 * integer type, and floats that are all integers if one is above 1 or if all
 * 8-bit values of the record were 0 or 1. */
static int fit_to_bytes(const struct fit *t)
{
    struct values v;
    int err = find_range(t, &v);
    if (err || v.low > v.high) return err;
    bool raw = t->f->integers || (v.integers && (v.high > 1 || t->r->high * 255 <= 1 + ROUNDED));
    if (v.low < 0 || v.high > (raw ? 255 : 1 + ROUNDED))
        return hsgd_fail(
            t->ctx, EINVAL,
            "%s: values range from %g to %g; the training data had 8-bit values, 0 to 255 or scaled to 0 to 1",
            t->place, v.low, v.high);
    if (!raw) return 0;
    scale(t, 1.0f / 255);
    if (!t->f->integers && record_first_time(t->said, SAID_UNIT))
        hsgd_log(t->ctx, HSGD_LOG_WARNING,
                 "%s: integers up to %g are divided by 255, as the 8-bit values of the "
                 "training data were",
                 t->place, v.high);
    return 0;
}

static int bytes_to_values(const struct fit *t)
{
    int64_t n = t->d->count * hsgd_type_size(&t->f->type);
    float *values = malloc((size_t)n * sizeof *values);
    if (!values) return out_of_memory(t);
    for (int64_t i = 0; i < n; i++) values[i] = (float)t->f->bytes[i];
    field_own(t->f, values, false);
    return 0;
}

/* The record has values as they were stored.  So are those of a file of numbers;
 * pixels are treated as 0 to 1 or as 0 to 255, as in the record. */
static int fit_bytes(const struct fit *t)
{
    struct values v;
    const struct record_field *r = t->r;
    int err = find_range(t, &v);
    bool fractions = r->low >= 0 && r->high <= 1, pixels = !t->f->integers;
    if (err || (pixels && fractions)) return err;
    if (!pixels && fractions && v.high * 255 > 1 + ROUNDED)
        return hsgd_fail(t->ctx, EINVAL,
                         "%s: has 8-bit values up to %.0f; the training data had %g to %g: divide them by 255",
                         t->place, v.high * 255, r->low, r->high);
    if (pixels && (r->low < 0 || r->high > 255))
        return hsgd_fail(t->ctx, EINVAL, "%s: has 8-bit pixels; the values of the training data were %g to %g",
                         t->place, r->low, r->high);
    if (pixels && record_first_time(t->said, SAID_UNIT))
        hsgd_log(t->ctx, HSGD_LOG_WARNING, "%s: pixels are treated as 0 to 255, as in the training data", t->place);
    return bytes_to_values(t);
}

/* Neither the record nor the images have an 8-bit type: finds pixels that were
 * divided by 255 on one side only. */
static int check_pixels(const struct fit *t)
{
    enum { FAR = 16 };
    struct values v;
    const struct record_field *r = t->r;
    if (hsgd_type_positions(&r->type) < 2 || t->f->bytes) return 0;
    int err = find_range(t, &v);
    if (err || v.low > v.high || v.low < 0) return err;
    double was = fmax(fabs(r->low), fabs(r->high));
    bool pixels = v.integers && v.high <= 255 && was > 0 && v.high > FAR * was;
    bool fractions = !v.integers && v.high <= 1 && r->low >= 0 && was > 255.0 / 2 && was <= 255;
    if (!pixels && !fractions) return 0;
    return hsgd_fail(t->ctx, EINVAL,
                     "%s: pixels range from %g to %g; those of the training data ranged from %g to %g, in "
                     "another unit",
                     t->place, v.low, v.high, r->low, r->high);
}

int record_fit_unit(struct hsgd_context *ctx, struct hsgd_record *r, int field, const struct hsgd_data *d,
                    struct data_field *f)
{
    struct fit t = { .ctx = ctx, .r = &r->field[field], .d = d, .f = f, .said = &r->said };
    snprintf(t.place, sizeof t.place, field ? "%s: field \"%s\"" : "%s", d->name, f->name);
    if (t.r->unit == UNIT_BYTES) return f->bytes ? 0 : fit_to_bytes(&t);
    int err = t.r->unit == UNIT_STORED && f->bytes ? fit_bytes(&t) : 0;
    return err || !t.r->unit ? err : check_pixels(&t);
}
