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
 * ADAMW     as ADAM with w -= lr weight_decay w instead of decay in g
 * ADAGRAD   v += g^2; w -= lr g / (sqrt(v) + eps)
 * RMSPROP   v = alpha v + (1-alpha) g^2; u = g / (sqrt(v) + eps); w -= lr u
 * RMSPROP_MOMENTUM  as RMSPROP with b = momentum b + u; w -= lr b
 * LAMB      m, v as ADAM; u = (m / (1-b1^t)) / (sqrt(v / (1-b2^t)) + eps) + weight_decay w;
 *           w -= lr |w| / |u| u, the 2-norms over each weight tensor, where both are above 0; else w -= lr u.
 * Sources: Sutskever et al. 2013 (in PyTorch's form), Kingma & Ba 2015,
 * Loshchilov & Hutter 2019, Duchi et al. 2011, Tieleman & Hinton 2012 (the
 * latter two in PyTorch's form), You et al. 2020 (algorithm 2 with phi(z) = z, for all weights). */
enum hsgd_optimizer {
    HSGD_SGD,
    HSGD_MOMENTUM,
    HSGD_NESTEROV,
    HSGD_ADAM,
    HSGD_ADAMW,
    HSGD_ADAGRAD,
    HSGD_RMSPROP,
    HSGD_RMSPROP_MOMENTUM,
    HSGD_LAMB,
    HSGD_OPTIMIZERS
};

/* Learning rate at step s of n after `warmup` linear steps from 0:
 * CONSTANT lr; STEP lr * gamma^floor((s - warmup)/step_size), at least min;
 * COSINE  min + (lr - min) (1 + cos(pi (s - warmup)/(n - warmup)))/2;
 * POLYNOMIAL  min + (lr - min) (1 - (s - warmup)/(n - warmup))^power;
 * ONE_CYCLE  from lr / div_factor up to lr at step pct_start n - 1, and down to
 * lr / (div_factor final_div_factor) at the last one, by half a cosine each; without warmup and min;
 * PLATEAU  after each epoch of hsgd_fit(), lr times gamma, at least min, once the validation loss (without
 * validation samples the training loss) has not been less than (1 - rate_threshold) times the least
 * so far in more than rate_patience epochs.
 * As PyTorch's schedulers of these names; ONE_CYCLE leaves the momentum as it is. */
enum hsgd_schedule {
    HSGD_CONSTANT,
    HSGD_STEP_DECAY,
    HSGD_COSINE,
    HSGD_ONE_CYCLE,
    HSGD_POLYNOMIAL,
    HSGD_PLATEAU,
    HSGD_SCHEDULES
};

/* Factor of the learning rate for an update whose batch is r times `batch_size`
 * (HOGBATCH, ADAPTIVE): LINEAR r (Goyal et al. 2017); ROOT sqrt(r) (Krizhevsky
 * 2014); NONE 1; AUTO as LINEAR, with optimizers that divide by the size of the
 * gradient (ADAM to LAMB) as ROOT. */
enum hsgd_rate_scaling { HSGD_SCALE_AUTO, HSGD_SCALE_LINEAR, HSGD_SCALE_ROOT, HSGD_SCALE_NONE, HSGD_RATE_SCALINGS };

/* How the devices share a training; doc/algorithms.md has the equations,
 * sources, and when to use which.
 * SYNC           the gradient of the whole batch, partitioned so that all devices finish together (the default)
 * DATA_PARALLEL  the same in equal shares
 * LOCAL          steps on each device's share, then the average of the parameters
 * ELASTIC        elastic averaging with the server's parameters
 * STALE          changes are added to the server's parameters, with bounded staleness
 * HOGWILD        CPU cores share the parameters without locks; CPU only
 * HOGBATCH       small batches on CPU cores without locks, whole ones on accelerators
 * ADAPTIVE       as STALE without a bound; batch sizes follow the devices' speeds
 * With all but the first two, every device (with HOGWILD and HOGBATCH also every
 * CPU core) trains a replica on separate batches; they need the replay executor
 * and are not deterministic. */
enum hsgd_algorithm {
    HSGD_SYNC,
    HSGD_DATA_PARALLEL,
    HSGD_LOCAL,
    HSGD_ELASTIC,
    HSGD_STALE,
    HSGD_HOGWILD,
    HSGD_HOGBATCH,
    HSGD_ADAPTIVE,
    HSGD_ALGORITHMS
};

/* "sync", "data-parallel", ...; NULL when out of range. */
HSGD_API const char *hsgd_algorithm_name(enum hsgd_algorithm a);
/* The algorithm of this name or alias ("dpsgd" is data-parallel); -EINVAL: unknown name. */
HSGD_API int hsgd_algorithm_by_name(const char *name);

/* "sgd", "momentum", "nesterov", "adam", "adamw", "adagrad", "rmsprop", "rmsprop-momentum", "lamb"; NULL when out of range. */
HSGD_API const char *hsgd_optimizer_name(enum hsgd_optimizer o);
/* "constant", "step", "cosine", "one-cycle", "polynomial", "plateau"; NULL when out of range. */
HSGD_API const char *hsgd_schedule_name(enum hsgd_schedule s);

/* "auto", "linear", "root", "none"; NULL when out of range. */
HSGD_API const char *hsgd_rate_scaling_name(enum hsgd_rate_scaling s);

/* Progress of hsgd_fit(): after every window of steps (up to 128 steps, about
 * 0.2 s), at the end of an epoch, and during evaluations that take longer. */
struct hsgd_progress {
    size_t size;         /* of this struct, as the library knows it */
    int epoch, epochs;   /* the current one, from 1; their number */
    int64_t step, steps; /* steps done in all; their number */
    bool evaluating;     /* done of count samples are evaluated; the fields below `count` are then not set */
    int64_t done, count;
    double loss; /* mean over the epoch so far */
    double samples_per_second;
    double seconds;                              /* training time so far, excluding evaluation */
    double learning_rate;                        /* of the last step */
    bool epoch_end;                              /* also when time_limit stops the epoch early */
    double train_accuracy;                       /* over the epoch so far; NaN without classes */
    double validation_loss, validation_accuracy; /* at epoch_end; NaN without validation, or without classes */
    int metrics;                                 /* figures of the model, by hsgd_model_metric_name(): */
    const double *train, *validation;            /* of the epoch so far; at epoch_end, else NaN */
};
/* Called after every window of steps, at the end of every epoch, and between
 * the windows of an evaluation.  Return false to stop there: hsgd_fit() then
 * returns 0, hsgd_trainer_evaluate() -EINTR. */
typedef bool hsgd_progress_fn(void *user, const struct hsgd_progress *p);

/* Weights with a learning rate and a weight decay of their own, such as a head that
 * learns faster, or layers that stay as they are.  A weight belongs to the last group
 * whose pattern matches its name, and to no other. */
struct hsgd_group {
    const char *weights; /* names as of hsgd_model_weight_name(); * stands for any text, ? for any byte */
    float rate;          /* factor of the learning rate; 0: these weights stay as they are, to the bit, and their
                              * gradients do not count in clip_norm */
    float weight_decay;  /* in place of that of the options; below 0: that of the options */
};

/* How to train; start from hsgd_train_defaults(). */
struct hsgd_train_options {
    size_t size; /* of this struct */
    int batch_size;
    int epochs;
    int64_t steps; /* > 0: stop after this many steps */
    enum hsgd_optimizer optimizer;
    float learning_rate, momentum, beta1, beta2, epsilon, weight_decay;
    float label_smoothing; /* > 0: replaces that of the model's softmax_cross_entropy */
    float clip_norm;       /* > 0: scale gradients so that their global 2-norm is at most this */
    enum hsgd_schedule schedule;
    int64_t warmup_steps, step_size;
    float step_gamma, min_learning_rate;
    uint64_t seed;
    const struct hsgd_augment_options *augment; /* of the training samples in hsgd_fit(); copied; NULL: none */
    enum hsgd_algorithm algorithm;
    int local_steps;          /* LOCAL, ELASTIC: steps between two merges; 0: 8, 4 */
    int staleness;            /* STALE: maximum number of other replicas' merges between a pull and its push; 0: 4 */
    float moving_rate;        /* ELASTIC: a merge moves parameters together by this over the number of replicas */
    int min_batch, max_batch; /* ADAPTIVE: bounds of the samples of an update; 0: batch_size / 8, 2 batch_size.
                                  * HOGBATCH: samples of an update on CPU cores and on accelerators; 0:
                                  * batch_size / 4, batch_size */
    enum hsgd_rate_scaling rate_scaling; /* HOGBATCH, ADAPTIVE */
    int rate_ramp;                       /* ADAPTIVE: updates over which the rate moves to that of a new batch size */
    float min_share; /* SYNC: minimum fraction of the batch for every device, as far as the number of
                                  * devices allows; 0: a device that would not help is left idle */
    enum hsgd_executor executor;
    int patience;             /* > 0: stop after this many epochs without a better validation */
    double target_accuracy;   /* > 0: stop after the first epoch whose validation accuracy is at least this */
    double time_limit;        /* > 0: stop after this many seconds of training time, see hsgd_fit() */
    const char *checkpoints;  /* folder where hsgd_fit() keeps checkpoints; the string is borrowed; NULL: none */
    int64_t checkpoint_every; /* steps between checkpoints; 0: see hsgd_fit() */
    int checkpoint_hist;      /* maximum number kept, not counting the best */
    hsgd_progress_fn *progress;
    void *progress_user;
    float alpha;    /* RMSPROP, RMSPROP_MOMENTUM */
    int accumulate; /* SYNC, DATA_PARALLEL: > 1: each device computes its rows of a batch in so many parts, one after
                         * another, and adds up their gradients: the same step with less memory.  The statistics of
                         * batch_norm are those of each part, over all devices */
    bool no_bias_decay; /* weight_decay, also of a group, is not for biases, and factors and offsets of norms
                             * (He et al. 2019) */
    const char *best;   /* name of the figure (hsgd_model_metric_name()) whose best validation makes an epoch the
                         * best; NULL: accuracy where there is one, else loss */
    const struct hsgd_group *group; /* copied */
    int groups;
    float ema_decay; /* SYNC, DATA_PARALLEL: > 0: a moving average of the weights is kept, see below; often 0.999 */
    int slices;  /* SYNC, DATA_PARALLEL: > 0: a batch is cut into so many slices of one size (fewer where it has fewer
                         * blocks of rows), and StarPU's scheduling policy chooses a device for each cell when it can
                         * begin; no division is computed.  At most 32.  Not with `deterministic` and several devices */
    float power; /* POLYNOMIAL */
    float pct_start, div_factor, final_div_factor; /* ONE_CYCLE */
    float rate_threshold;                          /* PLATEAU */
    int rate_patience;                             /* PLATEAU */
};

/* The exponential moving average (EMA) of the weights w, after each update t from 1:
 *   a = d a + (1 - d) w,  d = min(ema_decay, (1 + t) / (10 + t)),  a = w before the first.
 * Training goes on with w.  Evaluation uses a (also in hsgd_fit(), for `best`), and
 * model.safetensors of a checkpoint has a, so that all who read it have the average;
 * state.safetensors has w, to resume with.  States, such as running statistics, are
 * averaged like weights; counts of steps are those of w.
 * Sources: Polyak & Juditsky 1992; d as in TensorFlow's ExponentialMovingAverage,
 * states as in timm's ModelEmaV3. */

/* The defaults: batch 128, 5 epochs, Adam (lr 1e-3, 0.9, 0.999, 1e-8), alpha 0.99,
 * constant rate, power 1, one cycle 0.3, 25 and 1e4, rate threshold 1e-4 and patience 10, no groups, sync, moving rate 0.9, rate ramp 10, replay, no patience, no checkpoints (hist 3).
 * -EINVAL: o is NULL, or its size is wrong. */
HSGD_API int hsgd_train_defaults(struct hsgd_train_options *o, size_t size);

struct hsgd_trainer;

/* options NULL: the defaults.
 * Errors (NULL): -EINVAL naming the field and value, -ENOMEM. */
HSGD_API struct hsgd_trainer *hsgd_trainer_create(struct hsgd_model *model, const struct hsgd_train_options *options);
/* Frees a trainer; the model keeps the weights.  NULL-safe. */
HSGD_API void hsgd_trainer_destroy(struct hsgd_trainer **trainer);

/* The group of the options that a weight belongs to, from 0.
 * Errors: -ENOENT it is in none, or is no weight that trains; -EINVAL the model has no
 * weight of that name. */
HSGD_API int hsgd_trainer_group(const struct hsgd_trainer *trainer, const char *weight);

/* The fields of a batch, as hsgd_trainer_step() takes them. */
#define HSGD_FIELDS(...) \
    (const void *const[]) { __VA_ARGS__ }

/* Gives the types of the fields of the batches that come, of all inputs and targets in the
 * order in which the model declares them, where the model left sizes open.  hsgd_fit() and
 * evaluation take those of their data.  They may change from step to step: plans are kept by
 * number of samples and sizes, up to 128, of which those beyond 8 as long as the memory of all
 * is at most 1 GiB; the least recently used makes room.
 * Errors (the types are as before): -EINVAL there are not n fields, a type does not fit the
 * model's, or an operation cannot work on these sizes; -ENOMEM. */
HSGD_API int hsgd_trainer_set_types(struct hsgd_trainer *trainer, int n, const struct hsgd_type *field);

/* One training step on n samples in memory: field[i] has n samples of the model's
 * input or target i, in the order in which the model declared them (images and
 * classes: n x h x w x c floats, then n int32_t), all only read; *loss (if not NULL)
 * gets the mean loss of the batch before the update.
 * Errors (the weights are unchanged): -EDOM a number is not finite, or not the
 * probability that it should be; -EINVAL a class is out of range, a field is NULL,
 * n is not in 1..2^20, or a size is still open. */
HSGD_API int hsgd_trainer_step(struct hsgd_trainer *trainer, int n, const void *const *field, double *loss);

/* Mean loss and accuracy (0 to 1; NaN if the target of the loss is no class) over a
 * data set, without training; normalised as the data of hsgd_fit() or of the
 * checkpoint was.  The model's inputs and targets are the data's fields of the same
 * names.  loss, accuracy NULL: not
 * wanted.
 * Errors: -EINVAL the data does not match the model; -EINTR the progress
 * function returned false. */
HSGD_API int hsgd_trainer_evaluate(struct hsgd_trainer *trainer, const struct hsgd_data *data, double *loss,
                                   double *accuracy);

/* Replaces the model's weights by their moving average, at the end of a training: for
 * sessions, hsgd_model_save() and the like.  A training that goes on starts from them.
 * Errors: -EINVAL ema_decay is 0. */
HSGD_API int hsgd_trainer_use_ema(struct hsgd_trainer *trainer);

/* All figures of hsgd_model_metric_name(), `count` of them, over a data set.  Errors: as
 * hsgd_trainer_evaluate(); -EINVAL the model has another number. */
HSGD_API int hsgd_trainer_measure(struct hsgd_trainer *trainer, const struct hsgd_data *data, double *figure,
                                  int count);

#define HSGD_KEPT_LOSSES 200
#define HSGD_KEPT_STALENESS 16
#define HSGD_KEPT_REPLICAS 64
#define HSGD_KEPT_METRICS 32

/* Counts of one replica.  This struct has no size and does not grow: it is
 * embedded in struct hsgd_fit_result. */
struct hsgd_replica {
    char device[24]; /* id of its device */
    int64_t updates, samples;
    int batch_size;        /* of its last update */
    double learning_rate;  /* of its last update */
    int64_t merges, stale; /* merges of shards; those with a staleness above 0 */
    int64_t missed;        /* sum of the staleness of all its merges */
    int max_missed;        /* maximum staleness of one merge */
};

/* Why hsgd_fit() ended: all steps are done, the progress function returned
 * false, `patience` epochs brought no better validation, target_accuracy was
 * reached, or time_limit has passed. */
enum hsgd_fit_end { HSGD_FIT_DONE, HSGD_FIT_STOPPED, HSGD_FIT_PATIENCE, HSGD_FIT_TARGET, HSGD_FIT_TIME };

/* Result of hsgd_fit().  When training was resumed from a checkpoint, epochs
 * and steps count from the start of the training, all else from the checkpoint. */
struct hsgd_fit_result {
    size_t size; /* of this struct */
    enum hsgd_fit_end end;
    int epochs;
    int64_t steps, samples;
    double seconds;             /* training time, excluding evaluation */
    double step_seconds_median; /* over steps, each counted with the mean of its window (at most 128 steps) */
    double train_loss, train_accuracy, validation_loss, validation_accuracy; /* of the last epoch; NaN: none */
    int64_t best_step;                  /* after the epoch of the best validation; 0: none */
    double best_loss, best_accuracy;    /* its validation */
    int64_t pushes;                     /* pushes of replicas; 0 without a server */
    int64_t merges;                     /* merges of shards in these pushes */
    int64_t stale[HSGD_KEPT_STALENESS]; /* [k]: merges with staleness k; the last: k or more */
    int replicas;                       /* entries of replica[] */
    struct hsgd_replica replica[HSGD_KEPT_REPLICAS];
    int losses; /* entries of loss[]: the losses of the first steps */
    double loss[HSGD_KEPT_LOSSES];
    int metrics; /* figures of the model, by hsgd_model_metric_name(): of the last epoch, and of the best */
    double train[HSGD_KEPT_METRICS], validation[HSGD_KEPT_METRICS], best[HSGD_KEPT_METRICS];
};

/* Trains on the data for the trainer's epochs or steps; the model's inputs and
 * targets are the data's fields of the same names, and floats are normalised.  After
 * hsgd_checkpoint_load() it continues from that checkpoint.  validation NULL:
 * none; result NULL: not wanted (size is then ignored).
 *
 * An epoch is better than another if its validation figure `best` is, or is equal
 * with a lower loss: higher for accuracy, lower for a loss.  `patience` and the link
 * "best" use this order.
 *
 * time_limit counts the seconds spent in steps since this call.  It is checked
 * between windows of steps, so training may take a window (0.2 s, or one step)
 * longer.  The epoch is then stopped early: it is validated and reported like a
 * complete one, but cannot become the best; resuming from its checkpoint
 * completes it.
 *
 * Checkpoints are written by another thread during training: every
 * checkpoint_every steps, at the end of every epoch, after 5 minutes without
 * one, and at the end.  Those of epochs are at least 40 times the duration of
 * one checkpoint apart, so that they take at most 2.5 % of the time; a best epoch
 * in between is kept in memory and written with the next one.  If a checkpoint
 * cannot be written, a warning is logged and training continues; for the last
 * one it is an error.
 *
 * Errors: -EDOM a loss, parameter or optimizer state is not finite (no checkpoint
 * has been written since), or targets are not the probabilities that they should
 * be; -EINVAL the data does not match the model, the training samples are not those
 * of the loaded checkpoint (hsgd_record_check()), the validation data has its columns
 * in another order, or patience or target_accuracy is set without validation;
 * -EEXIST the folder has checkpoints of later steps; -EBUSY another process keeps its
 * checkpoints there; that of the file system for the last checkpoint. */
HSGD_API int hsgd_fit(struct hsgd_trainer *trainer, const struct hsgd_data *train, const struct hsgd_data *validation,
                      struct hsgd_fit_result *result, size_t size);

/* ----------------------------------------------------------- checkpoints
 * A checkpoint is a folder "step-<n>" with two safetensors files:
 * model.safetensors as hsgd_model_save() writes it, and state.safetensors with
 * the optimizer's state, the position in the data, the normalisation and all
 * else that resuming needs.  With the same devices in deterministic mode a
 * resumed training ends with the bits of one that was never interrupted.
 * Algorithms with a server store one optimizer state, the mean of the replicas'
 * states weighted by their updates; loading creates new replicas, which start
 * with it and with the server's parameters.  A checkpoint appears in its folder
 * whole or not at all.  "last" and "best" are links to the newest one and to
 * that of the best epoch, for convenience only: they may be missing, and are
 * created again. */

/* Writes a checkpoint into `folder` now; returns when it is on the disk.  Must
 * not be called while hsgd_fit() runs: use hsgd_checkpoint_request() there.
 * Errors: -EDOM a parameter or optimizer state is not finite; -EBUSY another
 * process keeps checkpoints there; that of the file system. */
HSGD_API int hsgd_checkpoint_save(struct hsgd_trainer *trainer, const char *folder);

/* Requests a checkpoint after the current window of steps; for progress
 * functions of hsgd_fit().  NULL-safe. */
HSGD_API void hsgd_checkpoint_request(struct hsgd_trainer *trainer);

/* Loads a checkpoint, a folder "step-<n>" or a link to one; hsgd_fit() then
 * continues from it.  On an error the trainer is unchanged.
 * Errors: -EINVAL a file is damaged, or belongs to another model, optimizer,
 * batch_size or seed; -ENOENT no such folder or file; that of the file system. */
HSGD_API int hsgd_checkpoint_load(struct hsgd_trainer *trainer, const char *path);

/* Step of the newest checkpoint in `folder`; -ENOENT: it has none. */
HSGD_API int64_t hsgd_checkpoint_latest(struct hsgd_context *ctx, const char *folder);

/* Step of the best epoch's checkpoint in `folder`, as the newest checkpoint
 * records it; without validation, or if the best is missing, that of the newest.
 * Links are not used.  Errors: -ENOENT the folder has no checkpoint; -EINVAL the
 * newest is damaged; that of the file system. */
HSGD_API int64_t hsgd_checkpoint_best(struct hsgd_context *ctx, const char *folder);

/* A checkpoint's record of its training and data. */
struct hsgd_checkpoint_info {
    size_t size;                              /* of this struct, as the library knows it */
    int64_t step, epochs;                     /* done; step -1: a file of weights alone */
    struct hsgd_normalisation *normalisation; /* NULL: none */
    int classes;                              /* 0: unknown */
    char **class_name;                        /* [classes] */
    struct hsgd_record *record; /* of the training data, for hsgd_data_options; for a checkpoint of version 0.1,
                                     or weights from elsewhere, nearly empty: hsgd_record_format() is "" */
};
/* Reads the record of a checkpoint folder, or of a file of weights as far as it
 * has one; to be freed with hsgd_checkpoint_info_destroy().
 * Errors (NULL): as hsgd_checkpoint_load(). */
HSGD_API struct hsgd_checkpoint_info *hsgd_checkpoint_info_read(struct hsgd_context *ctx, const char *path);
/* NULL-safe. */
HSGD_API void hsgd_checkpoint_info_destroy(struct hsgd_checkpoint_info **info);

/* Sets the normalisation of data in hsgd_trainer_evaluate(); n is copied; NULL:
 * none.
 * Errors: -EINVAL channels is below 1; -ENOMEM. */
HSGD_API int hsgd_trainer_set_normalisation(struct hsgd_trainer *trainer, const struct hsgd_normalisation *n);
/* The same for a field of floats other than the data's first, such as a target, as
 * long as the trainer has no data's record: hsgd_fit() and hsgd_checkpoint_load()
 * give it one.  A session's results (session.h) are values as they were normalised.
 * Errors: -EINVAL the model has no such field, channels is below 1; -ENOMEM. */
HSGD_API int hsgd_trainer_set_field_normalisation(struct hsgd_trainer *trainer, const char *field,
                                                  const struct hsgd_normalisation *n);

/* Times `steps` training steps on fixed synthetic data, for benchmarks; the
 * weights change.  Errors: -EINVAL steps is below 1. */
HSGD_API int hsgd_trainer_time(struct hsgd_trainer *trainer, int steps, double *seconds_per_step);

/* The gradients of the mean loss over n samples at the current weights,
 * concatenated in the order of hsgd_model_weight_name(), each as the weight is
 * stored; out is count = hsgd_model_parameters() floats.  Weights do not change.
 * Errors: as hsgd_trainer_step(); -EINVAL another count. */
HSGD_API int hsgd_trainer_gradients(struct hsgd_trainer *trainer, int n, const void *const *field, float *out,
                                    int64_t count);

/* The operations that follow the gradient in a step, for hsgd_op_run() in tests
 * and tools; rows is 1.
 *
 * update: one optimizer step on n weights (formulas: enum hsgd_optimizer).  x and
 * y: n weights, then 2 n floats of state (momentum or first moment; second
 * moment; of ADAGRAD and RMSPROP v, then b).  params: 0..2, n floats each, whose
 * first `parts` sum to the gradient (of a sum, scaled by HSGD_STEP_SCALE); 3, a
 * row of the step table.  clipped: params[0] alone is the gradient, and the first
 * float of params[1] its factor. */
struct hsgd_update {
    struct hsgd_train_options options;
    int parts;
    bool clipped;
};
HSGD_API extern const struct hsgd_op hsgd_op_update;

/* clip_factor: y[0] = min(1, max_norm / (scale |x|)), |x| the 2-norm of x, which
 * is in `shards` parts; params: 0, a row of the step table, which holds scale. */
struct hsgd_clip_factor {
    int shards;
    float max_norm;
};
HSGD_API extern const struct hsgd_op hsgd_op_clip_factor;

/* ema: y = x + s (w - x), a step of the moving average x of n weights; params: 0, w; 1,
 * a row of the step table, which holds s = 1 - d.  It has no attributes. */
HSGD_API extern const struct hsgd_op hsgd_op_ema;

#ifdef __cplusplus
}
#endif
#endif
