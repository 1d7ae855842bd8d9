/* From stored samples to normalised floats, and the numbers that normalise. */
#include "dataset.h"
#include <math.h>
#include <string.h>

enum { LANES = 16, CHANNELS = 16 };

/* x' = x * scale + shift, repeated so that a block of LANES numbers starting
 * at a multiple of LANES finds its channels side by side. */
struct affine {
    int length;
    float scale[LANES * CHANNELS], shift[LANES * CHANNELS];
};

static void affine_fill(struct affine *a, const struct hsgd_data *d, const struct hsgd_normalisation *norm)
{
    float unit = d->bytes ? 1.0f / 255.0f : 1.0f;
    int channels = norm && norm->channels == d->shape.c && norm->channels <= CHANNELS ? norm->channels : 1;
    a->length = LANES * channels;
    for (int i = 0; i < a->length; i++) {
        float inv = norm ? norm->inv_std[i % channels] : 1.0f;
        a->scale[i] = inv * unit;
        a->shift[i] = norm ? -norm->mean[i % channels] * inv : 0.0f;
    }
}

/* The inner loops have a constant length: compilers make vectors of them. */
static void from_bytes(const struct affine *a, const uint8_t *restrict from, int64_t size, float *restrict to)
{
    int64_t i = 0;
    int phase = 0;
    for (; i + LANES <= size; i += LANES) {
        for (int j = 0; j < LANES; j++)
            to[i + j] = (float)from[i + j] * a->scale[phase + j] + a->shift[phase + j];
        phase = phase + LANES < a->length ? phase + LANES : 0;
    }
    for (; i < size; i++, phase++)
        to[i] = (float)from[i] * a->scale[phase] + a->shift[phase];
}

static void from_values(const struct affine *a, const float *restrict from, int64_t size, float *restrict to)
{
    int64_t i = 0;
    int phase = 0;
    for (; i + LANES <= size; i += LANES) {
        for (int j = 0; j < LANES; j++)
            to[i + j] = from[i + j] * a->scale[phase + j] + a->shift[phase + j];
        phase = phase + LANES < a->length ? phase + LANES : 0;
    }
    for (; i < size; i++, phase++)
        to[i] = from[i] * a->scale[phase] + a->shift[phase];
}

/* Samples are picked at random: asks for the next one while this one is
 * converted. */
static void fetch_ahead(const void *sample, int64_t bytes)
{
    enum { LINE = 64, MOST = 4096 };
    for (int64_t i = 0; i < bytes && i < MOST; i += LINE)
        __builtin_prefetch((const char *)sample + i);
}

void hsgd_data_gather(const struct hsgd_data *d, const int64_t *index, int n, const struct hsgd_normalisation *norm,
                      float *x, int32_t *labels)
{
    int64_t size = hsgd_data_size(d);
    struct affine a;
    affine_fill(&a, d, norm);
    for (int i = 0; i < n; i++) {
        int64_t place = hsgd_data_place(d, index[i]);
        if (d->bytes && i + 1 < n)
            fetch_ahead(d->bytes + hsgd_data_place(d, index[i + 1]) * size, size);
        if (labels)
            labels[i] = d->labels[place];
        if (x && d->bytes)
            from_bytes(&a, d->bytes + place * size, size, x + i * size);
        else if (x && norm)
            from_values(&a, d->values + place * size, size, x + i * size);
        else if (x)
            memcpy(x + i * size, d->values + place * size, (size_t)size * sizeof *x);
    }
}

static void store(struct hsgd_normalisation *out, int channel, double mean, double variance)
{
    out->mean[channel] = (float)mean;
    out->inv_std[channel] = variance > 0 ? (float)(1 / sqrt(variance)) : 1.0f;
}

/* 8-bit samples: a histogram per channel, so the sums are exact. */
static void statistics_bytes(const struct hsgd_data *d, struct hsgd_normalisation *out)
{
    int64_t size = hsgd_data_size(d), histogram[CHANNELS][256] = {{0}};
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
        for (int v = 0; v < 256; v++)
            sum += (double)histogram[c][v] * v / 255;
        for (int v = 0; v < 256; v++)
            squares += (double)histogram[c][v] * (v / 255.0 - sum / n) * (v / 255.0 - sum / n);
        store(out, c, sum / n, squares / n);
    }
}

/* Adds (x - mean)^power of every number to its channel's sum. */
static void moment(const struct hsgd_data *d, int channels, int power, const double *mean, double *sum)
{
    int64_t size = hsgd_data_size(d);
    for (int64_t i = 0; i < d->count; i++) {
        const float *from = d->values + hsgd_data_place(d, i) * size;
        for (int64_t k = 0; k < size; k++) {
            double difference = from[k] - mean[k % channels];
            sum[k % channels] += power == 2 ? difference * difference : difference;
        }
    }
}

static void statistics_values(const struct hsgd_data *d, struct hsgd_normalisation *out)
{
    double n = (double)(d->count * (hsgd_data_size(d) / out->channels));
    double mean[CHANNELS] = {0}, sum[CHANNELS] = {0}, squares[CHANNELS] = {0};
    moment(d, out->channels, 1, mean, sum);
    for (int c = 0; c < out->channels; c++)
        mean[c] = sum[c] / n;
    moment(d, out->channels, 2, mean, squares);
    for (int c = 0; c < out->channels; c++)
        store(out, c, mean[c], squares[c] / n);
}

void hsgd_data_statistics(const struct hsgd_data *d, struct hsgd_normalisation *out)
{
    memset(out, 0, sizeof *out);
    out->channels = hsgd_data_channels(d);
    if (d->bytes)
        statistics_bytes(d, out);
    else
        statistics_values(d, out);
}
