/* SPDX-License-Identifier: BSD-3-Clause */
/* Building plans: the work of a step as a list of jobs, from which cells are
 * made.  doc/architecture.md has the order of things. */
#ifndef HSGD_RUNTIME_PLAN_BUILD_H
#define HSGD_RUNTIME_PLAN_BUILD_H

#include "emit_slice.h"
#include "plan.h"

/* Where the store's buffers and the updater's stand in every plan, in this order. */
enum { FIXED_STEP, FIXED_METRICS, FIXED_PARAM, FIXED_OPTIMIZER = FIXED_PARAM + MAX_SHARDS };

struct builder;
struct job;

/* What the jobs of a type do to the buffers of their cell, and their launches
 * on the device of e. */
struct job_type {
    const char *name;
    void (*access)(struct builder *b, const struct job *j, struct cell *c);
    void (*emit)(struct builder *b, const struct job *j, struct hsgd_emit *e);
    bool of_shard; /* the index of a job is that of a shard; else of a slice, if it has one */
};

/* A piece of a step's work; in order.  Its cell takes kind, device, priority
 * and affinity from its first job. */
struct job {
    const struct job_type *type;
    enum cell_kind kind;
    struct device *device;
    int priority, affinity;
    bool joins;            /* the cell of the job before */
    int index, segment;    /* of the slice or the shard that it is about */
    struct hsgd_ref place; /* of what it makes, or reads beside that; buffer -1: none */
    struct hsgd_ref scratch;
    void *user; /* of jobs that hooks add */
};

/* Where the gradient of a shard comes to lie. */
struct shard_gradient {
    int parts; /* to be summed, */
    struct hsgd_ref part[MAX_ACCESSES];
    struct hsgd_ref merged; /* and their sum; buffer -1: not made */
    struct hsgd_ref norms;  /* sums of squares of its weights, where updates need them */
};

/* How the gradient of deferred weights is made. */
enum deferral {
    IN_BACKWARD, /* as any other, into the slice's partial */
    BY_ROWS,     /* after the slices, from what they left on each device */
    BY_ROWS_USED /* so, a few rows at a time, each used by the update while it is in the cache */
};

/* The first error stays; what follows does nothing that matters. */
struct builder {
    struct plan *plan;
    enum deferral deferral;
    int njobs, capacity, error;
    struct job *job, none;
    struct shard_gradient shard[MAX_SHARDS];
};

/* Cells, programs and sizes of a plan whose slices are there; then its buffers. */
int plan_describe(struct plan *p, const struct plan_hooks *hooks);
int plan_make_buffers(struct plan *p);

/* ------------------------------------------- buffers; they return a number */

/* One that is not the plan's; where the plan has it already, that. */
int foreign_buffer(struct builder *b, struct buffer *buffer);
/* One that lives with the plan, near the device that works on it; made when
 * all sizes are known.  read_back: the host reads it, which StarPU refuses of
 * what has no home and was written without implicit dependencies. */
int new_buffer(struct builder *b, const char *name, int64_t floats, const struct device *near, bool read_back);
/* It holds at least so many floats from a place on. */
void grow_buffer(struct builder *b, struct hsgd_ref place, int64_t floats);

/* ---------------------------------------------------------- jobs and cells */

/* A job at the end of the list, about nothing yet; to be filled in before the
 * next.  One of CELL_STEP joins another before it. */
struct job *add_job(struct builder *b, const struct job_type *type, enum cell_kind kind, struct device *device);
/* The cell uses a buffer.  What it writes first it does not need from before;
 * else, used in two ways, it is read and written. */
void access_buffer(struct cell *c, int buffer, enum starpu_data_access_mode mode);

/* ------------------------------------------------------------------- steps */

/* The list of a step's jobs. */
void plan_step_jobs(struct builder *b);

/* The types: the numbers of terms of a slice; a segment of it, forward and backward; the gradient of a shard's deferred
 * weights over the slices of a device, all of it, or tile by tile with their
 * update; the sum of a shard's gradients, and of its squares; the sum of losses;
 * the factor that clips; the update of a shard; what runs once
 * per step; adding what a part of a slice returned to that of its first part; sums
 * of squares of a shard's weights, and the change that needs them; the moving average
 * of a shard. */
extern const struct job_type terms_job, slice_job, rows_job, tiles_job, merge_job, metrics_job, factor_job, update_job,
    once_job, part_job, norms_job, change_job, ema_job;

/* Floats of the sums of squares. */
int64_t norms_floats(const struct plan *p);

/* Floats of a gradient that a device makes before it uses them; a GPU, which
 * wants few and large products, all. */
int64_t tile_floats(const struct device *d);
/* Of a shard, that an update works on: but for what tiles do. */
int64_t update_floats(const struct builder *b, int shard);
void access_parts(struct cell *c, const struct shard_gradient *g);

/* Some rows of a deferred weight, over the slices of the job's device. */
void rows_access(struct builder *b, const struct job *j, struct cell *c);
void emit_rows(struct builder *b, const struct job *j, const struct weight_rows *r, struct hsgd_ref out,
               struct hsgd_emit *e);

/* The weight at a place in the bucket, where it begins, and where the next does. */
struct bucket_range {
    const struct hsgd_param_spec *spec; /* NULL: none */
    int64_t begin, next;
    int index; /* of the weight in the model */
    struct treatment treatment;
};
struct bucket_range bucket_range(const struct plan *p, int64_t at);
/* Whether updates change it. */
static inline bool trains(struct bucket_range r) { return r.treatment.rate > 0; }

#endif
