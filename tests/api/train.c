/* SPDX-License-Identifier: BSD-3-Clause */
/* Random calls: trainers, checkpoints, plans. */
#include "fuzz.h"

#include <math.h>

#define TRAINER(i) OR_NULL(i, some_trainer())

static bool stop_sometimes(void *user, const struct hsgd_progress *p)
{
    (void)user;
    return p->size >= sizeof p->size && !one_in(50);
}

/* Seconds that a training may take are ours to choose: few steps, small batches. */
static struct hsgd_train_options some_options(void)
{
    struct hsgd_train_options o;
    hsgd_train_defaults(&o, sizeof o);
    o.batch_size = wild_low(8);
    o.epochs = wild_low(2);
    o.steps = one_in(4) ? wild_low(3) : 0;
    if (one_in(2)) o.optimizer = (enum hsgd_optimizer)wild_enum(HSGD_OPTIMIZERS);
    if (one_in(4)) o.schedule = (enum hsgd_schedule)wild_enum(HSGD_SCHEDULES);
    if (one_in(4)) o.algorithm = (enum hsgd_algorithm)wild_enum(HSGD_ALGORITHMS);
    if (one_in(4)) o.executor = (enum hsgd_executor)wild_enum(2);
    if (one_in(4)) o.rate_scaling = (enum hsgd_rate_scaling)wild_enum(HSGD_RATE_SCALINGS);
    o.learning_rate = one_in(4) ? wild_float(0.1f) : 0.01f;
    if (one_in(4)) o.clip_norm = wild_float(1), o.momentum = wild_float(0.9f), o.beta1 = wild_float(0.9f);
    if (one_in(8)) o.epsilon = wild_float(1e-8f), o.weight_decay = wild_float(0.1f), o.beta2 = wild_float(0.9f);
    if (one_in(8)) o.alpha = wild_float(0.99f), o.no_bias_decay = one_in(2), o.accumulate = wild_low(3);
    if (one_in(4)) o.ema_decay = wild_float(0.9f);
    if (one_in(4)) o.slices = wild_low(5);
    static const struct hsgd_group groups[] = { { "*", 0.5f, -1 }, { "*.bias", 0, 0 }, { NULL, NAN, INFINITY } };
    if (one_in(4)) o.group = one_in(8) ? NULL : groups, o.groups = one_in(8) ? below(4) : 1 + below(2);
    if (one_in(8)) o.label_smoothing = wild_float(0.1f), o.moving_rate = wild_float(0.9f), o.min_share = wild_float(0);
    if (one_in(8)) o.power = wild_float(2), o.pct_start = wild_float(0.5f), o.div_factor = wild_float(4);
    if (one_in(8)) o.final_div_factor = wild_float(9), o.rate_threshold = wild_float(0.1f), o.rate_patience = wild(1);
    if (one_in(8)) o.warmup_steps = wild64(2), o.step_size = wild64(2), o.step_gamma = wild_float(0.5f);
    if (one_in(8)) o.local_steps = wild(2), o.staleness = wild(2), o.rate_ramp = wild(2);
    if (one_in(8)) o.min_batch = wild_low(4), o.max_batch = wild_low(8);
    if (one_in(8)) o.patience = wild(2), o.target_accuracy = wild_float(0.9f);
    if (one_in(8)) o.time_limit = wild_float(1), o.checkpoint_every = wild64(2), o.checkpoint_hist = wild(2);
    if (one_in(4)) o.checkpoints = any_path("checkpoints");
    if (one_in(2)) o.progress = stop_sometimes;
    o.seed = draw();
    o.size = wild_size(sizeof o);
    return o;
}

static bool create(void)
{
    struct hsgd_train_options o = some_options();
    hsgd_trainer_destroy(&world.other_trainer);
    struct hsgd_model *m = OR_NULL(0, one_in(8) ? world.trained : world.other_model);
    world.other_trainer = hsgd_trainer_create(m, OR_NULL(1, &o));
    return world.other_trainer;
}

static bool group(void) { return hsgd_trainer_group(TRAINER(0), OR_NULL(1, any_text("fc1.bias"))) >= 0; }

static bool destroy(void)
{
    hsgd_trainer_destroy(OR_NULL(0, &world.other_trainer));
    return true;
}

/* Not more samples than the buffers hold. */
static bool step(void)
{
    double loss;
    return !hsgd_trainer_step(TRAINER(0), wild_low(1 + below(8)),
                              HSGD_FIELDS(OR_NULL(1, some_floats()), OR_NULL(2, some_labels())), OR_NULL(3, &loss));
}

