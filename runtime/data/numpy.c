/* SPDX-License-Identifier: BSD-3-Clause */
#include "numpy.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "../io/stream.h"
#include "c_locale.h"
#include "origin.h"
#include "record.h"

enum { MAX_CHANNELS = 4, FIRST_CHUNK = 1 << 16 };

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

static int sample_shape(struct hsgd_context *ctx, const struct array *x, const struct npy *a, int features,
                        struct hsgd_shape *out)
{
    const int64_t *d = a->dim;
    bool image = a->dimensions > 2;
    int64_t size = a->count / d[0];
    *out = (struct hsgd_shape){ image ? (int)d[1] : 1, image ? (int)d[2] : 1, 1 };
    if (a->dimensions == 2) out->c = (int)d[1];
    if (a->dimensions == 4) out->c = (int)d[3];
    if (a->dimensions == 4 && out->c > MAX_CHANNELS)
        return hsgd_fail(ctx, EINVAL, "%s: last dimension is %d, images have 1 to %d channels there (N x H x W x C)",
                         x->name, out->c, MAX_CHANNELS);
    if (size > INT32_MAX)
        return hsgd_fail(ctx, EINVAL, "%s: a sample has %lld values, more than %d", x->name, (long long)size,
                         INT32_MAX);
    if (image || !features || out->c == features) return 0;
    return hsgd_fail(ctx, EINVAL, "%s: samples have %d features, %d are expected", x->name, out->c, features);
}

static int check_value(struct hsgd_context *ctx, const struct array *x, int64_t size, int64_t i, double v)
{
    if (isfinite((float)v)) return 0;
    return hsgd_fail(ctx, EINVAL, "%s: value %lld of sample %lld is %g, a finite 32-bit float is expected", x->name,
                     (long long)(i % size), (long long)(i / size), v);
}

/* Values that a float may round: the range of each channel decides how it is
 * stored. */
static int settle_origin(struct hsgd_context *ctx, const struct npy *a, struct hsgd_data *d)
{
    int channels = hsgd_type_channels(&d->x.type);
    if (a->size < 4 || (a->kind == 'f' && a->size == 4)) return 0;
    struct origin_range *range = calloc((size_t)channels, sizeof *range);
    if (!range) return hsgd_fail(ctx, ENOMEM, "%s: out of memory for %d columns", d->name, channels);
    for (int64_t i = 0; i < a->count; i++) origin_add(&range[i % channels], npy_value(a, i));
    int err = origin_settle(ctx, d->name, &d->x, range);
    free(range);
    return err;
}

