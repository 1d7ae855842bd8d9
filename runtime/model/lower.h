/* SPDX-License-Identifier: BSD-3-Clause */
/* A model's graph as plans see it: every value in the layouts that its readers
 * need, and for each node what the nodes around it mean for its backward. */
#ifndef HSGD_RUNTIME_LOWER_H
#define HSGD_RUNTIME_LOWER_H

#include "model.h"

/* A tensor in one layout. */
struct low_value {
    int64_t floats; /* of a sample, rounded up */
    enum hsgd_dtype dtype;
    enum hsgd_layout layout;
    int node, output;    /* what makes it; node -1: it is a field of the batch, */
    int field;           /* of this number; behind the model's: gradients of results, and values that are given */
    int root;            /* the value in whose place it lies: itself, or what it is a view of */
    int readers;         /* inputs of nodes that it is */
    bool wants_gradient; /* a parameter that trains, or a value by which a gradient is wanted, lies before it */
    bool needed;         /* for the results, where only these are wanted */
};

struct low_node {
    const struct node *of; /* NULL: a change of layout */
    const struct hsgd_op *op;
    struct hsgd_node info;
    int in[HSGD_MAX_INPUTS], out[HSGD_MAX_OUTPUTS]; /* values */
    int block;                                      /* that is recomputed, which the node is in; 0: none */
    bool trains;                                    /* it has backward work, where its outputs have gradients */
    bool skipped;                                   /* nothing that is wanted depends on it */
    bool deferred;                                  /* set by the tape: later cells make the gradient of parameter 0 */
};

struct lowered {
    const struct hsgd_model *model;
    int nnodes, nvalues;
    struct low_node *node; /* in the order in which they run */
    struct low_value *value;
    int loss;                          /* node */
    int nresults, result[MAX_RESULTS]; /* values that are wanted, plain, */
    int nby, by[MAX_RESULTS];          /* and those by which their gradients are */
    unsigned fields;                   /* bit i: field i of the batch is read */
};

/* Values of a model that are wanted, and those by which their gradients are. */
struct wanted {
    int nresults;
    const int *result;
    int nby;
    const int *by;
    int ngiven; /* made by nodes with one output; the batch brings them in their place */
    const int *given;
};

/* What a batch brings behind the model's fields: gradients of the results, then values that are given. */
static inline int wanted_seeds(const struct wanted *w) { return w->nby ? w->nresults : 0; }

/* For training and evaluation (w NULL), or for what is wanted and nothing that it
 * does not depend on.  Out of memory: false. */
bool lower(struct lowered *l, const struct hsgd_model *model, const struct wanted *w);
void lower_free(struct lowered *l);

/* Numbers the model's nodes, changes of layout counted, and sets its block:
 * the numbers are keys of initial weights and of dropout, so that a seed gives
 * the same model whatever reads it.  0 or -ENOMEM. */
int lower_number(struct hsgd_model *model);

#endif
