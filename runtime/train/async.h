/* SPDX-License-Identifier: BSD-3-Clause */
/* The engine of the algorithms with a server: a thread per replica hands its
 * device one round after the other. */
#ifndef HSGD_RUNTIME_TRAIN_ASYNC_H
#define HSGD_RUNTIME_TRAIN_ASYNC_H

#include "trainer.h"

/* -EINVAL when the options or devices do not go with the algorithm. */
int async_check(struct hsgd_context *ctx, const struct hsgd_train_options *o);

/* Hears of batches that are done, in order, about as often as after a window
 * of steps; returns whether to go on. */
struct async_listener {
    bool (*hear)(void *user, const double *sums, int batches, double seconds);
    void *user;
};

/* Trains on n samples of the source, of batches that the user's size counts
 * (the last may be smaller), and moves the trainer's step on.  No replica waits
 * for another but where the algorithm says so, until all samples are merged, or
 * the listener has said that it is enough: then the batches that were begun
 * are. */
int async_run(struct hsgd_trainer *t, int batch, int64_t n, const struct batch_source *source,
              const struct async_listener *listener);
/* Replicas go on at the trainer's sizes, of these fields; while none trains. */
int async_set_types(struct hsgd_trainer *t, const struct hsgd_type *field);
void async_close(struct hsgd_trainer *t);

/* What the replicas' optimizers have, on average by their updates, becomes the
 * trainer's own, so that a checkpoint has it; while no replica trains. */
void async_gather_state(struct hsgd_trainer *t);

/* A part of what a replica does between two merges. */
struct async_part {
    int replica;
    struct plan *plan;
    bool pulls, pushes;
    int steps; /* made by this plan */
};
#define ASYNC_PARTS 4 /* of a replica, at most */

/* What the replicas run for a batch of the user's, made now where it is not
 * there; how many parts that are, or a negative errno. */
int async_view(struct hsgd_trainer *t, int batch, struct async_part *out, int max);

/* What the replicas have done so far. */
void async_report(const struct hsgd_trainer *t, struct hsgd_fit_result *result);

#endif
