/* SPDX-License-Identifier: BSD-3-Clause */
/* The work of a slice: its operations forward and backward, in one arena. */
#ifndef HSGD_RUNTIME_EMIT_SLICE_H
#define HSGD_RUNTIME_EMIT_SLICE_H

#include "slice_places.h"

/* Appends a segment of the slice's work to the program, after merging what all
 * slices returned in the one before.  Returns the floats of the arena that it
 * takes. */
int64_t emit_segment(struct plan *p, const struct slice *s, int segment, const struct slice_places *at,
                     struct hsgd_program *program);

/* Appends to out how many terms each loss has of which only targets tell
 * (losses_counted()), from the slice's part of the batch, perhaps by operations.
 * Returns the floats of scratch that it takes. */
int64_t emit_terms(struct plan *p, const struct slice *s, const struct slice_places *at, struct hsgd_ref out,
                   struct hsgd_ref scratch, struct hsgd_program *program);
/* Where a slice keeps these numbers for the whole batch. */
struct hsgd_ref terms_place(const struct plan *p, struct hsgd_ref partial);

/* Appends what runs once per step, or part of it, from what a slice has merged. */
void emit_once(struct plan *p, const struct slice *s, const struct slice_places *at, struct hsgd_program *program);
/* Whether anything does. */
bool plan_has_once(const struct plan *p);

/* Some rows of a deferred weight, within a shard. */
struct weight_rows {
    int node, row, rows;
    int64_t offset, floats; /* in the shard */
};

/* Walks over the deferred weights of a shard in pieces of at most about
 * `tile` floats; start with a zeroed struct; false at the end. */
bool next_weight_rows(const struct plan *p, int shard, int64_t tile, struct weight_rows *r);

/* Floats of the gradients that backward makes, from the bucket's beginning on. */
int64_t backward_floats(const struct tape *t);

/* Appends the gradient of these rows, from the slice's arena or, where backward
 * has made it, from its partial, written (or added) to out.  Returns the floats of scratch that it takes. */
int64_t emit_weight_rows(struct plan *p, const struct slice *s, const struct slice_places *at,
                         const struct weight_rows *r, struct hsgd_ref out, struct hsgd_ref scratch, bool accumulate,
                         struct hsgd_program *program);

#endif
