/* SPDX-License-Identifier: BSD-3-Clause */
/* The store: a model's parameters on devices, and what the steps that read or
 * write them share.  Plans work on a store, whoever has it. */
#ifndef HSGD_RUNTIME_STORE_H
#define HSGD_RUNTIME_STORE_H

#include "device/buffer.h"
#include "model.h"

#define WINDOW_STEPS 128 /* steps between two looks of the host at the step table and the metrics */
#define METRICS 4        /* sum of losses, correct, terms, unused */
#define MAX_SHARDS 17

/* The bucket is cut into shards, one StarPU handle each: shard 0 holds the
 * small parameters (and the deferred ones too when there is no other shard),
 * the others cut the deferred weights by rows. */
struct shard {
    int64_t first, floats;
};

struct store {
    struct hsgd_context *ctx;
    struct hsgd_model *model; /* NULL: it is closed */
    int nshards;
    struct shard shard[MAX_SHARDS];
    struct buffer param[MAX_SHARDS]; /* on the model's bucket, or on own_weights */
    struct buffer step, metrics;     /* a row per step of a window */
    int64_t first_step;              /* number of the first step of the window that runs */
    bool is_trial;                   /* what runs is no work done */
    float *own_weights;              /* NULL: the model's */
};

/* Cuts the model's bucket and registers it: the model is bound to the store
 * until it is closed.  -EBUSY when it is bound to another, -EINVAL when the
 * model is not finished. */
int store_open(struct store *s, struct hsgd_model *model);

/* A store cut like `of`, with parameters of its own (all zero), or with handles
 * of its own on the model's, for who writes them without asking. */
int store_open_copy(struct store *s, const struct store *of, bool shared);

void store_close(struct store *s);

/* Brings all parameters to main memory for the host, and gives them back. */
void store_acquire(struct store *s, bool write);
void store_release(struct store *s);

#endif
