/* SPDX-License-Identifier: BSD-3-Clause */
/* Recurrent networks in double precision: every sample and step by itself. */
#ifndef HSGD_REFERENCE_RECURRENT_NET_H
#define HSGD_REFERENCE_RECURRENT_NET_H

#include "check.h"

enum net_kind { LSTM, GRU, RNN };
enum { W_IH, W_HH, B_IH, B_HH };
enum { MOST_LAYERS = 8, MOST_PARAMS = 4 * 2 * MOST_LAYERS };

#define NET_TOLERANCE 2e-5 /* of a value, in units of the largest that is added up */

/* What a direction of a layer remembers of all positions: activated gates, and states before the step; and the
 * gradients of W_ih x + b_ih and of W_hh h + b_hh. */
struct past {
    double *gates, *h, *c, *da, *dr;
};

struct net {
    enum net_kind kind;
    int rows, steps, in, hidden, layers, directions, adds;
    bool bias, is_tanh, dropping;
    float dropout;
    const int32_t *length; /* NULL: all steps */
    double *x, *h0, *c0, *w[MOST_PARAMS];
    double *dy, *dh, *dc; /* gradients of the outputs; dh, dc: of the states after the last step */
    double *of[MOST_LAYERS], *into[MOST_LAYERS], *h, *c; /* outputs and inputs of each layer, last states */
    struct past past[MOST_LAYERS][2];
};

struct net_gradients {
    struct approx *x, *h0, *c0, *w[MOST_PARAMS];
};

int net_gates(const struct net *s);        /* of the rows of a weight */
int net_width(const struct net *s, int l); /* of a layer's input */
int net_params(const struct net *s);
int64_t net_param_size(const struct net *s, int i);
/* Makes room for what forward() and backward() compute. */
void net_allocate(struct net *s);
/* Frees all, arguments, too. */
void net_free(struct net *s);

void net_forward(struct net *s);
/* What y and the last states give with dy, dh and dc. */
double net_loss(void *user);
/* After net_forward(); adds to g. */
void net_backward(struct net *s, struct net_gradients *g);

#endif
