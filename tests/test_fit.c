/* SPDX-License-Identifier: BSD-3-Clause */
/* Training over data sets: batches, evaluating, what is refused, progress. */
#include "train.h"

#include <errno.h>
#include <math.h>

/* --------------------------------------------------------------- batches */

/* Copies of one sample: the mean gradient is that sample's, whatever the
 * batch's size, so a partial batch divided by the full size would show. */
static void last_batch_means_over_its_size(void)
{
    begin("linear", false);
    for (int i = 1; i < 100; i++) memcpy(x + i * FEATURES, x, FEATURES * sizeof *x), labels[i] = labels[0];
    options.batch_size = 64;
    options.epochs = 1;
    struct hsgd_data *d = points(100);
    struct hsgd_fit_result r;
    fit(d, &r);
    CHECK(r.steps == 2 && r.samples == 100 && r.losses == 2);
    float *fitted = core_weights(model, NULL), one[FEATURES];
    struct hsgd_normalisation *norm = hsgd_data_statistics(d);
    hsgd_data_gather(d, &(int64_t){ 0 }, 1, norm, one, NULL);
    hsgd_normalisation_destroy(&norm);
    CHECK(!hsgd_model_initialise(model, 0));
    struct hsgd_trainer *t = trainer();
    for (int i = 0; i < 2; i++) {
        double loss;
        REQUIRE(!hsgd_trainer_step(t, 1, HSGD_FIELDS(one, labels), &loss));
        CHECK_MSG(fabs(loss - r.loss[i]) < 1e-5 * loss, "loss %g, not %g", r.loss[i], loss);
    }
    float *stepped = core_weights(model, NULL);
    CHECK(core_distance(fitted, stepped, PARAMETERS) < 1e-5);
    free(fitted), free(stepped);
    hsgd_trainer_destroy(&t);
    hsgd_data_destroy(&d);
    end();
}

/* One batch per epoch holds all samples, in whatever order. */
static void fit_does_the_same_steps(void)
{
    float all[SAMPLES * FEATURES];
    int64_t index[SAMPLES];
    begin("linear", false);
    options.batch_size = 1000; /* more than there are */
    options.epochs = 5;
    options.schedule = HSGD_COSINE;
    options.optimizer = HSGD_NESTEROV;
    options.learning_rate = 0.1f;
    struct hsgd_data *d = points(SAMPLES);
    struct hsgd_fit_result r;
    fit(d, &r);
    CHECK(r.epochs == 5 && r.steps == 5 && r.samples == 5 * SAMPLES);
    float *fitted = core_weights(model, NULL);
    struct hsgd_normalisation *norm = hsgd_data_statistics(d);
    for (int i = 0; i < SAMPLES; i++) index[i] = i;
    hsgd_data_gather(d, index, SAMPLES, norm, all, NULL);
    hsgd_normalisation_destroy(&norm);
    CHECK(!hsgd_model_initialise(model, 0));
    options.steps = 5;
    struct hsgd_trainer *t = trainer();
    for (int i = 0; i < 5; i++) REQUIRE(!hsgd_trainer_step(t, SAMPLES, HSGD_FIELDS(all, labels), NULL));
    float *stepped = core_weights(model, NULL);
    CHECK_MSG(core_distance(fitted, stepped, PARAMETERS) < 1e-5, "off by %g",
              core_distance(fitted, stepped, PARAMETERS));
    free(fitted), free(stepped);
    hsgd_trainer_destroy(&t);
    hsgd_data_destroy(&d);
    end();
}

/* More sizes than plans are kept. */
static void batches_of_many_sizes(void)
{
    make_points();
    ctx = core_context("cpu,opencl", 1, false);
    model = hsgd_model_by_name(ctx, "linear", shape, CLASSES);
    hsgd_train_defaults(&options, sizeof options);
    struct hsgd_trainer *t = trainer();
    for (int round = 0; round < 2; round++)
        for (int n = 1; n <= 12; n++) {
            float g[PARAMETERS];
            step(t, 0, n * n);
            REQUIRE(!hsgd_trainer_gradients(t, n * n, HSGD_FIELDS(x, labels), g, PARAMETERS));
        }
    hsgd_trainer_destroy(&t);
    end();
}

static void shuffles_by_seed(void)
{
    struct hsgd_fit_result r[3];
    begin("linear", true);
    options.batch_size = 20;
    options.epochs = 3;
    struct hsgd_data *d = points(SAMPLES);
    for (int i = 0; i < 3; i++) {
        options.seed = i < 2 ? 7 : 8;
        CHECK(!hsgd_model_initialise(model, 0));
        fit(d, &r[i]);
        CHECK(r[i].losses == 30);
    }
    CHECK(!memcmp(r[0].loss, r[1].loss, 30 * sizeof r[0].loss[0]));
    CHECK(memcmp(r[0].loss, r[2].loss, 30 * sizeof r[0].loss[0]));
    hsgd_data_destroy(&d);
    end();
}

