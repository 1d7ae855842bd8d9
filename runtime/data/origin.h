/* SPDX-License-Identifier: BSD-3-Clause */
/* Doubles that become 32-bit floats without losing what tells them apart. */
#ifndef HSGD_DATA_ORIGIN_H
#define HSGD_DATA_ORIGIN_H

#include "dataset.h"
#include <math.h>

/* What the values of a channel are like; zero-initialised: none yet. */
struct origin_range {
    bool any, inexact;          /* inexact: a float does not hold one of them */
    double min, max;
};

/* NAN is a missing value, and does not count. */
static inline void origin_add(struct origin_range *r, double v)
{
    if (isnan(v)) return;
    r->min = !r->any || v < r->min ? v : r->min;
    r->max = !r->any || v > r->max ? v : r->max;
    r->inexact = r->inexact || (double)(float)v != v;
    r->any = true;
}

/* Gives d the origins of its channels, unless floats hold all of them well
 * enough.  -ENOMEM with a sentence. */
int origin_settle(struct hsgd_context *ctx, struct hsgd_data *d, const struct origin_range *range, int channels);

/* What is stored for a value. */
static inline float origin_store(const struct hsgd_data *d, int channel, double v)
{
    return d->origin ? (float)((v - d->origin[channel].offset) / d->origin[channel].unit) : (float)v;
}

/* Rounds to floats after all: for features that become pixels. */
void origin_drop(struct hsgd_data *d);

/* Gives d the values, rows x channels, and takes their memory over, also where
 * it fails: -ENOMEM with a sentence. */
int origin_values(struct hsgd_context *ctx, struct hsgd_data *d, double *values, int64_t rows, int channels);

#endif
