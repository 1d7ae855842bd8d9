/* SPDX-License-Identifier: BSD-3-Clause */
#include "task.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>

#include "plan/cost.h"
#include "plan/recording.h"
#include "device/inject.h"
#include "trace.h"

/* -------------------------------------------------- StarPU's cost model */

static enum hsgd_device_kind kind_of(const struct starpu_perfmodel_arch *arch)
{
    switch (arch->devices[0].type) {
    case STARPU_CUDA_WORKER: return HSGD_CUDA;
    case STARPU_OPENCL_WORKER: return HSGD_OPENCL;
    default: return HSGD_CPU;
    }
}

/* Where StarPU chooses, a cell is tried on every device until its time there is known. */
static double predict(struct starpu_task *task, struct starpu_perfmodel_arch *arch, unsigned nimpl)
{
    (void)nimpl;
    const struct cell *c = ((struct cell_run *)task->cl_arg)->cell;
    const struct variant *v = &c->variant[0];
    for (int i = 1; i < c->nvariants; i++) {
        const struct hsgd_device *d = &c->variant[i].device->info;
        if (d->kind == kind_of(arch) && (d->kind == HSGD_CPU || d->index == arch->devices[0].devid)) v = &c->variant[i];
    }
    return c->nvariants > 1 && !cost_is_warm(v) && !v->device->lost ? NAN : cost_us(v);
}

static uint32_t footprint(struct starpu_task *task) { return ((struct cell_run *)task->cl_arg)->cell->footprint; }

static size_t size(struct starpu_task *task, unsigned nimpl)
{
    (void)nimpl;
    return ((struct cell_run *)task->cl_arg)->cell->size;
}

static struct starpu_perfmodel model = {
    .type = STARPU_PER_ARCH, .symbol = "hsgd_cell", .arch_cost_function = predict, .footprint = footprint
};

static struct starpu_codelet codelet = {
    .cpu_funcs = { exec_cpu },
    .cpu_funcs_name = { "exec_cpu" },
#ifdef HSGD_USE_OPENCL
    .opencl_funcs = { exec_opencl },
#endif
#ifdef HSGD_USE_CUDA
    .cuda_funcs = { exec_cuda },
    .cuda_flags = { STARPU_CUDA_ASYNC },
#endif
    .nbuffers = STARPU_VARIABLE_NBUFFERS,
    .model = &model,
    .name = "hsgd_cell",
};

/* ----------------------------------------------------------------- tasks */

/* The policy chooses among the device's workers.  Where the policy is our own
 * choice, so is the worker: the one whose cache holds the cell's data. */
static uint32_t *workers_of(const struct cell_run *run)
{
    const struct cell *c = run->cell;
    if (c->affinity < 0 || !run->plan->ctx->chose_policy) return c->device->worker_mask;
    return c->device->one_worker[c->affinity % c->device->info.workers];
}

/* Where the cell's times are recorded; plans that are made and never run need no names. */
static void find_model(struct cell_run *run)
{
    static const struct perfmodel_view view = { footprint, size };
    struct cell *c = run->cell;
    char symbol[PERFMODEL_SYMBOL];
    if (recording_symbol(run->plan, c->kind, symbol)) c->model = perfmodels_find(run->plan->ctx, symbol, &view);
    if (!c->model) return;
    c->stand_in = starpu_task_create();
    c->stand_in->destroy = 0;
    c->stand_in->cl_arg = run;
}

void task_fill(struct starpu_task *task, struct cell_run *run, int slot)
{
    struct cell *c = run->cell;
    if (!c->model && run->plan->ctx->records) find_model(run);
    task->cl = &codelet;
    task->cl_arg = run;
    task->cl_arg_size = sizeof *run;
    task->name = c->name;
    task->nbuffers = run->base ? 0 : c->naccesses;
    task->priority = c->priority;
    task->workerids = c->nvariants > 1 ? run->plan->ctx->worker_mask : workers_of(run);
    task->workerids_len = WORKER_WORDS;
    if (run->base) return;
    if (c->naccesses > STARPU_NMAXBUFS) {
        task->dyn_handles = malloc((size_t)c->naccesses * sizeof *task->dyn_handles);
        task->dyn_modes = malloc((size_t)c->naccesses * sizeof *task->dyn_modes);
    }
    for (int i = 0; i < c->naccesses; i++) {
        STARPU_TASK_SET_HANDLE(task, plan_buffer(run->plan, c->access[i].buffer, slot)->handle, i);
        STARPU_TASK_SET_MODE(task, c->access[i].mode, i);
    }
}

/* ----------------------------------------------------------- bookkeeping */

static int64_t step_of(const struct cell_run *run)
{
    const struct store *s = run->plan->store;
    return (s ? s->first_step : 0) + run->step;
}

void cell_failed(const struct cell_run *run, struct device *d, bool begun, const char *format, ...)
{
    struct failure what = { .err = EIO, .device = d, .run = run, .step = run->step, .begun = begun };
    va_list args;
    va_start(args, format);
    failure_note(run->plan->failure, &what, format, args);
    va_end(args);
}

/* Not every policy keeps to a task's workers. */
static void misplaced(const struct cell_run *run, const struct device *where)
{
    cell_failed(run, NULL, false,
                "the scheduling policy ran a cell of %s on %s, where it may not run; eager, lws and "
                "dmdas never do",
                run->cell->device->info.id, where ? where->info.id : "another device");
}

struct variant *cell_begin(struct cell_run *run, uint64_t *began)
{
    struct hsgd_context *ctx = run->plan->ctx;
    struct cell *c = run->cell;
    if (atomic_load(&run->plan->failure->err)) return NULL;
    const struct device *here = context_worker_device(ctx);
    struct variant *v = cell_variant(c, here);
    if (!v) {
        misplaced(run, here);
        return NULL;
    }
    if (inject_failure(v->device, step_of(run))) {
        cell_failed(run, v->device, false, "%s: the device failed, as HSGD_FAIL says", v->device->info.id);
        return NULL;
    }
    if (v->device->lost) {
        cell_failed(run, v->device, false, "%s: the device has failed", v->device->info.id);
        return NULL;
    }
    if (c->updates) atomic_store(&run->plan->touched, run->step);
    *began = monotonic_ns();
    return v;
}

void cell_measured(struct cell_run *run, struct variant *v, int step, uint64_t began, uint64_t took)
{
    struct cell *c = run->cell;
    const struct store *s = run->plan->store;
    atomic_fetch_add(&c->runs, 1);
    atomic_fetch_add(&c->busy_ns, took);
    if (c->model && cost_is_warm(v)) perfmodels_record(c->model, c->stand_in, v->device, 1e-3 * (double)took);
    cost_measured(v, took);
    if (s && s->is_trial) return; /* a trial is not work done */
    atomic_fetch_add(&v->device->busy_ns, took);
    atomic_fetch_add(&v->device->tasks, 1);
    if (run->plan->ctx->trace) trace_cell(run->plan->ctx->trace, run->plan, c, v->device, step, began, began + took);
    if (run->plan->mode == PLAN_TRAIN) atomic_fetch_add(&v->device->samples, (unsigned)c->rows);
}

void cell_end(struct cell_run *run, struct variant *v, uint64_t began)
{
    if (v->device->nslow) inject_slowness(v->device, run->cell->rows, step_of(run), began);
    cell_measured(run, v, run->step, began, monotonic_ns() - began);
}