static bool set_types(void)
{
    struct hsgd_type type[2] = { hsgd_vector(FEATURES), hsgd_number(HSGD_I32) };
    if (one_in(4)) type[below(2)].dim[0] = wild(0);
    if (one_in(4)) type[below(2)].rank = wild_low(1);
    return !hsgd_trainer_set_types(TRAINER(0), one_in(4) ? wild_enum(2) : 2, OR_NULL(1, type));
}

static bool gradients(void)
{
    int64_t n = hsgd_model_parameters(world.trained);
    return !hsgd_trainer_gradients(TRAINER(0), wild_low(5),
                                   HSGD_FIELDS(OR_NULL(1, some_floats()), OR_NULL(2, some_labels())),
                                   OR_NULL(3, results), wild64(n));
}

static bool evaluate(void)
{
    double loss, accuracy;
    const struct hsgd_data *d = one_in(3) ? some_data() : world.table;
    return !hsgd_trainer_evaluate(TRAINER(0), OR_NULL(1, d), OR_NULL(2, &loss), OR_NULL(3, &accuracy));
}

static bool measure(void)
{
    double figure[HSGD_KEPT_METRICS];
    const struct hsgd_data *d = one_in(3) ? some_data() : world.table;
    return !hsgd_trainer_measure(TRAINER(0), OR_NULL(1, d), OR_NULL(2, figure), one_in(4) ? wild(2) : 2);
}

static bool use_ema(void) { return !hsgd_trainer_use_ema(TRAINER(0)); }

static bool fit(void)
{
    static struct hsgd_fit_result r;
    const struct hsgd_data *train = one_in(4) ? some_data() : world.table,
                           *validation = one_in(4) ? some_data() : world.table;
    size_t size = one_in(8) ? (size_t[]){ 0, 1, 16, SIZE_MAX }[below(4)] : sizeof r;
    return !hsgd_fit(TRAINER(0), OR_NULL(1, train), OR_NULL(2, validation), OR_NULL(3, &r), size);
}

static bool time_steps(void)
{
    double seconds;
    return !hsgd_trainer_time(TRAINER(0), wild_low(2), OR_NULL(1, &seconds));
}

static bool set_normalisation(void)
{
    hsgd_trainer_set_normalisation(TRAINER(0), OR_NULL(1, some_norm()));
    return true;
}

static bool set_field_normalisation(void)
{
    static const char *const names[] = { "x", "label", "target" };
    const struct hsgd_normalisation *n = some_norm();
    return !hsgd_trainer_set_field_normalisation(TRAINER(0), OR_NULL(1, any_text(names[below(3)])), n);
}

/* ----------------------------------------------------------------------- plans */

static bool plan(void) { return hsgd_trainer_plan(TRAINER(0), wild(1 + below(8))) > 0; }

static bool plan_cell(void)
{
    struct hsgd_plan_cell c;
    size_t size = one_in(8) ? (size_t[]){ 0, 1, 16, SIZE_MAX }[below(4)] : sizeof c;
    return !hsgd_trainer_plan_cell(TRAINER(0), wild(8), wild(0), OR_NULL(1, &c), size);
}

static bool plan_device(void)
{
    struct hsgd_plan_device d;
    size_t size = one_in(8) ? (size_t[]){ 0, 1, 16, SIZE_MAX }[below(4)] : sizeof d;
    return !hsgd_trainer_plan_device(TRAINER(0), wild(8), wild(0), OR_NULL(1, &d), size);
}

static bool plan_ms(void) { return hsgd_trainer_plan_ms(TRAINER(0), wild(8)) >= 0; }

static bool plan_steps(void)
{
    double seconds;
    return hsgd_trainer_plan_steps(TRAINER(0), wild(8), OR_NULL(1, &seconds)) >= 0;
}

static bool candidates(void)
{
    struct hsgd_candidate list[4];
    size_t size = one_in(8) ? (size_t[]){ 0, 1, 16, SIZE_MAX }[below(4)] : sizeof *list;
    return hsgd_trainer_candidates(TRAINER(0), wild(8), OR_NULL(1, list), size, wild_low(4)) >= 0;
}

/* ---------------------------------------------------------------- calibrations */

static size_t some_size(size_t right) { return one_in(8) ? (size_t[]){ 0, 1, 16, SIZE_MAX }[below(4)] : right; }

