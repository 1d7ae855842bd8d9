/* SPDX-License-Identifier: BSD-3-Clause */
/* hsgd bench --data: timing a training on data. */
#ifndef HSGD_APP_BENCH_H
#define HSGD_APP_BENCH_H

#include <jansson.h>

#include "lib/session.h"

enum { TIMED_WINDOWS = 512 };

/* A training, and the mean time of a step in each window of steps behind the warm-up. */
struct data_timing {
    double limit, seconds; /* of training: to do, done */
    int64_t steps;         /* done */
    int64_t short_every;   /* an epoch's steps, the last of which is smaller; 0: all are equal */
    int n;
    double step[TIMED_WINDOWS];
    struct hsgd_fit_result result;
};

/* Makes the options of a trainer those of a training of `seconds`. */
void data_timing_options(struct data_timing *t, double seconds, struct hsgd_train_options *o);
int data_timing_measure(struct data_timing *t, const struct session *run, int batch);
/* Seconds of a step; to be called once: sorts the windows. */
double data_timing_step(struct data_timing *t);
void data_timing_json(const struct data_timing *t, const char *data, json_t **object);
void data_timing_print(const struct data_timing *t, const struct session *run);

#endif
