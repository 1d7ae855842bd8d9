/* SPDX-License-Identifier: BSD-3-Clause */
/* Storing doubles as 32-bit floats without losing the differences between them. */
#ifndef HSGD_DATA_ORIGIN_H
#define HSGD_DATA_ORIGIN_H

#include "dataset.h"
#include <math.h>

/* The range of a channel's values; zero-initialised: none yet. */
struct origin_range {
    bool any, inexact; /* inexact: some are not exact as a float */
    double min, max;
};

/* NAN is a missing value and ignored. */
static inline void origin_add(struct origin_range *r, double v)
{
    if (isnan(v)) return;
    r->min = !r->any || v < r->min ? v : r->min;
    r->max = !r->any || v > r->max ? v : r->max;
    r->inexact = r->inexact || (double)(float)v != v;
    r->any = true;
}

/* Gives a field the origins of its channels, unless floats hold all of them well
 * enough.  `name` stands for the data in messages.  -ENOMEM with a sentence. */
int origin_settle(struct hsgd_context *ctx, const char *name, struct data_field *f, const struct origin_range *range);

/* The stored form of a value. */
static inline float origin_store(const struct data_field *f, int channel, double v)
{
    return f->origin ? (float)((v - f->origin[channel].offset) / f->origin[channel].unit) : (float)v;
}

/* Converts `rows` samples to plain floats, with rounding: for features that become
 * pixels. */
void origin_drop(struct data_field *f, int64_t rows);

/* Gives a field of rank 1 its values, rows x channels, and takes their memory over,
 * also where it fails: -ENOMEM with a sentence. */
int origin_values(struct hsgd_context *ctx, const char *name, struct data_field *f, double *values, int64_t rows);

#endif
