/* SPDX-License-Identifier: BSD-3-Clause */
/* Weights that several layers use, and weights that do not train: gradients and training. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "train.h"

#include <errno.h>
#include <math.h>

#include "plan/tape.h"

enum { WIDE = 320, BATCH = 64, STEPS = 20 };

/* ------------------------------------------------------------------- models */

/* A branch of a large dense layer, whose gradient can be deferred, and another. */
static struct hsgd_value *branch(struct hsgd_value *x, const char *name, struct hsgd_value *like[2])
{
    struct hsgd_value *made[2];
    hsgd_enter(model, "%s", name);
    made[0] = HSGD_OP(x, dense, "wide", .units = WIDE, .activation = HSGD_TANH);
    made[1] = HSGD_OP(made[0], dense, "narrow", .units = 8, .no_bias = true);
    hsgd_leave(model);
    for (int i = 0; i < 2; i++)
        if (like[i]) hsgd_share(made[i], like[i]);
        else like[i] = made[i];
    return made[1];
}

/* Halves go through two branches, which are one where shared; before them a large layer of its own. */
static struct hsgd_model *siamese(bool shared)
{
    struct hsgd_value *like[4] = { NULL };
    model = hsgd_model_create(ctx, "siamese");
    struct hsgd_value *x = HSGD_OP(hsgd_input(model, "x", hsgd_image(1, 1, FEATURES)), flatten, NULL);
    x = HSGD_OP(x, dense, "stem.first", .units = 2 * WIDE);
    x = HSGD_OP(x, dense, "stem.second", .units = 2 * WIDE, .activation = HSGD_TANH);
    x = HSGD_OP(x, split, NULL, .parts = 2);
    struct hsgd_value *left = branch(x, "left", like);
    struct hsgd_value *right = branch(hsgd_output(x, 1), "right", shared ? like : like + 2);
    x = HSGD_JOIN(HSGD_OF(left, right), mul, NULL);
    model = core_classifier(model, HSGD_OP(x, dense, "head", .units = CLASSES));
    if (!CHECK_MSG(model, "%s", hsgd_error(ctx))) core_end();
    return model;
}

/* Frozen are a large first layer, the factors of a norm, and the bias of a layer. */
static struct hsgd_model *partly_frozen(void)
{
    model = hsgd_model_create(ctx, "frozen");
    struct hsgd_value *v = hsgd_input(model, "x", hsgd_image(1, 1, FEATURES));
    v = HSGD_OP(v, conv2d, "conv", .out_channels = 9, .kernel = 1);
    v = HSGD_OP(v, batch_norm, "bn");
    v = HSGD_OP(HSGD_OP(v, flatten, NULL), dense, "low.first", .units = WIDE, .activation = HSGD_TANH);
    v = HSGD_OP(v, dense, "low.second", .units = WIDE, .activation = HSGD_RELU);
    v = HSGD_OP(v, layer_norm, "norm");
    v = HSGD_OP(v, dense, "high", .units = WIDE, .activation = HSGD_RELU);
    model = core_classifier(model, HSGD_OP(v, dense, "head", .units = CLASSES));
    REQUIRE(model);
    return model;
}

static const char *const patterns[] = { "low.*", "norm.weight", "high.bias", "conv.weight" };

static bool is_frozen(const char *name)
{
    return !strncmp(name, "low.", 4) || !strcmp(name, "norm.weight") || !strcmp(name, "high.bias") ||
           !strcmp(name, "conv.weight");
}

static void freeze_patterns(bool frozen)
{
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
        REQUIRE(!hsgd_model_freeze(model, patterns[i], frozen));
}

static void begin_slowly(const char *devices, bool deterministic)
{
    begin_without_model(devices, deterministic);
    options.learning_rate = 0.02f;
}

static void copy_weight(const char *from, const char *to)
{
    int64_t n;
    float *w = weight(from, &n);
    REQUIRE(!hsgd_model_set_weight(model, to, w, n));
    free(w);
}

