/* SPDX-License-Identifier: BSD-3-Clause */
/* Outputs of a model, against double precision and against evaluation. */
#include "core.h"

#include <errno.h>
#include <math.h>

enum { FEATURES = 20, HIDDEN = 24, CLASSES = 5, BATCH = 16, SAMPLES = 18 * BATCH + 5 };

static struct hsgd_context *ctx;
static struct hsgd_model *model;
static struct hsgd_trainer *trainer;
static float x[SAMPLES * FEATURES], out[SAMPLES * CLASSES];

static struct hsgd_model *two_layers(bool softmax)
{
    struct hsgd_model *m = hsgd_model_create(ctx, "two");
    struct hsgd_value *x = hsgd_input(m, "x", hsgd_vector(FEATURES));
    struct hsgd_value *label = hsgd_target(m, "label", hsgd_number(HSGD_I32));
    x = HSGD_OP(x, dense, NULL, .units = HIDDEN, .activation = HSGD_RELU);
    x = HSGD_OP(x, dropout, NULL, .p = 0.5f);
    x = HSGD_OP(x, dense, NULL, .units = CLASSES);
    hsgd_loss(softmax ? HSGD_JOIN(HSGD_OF(x, label), softmax_cross_entropy, NULL)
                      : HSGD_JOIN(HSGD_OF(x, label), mse, NULL));
    REQUIRE(!hsgd_model_finish(m));
    return m;
}

static struct hsgd_trainer *make_trainer(enum hsgd_executor executor)
{
    struct hsgd_train_options o;
    hsgd_train_defaults(&o, sizeof o);
    o.batch_size = BATCH;
    o.optimizer = HSGD_SGD;
    o.learning_rate = 0.05f;
    o.executor = executor;
    struct hsgd_trainer *t = hsgd_trainer_create(model, &o);
    if (!CHECK_MSG(t != NULL, "%s", hsgd_error(ctx))) core_end();
    return t;
}

static void begin(const char *devices, bool softmax, enum hsgd_executor executor)
{
    ctx = core_context(devices, 0, false);
    model = two_layers(softmax);
    REQUIRE(model);
    trainer = make_trainer(executor);
    unsigned state = 1;
    for (int i = 0; i < SAMPLES * FEATURES; i++) {
        state = state * 1664525u + 1013904223u;
        x[i] = (float)(state >> 8) / (1 << 23) - 1.0f;
    }
}

static void end(void)
{
    hsgd_trainer_destroy(&trainer);
    hsgd_model_destroy(&model);
    hsgd_destroy(&ctx);
}

/* y = x W + b in double precision, W in x out as stored. */
static void dense(const char *layer, const double *in, int n, double *y, int units)
{
    float w[HIDDEN * HIDDEN], b[HIDDEN];
    char name[40];
    snprintf(name, sizeof name, "%s.weight", layer);
    REQUIRE(!hsgd_model_get_weight(model, name, w, n * units));
    snprintf(name, sizeof name, "%s.bias", layer);
    REQUIRE(!hsgd_model_get_weight(model, name, b, units));
    for (int k = 0; k < units; k++) {
        y[k] = b[k];
        for (int i = 0; i < n; i++) y[k] += in[i] * w[i * units + k];
    }
}

static void reference(const float *sample, bool softmax, double *y)
{
    double in[FEATURES], hidden[HIDDEN], sum = 0;
    for (int i = 0; i < FEATURES; i++) in[i] = sample[i];
    dense("dense1", in, FEATURES, hidden, HIDDEN);
    for (int i = 0; i < HIDDEN; i++) hidden[i] = hidden[i] > 0 ? hidden[i] : 0;
    dense("dense2", hidden, HIDDEN, y, CLASSES);
    if (!softmax) return;
    for (int k = 0; k < CLASSES; k++) sum += exp(y[k]);
    for (int k = 0; k < CLASSES; k++) y[k] = exp(y[k]) / sum;
}

/* The first n samples; what lies behind stays as it was. */
static void check_predictions(int n, bool softmax)
{
    for (int i = 0; i < SAMPLES * CLASSES; i++) out[i] = -77;
    if (!CHECK_MSG(!hsgd_trainer_predict(trainer, x, n, out, (int64_t)n * CLASSES), "%s", hsgd_error(ctx))) core_end();
    double worst = 0, y[CLASSES];
    for (int i = 0; i < n; i++) {
        reference(x + i * FEATURES, softmax, y);
        for (int k = 0; k < CLASSES; k++) worst = fmax(worst, fabs(y[k] - out[i * CLASSES + k]));
    }
    CHECK_MSG(worst < 2e-6, "%d samples differ by %g", n, worst);
    CHECK(n == SAMPLES || out[n * CLASSES] == -77);
}

