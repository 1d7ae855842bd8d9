/* SPDX-License-Identifier: BSD-3-Clause */
/* Traces: when and where each cell ran. */
#ifndef HSGD_TRACE_H
#define HSGD_TRACE_H

#include <hsgd/context.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Which steps a trace records, numbered from 0 as the trainer counts them.  0 is
 * the default of every field. */
struct hsgd_trace_options {
    size_t size;        /* of this struct */
    int64_t capacity;   /* maximum number of cells, 1 to 2^24; allocated at once */
    int64_t first;      /* steps 0 to first - 1 are recorded, */
    int64_t every, few; /* and the first `few` of every `every` steps; every 0: no others */
};

/* The defaults.  -EINVAL: o is NULL, or its size is wrong. */
HSGD_API int hsgd_trace_defaults(struct hsgd_trace_options *o, size_t size);

/* One run of a cell. */
struct hsgd_trace_event {
    size_t size;           /* of this struct */
    const char *kind;      /* "slice", "gradient", "merge", "update", "step" */
    bool training;         /* false: evaluation */
    int device;            /* for hsgd_device_get() */
    int worker;            /* of that device, from 0 */
    int64_t step;          /* of an evaluation: the step that it follows */
    int batch, cell, rows; /* batch size of the plan; cell and rows as in struct hsgd_plan_cell */
    double begin, end;     /* seconds since hsgd_trace_start() */
};

/* Starts recording the cells of this context; an earlier trace is discarded.
 * Recording takes no lock and allocates nothing; without a trace a cell costs
 * one test.  Trials of plans are not recorded.
 * Errors: -EINVAL naming the field and value, -ENOMEM. */
HSGD_API int hsgd_trace_start(struct hsgd_context *ctx, const struct hsgd_trace_options *options);
/* Stops recording and discards the trace.  No effect without one. */
HSGD_API void hsgd_trace_stop(struct hsgd_context *ctx);

/* Number of recorded cells; *dropped (if not NULL): number beyond the capacity. */
HSGD_API int64_t hsgd_trace_count(const struct hsgd_context *ctx, int64_t *dropped);
/* Fills *event, of `size` bytes, with event i, from 0, in the order in which the
 * cells finished; kind points to a constant.  -EINVAL when i is out of range. */
HSGD_API int hsgd_trace_get(const struct hsgd_context *ctx, int64_t i, struct hsgd_trace_event *event, size_t size);

/* Writes the trace in Chrome's trace event format, for Perfetto and
 * chrome://tracing: a process per device, a thread per worker, times in
 * microseconds.  Written to a temporary name and renamed.
 * Errors: -EINVAL no trace was started; those of open(2), write(2), rename(2). */
HSGD_API int hsgd_trace_write(struct hsgd_context *ctx, const char *path);

#ifdef __cplusplus
}
#endif
#endif
