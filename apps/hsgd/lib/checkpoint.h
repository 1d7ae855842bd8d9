/* SPDX-License-Identifier: BSD-3-Clause */
/* An open checkpoint: its model, normalisation and classes. */
#ifndef HSGD_APP_CHECKPOINT_H
#define HSGD_APP_CHECKPOINT_H

#include "regression.h"

struct opened {
    struct session run;                    /* context, model and predictor */
    char path[4096];                       /* the file with the weights */
    struct hsgd_checkpoint_info *info;     /* from the state beside the weights, or from their metadata */
    const struct hsgd_normalisation *norm; /* of info; NULL: none */
    bool predicts_targets;                 /* numbers in place of classes: */
    struct target_columns targets;
    bool predicts_positions; /* a class at each position, in place of one */
    bool predicts_boxes;     /* boxes of classes, the model's result "detections" */
};

/* Opens --checkpoint: the folder of a checkpoint or of a run (its best
 * checkpoint, or the last), or a file of weights, possibly with the state beside
 * it.  OK or an exit code after a sentence; close_checkpoint() in any case. */
int open_checkpoint(struct opened *o, const struct settings *s);
/* A trainer, too, which evaluates. */
int open_evaluator(struct opened *o, const struct settings *s);
/* Its model only; `what` is what messages call it: "--checkpoint". */
int open_weights(struct opened *o, const struct settings *s, const char *what);
void close_checkpoint(struct opened *o);

/* "7", or the name the class had in training. */
const char *class_name(const struct opened *o, const struct hsgd_data *d, int i);

/* Outputs of samples first to first + n - 1 of a data set, and their labels. */
int predict_data(const struct opened *o, const struct hsgd_data *d, int64_t first, int n, float *out, int32_t *labels);

#endif
