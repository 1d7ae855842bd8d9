/* SPDX-License-Identifier: BSD-3-Clause */
#include "numpy.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../codelets/type_text.h"
#include "origin.h"
#include "record.h"

enum { MAX_CHANNELS = 4 };

/* In order of preference; letter case does not matter. */
const char *const numpy_names[NUMPY_ROWS][ARRAY_ROLES] = {
    { "x_train", "y_train", "x_test", "y_test" },
    { "train_images", "train_labels", "test_images", "test_labels" },
    { "x", "y", "x_test", "y_test" },
    { "images", "labels", "test_images", "test_labels" },
    { "data", "labels", "test_data", "test_labels" },
    { "data", "target", "test_data", "test_target" },
};

void array_free(struct array *a)
{
    free(a->key);
    free(a->name);
    free(a->bytes);
    *a = (struct array){ 0 };
}

/* ------------------------------------------------------------------ labels */

static int check_label_array(struct hsgd_context *ctx, const struct array *x, const struct array *y,
                             const struct npy *a, int64_t samples)
{
    if (a->dimensions > 2)
        return hsgd_fail(ctx, EINVAL, "%s: labels have %d dimensions, one number or one-hot row per sample is expected",
                         y->name, a->dimensions);
    if (a->dim[0] == samples) return 0;
    return hsgd_fail(ctx, EINVAL, "%s: %lld labels, but %s has %lld samples", y->name, (long long)a->dim[0], x->name,
                     (long long)samples);
}

/* The index of the 1 in a one-hot row; -1: the row is not one-hot. */
static int64_t hot_index(const struct npy *a, int64_t row)
{
    int64_t width = a->dim[1], at = -1;
    for (int64_t k = 0; k < width; k++) {
        double v = npy_value(a, row * width + k);
        if (v != 0 && (v != 1 || at >= 0)) return -1;
        if (v == 1) at = k;
    }
    return at;
}

/* The label of a sample as text. */
static int label_text(struct hsgd_context *ctx, const struct array *y, const struct npy *a, int64_t i,
                      char text[NPY_TEXT])
{
    bool row = a->dimensions == 2 && a->dim[1] > 1;
    int64_t hot = row ? hot_index(a, i) : 0;
    if (hot < 0)
        return hsgd_fail(ctx, EINVAL,
                         "%s: row %lld of %lld values is not one-hot; one number per sample, or a row with "
                         "a single 1, is expected",
                         y->name, (long long)i, (long long)a->dim[1]);
    if (row) snprintf(text, NPY_TEXT, "%lld", (long long)hot);
    else npy_text(a, i, text);
    if (row || isfinite(npy_value(a, i))) return 0;
    return hsgd_fail(ctx, EINVAL, "%s: label %lld is %s, it must be finite", y->name, (long long)i, text);
}

static int read_labels(struct hsgd_context *ctx, const struct array *y, const struct npy *a, struct labels *labels,
                       struct hsgd_data *d)
{
    char text[NPY_TEXT], place[512];
    int32_t *label = d->y.owned = malloc((size_t)d->count * sizeof *label);
    if (!label) return hsgd_fail(ctx, ENOMEM, "%s: out of memory for %lld labels", y->name, (long long)d->count);
    for (int64_t i = 0; i < d->count; i++) {
        int err = label_text(ctx, y, a, i, text);
        if (err) return err;
        label[i] = labels_class(labels, text);
        if (label[i] >= 0) continue;
        snprintf(place, sizeof place, "%s: sample %lld", y->name, (long long)i);
        return labels_refuse(ctx, labels, label[i], place, text);
    }
    int err = labels_sort(ctx, labels, y->name, label, d->count);
    return err ? err : labels_name(ctx, labels, d);
}

/* ----------------------------------------------------------------- samples */

/* All axes but the first. */
static struct hsgd_type rest_of(const struct npy *a)
{
    struct hsgd_type t = { HSGD_F32, a->dimensions - 1, { 0 } };
    for (int i = 0; i < t.rank; i++) t.dim[i] = (int)a->dim[i + 1];
    return t.rank ? t : hsgd_vector(1);
}

static int check_size(struct hsgd_context *ctx, const struct array *x, const struct npy *a)
{
    int64_t size = a->count / a->dim[0];
    if (size <= INT32_MAX) return 0;
    return hsgd_fail(ctx, EINVAL, "%s: a sample has %lld values, more than %d", x->name, (long long)size, INT32_MAX);
}

