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

int origin_settle(struct hsgd_context *ctx, const char *name, struct data_field *f, const struct origin_range *range)
{
    bool needed = false;
    int channels = hsgd_type_channels(&f->type);
    struct hsgd_origin *origin = malloc((size_t)channels * sizeof *origin);
    if (!origin) return hsgd_fail(ctx, ENOMEM, "data set \"%s\": out of memory for %d columns", name, channels);
    for (int c = 0; c < channels; c++) {
        origin[c] = choose(&range[c]);
        needed = needed || origin[c].offset != 0 || origin[c].unit != 1;
    }
    if (!needed) {
        free(origin);
        return 0;
    }
    f->origin = f->owned_origin = origin;
    return 0;
}

void origin_drop(struct data_field *f, int64_t rows)
{
    int channels = hsgd_type_channels(&f->type);
    float *values = f->owned;
    for (int64_t i = 0; f->owned_origin && i < rows * hsgd_type_size(&f->type); i++) {
        struct hsgd_origin o = f->origin[i % channels];
        values[i] = (float)(o.offset + o.unit * (double)values[i]);
    }
    free(f->owned_origin);
    f->origin = f->owned_origin = NULL;
}

/* The floats take the place of the doubles: each is written after it was read. */
static void narrow(struct data_field *f, double *values, int64_t rows, int channels)
{
    char *bytes = (char *)values;
    for (int64_t i = 0; i < rows; i++)
        for (int c = 0; c < channels; c++) {
            int64_t at = i * channels + c;
            double v;
            memcpy(&v, bytes + at * (int64_t)sizeof v, sizeof v);
            float stored = origin_store(f, c, v);
            memcpy(bytes + at * (int64_t)sizeof stored, &stored, sizeof stored);
        }
}

int origin_values(struct hsgd_context *ctx, const char *name, struct data_field *f, double *values, int64_t rows)
{
    int channels = hsgd_type_channels(&f->type);
    struct origin_range *range = calloc((size_t)channels, sizeof *range);
    int err = range ? 0 : hsgd_fail(ctx, ENOMEM, "data set \"%s\": out of memory for %d columns", name, channels);
    for (int64_t i = 0; !err && i < rows; i++)
        for (int c = 0; c < channels; c++) origin_add(&range[c], values[i * channels + c]);
    if (!err) err = origin_settle(ctx, name, f, range);
    free(range);
    if (err) {
        free(values);
        return err;
    }
    narrow(f, values, rows, channels);
    void *smaller = realloc(values, (size_t)(rows * channels) * sizeof(float));
    f->owned = smaller ? smaller : values;
    f->values = f->owned;
    return 0;
}
