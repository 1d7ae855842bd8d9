/* SPDX-License-Identifier: BSD-3-Clause */
/* A pass over a data set: its samples in an order, in batches. */
#ifndef HSGD_RUNTIME_TRAIN_PASS_H
#define HSGD_RUNTIME_TRAIN_PASS_H

#include "data/augment.h"
#include "trainer.h"

#define WINDOW_SECONDS 0.2 /* how long nobody hears of progress or can stop */

struct pass {
    const struct hsgd_data *data;
    const struct hsgd_normalisation *norm;
    const int64_t *order;
    int64_t at; /* first sample of the window */
    int batch;
    const struct augmentation *augment; /* NULL: samples as they are */
};

/* Where trainer_window() gets the pass's batches from. */
struct batch_source pass_source(struct pass *p);

/* The order of an epoch: a pure function of seed and epoch. */
void pass_shuffle(int64_t *order, int64_t n, uint64_t seed, int64_t epoch);

/* How many of at most `most` steps make a window, when one takes so long. */
int pass_window(int64_t most, double step_seconds);

/* -EINVAL when the model cannot take these samples. */
int pass_check(const struct hsgd_trainer *t, const struct hsgd_data *d);

#endif
