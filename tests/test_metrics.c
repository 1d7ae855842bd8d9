/* SPDX-License-Identifier: BSD-3-Clause */
/* Figures by name in trainings: two inputs, several targets, losses and metrics;
 * the best epoch by one of them, and checkpoints with all. */
#include "core.h"

#include <errno.h>
#include <math.h>
#include <unistd.h>

enum { SAMPLES = 96, IN = 5, MORE = 3, CLASSES = 4, SCORES = 2, FIELDS = 5, METRICS = 7 };

static struct hsgd_context *ctx;
static struct hsgd_data *data;
static float x[SAMPLES * IN], z[SAMPLES * MORE], score[SAMPLES * SCORES], chance[SAMPLES];
static int32_t label[SAMPLES];
static char said[200];

static void listen(void *user, enum hsgd_log_level level, const char *text)
{
    (void)user, (void)level;
    if (strstr(text, "normalised")) snprintf(said, sizeof said, "%s", text);
}

/* Scores of any unit, a chance of 0 or 1, and a class, which follow from the inputs. */
static void open_world(bool deterministic)
{
    struct hsgd_context_options o = {
        .size = sizeof o, .devices = "cpu", .threads = 1, .deterministic = deterministic, .log = listen
    };
    if (!CHECK_MSG(!hsgd_create(&ctx, &o), "%s", hsgd_error(ctx))) core_end();
    for (int i = 0; i < SAMPLES; i++) {
        for (int k = 0; k < IN; k++) x[i * IN + k] = (float)((i * 37 + k * 101) % 64) / 32 - 1;
        for (int k = 0; k < MORE; k++) z[i * MORE + k] = (float)((i * 53 + k * 29) % 64) / 32 - 1;
        score[i * SCORES] = 500 + 40 * x[i * IN] - 30 * z[i * MORE];
        score[i * SCORES + 1] = 3 * x[i * IN + 1];
        chance[i] = x[i * IN + 2] + z[i * MORE + 1] > 0;
        label[i] = (x[i * IN] > 0) + 2 * (z[i * MORE] > 0);
    }
    const struct hsgd_data_field fields[FIELDS] = {
        { .size = sizeof(struct hsgd_data_field), .name = "x", .type = hsgd_vector(IN) },
        { .size = sizeof(struct hsgd_data_field), .name = "z", .type = hsgd_vector(MORE) },
        { .size = sizeof(struct hsgd_data_field), .name = "score", .type = hsgd_vector(SCORES) },
        { .size = sizeof(struct hsgd_data_field), .name = "chance", .type = hsgd_vector(1) },
        { .size = sizeof(struct hsgd_data_field), .name = "label", .type = hsgd_number(HSGD_I32), .classes = CLASSES },
    };
    data = hsgd_data_arrays(ctx, SAMPLES, FIELDS, fields, (const void *const[]){ x, z, score, chance, label },
                            HSGD_BORROW);
    if (!CHECK_MSG(data, "%s", hsgd_error(ctx))) core_end();
}

static void close_world(void)
{
    hsgd_data_destroy(&data);
    hsgd_destroy(&ctx);
}

static struct hsgd_model *make_model(void)
{
    struct hsgd_model *m = hsgd_model_create(ctx, "heads");
    struct hsgd_value *v = hsgd_input(m, "x", hsgd_vector(IN)), *w = hsgd_input(m, "z", hsgd_vector(MORE));
    struct hsgd_value *scores = hsgd_target(m, "score", hsgd_vector(SCORES));
    struct hsgd_value *chances = hsgd_target(m, "chance", hsgd_vector(1));
    struct hsgd_value *labels = hsgd_target(m, "label", hsgd_number(HSGD_I32));
    v = HSGD_JOIN(HSGD_OF(v, w), concat, NULL);
    v = HSGD_OP(v, dense, NULL, .units = 16, .activation = HSGD_TANH);
    struct hsgd_value *y = HSGD_OP(v, dense, "y", .units = SCORES), *p = HSGD_OP(v, dense, "p", .units = 1);
    struct hsgd_value *classes = HSGD_OP(v, dense, "classes", .units = CLASSES);
    hsgd_loss(HSGD_JOIN(HSGD_OF(classes, labels), softmax_cross_entropy, "of_class"));
    hsgd_weighted_loss(HSGD_JOIN(HSGD_OF(y, scores), mse, "of_scores"), 2);
    hsgd_weighted_loss(HSGD_JOIN(HSGD_OF(p, chances), binary_cross_entropy, "of_chance"), 0.5f);
    HSGD_JOIN(HSGD_OF(y, scores), rmse, NULL);
    HSGD_JOIN(HSGD_OF(classes, labels), top_k, "top_2", .k = 2);
    if (!CHECK_MSG(!hsgd_model_finish(m), "%s", hsgd_error(ctx))) core_end();
    return m;
}

