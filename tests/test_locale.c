/* SPDX-License-Identifier: BSD-3-Clause */
/* No number that is read or written depends on the locale of the application:
 * every case runs in one with a decimal comma, and expects what the C locale
 * gives. */
#include "files.h"

#include <errno.h>
#include <locale.h>
#include <math.h>

#include "comma.h"

enum { COUNT = 40, FEATURES = 4, STEPS = 10 };

static struct hsgd_context *ctx;
static const struct hsgd_shape in = { 1, 1, FEATURES };

static void begin(void)
{
    char number[16];
    pictures_begin();
    REQUIRE(comma_locale());
    snprintf(number, sizeof number, "%g", 0.25);
    CHECK_STR(number, "0,25");
    ctx = core_context("cpu", 1, true);
}

static void end(void)
{
    char number[16];
    hsgd_destroy(&ctx);
    snprintf(number, sizeof number, "%g", 0.25);
    CHECK_STR(number, "0,25"); /* the application's locale is as it was */
}

static struct hsgd_model *network(void)
{
    struct hsgd_model *m = hsgd_model_create(ctx, "m");
    struct hsgd_value *x = hsgd_input(m, "x", hsgd_image(in.h, in.w, in.c));
    x = HSGD_OP(HSGD_OP(x, flatten, NULL), dense, NULL, .units = 8, .activation = HSGD_RELU);
    x = HSGD_OP(x, dropout, NULL, .p = 0.25f);
    m = core_classifier(m, HSGD_OP(x, dense, NULL, .units = 2));
    REQUIRE(m && !hsgd_model_initialise(m, 1));
    return m;
}

static void model_files(void)
{
    begin();
    struct hsgd_model *m = network(), *again;
    char *text = hsgd_model_text(m);
    CHECK_MSG(text && strstr(text, "p: 0.25"), "%s", text ? text : hsgd_error(ctx));
    again = hsgd_model_from_text(ctx, text, in, 2);
    CHECK_MSG(again, "%s", hsgd_error(ctx));
    hsgd_model_destroy(&again);
    free(text);
    CHECK_MSG(!hsgd_model_save(m, "saved.safetensors"), "%s", hsgd_error(ctx));
    again = hsgd_model_open(ctx, "saved.safetensors");
    CHECK_MSG(again, "%s", hsgd_error(ctx));
    hsgd_model_destroy(&again);
    CHECK(setlocale(LC_ALL, "C"));
    again = hsgd_model_open(ctx, "saved.safetensors");
    CHECK_MSG(again, "%s", hsgd_error(ctx));
    hsgd_model_destroy(&again);
    hsgd_model_destroy(&m);
    hsgd_destroy(&ctx);
}

/* The class names are the labels, sorted as numbers. */
static void array_labels(void)
{
    static const float x[3] = { 0.5f, 1, 2 };
    static const double y[3] = { 10, -1.5, 2.25 };
    begin();
    struct archive *zip = zip_begin("set.npz", false);
    tar_add(zip, "x.npy", npy("<f4", "(3, 1)", bytes_of(x, sizeof x)), NULL);
    tar_add(zip, "y.npy", npy("<f8", "(3,)", bytes_of(y, sizeof y)), NULL);
    tar_end(zip);
    struct set s = read_set(ctx, "set.npz",
                            &(struct hsgd_data_options){ .size = sizeof(struct hsgd_data_options),
                                                         .classes = 3,
                                                         .class_name = (const char *const[]){ "-1.5", "2.25", "10" } });
    expect_classes(s.train, "-1.5 2.25 10");
    SAMPLE(s.train, 1, 0, 1);
    close_set(&s);
    end();
}

static void texts(void)
{
    begin();
    put_text("set.csv", "a,b,label\n1.5,-0.25,x\n1e-3,2.5,y\n");
    struct set s = read_set(ctx, "set.csv", NULL);
    SAMPLE(s.train, 0, 0, 1.5f, -0.25f);
    SAMPLE(s.train, 1, 1, 1e-3f, 2.5f);
    close_set(&s);
    put_text("set.svm", "1 1:0.5 2:1.25\n2 1:-0.5\n");
    s = read_set(ctx, "set.svm", NULL);
    SAMPLE(s.train, 0, 0, 0.5f, 1.25f);
    close_set(&s);
    end();
}

