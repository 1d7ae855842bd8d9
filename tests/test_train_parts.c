/* SPDX-License-Identifier: BSD-3-Clause */
/* Batches in parts: accumulated gradients, and norms that are updated by each part. */
#include "train.h"

#include <math.h>

/* The weights after three steps whose slices have so many parts each. */
static float *accumulated(int parts, int64_t *n)
{
    options.accumulate = parts;
    CHECK(!hsgd_model_initialise(model, 1));
    struct hsgd_trainer *t = trainer();
    for (int s = 0; s < 3; s++) step(t, s * 20, 150);
    int slices = 0, most = 0, cells = hsgd_trainer_plan(t, 150);
    for (int i = 0; i < cells; i++) {
        struct hsgd_plan_cell c;
        REQUIRE(!hsgd_trainer_plan_cell(t, 150, i, &c, sizeof c));
        slices += c.rows > 0;
        if (c.rows > most) most = c.rows;
    }
    CHECK_MSG((parts == 1 || slices > 1) && most <= (150 / parts / 16 + 1) * 16,
              "%d parts: %d slices, of at most %d rows", parts, slices, most);
    hsgd_trainer_destroy(&t);
    return core_weights(model, n);
}

/* Parts do not change what a step does, with clipping too. */
static void check_parts(const char *devices, enum hsgd_executor executor)
{
    int64_t n;
    for (int k = 0; k < 4; k++) {
        begin_on(devices, k % 2 ? "mlp" : "mlp-small", executor == HSGD_INSERT);
        options.executor = executor;
        options.clip_norm = k / 2 ? 0.05f : 0;
        float *whole = accumulated(1, &n);
        for (int parts = 2; parts < 9; parts += 3) {
            float *got = accumulated(parts, &n);
            CHECK_MSG(core_distance(got, whole, n) < 1e-5, "%s, %d parts: off by %g", hsgd_model_name(model), parts,
                      core_distance(got, whole, n));
            free(got);
        }
        free(whole);
        end();
    }
}

static void accumulates_on_cpu(void) { check_parts("cpu", HSGD_REPLAY); }
static void accumulates_on_both(void) { check_parts("cpu,opencl", HSGD_INSERT); }

static void begin_norm(const char *devices, int threads, enum hsgd_executor executor)
{
    make_points();
    ctx = core_context(devices, threads, !threads);
    hsgd_train_defaults(&options, sizeof options);
    options.optimizer = HSGD_SGD;
    options.learning_rate = 0.5f;
    model = hsgd_model_create(ctx, "norm");
    struct hsgd_value *v = hsgd_input(model, "x", hsgd_image(shape.h, shape.w, shape.c));
    v = HSGD_OP(HSGD_OP(v, batch_norm, "norm"), flatten, NULL);
    model = core_classifier(model, HSGD_OP(v, dense, "head", .units = CLASSES));
    REQUIRE(model && !hsgd_model_initialise(model, 1));
    options.executor = executor;
}

/* After a step in two parts; counts: the mean of each half of the samples, in double. */
static void check_running(const double mean[2][FEATURES])
{
    float got[FEATURES], count;
    REQUIRE(!hsgd_model_get_weight(model, "norm.running_mean", got, FEATURES));
    REQUIRE(!hsgd_model_get_weight(model, "norm.num_batches_tracked", &count, 1));
    CHECK_MSG(lroundf(count) == 2, "%g updates of the running statistics", count);
    for (int f = 0; f < FEATURES; f++) {
        double want = 0.09 * mean[0][f] + 0.1 * mean[1][f];
        CHECK_MSG(fabs(got[f] - want) < 1e-6, "running mean %d is %g, not %g", f, got[f], want);
    }
}

/* batch_norm sees each part alone: on one slice the gradient is the mean of those of the halves. */
static void check_norm_parts(enum hsgd_executor executor)
{
    enum { HALF = 64 };
    int64_t n;
    double mean[2][FEATURES] = { { 0 } };
    begin_norm("cpu", 1, executor);
    struct hsgd_trainer *t = trainer();
    float *w = core_weights(model, &n),
          *g[2] = { malloc((size_t)n * sizeof(float)), malloc((size_t)n * sizeof(float)) };
    for (int k = 0; k < 2; k++)
        REQUIRE(!hsgd_trainer_gradients(t, HALF, HSGD_FIELDS(x + k * HALF * FEATURES, labels + k * HALF), g[k], n));
    for (int i = 0; i < 2 * HALF * FEATURES; i++) mean[i / FEATURES / HALF][i % FEATURES] += (double)x[i] / HALF;
    hsgd_trainer_destroy(&t);
    options.accumulate = 2;
    t = trainer();
    step(t, 0, 2 * HALF);
    float *got = core_weights(model, NULL);
    int64_t at = 0;
    for (int k = 0; k < hsgd_model_weight_count(model); k++) {
        const char *name = hsgd_model_weight_name(model, k);
        int64_t size = hsgd_model_weight_size(model, name);
        for (int64_t i = at; i < at + size; i++) w[i] -= options.learning_rate * (g[0][i] + g[1][i]) / 2;
        if (!strstr(name, "running") && !strstr(name, "num_batches"))
            CHECK_MSG(core_distance(got + at, w + at, size) < 1e-5, "%s: off by %g", name,
                      core_distance(got + at, w + at, size));
        at += size;
    }
    check_running(mean);
    free(w), free(g[0]), free(g[1]), free(got);
    hsgd_trainer_destroy(&t);
    end();
}

static void norm_in_parts(void) { check_norm_parts(HSGD_REPLAY); }
static void norm_in_parts_inserted(void) { check_norm_parts(HSGD_INSERT); }

/* Parts of several slices meet: samples that repeat after 8 have the same statistics in all. */
static void norm_in_parts_on_both(void)
{
    int64_t n;
    float *got[2];
    double mean[2][FEATURES] = { { 0 } };
    begin_norm("cpu,opencl", 0, HSGD_REPLAY);
    for (int i = 8; i < SAMPLES; i++) {
        memcpy(x + i * FEATURES, x + i % 8 * FEATURES, FEATURES * sizeof *x);
        labels[i] = labels[i % 8];
    }
    for (int i = 0; i < 2 * 16 * FEATURES; i++) mean[i / FEATURES / 16][i % FEATURES] += (double)x[i] / 16;
    for (int k = 0; k < 2; k++) {
        options.accumulate = k + 1;
        CHECK(!hsgd_model_initialise(model, 1));
        struct hsgd_trainer *t = trainer();
        step(t, 0, 128);
        hsgd_trainer_destroy(&t);
        got[k] = core_weights(model, &n);
    }
    check_running(mean);
    int64_t at = 0;
    for (int k = 0; k < hsgd_model_weight_count(model); k++) {
        const char *name = hsgd_model_weight_name(model, k);
        int64_t size = hsgd_model_weight_size(model, name);
        if (!strstr(name, "running") && !strstr(name, "num_batches"))
            CHECK_MSG(core_distance(got[1] + at, got[0] + at, size) < 1e-5, "%s: off by %g", name,
                      core_distance(got[1] + at, got[0] + at, size));
        at += size;
    }
    free(got[0]), free(got[1]);
    end();
}

static const struct core_case cases[] = {
    { "accumulates_on_cpu", accumulates_on_cpu },
    { "accumulates_on_both", accumulates_on_both },
    { "norm_in_parts", norm_in_parts },
    { "norm_in_parts_inserted", norm_in_parts_inserted },
    { "norm_in_parts_on_both", norm_in_parts_on_both },
};
CORE_MAIN(cases)
