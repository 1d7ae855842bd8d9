/* SPDX-License-Identifier: BSD-3-Clause */
/* Mean and standard deviation of a data set. */
#include "dataset.h"
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

/* ------------------------------------------------------------ statistics */

/* Converts the statistics of stored values to those of the values.  Two divisions,
 * because the product of the divisors may overflow. */
static void store(const struct hsgd_data *d, struct hsgd_normalisation *out, int channel, double mean, double variance)
{
    struct hsgd_origin o = d->origin ? d->origin[channel] : (struct hsgd_origin){ 0, 1 };
    double inverse = 1 / sqrt(variance) / o.unit;
    out->mean[channel] = o.offset + o.unit * mean;
    out->inv_std[channel] = variance > 0 && isfinite(inverse) ? inverse : 1;
}

enum { BYTE_CHANNELS = 16 };

/* 8-bit samples of few channels: a histogram per channel, so the sums are exact. */
static void statistics_bytes(const struct hsgd_data *d, struct hsgd_normalisation *out)
{
    int64_t size = hsgd_data_size(d), histogram[BYTE_CHANNELS][256] = { { 0 } };
    for (int64_t i = 0; i < d->count; i++) {
        const uint8_t *from = d->bytes + hsgd_data_place(d, i) * size;
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
        store(d, out, c, sum / n, squares / n);
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

static void add_sample(struct sums *sums, int channels, const struct hsgd_data *d, int64_t place)
{
    int64_t size = hsgd_data_size(d), first = place * size;
    for (int64_t k = 0, channel = 0; k < size; k++) {
        add_value(&sums[channel], d->bytes ? d->bytes[first + k] / 255.0 : (double)d->values[first + k]);
        channel = channel + 1 < channels ? channel + 1 : 0;
    }
}

/* Two passes: the second sums the squared distances from the mean of the first. */
static int statistics_values(const struct hsgd_data *d, struct hsgd_normalisation *out)
{
    struct sums *sums = calloc((size_t)out->channels, sizeof *sums);
    if (!sums) return -ENOMEM;
    for (int pass = 0; pass < 2; pass++) {
        for (int64_t i = 0; i < d->count; i++) add_sample(sums, out->channels, d, hsgd_data_place(d, i));
        for (int c = 0; c < out->channels && pass == 0; c++)
            sums[c] = (struct sums){ .mean = sums[c].count > 0 ? sums[c].sum / sums[c].count : 0 };
    }
    for (int c = 0; c < out->channels; c++)
        store(d, out, c, sums[c].mean, sums[c].count > 0 ? sums[c].squares / sums[c].count : 0);
    free(sums);
    return 0;
}

/* The mean is 0 by choice: see hsgd_data_statistics(). */
static void statistics_sparse(const struct hsgd_data *d, struct hsgd_normalisation *out)
{
    double squares = 0;
    for (int64_t i = 0; i < d->count; i++) {
        int64_t place = hsgd_data_place(d, i);
        for (int64_t k = d->sparse.start[place]; k < d->sparse.start[place + 1]; k++)
            squares += (double)d->sparse.value[k] * d->sparse.value[k];
    }
    store(d, out, 0, 0, squares / ((double)d->count * (double)hsgd_data_size(d)));
}

struct hsgd_normalisation *hsgd_data_statistics(const struct hsgd_data *d)
{
    struct hsgd_normalisation *out = d ? hsgd_normalisation_create(hsgd_data_channels(d), NULL, NULL) : NULL;
    int err = 0;
    if (!out) return NULL;
    if (d->sparse.start) statistics_sparse(d, out);
    else if (d->bytes && out->channels <= BYTE_CHANNELS) statistics_bytes(d, out);
    else err = statistics_values(d, out);
    if (err) hsgd_normalisation_destroy(&out);
    return out;
}
