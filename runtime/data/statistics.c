/* SPDX-License-Identifier: BSD-3-Clause */
/* Mean and standard deviation of a data set. */
#include "lengths.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --------------------------------------------------------normalisation */

struct hsgd_normalisation *hsgd_normalisation_create(int channels, const double *mean, const double *inv_std)
{
    size_t bytes = (size_t)channels * sizeof *mean;
    struct hsgd_normalisation *n = channels > 0 ? malloc(sizeof *n + 2 * bytes) : NULL;
    if (!n) return NULL;
    n->channels = channels;
    n->mean = (double *)(n + 1);
    n->inv_std = n->mean + channels;
    if (mean) memcpy(n->mean, mean, bytes);
    else memset(n->mean, 0, bytes);
    if (inv_std) memcpy(n->inv_std, inv_std, bytes);
    for (int i = 0; !inv_std && i < channels; i++) n->inv_std[i] = 1;
    return n;
}

void hsgd_normalisation_destroy(struct hsgd_normalisation **n)
{
    if (!n) return;
    free(*n);
    *n = NULL;
}

int hsgd_normalisation_invert(const struct hsgd_normalisation *n, const float *x, int64_t count, int channels,
                              double *out)
{
    if (!n || !x || !out || count < 0 || channels < 1) return -EINVAL;
    bool each = n->channels == channels;
    for (int64_t i = 0; i < count; i++) {
        int k = each ? (int)(i % channels) : 0;
        out[i] = n->mean[k] + (double)x[i] / n->inv_std[k];
    }
    return 0;
}

/* ------------------------------------------------------------ statistics */

/* Converts the statistics of stored values to those of the values.  Two divisions,
 * because the product of the divisors may overflow. */
static void store(const struct data_field *f, struct hsgd_normalisation *out, int channel, double mean, double variance)
{
    struct hsgd_origin o = f->origin ? f->origin[channel] : (struct hsgd_origin){ 0, 1 };
    double inverse = 1 / sqrt(variance) / o.unit;
    out->mean[channel] = o.offset + o.unit * mean;
    out->inv_std[channel] = variance > 0 && isfinite(inverse) ? inverse : 1;
}

enum { BYTE_CHANNELS = 16 };

/* 8-bit samples of few channels: a histogram per channel, so the sums are exact. */
static void statistics_bytes(const struct hsgd_data *d, const struct data_field *f, struct hsgd_normalisation *out)
{
    int64_t size = hsgd_type_size(&f->type), histogram[BYTE_CHANNELS][256] = { { 0 } };
    for (int64_t i = 0; i < d->count; i++) {
        const uint8_t *from = f->bytes + hsgd_data_place(d, i) * size;
        for (int64_t k = 0, channel = 0; k < size; k++) {
            histogram[channel][from[k]]++;
            channel = channel + 1 < out->channels ? channel + 1 : 0;
        }
    }
    double n = (double)(d->count * (size / out->channels));
    for (int c = 0; c < out->channels; c++) {
        double sum = 0, squares = 0;
        for (int v = 0; v < 256; v++) sum += (double)histogram[c][v] * v / 255;
        for (int v = 0; v < 256; v++)
            squares += (double)histogram[c][v] * (v / 255.0 - sum / n) * (v / 255.0 - sum / n);
        store(f, out, c, sum / n, squares / n);
    }
}

/* Sums over the values of a channel that are not missing. */
struct sums {
    double mean, sum, squares, count;
};

static void add_value(struct sums *s, double value)
{
    double difference = value - s->mean;
    if (isnan(value)) return;
    s->sum += difference;
    s->squares += difference * difference;
    s->count++;
}

/* Values of a sample before its padding. */
static int64_t valid_values(const struct hsgd_data *d, const struct data_field *f, int64_t place)
{
    const struct data_field *length = data_lengths(d);
    int64_t size = hsgd_type_size(&f->type);
    bool cut = length && f->type.rank > 1 && f->type.dim[0] == d->x.type.dim[0];
    return cut ? size / f->type.dim[0] * length->numbers[place] : size;
}

static void add_sample(struct sums *sums, int channels, const struct data_field *f, int64_t place, int64_t values)
{
    int64_t first = place * hsgd_type_size(&f->type);
    for (int64_t k = 0, channel = 0; k < values; k++) {
        add_value(&sums[channel], f->bytes ? f->bytes[first + k] / 255.0 : (double)f->values[first + k]);
        channel = channel + 1 < channels ? channel + 1 : 0;
    }
}

/* Two passes: the second sums the squared distances from the mean of the first. */
static int statistics_values(const struct hsgd_data *d, const struct data_field *f, struct hsgd_normalisation *out)
{
    struct sums *sums = calloc((size_t)out->channels, sizeof *sums);
    if (!sums) return -ENOMEM;
    for (int pass = 0; pass < 2; pass++) {
        for (int64_t i = 0, at; i < d->count; i++) {
            at = hsgd_data_place(d, i);
            add_sample(sums, out->channels, f, at, valid_values(d, f, at));
        }
        for (int c = 0; c < out->channels && pass == 0; c++)
            sums[c] = (struct sums){ .mean = sums[c].count > 0 ? sums[c].sum / sums[c].count : 0 };
    }
    for (int c = 0; c < out->channels; c++)
        store(f, out, c, sums[c].mean, sums[c].count > 0 ? sums[c].squares / sums[c].count : 0);
    free(sums);
    return 0;
}

/* The mean is 0 by choice: see hsgd_data_statistics(). */
static void statistics_sparse(const struct hsgd_data *d, const struct data_field *f, struct hsgd_normalisation *out)
{
    double squares = 0;
    for (int64_t i = 0; i < d->count; i++) {
        int64_t place = hsgd_data_place(d, i);
        for (int64_t k = f->sparse.start[place]; k < f->sparse.start[place + 1]; k++)
            squares += (double)f->sparse.value[k] * f->sparse.value[k];
    }
    store(f, out, 0, 0, squares / ((double)d->count * (double)hsgd_type_size(&f->type)));
}

struct hsgd_normalisation *hsgd_data_field_statistics(const struct hsgd_data *d, int field)
{
    const struct data_field *f = d && field >= 0 && field < d->fields ? &d->field[field] : NULL;
    if (!f || f->type.dtype != HSGD_F32) return NULL;
    struct hsgd_normalisation *out = hsgd_normalisation_create(field_channels(f), NULL, NULL);
    int err = 0;
    if (!out) return NULL;
    if (f->sparse.start) statistics_sparse(d, f, out);
    else if (f->bytes && out->channels <= BYTE_CHANNELS && !data_lengths(d)) statistics_bytes(d, f, out);
    else err = statistics_values(d, f, out);
    if (err) hsgd_normalisation_destroy(&out);
    return out;
}

struct hsgd_normalisation *hsgd_data_statistics(const struct hsgd_data *d) { return hsgd_data_field_statistics(d, 0); }
