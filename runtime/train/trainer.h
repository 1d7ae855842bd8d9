/* SPDX-License-Identifier: BSD-3-Clause */
/* The trainer's inside. */
#ifndef HSGD_RUNTIME_TRAIN_TRAINER_H
#define HSGD_RUNTIME_TRAIN_TRAINER_H

#include "data/augment.h"
#include "exec/run.h"
#include "infer/session.h"
#include "schedule.h"
#include "state.h"

#define MAX_BATCH (1 << 20)

/* Where a training stands.  With the parameters, the optimizer's state and
 * the options, all that a later step depends on: nothing else has to be kept
 * for a training to go on as if it had not been interrupted. */
struct position {
    int64_t step;          /* steps done */
    int64_t updates;       /* that the optimizer's state has seen; of replicas on average */
    int64_t epoch;         /* epochs ended */
    int64_t samples;       /* done of the running epoch; all: only its validation is left */
    double sums[MAX_SUMS]; /* of the running epoch, of all losses and metrics */
    double train[MAX_METRICS],
        validation[MAX_METRICS]; /* figures of the last epoch that ended, as the model has them */
    int64_t best_step, worse;    /* after the best epoch (0: none yet), and epochs since then */
    double best[MAX_METRICS];    /* figures of its validation */
    struct plateau plateau;      /* of the learning rate's schedule */
};

struct checkpoints;
struct async;

struct hsgd_trainer {
    struct trainer_state state;
    struct position at;
    double *window;                  /* sums of WINDOW_STEPS steps, for who trains or evaluates in windows */
    double step_seconds;             /* of the last window of full batches; 0: not known */
    int64_t planned_steps;           /* length of the whole training, for the schedule; 0: not known */
    struct hsgd_normalisation *norm; /* of x, by the training data; NULL: none yet */
    struct hsgd_normalisation *field_norm[MAX_MODEL_FIELDS]; /* of the model's fields, as given without a record */
    struct augmentation augment;                             /* of training samples in the running epoch */
    struct hsgd_record *record;                              /* of the training data; NULL: none yet */
    bool loaded;                                             /* a checkpoint, and not trained since: record is its */
    int64_t count;                                           /* training samples; 0: not known */
    int best;                                                /* figure that makes an epoch the best */
    struct hsgd_session session;                             /* evaluates; closed before the first */
    struct async *async;             /* replicas; NULL before the first window, and without a server */
    struct checkpoints *checkpoints; /* NULL before the first */
    bool wants_checkpoint;
    bool has_ema; /* the moving average has begun */
    bool unsaved; /* trained since the last checkpoint */
};

/* Batches have fields of these types from now on; errors as of sizes_model(). */
int trainer_set_types(struct hsgd_trainer *t, const struct hsgd_type *field);
/* Room for an augmented sample, once its size is known. */
int trainer_open_augment(struct hsgd_trainer *t);

/* The plan for batches of this size, from the cache or new; out NULL: it is only
 * made. */
int trainer_plan(struct hsgd_trainer *t, enum plan_mode mode, int batch, struct plan **out);

/* -EINVAL: it is no number of samples that a batch can have. */
int trainer_check_batch(const struct hsgd_trainer *t, int batch);

/* Whether its algorithm has: then replicas train, and not its own plans. */
bool trainer_has_server(const struct hsgd_trainer *t);

/* What is evaluated from now on has fields of these types; errors as of sizes_model(). */
int trainer_set_evaluated(struct hsgd_trainer *t, const struct hsgd_type *field);

/* Runs `steps` (at most WINDOW_STEPS) batches without training; sums as below. */
int trainer_evaluate(struct hsgd_trainer *t, int batch, int steps, const struct batch_source *source, double *sums);

/* Runs `steps` (at most WINDOW_STEPS) batches of `batch` samples; of each the sums
 * of losses and metrics, as many as the model has (model/metrics.h). */
int trainer_window(struct hsgd_trainer *t, enum plan_mode mode, int batch, int steps, const struct batch_source *source,
                   double *sums);

/* Those of steps [first, first + steps) of the window that has run on a store. */
void trainer_read_sums(struct store *s, int first, int steps, double *out);

#endif
