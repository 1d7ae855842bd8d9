/* SPDX-License-Identifier: BSD-3-Clause */
/* A pass over a data set: its samples in an order, in batches. */
#ifndef HSGD_RUNTIME_TRAIN_PASS_H
#define HSGD_RUNTIME_TRAIN_PASS_H

#include "data/augment.h"
#include "trainer.h"

#define WINDOW_SECONDS 0.2 /* how long nobody hears of progress or can stop */

/* Where a field of the model is in the data, and how it is normalised. */
struct pass_field {
    int index;
    const struct hsgd_normalisation *norm; /* NULL: not at all */
    bool cut;                              /* to the length of the batch */
};

struct pass {
    const struct hsgd_data *data;
    const int64_t *order;
    int64_t at; /* first sample of the window */
    int batch;
    int length;                         /* of sequences, as pass_take_run() set it; 0: samples have one size */
    const struct augmentation *augment; /* NULL: samples as they are */
    int fields;
    struct pass_field field[MAX_MODEL_FIELDS]; /* of the model, see pass_bind() */
};

/* Finds the model's fields in the data, by name; pass_check() has accepted it. */
void pass_bind(struct pass *p, const struct hsgd_trainer *t);

/* Whether the samples are sequences whose lengths the model takes: then batches are of
 * samples of similar lengths (data/lengths.h). */
bool pass_has_lengths(const struct hsgd_model *m, const struct hsgd_data *d);

/* Sets the sizes of the batches that come first, by `set`: trainer_set_types() or
 * trainer_set_evaluated(); *steps: at most so many, of these sizes.  Does nothing to
 * samples of one size. */
int pass_take_run(struct pass *p, struct hsgd_trainer *t, int64_t *steps,
                  int (*set)(struct hsgd_trainer *t, const struct hsgd_type *field));

/* Where trainer_window() gets the pass's batches from. */
struct batch_source pass_source(struct pass *p);

/* The order of an epoch: a pure function of seed and epoch. */
void pass_shuffle(int64_t *order, int64_t n, uint64_t seed, int64_t epoch);

/* How many of at most `most` steps make a window, when one takes so long. */
int pass_window(int64_t most, double step_seconds);

/* The figures of the samples, as the model has them (model/metrics.h); errors as of
 * hsgd_trainer_evaluate(). */
int pass_evaluate(struct hsgd_trainer *t, const struct hsgd_data *data, double *figure);

/* Batches have the data's sizes from now on, where the model left them open; pass_check()
 * has accepted it. */
int pass_take_sizes(struct hsgd_trainer *t, const struct hsgd_data *d);

/* -EINVAL when the model cannot take these samples. */
int pass_check(const struct hsgd_trainer *t, const struct hsgd_data *d);

#endif
