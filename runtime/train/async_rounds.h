/* SPDX-License-Identifier: BSD-3-Clause */
/* The engine's inside, and its rules: who may take which samples, and when. */
#ifndef HSGD_RUNTIME_TRAIN_ASYNC_ROUNDS_H
#define HSGD_RUNTIME_TRAIN_ASYNC_ROUNDS_H

#include "async.h"
#include "replica.h"

/* A batch as the user counts them: what its samples have brought so far. */
struct async_batch {
    int rows;
    double *sums;
};

/* Samples that were taken and given back. */
struct stretch {
    int64_t first, n;
};

struct async_line {
    enum hsgd_log_level level;
    char *text;
};

struct async {
    struct hsgd_trainer *t;
    const struct algorithm *row;
    int n, alive, staleness;
    struct replica *replica;
    int32_t *versions; /* the server's, VERSION_INTS apart */
    /* the run */
    const struct batch_source *source;
    struct async_batch *done;
    double *sums; /* theirs */
    struct origin origin;
    int batch;
    int64_t next, end; /* samples that nobody has taken yet */
    int64_t merged;
    struct stretch *back; /* room for one of each replica */
    int nback, err;
    pthread_mutex_t lock, fill_lock, plan_lock;
    pthread_cond_t changed;
    struct async_line *line; /* for the log, from the thread that started the run */
    int nlines;
    int64_t pushes, merges, stale[HSGD_KEPT_STALENESS];
};

/* Makes the replicas, unless they are there. */
int async_open(struct hsgd_trainer *t);

/* Waits for a round; false when there is none left. */
bool async_take_round(struct async *a, struct replica *r);

/* What r has not merged of its round goes to the others; with the lock held. */
void async_give_back(struct async *a, struct replica *r, int merged);

/* Halves the batch of who makes fewer updates than the others do on average,
 * doubles that of who makes more; with the lock held. */
void async_adapt(struct async *a, struct replica *r);

/* A line for the log; with the lock held. */
void async_say(struct async *a, enum hsgd_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
