/* Replicas: each trains on batches of its own, for algorithms with a server. */
#ifndef HSGD_RUNTIME_TRAIN_REPLICA_H
#define HSGD_RUNTIME_TRAIN_REPLICA_H

#include "run.h"
#include "trainer.h"

/* What a replica does between two merges. */
struct round {
    int64_t first;              /* sample of the window */
    int batch, steps;
    double share;               /* of what it hands in */
    bool pulls;
};

struct replica {
    struct hsgd_trainer *trainer;
    struct device *device;
    struct trainer_state state;
    struct exchange exchange;
    bool shares;                /* it writes the server's parameters: no exchange */
    bool begun;                 /* it has parameters */
    int batch, least, most;     /* samples of an update; what they may become */
    int64_t updates, samples, changed; /* changed: updates when the batch was */
    double rate;                /* of the last update */
    struct round round;
    bool flying;                /* in a round, */
    int after;                  /* and others may hand in so often before it does */
};

int replica_open(struct replica *r, struct hsgd_trainer *t, struct device *d, int worker, bool shares);
void replica_close(struct replica *r);

/* Runs its round; fills from `source`, whose user is the replica.  plan_lock
 * guards making plans. */
int replica_run(struct replica *r, const struct batch_source *source, pthread_mutex_t *plan_lock);

/* After a round: metrics of its steps; missed merges per shard into stale. */
void replica_metrics(struct replica *r, struct batch_metrics *m);
/* Adds to a histogram what the round's merges had missed; returns how many
 * merges there were. */
int replica_staleness(struct replica *r, int64_t *stale);

#endif
