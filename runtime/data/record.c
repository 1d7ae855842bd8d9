/* SPDX-License-Identifier: BSD-3-Clause */
/* Records of data sets: creation and comparison. */
#include "record.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../sha256.h"

/* Maximum numbers of samples and of values that a fingerprint covers. */
enum { MAX_PROBES = 256, MAX_PROBED = 1 << 22 };

/* ----------------------------------------------------------------- lifetime */

struct hsgd_record *record_new(void)
{
    struct hsgd_record *r = calloc(1, sizeof *r);
    if (r) r->format = strdup("");
    if (!r || !r->format) hsgd_record_destroy(&r);
    return r;
}

void hsgd_record_destroy(struct hsgd_record **r)
{
    if (!r || !*r) return;
    hsgd_names_free((*r)->columns);
    hsgd_names_free((*r)->ignored);
    hsgd_names_free((*r)->label);
    hsgd_names_free((*r)->names);
    free((*r)->format);
    free(*r);
    *r = NULL;
}

const char *hsgd_record_format(const struct hsgd_record *r) { return r ? r->format : ""; }

/* -------------------------------------------------------------------- range */

static void widen(struct hsgd_record *r, const float *x, int64_t n)
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
static void range_of_bytes(struct hsgd_record *r, const struct hsgd_data *d)
{
    int64_t size = hsgd_data_size(d);
    uint8_t low = 255, high = 0;
    for (int64_t i = 0; i < d->count; i++) {
        const uint8_t *x = d->x.bytes + hsgd_data_place(d, i) * size;
        for (int64_t k = 0; k < size; k++) {
            low = x[k] < low ? x[k] : low;
            high = x[k] > high ? x[k] : high;
        }
    }
    r->low = low / 255.0;
    r->high = high / 255.0;
}

static void range_of_sparse(struct hsgd_record *r, const struct hsgd_data *d)
{
    r->low = r->high = 0;
    for (int64_t i = 0; i < d->count; i++) {
        int64_t place = hsgd_data_place(d, i);
        widen(r, d->x.sparse.value + d->x.sparse.start[place], d->x.sparse.start[place + 1] - d->x.sparse.start[place]);
    }
}

/* One sample at a time in the memory x. */
static void range_of_values(struct hsgd_record *r, const struct hsgd_data *d, float *x)
{
    r->low = INFINITY;
    r->high = -INFINITY;
    for (int64_t i = 0; i < d->count; i++) {
        hsgd_data_gather(d, &i, 1, NULL, x, NULL);
        widen(r, x, hsgd_data_size(d));
    }
    if (r->low > r->high) r->low = r->high = 0; /* all are missing */
}

/* -------------------------------------------------------------- fingerprint */

/* Covers the sizes and evenly spaced samples from the first to the last; all of a
 * small set. */
static void fingerprint(struct hsgd_record *r, const struct hsgd_data *d, float *x)
{
    struct sha256 values, labels;
    int64_t size = hsgd_data_size(d), probes = MAX_PROBED / size;
    struct hsgd_shape s = hsgd_data_shape(d);
    int64_t sizes[4] = { d->count, s.h, s.w, s.c };
    if (probes > MAX_PROBES) probes = MAX_PROBES;
    if (size * d->count <= MAX_PROBED || probes > d->count) probes = d->count;
    if (probes < 2) probes = d->count < 2 ? d->count : 2;
    sha256_begin(&values);
    sha256_begin(&labels);
    sha256_add(&values, sizes, sizeof sizes);
    sha256_add(&labels, sizes, sizeof *sizes);
    for (int64_t k = 0; k < probes; k++) {
        int64_t last = d->count - 1, steps = probes - 1 ? probes - 1 : 1;
        int64_t i = k * (last / steps) + k * (last % steps) / steps;
        int32_t label;
        hsgd_data_gather(d, &i, 1, NULL, x, &label);
        sha256_add(&values, x, (size_t)size * sizeof *x);
        sha256_add(&labels, &label, sizeof label);
    }
    sha256_end(&values, r->x_hash);
    sha256_end(&labels, r->label_hash);
}

/* ----------------------------------------------------------------- creation */

static void share_names(struct hsgd_record *r, const struct hsgd_data *d)
{
    r->columns = hsgd_names_share(d->x.columns);
    r->ignored = hsgd_names_share(d->ignored);
    r->label = hsgd_names_share(d->y.columns);
    r->names = hsgd_names_share(d->y.names);
    r->count = d->count;
    r->shape = hsgd_data_shape(d);
    r->classes = d->y.classes;
    r->unit = d->x.bytes ? UNIT_BYTES : UNIT_STORED;
}

