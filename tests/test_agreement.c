/* SPDX-License-Identifier: BSD-3-Clause */
/* One training, however it is run: the same losses on every set of devices,
 * under every scheduling policy, by both executors; and the same gradients
 * from the same weights. */
#include <sys/stat.h>
#include "core.h"

#include <math.h>

enum { STEPS = 100, BATCH = 128, POINTS = 4, MOST = 70000 };
static const int point_step[POINTS] = { 0, 10, 50, 100 };

/* The reference, one CPU core; filled in by the first case. */
static struct reference {
    bool there;
    double loss[STEPS];
    int64_t parameters;
    float weights[POINTS][MOST], gradients[POINTS][MOST];
} * reference;

struct combination {
    const char *devices;
    int threads;
    enum hsgd_executor executor;
    const char *policy; /* NULL: the library's choice */
    enum hsgd_algorithm algorithm;
};

/* HSGD_TEST_STEPS, HSGD_TEST_BATCH: less, where devices are emulated. */
static int steps = STEPS, batch = BATCH;

/* The mean of the last ten losses is to be below so much of the first ten's. */
static double least_progress(void) { return steps < STEPS ? 0.995 : 0.97; }

static float *batch_x;
static int32_t *batch_labels;

static const char *data_name;

static struct hsgd_trainer *make_trainer(struct hsgd_context *ctx, enum hsgd_executor executor,
                                         enum hsgd_algorithm algorithm, struct hsgd_model **model)
{
    struct hsgd_train_options o;
    hsgd_train_defaults(&o, sizeof o);
    o.optimizer = HSGD_SGD;
    /* digits are learnt so fast that at 0.01 rounding grows to 2e-3 in 100 steps */
    o.learning_rate = strcmp(data_name, "digits") || steps < STEPS ? 0.01f : 0.003f;
    o.batch_size = batch;
    o.steps = steps;
    o.executor = executor;
    o.algorithm = algorithm;
    o.seed = 7;
    *model = hsgd_model_by_name(ctx, "lenet", (struct hsgd_shape){ 28, 28, 1 }, 10);
    /* A maximum or a sign that rounding decides the other way starts a drift; this seed meets none. */
    if (*model) hsgd_model_initialise(*model, 7);
    struct hsgd_trainer *t = *model ? hsgd_trainer_create(*model, &o) : NULL;
    if (!CHECK_MSG(t != NULL, "%s", hsgd_error(ctx))) core_end();
    return t;
}

static void fit(struct hsgd_context *ctx, enum hsgd_executor executor, enum hsgd_algorithm algorithm,
                struct hsgd_fit_result *result)
{
    struct hsgd_model *model;
    struct hsgd_trainer *t = make_trainer(ctx, executor, algorithm, &model);
    struct hsgd_data *data = hsgd_data_open(ctx, data_name, HSGD_TRAIN);
    if (!CHECK_MSG(data && !hsgd_fit(t, data, NULL, result, sizeof *result), "%s", hsgd_error(ctx))) core_end();
    hsgd_data_destroy(&data);
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&model);
}

static double mean(const double *v, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++) sum += v[i];
    return sum / n;
}

/* --------------------------------------------------------- the reference */

static void note_point(struct hsgd_trainer *t, struct hsgd_model *model, int point)
{
    struct reference *r = reference;
    float *w = core_weights(model, &r->parameters);
    REQUIRE(r->parameters <= MOST);
    memcpy(r->weights[point], w, (size_t)r->parameters * sizeof *w);
    free(w);
    REQUIRE(!hsgd_trainer_gradients(t, batch, HSGD_FIELDS(batch_x, batch_labels), r->gradients[point], r->parameters));
}

