/* SPDX-License-Identifier: BSD-3-Clause */
/* Records of data sets: creation and comparison. */
#include "record.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"
#include "table.h"

/* Maximum numbers of samples and of values that a fingerprint covers. */
enum { MAX_PROBES = 256, MAX_PROBED = 1 << 22 };

/* ----------------------------------------------------------------- lifetime */

struct hsgd_record *record_new(void)
{
    struct hsgd_record *r = calloc(1, sizeof *r);
    if (r) r->format = strdup("");
    if (!r || !r->format) {
        hsgd_record_destroy(&r);
        return NULL;
    }
    r->fields = 2;
    r->x = (struct record_field){ .name = "x", .type = { HSGD_F32, HSGD_ANY, { 0 } } };
    r->y = (struct record_field){ .name = "label", .type = hsgd_number(HSGD_I32) };
    return r;
}

void hsgd_record_destroy(struct hsgd_record **r)
{
    if (!r || !*r) return;
    for (int i = 0; i < MAX_FIELDS; i++) {
        struct record_field *f = &(*r)->field[i];
        hsgd_names_free(f->columns);
        hsgd_names_free(f->names);
        hsgd_normalisation_destroy(&f->norm);
    }
    hsgd_names_free((*r)->ignored);
    table_free((*r)->table);
    free((*r)->format);
    free(*r);
    *r = NULL;
}

const char *hsgd_record_format(const struct hsgd_record *r) { return r ? r->format : ""; }

const struct record_field *record_field(const struct hsgd_record *r, const char *name)
{
    for (int i = 0; r && i < r->fields; i++)
        if (!strcmp(r->field[i].name, name)) return &r->field[i];
    return NULL;
}

struct hsgd_shape record_shape(const struct hsgd_record *r)
{
    return r->x.type.rank < 0 ? (struct hsgd_shape){ 0, 0, 0 } : type_shape(&r->x.type);
}

bool hsgd_record_field_get(const struct hsgd_record *r, int i, struct hsgd_data_field *out, size_t size)
{
    if (!r || i < 0 || i >= r->fields) return false;
    const struct record_field *f = &r->field[i];
    return !field_give(f->name, &f->type, f->classes, f->names, f->columns, out, size);
}

void record_keep_as_is(struct hsgd_record *r, const char *name)
{
    struct record_field *f = (struct record_field *)record_field(r, name);
    if (f) hsgd_normalisation_destroy(&f->norm);
}

const struct hsgd_normalisation *hsgd_record_normalisation(const struct hsgd_record *r, const char *field)
{
    const struct record_field *f = r && field ? record_field(r, field) : NULL;
    return f ? f->norm : NULL;
}

/* -------------------------------------------------------------------- range */

static void widen(struct record_field *r, const float *x, int64_t n)
{
    float low = (float)r->low, high = (float)r->high;
    for (int64_t i = 0; i < n; i++) { /* no comparison holds for a missing value */
        low = x[i] < low ? x[i] : low;
        high = x[i] > high ? x[i] : high;
    }
    r->low = (double)low;
    r->high = (double)high;
}

/* The smallest and the largest byte, in units of 0 to 1. */
static void range_of_bytes(struct record_field *r, const struct hsgd_data *d, const struct data_field *f)
{
    int64_t size = hsgd_type_size(&f->type);
    uint8_t low = 255, high = 0;
    for (int64_t i = 0; i < d->count; i++) {
        const uint8_t *x = f->bytes + hsgd_data_place(d, i) * size;
        for (int64_t k = 0; k < size; k++) {
            low = x[k] < low ? x[k] : low;
            high = x[k] > high ? x[k] : high;
        }
    }
    r->low = low / 255.0;
    r->high = high / 255.0;
}

static void range_of_sparse(struct record_field *r, const struct hsgd_data *d, const struct data_field *f)
{
    r->low = r->high = 0;
    for (int64_t i = 0; i < d->count; i++) {
        int64_t place = hsgd_data_place(d, i);
        widen(r, f->sparse.value + f->sparse.start[place], f->sparse.start[place + 1] - f->sparse.start[place]);
    }
}

