/* SPDX-License-Identifier: BSD-3-Clause */
#include "divide.h"

#include <math.h>

double curve_at(const struct curve *c, int rows)
{
    int i = 1;
    if (c->max_rows && rows > c->max_rows) return INFINITY;
    while (i < CURVE_SIZES - 1 && rows > c->rows[i]) i++;
    double rise = (c->seconds[i] - c->seconds[i - 1]) / (c->rows[i] - c->rows[i - 1]);
    /* A measurement that falls with size is noise: time in proportion is the safe reading. */
    if (rise <= 0) return c->seconds[CURVE_SIZES - 1] * rows / c->rows[CURVE_SIZES - 1];
    return fmax(c->seconds[i] + rise * (rows - c->rows[i]), c->seconds[0] * rows / c->rows[0] * 0.1);
}

double curve_shared(const struct curve *c, int rows) { return curve_at(c, rows) * (c->shared > 0 ? c->shared : 1); }

void curve_scale(struct curve *c, double factor)
{
    for (int i = 0; i < CURVE_SIZES; i++) c->seconds[i] *= factor;
}

void curve_correct(struct curve *c, double factor, bool together)
{
    if (together && factor < 1 && c->shared > 1) {
        double less = fmax(factor, 1 / c->shared);
        c->shared *= less;
        factor /= less;
    }
    curve_scale(c, factor);
}

static int devices_with_rows(int n, const int *rows)
{
    int used = 0;
    for (int i = 0; i < n; i++) used += rows[i] > 0;
    return used;
}

double divide_time(int n, const struct curve *c, const int *rows)
{
    double last = 0;
    bool alone = devices_with_rows(n, rows) == 1;
    for (int i = 0; i < n; i++)
        if (rows[i]) last = fmax(last, alone ? curve_at(&c[i], rows[i]) : curve_shared(&c[i], rows[i]) + c[i].extra);
    return last;
}

int divide_min(int n, int block, int batch, double share)
{
    int min = (int)ceil(fmin(share * batch, (double)batch / n) / block) * block;
    return n * min > batch ? min - block : min; /* whole blocks for each device */
}

/* Minimum rows of a device: 0 if its time is not finite, which means that it
 * cannot take part, and no more than its memory fits. */
static int min_rows_of(const struct curve *c, int min)
{
    int max = c->max_rows / c->block * c->block;
    if (!isfinite(curve_at(c, c->block))) return 0;
    return c->max_rows && max < min ? max : min;
}

/* Assigns `min` rows to each device, then block by block to the one that would
 * finish first. */
static void fill_evenly(int n, const struct curve *c, const bool *out, int batch, int min, int *rows)
{
    int left = batch;
    for (int i = 0; i < n; i++) left -= rows[i] = min_rows_of(&c[i], min);
    while (left > 0) {
        int take = left < c->block ? left : c->block, best = -1;
        double soonest = INFINITY;
        for (int i = 0; i < n; i++) {
            double t = out[i] ? INFINITY : curve_shared(&c[i], rows[i] + take) + c[i].extra;
            if (t < soonest) {
                soonest = t;
                best = i;
            }
        }
        rows[best < 0 ? 0 : best] += take;
        left -= take;
    }
}

/* Drops the device with the fewest rows if these are below MIN_ROWS; returns whether it did. */
static bool drop_smallest(int n, const int *rows, bool *out)
{
    int smallest = -1;
    for (int i = 0; i < n; i++)
        if (rows[i] && (smallest < 0 || rows[i] < rows[smallest])) smallest = i;
    if (smallest < 0 || rows[smallest] >= MIN_ROWS || devices_with_rows(n, rows) == 1) return false;
    return out[smallest] = true;
}

double divide_rows(int n, const struct curve *c, int batch, double share, int *rows)
{
    bool out[n];
    int min = divide_min(n, c->block, batch, share);
    for (int i = 0; i < n; i++) out[i] = false;
    do fill_evenly(n, c, out, batch, min, rows);
    while (!min && drop_smallest(n, rows, out));
    double together = divide_time(n, c, rows);
    if (min) return together;
    for (int i = 0; i < n; i++) {
        if (!(curve_at(&c[i], batch) < together)) continue; /* NaN or infinite: the device cannot be used */
        together = curve_at(&c[i], batch);
        for (int k = 0; k < n; k++) rows[k] = k == i ? batch : 0;
    }
    return together;
}

/* Of n devices, the time of so many slices, the largest of `size` rows, over that of `rows`. */
static double alike(int n, const int *rows, const int *workers, int size, int slices)
{
    double last = 0;
    int has[n];
    for (int i = 0; i < n; i++) has[i] = 0;
    for (int k = 0; k < slices; k++) {
        double soonest = INFINITY;
        int best = 0;
        for (int i = 0; i < n; i++) {
            double end = rows[i] ? (double)(has[i] / workers[i] + 1) * size * workers[i] / rows[i] : INFINITY;
            if (end < soonest) {
                soonest = end;
                best = i;
            }
        }
        has[best]++;
        last = fmax(last, soonest);
    }
    return last;
}

int divide_alike(int n, const int *rows, const int *workers, int batch, int block, double slack, int max)
{
    double best = INFINITY;
    int fewest = 1;
    for (int slices = 1; slices <= max && best > slack; slices++) {
        int size = (batch + slices * block - 1) / (slices * block) * block;
        double t = alike(n, rows, workers, size, slices);
        if (t >= best) continue;
        best = t;
        fewest = slices;
    }
    return fewest;
}
