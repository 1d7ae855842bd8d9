/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "checkpoint.h"

#include <unistd.h>

#define SAMPLES 200

struct hsgd_context *ctx;
struct hsgd_data *train, *held_back;
char folder[512];

static void make_data(void)
{
    static float x[SAMPLES * FEATURES];
    static int32_t labels[SAMPLES];
    unsigned state = 12345;
    struct hsgd_shape shape = { 6, 6, 1 };
    for (int i = 0; i < SAMPLES; i++) {
        labels[i] = i % CLASSES;
        for (int k = 0; k < FEATURES; k++) {
            state = state * 1664525 + 1013904223;
            x[i * FEATURES + k] = (float)(state >> 8) / (1 << 24) + (k % CLASSES == labels[i] ? 0.8f : 0.0f);
        }
    }
    train = hsgd_data_memory(ctx, x, labels, TRAINED, shape, CLASSES, HSGD_BORROW);
    held_back =
        hsgd_data_memory(ctx, x + TRAINED * FEATURES, labels + TRAINED, SAMPLES - TRAINED, shape, CLASSES, HSGD_BORROW);
    REQUIRE(train && held_back);
}

void new_folder(void)
{
    snprintf(folder, sizeof folder, "%s/checkpoints-XXXXXX", getenv("STARPU_HOME"));
    REQUIRE(mkdtemp(folder));
}

static void open_all(const char *devices, int threads, bool deterministic)
{
    ctx = core_context(devices, threads, deterministic);
    make_data();
    new_folder();
}

void begin(const char *devices) { open_all(devices, 0, true); }
void begin_replicas(const char *devices) { open_all(devices, 1, false); }

void end(void)
{
    hsgd_data_destroy(&train);
    hsgd_data_destroy(&held_back);
    hsgd_destroy(&ctx);
}

struct hsgd_model *make_model(const char *name)
{
    struct hsgd_model *m = hsgd_model_create(ctx, name);
    struct hsgd_value *x = hsgd_input(m, "x", hsgd_image(6, 6, 1));
    x = HSGD_OP(x, conv2d, NULL, .out_channels = 4, .kernel = 3, .padding = 1, .activation = HSGD_RELU);
    x = HSGD_OP(x, max_pool, NULL, .kernel = 2);
    x = HSGD_OP(x, flatten, NULL);
    x = HSGD_OP(x, dropout, NULL, .p = 0.3f);
    x = HSGD_OP(x, dense, NULL, .units = 24, .activation = HSGD_RELU);
    m = core_classifier(m, HSGD_OP(x, dense, NULL, .units = CLASSES));
    REQUIRE(m && !hsgd_model_initialise(m, 5));
    return m;
}

struct hsgd_train_options options_for(enum hsgd_optimizer optimizer)
{
    static const struct hsgd_augment_options augment = { .size = sizeof augment, .crop = 1, .flip = true };
    struct hsgd_train_options o;
    hsgd_train_defaults(&o, sizeof o);
    o.batch_size = BATCH;
    o.epochs = EPOCHS;
    o.optimizer = optimizer;
    o.learning_rate = optimizer >= HSGD_ADAM ? 0.01f : 0.05f;
    o.weight_decay = 0.001f;
    o.schedule = HSGD_COSINE;
    o.warmup_steps = 3;
    o.clip_norm = 5;
    o.augment = &augment;
    o.seed = 9;
    return o;
}

int train_from(const char *checkpoint, const struct hsgd_train_options *o, struct outcome *out)
{
    struct hsgd_model *m = make_model("small");
    struct hsgd_trainer *t = hsgd_trainer_create(m, o);
    REQUIRE(t);
    if (checkpoint && !CHECK_MSG(!hsgd_checkpoint_load(t, checkpoint), "%s", hsgd_error(ctx))) core_end();
    int err = hsgd_fit(t, train, held_back, &out->fit, sizeof out->fit);
    out->weights = core_weights(m, &out->count);
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&m);
    return err;
}

const char *in_folder(const char *name)
{
    static char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}
