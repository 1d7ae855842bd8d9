/* From stored samples to normalised floats, and the numbers that normalise. */
#include "dataset.h"
#include <math.h>
#include <string.h>

enum { LANES = 16, CHANNELS = HSGD_NORMALISED_CHANNELS };

/* x' = x * scale + shift.  The channels of images repeat, so that a block of
 * LANES numbers starting at a multiple of LANES finds its own side by side;
 * `length` is where they begin again.  Plain features with numbers of their
 * own do not repeat. */
struct affine {
    int length;
    float scale[HSGD_NORMALISED_FEATURES], shift[HSGD_NORMALISED_FEATURES];
};

static int channels_of(const struct hsgd_data *d, const struct hsgd_normalisation *norm)
{
    bool plain = d->shape.h == 1 && d->shape.w == 1;
    int most = plain ? HSGD_NORMALISED_FEATURES : CHANNELS;
    return norm && norm->channels == d->shape.c && norm->channels <= most ? norm->channels : 1;
}

static void affine_fill(struct affine *a, const struct hsgd_data *d, const struct hsgd_normalisation *norm)
{
    float unit = d->bytes ? 1.0f / 255.0f : 1.0f;
    int channels = channels_of(d, norm);
    a->length = channels <= CHANNELS ? LANES * channels : channels;
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

/* Missing values count as the mean, which is 0 now. */
static void fill_missing(float *x, int64_t size)
{
    for (int64_t i = 0; i < size; i++) x[i] = isnan(x[i]) ? 0 : x[i];
}

/* All are what 0 becomes, but for the few that are there. */
static void from_sparse(const struct affine *a, const struct hsgd_sparse *s, int64_t place, int64_t size, float *to)
{
    for (int64_t i = 0; i < size; i += a->length)
        memcpy(to + i, a->shift, (size_t)(size - i < a->length ? size - i : a->length) * sizeof *to);
    for (int64_t k = s->start[place]; k < s->start[place + 1]; k++) {
        int at = s->column[k] % a->length;
        to[s->column[k]] = s->value[k] * a->scale[at] + a->shift[at];
    }
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
        else if (x && d->sparse.start)
            from_sparse(&a, &d->sparse, place, size, x + i * size);
        else if (x && norm)
            from_values(&a, d->values + place * size, size, x + i * size);
        else if (x)
            memcpy(x + i * size, d->values + place * size, (size_t)size * sizeof *x);
        if (x && norm && d->missing)
            fill_missing(x + i * size, size);
    }
}

/* What differs by less than a float can invert counts as constant. */
static void store(struct hsgd_normalisation *out, int channel, double mean, double variance)
{
    float inverse = (float)(1 / sqrt(variance));
    out->mean[channel] = (float)mean;
    out->inv_std[channel] = variance > 0 && isfinite(inverse) ? inverse : 1.0f;
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

/* Sums over the values of a channel that are there. */
struct sums { double mean, sum, squares, count; };

static void add_sample(struct sums *sums, int channels, const float *from, int64_t size)
{
    for (int64_t k = 0, channel = 0; k < size; k++) {
        struct sums *s = &sums[channel];
        channel = channel + 1 < channels ? channel + 1 : 0;
        if (isnan(from[k]))
            continue;
        double difference = from[k] - s->mean;
        s->sum += difference;
        s->squares += difference * difference;
        s->count++;
    }
}

/* Twice: the squares are those of distances from the mean. */
static void statistics_values(const struct hsgd_data *d, struct hsgd_normalisation *out)
{
    int64_t size = hsgd_data_size(d);
    struct sums sums[HSGD_NORMALISED_FEATURES] = {{0}};
    for (int turn = 0; turn < 2; turn++) {
        for (int64_t i = 0; i < d->count; i++)
            add_sample(sums, out->channels, d->values + hsgd_data_place(d, i) * size, size);
        for (int c = 0; c < out->channels && turn == 0; c++)
            sums[c] = (struct sums){.mean = sums[c].count > 0 ? sums[c].sum / sums[c].count : 0};
    }
    for (int c = 0; c < out->channels; c++)
        store(out, c, sums[c].mean, sums[c].count > 0 ? sums[c].squares / sums[c].count : 0);
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
    store(out, 0, 0, squares / ((double)d->count * (double)hsgd_data_size(d)));
}

void hsgd_data_statistics(const struct hsgd_data *d, struct hsgd_normalisation *out)
{
    memset(out, 0, sizeof *out);
    out->channels = hsgd_data_channels(d);
    if (d->bytes)
        statistics_bytes(d, out);
    else if (d->sparse.start)
        statistics_sparse(d, out);
    else
        statistics_values(d, out);
}