static float *gradients(int64_t *n)
{
    struct hsgd_trainer *t = trainer();
    float *g = malloc((size_t)(*n = hsgd_model_parameters(model)) * sizeof *g);
    REQUIRE(g);
    int err = hsgd_trainer_gradients(t, BATCH, HSGD_FIELDS(x, labels), g, *n);
    if (!CHECK_MSG(!err, "%s", hsgd_error(ctx))) core_end();
    hsgd_trainer_destroy(&t);
    return g;
}

/* Where a weight begins among all. */
static int64_t place_of(const char *name)
{
    int64_t at = 0;
    for (int i = 0; i < hsgd_model_weight_count(model); i++) {
        char here[100];
        snprintf(here, sizeof here, "%s", hsgd_model_weight_name(model, i));
        if (!strcmp(here, name)) return at;
        at += hsgd_model_weight_size(model, here);
    }
    REQUIRE(!"no such weight");
    return 0;
}

/* ---------------------------------------------------------------- gradients */

static const char *const of_branch[] = { "wide.weight", "wide.bias", "narrow.weight" };
enum { OF_BRANCH = 3 };

/* The gradient of one branch on both inputs is the sum over two branches with equal weights. */
static void check_siamese(const char *devices, enum hsgd_executor executor)
{
    int64_t n, nshared, size[OF_BRANCH];
    float *sum[OF_BRANCH];
    char name[100];
    begin_slowly(devices, true);
    options.executor = executor;
    siamese(false);
    for (int i = 0; i < OF_BRANCH; i++) {
        char left[100];
        snprintf(left, sizeof left, "left.%s", of_branch[i]);
        snprintf(name, sizeof name, "right.%s", of_branch[i]);
        copy_weight(left, name);
    }
    float *apart = gradients(&n);
    for (int i = 0; i < OF_BRANCH; i++) {
        snprintf(name, sizeof name, "left.%s", of_branch[i]);
        size[i] = hsgd_model_weight_size(model, name);
        sum[i] = malloc((size_t)size[i] * sizeof *sum[i]);
        REQUIRE(sum[i]);
        const float *left = apart + place_of(name);
        snprintf(name, sizeof name, "right.%s", of_branch[i]);
        const float *right = apart + place_of(name);
        for (int64_t k = 0; k < size[i]; k++) sum[i][k] = left[k] + right[k];
    }
    free(apart);
    hsgd_model_destroy(&model);
    siamese(true);
    CHECK(hsgd_model_weight_count(model) == 4 + OF_BRANCH + 2 && hsgd_model_parameters(model) < n);
    float *shared = gradients(&nshared);
    for (int i = 0; i < OF_BRANCH; i++) {
        snprintf(name, sizeof name, "left.%s", of_branch[i]);
        double d = core_distance(shared + place_of(name), sum[i], size[i]);
        CHECK_MSG(d < 1e-5 && core_norm(sum[i], size[i]) > 0, "%s on %s: %g from the sum", name, devices, d);
        free(sum[i]);
    }
    free(shared);
    end();
}

static void siamese_on_cpu(void) { check_siamese("cpu", HSGD_REPLAY); }
static void siamese_on_opencl(void) { check_siamese("opencl", HSGD_INSERT); }
static void siamese_on_both(void) { check_siamese("cpu,opencl", HSGD_REPLAY); }

/* Gradients of what trains are as if all did, those of the others are 0. */
static void frozen_gradients(void)
{
    int64_t n, at = 0;
    begin_slowly("cpu", true);
    partly_frozen();
    float *all = gradients(&n);
    freeze_patterns(true);
    float *some = gradients(&n);
    freeze_patterns(false);
    float *again = gradients(&n);
    for (int i = 0; i < hsgd_model_weight_count(model); i++) {
        char name[100];
        snprintf(name, sizeof name, "%s", hsgd_model_weight_name(model, i));
        int64_t size = hsgd_model_weight_size(model, name);
        double norm = core_norm(some + at, size);
        if (is_frozen(name)) CHECK_MSG(norm <= 0, "%s has a gradient", name);
        else if (core_norm(all + at, size) > 0)
            CHECK_MSG(core_distance(some + at, all + at, size) < 1e-5, "%s has another gradient", name);
        at += size;
    }
    CHECK(!memcmp(all, again, (size_t)n * sizeof *all));
    free(all), free(some), free(again);
    end();
}

