/* SPDX-License-Identifier: BSD-3-Clause */
/* Algorithms with a parameter server: what is handed in arrives, whatever the
 * order; bounds hold; and they learn. */
#include "core.h"

#include <errno.h>
#include <math.h>

enum { FEATURES = 4, CLASSES = 3, BATCH = 32, UPDATES = 64, SAMPLES = UPDATES * BATCH };

static struct hsgd_context *ctx;
static struct hsgd_model *model;
static struct hsgd_trainer *trainer;

static struct hsgd_train_options options(enum hsgd_algorithm algorithm)
{
    struct hsgd_train_options o;
    hsgd_train_defaults(&o, sizeof o);
    o.algorithm = algorithm;
    o.optimizer = HSGD_SGD;
    o.batch_size = BATCH;
    return o;
}

static void end(void)
{
    hsgd_trainer_destroy(&trainer);
    hsgd_model_destroy(&model);
    hsgd_destroy(&ctx);
}

/* ---------------------------------------------------------------- options */

static void names(void)
{
    for (int i = 0; i < HSGD_ALGORITHMS; i++)
        CHECK(hsgd_algorithm_by_name(hsgd_algorithm_name((enum hsgd_algorithm)i)) == i);
    CHECK(hsgd_algorithm_by_name("dpsgd") == HSGD_DATA_PARALLEL && hsgd_algorithm_by_name("sgd") == -EINVAL);
    CHECK(hsgd_algorithm_name(HSGD_ALGORITHMS) == NULL);
}

static void refuse(struct hsgd_train_options o, const char *sentence)
{
    model = hsgd_model_by_name(ctx, "linear", (struct hsgd_shape){ 1, 1, FEATURES }, CLASSES);
    REQUIRE(model);
    trainer = hsgd_trainer_create(model, &o);
    CHECK(trainer == NULL);
    CHECK_STR(hsgd_error(ctx), sentence);
    hsgd_model_destroy(&model);
}

static void refusals(void)
{
    struct hsgd_train_options o = options(HSGD_STALE);
    ctx = core_context("opencl", 0, false);
    refuse(options(HSGD_HOGWILD), "algorithm \"hogwild\" needs the CPU among its devices");
    o.executor = HSGD_INSERT;
    refuse(o, "algorithm \"stale\" is incompatible with the insert executor, which orders all accesses");
    o = options(HSGD_STALE);
    o.min_batch = 9;
    o.max_batch = 8;
    refuse(o, "min_batch 9 is more than max_batch 8");
    o = options(HSGD_ADAPTIVE);
    o.min_batch = 2 * BATCH + 1;
    refuse(o, "min_batch 65 is more than max_batch 64");
    o = options(HSGD_STALE);
    o.staleness = -1;
    refuse(o, "staleness must be from 0 to 1e+06, not -1");
    end();
    ctx = core_context("cpu", 1, true);
    refuse(options(HSGD_ELASTIC), "algorithm \"elastic\" is not deterministic");
    end();
}

/* ----------------------------------------------------------- nothing is lost
 * A linear model that is sure of class 1, and wrong: every sample's gradient
 * is its input for class 1, minus that for class 0, whatever was merged
 * before.  With whole numbers all sums are exact. */

static float x[SAMPLES * FEATURES];
static int32_t labels[SAMPLES];

static void begin_linear(enum hsgd_algorithm algorithm, int staleness)
{
    struct hsgd_train_options o = options(algorithm);
    float w[FEATURES * CLASSES] = { 0 }, b[CLASSES] = { 0, 2000, 0 };
    o.learning_rate = 0.125f;
    o.staleness = staleness;
    o.local_steps = 4;
    o.rate_ramp = 0; /* a sample weighs the same in a batch of any size */
    ctx = core_context("cpu,opencl", 1, false);
    model = hsgd_model_create(ctx, "sure");
    struct hsgd_value *scores = hsgd_input(model, "x", hsgd_vector(FEATURES));
    model = core_classifier(model, HSGD_OP(scores, dense, NULL, .units = CLASSES));
    trainer = hsgd_trainer_create(model, &o);
    REQUIRE(trainer);
    REQUIRE(!hsgd_model_set_weight(model, hsgd_model_weight_name(model, 0), w, FEATURES * CLASSES));
    REQUIRE(!hsgd_model_set_weight(model, hsgd_model_weight_name(model, 1), b, CLASSES));
    for (int i = 0; i < SAMPLES * FEATURES; i++) x[i] = (float)((i * 7 + i / 11) % 4);
}

