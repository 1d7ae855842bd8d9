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

/* How steps are submitted: prebuilt tasks again and again, or fresh tasks with
 * the dependencies that StarPU derives (the reference). */
enum hsgd_executor { HSGD_REPLAY, HSGD_INSERT };

/* "sgd", "momentum", "nesterov", "adam", "adamw"; NULL when out of range. */
HSGD_API const char *hsgd_optimizer_name(enum hsgd_optimizer o);
/* "constant", "step", "cosine"; NULL when out of range. */
HSGD_API const char *hsgd_schedule_name(enum hsgd_schedule s);

/* Progress of hsgd_fit(), every so many steps (at most 128) and at the end of
 * an epoch; return false to stop there. */
struct hsgd_progress {
    int epoch, epochs;
    int64_t step, steps;          /* global, from 1 */
    double loss;                  /* mean over the epoch so far */
    double samples_per_second;
    double learning_rate;         /* of the last step */
    bool epoch_end;
    double train_accuracy;        /* over the epoch so far */
    double validation_loss, validation_accuracy; /* at epoch_end; NaN where not known */
};
/* Called after every window of steps and at the end of every epoch. */
typedef bool hsgd_progress_fn(void *user, const struct hsgd_progress *p);

/* How to train; start from hsgd_train_defaults(). */
struct hsgd_train_options {
    int batch_size;
    int epochs;
    int64_t steps;               /* > 0: stop after so many steps */
    enum hsgd_optimizer optimizer;
    float learning_rate, momentum, beta1, beta2, epsilon, weight_decay;
    float clip_norm;             /* > 0: scale gradients so that their global 2-norm is at most this */
    enum hsgd_schedule schedule;
    int64_t warmup_steps, step_size;
    float step_gamma, min_learning_rate;
    uint64_t seed;
    enum hsgd_executor executor;
    hsgd_progress_fn *progress;
    void *progress_user;
};

/* The defaults: batch 128, 5 epochs, Adam (lr 1e-3, 0.9, 0.999, 1e-8),
 * constant rate, replay. */
HSGD_API void hsgd_train_defaults(struct hsgd_train_options *o);

struct hsgd_trainer;

/* Errors (NULL): -EINVAL naming the field and value, -ENOMEM. */
HSGD_API struct hsgd_trainer *hsgd_trainer_create(struct hsgd_model *model, const struct hsgd_train_options *options);
/* Frees a trainer; the model keeps the weights.  NULL-safe. */
HSGD_API void hsgd_trainer_destroy(struct hsgd_trainer **trainer);

/* One training step on n samples in memory (NHWC); *loss (if not NULL) gets
 * the batch's mean loss before the update. */
HSGD_API int hsgd_trainer_step(struct hsgd_trainer *trainer, const float *x, const int32_t *labels, int n,
                               double *loss);

/* Mean loss and accuracy over a data set, without training. */
HSGD_API int hsgd_trainer_evaluate(struct hsgd_trainer *trainer, const struct hsgd_data *data, double *loss,
                                   double *accuracy);

#define HSGD_KEPT_LOSSES 200

/* What hsgd_fit() has done. */
struct hsgd_fit_result {
    int epochs;
    int64_t steps, samples;
    double seconds;               /* training proper, without evaluation */
    double step_seconds_median;
    double train_loss, train_accuracy, validation_loss, validation_accuracy;
    int losses;                   /* how many of the first step losses are kept */
    double loss[HSGD_KEPT_LOSSES];
};

/* Trains over the data for the trainer's epochs or steps.  validation may be
 * NULL. */
HSGD_API int hsgd_fit(struct hsgd_trainer *trainer, const struct hsgd_data *train, const struct hsgd_data *validation,
                      struct hsgd_fit_result *result);

/* Seconds per step of `steps` steps on fixed made-up data, for benchmarks. */
HSGD_API int hsgd_trainer_time(struct hsgd_trainer *trainer, int steps, double *seconds_per_step);

/* The gradients of the mean loss over n samples at the present weights,
 * concatenated in the order of hsgd_model_weight_name(); count floats. */
HSGD_API int hsgd_trainer_gradients(struct hsgd_trainer *trainer, const float *x, const int32_t *labels, int n,
                                    float *out, int64_t count);

#ifdef __cplusplus
}
#endif
#endif