static void sentences(void)
{
    struct hsgd_train_options o;
    begin();
    struct hsgd_model *m = network();
    hsgd_train_defaults(&o, sizeof o);
    o.label_smoothing = 1.5f;
    struct hsgd_trainer *t = hsgd_trainer_create(m, &o);
    CHECK_MSG(!t && strstr(hsgd_error(ctx), "from 0 to 0.999, not 1.5"), "%s", hsgd_error(ctx));
    hsgd_model_destroy(&m);
    m = hsgd_model_create(ctx, "n");
    CHECK(!HSGD_OP(hsgd_input(m, "x", hsgd_vector(3)), dropout, NULL, .p = 1.5f));
    CHECK_MSG(strstr(hsgd_error(ctx), "1.5"), "%s", hsgd_error(ctx));
    hsgd_model_destroy(&m);
    end();
}

static void variables(void)
{
    struct hsgd_context *slow;
    setenv("HSGD_SLOW", "cpu:2.5", 1);
    setenv("STARPU_SCHED_ALPHA", "1.5", 1);
    begin();
    end();
    setenv("HSGD_SLOW", "cpu:2,5", 1); /* a second entry "5" */
    CHECK(hsgd_create(&slow, &(struct hsgd_context_options){ .size = sizeof(struct hsgd_context_options),
                                                             .devices = "cpu",
                                                             .threads = 1 }) == -EINVAL);
    hsgd_destroy(&slow);
}

/* Losses of a training with checkpoints, and of its second half. */
struct losses {
    int n;
    double whole[STEPS], resumed[STEPS];
};

static void fit(const struct hsgd_data *d, int steps, const char *from, double *loss)
{
    struct hsgd_fit_result r;
    struct hsgd_train_options o;
    struct hsgd_model *m = network();
    hsgd_train_defaults(&o, sizeof o);
    o.batch_size = 8;
    o.steps = steps;
    o.checkpoints = from ? NULL : "checkpoints";
    o.checkpoint_every = 5;
    struct hsgd_trainer *t = hsgd_trainer_create(m, &o);
    REQUIRE(t);
    CHECK_MSG(!from || !hsgd_checkpoint_load(t, from), "%s", hsgd_error(ctx));
    CHECK_MSG(!hsgd_fit(t, d, d, &r, sizeof r), "%s", hsgd_error(ctx));
    memcpy(loss, r.loss, (size_t)r.losses * sizeof *loss);
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&m);
}

static void train(void *arg)
{
    struct losses *l = arg;
    float x[COUNT * FEATURES];
    int32_t labels[COUNT];
    pictures_begin();
    ctx = core_context("cpu", 1, true);
    for (int i = 0; i < COUNT * FEATURES; i++) x[i] = (float)((i * 7919) % 101) / 37 - 1.25f;
    for (int i = 0; i < COUNT; i++) labels[i] = x[i * FEATURES] > 0;
    struct hsgd_data *d = hsgd_data_memory(ctx, x, labels, COUNT, in, 2, HSGD_COPY);
    fit(d, STEPS, NULL, l->whole);
    fit(d, STEPS, "checkpoints/step-5", l->resumed);
    l->n = STEPS;
    hsgd_data_destroy(&d);
    hsgd_destroy(&ctx);
}

static void train_with_comma(void *arg)
{
    REQUIRE(comma_locale());
    train(arg);
}

static void training(void)
{
    struct losses *l = core_shared(2 * sizeof *l);
    REQUIRE(core_child(train, &l[0]));
    REQUIRE(core_child(train_with_comma, &l[1]));
    CHECK(l[0].n == STEPS && l[1].n == STEPS);
    CHECK(!memcmp(l[0].whole, l[1].whole, sizeof l->whole));
    CHECK(!memcmp(l[0].resumed, l[1].resumed, sizeof l->resumed / 2));
    CHECK(!memcmp(l[1].resumed, l[1].whole + 5, sizeof l->resumed / 2));
}

static const struct core_case cases[] = {
    { "model_files", model_files }, { "array_labels", array_labels }, { "texts", texts },
    { "sentences", sentences },     { "variables", variables },       { "training", training },
};
CORE_MAIN(cases)
