/* SPDX-License-Identifier: BSD-3-Clause */
/* The exact algorithm on devices that change while it runs: one becomes
 * slower, one fails.  The losses stay those of one device. */
#include "steps.h"

#include <math.h>

enum { CHANGE = 40, SETTLED = 20 };

static void check_near(const int *rows, int from, int to, int want, const char *when)
{
    for (int i = from; i < to; i++)
        if (!CHECK_MSG(abs(rows[i] - want) <= BATCH / 16, "%s: %d rows in step %d, not about %d", when, rows[i], i + 1,
                       want))
            return;
}

/* A row's time is set, many times what it takes here, so that what else the
 * machine does counts little.  From step 40 on the OpenCL device takes three
 * times as long.  Rows settle within 20 steps, and within 20 steps again, to
 * what the equations say; the log says why. */
static void slower(void)
{
    double loss[STEPS], *want = reference();
    int rows[STEPS];
    setenv("HSGD_SLOW", "cpu:80us,opencl:80us,opencl:240us@40", 1);
    setenv("POCL_MAX_PTHREAD_COUNT", "1", 1);
    begin("cpu,opencl", HSGD_SYNC);
    for (int i = 0; i < STEPS; i++) {
        unsigned long long before = samples_of("opencl:0");
        train(1, loss + i);
        rows[i] = (int)(samples_of("opencl:0") - before);
    }
    check_losses(loss, want);
    check_near(rows, SETTLED, CHANGE, BATCH / 2, "settled");
    check_near(rows, CHANGE + SETTLED, STEPS, BATCH / 4, "settled again");
    CHECK(said("repartitioned: opencl:0"));
    end();
}

/* A device that is left idle comes back when it has become fast.  It is so
 * before it is first looked at, a second from now, which is some 200 steps
 * at the speed that is set: looking at it while it is slow takes long, and puts
 * off the next look by a hundred times as much. */
static void comes_back(void)
{
    double loss;
    setenv("HSGD_SLOW", "cpu:80us,opencl:8000us,opencl:0us@3", 1);
    setenv("POCL_MAX_PTHREAD_COUNT", "1", 1);
    batch = 64;
    begin("cpu,opencl", HSGD_SYNC);
    for (int i = 0; i < 3; i++) train(1, &loss);
    CHECK(samples_of("opencl:0") == 0);
    for (int i = 0; i < 2000 && !samples_of("opencl:0"); i++) train(1, &loss);
    CHECK(samples_of("opencl:0") > 0);
    CHECK(said("repartitioned: opencl:0"));
    end();
}

/* The bound that the user sets: a slow device keeps its part. */
static void keeps_its_share(void)
{
    double loss[10];
    batch = BATCH / 4;
    setenv("HSGD_SLOW", "opencl:300us", 1);
    setenv("POCL_MAX_PTHREAD_COUNT", "1", 1);
    least_share = 0.125f;
    begin("cpu,opencl", HSGD_SYNC);
    train(10, loss);
    CHECK(samples_of("opencl:0") >= 10ull * batch / 8);
    end();
}

static void fails(void)
{
    batch = BATCH / 4;
    double loss[STEPS], *want = reference();
    setenv("HSGD_FAIL", "opencl@30", 1);
    begin("cpu,opencl", HSGD_DATA_PARALLEL);
    train(STEPS, loss);
    check_losses(loss, want);
    CHECK(samples_of("opencl:0") == 30ull * batch / 2);
    unsigned long long once = (unsigned long long)(30 * batch / 2 + (STEPS - 30) * batch), cpu = samples_of("cpu");
    CHECK_MSG(cpu == once || cpu == once + batch / 2u, "%llu samples", cpu); /* its slice of step 31, twice or not */
    CHECK(nlines == 1);
    CHECK_STR(lines[0], "opencl:0: the device failed, as HSGD_FAIL says; step 31 is repeated, and training continues "
                        "without opencl:0");
    end();
}

/* A window of steps over the samples again and again: with the insert executor
 * later steps are under way when one fails. */
static void fit(double *loss)
{
    static struct hsgd_fit_result r;
    static float many[4 * sizeof x / sizeof *x];
    static int32_t their[4 * BATCH];
    for (int i = 0; i < 4 * BATCH; i++) {
        memcpy(many + (size_t)i * FEATURES, x + (size_t)(i % BATCH) * FEATURES, FEATURES * sizeof *x);
        their[i] = labels[i % BATCH];
    }
    struct hsgd_data *data =
        hsgd_data_memory(ctx, many, their, 4 * BATCH, (struct hsgd_shape){ 28, 28, 1 }, 10, HSGD_BORROW);
    REQUIRE(data);
    if (!CHECK_MSG(!hsgd_fit(trainer, data, NULL, &r, sizeof r), "%s", hsgd_error(ctx))) core_end();
    REQUIRE(r.losses == STEPS);
    memcpy(loss, r.loss, STEPS * sizeof *loss);
    hsgd_data_destroy(&data);
}

