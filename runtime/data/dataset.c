/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataset.h"
#include "../rng.h"
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct hsgd_data *hsgd_data_new(struct hsgd_context *ctx, const char *name)
{
    if (context_check(ctx)) return NULL;
    struct hsgd_data *d = calloc(1, sizeof *d);
    if (d) d->name = strdup(name);
    if (!d || !d->name) {
        hsgd_fail(ctx, ENOMEM, "data set \"%s\": out of memory", name);
        free(d);
        return NULL;
    }
    return d;
}

int hsgd_data_allocate(struct hsgd_context *ctx, struct hsgd_data *d)
{
    uint8_t *bytes = calloc((size_t)d->count, (size_t)hsgd_data_size(d));
    d->owned = bytes;
    d->bytes = bytes;
    d->labels = d->owned_labels = calloc((size_t)d->count, sizeof *d->owned_labels);
    if (!d->owned || !d->owned_labels)
        return hsgd_fail(ctx, ENOMEM, "data set \"%s\": out of memory for %lld samples", d->name, (long long)d->count);
    return 0;
}

void hsgd_data_destroy(struct hsgd_data **d)
{
    if (!d || !*d) return;
    free((*d)->name);
    free((*d)->owned);
    free((*d)->owned_labels);
    free((*d)->owned_origin);
    free((*d)->index);
    hsgd_names_free((*d)->names);
    hsgd_names_free((*d)->columns);
    hsgd_names_free((*d)->label);
    hsgd_names_free((*d)->ignored);
    passed_free((*d)->passed);
    if ((*d)->owned_sparse) {
        free((*d)->sparse.start);
        free((*d)->sparse.column);
        free((*d)->sparse.value);
    }
    free(*d);
    *d = NULL;
}

struct hsgd_names *hsgd_names_new(char **name, int n)
{
    struct hsgd_names *names = malloc(sizeof *names + (size_t)n * sizeof *names->name);
    for (int i = 0; i < n; i++)
        if (names) names->name[i] = name[i];
        else free(name[i]);
    free(name);
    if (names) names->users = 1, names->count = n;
    return names;
}

struct hsgd_names *hsgd_names_copy(const char *const *name, int n)
{
    char **copy = calloc((size_t)n + 1, sizeof *copy);
    int done = 0;
    while (copy && done < n && (copy[done] = strdup(name[done]))) done++;
    if (copy && done == n) return hsgd_names_new(copy, n);
    while (done > 0) free(copy[--done]);
    free(copy);
    return NULL;
}

struct hsgd_names *hsgd_names_share(struct hsgd_names *names)
{
    if (names) names->users++;
    return names;
}

void hsgd_names_free(struct hsgd_names *names)
{
    if (!names || --names->users > 0) return;
    for (int i = 0; i < names->count; i++) free(names->name[i]);
    free(names);
}

void hsgd_data_describe(struct hsgd_data *d, const struct hsgd_data *as)
{
    d->format = as->format;
    d->classes = as->classes;
    d->names = hsgd_names_share(as->names);
    d->columns = hsgd_names_share(as->columns);
    d->label = hsgd_names_share(as->label);
    d->ignored = hsgd_names_share(as->ignored);
    d->passed = passed_share(as->passed);
    d->integers = as->integers;
}

const char *hsgd_data_class_name(const struct hsgd_data *d, int i)
{
    static _Thread_local char number[16];
    if (!d || i < 0 || i >= d->classes) return NULL;
    if (d->names && i < d->names->count) return d->names->name[i];
    snprintf(number, sizeof number, "%d", i);
    return number;
}

static int check_sizes(struct hsgd_context *ctx, int64_t count, struct hsgd_shape shape, int classes)
{
    if (count < 1)
        return hsgd_fail(ctx, EINVAL, "data in memory: count is %lld, it must be positive", (long long)count);
    if (shape.h < 1 || shape.w < 1 || shape.c < 1)
        return hsgd_fail(ctx, EINVAL, "data in memory: shape is %d x %d x %d, every size must be positive", shape.h,
                         shape.w, shape.c);
    if (shape.h > INT_MAX / shape.w || shape.h * shape.w > INT_MAX / shape.c)
        return hsgd_fail(ctx, EINVAL, "data in memory: shape %d x %d x %d has more than %d values", shape.h, shape.w,
                         shape.c, INT_MAX);
    if ((uint64_t)count > PTRDIFF_MAX / sizeof(float) / ((size_t)shape.h * shape.w * shape.c))
        return hsgd_fail(ctx, EINVAL, "data in memory: count is %lld, more than memory can hold", (long long)count);
    if (classes < 1) return hsgd_fail(ctx, EINVAL, "data in memory: classes is %d, it must be positive", classes);
    return 0;
}

static int check_values(struct hsgd_context *ctx, const float *x, const int32_t *labels, int64_t count, int64_t size,
                        int classes)
{
    for (int64_t i = 0; i < count; i++)
        if (labels[i] < 0 || labels[i] >= classes)
            return hsgd_fail(ctx, EINVAL, "data in memory: label of sample %lld is %d, it must be in 0..%d",
                             (long long)i, (int)labels[i], classes - 1);
    for (int64_t i = 0; i < count * size; i++)
        if (!isfinite(x[i]))
            return hsgd_fail(ctx, EINVAL, "data in memory: value %lld of sample %lld is %f, it must be finite",
                             (long long)(i % size), (long long)(i / size), (double)x[i]);
    return 0;
}

