/* SPDX-License-Identifier: BSD-3-Clause */
/* Replicas: each trains on batches of its own, for algorithms with a server. */
#ifndef HSGD_RUNTIME_TRAIN_REPLICA_H
#define HSGD_RUNTIME_TRAIN_REPLICA_H

#include "exec/run.h"
#include "server.h"
#include "trainer.h"

/* What a replica does between two merges. */
struct round {
    int64_t first; /* sample of the run */
    int batch, steps;
    double share; /* of what it hands in */
    bool pulls;
};

/* Where a run of the engine begins: sample 0 of it. */
struct origin {
    int64_t step, samples, epoch;
};

struct replica {
    struct hsgd_trainer *trainer;
    struct device *device;
    int worker; /* of the device, on which its steps run */
    struct trainer_state state;
    struct exchange exchange;
    struct failure failure;
    bool shares;      /* it writes the server's parameters: no exchange */
    bool begun;       /* it has parameters */
    bool gone;        /* its device has failed */
    int batch;        /* samples of an update */
    int batch_before; /* the last change, */
    int64_t changed;  /* and updates until then */
    int64_t updates, samples;
    int64_t before;                /* updates that its optimizer's state began with */
    double rate;                   /* of the last update */
    int64_t merges, stale, missed; /* as in struct hsgd_replica */
    int max_missed;
    struct round round;
    bool flying; /* in a round, */
    int after;   /* and others may hand in so often before it does */
};

int replica_open(struct replica *r, struct hsgd_trainer *t, struct device *d, int worker, bool shares);
void replica_close(struct replica *r);

/* Its plan for a step of `batch` samples, made now where it is not there; NULL
 * on an error.  The lock guards making plans. */
struct plan *replica_plan(struct replica *r, int batch, bool pulls, bool pushes, pthread_mutex_t *lock);

/* Runs its round, from what `from` says on; fills from `source`, whose user is
 * the replica.  *merged: how many of its steps the server has afterwards, also
 * where something failed on the way.  plan_lock guards making plans.  An error
 * is the end of the training, unless it is the failure of one device that has
 * left the server's parameters whole: then `failure` names the device. */
int replica_run(struct replica *r, const struct origin *from, const struct batch_source *source,
                pthread_mutex_t *plan_lock, int *merged);

/* After a round: adds to a histogram, and to the replica's figures, what the merges of these
 * steps had missed.  Returns how many merges there were. */
int replica_staleness(struct replica *r, int steps, int64_t stale[HSGD_KEPT_STALENESS]);

#endif