static void make_reference(void *arg)
{
    (void)arg;
    struct hsgd_context *ctx = core_context("cpu", 1, false);
    struct hsgd_fit_result result;
    fit(ctx, HSGD_REPLAY, HSGD_SYNC, &result);
    REQUIRE(result.losses == steps && result.steps == steps);
    memcpy(reference->loss, result.loss, sizeof reference->loss);
    CHECK_MSG(mean(result.loss + steps - 10, 10) < least_progress() * mean(result.loss, 10),
              "the loss went from %g to %g", mean(result.loss, 10), mean(result.loss + steps - 10, 10));
    struct hsgd_model *model;
    struct hsgd_trainer *t = make_trainer(ctx, HSGD_REPLAY, HSGD_SYNC, &model);
    for (int step = 0, point = 0; point < POINTS && point_step[point] <= steps; step++) {
        if (step == point_step[point]) note_point(t, model, point++);
        REQUIRE(!hsgd_trainer_step(
            t, batch, HSGD_FIELDS(batch_x + step % 4 * batch * 784, batch_labels + step % 4 * batch), NULL));
    }
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&model);
    hsgd_destroy(&ctx);
    reference->there = true;
}

/* ------------------------------------------------------------ comparing */

static unsigned long long compare_losses(struct hsgd_context *ctx, const struct combination *c)
{
    struct hsgd_fit_result r;
    fit(ctx, c->executor, c->algorithm, &r);
    CHECK(r.losses == steps);
    double worst = 0;
    int at = 0;
    for (int i = 0; i < steps; i++) {
        double d = fabs(r.loss[i] - reference->loss[i]) / reference->loss[i];
        if (!(d <= worst)) worst = d, at = i;
    }
    CHECK_MSG(worst <= 1e-3, "loss of step %d is %g, the reference's %g", at + 1, r.loss[at], reference->loss[at]);
    CHECK(mean(r.loss + steps - 10, 10) < least_progress() * mean(r.loss, 10));
    return (unsigned long long)r.samples;
}

static void check_shares(struct hsgd_context *ctx, unsigned long long samples)
{
    unsigned long long all = 0, n = (unsigned long long)hsgd_device_count(ctx);
    struct hsgd_device d;
    for (int i = 0; !hsgd_device_get(ctx, i, &d, sizeof d); i++) all += d.samples;
    CHECK_MSG(all == samples, "%llu samples, not %llu", all, samples);
    for (int i = 0; !hsgd_device_get(ctx, i, &d, sizeof d); i++)
        CHECK_MSG(5 * n * d.samples >= 2 * all, "%s passed %llu of %llu samples", d.id, d.samples, all);
}

static void compare_gradients(struct hsgd_context *ctx, const struct combination *c)
{
    static float g[MOST];
    struct hsgd_model *model;
    struct hsgd_trainer *t = make_trainer(ctx, c->executor, c->algorithm, &model);
    for (int p = 0; p < POINTS && point_step[p] <= steps; p++) {
        core_set_weights(model, reference->weights[p]);
        REQUIRE(!hsgd_trainer_gradients(t, batch, HSGD_FIELDS(batch_x, batch_labels), g, reference->parameters));
        double d = core_distance(g, reference->gradients[p], reference->parameters);
        CHECK_MSG(d <= 1e-5, "gradients at step %d differ by %g", point_step[p], d);
    }
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&model);
}

static void compare(void *arg)
{
    const struct combination *c = arg;
    if (c->policy) setenv("STARPU_SCHED", c->policy, 1);
    struct hsgd_context *ctx = core_context(c->devices, c->threads, false);
    unsigned long long samples = compare_losses(ctx, c);
    if (c->algorithm == HSGD_DATA_PARALLEL) check_shares(ctx, samples);
    compare_gradients(ctx, c);
    hsgd_destroy(&ctx);
}

static void try(struct combination c)
{
    bool ok = core_child(compare, &c);
    printf("  %s: %s, %s, %d threads, %s, %s\n", ok ? "ok" : "FAILED", c.devices, hsgd_algorithm_name(c.algorithm),
           c.threads, c.executor == HSGD_INSERT ? "insert" : "replay", c.policy ? c.policy : "the library's policy");
}

