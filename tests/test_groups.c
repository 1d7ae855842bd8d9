/* SPDX-License-Identifier: BSD-3-Clause */
/* Groups of weights by name: rates, weight decays, weights that stay as they are. */
#include "train.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* With a norm, and a weight whose gradient is deferred. */
static void begin_deep(const char *devices, enum hsgd_executor executor)
{
    begin_on(devices, "linear", true);
    hsgd_model_destroy(&model);
    model = hsgd_model_create(ctx, "deep");
    struct hsgd_value *v = HSGD_OP(hsgd_input(model, "x", hsgd_image(shape.h, shape.w, shape.c)), flatten, NULL);
    v = HSGD_OP(v, dense, "first", .units = 320, .activation = HSGD_RELU);
    v = HSGD_OP(v, layer_norm, "norm");
    v = HSGD_OP(v, dense, "wide", .units = 320, .activation = HSGD_RELU);
    model = core_classifier(model, HSGD_OP(v, dense, "head", .units = CLASSES));
    REQUIRE(model);
    options.executor = executor;
}

/* The weights after a step with these groups; at_start: before it. */
static float *after_step(const struct hsgd_group *group, int groups, float *at_start)
{
    int64_t n;
    options.group = group;
    options.groups = groups;
    CHECK(!hsgd_model_initialise(model, 1));
    float *w = core_weights(model, &n);
    for (int64_t i = 0; i < n; i++) w[i] += 0.01f * (float)(i % 7 + 1);
    core_set_weights(model, w);
    if (at_start) memcpy(at_start, w, (size_t)n * sizeof *w);
    free(w);
    struct hsgd_trainer *t = trainer();
    step(t, 0, 64);
    hsgd_trainer_destroy(&t);
    return core_weights(model, NULL);
}

/* The same where all weights have this rate and decay. */
static float *plain_step(float rate, float decay)
{
    const struct hsgd_train_options kept = options;
    options.learning_rate *= rate;
    options.weight_decay = decay;
    float *w = after_step(NULL, 0, NULL);
    options = kept;
    return w;
}

enum { GROUPS = 4 };
static const struct hsgd_group groups[GROUPS] = {
    { "*.bias", 0.5f, 0 },
    { "h?ad.*", 2, 0.25f }, /* its bias, too: the last that matches counts */
    { "first*", 0, -1 },
    { "norm.weight", 0.25f, -1 },
};

static int group_of(const char *name)
{
    return !strncmp(name, "first", 5)     ? 2
           : !strcmp(name, "norm.weight") ? 3
           : !strncmp(name, "head", 4)    ? 1
           : strstr(name, ".bias")        ? 0
                                          : -1;
}

/* Each weight is, to the bit, what it is where all have its group's rate and decay. */
static void check_rates(void)
{
    int64_t n, at = 0;
    float *start = core_weights(model, &n), *got = after_step(groups, GROUPS, start), *want[GROUPS + 1];
    for (int g = 0; g <= GROUPS; g++) {
        float decay = g == GROUPS || groups[g].weight_decay < 0 ? options.weight_decay : groups[g].weight_decay;
        want[g] = plain_step(g < GROUPS ? groups[g].rate : 1, decay);
    }
    for (int i = 0; i < hsgd_model_weight_count(model); i++) {
        char name[100];
        snprintf(name, sizeof name, "%s", hsgd_model_weight_name(model, i));
        int g = group_of(name);
        size_t floats = (size_t)hsgd_model_weight_size(model, name);
        const float *as = g >= 0 && groups[g].rate <= 0 ? start : want[g < 0 ? GROUPS : g];
        CHECK_MSG(!memcmp(got + at, as + at, floats * sizeof *got), "%s, %s: not as in group %d", name,
                  hsgd_optimizer_name(options.optimizer), g);
        CHECK_MSG((g == 2) == !memcmp(got + at, start + at, floats * sizeof *got), "%s is the wrong one to stay", name);
        at += (int64_t)floats;
    }
    for (int g = 0; g <= GROUPS; g++) free(want[g]);
    free(start), free(got);
}

static void check_optimizers(const char *devices, enum hsgd_executor executor)
{
    begin_deep(devices, executor);
    for (int k = 0; k < HSGD_OPTIMIZERS; k++) {
        options.optimizer = (enum hsgd_optimizer)k;
        options.learning_rate = 0.0625f;
        options.weight_decay = 0.125f;
        check_rates();
    }
    end();
}

static void rates_on_cpu(void) { check_optimizers("cpu", HSGD_REPLAY); }
static void rates_on_opencl(void) { check_optimizers("opencl", HSGD_REPLAY); }
static void rates_on_both(void) { check_optimizers("cpu,opencl", HSGD_INSERT); }