/* ------------------------------------------------------------- evaluating */

static void evaluates(void)
{
    begin("linear", false);
    options.batch_size = 64;
    struct hsgd_trainer *t = trainer();
    struct hsgd_data *d = points(SAMPLES);
    for (int i = 0; i < 5; i++) step(t, 0, 8);
    float *w = core_weights(model, NULL);
    double loss = 0, accuracy = 0, got_loss, got_accuracy;
    for (int i = 0; i < SAMPLES; i++) {
        double z[CLASSES], sum = 0;
        int best = 0;
        for (int c = 0; c < CLASSES; c++) {
            z[c] = w[FEATURES * CLASSES + c];
            for (int f = 0; f < FEATURES; f++) z[c] += (double)w[f * CLASSES + c] * x[i * FEATURES + f];
            if (z[c] > z[best]) best = c;
            sum += exp(z[c]);
        }
        loss += (log(sum) - z[labels[i]]) / SAMPLES;
        accuracy += (best == labels[i]) / (double)SAMPLES;
    }
    REQUIRE(!hsgd_trainer_evaluate(t, d, &got_loss, &got_accuracy));
    CHECK_MSG(fabs(got_loss - loss) < 1e-5 * loss, "loss %g, not %g", got_loss, loss);
    CHECK_MSG(fabs(got_accuracy - accuracy) < 1e-9, "accuracy %g, not %g", got_accuracy, accuracy);
    CHECK(!hsgd_trainer_evaluate(t, d, NULL, NULL));
    float *same = core_weights(model, NULL);
    CHECK(!memcmp(w, same, PARAMETERS * sizeof *w));
    free(w), free(same);
    hsgd_data_destroy(&d);
    hsgd_trainer_destroy(&t);
    end();
}

/* ---------------------------------------------------------------- refusing */

static void refused(const char *sentence)
{
    CHECK(!hsgd_trainer_create(model, &options));
    CHECK_STR(hsgd_error(ctx), sentence);
    hsgd_train_defaults(&options, sizeof options);
}

static void refuses_bad_options(void)
{
    begin("linear", false);
    hsgd_train_defaults(&options, sizeof options);
    options.batch_size = 0, refused("batch_size must be from 1 to 1.04858e+06, not 0");
    options.epochs = -1, refused("epochs must be from 0 to 1e+09, not -1");
    options.steps = -5, refused("steps must be from 0 to 1e+15, not -5");
    options.optimizer = HSGD_OPTIMIZERS, refused("optimizer must be from 0 to 8, not 9");
    options.learning_rate = NAN, refused("learning_rate must be from 0 to 1e+06, not nan");
    options.learning_rate = -1, refused("learning_rate must be from 0 to 1e+06, not -1");
    options.momentum = 1.5f, refused("momentum must be from 0 to 1, not 1.5");
    options.beta1 = 1, refused("beta1 must be from 0 to 1, not 1");
    options.weight_decay = -1, refused("weight_decay must be from 0 to 1e+06, not -1");
    options.clip_norm = -1, refused("clip_norm must be from 0 to 1e+30, not -1");
    options.schedule = HSGD_SCHEDULES, refused("schedule must be from 0 to 5, not 6");
    options.power = -1, refused("power must be from 0 to 100, not -1");
    options.rate_patience = -1, refused("rate_patience must be from 0 to 1e+09, not -1");
    options.schedule = HSGD_ONE_CYCLE, options.warmup_steps = 3;
    refused("warmup_steps 3 is incompatible with schedule \"one-cycle\"");
    options.schedule = HSGD_ONE_CYCLE, options.div_factor = 0.5f;
    refused("div_factor must be from 1 to 1e+09, not 0.5");
    options.warmup_steps = -1, refused("warmup_steps must be from 0 to 1e+15, not -1");
    options.step_size = 0, refused("step_size must be from 1 to 1e+15, not 0");
    options.step_gamma = 2, refused("step_gamma must be from 0 to 1, not 2");
    options.alpha = 1, refused("alpha must be from 0 to 1, not 1");
    options.executor = (enum hsgd_executor)2, refused("executor must be from 0 to 1, not 2");
    end();
}