/* One sample at a time in the memory x. */
static void range_of_values(struct record_field *r, const struct hsgd_data *d, const struct data_field *f, float *x)
{
    r->low = INFINITY;
    r->high = -INFINITY;
    for (int64_t i = 0; i < d->count; i++) {
        field_gather(f, d->index, &i, 1, NULL, x);
        widen(r, x, hsgd_type_size(&f->type));
    }
    if (r->low > r->high) r->low = r->high = 0; /* all are missing */
}

/* -------------------------------------------------------------- fingerprint */

/* Of `count` samples with `size` values each: how many are covered. */
static int64_t probes_of(int64_t size, int64_t count)
{
    int64_t probes = MAX_PROBED / size;
    if (probes > MAX_PROBES) probes = MAX_PROBES;
    if (size * count <= MAX_PROBED || probes > count) probes = count;
    return probes >= 2 ? probes : count < 2 ? count : 2;
}

/* Covers the sizes and evenly spaced samples from the first to the last; all of a
 * small set.  The sizes of x are its height, width and channels. */
static void fingerprint(struct record_field *r, const struct hsgd_data *d, const struct data_field *f, void *row)
{
    struct sha256 sum;
    struct hsgd_shape s = type_shape(&f->type);
    int64_t sizes[1 + HSGD_MAX_RANK] = { d->count, s.h, s.w, s.c };
    int n = strcmp(f->name, "x") ? f->type.rank : 3;
    for (int i = 0; strcmp(f->name, "x") && i < n; i++) sizes[1 + i] = f->type.dim[i];
    int64_t probes = probes_of(hsgd_data_size(d), d->count), own = probes_of(hsgd_type_size(&f->type), d->count);
    if (own < probes) probes = own;
    sha256_begin(&sum);
    sha256_add(&sum, sizes, (size_t)(1 + n) * sizeof *sizes);
    for (int64_t k = 0; k < probes; k++) {
        int64_t last = d->count - 1, steps = probes - 1 ? probes - 1 : 1;
        int64_t i = k * (last / steps) + k * (last % steps) / steps;
        field_gather(f, d->index, &i, 1, NULL, row);
        sha256_add(&sum, row, (size_t)hsgd_type_bytes(&f->type));
    }
    sha256_end(&sum, r->hash);
}

/* ----------------------------------------------------------------- creation */

static int describe_floats(struct record_field *r, const struct hsgd_data *d, int i, float *row)
{
    const struct data_field *f = &d->field[i];
    r->unit = f->bytes ? UNIT_BYTES : UNIT_STORED;
    if (f->bytes) range_of_bytes(r, d, f);
    else if (f->sparse.start) range_of_sparse(r, d, f);
    else range_of_values(r, d, f, row);
    if (strcmp(f->name, "x")) r->norm = hsgd_data_field_statistics(d, i);
    return r->norm || !strcmp(f->name, "x") ? 0 : -ENOMEM;
}

static int describe_field(struct record_field *r, const struct hsgd_data *d, int i)
{
    const struct data_field *f = &d->field[i];
    void *row = malloc((size_t)hsgd_type_bytes(&f->type));
    if (!row) return -ENOMEM;
    *r = (struct record_field){ .type = f->type,
                                .columns = hsgd_names_share(f->columns),
                                .classes = f->classes,
                                .names = hsgd_names_share(f->names) };
    memcpy(r->name, f->name, sizeof f->name);
    int err = f->type.dtype == HSGD_F32 ? describe_floats(r, d, i, row) : 0;
    fingerprint(r, d, f, row);
    free(row);
    return err;
}

static int describe(struct hsgd_record *r, const struct hsgd_data *d)
{
    char *format = strdup(hsgd_data_format(d));
    int err = 0;
    if (!format) return -ENOMEM;
    free(r->format);
    r->format = format;
    r->ignored = hsgd_names_share(d->ignored);
    r->table = table_share(d->table);
    r->count = d->count;
    r->fields = d->fields;
    for (int i = 0; !err && i < d->fields; i++) err = describe_field(&r->field[i], d, i);
    return err;
}

struct hsgd_record *hsgd_record_create(struct hsgd_context *ctx, const struct hsgd_data *d)
{
    if (!d) {
        hsgd_fail(ctx, EINVAL, "record: no data set given");
        return NULL;
    }
    struct hsgd_record *r = record_new();
    if (!r || describe(r, d)) {
        hsgd_fail(ctx, ENOMEM, "data set \"%s\": out of memory for its record", d->name);
        hsgd_record_destroy(&r);
    }
    return r;
}
