/* SPDX-License-Identifier: BSD-3-Clause */
/* Label smoothing is part of the training loss, and of nothing else. */
#include "core.h"

#include <errno.h>
#include <math.h>

enum { FEATURES = 9, CLASSES = 4, SAMPLES = 30 };

static float x[SAMPLES * FEATURES];
static int32_t labels[SAMPLES];
static struct hsgd_context *ctx;
static struct hsgd_train_options options;

static void begin(void)
{
    for (int i = 0; i < SAMPLES * FEATURES; i++) x[i] = (float)(i * 37 % 101) / 50 - 1;
    for (int i = 0; i < SAMPLES; i++) labels[i] = i % CLASSES;
    ctx = core_context("cpu", 1, false);
    hsgd_train_defaults(&options, sizeof options);
}

static struct hsgd_model *made(const char *loss)
{
    char text[300];
    snprintf(text, sizeof text, "name: m\nlayers:\n  - {op: dense, units: 4}\n  - {op: %s}\n", loss);
    struct hsgd_model *m = hsgd_model_from_text(ctx, text, (struct hsgd_shape){ 1, 1, FEATURES }, CLASSES);
    REQUIRE(m && !hsgd_model_initialise(m, 5));
    return m;
}

/* Mean of -sum_j q_j log p_j, from the model's own probabilities. */
static double expected(struct hsgd_model *m, double smoothing)
{
    static float p[SAMPLES * CLASSES];
    double sum = 0;
    core_outputs(m, x, SAMPLES, p);
    for (int i = 0; i < SAMPLES * CLASSES; i++)
        sum -= ((1 - smoothing) * (i % CLASSES == labels[i / CLASSES]) + smoothing / CLASSES) * log(p[i]);
    return sum / SAMPLES;
}

/* `smoothing` is what the training loss of this model has. */
static void check_loss(struct hsgd_model *m, double smoothing)
{
    double plain, smoothed, want, loss;
    struct hsgd_trainer *t = hsgd_trainer_create(m, &options);
    REQUIRE(t);
    struct hsgd_data *d =
        hsgd_data_memory(ctx, x, labels, SAMPLES, (struct hsgd_shape){ 1, 1, FEATURES }, CLASSES, HSGD_BORROW);
    plain = expected(m, 0);
    want = expected(m, smoothing);
    REQUIRE(!hsgd_trainer_evaluate(t, d, &loss, NULL) &&
            !hsgd_trainer_step(t, SAMPLES, HSGD_FIELDS(x, labels), &smoothed));
    CHECK_MSG(fabs(loss - plain) < 1e-5, "evaluated %g, not %g", loss, plain);
    CHECK_MSG(fabs(smoothed - want) < 1e-5, "trained on %g, not %g", smoothed, want);
    if (smoothing > 0) CHECK(fabs(want - plain) > 1e-3);
    hsgd_data_destroy(&d);
    hsgd_trainer_destroy(&t);
}

static void of_the_training_loss(void)
{
    begin();
    struct hsgd_model *m = made("softmax_cross_entropy, label_smoothing: 0.25");
    check_loss(m, 0.25);
    options.label_smoothing = 0.5f;
    check_loss(m, 0.5);
    hsgd_model_destroy(&m);
    m = made("softmax_cross_entropy");
    check_loss(m, 0.5);
    char *text = hsgd_model_text(m);
    CHECK(text && strstr(text, "label_smoothing: 0.5"));
    free(text);
    hsgd_model_destroy(&m);
    options.label_smoothing = 0;
    m = made("softmax_cross_entropy");
    check_loss(m, 0);
    hsgd_model_destroy(&m);
    hsgd_destroy(&ctx);
}

static void refused(struct hsgd_model *m, float smoothing, const char *sentence)
{
    options.label_smoothing = smoothing;
    CHECK(!hsgd_trainer_create(m, &options));
    CHECK_STR(hsgd_error(ctx), sentence);
}

static void refusals(void)
{
    begin();
    struct hsgd_model *m = made("mse");
    refused(m, 0.1f, "label_smoothing 0.1: the loss of model \"m\", mse, has none");
    refused(m, -0.1f, "label_smoothing must be from 0 to 0.999, not -0.1");
    refused(m, 1, "label_smoothing must be from 0 to 0.999, not 1");
    refused(m, NAN, "label_smoothing must be from 0 to 0.999, not nan");
    hsgd_model_destroy(&m);
    m = hsgd_model_create(ctx, "m");
    struct hsgd_value *x = hsgd_input(m, "x", hsgd_vector(FEATURES));
    struct hsgd_value *label = hsgd_target(m, "label", hsgd_number(HSGD_I32));
    CHECK(!HSGD_JOIN(HSGD_OF(x, label), softmax_cross_entropy, NULL, .label_smoothing = 1));
    CHECK(hsgd_model_finish(m) < 0);
    CHECK_STR(hsgd_error(ctx),
              "model \"m\", layer 1 (softmax_cross_entropy): label_smoothing must be in [0, 1), not 1");
    hsgd_model_destroy(&m);
    hsgd_destroy(&ctx);
}

static const struct core_case cases[] = { { "of_the_training_loss", of_the_training_loss }, { "refusals", refusals } };
CORE_MAIN(cases)
