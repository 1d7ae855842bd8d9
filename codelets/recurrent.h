/* SPDX-License-Identifier: BSD-3-Clause */
/* Recurrent networks: what their descriptors and their work share. */
#ifndef HSGD_CODELETS_RECURRENT_H
#define HSGD_CODELETS_RECURRENT_H

#include "kernels.h"

/* A kind of network; vectors are of `hidden` floats. */
struct cell {
    const char *states;                    /* names, for an error message */
    int gates;                             /* vectors of rows in a weight */
    int kept;                              /* vectors that backward needs of a position's gates */
    int nstates;                           /* vectors that go from step to step: h, of LSTM also c */
    const struct hsgd_kernel *step, *back; /* forward and backward */
    struct hsgd_rnn (*of)(const void *);   /* its attributes */
};

/* The parameters of each direction of each layer, in this order; without biases the first two. */
enum { W_IH, W_HH, B_IH, B_HH };

static inline int directions_of(const struct hsgd_rnn *a) { return a->bidirectional ? 2 : 1; }

/* The input with lengths is the only one of integers. */
static inline bool has_lengths(const struct hsgd_node *n) { return n->inputs > 1 && n->in[1].dtype == HSGD_I32; }

/* Index of the first initial state among the inputs; 0: there are none. */
static inline int first_state(const struct hsgd_node *n)
{
    int first = has_lengths(n) ? 2 : 1;
    return n->inputs > first ? first : 0;
}

/* Vectors of a position that are kept: gates and states before the step of each direction, ... */
static inline int kept_of_direction(const struct cell *cell) { return cell->kept + cell->nstates; }
/* ... and what each layer but the last gives to the next, before and after dropout. */
static inline int kept_of_layer(const struct hsgd_rnn *a) { return directions_of(a) * (a->dropout > 0 ? 2 : 1); }

void recurrent_forward(struct hsgd_emit *e, const struct cell *cell);
void recurrent_backward(struct hsgd_emit *e, const struct cell *cell);

#endif
