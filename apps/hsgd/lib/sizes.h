/* SPDX-License-Identifier: BSD-3-Clause */
/* Sizes that the model leaves open. */
#ifndef HSGD_APP_SIZES_H
#define HSGD_APP_SIZES_H

#include "session.h"

bool type_is_open(const struct hsgd_type *t);

/* "32x32x16", "any x any x 3", "64 i32"; "1" for one number. */
struct type_words {
    char text[100];
};
struct type_words type_words(const struct hsgd_type *t);

/* Gives the trainer the types of its batches by --sizes, then by the training data;
 * nothing where all are known.  OK, or an exit code after a sentence. */
int open_sizes(const struct session *run, const struct settings *s);

/* Gives the predictor the sizes of these samples. */
int predict_sizes(const struct session *run, const struct hsgd_data *d);

#endif
