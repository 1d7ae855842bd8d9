/* SPDX-License-Identifier: BSD-3-Clause */
/* How alike two names are. */
#ifndef HSGD_RUNTIME_DISTANCE_H
#define HSGD_RUNTIME_DISTANCE_H

#define TEXT_DISTANCE_MAX 127 /* bytes of a name; what is behind them does not count */

/* How many bytes must be put in, left out or changed to make b of a.
 * Source: Wagner & Fischer 1974. */
int text_distance(const char *a, const char *b);

#endif
