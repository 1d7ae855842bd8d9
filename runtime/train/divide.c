/* SPDX-License-Identifier: BSD-3-Clause */
#include "divide.h"

#include <math.h>
#include <stdbool.h>

double curve_at(const struct curve *c, int rows)
{
    int i = 1;
    if (c->most && rows > c->most) return INFINITY;
    while (i < CURVE_SIZES - 1 && rows > c->rows[i]) i++;
    double rise = (c->seconds[i] - c->seconds[i - 1]) / (c->rows[i] - c->rows[i - 1]);
    /* A measurement that falls with size is noise: time in proportion is the safe reading. */
    if (rise <= 0) return c->seconds[CURVE_SIZES - 1] * rows / c->rows[CURVE_SIZES - 1];
    return fmax(c->seconds[i] + rise * (rows - c->rows[i]), c->seconds[0] * rows / c->rows[0] * 0.1);
}

void curve_scale(struct curve *c, double factor)
{
    for (int i = 0; i < CURVE_SIZES; i++) c->seconds[i] *= factor;
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
        if (rows[i]) last = fmax(last, curve_at(&c[i], rows[i]) + (alone ? 0 : c[i].extra));
    return last;
}

int divide_least(int n, int block, int batch, double share)
{
    int least = (int)ceil(fmin(share * batch, (double)batch / n) / block) * block;
    return n * least > batch ? least - block : least; /* whole blocks for everyone */
}

/* What the device has at least: nothing where time that is not a number says
 * that it cannot take part, and not more than its memory holds. */
static int least_of(const struct curve *c, int least)
{
    int most = c->most / c->block * c->block;
    if (!isfinite(curve_at(c, c->block))) return 0;
    return c->most && most < least ? most : least;
}

/* Hands out rows, `least` to each and then always to the device that would end
 * first. */
static void fill_evenly(int n, const struct curve *c, const bool *out, int batch, int least, int *rows)
{
    int left = batch;
    for (int i = 0; i < n; i++) left -= rows[i] = least_of(&c[i], least);
    while (left > 0) {
        int take = left < c->block ? left : c->block, best = -1;
        double soonest = INFINITY;
        for (int i = 0; i < n; i++) {
            double t = out[i] ? INFINITY : curve_at(&c[i], rows[i] + take) + c[i].extra;
            if (t < soonest) {
                soonest = t;
                best = i;
            }
        }
        rows[best < 0 ? 0 : best] += take;
        left -= take;
    }
}

/* Drops the device with the fewest rows when they are too few; whether it did. */
static bool drop_least(int n, const int *rows, bool *out)
{
    int least = -1;
    for (int i = 0; i < n; i++)
        if (rows[i] && (least < 0 || rows[i] < rows[least])) least = i;
    if (least < 0 || rows[least] >= MIN_ROWS || devices_with_rows(n, rows) == 1) return false;
    return out[least] = true;
}

double divide_rows(int n, const struct curve *c, int batch, double share, int *rows)
{
    bool out[n];
    int least = divide_least(n, c->block, batch, share);
    for (int i = 0; i < n; i++) out[i] = false;
    do fill_evenly(n, c, out, batch, least, rows);
    while (!least && drop_least(n, rows, out));
    double together = divide_time(n, c, rows);
    if (least) return together;
    for (int i = 0; i < n; i++) {
        if (!(curve_at(&c[i], batch) < together)) continue; /* not a number: the device cannot be used */
        together = curve_at(&c[i], batch);
        for (int k = 0; k < n; k++) rows[k] = k == i ? batch : 0;
    }
    return together;
}