/* Two axes are those of a grey image. */
static int sample_type(struct hsgd_context *ctx, const struct array *x, const struct npy *a, int features,
                       struct hsgd_type *out)
{
    *out = rest_of(a);
    if (out->rank == 2) *out = hsgd_image(out->dim[0], out->dim[1], 1);
    if (a->dimensions == 4 && out->dim[2] > MAX_CHANNELS)
        return hsgd_fail(ctx, EINVAL, "%s: last dimension is %d, images have 1 to %d channels there (N x H x W x C)",
                         x->name, out->dim[2], MAX_CHANNELS);
    int err = check_size(ctx, x, a);
    if (err || out->rank > 1 || !features || out->dim[0] == features) return err;
    return hsgd_fail(ctx, EINVAL, "%s: samples have %d features, %d are expected", x->name, out->dim[0], features);
}

static int check_value(struct hsgd_context *ctx, const struct array *x, int64_t size, int64_t i, double v)
{
    if (isfinite((float)v)) return 0;
    return hsgd_fail(ctx, EINVAL, "%s: value %lld of sample %lld is %g, a finite 32-bit float is expected", x->name,
                     (long long)(i % size), (long long)(i / size), v);
}

/* Values that a float may round: the range of each channel decides how it is
 * stored. */
static int settle_origin(struct hsgd_context *ctx, const struct array *x, const struct npy *a, struct data_field *f)
{
    int channels = hsgd_type_channels(&f->type);
    if (a->size < 4 || (a->kind == 'f' && a->size == 4)) return 0;
    struct origin_range *range = calloc((size_t)channels, sizeof *range);
    if (!range) return hsgd_fail(ctx, ENOMEM, "%s: out of memory for %d columns", x->name, channels);
    for (int64_t i = 0; i < a->count; i++) origin_add(&range[i % channels], npy_value(a, i));
    int err = origin_settle(ctx, x->name, f, range);
    free(range);
    return err;
}

int numpy_floats(struct hsgd_context *ctx, const struct array *x, const struct npy *a, struct data_field *f)
{
    int64_t size = hsgd_type_size(&f->type), channels = hsgd_type_channels(&f->type);
    float *values = malloc((size_t)a->count * sizeof *values);
    f->owned = values;
    f->values = values;
    if (!values) return hsgd_fail(ctx, ENOMEM, "%s: out of memory for %lld numbers", x->name, (long long)a->count);
    int err = settle_origin(ctx, x, a, f);
    for (int64_t i = 0; !err && i < a->count; i++) {
        double v = npy_value(a, i);
        err = check_value(ctx, x, size, i, v);
        values[i] = origin_store(f, (int)(i % channels), v);
    }
    return err;
}

/* 8-bit values are kept, in the memory that they were read into. */
static int keep_bytes(struct hsgd_context *ctx, struct array *x, const struct npy *a, struct hsgd_data *d)
{
    uint8_t *bytes = a->fortran ? malloc((size_t)a->count) : x->bytes;
    if (!bytes) return hsgd_fail(ctx, ENOMEM, "%s: out of memory for %lld numbers", x->name, (long long)a->count);
    for (int64_t i = 0; a->fortran && i < a->count; i++) bytes[i] = (uint8_t)npy_value(a, i);
    if (!a->fortran) memmove(bytes, a->data, (size_t)a->count);
    d->x.owned = bytes;
    d->x.bytes = bytes;
    if (!a->fortran) x->bytes = NULL;
    return 0;
}

/* Those that the training data had. */
static int check_tokens(struct hsgd_context *ctx, const struct array *x, const struct hsgd_data *d, int classes)
{
    int64_t size = hsgd_type_size(&d->x.type);
    for (int64_t i = 0; classes && i < d->count * size; i++) {
        int v = (int)d->x.numbers[i];
        if (v < 0 || v >= classes)
            return hsgd_fail(ctx, EINVAL, "%s: value %lld of sample %lld is %d, the training data had 0 to %d", x->name,
                             (long long)(i % size), (long long)(i / size), v, classes - 1);
    }
    return 0;
}

static int read_tokens(struct hsgd_context *ctx, const struct array *x, const struct record_field *was,
                       struct hsgd_data **out)
{
    const struct npz_field field = { .name = "x", .dtype = HSGD_I32 };
    struct hsgd_data *d = *out = hsgd_data_new(ctx, x->name);
    if (!d) return -ENOMEM;
    int err = numpy_field(ctx, x, &field, d, &d->x);
    if (!err) err = check_tokens(ctx, x, d, was->classes);
    if (!d->x.type.rank) d->x.type = hsgd_tokens(1);
    d->x.classes = was->classes;
    return err;
}

