/* SPDX-License-Identifier: BSD-3-Clause */
/* The moving average of a trainer's weights; harmless where it has none.  No plan
 * of the trainer may run. */
#ifndef HSGD_RUNTIME_TRAIN_EMA_H
#define HSGD_RUNTIME_TRAIN_EMA_H

#include "trainer.h"

/* Until it begins, the average is the weights. */
void ema_refresh(struct hsgd_trainer *t);
/* Refreshes it for the last time: training begins. */
void ema_begin(struct hsgd_trainer *t);

/* Copies the average to `bucket`, which holds the weights, or from it.  What counts
 * steps is no average: it stays as it is there. */
void ema_read(struct hsgd_trainer *t, float *bucket);
void ema_write(struct hsgd_trainer *t, const float *bucket);

#endif
