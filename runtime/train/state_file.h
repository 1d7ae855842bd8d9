/* SPDX-License-Identifier: BSD-3-Clause */
/* state.safetensors: what a checkpoint has beside the model's weights. */
#ifndef HSGD_RUNTIME_TRAIN_STATE_FILE_H
#define HSGD_RUNTIME_TRAIN_STATE_FILE_H

#include "data/record.h"
#include "io/safetensors.h"
#include "snapshot.h"

struct state_file {
    struct position at;
    double loss_sum, correct_sum, terms_sum; /* of the first loss, in the running epoch */
    double train_loss, train_accuracy, validation_loss, validation_accuracy, best_loss, best_accuracy;
    int64_t count, batch_size, seed;
    struct hsgd_normalisation *norm; /* NULL: none */
    struct hsgd_record *record;      /* of the training data; read from an old state it has classes only */
};

/* record: its text, or NULL. */
int state_file_write(struct hsgd_context *ctx, const struct snapshot *s, const char *record, const char *path);

/* Everything but the optimizer's state; undone by state_file_free(). */
int state_file_parse(struct hsgd_context *ctx, const struct safetensors *f, struct state_file *state);

/* Reads and checks position and optimizer state for s->t, with room for it in
 * s; undone as above. */
int state_file_read(struct hsgd_context *ctx, struct snapshot *s, struct state_file *state, const char *path);

/* Frees what is in it.  Harmless when repeated. */
void state_file_free(struct state_file *state);

#endif