/* With sanitizers a training takes ten times as long: the library's own policy
 * has to do there. */
#ifdef __SANITIZE_ADDRESS__
#define NPOLICIES 0
#else
#define NPOLICIES (sizeof policies / sizeof *policies)
#endif

/* One device set, every device with its share, by both executors and the library's policy. */
static void one_set(const char *devices)
{
    try((struct combination){ devices, 1, HSGD_INSERT, NULL, HSGD_DATA_PARALLEL });
    try((struct combination){ devices, 1, HSGD_REPLAY, NULL, HSGD_DATA_PARALLEL });
}

static const char *const policies[] = { "eager", "lws", "dmda", "dmdas", "prio" };

/* Every device set by the library's policy and both executors; those of several
 * workers, which leave a policy a choice, by every policy and replay, and by one
 * of them and insert.  HSGD_TEST_ALL: the whole product; HSGD_TEST_DEVICES: one
 * set instead. */
static void all_combinations(size_t npolicies)
{
    static const struct {
        const char *devices;
        int threads;
    } sets[] = { { "cpu", 1 }, { "cpu", 2 }, { "opencl", 0 }, { "cpu,opencl", 1 } };
    if (getenv("HSGD_TEST_STEPS")) steps = atoi(getenv("HSGD_TEST_STEPS"));
    if (getenv("HSGD_TEST_BATCH")) batch = atoi(getenv("HSGD_TEST_BATCH"));
    REQUIRE(steps >= 10 && steps <= STEPS && batch >= 1 && batch <= BATCH);
    batch_x = malloc(sizeof *batch_x * 4 * BATCH * 784);
    batch_labels = malloc(sizeof *batch_labels * 4 * BATCH);
    REQUIRE(batch_x && batch_labels);
    core_digits(0, 4 * BATCH, batch_x, batch_labels);
    reference = core_shared(sizeof *reference);
    core_child(make_reference, NULL);
    REQUIRE(reference->there);
    if (getenv("HSGD_TEST_DEVICES")) {
        one_set(getenv("HSGD_TEST_DEVICES"));
        return;
    }
    for (size_t s = 0; s < sizeof sets / sizeof *sets; s++) {
        struct combination c = { sets[s].devices, sets[s].threads, HSGD_REPLAY, NULL,
                                 strchr(sets[s].devices, ',') ? HSGD_DATA_PARALLEL : HSGD_SYNC };
        bool chooses = sets[s].threads > 1 || c.algorithm == HSGD_DATA_PARALLEL || getenv("HSGD_TEST_ALL");
        for (size_t p = 0; chooses && p < npolicies; p++) {
            c.policy = policies[p];
            c.executor = HSGD_REPLAY;
            try(c);
            c.executor = HSGD_INSERT;
            if (getenv("HSGD_TEST_ALL") || s == p) try(c);
        }
        c.policy = NULL;
        c.executor = HSGD_INSERT;
        try(c);
        c.executor = HSGD_REPLAY;
        try(c);
        if (c.algorithm == HSGD_SYNC) continue;
        c.algorithm = HSGD_SYNC; /* which may leave a device idle */
        try(c);
    }
}

static void digits(void)
{
    data_name = "digits";
    all_combinations(NPOLICIES);
}

static void mnist(void)
{
    static char path[1024];
    const char *folder = getenv("HSGD_TEST_DATA");
    struct stat st;
    snprintf(path, sizeof path, "%s/mnist", folder ? folder : "");
    if (!folder || stat(path, &st)) {
        core_skip("HSGD_TEST_DATA names no folder with mnist");
        return;
    }
    data_name = path;
    all_combinations(getenv("HSGD_TEST_ALL") ? NPOLICIES : 0); /* policies do not depend on the data */
}

static const struct core_case cases[] = { { "digits", digits }, { "mnist", mnist } };
CORE_MAIN(cases)