static int backward_works(void)
{
    struct tape t;
    int n = 0;
    REQUIRE(tape_make(&t, model, &(struct tape_spec){ .gradients = true }));
    for (int i = 0; i < t.n; i++) n += t.work[i].kind == WORK_BACKWARD;
    tape_free(&t);
    return n;
}

/* Below the last layer nothing trains: it alone has backward work. */
static void nothing_below(void)
{
    begin_slowly("cpu", true);
    partly_frozen();
    int all = backward_works();
    REQUIRE(!hsgd_model_freeze(model, "*", true) && !hsgd_model_freeze(model, "head.*", false));
    CHECK(all > 6);
    CHECK_MSG(backward_works() == 1, "%d works", backward_works());
    REQUIRE(!hsgd_model_freeze(model, "high.weight", false));
    CHECK_MSG(backward_works() == 2, "%d works", backward_works());
    REQUIRE(!hsgd_model_freeze(model, "*", true));
    CHECK_MSG(backward_works() == 0, "%d works", backward_works());
    end();
}

/* ----------------------------------------------------------------- training */

/* With every optimizer, weight decay and clipping: what is frozen keeps its bits, all else moves. */
static void check_steps(const char *devices, enum hsgd_executor executor)
{
    begin_slowly(devices, true);
    options.executor = executor;
    options.weight_decay = 0.1f;
    partly_frozen();
    freeze_patterns(true);
    for (int k = 0; k < HSGD_OPTIMIZERS; k++) {
        int64_t n, at = 0;
        options.optimizer = (enum hsgd_optimizer)k;
        options.clip_norm = k % 2 ? 1 : 0;
        float *start = core_weights(model, &n);
        struct hsgd_trainer *t = trainer();
        for (int s = 0; s < STEPS; s++) step(t, s, BATCH);
        float *got = core_weights(model, NULL);
        for (int i = 0; i < hsgd_model_weight_count(model); i++) {
            char name[100];
            snprintf(name, sizeof name, "%s", hsgd_model_weight_name(model, i));
            size_t size = (size_t)hsgd_model_weight_size(model, name);
            CHECK_MSG(is_frozen(name) == !memcmp(got + at, start + at, size * sizeof *got), "%s: %s is the wrong one",
                      hsgd_optimizer_name(options.optimizer), name);
            at += (int64_t)size;
        }
        hsgd_trainer_destroy(&t);
        free(start), free(got);
    }
    end();
}

static void steps_on_cpu(void) { check_steps("cpu", HSGD_REPLAY); }
static void steps_on_both(void) { check_steps("cpu,opencl", HSGD_INSERT); }

/* The norm that clipping sees is that of what trains, where one branch is both. */
static void clipping(void)
{
    int64_t n;
    begin_slowly("cpu", true);
    siamese(true);
    REQUIRE(!hsgd_model_freeze(model, "stem.*", true));
    options.clip_norm = 1e-2f;
    float *start = core_weights(model, &n);
    struct hsgd_trainer *t = trainer();
    step(t, 0, BATCH);
    float *got = core_weights(model, NULL);
    for (int64_t i = 0; i < n; i++) got[i] -= start[i];
    double length = core_norm(got, n), want = 1e-2 * options.learning_rate;
    CHECK_MSG(fabs(length - want) <= 2e-3 * want, "an update of norm %g, expected %g", length, want);
    hsgd_trainer_destroy(&t);
    free(start), free(got);
    end();
}

