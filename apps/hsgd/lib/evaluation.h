/* SPDX-License-Identifier: BSD-3-Clause */
/* Results of an evaluation. */
#ifndef HSGD_APP_EVAL_H
#define HSGD_APP_EVAL_H

#include "own_data.h"
#include "regression.h"

struct evaluation {
    const char *model, *data, *part;
    int64_t samples;
    struct regression regression; /* of a model with targets, which has no classes: */
    int classes;
    const char **name;  /* of every class */
    int64_t *confusion; /* [true class][predicted class] */
    int metrics;        /* of the model, by hsgd_model_metric_name(), */
    double figure[HSGD_KEPT_METRICS];
    bool has_exact; /* of a model that translates: */
    double exact;   /* fraction of targets that are translated exactly */
    double seconds;
    struct own_data own; /* without --data */
};

/* NaN where the denominator is 0. */
struct class_score {
    int64_t samples, predicted;
    double precision, recall, f1;
};
struct class_score class_score(const struct evaluation *e, int class);
/* The mean over the classes with samples. */
struct class_score mean_score(const struct evaluation *e);
double evaluation_accuracy(const struct evaluation *e);

#endif