/* Replaces borrowed samples and labels by copies. */
static int copy_values(struct hsgd_context *ctx, struct hsgd_data *d)
{
    size_t bytes = (size_t)d->count * (size_t)hsgd_data_size(d) * sizeof(float);
    float *values = malloc(bytes);
    d->owned = values;
    d->owned_labels = malloc((size_t)d->count * sizeof *d->owned_labels);
    if (!d->owned || !d->owned_labels)
        return hsgd_fail(ctx, ENOMEM, "data in memory: out of memory for %lld samples", (long long)d->count);
    d->values = memcpy(values, d->values, bytes);
    d->labels = memcpy(d->owned_labels, d->labels, (size_t)d->count * sizeof *d->owned_labels);
    return 0;
}

struct hsgd_data *hsgd_data_memory(struct hsgd_context *ctx, const float *x, const int32_t *labels, int64_t count,
                                   struct hsgd_shape shape, int classes, enum hsgd_ownership ownership)
{
    if (!x || !labels) {
        hsgd_fail(ctx, EINVAL, "data in memory: %s is NULL", x ? "labels" : "x");
        return NULL;
    }
    if (check_sizes(ctx, count, shape, classes) < 0 ||
        check_values(ctx, x, labels, count, (int64_t)shape.h * shape.w * shape.c, classes) < 0)
        return NULL;
    struct hsgd_data *d = hsgd_data_new(ctx, "memory");
    if (!d) return NULL;
    d->count = count;
    d->shape = shape;
    d->classes = classes;
    d->values = x;
    d->labels = labels;
    if (ownership == HSGD_COPY && copy_values(ctx, d) < 0) hsgd_data_destroy(&d);
    return d;
}

/* Indices in memory of d's samples, shuffled (Fisher-Yates). */
static void permute(const struct hsgd_data *d, uint64_t seed, int64_t *order)
{
    for (int64_t i = 0; i < d->count; i++) order[i] = hsgd_data_place(d, i);
    for (int64_t i = d->count - 1; i > 0; i--) {
        int64_t j = (int64_t)(hsgd_random(seed, (uint64_t)i) % (uint64_t)(i + 1)), swap = order[i];
        order[i] = order[j];
        order[j] = swap;
    }
}

/* A view of d with count samples at the given indices. */
static struct hsgd_data *view(struct hsgd_context *ctx, const struct hsgd_data *d, const int64_t *places, int64_t count)
{
    struct hsgd_data *v = hsgd_data_new(ctx, d->name);
    if (!v) return NULL;
    hsgd_data_describe(v, d);
    v->count = count;
    v->shape = d->shape;
    v->bytes = d->bytes;
    v->values = d->values;
    v->origin = d->origin;
    v->sparse = d->sparse;
    v->missing = d->missing;
    v->labels = d->labels;
    v->index = malloc((size_t)count * sizeof *v->index);
    if (v->index) {
        memcpy(v->index, places, (size_t)count * sizeof *v->index);
    } else {
        hsgd_fail(ctx, ENOMEM, "data set \"%s\": out of memory for a split", d->name);
        hsgd_data_destroy(&v);
    }
    return v;
}

int hsgd_data_split(struct hsgd_context *ctx, const struct hsgd_data *d, int64_t count, uint64_t seed,
                    struct hsgd_data **part, struct hsgd_data **rest)
{
    int err = ENTER(ctx, part, rest);
    if (err) return err;
    *part = *rest = NULL;
    if (!d) return hsgd_fail(ctx, EINVAL, "split: no data set given");
    if (count < 1 || count >= d->count)
        return hsgd_fail(ctx, EINVAL, "data set \"%s\": cannot split off %lld of %lld samples; both splits need one",
                         d->name, (long long)count, (long long)d->count);
    int64_t *order = malloc((size_t)d->count * sizeof *order);
    if (!order) return hsgd_fail(ctx, ENOMEM, "data set \"%s\": out of memory for a split", d->name);
    permute(d, seed, order);
    *rest = view(ctx, d, order, d->count - count);
    *part = *rest ? view(ctx, d, order + (d->count - count), count) : NULL;
    free(order);
    if (*part) return 0;
    hsgd_data_destroy(rest);
    return -ENOMEM;
}

int64_t hsgd_data_count(const struct hsgd_data *d) { return d ? d->count : 0; }

struct hsgd_shape hsgd_data_shape(const struct hsgd_data *d) { return d ? d->shape : (struct hsgd_shape){ 0, 0, 0 }; }

int hsgd_data_classes(const struct hsgd_data *d) { return d ? d->classes : 0; }

const char *hsgd_data_name(const struct hsgd_data *d) { return d ? d->name : ""; }

const char *hsgd_data_format(const struct hsgd_data *d) { return !d ? "" : d->format ? d->format : "memory"; }
