/* SPDX-License-Identifier: BSD-3-Clause */
/* Algorithms: how the devices share a training, as rows of one table. */
#ifndef HSGD_RUNTIME_TRAIN_ALGORITHM_H
#define HSGD_RUNTIME_TRAIN_ALGORITHM_H

#include <hsgd/train.h>

#include "base/core.h"

/* Which samples a device takes at a time. */
enum slice_rule {
    SLICE_EQUATIONS, /* rows of the batch, so that all end together */
    SLICE_EQUAL,     /* the same part of a batch for all */
    SLICE_WHOLE,     /* a batch of its own */
    SLICE_BY_KIND,   /* a batch on accelerators, a small one on CPU cores */
    SLICE_ADAPTIVE,  /* a batch that grows and shrinks, so that all make as many updates */
};

/* What becomes of what a device has made. */
enum merge_rule {
    MERGE_GRADIENT, /* gradients are summed before one update */
    MERGE_AVERAGE,  /* the change is added, divided by the number of replicas: a moving average */
    MERGE_ELASTIC,  /* parameters and the server's draw each other */
    MERGE_DELTA,    /* the change is added */
    MERGE_SHARED,   /* CPU cores write the server's parameters as they go; others: as MERGE_DELTA */
};

struct algorithm {
    const char *name, *alias;
    enum slice_rule slices;
    int local_steps; /* between two merges */
    enum merge_rule merge;
    int staleness; /* merges of others that a device may miss at most; -1: any number */
};

const struct algorithm *algorithm_row(enum hsgd_algorithm a);
/* Whether replicas exchange parameters with a server. */
static inline bool algorithm_has_server(const struct algorithm *a) { return a->merge != MERGE_GRADIENT; }
/* Whether the rate follows the size of a device's batch. */
static inline bool algorithm_scales_rate(const struct algorithm *a)
{
    return a->slices == SLICE_BY_KIND || a->slices == SLICE_ADAPTIVE;
}

/* Whether CPU cores train by themselves, on the server's parameters. */
static inline bool algorithm_shares_cores(const struct algorithm *a, enum hsgd_device_kind kind)
{
    return a->merge == MERGE_SHARED && kind == HSGD_CPU;
}
/* Samples of a replica's first update, one of n replicas on that kind of
 * device, where a batch of the user's has `batch`. */
int algorithm_batch(const struct algorithm *a, const struct hsgd_train_options *o, int batch,
                    enum hsgd_device_kind kind, int n);
/* Bounds of what it may become. */
int algorithm_min_batch(const struct hsgd_train_options *o);
int algorithm_max_batch(const struct hsgd_train_options *o);
/* Steps between two merges. */
int algorithm_local_steps(const struct algorithm *a, const struct hsgd_train_options *o);

#endif
