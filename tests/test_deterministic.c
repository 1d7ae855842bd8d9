/* SPDX-License-Identifier: BSD-3-Clause */
/* Deterministic contexts: the same bits again, for any number of threads. */
#include "core.h"

enum { STEPS = 60, RUNS = 3 };

struct job {
    const char *devices, *model;
    int threads;
    uint64_t seed;
    char digest[65];
};

static void train(void *arg)
{
    struct job *j = arg;
    struct hsgd_context *ctx = core_context(j->devices, j->threads, true);
    struct hsgd_data *data = hsgd_data_open(ctx, "digits", HSGD_TRAIN);
    struct hsgd_train_options o;
    struct hsgd_fit_result result;
    hsgd_train_defaults(&o, sizeof o);
    o.steps = STEPS;
    o.seed = j->seed;
    struct hsgd_model *model = hsgd_model_by_name(ctx, j->model, hsgd_data_shape(data), 10);
    struct hsgd_trainer *t = hsgd_trainer_create(model, &o);
    REQUIRE(t && !hsgd_fit(t, data, NULL, &result, sizeof result) && !hsgd_model_digest(model, j->digest));
    CHECK(strlen(j->digest) == 64);
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&model);
    hsgd_data_destroy(&data);
    hsgd_destroy(&ctx);
}

static void digest(struct job *shared, struct job j, char out[65])
{
    *shared = j;
    core_child(train, shared);
    memcpy(out, shared->digest, 65);
}

static void any_threads(const char *model)
{
    struct job *shared = core_shared(sizeof *shared);
    char first[65], again[65];
    digest(shared, (struct job){ "cpu", model, 1, 3, "" }, first);
    for (int i = 1; i < 2 * RUNS; i++) {
        digest(shared, (struct job){ "cpu", model, i < RUNS ? 1 : 2, 3, "" }, again);
        CHECK_MSG(!strcmp(first, again), "%s, run %d: %s, before %s", model, i + 1, again, first);
    }
    digest(shared, (struct job){ "cpu", model, 1, 4, "" }, again);
    CHECK_MSG(strcmp(first, again), "%s: seeds 3 and 4 give the same weights", model);
}

static void lenet(void) { any_threads("lenet"); }
static void mlp(void) { any_threads("mlp"); }

static void two_devices(void)
{
    struct job *shared = core_shared(sizeof *shared);
    static const char *const models[] = { "lenet", "mlp" };
    for (int i = 0; i < 2; i++) {
        char first[65], again[65];
        digest(shared, (struct job){ "cpu,opencl", models[i], 1, 3, "" }, first);
        digest(shared, (struct job){ "cpu,opencl", models[i], 1, 3, "" }, again);
        CHECK_STR(again, first);
    }
}

static const struct core_case cases[] = { { "lenet", lenet }, { "mlp", mlp }, { "two_devices", two_devices } };
CORE_MAIN(cases)
