/* SPDX-License-Identifier: BSD-3-Clause */
#include "train.h"

float x[SAMPLES * FEATURES];
int32_t labels[SAMPLES];
const struct hsgd_shape shape = { 1, 1, FEATURES };
struct hsgd_context *ctx;
struct hsgd_model *model;
struct hsgd_train_options options;

/* Points around one corner per class. */
void make_points(void)
{
    unsigned state = 1;
    for (int i = 0; i < SAMPLES; i++) {
        labels[i] = i % CLASSES;
        for (int f = 0; f < FEATURES; f++) {
            state = state * 1664525u + 1013904223u;
            x[i * FEATURES + f] = (float)(state >> 8) / (1 << 24) - 0.5f + (f % CLASSES == labels[i] ? 0.7f : 0);
        }
    }
}

void begin_on(const char *devices, const char *name, bool deterministic)
{
    make_points();
    ctx = core_context(devices, 0, deterministic);
    model = hsgd_model_by_name(ctx, name, shape, CLASSES);
    REQUIRE(model);
    hsgd_train_defaults(&options, sizeof options);
    options.optimizer = HSGD_SGD;
    options.learning_rate = 0.5f;
}

void begin(const char *name, bool deterministic) { begin_on("cpu", name, deterministic); }

struct hsgd_trainer *trainer(void)
{
    struct hsgd_trainer *t = hsgd_trainer_create(model, &options);
    if (!CHECK_MSG(t != NULL, "%s", hsgd_error(ctx))) core_end();
    return t;
}

void begin_without_model(const char *devices, bool deterministic)
{
    begin_on(devices, "linear", deterministic);
    hsgd_model_destroy(&model);
}

float *weight(const char *name, int64_t *n)
{
    *n = hsgd_model_weight_size(model, name);
    REQUIRE(*n > 0);
    float *w = malloc((size_t)*n * sizeof *w);
    REQUIRE(w && !hsgd_model_get_weight(model, name, w, *n));
    return w;
}

void end(void)
{
    hsgd_model_destroy(&model);
    hsgd_destroy(&ctx);
}

void step(struct hsgd_trainer *t, int first, int n)
{
    if (!CHECK_MSG(!hsgd_trainer_step(t, n, HSGD_FIELDS(x + first * FEATURES, labels + first), NULL), "%s",
                   hsgd_error(ctx)))
        core_end();
}

struct hsgd_data *points(int n) { return hsgd_data_memory(ctx, x, labels, n, shape, CLASSES, HSGD_BORROW); }

void fit(const struct hsgd_data *d, struct hsgd_fit_result *r)
{
    struct hsgd_trainer *t = trainer();
    if (!CHECK_MSG(!hsgd_fit(t, d, NULL, r, sizeof *r), "%s", hsgd_error(ctx))) core_end();
    hsgd_trainer_destroy(&t);
}
