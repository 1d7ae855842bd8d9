/* SPDX-License-Identifier: BSD-3-Clause */
/* Time, and statistics of times. */
#ifndef HSGD_APP_MEASURE_H
#define HSGD_APP_MEASURE_H

double now_seconds(void);
double median(double *v, int n); /* sorts v; NaN for none */

#endif
