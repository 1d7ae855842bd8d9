/* SPDX-License-Identifier: BSD-3-Clause */
/* Internals of the multi-layer perceptrons, for the check program. */
#ifndef BENCH_FLOOR_MLP_H
#define BENCH_FLOOR_MLP_H

#include "floor_impl.h"
#include "floor_team.h"

enum { MLP_LAYERS = 3 };

struct mlp_layer {
    int in, out;
    /* Weights [in][out], then the bias [out], in the flat parameters. */
    size_t weights, bias;
};

struct mlp {
    struct floor floor;
    int batch;
    struct mlp_layer layer[MLP_LAYERS];
    size_t parameters;
    float *parameter, *m, *v;
    float *bias_gradient[MLP_LAYERS];
    float *activation[MLP_LAYERS + 1];  /* [batch][width]; [0] is the input, the last the logits */
    float *dactivation[MLP_LAYERS + 1]; /* their gradients; [0] is not used */
    int *label;
    struct team *team;
    struct mlp_member *member; /* one per thread */
    struct adam adam;
    float sgd_rate; /* 0: Adam */
    int steps;      /* of the current run */
    double seconds; /* of the last run */
};

#endif
