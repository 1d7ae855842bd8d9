/* SPDX-License-Identifier: BSD-3-Clause */
/* Building plans: shared by plan.c, plan_step.c (one slice) and plan_grid.c
 * (several). */
#ifndef HSGD_RUNTIME_PLAN_BUILD_H
#define HSGD_RUNTIME_PLAN_BUILD_H

#include "emit_slice.h"
#include "plan.h"

/* Where the trainer's buffers stand in every plan, in this order. */
enum { FIXED_STEP, FIXED_METRICS, FIXED_PARAM, FIXED_OPTIMIZER = FIXED_PARAM + MAX_SHARDS };

#define TILE_FLOATS (32 * 1024) /* measured: larger tiles leave the cache */
/* Floats of a gradient that a device makes before it uses them; a GPU all. */
static inline int64_t tile_floats(const struct device *d)
{
    return d->info.kind == HSGD_CUDA ? INT64_C(1) << 40 : TILE_FLOATS;
}

/* A buffer of the trainer's (not owned) or of the plan's; its number. */
int add_buffer(struct plan *p, struct buffer *b, bool owned);
/* The number of a buffer that is not the plan's, added where it is new. */
int foreign_buffer(struct plan *p, struct buffer *b);
/* A buffer that lives with the plan, near the device that works on it.  After
 * the first pass: the one made then.  read_back: the host reads it, which
 * StarPU refuses of what has no home and was written without implicit
 * dependencies. */
int new_buffer(struct plan *p, const char *name, int64_t floats, const struct device *near, bool read_back);
/* The next cell, without accesses. */
struct cell *new_cell(struct plan *p, enum cell_kind kind, struct device *device, int priority);
/* The cell uses a buffer; used in two ways it is read and written. */
void access_buffer(struct cell *c, int buffer, enum starpu_data_access_mode mode);
/* The trainer's buffers, FIXED_STEP and on. */
int add_fixed(struct plan *p);
/* Whether slices leave deferred weights to gradient cells. */
bool defers(const struct plan *p);
/* One slice, not on a GPU, and no clipping: the gradient of a few rows of a
 * deferred weight at a time, each used up by the update while it is in the
 * cache.  A GPU wants few and large products, and one pass over all parameters. */
bool tiled(const struct plan *p);
/* All slices on one device. */
bool single_node(const struct plan *p);
/* Updates are done where the parameters live: on the CPU when it takes part. */
struct device *home_device(const struct plan *p);
/* What a slice returns: sums, and gradients unless they are deferred. */
int64_t partial_floats(const struct plan *p, const struct slice *s);
/* Where kernels of the cell are described, for device d or the one whose turn it is. */
void begin_emit(const struct plan *p, struct hsgd_emit *e, struct cell *c, struct device *d);
/* Forward and backward of a slice. */
void slice_program(struct plan *p, struct cell *c, struct slice *s);
/* Sums `n` parts of `floats` into `out`. */
void emit_sum(struct hsgd_emit *e, int n, const struct hsgd_ref *part, struct hsgd_ref out, int64_t floats);
/* The step's losses, summed over the slices. */
void emit_metrics(struct plan *p, struct cell *c, struct hsgd_emit *e);
/* What the update of a shard reads and writes. */
void access_update(struct plan *p, struct cell *c, int shard);
/* Updates a whole shard. */
void emit_shard_update(struct plan *p, struct cell *c, struct hsgd_emit *e, int shard, int parts,
                       const struct hsgd_ref part[3], bool clipped);
/* out[0] = the sum of squares of the bucket floats [first, first + floats);
 * SQUARE_PARTS behind it are lost. */
void emit_square_sum(struct plan *p, struct hsgd_emit *e, int64_t first, int64_t floats, struct hsgd_ref gradient,
                     struct hsgd_ref out);
/* All deferred rows of a shard: the whole gradient to `out`, or tile by tile
 * to the same place, each followed by its update. */
void emit_shard_rows(struct plan *p, struct cell *c, struct device *d, int shard, struct hsgd_ref out, int64_t tile,
                     struct hsgd_ref scratch, bool update);
/* A buffer for tiles, and what they need behind it. */
int tile_buffer(struct plan *p, int shard, const struct device *d, struct hsgd_ref *out, struct hsgd_ref *scratch);
/* Updates `floats` parameters from `offset` of a shard. */
void emit_update(struct plan *p, struct hsgd_emit *e, int shard, int64_t offset, int64_t floats, int parts,
                 const struct hsgd_ref part[3], bool clipped);

/* The cells of a plan with one slice, and with several. */
int plan_step_cells(struct plan *p, const struct plan_hooks *hooks);
int plan_grid_cells(struct plan *p);

#endif