/* Every algorithm lowers the loss of a siamese network, and its frozen layer stays. */
static void algorithms(void)
{
    begin_slowly("cpu", false);
    options.batch_size = 20;
    options.epochs = 4;
    options.learning_rate = 0.05f;
    struct hsgd_data *d = points(SAMPLES);
    for (int k = 0; k < HSGD_ALGORITHMS; k++) {
        struct hsgd_fit_result r;
        int64_t n;
        options.algorithm = (enum hsgd_algorithm)k;
        siamese(true);
        REQUIRE(!hsgd_model_freeze(model, "stem.*", true));
        float *before = weight("stem.first.weight", &n), *branch_before = weight("left.wide.weight", &n);
        fit(d, &r);
        float *after = weight("stem.first.weight", &n), *branch_after = weight("left.wide.weight", &n);
        const char *name = hsgd_algorithm_name(options.algorithm);
        CHECK_MSG(r.train_loss < log(CLASSES), "%s: a loss of %g", name, r.train_loss);
        CHECK_MSG(core_distance(branch_after, branch_before, WIDE * WIDE) > 0, "%s: the branch stays", name);
        CHECK_MSG(core_distance(after, before, FEATURES * 2 * WIDE) <= 0, "%s: the frozen layer moves", name);
        free(before), free(after), free(branch_before), free(branch_after);
        hsgd_model_destroy(&model);
    }
    hsgd_data_destroy(&d);
    end();
}

/* 20 steps, or 10 and 10 after a checkpoint: the same bits. */
static void resuming(void)
{
    char folder[512], path[600];
    int64_t n;
    begin_slowly("cpu", true);
    options.optimizer = HSGD_ADAM;
    options.weight_decay = 0.01f;
    snprintf(folder, sizeof folder, "%s/shared-XXXXXX", getenv("STARPU_HOME"));
    REQUIRE(mkdtemp(folder));
    siamese(true);
    REQUIRE(!hsgd_model_freeze(model, "stem.first.weight", true));
    struct hsgd_trainer *t = trainer();
    for (int s = 0; s < STEPS; s++) {
        if (s == STEPS / 2) REQUIRE(!hsgd_checkpoint_save(t, folder));
        step(t, s, BATCH);
    }
    float *whole = core_weights(model, &n);
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&model);
    snprintf(path, sizeof path, "%s/step-%d/model.safetensors", folder, STEPS / 2);
    model = hsgd_model_open(ctx, path);
    if (!CHECK_MSG(model, "%s", hsgd_error(ctx))) core_end();
    t = trainer();
    snprintf(path, sizeof path, "%s/step-%d", folder, STEPS / 2);
    if (!CHECK_MSG(!hsgd_checkpoint_load(t, path), "%s", hsgd_error(ctx))) core_end();
    for (int s = STEPS / 2; s < STEPS; s++) step(t, s, BATCH);
    float *resumed = core_weights(model, NULL);
    CHECK(!memcmp(whole, resumed, (size_t)n * sizeof *whole));
    hsgd_trainer_destroy(&t);
    free(whole), free(resumed);
    end();
}

/* ------------------------------------------------------------------- errors */

/* The first error stays with the model. */
static void refused(struct hsgd_model *m, const char *sentence)
{
    CHECK(hsgd_model_finish(m) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), sentence);
    hsgd_model_destroy(&m);
}

static void errors(void)
{
    begin_slowly("cpu", true);
    struct hsgd_model *m = hsgd_model_create(ctx, "bad");
    struct hsgd_value *v = hsgd_input(m, "x", hsgd_vector(3)), *a = HSGD_OP(v, dense, "a", .units = 3);
    struct hsgd_value *b = HSGD_OP(a, dense, "b", .units = 3);
    hsgd_share(a, b);
    refused(m, "model \"bad\": \"a\" can use weights of layers before it, not of \"b\"");
    m = hsgd_model_create(ctx, "bad");
    v = hsgd_input(m, "x", hsgd_vector(3)), a = HSGD_OP(v, dense, "a", .units = 3);
    hsgd_share(a, v);
    refused(m, "model \"bad\": an input or target has no weights to be shared");
    m = hsgd_model_create(ctx, "bad");
    v = hsgd_input(m, "x", hsgd_vector(3)), a = HSGD_OP(v, dense, "a", .units = 3);
    b = HSGD_OP(a, dense, "b", .units = 3);
    hsgd_share(b, a);
    hsgd_share(b, a);
    refused(m, "model \"bad\": \"b\" already uses the weights of \"a\"");
    m = hsgd_model_create(ctx, "bad");
    HSGD_OP(hsgd_input(m, "x", hsgd_vector(3)), dense, "first", .units = 3);
    CHECK(hsgd_model_freeze(m, "fist.*", true) == -EINVAL);
    refused(m, "model \"bad\" has no weight \"fist.*\" to freeze; the nearest are \"first.bias\", \"first.weight\"");
    partly_frozen();
    struct hsgd_trainer *t = trainer();
    CHECK(hsgd_model_freeze(model, "low.*", true) == -EBUSY);
    CHECK_STR(hsgd_error(ctx), "model \"frozen\" is in use by a trainer");
    hsgd_trainer_destroy(&t);
    end();
}

