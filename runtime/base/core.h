/* SPDX-License-Identifier: BSD-3-Clause */
/* The context's inside: devices, StarPU, errors.  Only files that own
 * handles, tasks and launching include <starpu.h> through this header. */
#ifndef HSGD_RUNTIME_CORE_H
#define HSGD_RUNTIME_CORE_H

#include "config.h"

#include <pthread.h>
#include <starpu.h>
#include <stdatomic.h>

#include <hsgd/hsgd.h>

#include "error.h"

#define MAX_DEVICES 32
#define MAX_SLOWNESS 4
#define MAX_KEPT 4
#define MAX_WORKERS STARPU_NMAXWORKERS
#define WORKER_WORDS ((MAX_WORKERS + 31) / 32)

struct cuda_device;
struct cell_run;
struct opencl_device;
struct cost_entry;
struct trace;

/* From a step on a device pretends to be slower by a factor, or to take at
 * least so many microseconds for a row. */
struct slowness {
    double factor, row_us;
    int64_t from, every; /* every > 0: in every other so many steps only */
};

/* One device in use: one StarPU memory node and the workers on it. */
struct device {
    struct hsgd_device info; /* counters excepted */
    unsigned node;
    int units;     /* work-groups it runs at once; 1 on the CPU */
    int products;  /* on the CPU: which library computes matrix products, see product_choice.c */
    bool one_item; /* groups of one item: an OpenCL device that is a CPU */
    int worker[MAX_WORKERS];
    uint32_t worker_mask[WORKER_WORDS];   /* for starpu_task.workerids */
    uint32_t (*one_worker)[WORKER_WORDS]; /* the same for each worker alone */
    struct opencl_device *opencl;
    char platform[100]; /* of an OpenCL device */
    int nslow;          /* HSGD_SLOW; ascending steps */
    struct slowness slow[MAX_SLOWNESS];
    bool fails; /* HSGD_FAIL, from a step on */
    int64_t fails_from;
    atomic_bool lost; /* it has failed: nothing runs there any more */
    struct cuda_device *cuda;
    atomic_ullong tasks, samples, busy_ns;
    atomic_ullong captures, graph_launches; /* CUDA graphs */
    atomic_llong bytes, peak_bytes;         /* of buffers there, see buffer_count() */
};

/* The first failure of work that is under way.  The context has one; a
 * replica has its own, so that others can go on. */
struct failure {
    pthread_mutex_t lock;
    atomic_int err; /* an errno; 0: none */
    char sentence[256];
    struct device *device;      /* where; NULL: not one device's fault */
    const struct cell_run *run; /* the cell's; NULL: no cell's fault */
    int step;                   /* its row in the step table */
    bool begun;                 /* the cell had begun to write */
};

struct hsgd_context {
    char error[1024];
    unsigned generation; /* of the process that created it, counted by fork() */
    hsgd_log_fn *log;
    void *log_user;
    bool deterministic, tf32, spare_opencl, owns_starpu;
    bool named;                         /* the user named the devices */
    bool joined;                        /* another context of ours started StarPU */
    bool chose_policy;                  /* the scheduling policy is our choice, not the user's */
    bool cuda_graphs;                   /* HSGD_CUDA_GRAPHS: cells are captured on CUDA devices */
    bool starpu_places;                 /* HSGD_PLACEMENT=starpu: StarPU chooses each cell's device */
    bool records;                       /* times of cells go into StarPU's files */
    uint32_t worker_mask[WORKER_WORDS]; /* all our devices' workers */
    int ndevices;
    struct device device[MAX_DEVICES];
    struct cost_entry *costs;
    struct trace *trace;                                   /* NULL: nothing is recorded */
    int nkept;                                             /* what modules keep in the context, */
    void (*free_kept[MAX_KEPT])(struct hsgd_context *ctx); /* freed with it */
    atomic_bool runs;                                      /* it has begun to compute */
    atomic_int active;                                     /* nesting of context_begin() */
    struct failure failure;
    pthread_mutex_t error_lock; /* of error: replicas may fail at the same time */
};

/* Whether this is a child of fork() of the process that created the context:
 * the threads of StarPU are not there. */
bool context_is_orphan(const struct hsgd_context *ctx);
/* How many times fork() has led to this process. */
unsigned context_generation(void);

/* What a module keeps in the context is freed with it; asked for twice, once. */
void context_keep(struct hsgd_context *ctx, void (*free_it)(struct hsgd_context *ctx));

/* Wakes and rests the workers of a StarPU that is ours; nests. */
void context_begin(struct hsgd_context *ctx);
void context_end(struct hsgd_context *ctx);

void failure_open(struct failure *f);
void failure_close(struct failure *f);
/* Notes a failure, unless there was one before; safe from any thread. */
void failure_note(struct failure *f, const struct failure *what, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));
/* 0, or the failure, whose sentence is then the context's; from now on there
 * is none, but what else is known of it stays. */
int failure_take(struct hsgd_context *ctx, struct failure *f);

/* The device of the calling worker; NULL outside workers. */
struct device *context_worker_device(struct hsgd_context *ctx);

static inline uint64_t monotonic_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

#endif
