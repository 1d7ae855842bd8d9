/* SPDX-License-Identifier: BSD-3-Clause */
/* A tape while it is made. */
#ifndef HSGD_RUNTIME_TAPE_MAKER_H
#define HSGD_RUNTIME_TAPE_MAKER_H

#include "tape.h"

struct maker {
    struct tape *t;
    const struct tape_spec *spec;
    int *gradient;   /* slot of each value's gradient; -1: none yet */
    bool *again;     /* nodes that run again before the backward of their block, */
    bool *leaves;    /* and values, by their roots, that are read outside of it or lie in none */
    param_set *made; /* of each node of the model: bits of its own parameters whose gradient was written */
    int *owners;     /* of each slot: values whose gradient lies there and whose maker has not read it yet */
    int owner_capacity;
    int segment;
    int64_t sums; /* floats of all */
    bool failed;
};

/* A new place in the arena; 0 out of memory, which m->failed says. */
int tape_add_slot(struct maker *m, int64_t floats);
/* The next work, in the segment that is made. */
struct work *tape_add_work(struct maker *m, enum work_kind kind, int node);
/* The phases of an operation's forward or backward. */
int tape_phases(const struct hsgd_phase *phase);
/* The phases of a node from one that was added; between two the sums of all
 * slices are merged, which ends a segment. */
void tape_add_phases(struct maker *m, struct work *first, enum hsgd_direction d);

/* A loss that training minimises. */
static inline bool is_minimised(const struct low_node *n) { return n->of && n->of->weight != 0; }

/* Backward from the losses to the weights, or from the results to the values by which
 * their gradients are wanted, once forward is there. */
void tape_add_backward(struct maker *m);

#endif