/* The norm that clipping sees is that of the weights that train. */
static void check_clipping(const char *devices)
{
    static const struct hsgd_group only_norm[] = { { "*", 0, 0 }, { "norm*", 1, 0 } };
    int64_t n;
    begin_deep(devices, HSGD_REPLAY);
    options.clip_norm = 1e-2f;
    float *start = core_weights(model, &n), *got = after_step(only_norm, 2, start);
    for (int64_t i = 0; i < n; i++) got[i] -= start[i];
    double length = core_norm(got, n), want = 1e-2 * options.learning_rate;
    CHECK_MSG(fabs(length - want) <= 2e-3 * want, "an update of norm %g, expected %g", length, want);
    free(start), free(got);
    end();
}

static void clipping_on_cpu(void) { check_clipping("cpu"); }
static void clipping_on_both(void) { check_clipping("cpu,opencl"); }

static bool equal(const float *a, const float *b, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (a[i] < b[i] || a[i] > b[i]) return false;
    return true;
}

/* With replicas and a server, too, which make 0 of -0. */
static void algorithms(void)
{
    begin("mlp-small", false);
    options.group = (struct hsgd_group[]){ { "fc2.*", 0, 0 } };
    options.groups = 1;
    options.learning_rate = 0.1f;
    options.batch_size = 32;
    options.epochs = 1;
    struct hsgd_data *d = points(SAMPLES);
    for (int k = 0; k < HSGD_ALGORITHMS; k++) {
        int64_t n, at = 0;
        struct hsgd_fit_result r;
        options.algorithm = (enum hsgd_algorithm)k;
        CHECK(!hsgd_model_initialise(model, 1));
        float *start = core_weights(model, &n);
        fit(d, &r);
        float *got = core_weights(model, NULL);
        for (int i = 0; i < hsgd_model_weight_count(model); i++) {
            const char *name = hsgd_model_weight_name(model, i);
            int64_t floats = hsgd_model_weight_size(model, name);
            CHECK_MSG(!strncmp(name, "fc2", 3) == equal(got + at, start + at, floats), "%s, %s",
                      hsgd_algorithm_name(options.algorithm), name);
            at += floats;
        }
        free(start), free(got);
    }
    hsgd_data_destroy(&d);
    end();
}

/* ----------------------------------------------------------------- errors */

static void refused(struct hsgd_group group, int n, const char *sentence)
{
    options.group = &group;
    options.groups = n;
    CHECK(!hsgd_trainer_create(model, &options));
    CHECK_STR(hsgd_error(ctx), sentence);
}

static void errors(void)
{
    begin_deep("cpu", HSGD_REPLAY);
    refused((struct hsgd_group){ "hed.*", 1, 0 }, 1,
            "group \"hed.*\": model \"deep\" has no such weight; the nearest are \"head.bias\", \"wide.bias\", "
            "\"head.weight\"");
    refused((struct hsgd_group){ "", 1, 0 }, 1, "group 0 has no pattern of names");
    refused((struct hsgd_group){ NULL, 1, 0 }, 1, "group 0 has no pattern of names");
    refused((struct hsgd_group){ "*", -1, 0 }, 1, "group \"*\": rate must be from 0 to 1e+06, not -1");
    refused((struct hsgd_group){ "*", 1, 1e7f }, 1, "group \"*\": weight_decay must be at most 1e+06, not 1e+07");
    refused((struct hsgd_group){ "*", 1, 0 }, -1, "groups must be from 0 to 256, not -1");
    options.group = NULL;
    options.groups = 2;
    CHECK(!hsgd_trainer_create(model, &options));
    CHECK_STR(hsgd_error(ctx), "groups is 2, but group is NULL");
    options.group = groups;
    options.groups = GROUPS;
    struct hsgd_trainer *t = trainer();
    CHECK(hsgd_trainer_group(t, "head.bias") == 1 && hsgd_trainer_group(t, "first.bias") == 2);
    CHECK(hsgd_trainer_group(t, "wide.weight") == -ENOENT);
    CHECK_STR(hsgd_error(ctx), "weight \"wide.weight\" is in no group");
    CHECK(hsgd_trainer_group(t, "head") == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "model \"deep\" has no weight \"head\"");
    hsgd_trainer_destroy(&t);
    end();
}

static const struct core_case cases[] = {
    { "rates_on_cpu", rates_on_cpu },
    { "rates_on_opencl", rates_on_opencl },
    { "rates_on_both", rates_on_both },
    { "clipping_on_cpu", clipping_on_cpu },
    { "clipping_on_both", clipping_on_both },
    { "algorithms", algorithms },
    { "errors", errors },
};
CORE_MAIN(cases)
