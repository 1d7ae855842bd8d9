/* The engine of the algorithms with a server: a thread per replica hands its
 * device one round after the other. */
#ifndef HSGD_RUNTIME_TRAIN_ASYNC_H
#define HSGD_RUNTIME_TRAIN_ASYNC_H

#include "trainer.h"

/* -EINVAL when the options or devices do not go with the algorithm. */
int async_check(struct hsgd_context *ctx, const struct hsgd_train_options *o);

/* Trains on steps * batch samples, as trainer_window() does; returns when all
 * are merged.  The metrics of a step are those of its samples. */
int async_window(struct hsgd_trainer *t, int batch, int steps, const struct batch_source *source,
                 struct batch_metrics *metrics);
void async_close(struct hsgd_trainer *t);

/* What the replicas have done so far. */
void async_report(const struct hsgd_trainer *t, struct hsgd_fit_result *result);

#endif
