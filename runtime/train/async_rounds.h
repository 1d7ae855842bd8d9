/* The engine's inside, and its rules: who may take which samples, and when. */
#ifndef HSGD_RUNTIME_TRAIN_ASYNC_ROUNDS_H
#define HSGD_RUNTIME_TRAIN_ASYNC_ROUNDS_H

#include "replica.h"

#define ALPHA 2         /* adaptive: batches change by this factor */

struct async {
    struct hsgd_trainer *t;
    const struct algorithm *row;
    int n, staleness;
    struct replica *replica;
    /* the window */
    const struct batch_source *source;
    struct batch_metrics *metrics;
    int window_batch;
    int64_t next, end;          /* samples that nobody has taken */
    int waiting, turn;          /* averages: who has come, and how often all had */
    int err;
    pthread_mutex_t lock, fill_lock, plan_lock;
    pthread_cond_t changed;
    int64_t pushes, merges, stale[HSGD_KEPT_STALENESS];
};

/* Waits for a round; false when there is none left. */
bool async_take_round(struct async *a, struct replica *r);

/* Halves the batch of who makes fewer updates than the others do on average,
 * doubles that of who makes more; with the lock held. */
void async_adapt(struct async *a, struct replica *r);

#endif
