/* The work of a slice: its operations forward and backward, in one arena. */
#ifndef HSGD_RUNTIME_EMIT_SLICE_H
#define HSGD_RUNTIME_EMIT_SLICE_H

#include "plan.h"

/* Where a slice finds its data; param is the buffer of shard 0. */
struct slice_places {
    struct hsgd_ref input, arena, partial, step;
    int param;
};

/* Appends the slice's work to the program; all_gradients: also those of
 * deferred weights, into partial.  Returns the arena's size in floats. */
int64_t emit_slice(struct plan *p, const struct slice *s, const struct slice_places *at, bool all_gradients,
                   struct hsgd_program *program);
int64_t slice_arena_floats(struct plan *p, const struct slice *s);

/* Appends the gradients of a deferred shard from the slice's arena, written
 * (or added) to out; scratch lies behind the gradient. */
void emit_deferred(struct plan *p, const struct slice *s, const struct slice_places *at, int shard,
                   struct hsgd_ref out, bool accumulate, struct hsgd_program *program);
int64_t deferred_scratch(struct plan *p, int shard, enum hsgd_device_kind kind);

#endif