static void fit_reference(void *loss)
{
    executor = HSGD_REPLAY;
    unsetenv("HSGD_PLACEMENT");
    begin("cpu", HSGD_SYNC);
    fit(loss);
    end();
}

static void fails_in_window(void)
{
    batch = BATCH / 4;
    double loss[STEPS], *want = core_shared(sizeof loss);
    REQUIRE(core_child(fit_reference, want));
    setenv("HSGD_FAIL", "opencl@30", 1);
    begin("cpu,opencl", HSGD_DATA_PARALLEL);
    fit(loss);
    check_losses(loss, want);
    CHECK(nlines == 1 && strstr(lines[0], "training continues without opencl:0"));
    CHECK_MSG(samples_of("opencl:0") > 0 && samples_of("opencl:0") < 33ull * batch, "%llu samples",
              samples_of("opencl:0"));
    end();
}

static void fails_inserted(void)
{
    executor = HSGD_INSERT;
    fails_in_window();
}

/* StarPU may have had one device do everything, so that none failed. */
static void fails_placed(void)
{
    batch = BATCH / 4;
    double loss[STEPS], *want = core_shared(sizeof loss);
    REQUIRE(core_child(fit_reference, want));
    setenv("HSGD_PLACEMENT", "starpu", 1);
    setenv("HSGD_FAIL", "opencl@30", 1);
    begin("cpu,opencl", HSGD_DATA_PARALLEL);
    fit(loss);
    check_losses(loss, want);
    CHECK(nlines <= 1);
    end();
}

static void nothing_is_left(void)
{
    double loss;
    setenv("HSGD_FAIL", "opencl@2", 1);
    begin("opencl", HSGD_SYNC);
    train(2, (double[2]){ 0 });
    CHECK(hsgd_trainer_step(trainer, BATCH, HSGD_FIELDS(x, labels), &loss) < 0);
    CHECK_STR(hsgd_error(ctx), "opencl:0: the device failed, as HSGD_FAIL says");
    end();
}

static void refuse(const char *variable, const char *value, const char *sentence)
{
    struct hsgd_context_options c = { .size = sizeof c, .devices = "cpu", .threads = 1 };
    setenv(variable, value, 1);
    CHECK(hsgd_create(&ctx, &c) < 0);
    CHECK_STR(hsgd_error(ctx), sentence);
    hsgd_destroy(&ctx);
    unsetenv(variable);
}

static void refusals(void)
{
    refuse("HSGD_SLOW", "cpu",
           "HSGD_SLOW: \"cpu\" is not DEVICE:FACTOR or DEVICE:TIMEus, with /STEPS, @STEP or without");
    refuse("HSGD_SLOW", "cpu:us",
           "HSGD_SLOW: \"cpu:us\" is not DEVICE:FACTOR or DEVICE:TIMEus, with /STEPS, @STEP or without");
    refuse("HSGD_SLOW", "cpu:-1us", "HSGD_SLOW: \"cpu:-1us\" has a time that is not from 0 to 1000000 us");
    refuse("HSGD_SLOW", "cpu:0.5", "HSGD_SLOW: \"cpu:0.5\" has a factor that is not from 1 to 1000");
    refuse("HSGD_SLOW", "cpu:2@x",
           "HSGD_SLOW: \"cpu:2@x\" is not DEVICE:FACTOR or DEVICE:TIMEus, with /STEPS, @STEP or without");
    refuse("HSGD_SLOW", "cpu:2/0@9",
           "HSGD_SLOW: \"cpu:2/0@9\" is not DEVICE:FACTOR or DEVICE:TIMEus, with /STEPS, @STEP or without");
    refuse("HSGD_SLOW", "cpu:2@9,cpu:3@9", "HSGD_SLOW: \"cpu:3@9\" does not follow the entry before");
    refuse("HSGD_FAIL", "cpu@-1", "HSGD_FAIL: \"cpu@-1\" is not DEVICE or DEVICE@STEP");
}

static const struct core_case cases[] = {
    { "slower", slower },
    { "comes_back", comes_back },
    { "keeps_its_share", keeps_its_share },
    { "fails", fails },
    { "fails_in_window", fails_in_window },
    { "fails_inserted", fails_inserted },
    { "fails_placed", fails_placed },
    { "nothing_is_left", nothing_is_left },
    { "refusals", refusals },
};
CORE_MAIN(cases)