static void predict_on(const char *devices, bool softmax, enum hsgd_executor executor)
{
    char before[65], after[65];
    int32_t labels[BATCH] = { 0, 1, 2, 3, 4, 3, 2, 1, 0 };
    begin(devices, softmax, executor);
    CHECK(hsgd_model_outputs(model) == CLASSES);
    hsgd_model_digest(model, before);
    check_predictions(SAMPLES, softmax);
    check_predictions(1, softmax);
    check_predictions(BATCH + 3, softmax);
    hsgd_model_digest(model, after);
    CHECK_STR(after, before);
    REQUIRE(!hsgd_trainer_step(trainer, BATCH, HSGD_FIELDS(x, labels), NULL));
    check_predictions(SAMPLES, softmax); /* of the new weights */
    hsgd_model_digest(model, after);
    CHECK(strcmp(after, before));
    end();
}

static void cpu(void) { predict_on("cpu", true, HSGD_REPLAY); }
static void opencl(void) { predict_on("opencl", true, HSGD_REPLAY); }
static void both(void) { predict_on("cpu,opencl", true, HSGD_REPLAY); }
static void cpu_insert(void) { predict_on("cpu", true, HSGD_INSERT); }
static void both_insert(void) { predict_on("cpu,opencl", true, HSGD_INSERT); }
static void mse(void) { predict_on("cpu,opencl", false, HSGD_REPLAY); }

static void placed_by_starpu(void)
{
    setenv("HSGD_PLACEMENT", "starpu", 1);
    predict_on("cpu,opencl", true, HSGD_REPLAY);
}

/* Loss and accuracy from the probabilities are those of an evaluation. */
static void as_evaluated(const char *devices)
{
    enum { N = 500 };
    static float images[N * 784], p[N * 10];
    static int32_t labels[N];
    ctx = core_context(devices, 0, false);
    struct hsgd_shape shape = { 28, 28, 1 };
    core_digits(0, N, images, labels);
    model = hsgd_model_by_name(ctx, "lenet", shape, 10);
    trainer = make_trainer(HSGD_REPLAY);
    for (int i = 0, at = 0; i < 40; i++, at = (at + 50) % 400)
        REQUIRE(!hsgd_trainer_step(trainer, 50, HSGD_FIELDS(images + at * 784, labels + at), NULL));
    REQUIRE(!hsgd_trainer_predict(trainer, images, N, p, N * 10));
    double loss = 0, correct = 0, loss_there, accuracy_there;
    for (int i = 0; i < N; i++) {
        int best = 0;
        for (int k = 1; k < 10; k++)
            if (p[i * 10 + k] > p[i * 10 + best]) best = k;
        loss -= log(p[i * 10 + labels[i]]) / N;
        correct += (double)(best == labels[i]) / N;
    }
    struct hsgd_data *d = hsgd_data_memory(ctx, images, labels, N, shape, 10, HSGD_BORROW);
    REQUIRE(!hsgd_trainer_evaluate(trainer, d, &loss_there, &accuracy_there));
    CHECK_MSG(fabs(loss - loss_there) < 1e-5 * loss, "loss %.9f, evaluated %.9f", loss, loss_there);
    CHECK_MSG(fabs(correct - accuracy_there) < 1e-9, "accuracy %g, evaluated %g", correct, accuracy_there);
    CHECK(correct > 0.3);
    hsgd_data_destroy(&d);
    end();
}

static void lenet_cpu(void) { as_evaluated("cpu"); }
static void lenet_opencl(void) { as_evaluated("opencl"); }

static void errors(void)
{
    begin("cpu", true, HSGD_REPLAY);
    CHECK(hsgd_trainer_predict(trainer, x, 0, out, 0) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "a prediction needs at least 1 sample, not 0");
    CHECK(hsgd_trainer_predict(trainer, x, INT64_MAX, out, 5) == -EINVAL);
    CHECK(hsgd_trainer_predict(trainer, x, 2, out, 11) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "2 samples have 10 outputs, not 11");
    CHECK(hsgd_model_outputs(NULL) == 0);
    end();
}

static const struct core_case cases[] = {
    { "cpu", cpu },
    { "opencl", opencl },
    { "both", both },
    { "cpu_insert", cpu_insert },
    { "both_insert", both_insert },
    { "mse", mse },
    { "placed_by_starpu", placed_by_starpu },
    { "lenet_cpu", lenet_cpu },
    { "lenet_opencl", lenet_opencl },
    { "errors", errors },
};
CORE_MAIN(cases)
