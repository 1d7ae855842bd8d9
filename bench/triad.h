/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory bandwidth: the triad of STREAM (McCalpin, 1995) done in place,
 * a[i] = s * b[i] + t * a[i], as an optimizer updates its state.  Every byte
 * moved is counted: there is no write-allocate, unlike in a = b + s * c. */
#ifndef BENCH_TRIAD_H
#define BENCH_TRIAD_H

#include <stddef.h>

/* Bytes per second that `threads` threads reach together with both arrays
 * of `working_set` bytes in total: 12 bytes per element, the fastest of many passes.
 * 0 when memory or threads are exhausted. */
double triad_bandwidth(int threads, size_t working_set);

#endif
