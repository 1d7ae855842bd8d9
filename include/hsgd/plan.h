/* SPDX-License-Identifier: BSD-3-Clause */
/* Plans: the cells that a trainer runs for one step, for inspection. */
#ifndef HSGD_PLAN_H
#define HSGD_PLAN_H

#include <hsgd/train.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A cell is one StarPU task: a list of kernel launches on one device. */
struct hsgd_plan_cell {
    size_t size;               /* of this struct */
    char name[40];             /* "slice on cpu" */
    char device[24];           /* id, as in struct hsgd_device */
    char reason[160];          /* why it runs there: the decision and its figures */
    int replica;               /* with a server: index of the replica, from 0; else -1 */
    int rows;                  /* samples that pass through forward and backward; 0: none */
    bool known;                /* false: predicted_ms is a guess without measurements */
    double predicted_ms;       /* by the cost model: the median of the last runs of equal cells */
    double predicted_start_ms; /* from the start of a step, in the schedule of hsgd_trainer_plan_ms() */
    int predicted_worker;      /* of the device, from 0, in the same schedule */
    double measured_ms;        /* mean over this cell's runs; NaN before the first */
    unsigned long long runs;
    int launches, accesses; /* kernel launches; buffers accessed */
    int64_t bytes;          /* of these buffers; several cells may use one */
    char about[160]; /* what it is for: "forward and backward of conv1 to fc2", "update of fc2.weight and 3 more" */
    int weights;     /* whose gradients it makes, or which it changes, or parts of them: their number, */
    int64_t weight_bytes; /* and their bytes */
    double copied_ms;   /* predicted: copies of what it reads, before predicted_start_ms; one that is not known is 0 */
    bool placed;        /* the scheduling policy chooses its device, too: `device` is the plan's guess */
    char chosen_by[40]; /* who chooses its worker: "plan", "policy dmdas", "one worker" */
};

/* Builds the plan that trains batches of `batch` samples, unless it exists;
 * partitioning a batch over devices may run trials, which take up to seconds.
 * Returns the number of its cells, or a negative errno. */
HSGD_API int hsgd_trainer_plan(struct hsgd_trainer *trainer, int batch);

/* Fills *cell, of `size` bytes, with cell i, from 0, in the order of submission.
 * With a server the cells are ordered by replica, and those of a replica by plan:
 * of the step that pulls, of a plain step, and of the step that pushes, as far as
 * its rounds have them.  -EINVAL: i is out of range. */
HSGD_API int hsgd_trainer_plan_cell(struct hsgd_trainer *trainer, int batch, int i, struct hsgd_plan_cell *cell,
                                    size_t size);

/* A device's part of a step.  workers * step = cells + copies + waiting, in milliseconds: what is
 * predicted adds up to hsgd_trainer_plan_ms(). */
struct hsgd_plan_device {
    size_t size;                  /* of this struct */
    char device[24];              /* id, as in struct hsgd_device */
    char reason[160];             /* why it has its rows, or none: the decision and its figures */
    int rows, cells;              /* samples of the batch; cells of a step */
    double cells_ms;              /* predicted: sum over its cells; NaN: not known */
    int copies_to, copies_from;   /* buffers that a step copies from main memory to the device, and back, */
    int64_t bytes_to, bytes_from; /* their bytes, */
    double to_ms, from_ms;        /* and what its link takes for them, by StarPU's measurement; NaN: not known */
    double waiting_ms;            /* predicted: the rest of the step, all workers together; below 0: cells or copies
                                     overlap; NaN: not known */
};

/* Fills *device, of `size` bytes, with device i of the context, from 0.  -EINVAL: i is out of range,
 * or the algorithm has a server, whose replicas have no common step. */
HSGD_API int hsgd_trainer_plan_device(struct hsgd_trainer *trainer, int batch, int i, struct hsgd_plan_device *device,
                                      size_t size);

/* Predicted milliseconds of one step: as trials measured this division of the batch, else by the
 * calibrations of the devices (the figure of the chosen candidate of hsgd_trainer_candidates()), else by a list
 * schedule of the cells in order, each on its worker, or the first free worker of its device, as soon as its
 * dependencies have finished and what it reads has been copied.  With a server: the time in which all replicas
 * together train `batch` samples.  NaN on an error. */
HSGD_API double hsgd_trainer_plan_ms(struct hsgd_trainer *trainer, int batch);

/* Number of steps that the plan for batches of `batch` samples has run since it
 * was built; *seconds gets their total wall time.  0 with a server, whose
 * replicas have no common step; a negative errno on an error. */
HSGD_API int64_t hsgd_trainer_plan_steps(struct hsgd_trainer *trainer, int batch, double *seconds);

/* A set of devices and an algorithm, with the predicted time of a batch. */
struct hsgd_candidate {
    size_t size;       /* of this struct */
    char devices[200]; /* a device list */
    char algorithm[24];
    double predicted_ms; /* of a step; with a server: in which all replicas together train `batch` samples */
    bool chosen;         /* the current plan's */
};

/* Fills in up to `max` candidates, of `size` bytes each, for batches of `batch`
 * samples, predicted from each device's time at three batch sizes, measured now
 * or cached on this host (doc/environment.md, HSGD_CACHE_DIR).  A set with a
 * device that sync would leave idle is listed for the other algorithms only.
 * Returns their number, 0 in deterministic mode, or a negative errno. */
HSGD_API int hsgd_trainer_candidates(struct hsgd_trainer *trainer, int batch, struct hsgd_candidate *out, size_t size,
                                     int max);

#ifdef __cplusplus
}
#endif
#endif
