/* SPDX-License-Identifier: BSD-3-Clause */
/* Axes: their ranges and tick labels. */
#ifndef HSGD_APP_AXIS_H
#define HSGD_APP_AXIS_H

#include "canvas.h"

struct axis {
    double low, high;          /* of the visible range */
    bool logarithmic, integer; /* integer: ticks at integers only */
};

enum axis_kind { AXIS_LINEAR, AXIS_AUTO };

/* An empty axis; extends it to include a finite value. */
struct axis axis_none(void);
void axis_add(struct axis *a, double value);
/* Adds space at both ends; without values, the range is 0 to 1.  AUTO: logarithmic
 * if the values are positive and the largest is at least 5 times the smallest. */
void axis_finish(struct axis *a, enum axis_kind kind);

/* The position of a value: 0 at the low end, 1 at the high one. */
double axis_part(const struct axis *a, double value);

enum { AXIS_TICKS = 32 };
struct ticks {
    int n;
    double value[AXIS_TICKS];
    char text[AXIS_TICKS][32];
};
/* Round values, as many as fit along `length` pixels. */
void axis_ticks(struct ticks *t, const struct axis *a, double length, bool across);

/* A value with the digits that distinguish neighbours `step` apart, among values up to `largest`. */
void axis_number(char out[32], double value, double largest, double step);

#endif
