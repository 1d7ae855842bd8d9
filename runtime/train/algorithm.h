/* Algorithms: how the devices share a training, as rows of one table. */
#ifndef HSGD_RUNTIME_TRAIN_ALGORITHM_H
#define HSGD_RUNTIME_TRAIN_ALGORITHM_H

#include "core.h"

/* Which samples a device takes at a time. */
enum slice_rule {
    SLICE_EQUATIONS,            /* rows of the batch, so that all end together */
    SLICE_EQUAL,                /* the same part of a batch for all */
    SLICE_WHOLE,                /* a batch of its own */
    SLICE_BY_KIND,              /* a batch on accelerators, a small one on CPU cores */
    SLICE_ADAPTIVE,             /* a batch that grows and shrinks, so that all make as many updates */
};

/* What becomes of what a device has made. */
enum merge_rule {
    MERGE_GRADIENT,             /* gradients are summed before one update */
    MERGE_AVERAGE,              /* the change is added, divided by the number of replicas: a moving average */
    MERGE_ELASTIC,              /* parameters and the server's draw each other */
    MERGE_DELTA,                /* the change is added */
    MERGE_SHARED,               /* CPU cores write the server's parameters as they go; others: as MERGE_DELTA */
};

struct algorithm {
    const char *name, *alias;
    enum slice_rule slices;
    int local_steps;            /* between two merges */
    enum merge_rule merge;
    int staleness;              /* merges of others that a device may miss at most; -1: any number */
};

const struct algorithm *algorithm_row(enum hsgd_algorithm a);
/* Whether replicas exchange parameters with a server. */
static inline bool algorithm_has_server(const struct algorithm *a) { return a->merge != MERGE_GRADIENT; }
/* Whether the rate follows the size of a device's batch. */
static inline bool algorithm_scales_rate(const struct algorithm *a)
{
    return a->slices == SLICE_BY_KIND || a->slices == SLICE_ADAPTIVE;
}

#endif
