/* SPDX-License-Identifier: BSD-3-Clause */
/* From stored samples to normalised floats. */
#include <errno.h>
#include "dataset.h"
#include <float.h>
#include <math.h>
#include <string.h>

enum { LANES = 16, REPEATED = 16, BLOCK = 1024 };

/* x' = x * scale + shift for a block of channels.  Up to REPEATED channels are
 * repeated, so that LANES values from a multiple of LANES on have their
 * coefficients side by side and one table serves a whole sample; `length` is its
 * period.  More channels are processed in blocks. */
struct affine {
    int length;
    bool exact; /* some channel needs is_exact() */
    float scale[BLOCK], shift[BLOCK];
};

/* A gather in progress, and its current block of channels. */
struct gather {
    const struct data_field *f;
    const struct hsgd_normalisation *norm;
    int channels;     /* with coefficients of their own; 1: the same for all */
    int first, width; /* first channel of the block, and its values side by side */
    struct affine a;
};

static int channels_of(const struct data_field *f, const struct hsgd_normalisation *norm)
{
    int all = hsgd_type_channels(&f->type);
    return (norm && norm->channels == all) || f->origin ? all : 1;
}

static struct hsgd_origin origin_of(const struct gather *g, int channel)
{
    return g->f->origin ? g->f->origin[channel] : (struct hsgd_origin){ 0, 1 };
}

static int norm_channel(const struct gather *g, int channel)
{
    return g->norm->channels == hsgd_type_channels(&g->f->type) ? channel : 0;
}

/* Whether floats are too coarse for this channel: it is stored as differences,
 * 1/(standard deviation) is outside of their range, or the mean is so many
 * standard deviations that x * scale and shift would cancel. */
static bool is_exact(const struct gather *g, int channel)
{
    enum { MAX_DEVIATIONS = 4096 };
    struct hsgd_origin o = origin_of(g, channel);
    bool shifted = o.offset != 0 || o.unit != 1;
    if (!g->norm) return shifted;
    double inverse = g->norm->inv_std[norm_channel(g, channel)], mean = g->norm->mean[norm_channel(g, channel)];
    return shifted || inverse < (double)FLT_MIN || inverse > (double)FLT_MAX || fabs(mean) * inverse > MAX_DEVIATIONS;
}

/* x' of a stored value, computed in double. */
static float exact_value(const struct gather *g, int channel, double stored)
{
    struct hsgd_origin o = origin_of(g, channel);
    double unit = g->f->bytes ? o.unit / 255 : o.unit;
    if (!g->norm) return (float)(o.offset + unit * stored);
    int k = norm_channel(g, channel);
    return (float)((unit * stored + (o.offset - g->norm->mean[k])) * g->norm->inv_std[k]);
}

static void affine_fill(struct gather *g)
{
    struct affine *a = &g->a;
    float unit = g->f->bytes ? 1.0f / 255.0f : 1.0f;
    int channels = g->channels <= REPEATED ? g->channels : g->width;
    a->length = g->channels <= REPEATED ? LANES * channels : channels;
    a->exact = false;
    for (int i = 0; i < a->length; i++) {
        int channel = g->first + i % channels, k = g->norm ? norm_channel(g, channel) : 0;
        float inv = g->norm ? (float)g->norm->inv_std[k] : 1.0f;
        a->scale[i] = inv * unit;
        a->shift[i] = g->norm ? -(float)g->norm->mean[k] * inv : 0.0f;
        if (!is_exact(g, channel)) continue;
        a->exact = true;
        a->shift[i] = exact_value(g, channel, 0);
    }
}

/* The inner loops have a constant length, so that compilers vectorise them. */
static void from_bytes(const struct affine *a, const uint8_t *restrict from, int64_t size, float *restrict to)
{
    int64_t i = 0;
    int phase = 0;
    for (; i + LANES <= size; i += LANES) {
        for (int j = 0; j < LANES; j++) to[i + j] = (float)from[i + j] * a->scale[phase + j] + a->shift[phase + j];
        phase = phase + LANES < a->length ? phase + LANES : 0;
    }
    for (; i < size; i++, phase++) to[i] = (float)from[i] * a->scale[phase] + a->shift[phase];
}

static void from_values(const struct affine *a, const float *restrict from, int64_t size, float *restrict to)
{
    int64_t i = 0;
    int phase = 0;
    for (; i + LANES <= size; i += LANES) {
        for (int j = 0; j < LANES; j++) to[i + j] = from[i + j] * a->scale[phase + j] + a->shift[phase + j];
        phase = phase + LANES < a->length ? phase + LANES : 0;
    }
    for (; i < size; i++, phase++) to[i] = from[i] * a->scale[phase] + a->shift[phase];
}

/* Missing values become the mean, which is 0 after normalisation. */
static void fill_missing(float *x, int64_t size)
{
    for (int64_t i = 0; i < size; i++) x[i] = isnan(x[i]) ? 0 : x[i];
}

/* Converts the exact channels again; `at`: index of the first value in memory. */
static void from_exact(const struct gather *g, int64_t at, float *to)
{
    int repeat = g->channels <= REPEATED ? g->channels : g->width;
    for (int i = 0; i < g->width; i++) {
        int channel = g->first + i % repeat;
        double stored = g->f->bytes ? (double)g->f->bytes[at + i] : (double)g->f->values[at + i];
        if (is_exact(g, channel)) to[i] = exact_value(g, channel, stored);
    }
}

