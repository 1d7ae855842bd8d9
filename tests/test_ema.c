/* SPDX-License-Identifier: BSD-3-Clause */
/* The moving average of weights: against its formula in double precision, what uses
 * it, and resuming. */
#include "checkpoint.h"

#include <errno.h>
#include <math.h>

enum { STEPS = 50, ROWS = 24, WEIGHTS = 80000 };

/* Shards of a large weight, states, a count, weights that do not train. */
static struct hsgd_model *make_normed(void)
{
    struct hsgd_model *m = hsgd_model_create(ctx, "normed");
    struct hsgd_value *x = hsgd_input(m, "x", hsgd_image(6, 6, 1));
    x = HSGD_OP(x, conv2d, NULL, .out_channels = 4, .kernel = 3, .padding = 1);
    x = HSGD_OP(x, batch_norm, NULL);
    x = HSGD_OP(x, relu, NULL);
    x = HSGD_OP(x, flatten, NULL);
    x = HSGD_OP(x, dense, NULL, .units = 500, .activation = HSGD_TANH);
    m = core_classifier(m, HSGD_OP(x, dense, NULL, .units = CLASSES));
    REQUIRE(m && !hsgd_model_initialise(m, 5));
    return m;
}

static struct hsgd_trainer *make_trainer(struct hsgd_model *m, const struct hsgd_train_options *o)
{
    struct hsgd_trainer *t = hsgd_trainer_create(m, o);
    if (!CHECK_MSG(t != NULL, "%s", hsgd_error(ctx))) core_end();
    return t;
}

static void step(struct hsgd_trainer *t, int i)
{
    static float x[ROWS * FEATURES];
    static int32_t labels[ROWS];
    for (int k = 0; k < ROWS * FEATURES; k++) x[k] = sinf((float)(i * 1000 + k));
    for (int k = 0; k < ROWS; k++) labels[k] = (i + k) % CLASSES;
    if (!CHECK_MSG(!hsgd_trainer_step(t, ROWS, HSGD_FIELDS(x, labels), NULL), "%s", hsgd_error(ctx))) core_end();
}

/* Where the weight of this name is among all. */
static int64_t place_of(struct hsgd_model *m, const char *name)
{
    int64_t at = 0;
    int i = 0;
    for (; strcmp(hsgd_model_weight_name(m, i), name); i++)
        at += hsgd_model_weight_size(m, hsgd_model_weight_name(m, i));
    return at;
}

/* ------------------------------------------------------------------ formula */

static void check_average(struct hsgd_model *m, const float *last, const double *want, int64_t n)
{
    int64_t counts = place_of(m, "batch_norm1.num_batches_tracked"), fixed = place_of(m, "conv2d1.weight");
    float *got = core_weights(m, NULL);
    double off = 0, size = 0, moved = 0;
    CHECK_MSG(got[counts] == last[counts] && last[counts] >= STEPS, "%g steps, not %g", got[counts], last[counts]);
    CHECK(got[fixed] == last[fixed] && got[fixed] != 0);
    got[counts] = (float)want[counts];
    for (int64_t i = 0; i < n; i++) {
        off += (got[i] - want[i]) * (got[i] - want[i]);
        size += want[i] * want[i];
        moved += (last[i] - want[i]) * (last[i] - want[i]);
    }
    CHECK_MSG(sqrt(off / size) < 1e-6 && sqrt(moved / size) > 1e-4, "%g from the formula, %g from the weights",
              sqrt(off / size), sqrt(moved / size));
    free(got);
}

static void follow(const struct hsgd_train_options *o)
{
    static double want[WEIGHTS];
    struct hsgd_model *m = make_normed();
    struct hsgd_trainer *t = make_trainer(m, o);
    int64_t n;
    float *w = core_weights(m, &n);
    REQUIRE(n <= WEIGHTS);
    for (int64_t i = 0; i < n; i++) want[i] = w[i];
    for (int s = 1; s <= STEPS; s++) {
        double d = fmin(o->ema_decay, (1.0 + s) / (10.0 + s));
        free(w);
        step(t, s);
        w = core_weights(m, NULL);
        for (int64_t i = 0; i < n; i++) want[i] = d * want[i] + (1 - d) * w[i];
    }
    REQUIRE(!hsgd_trainer_use_ema(t));
    check_average(m, w, want, n);
    free(w);
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&m);
}

/* The decay of 0.7 is reached at step 20. */
static void follows_on(const char *devices, int kinds)
{
    static const struct hsgd_group fixed = { "conv2d1.weight", 0, -1 };
    begin(devices);
    for (int i = 0; i < kinds; i++) {
        struct hsgd_train_options o = options_for(i == 3 ? HSGD_LAMB : i ? HSGD_ADAM : HSGD_MOMENTUM);
        o.executor = i % 2 ? HSGD_INSERT : HSGD_REPLAY;
        o.clip_norm = i == 1 ? 0.5f : 0;
        o.accumulate = i == 2 ? 2 : 1;
        o.augment = NULL;
        o.ema_decay = 0.7f;
        o.group = &fixed;
        o.groups = 1;
        follow(&o);
    }
    end();
}