/* ------------------------------------------------------------ language models */

enum { TOKENS = 340, LENGTH = 3 };

/* Scores of the next token, by the table that tokens are looked up in or by another of the same numbers. */
static float *language_gradients(bool tied, int64_t *n)
{
    int32_t tokens[BATCH * LENGTH], next[BATCH * LENGTH];
    for (int i = 0; i < BATCH * LENGTH; i++) tokens[i] = i * 7 % TOKENS, next[i] = i * 13 % TOKENS;
    model = hsgd_model_create(ctx, "language");
    struct hsgd_value *x = hsgd_input(model, "x", hsgd_tokens(LENGTH)), *table, *scores;
    struct hsgd_value *label = hsgd_target(model, "label", hsgd_tokens(LENGTH));
    table = HSGD_OP(x, embedding, "table", .entries = TOKENS, .channels = WIDE);
    x = HSGD_OP(table, layer_norm, "norm");
    scores = HSGD_OP(x, dense, "scores", .units = TOKENS, .transposed = true);
    if (tied) hsgd_share(scores, table);
    hsgd_loss(HSGD_JOIN(HSGD_OF(scores, label), softmax_cross_entropy, NULL));
    if (!CHECK_MSG(!hsgd_model_finish(model), "%s", hsgd_error(ctx))) core_end();
    if (!tied) copy_weight("table.weight", "scores.weight");
    struct hsgd_trainer *t = trainer();
    float *g = malloc((size_t)(*n = hsgd_model_parameters(model)) * sizeof *g);
    REQUIRE(g);
    if (!CHECK_MSG(!hsgd_trainer_gradients(t, BATCH, HSGD_FIELDS(tokens, next), g, *n), "%s", hsgd_error(ctx)))
        core_end();
    hsgd_trainer_destroy(&t);
    return g;
}

static void check_tied(const char *devices)
{
    int64_t n, all;
    begin_slowly(devices, true);
    float *apart = language_gradients(false, &all);
    float *sum = apart + place_of("table.weight"), *scores = apart + place_of("scores.weight");
    CHECK(core_norm(sum, TOKENS * WIDE) > 0 && core_norm(scores, TOKENS * WIDE) > 0);
    for (int i = 0; i < TOKENS * WIDE; i++) sum[i] += scores[i];
    hsgd_model_destroy(&model);
    float *tied = language_gradients(true, &n);
    CHECK(all - n == TOKENS * WIDE);
    double d = core_distance(tied + place_of("table.weight"), sum, TOKENS * WIDE);
    CHECK_MSG(d < 1e-5, "%g from the sum on %s", d, devices);
    free(apart), free(tied);
    end();
}

static void tied_on_cpu(void) { check_tied("cpu"); }
static void tied_on_both(void) { check_tied("cpu,opencl"); }

static const struct core_case cases[] = {
    { "tied_on_cpu", tied_on_cpu },
    { "tied_on_both", tied_on_both },
    { "siamese_on_cpu", siamese_on_cpu },
    { "siamese_on_opencl", siamese_on_opencl },
    { "siamese_on_both", siamese_on_both },
    { "frozen_gradients", frozen_gradients },
    { "nothing_below", nothing_below },
    { "steps_on_cpu", steps_on_cpu },
    { "steps_on_both", steps_on_both },
    { "clipping", clipping },
    { "algorithms", algorithms },
    { "resuming", resuming },
    { "errors", errors },
};
CORE_MAIN(cases)
