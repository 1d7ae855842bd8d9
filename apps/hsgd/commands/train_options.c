/* SPDX-License-Identifier: BSD-3-Clause */
/* The options of hsgd train. */
#include "train.h"

static bool is_adam(int optimizer)
{
    return optimizer == HSGD_ADAM || optimizer == HSGD_ADAMW || optimizer == HSGD_LAMB;
}

/* An optimizer's form with momentum; -1: it has none. */
static int with_momentum(int optimizer)
{
    static const int form[HSGD_OPTIMIZERS] = { [HSGD_SGD] = HSGD_MOMENTUM,
                                               [HSGD_MOMENTUM] = HSGD_MOMENTUM,
                                               [HSGD_NESTEROV] = HSGD_NESTEROV,
                                               [HSGD_ADAM] = -1,
                                               [HSGD_ADAMW] = -1,
                                               [HSGD_ADAGRAD] = -1,
                                               [HSGD_LAMB] = -1,
                                               [HSGD_RMSPROP] = HSGD_RMSPROP_MOMENTUM,
                                               [HSGD_RMSPROP_MOMENTUM] = HSGD_RMSPROP_MOMENTUM };
    return form[optimizer];
}

/* Values that were not given are negative. */
static void set_default(double *value, double default_value)
{
    if (*value < 0) *value = default_value;
}

static void complete(struct settings *s)
{
    if (s->epochs < 0 && s->steps < 0) s->epochs = 5;
    if (s->schedule < 0) s->schedule = s->epochs > 0 ? HSGD_COSINE : HSGD_CONSTANT;
    if (!s->data) s->data = "digits";
    if (!s->devices) s->devices = "auto";
    set_default(&s->lr, is_adam(s->optimizer) ? 1e-3 : 1e-2);
    set_default(&s->weight_decay, s->optimizer == HSGD_ADAMW || s->optimizer == HSGD_LAMB ? 1e-2 : 0);
    if (with_momentum(s->optimizer) == s->optimizer) set_default(&s->momentum, 0.9);
}

static int check(const struct settings *s)
{
    if (s->momentum >= 0 && with_momentum(s->optimizer) < 0)
        return report_error(USAGE, "--momentum %g is incompatible with --optimizer %s", s->momentum,
                            hsgd_optimizer_name((enum hsgd_optimizer)s->optimizer));
    if (s->warmup_epochs > 0 && s->warmup_steps > 0)
        return report_error(USAGE, "--warmup-epochs %g is incompatible with --warmup-steps %lld", s->warmup_epochs,
                            (long long)s->warmup_steps);
    if (s->crop && s->resized_crop > 0)
        return report_error(USAGE, "--crop %lld is incompatible with --resized-crop %g", (long long)s->crop,
                            s->resized_crop);
    if (s->min_batch && s->max_batch && s->min_batch > s->max_batch)
        return report_error(USAGE, "--min-batch %lld is greater than --max-batch %lld", (long long)s->min_batch,
                            (long long)s->max_batch);
    if (s->schedule == HSGD_ONE_CYCLE && (s->warmup_steps || s->warmup_epochs > 0))
        return report_error(USAGE, "--warmup-%s is incompatible with --sched one-cycle",
                            s->warmup_steps ? "steps" : "epochs");
    if (s->min_lr > s->lr) return report_error(USAGE, "--min-lr %g is greater than --lr %g", s->min_lr, s->lr);
    if (s->clip_grad > 0 && s->clip_grad < 1e-12)
        return report_error(USAGE, "--clip-grad %g is too small", s->clip_grad);
    return OK;
}

int train_choose_options(struct training *t)
{
    struct settings *s = t->s;
    struct hsgd_train_options *o = &t->options;
    complete(s);
    step_options(s, o);
    if (s->epochs > 0) o->epochs = (int)s->epochs;
    o->steps = s->steps > 0 ? s->steps : 0;
    o->optimizer = (enum hsgd_optimizer)(s->momentum > 0 ? with_momentum(s->optimizer) : s->optimizer);
    o->learning_rate = (float)s->lr;
    o->momentum = (float)(s->momentum < 0 ? 0.9 : s->momentum);
    o->weight_decay = (float)s->weight_decay;
    o->accumulate = (int)s->accumulate;
    o->no_bias_decay = s->no_bias_decay;
    o->ema_decay = (float)s->ema_decay;
    o->clip_norm = (float)s->clip_grad;
    o->label_smoothing = (float)s->label_smoothing;
    t->augment = augment_options(s);
    o->augment = &t->augment;
    o->schedule = (enum hsgd_schedule)s->schedule;
    o->warmup_steps = s->warmup_steps;
    o->step_size = s->step_size;
    o->step_gamma = (float)s->gamma;
    o->min_learning_rate = (float)s->min_lr;
    o->power = (float)s->power;
    o->pct_start = (float)s->pct_start;
    o->div_factor = (float)s->div_factor;
    o->final_div_factor = (float)s->final_div_factor;
    o->rate_threshold = (float)s->lr_threshold;
    o->rate_patience = (int)s->lr_patience;
    o->local_steps = (int)s->local_steps;
    o->staleness = (int)s->staleness;
    o->moving_rate = (float)s->moving_rate;
    o->min_batch = (int)s->min_batch;
    o->max_batch = (int)s->max_batch;
    o->rate_scaling = (enum hsgd_rate_scaling)s->lr_scaling;
    o->rate_ramp = (int)s->lr_ramp;
    o->patience = (int)s->patience;
    o->target_accuracy = s->stop_at;
    o->best = s->best;
    o->time_limit = s->time_limit;
    o->checkpoints = t->folder.checkpoints;
    o->checkpoint_every = s->checkpoint_every;
    o->checkpoint_hist = (int)s->checkpoint_hist;
    o->progress = train_progress;
    o->progress_user = t;
    int code = check(s);
    return code ? code : train_choose_groups(t);
}

/* With both --epochs and --steps, the smaller number of steps counts. */
int train_choose_lengths(struct training *t)
{
    const struct settings *s = t->s;
    struct hsgd_train_options *o = &t->options;
    int64_t n = hsgd_data_count(t->run.train), per_epoch = (n + o->batch_size - 1) / o->batch_size;
    int64_t steps = per_epoch * o->epochs;
    if (s->stop_at > 0 && !t->run.validation)
        return report_error(USAGE, "--stop-at %g needs validation samples, and --validation \"%s\" leaves none",
                            s->stop_at, s->validation);
    if (o->patience && !t->run.validation)
        return report_error(USAGE, "--patience %d needs validation samples, and --validation \"%s\" leaves none",
                            o->patience, s->validation);
    if (s->best && !t->run.validation)
        return report_error(USAGE, "--best %s needs validation samples, and --validation \"%s\" leaves none", s->best,
                            s->validation);
    if (s->epochs > 0 && o->steps > steps) o->steps = steps;
    else if (!o->steps) o->steps = steps;
    if (s->warmup_epochs > 0) o->warmup_steps = (int64_t)(s->warmup_epochs * (double)per_epoch + 0.5);
    t->steps_per_epoch = per_epoch;
    if (t->folder.step > o->steps)
        return report_error(USAGE, "--%s %lld is %lld steps, but the run in \"%s\" has done %lld",
                            s->epochs > 0 ? "epochs" : "steps", (long long)(s->epochs > 0 ? s->epochs : s->steps),
                            (long long)o->steps, t->folder.name, (long long)t->folder.step);
    return OK;
}