static void follows_on_cpu(void) { follows_on("cpu", 4); }
static void follows_on_opencl(void) { follows_on("opencl:0", 4); }
static void follows_on_both(void) { follows_on("cpu,opencl", 2); }

/* Training is as without it, to the bit. */
static void training_is_the_same(void)
{
    struct hsgd_train_options o = options_for(HSGD_ADAM);
    struct outcome plain, averaged;
    begin("cpu");
    REQUIRE(!train_from(NULL, &o, &plain));
    o.ema_decay = 0.9f;
    REQUIRE(!train_from(NULL, &o, &averaged));
    CHECK(!memcmp(plain.weights, averaged.weights, (size_t)plain.count * sizeof *plain.weights));
    CHECK(plain.fit.train_loss == averaged.fit.train_loss && plain.fit.validation_loss != averaged.fit.validation_loss);
    free(plain.weights), free(averaged.weights);
    end();
}

/* -------------------------------------------------------------- who uses it */

static double loss_of(struct hsgd_trainer *t)
{
    double loss = NAN;
    if (!CHECK_MSG(!hsgd_trainer_evaluate(t, held_back, &loss, NULL), "%s", hsgd_error(ctx))) core_end();
    return loss;
}

/* Of a model into which a file was loaded. */
static double loss_of_file(const char *path)
{
    struct hsgd_train_options o = options_for(HSGD_SGD);
    struct hsgd_model *m = make_model("small");
    struct hsgd_trainer *t = make_trainer(m, &o);
    if (!CHECK_MSG(!hsgd_model_load(m, path), "%s", hsgd_error(ctx))) core_end();
    struct hsgd_normalisation *norm = hsgd_data_statistics(train);
    REQUIRE(!hsgd_trainer_set_normalisation(t, norm));
    double loss = loss_of(t);
    hsgd_normalisation_destroy(&norm);
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&m);
    return loss;
}

/* Validation, evaluation, and what is in a checkpoint. */
static void used_on(const char *devices)
{
    begin(devices);
    struct hsgd_train_options o = options_for(HSGD_ADAM);
    struct hsgd_fit_result r;
    o.ema_decay = 0.9f;
    o.checkpoints = folder;
    struct hsgd_model *m = make_model("small");
    struct hsgd_trainer *t = make_trainer(m, &o);
    REQUIRE(!hsgd_fit(t, train, held_back, &r, sizeof r));
    float *plain = core_weights(m, NULL), *averaged;
    double average = loss_of(t), file = loss_of_file(in_folder("last/model.safetensors"));
    CHECK_MSG(r.validation_loss == average, "validation %.9g, evaluation %.9g", r.validation_loss, average);
    CHECK_MSG(fabs(file - average) < 1e-6 * average, "checkpoint %.9g, evaluation %.9g", file, average);
    CHECK(r.best_loss == average || r.best_step < r.steps);
    REQUIRE(!hsgd_model_save(m, in_folder("plain")));
    double other = loss_of_file(in_folder("plain"));
    CHECK_MSG(fabs(other - average) > 1e-5 * average, "the weights evaluate to %.9g, their average %.9g", other,
              average);
    CHECK(!hsgd_trainer_use_ema(t) && loss_of(t) == average);
    averaged = core_weights(m, NULL);
    CHECK(plain[0] != averaged[0]);
    REQUIRE(!hsgd_model_save(m, in_folder("averaged")));
    CHECK(loss_of_file(in_folder("averaged")) == file);
    free(plain), free(averaged);
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&m);
    end();
}

static void used_on_cpu(void) { used_on("cpu"); }
static void used_on_opencl(void) { used_on("opencl:0"); }

/* Before training, weights that are loaded or set are their own average. */
static void begins_with_training(void)
{
    begin("cpu");
    struct hsgd_train_options o = options_for(HSGD_ADAM);
    o.ema_decay = 0.9f;
    struct hsgd_model *m = make_model("small");
    struct hsgd_trainer *t = make_trainer(m, &o);
    double first = loss_of(t);
    REQUIRE(!hsgd_model_initialise(m, 77));
    double second = loss_of(t);
    CHECK(first != second);
    float *before = core_weights(m, NULL), *after;
    int64_t n;
    REQUIRE(!hsgd_checkpoint_save(t, folder) && !hsgd_model_initialise(m, 5) && loss_of(t) == first);
    REQUIRE(!hsgd_checkpoint_load(t, in_folder("step-0")) && !hsgd_trainer_use_ema(t));
    after = core_weights(m, &n);
    CHECK(!memcmp(before, after, (size_t)n * sizeof *after) && loss_of(t) == second);
    free(before), free(after);
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&m);
    end();
}

/* ----------------------------------------------------------------- resuming */

