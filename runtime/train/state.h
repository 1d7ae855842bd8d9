/* SPDX-License-Identifier: BSD-3-Clause */
/* What a trainer keeps on the devices: a store, the optimizer's state, and
 * plans. */
#ifndef HSGD_RUNTIME_TRAIN_STATE_H
#define HSGD_RUNTIME_TRAIN_STATE_H

#include "plan/plan_cache.h"
#include "model/store.h"
#include "plan/divide.h"
#include "train/algorithm.h"

/* As many as buckets of lengths need in training and evaluation, but for memory. */
#define MAX_PLANS 128
#define MAX_PLAN_BYTES ((int64_t)1 << 30)

/* How the batch of the training is divided over several devices, and the model
 * that says so. */
struct balance {
    int batch; /* 0: it was not measured */
    int rows[MAX_DEVICES];
    struct curve curve[MAX_DEVICES]; /* as measured last */
    double with, without; /* seconds of a step in trials: on several devices, on the fastest; NaN: not tried */
};

/* What devices take for batches of another size that somebody asked for. */
struct asked {
    int batch; /* 0: nobody did */
    struct curve curve[MAX_DEVICES];
};

/* How far devices are from that model now. */
struct drift {
    const struct plan *plan;    /* being watched; NULL: none */
    int steps;                  /* by it */
    int waited, patience;       /* steps that another division would have been better for, and must be */
    double factor[MAX_DEVICES]; /* a device takes so many times as long as modelled */
    double before, after;       /* seconds of a step as divided, and divided anew */
    bool wanted;
    uint64_t probe_after; /* ns; when idle devices are measured again */
    double probe_pause;   /* over what that took */
};

struct trainer_state {
    struct hsgd_context *ctx; /* NULL: it is closed */
    struct store store;
    struct store ema; /* the moving average of its parameters; closed without one */
    struct hsgd_train_options options;
    int block; /* rows that slices are multiples of */
    struct buffer optimizer[MAX_SHARDS];
    struct plan_cache plans;
    struct buffer version[MAX_SHARDS]; /* of the parameters, for replicas; one after the other in memory */
    bool measured;
    int64_t measured_bytes; /* of a sample then */
    struct balance balance;
    struct asked asked;
    int tried_batch; /* of which trials of the division in use measured */
    double tried;    /* this time of a step, in seconds */
    struct drift drift;
    double share[MAX_DEVICES]; /* of each device in the last batch measured */
    int pieces;                /* slices of one size that go with them, where a policy places; 0: none */
};

/* Opens a store on the model, its moving average and the optimizer's state, both all zero; errors as of store_open(). */
int trainer_state_open(struct trainer_state *s, struct hsgd_model *model, const struct hsgd_train_options *o);
void trainer_state_close(struct trainer_state *s);

/* Parameters that a device writes are sent to the others as soon as they are
 * written: to those that train by the plans that are kept, or by this trial
 * (or NULL), and have not failed. */
void trainer_state_send_eagerly(struct trainer_state *s, const struct plan *trial);

/* The same trainer with parameters and state of its own (all zero), to try
 * plans out on. */
int trainer_shadow_open(struct trainer_state *shadow, const struct trainer_state *s);

/* The same with parameters of its own, or shared (store_open_copy()). */
int trainer_replica_open(struct trainer_state *replica, const struct trainer_state *s, bool shared);

/* How its steps change parameters. */
struct updater trainer_state_updater(struct trainer_state *s);
/* A plan whose updates are the trainer's; the hooks, tag and what else a
 * replica's has are in `spec` already. */
struct plan *trainer_state_plan(struct trainer_state *s, struct plan_spec spec);

/* Keeps a plan (plan_cache_keep()). */
struct plan *trainer_state_keep(struct trainer_state *s, struct plan *p);

/* Whether its updates are divided by the size of the gradient. */
bool optimizer_divides(enum hsgd_optimizer o);
/* Floats of optimizer state per parameter. */
int optimizer_state_floats(enum hsgd_optimizer o);
/* What the i-th of them is called. */
const char *optimizer_state_name(enum hsgd_optimizer o, int i);
/* Whether its change needs norms of whole weights: then these three make an update, in this order. */
bool optimizer_needs_norms(enum hsgd_optimizer o);
void optimizer_norms(struct hsgd_emit *e, const void *options, const struct update *update, struct hsgd_ref sums,
                     struct hsgd_ref scratch);
void optimizer_change(struct hsgd_emit *e, const void *options, const struct update *update, struct hsgd_ref sums);
/* Appends an update as the options (struct hsgd_train_options) say. */
void optimizer_emit(struct hsgd_emit *e, const void *options, const struct update *update);

#endif
