/* SPDX-License-Identifier: BSD-3-Clause */
/* Convolution by an emulated cuDNN, which HSGD_CUDNN names: trainings agree
 * with those by our own kernels, captured or not; which convolutions it gets;
 * and what happens when it cannot.  Run with the emulator preloaded. */
#include "core.h"

#include <dlfcn.h>
#include <math.h>

enum { BATCH = 12, STEPS = 4, FORWARD = 0, DATA, FILTER, KINDS };

static const char *library; /* HSGD_CUDNN */
static float x[BATCH * 32 * 32 * 3];
static int32_t labels[BATCH];

struct training {
    const char *model, *cudnn, *graphs;
    struct hsgd_shape in;
    bool tf32;
};

static struct outcome {
    char digest[65], error[512], version[16];
    int err, steps;
    double loss[STEPS];
    unsigned long long graphs;
    unsigned long convolutions[KINDS]; /* that cuDNN has done */
} * outcome;                           /* of the child */

static const struct training lenet = { "lenet", NULL, "1", { 28, 28, 1 }, false };
static const struct training cifar_cnn = { "cifar-cnn", NULL, "1", { 32, 32, 3 }, false };

static void count(void)
{
    void *emulated = dlopen(library, RTLD_NOW);
    const unsigned long *done = emulated ? dlsym(emulated, "emu_convolutions") : NULL;
    REQUIRE(done);
    memcpy(outcome->convolutions, done, sizeof outcome->convolutions);
}

static void make_samples(void)
{
    uint32_t r = 1;
    for (size_t i = 0; i < sizeof x / sizeof *x; i++) {
        r = r * 1664525u + 1013904223u;
        x[i] = (float)(r >> 8) / (1 << 23) - 1;
    }
    for (int i = 0; i < BATCH; i++) labels[i] = i % 10;
}

static void train(void *arg)
{
    const struct training *t = arg;
    struct hsgd_device d;
    setenv("HSGD_CUDNN", t->cudnn, 1);
    setenv("HSGD_CUDA_GRAPHS", t->graphs, 1);
    make_samples();
    count(); /* loads it under its name, so that "auto" finds no other */
    struct hsgd_context *ctx;
    REQUIRE(!hsgd_create(&ctx, HSGD_OPTIONS(context, .devices = "cuda:0", .tf32 = t->tf32)));
    struct hsgd_model *model = hsgd_model_by_name(ctx, t->model, t->in, 10);
    struct hsgd_train_options o;
    hsgd_train_defaults(&o, sizeof o);
    o.optimizer = HSGD_SGD;
    struct hsgd_trainer *trainer = model ? hsgd_trainer_create(model, &o) : NULL;
    REQUIRE(trainer);
    for (; outcome->steps < STEPS && !outcome->err; outcome->steps += !outcome->err)
        outcome->err = hsgd_trainer_step(trainer, BATCH, HSGD_FIELDS(x, labels), &outcome->loss[outcome->steps]);
    snprintf(outcome->error, sizeof outcome->error, "%s", hsgd_error(ctx));
    REQUIRE(!hsgd_model_digest(model, outcome->digest) && !hsgd_device_get(ctx, 0, &d, sizeof d));
    memcpy(outcome->version, d.cudnn, sizeof d.cudnn);
    outcome->graphs = d.graphs_launched;
    hsgd_trainer_destroy(&trainer);
    hsgd_model_destroy(&model);
    hsgd_destroy(&ctx);
    count();
}

static struct outcome run(struct training t, const char *cudnn, const char *graphs)
{
    memset(outcome, 0, sizeof *outcome);
    t.cudnn = cudnn;
    t.graphs = graphs;
    REQUIRE(core_child(train, &t));
    printf("  %s%s, HSGD_CUDNN=%s, HSGD_CUDA_GRAPHS=%s: by cuDNN %lu forward, %lu data, %lu filter (emulated)\n",
           t.model, t.tf32 ? " with TF32" : "", cudnn == library ? "emulated" : cudnn, graphs,
           outcome->convolutions[FORWARD], outcome->convolutions[DATA], outcome->convolutions[FILTER]);
    return *outcome;
}

/* Of `all` convolutions of a step, all but the first of which give dx. */
static void expect_all(const struct outcome *o, unsigned long all)
{
    CHECK(o->steps == STEPS && o->convolutions[FORWARD] == STEPS * all);
    CHECK(o->convolutions[FILTER] == STEPS * all && o->convolutions[DATA] == STEPS * (all - 1));
}