/* Weights, and their average, at the end of a training that goes on from a checkpoint, or of a whole one. */
static float *both_of(const char *checkpoint, const struct hsgd_train_options *o, int64_t *n)
{
    struct hsgd_fit_result r;
    struct hsgd_model *m = make_model("small");
    struct hsgd_trainer *t = make_trainer(m, o);
    if (checkpoint && !CHECK_MSG(!hsgd_checkpoint_load(t, checkpoint), "%s", hsgd_error(ctx))) core_end();
    REQUIRE(!hsgd_fit(t, train, held_back, &r, sizeof r));
    float *w = core_weights(m, n), *a, *both = malloc((size_t)(2 * *n) * sizeof *both);
    REQUIRE(both && !hsgd_trainer_use_ema(t));
    a = core_weights(m, NULL);
    memcpy(both, w, (size_t)*n * sizeof *w);
    memcpy(both + *n, a, (size_t)*n * sizeof *w);
    free(w), free(a);
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&m);
    return both;
}

static void resumes_on(const char *devices)
{
    begin(devices);
    struct hsgd_train_options o = options_for(HSGD_ADAM);
    int64_t n;
    o.ema_decay = 0.99f;
    o.checkpoints = folder;
    o.checkpoint_every = 1;
    o.checkpoint_hist = 100;
    float *whole = both_of(NULL, &o, &n), *saved;
    o.checkpoints = NULL;
    for (int stop = 1; stop < EPOCHS * 4; stop += 4) {
        char name[40];
        snprintf(name, sizeof name, "step-%d", stop);
        saved = both_of(in_folder(name), &o, &n);
        CHECK_MSG(!memcmp(whole, saved, (size_t)n * sizeof *saved), "%s: other weights", name);
        CHECK_MSG(!memcmp(whole + n, saved + n, (size_t)n * sizeof *saved), "%s: another average", name);
        free(saved);
    }
    free(whole);
    end();
}

static void resumes_on_cpu(void) { resumes_on("cpu"); }
static void resumes_on_both(void) { resumes_on("cpu,opencl"); }

static void refuses_to_load(float decay, const char *sentence)
{
    struct hsgd_train_options o = options_for(HSGD_ADAM);
    struct hsgd_model *m = make_model("small");
    o.ema_decay = decay;
    struct hsgd_trainer *t = make_trainer(m, &o);
    CHECK(hsgd_checkpoint_load(t, in_folder("step-12")) == -EINVAL);
    CHECK_MSG(strstr(hsgd_error(ctx), sentence), "%s", hsgd_error(ctx));
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&m);
}

static void another_decay(void)
{
    struct hsgd_train_options o = options_for(HSGD_ADAM);
    struct outcome r;
    begin("cpu");
    o.checkpoints = folder;
    o.ema_decay = 0.99f;
    REQUIRE(!train_from(NULL, &o, &r));
    refuses_to_load(0, "the checkpoint was made with ema_decay 0.99, not 0");
    refuses_to_load(0.9f, "the checkpoint was made with ema_decay 0.99, not 0.9");
    free(r.weights);
    new_folder();
    o.checkpoints = folder;
    o.ema_decay = 0;
    REQUIRE(!train_from(NULL, &o, &r));
    refuses_to_load(0.5f, "the checkpoint was made with ema_decay 0, not 0.5");
    free(r.weights);
    end();
}

/* ------------------------------------------------------------------ refused */

static void refused(void)
{
    struct hsgd_train_options o = options_for(HSGD_ADAM);
    begin("cpu");
    struct hsgd_model *m = make_model("small");
    struct hsgd_trainer *t = make_trainer(m, &o);
    CHECK(hsgd_trainer_use_ema(t) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "ema_decay is 0: there is no average of the weights");
    hsgd_trainer_destroy(&t);
    o.ema_decay = 1;
    CHECK(!hsgd_trainer_create(m, &o));
    CHECK_STR(hsgd_error(ctx), "ema_decay must be from 0 to 0.999999, not 1");
    o.ema_decay = 0.5f;
    o.algorithm = HSGD_LOCAL;
    CHECK(!hsgd_trainer_create(m, &o));
    CHECK_STR(hsgd_error(ctx), "ema_decay 0.5 is incompatible with algorithm \"local\"");
    hsgd_model_destroy(&m);
    end();
}

static const struct core_case cases[] = {
    { "follows_on_cpu", follows_on_cpu },
    { "follows_on_opencl", follows_on_opencl },
    { "follows_on_both", follows_on_both },
    { "training_is_the_same", training_is_the_same },
    { "used_on_cpu", used_on_cpu },
    { "used_on_opencl", used_on_opencl },
    { "begins_with_training", begins_with_training },
    { "resumes_on_cpu", resumes_on_cpu },
    { "resumes_on_both", resumes_on_both },
    { "another_decay", another_decay },
    { "refused", refused },
};
CORE_MAIN(cases)
