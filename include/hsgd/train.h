/* SPDX-License-Identifier: BSD-3-Clause */
/* Training: a trainer owns the optimizer state and the plans of one model. */
#ifndef HSGD_TRAIN_H
#define HSGD_TRAIN_H

#include <hsgd/data.h>
#include <hsgd/model.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Optimizers, g the mean gradient of the batch (plus weight_decay * w where
 * not said otherwise), t the step from 1:
 * SGD       w -= lr g
 * MOMENTUM  v = momentum v + g; w -= lr v            (nesterov: lr (g + momentum v))
 * ADAM      m = b1 m + (1-b1) g; v = b2 v + (1-b2) g^2;
 *           w -= lr (m / (1-b1^t)) / (sqrt(v / (1-b2^t)) + eps)
 * ADAMW     as ADAM with w -= lr weight_decay w instead of decay in g.
 * Sources: Sutskever et al. 2013 (in PyTorch's form), Kingma & Ba 2015,
 * Loshchilov & Hutter 2019. */
enum hsgd_optimizer { HSGD_SGD, HSGD_MOMENTUM, HSGD_NESTEROV, HSGD_ADAM, HSGD_ADAMW, HSGD_OPTIMIZERS };

/* Learning rate at step s of n after `warmup` linear steps from 0:
 * CONSTANT lr; STEP lr * gamma^floor((s - warmup)/step_size), at least min;
 * COSINE  min + (lr - min) (1 + cos(pi (s - warmup)/(n - warmup)))/2. */
enum hsgd_schedule { HSGD_CONSTANT, HSGD_STEP_DECAY, HSGD_COSINE, HSGD_SCHEDULES };

/* What becomes of the learning rate where an update's batch is r times
 * `batch_size` (HOGBATCH, ADAPTIVE): AUTO r, for ADAM and ADAMW the root of r;
 * LINEAR r (Goyal et al. 2017); ROOT the root of r (Krizhevsky 2014); NONE 1. */
enum hsgd_rate_scaling { HSGD_SCALE_AUTO, HSGD_SCALE_LINEAR, HSGD_SCALE_ROOT, HSGD_SCALE_NONE, HSGD_RATE_SCALINGS };

/* How steps are submitted: prebuilt tasks again and again, or fresh tasks with
 * the dependencies that StarPU derives (the reference). */
enum hsgd_executor { HSGD_REPLAY, HSGD_INSERT };

/* How the devices share a training; doc/algorithms.md has the equations,
 * sources, and when to use which.
 * SYNC           the gradient of the whole batch, divided so that all devices end together (the default)
 * DATA_PARALLEL  the same in equal shares
 * LOCAL          steps on each device's share, then the average of the parameters
 * ELASTIC        elastic averaging with the server's parameters
 * STALE          changes are added to the server's parameters, with bounded staleness
 * HOGWILD        CPU cores share the parameters without locks; CPU only
 * HOGBATCH       small batches on CPU cores without locks, whole ones on accelerators
 * ADAPTIVE       as STALE without a bound, batches follow the devices' speeds
 * With all but the first two every device (with HOGWILD and HOGBATCH every CPU
 * core) trains a replica on batches of its own; they need the replay executor
 * and are not deterministic. */
enum hsgd_algorithm {
    HSGD_SYNC, HSGD_DATA_PARALLEL, HSGD_LOCAL, HSGD_ELASTIC, HSGD_STALE, HSGD_HOGWILD, HSGD_HOGBATCH, HSGD_ADAPTIVE,
    HSGD_ALGORITHMS
};

/* "sync", "data-parallel", ...; NULL when out of range. */
HSGD_API const char *hsgd_algorithm_name(enum hsgd_algorithm a);
/* Also by the alias "dpsgd" of data-parallel; -EINVAL: there is none. */
HSGD_API int hsgd_algorithm_by_name(const char *name);

/* "sgd", "momentum", "nesterov", "adam", "adamw"; NULL when out of range. */
HSGD_API const char *hsgd_optimizer_name(enum hsgd_optimizer o);
/* "constant", "step", "cosine"; NULL when out of range. */
HSGD_API const char *hsgd_schedule_name(enum hsgd_schedule s);

/* "auto", "linear", "root", "none"; NULL when out of range. */
HSGD_API const char *hsgd_rate_scaling_name(enum hsgd_rate_scaling s);

/* Progress of hsgd_fit(), every so many steps (at most 128, about 0.2 s) and
 * at the end of an epoch; of evaluations that take longer, too. */
struct hsgd_progress {
    size_t size;                  /* of this struct, as the library has it */
    int epoch, epochs;
    int64_t step, steps;          /* global, from 1 */
    bool evaluating;              /* done of count samples are evaluated; only the fields above hold */
    int64_t done, count;
    double loss;                  /* mean over the epoch so far */
    double samples_per_second;
    double seconds;               /* training proper so far, without evaluation */
    double learning_rate;         /* of the last step */
    bool epoch_end;               /* also where time_limit has cut the epoch short */
    double train_accuracy;        /* over the epoch so far */
    double validation_loss, validation_accuracy; /* at epoch_end; NaN where not known */
};
/* Called after every window of steps, at the end of every epoch, and between
 * the windows of an evaluation.  Return false to stop there: hsgd_fit() then
 * returns 0, hsgd_trainer_evaluate() -EINTR. */
typedef bool hsgd_progress_fn(void *user, const struct hsgd_progress *p);

/* How to train; start from hsgd_train_defaults(). */
struct hsgd_train_options {
    size_t size;                 /* of this struct */
    int batch_size;
    int epochs;
    int64_t steps;               /* > 0: stop after so many steps */
    enum hsgd_optimizer optimizer;
    float learning_rate, momentum, beta1, beta2, epsilon, weight_decay;
    float label_smoothing;       /* > 0: of the model's softmax_cross_entropy, in place of what it has */
    float clip_norm;             /* > 0: scale gradients so that their global 2-norm is at most this */
    enum hsgd_schedule schedule;
    int64_t warmup_steps, step_size;
    float step_gamma, min_learning_rate;
    uint64_t seed;
    const struct hsgd_augment_options *augment; /* of the training samples in hsgd_fit(); copied; NULL: none */
    enum hsgd_algorithm algorithm;
    int local_steps;             /* of LOCAL, ELASTIC: between two merges; 0: the algorithm's own (8, 4) */
    int staleness;               /* of STALE: merges of others that a device may miss; 0: the algorithm's own (4) */
    float moving_rate;           /* of ELASTIC: how far a merge draws parameters together, over the replicas' number */
    int min_batch, max_batch; /* of ADAPTIVE: bounds of an update's samples; 0: batch_size / 8, 2 batch_size.
                                  * Of HOGBATCH: samples of an update on CPU cores, and on accelerators; 0:
                                  * batch_size / 4, batch_size */
    enum hsgd_rate_scaling rate_scaling;
    int rate_ramp;               /* of ADAPTIVE: updates in which the rate goes over to that of another batch */
    float min_share;             /* of SYNC: the part of a batch that every device keeps at least, as far as the number
                                  * of devices allows; 0: a device that would not help is left idle */
    enum hsgd_executor executor;
    int patience;                /* > 0: stop after so many epochs without a better validation */
    double target_accuracy;      /* > 0: stop after the first epoch whose validation accuracy is at least this */
    double time_limit;           /* > 0: stop after so many seconds of training proper, see hsgd_fit() */
    const char *checkpoints;     /* folder that hsgd_fit() keeps checkpoints in, used in place; NULL: none */
    int64_t checkpoint_every;    /* steps between checkpoints; 0: see hsgd_fit() */
    int checkpoint_hist;         /* how many are kept beside the best */
    hsgd_progress_fn *progress;
    void *progress_user;
};

/* The defaults: batch 128, 5 epochs, Adam (lr 1e-3, 0.9, 0.999, 1e-8),
 * constant rate, sync, moving rate 0.9, rate ramp 10, replay, no patience, no checkpoints (hist 3).
 * -EINVAL: o is NULL, or its size is wrong. */
HSGD_API int hsgd_train_defaults(struct hsgd_train_options *o, size_t size);

struct hsgd_trainer;

/* options NULL: the defaults.
 * Errors (NULL): -EINVAL naming the field and value, -ENOMEM. */
HSGD_API struct hsgd_trainer *hsgd_trainer_create(struct hsgd_model *model, const struct hsgd_train_options *options);
/* Frees a trainer; the model keeps the weights.  NULL-safe. */
HSGD_API void hsgd_trainer_destroy(struct hsgd_trainer **trainer);

/* One training step on n samples in memory (NHWC); *loss (if not NULL) gets
 * the batch's mean loss before the update.
 * Errors, then the weights are as before: -EDOM a number of x is not finite;
 * -EINVAL a label is out of range, or n not in 1..2^20. */
HSGD_API int hsgd_trainer_step(struct hsgd_trainer *trainer, const float *x, const int32_t *labels, int n,
                               double *loss);

/* Mean loss and accuracy over a data set, without training; normalised as the
 * data of hsgd_fit() or of the checkpoint was.  -EINTR when the progress
 * function says so. */
HSGD_API int hsgd_trainer_evaluate(struct hsgd_trainer *trainer, const struct hsgd_data *data, double *loss,
                                   double *accuracy);

/* The model's outputs for n samples in memory (NHWC), without training:
 * out is n x hsgd_model_outputs(), count floats.  After softmax cross-entropy
 * these are probabilities, softmax(y) of the last layer's y; after another
 * loss, y itself.  out must not overlap x.
 * Errors: -EINVAL n is below 1, or count is another number; -ENOMEM. */
HSGD_API int hsgd_trainer_predict(struct hsgd_trainer *trainer, const float *x, int64_t n, float *out, int64_t count);

#define HSGD_KEPT_LOSSES 200
#define HSGD_KEPT_STALENESS 16
#define HSGD_KEPT_REPLICAS 64

/* What a replica of an algorithm with a server has done; fixed, as it lies in another struct. */
struct hsgd_replica {
    char device[24];              /* its device's id */
    int64_t updates, samples;
    int batch_size;               /* now */
    double learning_rate;         /* of its last update */
    int64_t merges, stale;        /* of shards; those that missed others, */
    int64_t missed;               /* how many all of them missed, together, */
    int max_missed;              /* and one at most */
};

/* Why hsgd_fit() ended: all steps are done, the progress function said so,
 * `patience` epochs were not better, target_accuracy was reached, or time_limit
 * was over. */
enum hsgd_fit_end { HSGD_FIT_DONE, HSGD_FIT_STOPPED, HSGD_FIT_PATIENCE, HSGD_FIT_TARGET, HSGD_FIT_TIME };

/* What hsgd_fit() has done.  A training that goes on from a checkpoint counts
 * epochs and steps from its beginning, the rest from the checkpoint. */
struct hsgd_fit_result {
    size_t size;                  /* of this struct */
    enum hsgd_fit_end end;
    int epochs;
    int64_t steps, samples;
    double seconds;               /* training proper, without evaluation */
    double step_seconds_median;   /* over steps; each takes the mean of its window (at most 128 steps, about 0.2 s) */
    double train_loss, train_accuracy, validation_loss, validation_accuracy; /* of the last epoch; NaN: not known */
    int64_t best_step;            /* after the epoch of the best validation; 0: none */
    double best_loss, best_accuracy; /* its validation */
    int64_t pushes;               /* replicas have handed in, and how many merges of shards these were; 0 with SYNC */
    int64_t merges;
    int64_t stale[HSGD_KEPT_STALENESS]; /* merges that missed so many merges of others; the last: so many or more */
    int replicas;
    struct hsgd_replica replica[HSGD_KEPT_REPLICAS];
    int losses;                   /* how many of the first step losses are kept */
    double loss[HSGD_KEPT_LOSSES];
};

/* Trains over the data for the trainer's epochs or steps, or on from the
 * checkpoint that was loaded.  validation may be NULL; so may result (its size is
 * then not looked at).
 *
 * An epoch is better than another when it has the higher validation accuracy,
 * or the same and the lower loss; `patience` and the link "best" go by that.
 *
 * time_limit counts the seconds that steps take, from this call on; it is
 * looked at between windows of steps, so that a training takes up to a window
 * (0.2 s, or one step) more.  The epoch is cut short there: it is validated and
 * told as one that has ended, but is no candidate for the best, and a training
 * that goes on from its checkpoint does the rest of it.
 *
 * Checkpoints are written by another thread while training goes on: every
 * checkpoint_every steps, at the end of every epoch, after 5 minutes without
 * one, and at the end.  Those of epochs keep a distance of 40 times what one
 * costs, so that they take 2.5 % of the time at most; the best epoch's is then
 * kept in memory and written with the next one.  One that cannot be written is
 * a warning, and training goes on, except the last.
 *
 * Errors: -EDOM a loss, parameter or optimizer state is not finite: nothing is
 * checkpointed since; -EINVAL data and model do not fit, the training samples are
 * not those of the checkpoint that was loaded (hsgd_record_check()), columns of
 * the validation have another order, or patience or
 * target_accuracy without validation; -EEXIST the folder has checkpoints of later steps; -EBUSY
 * another process keeps its checkpoints there; that of the file system for the
 * last checkpoint. */
HSGD_API int hsgd_fit(struct hsgd_trainer *trainer, const struct hsgd_data *train, const struct hsgd_data *validation,
                      struct hsgd_fit_result *result, size_t size);

/* ----------------------------------------------------------- checkpoints
 * A checkpoint is a folder "step-<n>" with two safetensors files:
 * model.safetensors as hsgd_model_save() writes it, and state.safetensors with
 * the optimizer's state, the position in the data, the normalisation and what
 * else a training needs to go on.  With equal devices in deterministic mode a
 * training that goes on ends with the very weights of one that was never
 * interrupted.  Algorithms with a server keep one optimizer state, the mean of
 * the replicas' by their updates; loading makes new replicas, which begin with
 * it and with the server's parameters.  A checkpoint appears in its folder whole
 * or not at all; "last" and "best" are links to the newest one and that of the
 * best epoch, for people: they may be gone, and are made again. */

/* Writes a checkpoint into `folder` now; returns when it is on the disk.  Not
 * while hsgd_fit() runs: see hsgd_checkpoint_request().
 * Errors: -EDOM a parameter or optimizer state is not finite; -EBUSY another
 * process keeps checkpoints there; that of the file system. */
HSGD_API int hsgd_checkpoint_save(struct hsgd_trainer *trainer, const char *folder);

/* Asks hsgd_fit() for a checkpoint after the present window of steps; for
 * progress functions. */
HSGD_API void hsgd_checkpoint_request(struct hsgd_trainer *trainer);

/* Continues from a checkpoint, a folder "step-<n>" or a link to one.  On an
 * error the trainer is as it was.
 * Errors: -EINVAL a file is damaged, or was made by another model, optimizer,
 * batch_size or seed; -ENOENT; that of the file system. */
HSGD_API int hsgd_checkpoint_load(struct hsgd_trainer *trainer, const char *path);

/* Step of the newest checkpoint in `folder`; -ENOENT: there is none. */
HSGD_API int64_t hsgd_checkpoint_latest(struct hsgd_context *ctx, const char *folder);

/* Step of the best epoch's checkpoint in `folder`, as the newest one knows it;
 * of the newest where there was no validation or that one is not there.  Links
 * are not asked.  Errors: -ENOENT there is no checkpoint; -EINVAL the newest is
 * damaged; that of the file system. */
HSGD_API int64_t hsgd_checkpoint_best(struct hsgd_context *ctx, const char *folder);

/* What a checkpoint knows of its training and data. */
struct hsgd_checkpoint_info {
    size_t size;                  /* of this struct, as the library has it */
    int64_t step, epochs;         /* done; step -1: a file of weights alone */
    struct hsgd_normalisation *normalisation; /* NULL: none */
    int classes;                  /* 0: not known */
    char **class_name;
    struct hsgd_record *record;   /* of the training data, for hsgd_data_options; of a checkpoint of version 0.1,
                                     or of weights from elsewhere, it knows little: hsgd_record_format() is "" */
};
/* Reads a checkpoint's, or what a file of weights has of it; undone by
 * hsgd_checkpoint_info_destroy().  NULL: as hsgd_checkpoint_load(). */
HSGD_API struct hsgd_checkpoint_info *hsgd_checkpoint_info_read(struct hsgd_context *ctx, const char *path);
/* NULL-safe. */
HSGD_API void hsgd_checkpoint_info_destroy(struct hsgd_checkpoint_info **info);

/* Normalises what hsgd_trainer_evaluate() reads with a copy of this; NULL: not.
 * Errors: -EINVAL channels is below 1; -ENOMEM. */
HSGD_API int hsgd_trainer_set_normalisation(struct hsgd_trainer *trainer, const struct hsgd_normalisation *n);

/* Seconds per step of `steps` steps on fixed made-up data, for benchmarks. */
HSGD_API int hsgd_trainer_time(struct hsgd_trainer *trainer, int steps, double *seconds_per_step);

/* The gradients of the mean loss over n samples at the present weights,
 * concatenated in the order of hsgd_model_weight_name(); count floats.
 * Errors: as hsgd_trainer_step(). */
HSGD_API int hsgd_trainer_gradients(struct hsgd_trainer *trainer, const float *x, const int32_t *labels, int n,
                                    float *out, int64_t count);

/* What follows the gradient in a step as operations for hsgd_op_run(), for
 * tests and tools; rows is 1.
 *
 * update: one step of an optimizer on n weights.  x and y: n weights, then two
 * times n floats of state (momentum or first moment; second moment).  params:
 * 0..2, n floats each, parts of the summed gradient, of which the first `parts`
 * count; 3, a row of the step table.  clipped: only part 0 counts, and the
 * first float of 1 is a factor for it. */
struct hsgd_update {
    struct hsgd_train_options options;
    int parts;
    bool clipped;
};
HSGD_API extern const struct hsgd_op hsgd_op_update;

/* clip_factor: y[0] = min(1, max_norm / (scale |x|)), the 2-norm taken over
 * `shards` parts of x; params: 0, a row of the step table, which has scale. */
struct hsgd_clip_factor { int shards; float max_norm; };
HSGD_API extern const struct hsgd_op hsgd_op_clip_factor;

#ifdef __cplusplus
}
#endif
#endif