static int to_floats(struct hsgd_context *ctx, struct array *x, const struct npy *a, struct hsgd_data *d)
{
    int64_t size = hsgd_data_size(d);
    float *values = malloc((size_t)a->count * sizeof *values);
    d->x.owned = values;
    d->x.values = values;
    if (!values) return hsgd_fail(ctx, ENOMEM, "%s: out of memory for %lld numbers", x->name, (long long)a->count);
    int err = settle_origin(ctx, a, d);
    for (int64_t i = 0; !err && i < a->count; i++) {
        double v = npy_value(a, i);
        err = check_value(ctx, x, size, i, v);
        values[i] = d->x.origin ? origin_store(&d->x, (int)(i % hsgd_type_channels(&d->x.type)), v) : (float)v;
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

int numpy_samples(struct hsgd_context *ctx, struct array *x, int features, struct hsgd_data **out)
{
    struct npy samples;
    struct hsgd_shape shape;
    int err = npy_parse(ctx, x->name, x->bytes, x->size, &samples);
    if (!err) err = sample_shape(ctx, x, &samples, features, &shape);
    if (err) return err;
    struct hsgd_data *d = *out = hsgd_data_new(ctx, x->name);
    if (!d) return -ENOMEM;
    d->count = samples.dim[0];
    d->x.type = shape_type(shape);
    d->x.integers = samples.kind == 'u' || samples.kind == 'i';
    return samples.kind == 'u' && samples.size == 1 ? keep_bytes(ctx, x, &samples, d) : to_floats(ctx, x, &samples, d);
}

int numpy_split(struct hsgd_context *ctx, struct array *x, const struct array *y, int features, struct labels *labels,
                struct hsgd_data **out)
{
    struct npy classes;
    int err = numpy_samples(ctx, x, features, out);
    if (!err) err = npy_parse(ctx, y->name, y->bytes, y->size, &classes);
    if (!err) err = check_label_array(ctx, x, y, &classes, (*out)->count);
    return err ? err : read_labels(ctx, y, &classes, labels, *out);
}

static int same_shape(struct hsgd_context *ctx, const char *what, const struct data_splits *p)
{
    struct hsgd_shape a = hsgd_data_shape(p->train), b = hsgd_data_shape(p->test);
    if (a.h == b.h && a.w == b.w && a.c == b.c) return 0;
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
    struct labels labels = { 0 };
    struct array *test = &array[ARRAY_TEST_X];
    int err = labels_begin(ctx, &labels, options);
    if (!err) err = numpy_split(ctx, &array[ARRAY_X], &array[ARRAY_Y], options->features, &labels, &out->train);
    if (!err && test->bytes) err = numpy_split(ctx, test, &array[ARRAY_TEST_Y], options->features, &labels, &out->test);
    if (!err && out->test) err = fit_test(ctx, out);
    if (!err && out->test) err = same_shape(ctx, what, out);
    labels_free(&labels);
    return err;
}

/* ------------------------------------------------------------- .npy files */

/* A whole file, decompressed; memory grows with the bytes that are read. */
static int read_array(struct hsgd_context *ctx, const char *path, struct array *a)
{
    size_t capacity = 0;
    int64_t got = 1;
    struct hsgd_stream *s = hsgd_stream_open(ctx, path);
    if (!s) return -EIO;
    a->name = strdup(path);
    while (a->name && got > 0) {
        capacity = capacity ? 2 * capacity : FIRST_CHUNK;
        uint8_t *bigger = realloc(a->bytes, capacity);
        if (!bigger) break;
        a->bytes = bigger;
        got = hsgd_stream_read(s, a->bytes + a->size, capacity - a->size);
        if (got > 0) a->size += (size_t)got;
    }
    hsgd_stream_close(&s);
    return got > 0 ? hsgd_fail(ctx, ENOMEM, "%s: out of memory", path) : (int)got;
}

/* FOLDER/STEM of path, and what follows the stem (.npy, .npy.gz, ...). */
struct path_parts {
    int folder, stem;
    const char *suffix;
};

static struct path_parts split_path(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *dot = strstr(name, ".npy");
    return (struct path_parts){ (int)(name - path), dot ? (int)(dot - name) : (int)strlen(name), dot ? dot : "" };
}

/* The first `folder` bytes of path, name, more and suffix in one new text. */
static char *sibling(const char *path, int folder, const char *name, const char *more, const char *suffix)
{
    size_t capacity = (size_t)folder + strlen(name) + strlen(more) + strlen(suffix) + 1;
    char *out = malloc(capacity);
    if (out) snprintf(out, capacity, "%.*s%s%s%s", folder, path, name, more, suffix);
    return out;
}

/* The path of a sibling that exists, as named or with a capital (X_test.npy); else NULL. */
static char *existing(const char *path, const struct path_parts *p, const char *name, const char *more)
{
    char *out = sibling(path, p->folder, name, more, p->suffix);
    if (out && !access(out, F_OK)) return out;
    if (out && p->folder < (int)strlen(out)) out[p->folder] = (char)(out[p->folder] & ~0x20);
    if (out && !access(out, F_OK)) return out;
    free(out);
    return NULL;
}

static int row_of(const char *stem)
{
    for (int i = 0; i < NUMPY_ROWS; i++)
        if (!c_strcasecmp(stem, numpy_names[i][ARRAY_X])) return i;
    return -1;
}

/* The file of labels: --label, the partner of a known name, STEM_labels. */
static char *label_file(const char *path, const struct path_parts *p, const char *stem, const char *label)
{
    char *out = NULL;
    if (label) return sibling(path, *label == '/' ? 0 : p->folder, label, "", "");
    for (int i = 0; !out && i < NUMPY_ROWS; i++)
        if (!c_strcasecmp(stem, numpy_names[i][ARRAY_X])) out = existing(path, p, numpy_names[i][ARRAY_Y], "");
    if (!out) out = existing(path, p, stem, "_labels");
    return out ? out : existing(path, p, "labels", "");
}

static int read_test(struct hsgd_context *ctx, const char *path, const struct path_parts *p, int row,
                     struct array array[ARRAY_ROLES])
{
    char *x = existing(path, p, numpy_names[row][ARRAY_TEST_X], "");
    char *y = existing(path, p, numpy_names[row][ARRAY_TEST_Y], "");
    int err = x && y ? read_array(ctx, x, &array[ARRAY_TEST_X]) : 0;
    if (!err && x && y) err = read_array(ctx, y, &array[ARRAY_TEST_Y]);
    free(x);
    free(y);
    return err;
}

static int read_files(struct hsgd_context *ctx, const char *path, const char *label, struct array array[ARRAY_ROLES])
{
    struct path_parts p = split_path(path);
    char *stem = strndup(path + p.folder, (size_t)p.stem), *y = stem ? label_file(path, &p, stem, label) : NULL;
    int err = !stem ? -ENOMEM : 0;
    if (!err && !y)
        err = hsgd_fail(ctx, ENOENT, "%s: no file with its labels, such as %s_labels%s; --label names one", path, stem,
                        p.suffix);
    if (!err) err = read_array(ctx, path, &array[ARRAY_X]);
    if (!err) err = read_array(ctx, y, &array[ARRAY_Y]);
    if (!err && !label && row_of(stem) >= 0) err = read_test(ctx, path, &p, row_of(stem), array);
    free(stem);
    free(y);
    return err;
}

static int read_npy(struct hsgd_context *ctx, const char *path, const struct hsgd_data_options *options,
                    struct data_splits *out)
{
    struct array array[ARRAY_ROLES] = { { 0 } };
    int err = read_files(ctx, path, options->label, array);
    if (!err) err = numpy_splits(ctx, path, array, options, out);
    for (int i = 0; i < ARRAY_ROLES; i++) array_free(&array[i]);
    return err;
}

static bool is_npy(const struct data_source *source)
{
    return !source->folder && source->head_bytes >= 6 && !memcmp(source->head, "\x93NUMPY", 6);
}

const struct data_format hsgd_format_npy = { "npy", "a NumPy array (.npy)", is_npy, read_npy };
