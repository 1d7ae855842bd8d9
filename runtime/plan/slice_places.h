/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the work of a slice finds what it reads and writes. */
#ifndef HSGD_RUNTIME_SLICE_PLACES_H
#define HSGD_RUNTIME_SLICE_PLACES_H

#include "plan.h"
#include "tape.h"

/* Where a slice finds its data, and the device that its work is described for;
 * param is the buffer of shard 0. */
struct slice_places {
    struct hsgd_ref input, arena, partial, step;
    int param;
    struct device *device;
};

/* Bytes of the fields of so many samples that the plan reads, each at a multiple of 64;
 * and field f, NULL where it does not. */
int64_t slice_input_bytes(const struct plan *p, int rows);
void *slice_field(const struct plan *p, void *input, int rows, int f);

/* Floats of a step's results before result r, each at a multiple of 64 bytes. */
int64_t slice_result(const struct plan *p, int rows, int r);

/* A slot of the arena; slot -1: absent. */
struct hsgd_ref slice_slot(const struct tape *t, const struct slice_places *at, int rows, int slot);
/* A value as its first computation, or the one before backward, has left it. */
/* Where the batch brings the gradient of a result. */
struct hsgd_ref slice_seed(const struct plan *p, const struct slice_places *at, int rows, int result);
struct hsgd_ref slice_value(const struct plan *p, enum turn turn, const struct slice_places *at, int rows, int value);
/* What the slice returns in a phase. */
struct hsgd_ref slice_sums(const struct plan *p, const struct slice *s, const struct sum_place *sum);

static inline int64_t row_floats(const struct hsgd_param_spec *s) { return s->rank ? spec_size(s) / s->dim[0] : 1; }

/* The pieces of a parameter over the shards, the first of which is buffer first_buffer. */
void weight_pieces(const struct plan *p, const struct node *n, int param, int first_buffer, struct hsgd_weight *w);

/* Fills in what an operation sees of a node, but gradients and what the phase returns. */
void slice_begin_node(struct plan *p, const struct slice *s, const struct slice_places *at, int node, enum turn turn,
                      struct hsgd_program *program, struct hsgd_emit *e);

#endif
