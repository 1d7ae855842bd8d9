/* SPDX-License-Identifier: BSD-3-Clause */
/* Dividing a batch over devices: the equations of doc/algorithms.md, without
 * StarPU and without clocks. */
#ifndef HSGD_RUNTIME_PLAN_DIVIDE_H
#define HSGD_RUNTIME_PLAN_DIVIDE_H

#include <stdbool.h>

#define MIN_ROWS 16 /* less is not worth a device's fixed costs */
#define CURVE_SIZES 3

/* What a step of so many rows takes on a device, in seconds: straight between
 * the sizes that were measured and beyond them. */
struct curve {
    int block;             /* slices are multiples of so many rows; the last takes the rest */
    int rows[CURVE_SIZES]; /* ascending */
    double seconds[CURVE_SIZES];
    double extra;  /* on top when other devices take part: copies of parameters and gradients, */
    double shared; /* and factor of its time then, as measured; 0: not known, which counts as 1 */
    int max_rows;  /* rows that the device's memory holds; 0: any number */
};

/* Of the device alone; INFINITY for more rows than it can do. */
double curve_at(const struct curve *c, int rows);
/* The same while other devices take part, without `extra`. */
double curve_shared(const struct curve *c, int rows);
void curve_scale(struct curve *c, double factor);
/* A device took so many times as long as modelled.  Where it was faster while others took part,
 * they take less from it than was measured before anything else. */
void curve_correct(struct curve *c, double factor, bool together);

/* Rows per device so that all end together, T_1(b_1) = ... = T_n(b_n) and
 * sum b_i = batch.  With `share` 0 a device that would only make the step
 * longer has none; else each has at least that part of the batch, or an equal
 * one where that is less.  Returns what the step takes. */
double divide_rows(int n, const struct curve *c, int batch, double share, int *rows);
/* The rows that `share` leaves to each of n devices at least. */
int divide_min(int n, int block, int batch, double share);
/* What a step takes with these rows. */
double divide_time(int n, const struct curve *c, const int *rows);

/* How many slices of one size, in blocks, for these rows of the devices, each slice on the worker
 * that ends first: the fewest, at most `max`, that take at most `slack` times as long; else those
 * that take least. */
int divide_alike(int n, const int *rows, const int *workers, int batch, int block, double slack, int max);

#endif
