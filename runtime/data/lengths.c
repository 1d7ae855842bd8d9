/* SPDX-License-Identifier: BSD-3-Clause */
#include "lengths.h"

#include <stdlib.h>
#include <string.h>

enum { SMALLEST = 8, RUN = 4 /* batches of one bucket in a row */ };

const struct data_field *data_lengths(const struct hsgd_data *d)
{
    const struct data_field *f = data_field(d, "length");
    return f && f != &d->x && f->type.dtype == HSGD_I32 && !f->type.rank && d->x.type.rank ? f : NULL;
}

static int length_of(const struct hsgd_data *d, const struct data_field *f, int64_t i)
{
    return f->numbers[hsgd_data_place(d, i)];
}

int lengths_check(struct hsgd_context *ctx, const struct hsgd_data *d)
{
    const struct data_field *f = data_lengths(d);
    for (int64_t i = 0; f && i < d->count; i++)
        if (length_of(d, f, i) < 0 || length_of(d, f, i) > d->x.type.dim[0])
            return hsgd_fail(ctx, EINVAL, "data set \"%s\": sample %lld has length %d, but \"%s\" has %d positions",
                             d->name, (long long)i, length_of(d, f, i), d->x.name, d->x.type.dim[0]);
    return 0;
}

/* ----------------------------------------------------------------- buckets */

/* Bound i of a set's buckets: those that were given, else powers of two; the last is
 * the first axis of x. */
static int bound_at(const struct hsgd_data *d, int i)
{
    int most = d->x.type.dim[0];
    int64_t bound = d->buckets ? (i < d->buckets ? d->bucket[i] : most) : (int64_t)SMALLEST << i;
    return bound < most ? (int)bound : most;
}

static int bucket_of(const struct hsgd_data *d, int length)
{
    int i = 0;
    while (bound_at(d, i) < length) i++;
    return i;
}

int lengths_bound(const struct hsgd_data *d, const int64_t *index, int n)
{
    const struct data_field *f = data_lengths(d);
    int most = 0;
    for (int i = 0; i < n; i++)
        if (length_of(d, f, index[i]) > most) most = length_of(d, f, index[i]);
    return bound_at(d, bucket_of(d, most));
}

int lengths_run(const struct hsgd_data *d, const int64_t *order, int batch, int steps, int *bound)
{
    int same = 1;
    *bound = lengths_bound(d, order, batch);
    while (same < steps && lengths_bound(d, order + (int64_t)same * batch, batch) == *bound) same++;
    return same;
}

/* ---------------------------------------------------------------- arranging */

/* Samples of one bucket that wait for others. */
struct queue {
    int64_t *sample, count, all;
};

struct arranging {
    struct queue queue[MAX_BUCKETS + 1];
    int64_t *out, done;
};

static void flush(struct arranging *a, struct queue *q, int64_t n)
{
    memcpy(a->out + a->done, q->sample, (size_t)n * sizeof *a->out);
    a->done += n;
    q->count -= n;
    memmove(q->sample, q->sample + n, (size_t)q->count * sizeof *q->sample);
}

static void arrange(struct arranging *a, const struct hsgd_data *d, const int64_t *order, int64_t n, int batch)
{
    const struct data_field *f = data_lengths(d);
    for (int64_t i = 0; i < n; i++) {
        struct queue *q = &a->queue[bucket_of(d, length_of(d, f, order[i]))];
        q->sample[q->count++] = order[i];
        if (q->count == (int64_t)RUN * batch) flush(a, q, q->count);
    }
    for (int b = 0; b <= MAX_BUCKETS; b++) flush(a, &a->queue[b], a->queue[b].count / batch * batch);
    for (int b = 0; b <= MAX_BUCKETS; b++) flush(a, &a->queue[b], a->queue[b].count);
}

int lengths_arrange(struct hsgd_context *ctx, const struct hsgd_data *d, int64_t *order, int64_t n, int batch)
{
    const struct data_field *f = data_lengths(d);
    struct arranging a = { .out = malloc((size_t)n * sizeof *a.out) };
    bool ok = a.out;
    for (int64_t i = 0; i < n; i++) a.queue[bucket_of(d, length_of(d, f, order[i]))].all++;
    for (int b = 0; ok && b <= MAX_BUCKETS; b++) {
        int64_t most = (int64_t)RUN * batch, all = a.queue[b].all;
        a.queue[b].sample = malloc((size_t)((all < most ? all : most) + 1) * sizeof *a.queue[b].sample);
        ok = a.queue[b].sample;
    }
    if (ok) {
        arrange(&a, d, order, n, batch);
        memcpy(order, a.out, (size_t)n * sizeof *order);
    }
    for (int b = 0; b <= MAX_BUCKETS; b++) free(a.queue[b].sample);
    free(a.out);
    return ok ? 0 : hsgd_fail(ctx, ENOMEM, "data set \"%s\": out of memory for the order of its samples", d->name);
}

/* ------------------------------------------------------------------ gathering */

void field_gather_cut(const struct data_field *f, int length, const int64_t *index, const int64_t *which, int n,
                      const struct hsgd_normalisation *norm, void *to)
{
    struct data_field cut = *f;
    if (!cut.step) cut.step = (int)hsgd_type_size(&f->type);
    cut.type.dim[0] = length;
    field_gather(&cut, index, which, n, norm, to);
}

/* ------------------------------------------------------------------- public */

int hsgd_data_set_buckets(struct hsgd_context *ctx, struct hsgd_data *d, int n, const int *bound)
{
    int err = ENTER(ctx, d);
    if (err) return err;
    if (!data_lengths(d))
        return hsgd_fail(ctx, EINVAL, "data set \"%s\": has no field \"length\", so there are no buckets", d->name);
    if (n < 0 || n > MAX_BUCKETS || (n && !bound))
        return hsgd_fail(ctx, EINVAL, "data set \"%s\": %d buckets are not 0 to %d", d->name, n, MAX_BUCKETS);
    for (int i = 0; i < n; i++)
        if (bound[i] < 1 || (i && bound[i] <= bound[i - 1]))
            return hsgd_fail(ctx, EINVAL, "data set \"%s\": bounds of buckets must be positive and ascend, %d does not",
                             d->name, bound[i]);
    d->buckets = n;
    if (n) memcpy(d->bucket, bound, (size_t)n * sizeof *bound);
    return 0;
}
