/* SPDX-License-Identifier: BSD-3-Clause */
/* Cells as StarPU tasks: the one codelet and its launchers. */
#ifndef HSGD_RUNTIME_TASK_H
#define HSGD_RUNTIME_TASK_H

#include "plan/plan.h"

/* What a task needs besides its handles; lives as long as the task. */
struct cell_run {
    struct plan *plan;
    struct cell *cell;
    int step;              /* row in the step table and the metrics */
    void **base;           /* the buffers, where the task itself carries none */
    struct cuda_run *cuda; /* what is kept of runs on a CUDA device */
};

/* Fills a created task for a cell whose input is batch slot `slot`. */
void task_fill(struct starpu_task *task, struct cell_run *run, int slot);

/* The launchers, one per kind of device. */
void exec_cpu(void *buffers[], void *arg);
void exec_opencl(void *buffers[], void *arg);
void exec_cuda(void *buffers[], void *arg);

/* Bookkeeping around a cell: the work for the calling worker's device, or NULL
 * when a step has failed, after which nothing changes anything. */
struct variant *cell_begin(struct cell_run *run, uint64_t *began);
void cell_end(struct cell_run *run, struct variant *v, uint64_t began);
/* Notes that a cell failed, as the device's fault; begun: it may have written
 * already. */
void cell_failed(const struct cell_run *run, struct device *d, bool begun, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Notes that a cell took `took` ns in a step; cell_end() does. */
void cell_measured(struct cell_run *run, struct variant *v, int step, uint64_t began, uint64_t took);

/* Cells on CUDA devices end after their launchers: notes what the last run
 * took, if it ran there; to be called when it has ended. */
void cell_settle(struct cell_run *run);
/* Frees what is kept of them; they have ended. */
void cell_release(struct cell_run *run);

#endif
