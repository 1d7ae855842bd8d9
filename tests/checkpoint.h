/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests of checkpoints share: a small training, and a folder. */
#ifndef HSGD_TESTS_CHECKPOINT_H
#define HSGD_TESTS_CHECKPOINT_H

#include "core.h"

#define CLASSES 4
#define TRAINED 160
#define FEATURES 36
#define BATCH 48 /* three and one of 16 samples: 4 steps an epoch */
#define EPOCHS 3

extern struct hsgd_context *ctx;
extern struct hsgd_data *train, *held_back;
extern char folder[512];

/* Deterministic, with the data and a new folder. */
void begin(const char *devices);
/* The same, not deterministic, and with one thread. */
void begin_replicas(const char *devices);
void end(void);
void new_folder(void);
/* A path in the folder, until the next call. */
const char *in_folder(const char *name);

/* Convolution, pooling, dropout, two dense layers. */
struct hsgd_model *make_model(const char *name);
struct hsgd_train_options options_for(enum hsgd_optimizer optimizer);

struct outcome {
    float *weights;
    int64_t count;
    struct hsgd_fit_result fit;
};
/* A whole training in a new model and trainer, or what is left of it after a
 * checkpoint; returns what hsgd_fit() did.  weights is to be freed. */
int train_from(const char *checkpoint, const struct hsgd_train_options *o, struct outcome *out);

#endif
