/* SPDX-License-Identifier: BSD-3-Clause */
/* Traces: which cell ran when, and where. */
#ifndef HSGD_TRACE_H
#define HSGD_TRACE_H

#include <hsgd/context.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Which steps a trace keeps; steps are numbered from 0 as the trainer counts
 * them.  0 is the default of every field. */
struct hsgd_trace_options {
    size_t size;           /* of this struct */
    int64_t capacity;      /* cells kept at most, 1 to 2^24; their memory is taken at once */
    int64_t first;         /* steps 0 to first - 1 are kept, */
    int64_t every, few;    /* and of every `every` steps the first `few`; every 0: no others */
};

/* The defaults.  -EINVAL: o is NULL, or its size is wrong. */
HSGD_API int hsgd_trace_defaults(struct hsgd_trace_options *o, size_t size);

/* One run of a cell. */
struct hsgd_trace_event {
    size_t size;           /* of this struct */
    const char *kind;      /* "slice", "gradient", "merge", "update", "step" */
    bool training;         /* false: it evaluates */
    int device;            /* for hsgd_device_get() */
    int worker;            /* of that device, from 0 */
    int64_t step;          /* an evaluation counts from the step it comes after */
    int batch, cell, rows; /* the plan, as the batch size it is for; cell and rows as in struct hsgd_plan_cell */
    double begin, end;     /* seconds since hsgd_trace_start() */
};

/* Starts recording the cells that run through this context; what an earlier
 * trace holds is dropped.  Recording takes no lock and allocates nothing;
 * without a trace a cell pays one test.  Trials of plans are not recorded.
 * Errors: -EINVAL naming the field and value, -ENOMEM. */
HSGD_API int hsgd_trace_start(struct hsgd_context *ctx, const struct hsgd_trace_options *options);
/* Ends recording and drops what was kept.  Harmless without a trace. */
HSGD_API void hsgd_trace_stop(struct hsgd_context *ctx);

/* How many cells are kept; *dropped (if not NULL): how many found no room. */
HSGD_API int64_t hsgd_trace_count(const struct hsgd_context *ctx, int64_t *dropped);
/* Fills *event with number i, in the order in which the cells ended; -EINVAL
 * when out of range. */
HSGD_API int hsgd_trace_get(const struct hsgd_context *ctx, int64_t i, struct hsgd_trace_event *event, size_t size);

/* Writes what is kept in Chrome's trace event format, which Perfetto and
 * chrome://tracing show: a process per device, a thread per worker, times in
 * microseconds.  Written to a temporary name and renamed.
 * Errors: -EINVAL without a trace; those of open(2), write(2), rename(2). */
HSGD_API int hsgd_trace_write(struct hsgd_context *ctx, const char *path);

#ifdef __cplusplus
}
#endif
#endif
