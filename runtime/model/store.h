/* SPDX-License-Identifier: BSD-3-Clause */
/* The store: a model's parameters on devices, and what the steps that read or
 * write them share.  Plans work on a store, whoever has it. */
#ifndef HSGD_RUNTIME_STORE_H
#define HSGD_RUNTIME_STORE_H

#include "device/buffer.h"
#include "model.h"

#define WINDOW_STEPS 128 /* steps between two looks of the host at the step table and the metrics */
#define MAX_SHARDS 17

/* The bucket is cut into shards, one StarPU handle each: shard 0 holds the
 * small parameters (and the deferred ones too when there is no other shard),
 * the others cut the deferred weights by rows. */
struct shard {
    int64_t first, floats;
};

/* Parameters on devices, for all stores that read or write them. */
struct parameters {
    int users;    /* stores */
    bool trained; /* by one of them */
    int nshards;
    struct shard shard[MAX_SHARDS];
    struct buffer buffer[MAX_SHARDS]; /* on the model's bucket, or on own_weights */
    float *own_weights;               /* NULL: the model's */
};

struct store {
    struct hsgd_context *ctx;
    struct hsgd_model *model; /* NULL: it is closed */
    struct hsgd_model *sized; /* at the sizes that plans are made for; model: none are open, or none are given yet */
    struct parameters *parameters;
    int nshards; /* of the parameters, as are */
    const struct shard *shard;
    struct buffer *param;
    struct buffer step, metrics; /* a row per step of a window; not there where nobody trains */
    int64_t first_step;          /* number of the first step of the window that runs */
    bool is_trial;               /* what runs is no work done */
    bool trains;                 /* the model's own parameters */
};

enum store_use { STORE_TRAINS, STORE_READS };

/* Cuts the model's bucket and registers it, for the first store on a model; the
 * others share what it registered, until the last is closed.  -EBUSY when
 * another trains the model already, -EINVAL when the model is not finished. */
int store_open(struct store *s, struct hsgd_model *model, enum store_use use);

/* Plans are made for fields of these types from now on; errors as of sizes_model(). */
int store_set_types(struct store *s, const struct hsgd_type *field);

/* Rows for the sums of losses, for who does not train. */
int store_add_metrics(struct store *s);

/* A store cut like `of`, with parameters of its own (all zero), or with handles
 * of its own on the model's, for who writes them without asking. */
int store_open_copy(struct store *s, const struct store *of, bool shared);

/* A store on the parameters of another, for who reads them. */
int store_open_same(struct store *s, const struct store *of);

void store_close(struct store *s);

/* Brings all parameters to main memory for the host, and gives them back. */
void parameters_acquire(struct hsgd_context *ctx, struct parameters *p, bool write);
void parameters_release(struct parameters *p);

#endif