static struct hsgd_trainer *make_trainer(struct hsgd_model *m, int epochs, const char *best)
{
    struct hsgd_train_options o;
    hsgd_train_defaults(&o, sizeof o);
    o.epochs = epochs;
    o.batch_size = 16;
    o.learning_rate = 0.01f;
    o.best = best;
    o.accumulate = 2;
    return hsgd_trainer_create(m, &o);
}

enum { LOSS, ACCURACY, OF_CLASS, OF_SCORES, OF_CHANCE, RMSE, TOP_2 };

static void close_to(double got, double want, const char *what)
{
    CHECK_MSG(fabs(got - want) <= 1e-6 * (1 + fabs(want)), "%s is %g, not %g", what, got, want);
}

static void check_figures(const double *f)
{
    close_to(f[LOSS], f[OF_CLASS] + 2 * f[OF_SCORES] + 0.5 * f[OF_CHANCE], "loss");
    close_to(f[RMSE], sqrt(f[OF_SCORES]), "rmse");
    CHECK(f[ACCURACY] <= f[TOP_2] && f[TOP_2] <= 1);
}

/* Figures of an epoch, of an evaluation and of the best epoch are the same ones. */
static void figures(void)
{
    static const char *const names[METRICS] = { "loss",      "accuracy", "of_class", "of_scores",
                                                "of_chance", "rmse",     "top_2" };
    open_world(false);
    struct hsgd_model *m = make_model();
    for (int i = 0; i < METRICS; i++) CHECK_STR(hsgd_model_metric_name(m, i), names[i]);
    CHECK(!hsgd_model_metric_name(m, METRICS) && !hsgd_model_metric_name(m, -1));
    struct hsgd_trainer *t = make_trainer(m, 30, "rmse");
    struct hsgd_fit_result r = { .size = sizeof r };
    double now[METRICS], loss, accuracy;
    REQUIRE(t);
    if (!CHECK_MSG(!hsgd_fit(t, data, data, &r, sizeof r), "%s", hsgd_error(ctx))) core_end();
    CHECK_STR(said, "\"chance\" is not normalised: binary_cross_entropy takes targets as they are");
    CHECK(r.metrics == METRICS && r.samples == 30 * SAMPLES);
    check_figures(r.train);
    check_figures(r.validation);
    check_figures(r.best);
    CHECK(!hsgd_trainer_measure(t, data, now, METRICS) && !hsgd_trainer_evaluate(t, data, &loss, &accuracy));
    for (int i = 0; i < METRICS; i++) close_to(now[i], r.validation[i], names[i]);
    close_to(loss, now[LOSS], "loss");
    close_to(accuracy, now[ACCURACY], "accuracy");
    CHECK_MSG(r.best[RMSE] < 0.3 && r.best[ACCURACY] > 0.8, "rmse %g, accuracy %g", r.best[RMSE], r.best[ACCURACY]);
    CHECK(hsgd_trainer_measure(t, data, now, 3) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "model \"heads\" has 7 figures, not 3");
    hsgd_trainer_destroy(&t);
    CHECK(!make_trainer(m, 1, "mae"));
    CHECK_STR(hsgd_error(ctx), "best is \"mae\", which model \"heads\" does not measure; it has loss, accuracy, "
                               "of_class, of_scores, of_chance, rmse, top_2");
    hsgd_model_destroy(&m);
    close_world();
}