/* Fills the row with the result for 0, then sets the stored values. */
static void from_sparse(const struct gather *g, int64_t place, float *to)
{
    const struct hsgd_sparse *s = &g->f->sparse;
    const struct affine *a = &g->a;
    int64_t k = s->start[place], end = s->start[place + 1];
    for (int i = 0; i < g->width; i += a->length)
        memcpy(to + i, a->shift, (size_t)(g->width - i < a->length ? g->width - i : a->length) * sizeof *to);
    for (; k < end; k++) {
        int at = s->column[k] - g->first;
        if (at < 0 || at >= g->width) continue;
        if (a->exact) to[at] = exact_value(g, s->column[k], s->value[k]);
        else to[at] = s->value[k] * a->scale[at % a->length] + a->shift[at % a->length];
    }
}

/* Samples are in random order: prefetches the next while this one is converted. */
static void fetch_ahead(const void *sample, int64_t bytes)
{
    enum { LINE = 64, MAX_BYTES = 4096 };
    for (int64_t i = 0; i < bytes && i < MAX_BYTES; i += LINE) __builtin_prefetch((const char *)sample + i);
}

/* Converts the block's values, from index `at` in memory on. */
static void convert(const struct gather *g, int64_t at, float *to)
{
    const struct data_field *f = g->f;
    if (f->bytes) from_bytes(&g->a, f->bytes + at, g->width, to);
    else if (g->norm) from_values(&g->a, f->values + at, g->width, to);
    else memcpy(to, f->values + at, (size_t)g->width * sizeof *to);
    if (g->a.exact) from_exact(g, at, to);
    if (g->norm && f->missing) fill_missing(to, g->width);
}

/* Row which[i] of a view, in memory. */
static int64_t place_of(const int64_t *index, int64_t which) { return index ? index[which] : which; }

/* The block of every sample; in images with many channels it occurs once per pixel. */
static void gather_block(struct gather *g, const int64_t *index, const int64_t *which, int n, float *x)
{
    const struct data_field *f = g->f;
    int64_t size = hsgd_type_size(&f->type), step = g->channels <= REPEATED ? size : g->channels;
    int64_t apart = f->step ? f->step : size;
    affine_fill(g);
    for (int i = 0; i < n; i++, x += size) {
        int64_t place = place_of(index, which[i]);
        if (f->bytes && i + 1 < n) fetch_ahead(f->bytes + place_of(index, which[i + 1]) * apart, size);
        if (f->sparse.start) from_sparse(g, place, x + g->first);
        else
            for (int64_t at = g->first; at < size; at += step) convert(g, place * apart + at, x + at);
    }
}

static void gather_floats(const struct data_field *f, const int64_t *index, const int64_t *which, int n,
                          const struct hsgd_normalisation *norm, float *to)
{
    struct gather g = { .f = f, .norm = norm, .channels = channels_of(f, norm) };
    bool repeated = g.channels <= REPEATED;
    int all = repeated ? (int)hsgd_type_size(&f->type) : g.channels, block = repeated ? all : BLOCK;
    for (; g.first < all; g.first += block) {
        g.width = all - g.first < block ? all - g.first : block;
        gather_block(&g, index, which, n, to);
    }
}

void field_gather(const struct data_field *f, const int64_t *index, const int64_t *which, int n,
                  const struct hsgd_normalisation *norm, void *to)
{
    size_t bytes = (size_t)hsgd_type_bytes(&f->type), apart = bytes;
    const char *from = f->bytes ? (const char *)f->bytes : (const char *)f->numbers;
    if (f->step) apart = (size_t)f->step * (size_t)hsgd_dtype_bytes(f->type.dtype);
    if (f->type.dtype == HSGD_F32) gather_floats(f, index, which, n, norm, to);
    else
        for (int i = 0; i < n; i++)
            memcpy((char *)to + (size_t)i * bytes, from + (size_t)place_of(index, which[i]) * apart, bytes);
}

static bool all_inside(const struct hsgd_data *d, const int64_t *index, int n)
{
    for (int i = 0; i < n; i++)
        if (index[i] < 0 || index[i] >= d->count) return false;
    return n >= 0;
}

int hsgd_data_gather_field(const struct hsgd_data *d, int field, const int64_t *index, int n,
                           const struct hsgd_normalisation *norm, void *to)
{
    if (!d || !index || !to || field < 0 || field >= d->fields || !all_inside(d, index, n)) return -EINVAL;
    field_gather(&d->field[field], d->index, index, n, norm, to);
    return 0;
}

int hsgd_data_gather(const struct hsgd_data *d, const int64_t *index, int n, const struct hsgd_normalisation *norm,
                     float *x, int32_t *labels)
{
    if (!d || !index || !all_inside(d, index, n)) return -EINVAL;
    const struct data_field *label = labels ? data_labels(d) : NULL;
    if ((x && d->x.type.dtype != HSGD_F32) || (labels && !label)) return -EINVAL;
    if (labels) field_gather(label, d->index, index, n, NULL, labels);
    if (x) field_gather(&d->x, d->index, index, n, norm, x);
    return 0;
}
