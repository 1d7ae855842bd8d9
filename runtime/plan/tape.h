/* SPDX-License-Identifier: BSD-3-Clause */
/* The tape: the work of a slice as one ordered list, and where what it makes
 * lies meanwhile.  Nothing here depends on the number of samples, but for
 * places, which grow with it. */
#ifndef HSGD_RUNTIME_TAPE_H
#define HSGD_RUNTIME_TAPE_H

#include "model/lower.h"

enum work_kind {
    WORK_FORWARD,
    WORK_LOSS, /* sums of a loss or metric; of what is minimised in training also the gradient of its input */
    WORK_BACKWARD,
    WORK_AGAIN,  /* forward once more, in a block that is recomputed */
    WORK_UNUSED, /* no loss depends on the node: the gradients of its parameters are 0 */
    WORK_ADD,    /* slot `from` is added to slot `to` */
    WORK_COPY,   /* slot `from` to slot `to` */
    WORK_ZERO,   /* slot `to` */
    WORK_SEED    /* the gradient of a result, which the batch brings, to slot `to`; `seed`: its number */
};

enum { ABSENT = -1 };

/* Where values lie: as forward made them, and as backward finds them. */
enum turn { FIRST, AGAIN };

/* Slots of the arena. */
struct work {
    enum work_kind kind;
    int node, phase, segment;
    unsigned adds;          /* as in struct hsgd_emit */
    param_set wants_weight; /* bit i: the gradient of parameter i is made, */
    param_set adds_weight;  /* bit i: and added to that of another node's work before it */
    int dy[HSGD_MAX_OUTPUTS], dx[HSGD_MAX_INPUTS];
    int from, to, seed;
};

/* What a phase of a node returns, in a segment; floats 0: nothing that is merged. */
struct sum_place {
    int segment;
    int64_t floats, offset; /* among all sums of a slice */
};

/* A place in the arena, needed from work `birth` to work `death`. */
struct slot {
    int64_t floats; /* per sample */
    int birth, death;
    int64_t offset; /* floats per sample */
};

struct tape {
    struct lowered low;
    int n, capacity;
    struct work *work;
    int nslots, slot_capacity;
    struct slot *slot;
    int *value[2];                            /* slot of each value, of each turn; absent: it lies in the batch */
    int *kept[2];                             /* slot of what each node keeps; absent: nothing */
    struct sum_place (*sums)[2][HSGD_PHASES]; /* of each node, forward and backward */
    int segments;                             /* between them the sums of all slices are merged */
    int64_t *sums_begin;                      /* of each segment, and the end of the last */
    int *dy;                                  /* slot of the gradient that each node leaves to later cells; -1: none */
    bool defers;                              /* some node does */
    int by[MAX_RESULTS];                      /* slot of the gradient by each value by which it is wanted; absent: 0 */
    bool lanes;                               /* some value has the layout of lanes, which stores sixteen samples */
    int64_t floats;                           /* of the arena, per sample */
};

/* Which values a work reads and writes. */
static inline enum turn work_turn(const struct work *w)
{
    return w->kind == WORK_BACKWARD || w->kind == WORK_AGAIN ? AGAIN : FIRST;
}

/* What a tape is for. */
struct tape_spec {
    bool gradients;              /* training; else looking, */
    const struct wanted *wanted; /* at these values of the model; NULL: at losses */
    int defer_rows; /* gradients of large weights may be left to later cells, of slices of at most so many rows; 0: not */
};

/* False: out of memory. */
bool tape_make(struct tape *t, const struct hsgd_model *model, const struct tape_spec *spec);
void tape_free(struct tape *t);

/* Floats of a slot, or of the whole arena, for so many samples: with lanes as many as these store. */
static inline int64_t tape_floats(const struct tape *t, int64_t per_sample, int rows)
{
    return (t->lanes ? (rows + 15) / 16 * 16 : rows) * per_sample;
}

#endif
