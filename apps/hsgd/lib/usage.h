/* SPDX-License-Identifier: BSD-3-Clause */
/* Counters of the devices. */
#ifndef HSGD_APP_USAGE_H
#define HSGD_APP_USAGE_H

#include <hsgd/hsgd.h>

/* Work of the devices of a context in an interval. */
#define MAX_DEVICES 64
struct usage {
    int n;
    struct hsgd_device device[MAX_DEVICES];
};
void usage_now(const struct hsgd_context *ctx, struct usage *u);
/* The counters of `to` become those since `from`. */
void usage_since(const struct usage *from, struct usage *to);
/* Adds the counters of `more`; copies it when the sum is empty. */
void usage_add(struct usage *sum, const struct usage *more);
double usage_busy(const struct usage *u, int i, double seconds);

#endif