int numpy_samples(struct hsgd_context *ctx, struct array *x, int features, const struct hsgd_record *record,
                  struct hsgd_data **out)
{
    struct npy samples;
    struct hsgd_type type;
    int err = npy_parse(ctx, x->name, x->bytes, x->size, &samples);
    bool integers = !err && (samples.kind == 'u' || samples.kind == 'i');
    if (integers && record && record->x.type.rank >= 0 && record->x.type.dtype == HSGD_I32)
        return read_tokens(ctx, x, &record->x, out);
    if (!err) err = sample_type(ctx, x, &samples, features, &type);
    if (err) return err;
    struct hsgd_data *d = *out = hsgd_data_new(ctx, x->name);
    if (!d) return -ENOMEM;
    d->count = samples.dim[0];
    d->x.type = type;
    d->x.integers = samples.kind == 'u' || samples.kind == 'i';
    return samples.kind == 'u' && samples.size == 1 ? keep_bytes(ctx, x, &samples, d)
                                                    : numpy_floats(ctx, x, &samples, &d->x);
}

/* 8-bit values, too, keep the unit that they have. */
static int read_targets(struct hsgd_context *ctx, const struct array *x, const struct array *y, const struct npy *a,
                        struct hsgd_data *d)
{
    int err = check_size(ctx, y, a);
    if (!err && a->dim[0] != d->count)
        err = hsgd_fail(ctx, EINVAL, "%s: targets of %lld samples, but %s has %lld", y->name, (long long)a->dim[0],
                        x->name, (long long)d->count);
    if (err) return err;
    hsgd_data_set_targets(d, rest_of(a));
    return numpy_floats(ctx, y, a, &d->y);
}

int numpy_split(struct hsgd_context *ctx, struct array *x, const struct array *y, int features,
                const struct hsgd_record *record, struct labels *labels, struct hsgd_data **out)
{
    struct npy answers;
    int err = numpy_samples(ctx, x, features, record, out);
    if (!err) err = npy_parse(ctx, y->name, y->bytes, y->size, &answers);
    if (!err && !labels) return read_targets(ctx, x, y, &answers, *out);
    if (!err) err = check_label_array(ctx, x, y, &answers, (*out)->count);
    return err ? err : read_labels(ctx, y, &answers, labels, *out);
}

static int same_type(struct hsgd_context *ctx, const char *what, const struct data_splits *p)
{
    const struct hsgd_type *train = &p->train->x.type, *test = &p->test->x.type;
    struct hsgd_shape a = type_shape(train), b = type_shape(test);
    if (type_equal(train, test)) return 0;
    if (train->rank > 3 || test->rank > 3)
        return hsgd_fail(ctx, EINVAL, "%s: training samples are %s, test samples %s", what, type_text(train).text,
                         type_text(test).text);
    return hsgd_fail(ctx, EINVAL, "%s: training samples are %dx%dx%d, test samples %dx%dx%d", what, a.h, a.w, a.c, b.h,
                     b.w, b.c);
}

/* Converts channels and unit of the test samples to those of the training samples. */
static int fit_test(struct hsgd_context *ctx, struct data_splits *p)
{
    struct hsgd_record *r = hsgd_record_create(ctx, p->train);
    int err = r ? record_fit(ctx, r, p->test) : -ENOMEM;
    hsgd_record_destroy(&r);
    return err;
}

int numpy_splits(struct hsgd_context *ctx, const char *what, struct array array[ARRAY_ROLES],
                 const struct hsgd_data_options *options, struct data_splits *out)
{
    struct labels labels = { 0 }, *use = record_wants_targets(options) ? NULL : &labels;
    struct array *train = &array[ARRAY_X], *test = &array[ARRAY_TEST_X];
    const struct hsgd_record *r = options->record;
    int features = options->features;
    int err = labels_begin(ctx, &labels, options);
    if (!err) err = numpy_split(ctx, train, &array[ARRAY_Y], features, r, use, &out->train);
    if (!err && test->bytes) err = numpy_split(ctx, test, &array[ARRAY_TEST_Y], features, r, use, &out->test);
    if (!err && out->test) err = fit_test(ctx, out);
    if (!err && out->test) err = same_type(ctx, what, out);
    labels_free(&labels);
    return err;
}
