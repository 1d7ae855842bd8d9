/* SPDX-License-Identifier: BSD-3-Clause */
/* Plans: what a trainer runs for one step, to look at. */
#ifndef HSGD_PLAN_H
#define HSGD_PLAN_H

#include <hsgd/train.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A cell is one StarPU task: a list of kernel launches on one device. */
struct hsgd_plan_cell {
    size_t size;             /* of this struct */
    char name[40];           /* "slice on cpu" */
    char device[24];         /* id, as in struct hsgd_device */
    char reason[160];        /* why it runs there: what the plan decided, and by which figures */
    int replica;             /* of algorithms with a server: whose, from 0; else -1 */
    int rows;                /* samples that pass through, forward and backward; 0: none */
    bool known;              /* false: predicted_ms is a guess, nothing was measured yet */
    double predicted_ms;     /* by the cost model: the median of the last runs of cells that do the same */
    double predicted_start_ms; /* in a step as hsgd_trainer_plan_ms() lays it out, */
    int predicted_worker;    /* and on which worker of the device */
    double measured_ms;      /* mean over this cell's runs; NaN before the first */
    unsigned long long runs;
    int launches, accesses;  /* kernels, and buffers they touch */
};

/* Builds the plan that trains batches of `batch` samples, unless it is there
 * already; dividing a batch over devices may run trials that take a moment.
 * Returns the number of its cells, or a negative errno. */
HSGD_API int hsgd_trainer_plan(struct hsgd_trainer *trainer, int batch);

/* Fills *cell with cell i, in the order of submission; of algorithms with a
 * server, first all of the first replica, as many plans as its steps between
 * two merges need: the one that takes parameters, a plain one, the one that
 * hands in. */
HSGD_API int hsgd_trainer_plan_cell(struct hsgd_trainer *trainer, int batch, int i, struct hsgd_plan_cell *cell,
                                    size_t size);

/* Milliseconds the cost model expects of one step: the cells in order, each
 * on its worker, or the first free one of its device, once those it depends
 * on are done.  With a server: the time in which all replicas together train a
 * batch of samples.  NaN on an error. */
HSGD_API double hsgd_trainer_plan_ms(struct hsgd_trainer *trainer, int batch);

/* How many steps the plan for batches of `batch` samples has run since it was
 * built, and in *seconds their wall time, in which the runs of its cells lie.
 * 0 with a server, whose replicas have no common step, or a negative errno. */
HSGD_API int64_t hsgd_trainer_plan_steps(struct hsgd_trainer *trainer, int batch, double *seconds);

/* A set of devices and an algorithm, and what a batch would take. */
struct hsgd_candidate {
    size_t size;             /* of this struct */
    char devices[200];       /* a device list */
    char algorithm[24];      /* with a server: the time in which all replicas together train as many samples */
    double predicted_ms;
    bool chosen;             /* by the plan that there is */
};

/* Fills in at most `most` candidates, of `size` bytes each, for batches of `batch` samples, from what
 * each device takes alone at three sizes, measured now or kept from before on
 * this host (doc/environment.md, HSGD_CACHE_DIR).  A set with a device that sync
 * would leave idle is shown for the other algorithms only.  Returns how many,
 * 0 in deterministic mode, or a negative errno. */
HSGD_API int hsgd_trainer_candidates(struct hsgd_trainer *trainer, int batch, struct hsgd_candidate *out, size_t size,
                                     int most);

#ifdef __cplusplus
}
#endif
#endif