static void check_sums(const char *name)
{
    float w[FEATURES * CLASSES], b[CLASSES];
    char weight[96], bias[96];
    snprintf(weight, sizeof weight, "%s", hsgd_model_weight_name(model, 0));
    snprintf(bias, sizeof bias, "%s", hsgd_model_weight_name(model, 1));
    REQUIRE(!hsgd_model_get_weight(model, weight, w, FEATURES * CLASSES));
    REQUIRE(!hsgd_model_get_weight(model, bias, b, CLASSES));
    CHECK_MSG(b[0] == 0.125f * UPDATES && b[1] == 2000 - 0.125f * UPDATES && b[2] == 0, "%s: biases %g, %g, %g", name,
              b[0], b[1], b[2]);
    for (int k = 0; k < FEATURES; k++) {
        float sum = 0;
        for (int i = 0; i < SAMPLES; i++) sum += x[i * FEATURES + k];
        sum *= 0.125f / BATCH;
        CHECK_MSG(w[k * CLASSES] == sum && w[k * CLASSES + 1] == -sum, "%s: weight %d is %g, not %g", name, k,
                  w[k * CLASSES], sum);
    }
}

static void nothing_is_lost(void)
{
    static const enum hsgd_algorithm algorithms[] = { HSGD_STALE, HSGD_ADAPTIVE, HSGD_LOCAL, HSGD_HOGBATCH };
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++) {
        double loss;
        begin_linear(algorithms[i], 0);
        if (!CHECK_MSG(!hsgd_trainer_step(trainer, SAMPLES, HSGD_FIELDS(x, labels), &loss), "%s", hsgd_error(ctx)))
            core_end();
        CHECK(isfinite(loss) && loss > 100);
        check_sums(hsgd_algorithm_name(algorithms[i]));
        end();
    }
}

/* Plans that are only looked at take the places of those that have run, while workers rest. */
static void plans_make_room(void)
{
    begin_linear(HSGD_STALE, 0);
    REQUIRE(!hsgd_trainer_step(trainer, SAMPLES, HSGD_FIELDS(x, labels), NULL));
    for (int batch = 1; batch <= 24; batch++)
        if (!CHECK_MSG(hsgd_trainer_plan(trainer, batch) > 0, "%d: %s", batch, hsgd_error(ctx))) break;
    end();
}

/* ------------------------------------------------------------------ training */

static const char *model_name = "mlp-small";

static char told[20000];

static void keep_line(void *user, enum hsgd_log_level level, const char *text)
{
    size_t used = strlen(told);
    (void)user, (void)level;
    snprintf(told + used, sizeof told - used, "%s\n", text);
}

static void fit_with(struct hsgd_train_options o, int threads, struct hsgd_fit_result *r)
{
    struct hsgd_context_options c = { .size = sizeof c,
                                      .devices = o.algorithm == HSGD_HOGWILD ? "cpu" : "cpu,opencl",
                                      .threads = threads,
                                      .log = keep_line };
    REQUIRE(!hsgd_create(&ctx, &c));
    struct hsgd_data *data = hsgd_data_open(ctx, "digits", HSGD_TRAIN);
    struct hsgd_data *test = hsgd_data_open(ctx, "digits", HSGD_TEST);
    model = hsgd_model_by_name(ctx, model_name, hsgd_data_shape(data), hsgd_data_classes(data));
    trainer = hsgd_trainer_create(model, &o);
    REQUIRE(trainer);
    if (!CHECK_MSG(!hsgd_fit(trainer, data, test, r, sizeof *r), "%s", hsgd_error(ctx))) core_end();
    CHECK_MSG(r->epochs == o.epochs && r->samples == o.epochs * hsgd_data_count(data), "%lld samples",
              (long long)r->samples);
    hsgd_data_destroy(&data);
    hsgd_data_destroy(&test);
}

static struct hsgd_train_options fit_options(enum hsgd_algorithm algorithm)
{
    struct hsgd_train_options o = options(algorithm);
    o.learning_rate = 0.05f;
    o.batch_size = 64;
    o.epochs = 2;
    return o;
}

static void fit(enum hsgd_algorithm algorithm, int staleness, int threads, struct hsgd_fit_result *r)
{
    struct hsgd_train_options o = fit_options(algorithm);
    o.staleness = staleness;
    fit_with(o, threads, r);
}

static int64_t sum_of(const struct hsgd_fit_result *r, bool samples)
{
    int64_t sum = 0;
    for (int i = 0; i < r->replicas; i++) sum += samples ? r->replica[i].samples : r->replica[i].updates;
    return sum;
}

