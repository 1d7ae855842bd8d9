/* SPDX-License-Identifier: BSD-3-Clause */
/* Axes: what they show, and the numbers along them. */
#ifndef HSGD_APP_AXIS_H
#define HSGD_APP_AXIS_H

#include "canvas.h"

struct axis {
    double low, high;           /* of what is shown */
    bool logarithmic, integer;  /* integer: numbers at integers only */
};

enum axis_kind { AXIS_LINEAR, AXIS_AUTO };

/* Grown by values that are finite, from axis_none() on. */
struct axis axis_none(void);
void axis_add(struct axis *a, double value);
/* Adds space at both ends; without a value, from 0 to 1.  AUTO: logarithmic when
 * the values are positive and the largest is 5 times the smallest or more. */
void axis_finish(struct axis *a, enum axis_kind kind);

/* Where a value is: 0 at the low end, 1 at the high one. */
double axis_part(const struct axis *a, double value);

enum { AXIS_TICKS = 32 };
struct ticks {
    int n;
    double value[AXIS_TICKS];
    char text[AXIS_TICKS][32];
};
/* Round values, as many as have space along so many pixels. */
void axis_ticks(struct ticks *t, const struct axis *a, double length, bool across);

/* A value with as many digits as neighbours `step` apart need, among values up to `largest`. */
void axis_number(char out[32], double value, double largest, double step);

#endif