static int describe(struct hsgd_record *r, const struct hsgd_data *d)
{
    float *x = malloc((size_t)hsgd_data_size(d) * sizeof *x);
    char *format = strdup(hsgd_data_format(d));
    if (format) {
        free(r->format);
        r->format = format;
    }
    share_names(r, d);
    if (d->x.bytes) range_of_bytes(r, d);
    else if (d->x.sparse.start) range_of_sparse(r, d);
    else if (x) range_of_values(r, d, x);
    if (x) fingerprint(r, d, x);
    free(x);
    return x && format ? 0 : -ENOMEM;
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

/* --------------------------------------------------------------- comparison */

static const char *name_at(const struct hsgd_names *names, int i, char number[16])
{
    snprintf(number, 16, "%d", i);
    return names && i < names->count ? names->name[i] : number;
}

#define MADE_WITH "the checkpoint was made with "

static int check_shape(struct hsgd_context *ctx, const struct hsgd_record *r, const struct hsgd_data *d)
{
    struct hsgd_shape is = hsgd_data_shape(d), was = r->shape;
    if (!was.h || (is.h == was.h && is.w == was.w && is.c == was.c)) return 0;
    return hsgd_fail(ctx, EINVAL, MADE_WITH "samples of %dx%dx%d, not %dx%dx%d", was.h, was.w, was.c, is.h, is.w, is.c);
}

/* Samples that are read with the record have its order of columns. */
int record_check_order(struct hsgd_context *ctx, const struct hsgd_names *columns, const struct hsgd_data *d)
{
    for (int i = 0; columns && d->x.columns && i < columns->count && i < d->x.columns->count; i++)
        if (strcmp(columns->name[i], d->x.columns->name[i]))
            return hsgd_fail(ctx, EINVAL, "data \"%s\": column %d is \"%s\", but \"%s\" in the training data", d->name,
                             i + 1, hsgd_show(d->x.columns->name[i]).text, hsgd_show(columns->name[i]).text);
    return 0;
}

static int check_label_column(struct hsgd_context *ctx, const struct hsgd_record *r, const struct hsgd_data *d)
{
    const char *is = d->y.columns ? d->y.columns->name[0] : NULL, *was = r->label ? r->label->name[0] : NULL;
    if (!is || !was || !strcmp(is, was)) return 0;
    return hsgd_fail(ctx, EINVAL, MADE_WITH "the labels of \"%s\", not \"%s\"", hsgd_show(was).text,
                     hsgd_show(is).text);
}

static int check_classes(struct hsgd_context *ctx, const struct hsgd_record *r, const struct hsgd_data *d)
{
    char a[16], b[16];
    for (int i = 0; r->classes && (i < r->classes || i < d->y.classes); i++) {
        const char *is = name_at(d->y.names, i, a), *was = name_at(r->names, i, b);
        if (i >= r->classes || i >= d->y.classes)
            return hsgd_fail(ctx, EINVAL, MADE_WITH "%d classes, not %d: \"%s\" is %s", r->classes, d->y.classes,
                             hsgd_show(i < d->y.classes ? is : was).text, i < d->y.classes ? "new" : "missing");
        if (strcmp(is, was))
            return hsgd_fail(ctx, EINVAL, MADE_WITH "\"%s\" as class %d, not \"%s\"", hsgd_show(was).text, i,
                             hsgd_show(is).text);
    }
    return 0;
}

static int check_samples(struct hsgd_context *ctx, const struct hsgd_record *r, const struct hsgd_data *d)
{
    if (r->count && r->count != d->count)
        return hsgd_fail(ctx, EINVAL, MADE_WITH "%lld training samples, not %lld", (long long)r->count,
                         (long long)d->count);
    if (!*r->x_hash) return 0;
    struct hsgd_record *is = hsgd_record_create(ctx, d);
    if (!is) return -ENOMEM;
    bool values = strcmp(is->x_hash, r->x_hash), labels = strcmp(is->label_hash, r->label_hash);
    hsgd_record_destroy(&is);
    if (!values && !labels) return 0;
    return hsgd_fail(ctx, EINVAL, MADE_WITH "other %s of the training samples", values ? "values" : "labels");
}

int hsgd_record_check(struct hsgd_context *ctx, const struct hsgd_record *r, const struct hsgd_data *d)
{
    if (!r || !d) return hsgd_fail(ctx, EINVAL, "record: no %s given", r ? "data set" : "record");
    int err = check_shape(ctx, r, d);
    if (!err) err = record_check_order(ctx, r->columns, d);
    if (!err) err = check_label_column(ctx, r, d);
    if (!err) err = check_classes(ctx, r, d);
    return err ? err : check_samples(ctx, r, d);
}