/* All learn, count all samples, and count every merge once. */
static void learns(enum hsgd_algorithm algorithm, int threads)
{
    static struct hsgd_fit_result r;
    int64_t stale = 0;
    fit(algorithm, 0, threads, &r);
    const char *name = hsgd_algorithm_name(algorithm);
    CHECK_MSG(r.validation_accuracy > 0.8, "%s: accuracy %g after 2 epochs", name, r.validation_accuracy);
    CHECK_MSG(r.replicas >= 1 && (algorithm == HSGD_LOCAL || sum_of(&r, true) == r.samples), "%s: %lld samples", name,
              (long long)sum_of(&r, true));
    for (int i = 0; i < HSGD_KEPT_STALENESS; i++) stale += r.stale[i];
    int64_t merges = 0, fresh = 0, missed = 0;
    for (int i = 0; i < r.replicas; i++) {
        const struct hsgd_replica *p = &r.replica[i];
        merges += p->merges;
        fresh += p->merges - p->stale;
        missed += p->missed;
        CHECK(p->missed >= p->stale && p->missed <= p->stale * p->max_missed);
    }
    CHECK_MSG(merges == r.merges && fresh == r.stale[0] && (missed > 0) == (fresh < merges), "%s: the replicas' merges",
              name);
    CHECK_MSG(stale == r.merges && (r.pushes ? r.merges % r.pushes == 0 : r.merges == 0),
              "%s: %lld merges, %lld pushes", name, (long long)r.merges, (long long)r.pushes);
    end();
}

static void local(void) { learns(HSGD_LOCAL, 1); }
static void elastic(void) { learns(HSGD_ELASTIC, 1); }
static void stale(void) { learns(HSGD_STALE, 1); }
static void hogwild(void) { learns(HSGD_HOGWILD, 0); }
static void hogbatch(void) { learns(HSGD_HOGBATCH, 1); }
static void adaptive(void) { learns(HSGD_ADAPTIVE, 1); }

static void staleness_is_bounded(void)
{
    static struct hsgd_fit_result r;
    for (int bound = 1; bound <= 3; bound += 2) {
        fit(HSGD_STALE, bound, 1, &r);
        for (int i = bound + 1; i < HSGD_KEPT_STALENESS; i++)
            CHECK_MSG(r.stale[i] == 0, "%lld merges missed %d others, the bound is %d", (long long)r.stale[i], i,
                      bound);
        CHECK_MSG(r.stale[1] > 0, "no merge was stale");
        for (int i = 0; i < r.replicas; i++) CHECK(r.replica[i].max_missed <= bound);
        end();
    }
}

/* Adaptive on devices of different speed, which hardly depends on the machine,
 * with bounds of the batches. */
static void fit_adaptive(int least, int most, enum hsgd_rate_scaling scaling, struct hsgd_fit_result *r)
{
    struct hsgd_train_options o = fit_options(HSGD_ADAPTIVE);
    o.epochs = 1;
    if (least != most || !most) setenv("HSGD_SLOW", "cpu:40us,opencl:240us", 1); /* else speeds change nothing */
    o.min_batch = least;
    o.max_batch = most;
    o.rate_scaling = scaling;
    fit_with(o, 1, r);
    REQUIRE(r->replicas == 2);
}

/* However different the devices: nobody makes more than twice the updates of
 * another, but for a few at the beginning. */
static void adaptive_balances(void)
{
    static struct hsgd_fit_result r;
    fit_adaptive(0, 0, HSGD_SCALE_AUTO, &r);
    int64_t a = r.replica[0].updates, b = r.replica[1].updates;
    CHECK_MSG(a <= 2 * b + 4 && b <= 2 * a + 4, "%lld and %lld updates", (long long)a, (long long)b);
    CHECK_MSG(r.replica[0].batch_size != r.replica[1].batch_size, "batches of %d and %d", r.replica[0].batch_size,
              r.replica[1].batch_size);
    end();
}

/* Batches stay within the user's bounds, and rates follow them as the user
 * says; the log says so. */
static void adaptive_is_bounded(void)
{
    static struct hsgd_fit_result r;
    fit_adaptive(48, 96, HSGD_SCALE_NONE, &r);
    for (int i = 0; i < 2; i++) {
        CHECK_MSG(r.replica[i].batch_size == (strcmp(r.replica[i].device, "cpu") ? 48 : 96), "%s: batches of %d",
                  r.replica[i].device, r.replica[i].batch_size);
        CHECK_MSG((float)r.replica[i].learning_rate == 0.05f, "learning rate %.9g", r.replica[i].learning_rate);
    }
    end();
    unsetenv("HSGD_SLOW");
    fit_adaptive(16, 16, HSGD_SCALE_ROOT, &r);
    for (int i = 0; i < 2; i++)
        CHECK_MSG((float)r.replica[i].learning_rate == 0.025f, "learning rate %.9g", r.replica[i].learning_rate);
    end();
}

