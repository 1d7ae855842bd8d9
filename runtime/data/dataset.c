/* SPDX-License-Identifier: BSD-3-Clause */
#include "table.h"
#include "base/rng.h"
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
    if (d) d->x = (struct data_field){ .name = "x", .type = hsgd_number(HSGD_F32) }, d->fields = 1;
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
    d->x.owned = bytes;
    d->x.bytes = bytes;
    d->y.owned = calloc((size_t)d->count, sizeof(int32_t));
    hsgd_data_set_labels(d);
    if (!d->x.owned || !d->y.owned)
        return hsgd_fail(ctx, ENOMEM, "data set \"%s\": out of memory for %lld samples", d->name, (long long)d->count);
    return 0;
}

void hsgd_data_destroy(struct hsgd_data **d)
{
    if (!d || !*d) return;
    for (int i = 0; i < MAX_FIELDS; i++)
        field_free(&(*d)->field[i]); /* a reader that failed has fields not counted yet */
    free((*d)->name);
    free((*d)->index);
    hsgd_names_free((*d)->ignored);
    table_free((*d)->table);
    passed_free((*d)->passed);
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
    d->ignored = hsgd_names_share(as->ignored);
    d->table = table_share(as->table);
    d->passed = passed_share(as->passed);
    d->buckets = as->buckets;
    memcpy(d->bucket, as->bucket, sizeof d->bucket);
    d->fields = as->fields;
    for (int i = 0; i < as->fields; i++) {
        const struct data_field *f = &as->field[i];
        d->field[i] = (struct data_field){ .type = f->type,
                                           .integers = f->integers,
                                           .columns = hsgd_names_share(f->columns),
                                           .classes = f->classes,
                                           .names = hsgd_names_share(f->names) };
        memcpy(d->field[i].name, f->name, sizeof f->name);
    }
}

/* Shuffles indices in memory of d's samples (Fisher-Yates). */
static void permute(const struct hsgd_data *d, uint64_t seed, int64_t *order)
{
    for (int64_t i = d->count - 1; i > 0; i--) {
        int64_t j = (int64_t)(hsgd_random(seed, (uint64_t)i) % (uint64_t)(i + 1)), swap = order[i];
        order[i] = order[j];
        order[j] = swap;
    }
}

/* Of windows in the order of the stream, those before order[end] that share no number
 * with it. */
static int64_t apart(const struct data_field *f, const int64_t *order, int64_t end)
{
    int64_t first = order[end] * f->step, size = hsgd_type_size(&f->type), n = end;
    while (n > 0 && order[n - 1] * f->step + size > first) n--;
    return n;
}

/* How many come first, and the order: windows of a stream stay in theirs. */
static int64_t arrange(const struct hsgd_data *d, int64_t count, uint64_t seed, int64_t *order)
{
    for (int64_t i = 0; i < d->count; i++) order[i] = hsgd_data_place(d, i);
    if (d->x.step) return apart(&d->x, order, d->count - count);
    permute(d, seed, order);
    return d->count - count;
}

/* A view of d with count samples at the given indices. */
static struct hsgd_data *view(struct hsgd_context *ctx, const struct hsgd_data *d, const int64_t *places, int64_t count)
{
    struct hsgd_data *v = hsgd_data_new(ctx, d->name);
    if (!v) return NULL;
    hsgd_data_describe(v, d);
    v->count = count;
    for (int i = 0; i < d->fields; i++) {
        const struct data_field *f = &d->field[i];
        v->field[i].bytes = f->bytes;
        v->field[i].values = f->values;
        v->field[i].numbers = f->numbers;
        v->field[i].step = f->step;
        v->field[i].sparse = f->sparse;
        v->field[i].origin = f->origin;
        v->field[i].missing = f->missing;
    }
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
    int64_t others = arrange(d, count, seed, order);
    if (others < 1)
        hsgd_fail(ctx, EINVAL, "data set \"%s\": all %lld windows overlap the last %lld", d->name, (long long)d->count,
                  (long long)count);
    *rest = others < 1 ? NULL : view(ctx, d, order, others);
    *part = *rest ? view(ctx, d, order + (d->count - count), count) : NULL;
    free(order);
    if (*part) return 0;
    hsgd_data_destroy(rest);
    return others < 1 ? -EINVAL : -ENOMEM;
}

int64_t hsgd_data_count(const struct hsgd_data *d) { return d ? d->count : 0; }

const char *hsgd_data_name(const struct hsgd_data *d) { return d ? d->name : ""; }

const char *hsgd_data_format(const struct hsgd_data *d) { return !d ? "" : d->format ? d->format : "memory"; }
