/* SPDX-License-Identifier: BSD-3-Clause */
/* Operations that move values: each of y is one of x, or a constant. */
#ifndef HSGD_REFERENCE_MOVES_H
#define HSGD_REFERENCE_MOVES_H

#include "check.h"

/* of: for each value of a sample of y that of x which it is; -1: the constant. */
struct moves {
    struct hsgd_type in, out;
    int64_t *of;
    double constant;
};

/* A random type of rank 1 to `max`, of at most some thousand values. */
struct hsgd_type check_moves_type(int turn, int max);
/* Sets m->of from a function of the indices of y to those of x; -1 in the first: the constant. */
void check_moves_fill(struct moves *m, void (*from)(const void *user, const int *y, int *x), const void *user);
/* Runs the operation on random values of that type, in both layouts if it takes them, over one or more slices, and
 * frees m->of.  inputs 2: the second is of type y. */
void check_moves(const struct hsgd_op *op, const void *attributes, struct moves *m, int inputs, int turn);
/* An axis as attributes have it: from 1, or from -1 backwards. */
int check_axis(int turn, int axis, int rank);

#endif
