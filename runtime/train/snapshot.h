/* SPDX-License-Identifier: BSD-3-Clause */
/* A training held still in memory, and its two files. */
#ifndef HSGD_RUNTIME_TRAIN_SNAPSHOT_H
#define HSGD_RUNTIME_TRAIN_SNAPSHOT_H

#include "publish.h"
#include "trainer.h"

enum { SNAPSHOT_KEPT = 3 };

struct snapshot {
    const struct hsgd_trainer *t; /* for what does not change: model, options, count, normalisation, record */
    struct position at;
    bool best;                  /* its epoch was the best so far */
    float *param;               /* the bucket; with a moving average, its */
    float *kept[SNAPSHOT_KEPT]; /* what else there is of each weight, in the order of the bucket */
};

/* How many of these: the optimizer's state, then with a moving average the weights;
 * and their names. */
int snapshot_kept(const struct hsgd_trainer *t);
const char *snapshot_kept_name(const struct hsgd_trainer *t, int i);

/* Copies parameters, optimizer state and position; *s is zeroed or was taken
 * before. */
int snapshot_take(struct snapshot *s, struct hsgd_trainer *t, bool best);
void snapshot_free(struct snapshot *s);

/* Writes both files into `folder`.  May run in another thread with a ctx of
 * its own, which is used for sentences only.  -EDOM when something is not
 * finite. */
int snapshot_write(struct hsgd_context *ctx, const struct snapshot *s, const char *folder);

/* Reads a checkpoint into the trainer, all of it or nothing. */
int snapshot_restore(struct hsgd_trainer *t, const char *folder);

#endif
