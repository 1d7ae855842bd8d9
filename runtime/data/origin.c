/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "origin.h"

/* Rounding to a float loses up to 2^-24 of the largest value.  Where that would
 * be 2^-14 of the range or more, floats store differences from the smallest
 * value instead; where all are tiny, multiples of a power of two. */
static struct hsgd_origin choose(const struct origin_range *r)
{
    static const double max = 1024, tiny = 1e-30;
    struct hsgd_origin o = { 0, 1 };
    double largest = fmax(fabs(r->min), fabs(r->max)), range = r->max - r->min;
    if (!r->any || !r->inexact) return o;
    if (range < largest / max) o.offset = r->min;
    double rest = o.offset != 0 ? range : largest;
    if (rest > 0 && rest < tiny) o.unit = ldexp(1, ilogb(rest));
    return o;
}

int origin_settle(struct hsgd_context *ctx, struct hsgd_data *d, const struct origin_range *range, int channels)
{
    bool needed = false;
    struct hsgd_origin *origin = malloc((size_t)channels * sizeof *origin);
    if (!origin) return hsgd_fail(ctx, ENOMEM, "data set \"%s\": out of memory for %d columns", d->name, channels);
    for (int c = 0; c < channels; c++) {
        origin[c] = choose(&range[c]);
        needed = needed || origin[c].offset != 0 || origin[c].unit != 1;
    }
    if (!needed) {
        free(origin);
        return 0;
    }
    d->x.origin = d->x.owned_origin = origin;
    return 0;
}

void origin_drop(struct hsgd_data *d)
{
    int channels = hsgd_type_channels(&d->x.type);
    float *values = d->x.owned;
    for (int64_t i = 0; d->x.owned_origin && i < d->count * hsgd_data_size(d); i++) {
        struct hsgd_origin o = d->x.origin[i % channels];
        values[i] = (float)(o.offset + o.unit * (double)values[i]);
    }
    free(d->x.owned_origin);
    d->x.origin = d->x.owned_origin = NULL;
}

/* The floats take the place of the doubles: each is written after it was read. */
static void narrow(struct hsgd_data *d, double *values, int64_t rows, int channels)
{
    char *bytes = (char *)values;
    for (int64_t i = 0; i < rows; i++)
        for (int c = 0; c < channels; c++) {
            int64_t at = i * channels + c;
            double v;
            memcpy(&v, bytes + at * (int64_t)sizeof v, sizeof v);
            float stored = origin_store(d, c, v);
            memcpy(bytes + at * (int64_t)sizeof stored, &stored, sizeof stored);
        }
}

int origin_values(struct hsgd_context *ctx, struct hsgd_data *d, double *values, int64_t rows, int channels)
{
    struct origin_range *range = calloc((size_t)channels, sizeof *range);
    int err = range ? 0 : hsgd_fail(ctx, ENOMEM, "data set \"%s\": out of memory for %d columns", d->name, channels);
    for (int64_t i = 0; !err && i < rows; i++)
        for (int c = 0; c < channels; c++) origin_add(&range[c], values[i * channels + c]);
    if (!err) err = origin_settle(ctx, d, range, channels);
    free(range);
    if (err) {
        free(values);
        return err;
    }
    narrow(d, values, rows, channels);
    void *smaller = realloc(values, (size_t)(rows * channels) * sizeof(float));
    d->x.owned = smaller ? smaller : values;
    d->x.values = d->x.owned;
    return 0;
}
