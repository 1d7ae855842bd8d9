/* The trainer's inside. */
#ifndef HSGD_RUNTIME_TRAIN_TRAINER_H
#define HSGD_RUNTIME_TRAIN_TRAINER_H

#include "run.h"
#include "state.h"

struct hsgd_trainer {
    struct trainer_state state;
    int64_t step;               /* steps done */
    int64_t planned_steps;      /* length of the whole training, for the schedule; 0: not known */
    struct hsgd_normalisation norm; /* of the training data */
    bool has_norm;
};

/* The plan for batches of this size, from the cache or new. */
struct plan *trainer_plan(struct hsgd_trainer *t, enum plan_mode mode, int batch);

struct batch_metrics { double loss, correct, terms; };

/* Runs `steps` (at most WINDOW_STEPS) batches of `batch` samples; metrics of
 * each. */
int trainer_window(struct hsgd_trainer *t, enum plan_mode mode, int batch, int steps,
                   const struct batch_source *source, struct batch_metrics *metrics);

#endif
