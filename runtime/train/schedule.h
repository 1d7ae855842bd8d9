#ifndef HSGD_RUNTIME_TRAIN_SCHEDULE_H
#define HSGD_RUNTIME_TRAIN_SCHEDULE_H

#include <hsgd/train.h>

/* The learning rate at step (from 0) of a training of `steps` steps. */
float schedule_rate(const struct hsgd_train_options *o, int64_t step, int64_t steps);
/* Its factor where an update's batch is `ratio` times the user's. */
double schedule_scale(const struct hsgd_train_options *o, double ratio);

#endif
