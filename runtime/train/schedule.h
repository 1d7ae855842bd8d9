/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef HSGD_RUNTIME_TRAIN_SCHEDULE_H
#define HSGD_RUNTIME_TRAIN_SCHEDULE_H

#include <hsgd/train.h>

/* HSGD_PLATEAU: the least loss so far, the epochs since then, and how often the rate has dropped. */
struct plateau {
    double least;
    int64_t seen, since, drops; /* seen: 1 after the first epoch */
};
/* After an epoch with this loss. */
void schedule_note_epoch(const struct hsgd_train_options *o, struct plateau *p, double loss);

/* The learning rate at step (from 0) of a training of `steps` steps. */
float schedule_rate(const struct hsgd_train_options *o, const struct plateau *p, int64_t step, int64_t steps);
/* Its factor where an update's batch is `ratio` times the user's. */
double schedule_scale(const struct hsgd_train_options *o, double ratio);

/* The decay of the moving average of weights in an update, counted from 1:
 * min(ema_decay, (1 + t) / (10 + t)). */
double schedule_ema_decay(const struct hsgd_train_options *o, int64_t update);

/* What the kernels of an update read of it. */
struct schedule_step {
    float rate;
    int64_t updates;       /* with this one */
    float scale;           /* of gradients: 1 / terms */
    int64_t number, epoch; /* where its random numbers begin */
};
/* Fills its row of the step table. */
void schedule_fill(const struct hsgd_train_options *o, const struct schedule_step *step, float *row);

#endif