static bool calibrate(void)
{
    struct hsgd_calibration list[4];
    return hsgd_trainer_calibrate(TRAINER(0), wild(8), one_in(2), OR_NULL(1, list), some_size(sizeof *list),
                                  wild_low(4)) >= 0;
}

static bool calibration_list(void)
{
    struct hsgd_calibration list[4];
    return hsgd_calibration_list(OR_NULL(0, world.ctx), OR_NULL(1, list), some_size(sizeof *list), wild_low(4)) >= 0;
}

static bool calibration_clear(void)
{
    struct hsgd_calibration_cleared done;
    return !hsgd_calibration_clear(OR_NULL(0, world.ctx), OR_NULL(1, any_text("mlp")), OR_NULL(2, &done),
                                   some_size(sizeof done));
}

/* ----------------------------------------------------------------- checkpoints */

static bool save(void) { return !hsgd_checkpoint_save(TRAINER(0), OR_NULL(1, any_path("checkpoints"))); }

static bool request(void)
{
    hsgd_checkpoint_request(TRAINER(0));
    return true;
}

static bool load(void) { return !hsgd_checkpoint_load(TRAINER(0), OR_NULL(1, any_path("checkpoints/last"))); }

static bool latest(void)
{
    return hsgd_checkpoint_latest(OR_NULL(0, world.ctx), OR_NULL(1, any_path("checkpoints"))) >= 0;
}

static bool best(void) { return hsgd_checkpoint_best(OR_NULL(0, world.ctx), OR_NULL(1, any_path("checkpoints"))) >= 0; }

static bool info_read(void)
{
    struct hsgd_checkpoint_info *info;
    info = hsgd_checkpoint_info_read(OR_NULL(0, world.ctx), OR_NULL(1, any_path("checkpoints/last")));
    bool good = info;
    hsgd_checkpoint_info_destroy(&info);
    return good;
}

static bool info_destroy(void)
{
    struct hsgd_checkpoint_info *info = one_in(2) ? NULL : hsgd_checkpoint_info_read(world.ctx, "checkpoints/last");
    hsgd_checkpoint_info_destroy(OR_NULL(0, &info));
    hsgd_checkpoint_info_destroy(&info);
    return true;
}

const struct call train_calls[] = { { "hsgd_trainer_create", create, 2, true },
                                    { "hsgd_trainer_destroy", destroy, 1, true },
                                    { "hsgd_trainer_group", group, 2, false },
                                    { "hsgd_trainer_step", step, 4, false },
                                    { "hsgd_trainer_set_types", set_types, 2, false },
                                    { "hsgd_trainer_gradients", gradients, 4, false },
                                    { "hsgd_trainer_evaluate", evaluate, 4, false },
                                    { "hsgd_trainer_measure", measure, 3, false },
                                    { "hsgd_fit", fit, 4, true },
                                    { "hsgd_trainer_time", time_steps, 2, true },
                                    { "hsgd_trainer_use_ema", use_ema, 1, false },
                                    { "hsgd_trainer_set_normalisation", set_normalisation, 2, false },
                                    { "hsgd_trainer_set_field_normalisation", set_field_normalisation, 2, false },
                                    { "hsgd_trainer_plan", plan, 1, false },
                                    { "hsgd_trainer_plan_cell", plan_cell, 2, false },
                                    { "hsgd_trainer_plan_device", plan_device, 2, false },
                                    { "hsgd_trainer_plan_ms", plan_ms, 1, false },
                                    { "hsgd_trainer_plan_steps", plan_steps, 2, false },
                                    { "hsgd_trainer_candidates", candidates, 2, true },
                                    { "hsgd_trainer_calibrate", calibrate, 2, true },
                                    { "hsgd_calibration_list", calibration_list, 2, false },
                                    { "hsgd_calibration_clear", calibration_clear, 3, false },
                                    { "hsgd_checkpoint_save", save, 2, true },
                                    { "hsgd_checkpoint_request", request, 1, false },
                                    { "hsgd_checkpoint_load", load, 2, true },
                                    { "hsgd_checkpoint_latest", latest, 2, false },
                                    { "hsgd_checkpoint_best", best, 2, false },
                                    { "hsgd_checkpoint_info_read", info_read, 2, false },
                                    { "hsgd_checkpoint_info_destroy", info_destroy, 1, false },
                                    { NULL, NULL, 0, false } };