static void changes_are_told(void)
{
    static struct hsgd_fit_result r;
    fit_adaptive(64, 128, HSGD_SCALE_AUTO, &r);
    CHECK_MSG(strstr(told, ": cpu takes batches of 128 instead of 64 and, within 10 updates, 2 instead of 1 times the "
                           "learning rate: it has made "),
              "\"%.300s\"", told);
    end();
}

static void hogbatch_sizes(void)
{
    static struct hsgd_fit_result r;
    struct hsgd_train_options o = fit_options(HSGD_HOGBATCH);
    o.min_batch = 20;
    o.max_batch = 100;
    fit_with(o, 1, &r);
    REQUIRE(r.replicas == 2);
    for (int i = 0; i < 2; i++) {
        bool cpu = !strcmp(r.replica[i].device, "cpu");
        CHECK_MSG(r.replica[i].batch_size == (cpu ? 20 : 100), "batches of %d", r.replica[i].batch_size);
        CHECK(r.replica[i].samples <= r.replica[i].updates * r.replica[i].batch_size);
    }
    end();
}

/* A device that fails gives its samples to the others, and is not used again. */
static void goes_on(enum hsgd_algorithm algorithm)
{
    static struct hsgd_fit_result r;
    int failed = 0;
    setenv("HSGD_FAIL", "opencl@20", 1);
    fit(algorithm, 0, 1, &r);
    const char *name = hsgd_algorithm_name(algorithm);
    for (int i = 0; i < r.replicas; i++)
        if (!strcmp(r.replica[i].device, "opencl:0")) failed = i;
    CHECK_MSG(r.replica[failed].updates < sum_of(&r, false) / 2, "%s: %lld updates of the device that failed", name,
              (long long)r.replica[failed].updates);
    CHECK_MSG(r.validation_accuracy > 0.8, "%s: accuracy %g", name, r.validation_accuracy);
    CHECK_MSG(sum_of(&r, true) == r.samples, "%s: %lld samples of %lld", name, (long long)sum_of(&r, true),
              (long long)r.samples);
    end();
}

static void stale_goes_on(void) { goes_on(HSGD_STALE); }
static void adaptive_goes_on(void) { goes_on(HSGD_ADAPTIVE); }
static void hogbatch_goes_on(void) { goes_on(HSGD_HOGBATCH); }

/* Nor does one that has no room. */
static void has_no_room(void)
{
    static const enum hsgd_algorithm algorithms[] = { HSGD_STALE, HSGD_LOCAL, HSGD_HOGBATCH };
    static struct hsgd_fit_result r;
    setenv("STARPU_LIMIT_OPENCL_MEM", "1", 1);
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++) {
        const char *name = hsgd_algorithm_name(algorithms[i]);
        model_name = "mlp";
        fit(algorithms[i], 0, 1, &r);
        for (int k = 0; k < r.replicas; k++)
            CHECK_MSG((r.replica[k].samples == 0) == !strcmp(r.replica[k].device, "opencl:0"), "%s: %lld samples on %s",
                      name, (long long)r.replica[k].samples, r.replica[k].device);
        CHECK_MSG(sum_of(&r, true) == r.samples, "%s: %lld samples of %lld", name, (long long)sum_of(&r, true),
                  (long long)r.samples);
        end();
    }
}

static const struct core_case cases[] = { { "names", names },
                                          { "refusals", refusals },
                                          { "nothing_is_lost", nothing_is_lost },
                                          { "plans_make_room", plans_make_room },
                                          { "local", local },
                                          { "elastic", elastic },
                                          { "stale", stale },
                                          { "hogwild", hogwild },
                                          { "hogbatch", hogbatch },
                                          { "adaptive", adaptive },
                                          { "staleness_is_bounded", staleness_is_bounded },
                                          { "adaptive_balances", adaptive_balances },
                                          { "stale_goes_on", stale_goes_on },
                                          { "adaptive_goes_on", adaptive_goes_on },
                                          { "hogbatch_goes_on", hogbatch_goes_on },
                                          { "adaptive_is_bounded", adaptive_is_bounded },
                                          { "changes_are_told", changes_are_told },
                                          { "hogbatch_sizes", hogbatch_sizes },
                                          { "has_no_room", has_no_room } };
CORE_MAIN(cases)