static void run_from(const char *folder, int epochs, struct hsgd_fit_result *r, char digest[65])
{
    char path[300];
    struct hsgd_model *m = make_model();
    struct hsgd_trainer *t = make_trainer(m, epochs, "of_scores");
    REQUIRE(t);
    int64_t step = folder ? hsgd_checkpoint_latest(ctx, folder) : -1;
    snprintf(path, sizeof path, "%s/step-%lld", folder ? folder : "", (long long)step);
    if (step >= 0 && !CHECK_MSG(!hsgd_checkpoint_load(t, path), "%s", hsgd_error(ctx))) core_end();
    *r = (struct hsgd_fit_result){ .size = sizeof *r };
    if (!CHECK_MSG(!hsgd_fit(t, data, data, r, sizeof *r), "%s", hsgd_error(ctx))) core_end();
    if (folder && step < 0) CHECK_MSG(!hsgd_checkpoint_save(t, folder), "%s", hsgd_error(ctx));
    CHECK(!hsgd_model_digest(m, digest));
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&m);
}

/* A checkpoint has every figure: who goes on from it ends as who was not interrupted. */
static void resumed(void)
{
    struct hsgd_fit_result whole, first, second;
    char want[65], half[65], got[65], folder[] = "metrics.XXXXXX", command[100];
    open_world(true);
    REQUIRE(mkdtemp(folder));
    run_from(NULL, 6, &whole, want);
    run_from(folder, 3, &first, half);
    run_from(folder, 6, &second, got);
    CHECK_STR(got, want);
    CHECK(strcmp(half, want));
    CHECK(second.best_step == whole.best_step);
    for (int i = 0; i < METRICS; i++)
        CHECK(second.best[i] == whole.best[i] && second.validation[i] == whole.validation[i] &&
              second.train[i] == whole.train[i]);
    snprintf(command, sizeof command, "rm -r %s", folder);
    CHECK(!system(command));
    close_world();
}

/* Of samples in memory and of a data set; nothing is trained. */
static void no_probability(void)
{
    struct hsgd_fit_result r = { .size = sizeof r };
    char before[65], after[65];
    open_world(false);
    chance[7] = 1.5f;
    struct hsgd_model *m = make_model();
    struct hsgd_trainer *t = make_trainer(m, 1, NULL);
    REQUIRE(t && !hsgd_model_digest(m, before));
    CHECK(hsgd_trainer_step(t, 16, HSGD_FIELDS(x, z, score, chance, label), NULL) == -EDOM);
    CHECK_STR(hsgd_error(ctx), "chance: value 0 of sample 7 is 1.5, but binary_cross_entropy takes 0 to 1");
    CHECK(hsgd_fit(t, data, NULL, &r, sizeof r) == -EDOM);
    CHECK_STR(hsgd_error(ctx), "\"chance\" has values from 0 to 1.5, but binary_cross_entropy takes 0 to 1");
    CHECK(!hsgd_model_digest(m, after));
    CHECK_STR(after, before);
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&m);
    close_world();
}

/* The first error in a model with several losses. */
static void refused(const char *loss, const char *metric, float weight, const char *sentence)
{
    struct hsgd_model *m = hsgd_model_create(ctx, "m");
    struct hsgd_value *v = hsgd_input(m, "x", hsgd_vector(IN)), *t = hsgd_target(m, "label", hsgd_number(HSGD_I32));
    v = HSGD_OP(v, dense, NULL, .units = CLASSES);
    struct hsgd_value *a = HSGD_JOIN(HSGD_OF(v, t), softmax_cross_entropy, loss);
    struct hsgd_value *b = HSGD_JOIN(HSGD_OF(v, t), mse, metric);
    hsgd_loss(a);
    hsgd_weighted_loss(weight == 7 ? a : b, weight);
    CHECK(hsgd_model_finish(m) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), sentence);
    hsgd_model_destroy(&m);
}

static void refusals(void)
{
    ctx = core_context("none", 1, false);
    refused("loss", "b", 1, "model \"m\": a layer cannot be called \"loss\", which another figure is");
    refused("a", "accuracy", 1, "model \"m\": a layer cannot be called \"accuracy\", which another figure is");
    refused("a", "b", -1, "model \"m\": the weight of loss \"b\" must be 0 or more, not -1");
    refused("a", "b", NAN, "model \"m\": the weight of loss \"b\" must be 0 or more, not nan");
    refused("a", "b", 7, "model \"m\": loss \"a\" is given twice");
    hsgd_destroy(&ctx);
}

static const struct core_case cases[] = {
    { "figures", figures }, { "resumed", resumed }, { "no_probability", no_probability }, { "refusals", refusals }
};
CORE_MAIN(cases)
