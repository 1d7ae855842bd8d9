/* SPDX-License-Identifier: BSD-3-Clause */
/* How a batch is divided over devices and cores, as far as nothing has to be
 * measured for it. */
#ifndef HSGD_RUNTIME_PLAN_DIVISION_H
#define HSGD_RUNTIME_PLAN_DIVISION_H

#include "divide.h"
#include "plan.h"

#define MAX_SLICES 32

/* The slices, and why each device has its rows. */
struct division {
    int n;
    struct slice_spec slice[MAX_SLICES];
    char why[MAX_DEVICES][PLAN_REASON];
};

/* Devices that have not failed: their number, and the first. */
int division_usable(const struct hsgd_context *ctx);
struct device *division_first(struct hsgd_context *ctx);

/* A reason for a device, or the same one for all. */
void __attribute__((format(printf, 3, 4))) division_explain(struct division *out, int device, const char *format, ...);
void division_explain_all(struct division *out, int ndevices, const char *why);

/* Rows in whole blocks: the nearest number. */
int division_round(double rows, int block);

/* Appends `rows` rows on a device to n slices, over at most `parts` of about
 * equal size, in blocks of `block` rows; returns how many there are then. */
int division_add(struct slice_spec *out, int n, struct device *d, int rows, int parts, int block);
/* The slices of all devices, one per worker, from the rows of each. */
int division_rows(struct hsgd_context *ctx, int block, const int *rows, struct slice_spec *out);

/* Equal shares over `parts` slices for each device (0: one per worker): their number
 * and sizes depend on the batch and the device list only. */
void division_equal(struct hsgd_context *ctx, int block, int batch, int parts, const char *why, struct division *out);
/* Each device's share of the batch; the largest also gets what rounding leaves. */
void division_in_proportion(struct hsgd_context *ctx, int block, const double *share, int batch, struct division *out);
/* In deterministic mode, with too many devices to try what is best, or with only one
 * worker there is nothing to measure; false: there is. */
bool division_fixed(struct hsgd_context *ctx, int block, int batch, struct division *out);

#endif