static void refuses_bad_data(void)
{
    char before[65], after[65];
    begin("linear", false);
    struct hsgd_trainer *t = trainer();
    struct hsgd_fit_result r;
    CHECK(!hsgd_model_digest(model, before));
    CHECK(hsgd_trainer_step(t, 0, HSGD_FIELDS(x, labels), NULL) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "a batch needs at least 1 sample, not 0");
    labels[5] = CLASSES;
    CHECK(hsgd_trainer_step(t, 8, HSGD_FIELDS(x, labels), NULL) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "label 4 of sample 5 is not in 0..3");
    labels[5] = -1;
    CHECK(hsgd_trainer_step(t, 8, HSGD_FIELDS(x, labels), NULL) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "label -1 of sample 5 is not in 0..3");
    labels[5] = 1;
    struct hsgd_data *wide =
        hsgd_data_memory(ctx, x, labels, 50, (struct hsgd_shape){ 1, 2, FEATURES }, CLASSES, HSGD_BORROW);
    struct hsgd_data *many = hsgd_data_memory(ctx, x, labels, 50, shape, CLASSES + 1, HSGD_BORROW), *good = points(50);
    CHECK(hsgd_fit(t, wide, NULL, &r, sizeof r) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "data \"memory\" has samples of 1x2x12, model \"linear\" takes 1x1x12");
    CHECK(hsgd_trainer_evaluate(t, many, NULL, NULL) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "data \"memory\" has 5 classes, model \"linear\" has 4 outputs");
    CHECK(hsgd_fit(t, good, many, &r, sizeof r) == -EINVAL);
    CHECK(!hsgd_model_digest(model, after));
    CHECK_STR(after, before);
    hsgd_data_destroy(&wide), hsgd_data_destroy(&many), hsgd_data_destroy(&good);
    hsgd_trainer_destroy(&t);
    end();
}

/* ---------------------------------------------------------------- progress */

struct seen {
    int calls, epochs, stop_at;
    double rate, validation;
    int64_t step;
};

static bool watch(void *user, const struct hsgd_progress *p)
{
    struct seen *s = user;
    s->calls++;
    s->epochs += p->epoch_end;
    s->rate = p->learning_rate;
    s->step = p->step;
    if (p->epoch_end) s->validation = p->validation_accuracy;
    CHECK(p->loss > 0 && p->samples_per_second > 0 && p->step <= p->steps);
    CHECK(p->epoch_end || isnan(p->validation_loss));
    return s->calls != s->stop_at;
}

static void progress(void)
{
    struct seen s = { 0 };
    struct hsgd_fit_result r;
    begin("linear", false);
    struct hsgd_data *d = points(SAMPLES);
    options.batch_size = 50;
    options.epochs = 4;
    options.schedule = HSGD_COSINE;
    options.progress = watch;
    options.progress_user = &s;
    struct hsgd_trainer *t = trainer();
    REQUIRE(!hsgd_fit(t, d, d, &r, sizeof r));
    CHECK(s.epochs == 4 && s.step == 16 && r.steps == 16 && r.epochs == 4);
    CHECK(s.validation == r.validation_accuracy && r.validation_accuracy > 0.5);
    double want = 0.5 * (1 + cos(acos(-1) * 15 / 16)) / 2;
    CHECK_MSG(fabs(s.rate - want) < 1e-4, "learning rate %g, not %g", s.rate, want);
    hsgd_trainer_destroy(&t);
    s = (struct seen){ .stop_at = 3 };
    t = trainer();
    REQUIRE(!hsgd_fit(t, d, d, &r, sizeof r));
    CHECK_MSG(s.calls == 3 && r.steps > 4 && r.steps <= 8, "%d calls, %lld steps", s.calls, (long long)r.steps);
    hsgd_trainer_destroy(&t);
    hsgd_data_destroy(&d);
    end();
}

/* 19 quick steps in one window and a slow one in another: of 20 steps the median
 * is a quick one, and no more than the time of the slow one was spent in it. */
static void median_is_over_steps(void)
{
    struct hsgd_fit_result r;
    setenv("HSGD_SLOW", "cpu:100000us@19", 1);
    begin("linear", false);
    options.batch_size = 10;
    options.epochs = 1;
    struct hsgd_data *d = points(191);
    fit(d, &r);
    CHECK(r.steps == 20);
    CHECK_MSG(r.step_seconds_median < 0.1 && r.seconds >= 0.1, "median %g s, all %g s", r.step_seconds_median,
              r.seconds);
    hsgd_data_destroy(&d);
    end();
}

static const struct core_case cases[] = {
    { "last_batch_means_over_its_size", last_batch_means_over_its_size },
    { "fit_does_the_same_steps", fit_does_the_same_steps },
    { "batches_of_many_sizes", batches_of_many_sizes },
    { "shuffles_by_seed", shuffles_by_seed },
    { "evaluates", evaluates },
    { "refuses_bad_options", refuses_bad_options },
    { "refuses_bad_data", refuses_bad_data },
    { "progress", progress },
    { "median_is_over_steps", median_is_over_steps },
};
CORE_MAIN(cases)
