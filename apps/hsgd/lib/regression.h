/* SPDX-License-Identifier: BSD-3-Clause */
/* Numeric targets: their names and units, and the errors of predictions. */
#ifndef HSGD_APP_REGRESSION_H
#define HSGD_APP_REGRESSION_H

#include "session.h"

enum { TARGET_NAME = 48 };

/* Targets as a model predicts them. */
struct target_columns {
    struct hsgd_data_field field;          /* its texts are the record's */
    int channels;                          /* each with a unit of its own */
    int64_t size;                          /* values of a sample */
    const struct hsgd_normalisation *norm; /* NULL: they are not normalised */
};

/* Fills it in from the record of the training data; false: that has no targets. */
bool target_columns_find(const struct hsgd_record *r, struct target_columns *t);
/* The name of channel i of `channels`: that of the column, else "target 1". */
const char *target_column_name(const struct hsgd_data_field *f, int channels, int i, char number[TARGET_NAME]);
/* One sample's outputs in the data's units. */
void target_columns_convert(const struct target_columns *t, const float *y, double *out);

/* In the data's units; r2 = 1 - sum (y - t)^2 / sum (t - mean t)^2, NaN where all
 * targets are equal. */
struct target_score {
    double rmse, mae, r2;
};

struct regression {
    int targets;
    struct target_score *score, mean; /* mean: over the targets */
};

/* The errors of the trainer's model on a data set, whose x is normalised by `norm`.
 * OK or an exit code after a sentence; regression_free() in any case. */
int regression_measure(const struct session *run, const struct hsgd_normalisation *norm, const struct target_columns *t,
                       const struct hsgd_data *d, struct regression *r);
void regression_free(struct regression *r);

#endif