static void agree(const struct training *t, unsigned long convolutions)
{
    struct outcome own = run(*t, "0", "1"), plain = run(*t, library, "0"), graphs = run(*t, library, "1");
    expect_all(&plain, convolutions);
    expect_all(&graphs, convolutions);
    CHECK(!plain.graphs && graphs.graphs > 0);
    CHECK(own.steps == STEPS && !own.convolutions[FORWARD] && !*own.version && *graphs.version);
    CHECK_STR(graphs.digest, plain.digest);
    CHECK_MSG(strcmp(graphs.digest, own.digest), "the very bits of our own kernels");
    for (int i = 0; i < STEPS; i++)
        CHECK_MSG(fabs(graphs.loss[i] - own.loss[i]) <= 1e-4 * own.loss[i], "loss of step %d is %g, by our kernels %g",
                  i, graphs.loss[i], own.loss[i]);
    CHECK(own.loss[STEPS - 1] < own.loss[0]);
}

static void lenet_agrees(void) { agree(&lenet, 2); }
static void cifar_cnn_agrees(void) { agree(&cifar_cnn, 3); }

/* By itself it is used from 16 channels on both sides on. */
static void enough_channels(void)
{
    struct outcome few = run(lenet, "auto", "1"), many = run(cifar_cnn, "auto", "1");
    CHECK(few.steps == STEPS && *few.version && !few.convolutions[FORWARD] && !few.convolutions[FILTER]);
    CHECK(many.convolutions[FORWARD] == 2 * STEPS && many.convolutions[FILTER] == 2 * STEPS);
    CHECK(many.convolutions[DATA] == 2 * STEPS);
}

/* Where it is asked for, convolution is rounded as products are; else not. */
static void tf32(void)
{
    double apart[2];
    for (int i = 0; i < 2; i++) {
        struct training t = cifar_cnn;
        t.tf32 = i;
        struct outcome own = run(t, "0", "1"), cudnn = run(t, library, "1");
        apart[i] = fabs(cudnn.loss[0] / own.loss[0] - 1);
    }
    CHECK_MSG(apart[0] < 1e-6 && apart[1] > 4 * apart[0] && apart[1] < 1e-2, "losses apart by %g, with TF32 by %g",
              apart[0], apart[1]);
}

static void no_algorithm(void)
{
    struct outcome own = run(lenet, "0", "1");
    setenv("HSGD_CUDAEMU_ALGORITHMS", "0", 1);
    struct outcome none = run(lenet, library, "1");
    CHECK(none.steps == STEPS && *none.version && !none.convolutions[FORWARD]);
    CHECK_STR(none.digest, own.digest);
}

static void a_call_fails(void)
{
    setenv("HSGD_CUDAEMU_CUDNN_FAILS", "1", 1);
    struct outcome o = run(lenet, library, "1");
    CHECK(o.err < 0 && o.steps == 0);
    CHECK_STR(o.error, "emulated CUDA device 0: kernel \"conv2d_cudnn_fwd\" failed "
                       "(CUDNN_STATUS_EXECUTION_FAILED (emulated))");
}

static void refused(const char *wish, const char *sentence)
{
    struct hsgd_context *ctx;
    setenv("HSGD_CUDNN", wish, 1);
    CHECK(hsgd_create(&ctx, HSGD_OPTIONS(context, .devices = "cuda:0")) < 0);
    CHECK_MSG(!strncmp(hsgd_error(ctx), sentence, strlen(sentence)), "%s", hsgd_error(ctx));
    hsgd_destroy(&ctx);
}

static void bad_variable(void) { refused("yes", "HSGD_CUDNN is \"yes\", not 0, 1, auto or the path of a library"); }

static void no_library(void)
{
    refused("/nowhere/libcudnn.so", "cuda:0: HSGD_CUDNN is \"/nowhere/libcudnn.so\", but cuDNN does not start: ");
}

static void another_library(void)
{
    refused("/proc/self/exe", "cuda:0: HSGD_CUDNN is \"/proc/self/exe\", but cuDNN does not start: ");
}

static const struct core_case cases[] = { { "lenet", lenet_agrees },
                                          { "cifar_cnn", cifar_cnn_agrees },
                                          { "enough_channels", enough_channels },
                                          { "tf32", tf32 },
                                          { "no_algorithm", no_algorithm },
                                          { "a_call_fails", a_call_fails },
                                          { "bad_variable", bad_variable },
                                          { "no_library", no_library },
                                          { "another_library", another_library } };

int main(int argc, char **argv)
{
    library = getenv("HSGD_CUDNN");
    if (!library || !strchr(library, '/')) {
        fprintf(stderr, "test_cudnn: HSGD_CUDNN must be the path of the emulated cuDNN\n");
        return 1;
    }
    outcome = core_shared(sizeof *outcome);
    return core_main(argc, argv, cases, (int)(sizeof cases / sizeof *cases));
}
