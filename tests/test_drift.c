/* The exact algorithm on devices that change while it runs: one becomes
 * slower, one fails, one has no memory left.  The losses stay those of one device. */
#include "core.h"

#include <errno.h>
#include <math.h>

enum { BATCH = 512, FEATURES = 784, STEPS = 90, CHANGE = 40, SETTLED = 20 };

static struct hsgd_context *ctx;
static struct hsgd_model *model;
static struct hsgd_trainer *trainer;
static float x[BATCH * FEATURES];
static int32_t labels[BATCH];
static char lines[8][300];
static int nlines;
static float least_share;

static void note_line(void *user, enum hsgd_log_level level, const char *line)
{
    (void)user;
    if (level != HSGD_LOG_DEBUG && nlines < 8) snprintf(lines[nlines++], sizeof lines[0], "%s", line);
}

static enum hsgd_executor executor = HSGD_REPLAY;

static void begin(const char *devices, enum hsgd_algorithm algorithm)
{
    struct hsgd_context_options c = { .devices = devices, .threads = strcmp(devices, "opencl") ? 1 : 0,
                                      .log = note_line };
    struct hsgd_train_options o;
    hsgd_train_defaults(&o);
    o.batch_size = BATCH;
    o.optimizer = HSGD_SGD;
    o.algorithm = algorithm;
    o.min_share = least_share;
    o.executor = executor;
    o.steps = STEPS;
    if (!CHECK_MSG(!hsgd_create(&ctx, &c), "%s", hsgd_error(ctx))) core_end();
    model = hsgd_model_by_name(ctx, "mlp", (struct hsgd_shape){ 28, 28, 1 }, 10);
    REQUIRE(model && !hsgd_model_initialise(model, 3));
    trainer = hsgd_trainer_create(model, &o);
    REQUIRE(trainer);
    core_digits(0, BATCH, x, labels);
}

static void end(void)
{
    hsgd_trainer_destroy(&trainer);
    hsgd_model_destroy(&model);
    hsgd_destroy(&ctx);
}

static void train(int steps, double *loss)
{
    for (int i = 0; i < steps; i++)
        if (!CHECK_MSG(!hsgd_trainer_step(trainer, x, labels, BATCH, &loss[i]), "%s", hsgd_error(ctx))) core_end();
}

static unsigned long long samples_of(const char *id)
{
    struct hsgd_device d;
    for (int i = 0; !hsgd_device_get(ctx, i, &d); i++)
        if (!strcmp(d.id, id)) return d.samples;
    return 0;
}

static void run_reference(void *loss)
{
    begin("cpu", HSGD_SYNC);
    train(STEPS, loss);
    end();
}

/* The losses on one device, in a process of its own. */
static double *reference(void)
{
    double *loss = core_shared(STEPS * sizeof *loss);
    REQUIRE(core_child(run_reference, loss));
    return loss;
}

static void check_losses(const double *got, const double *want)
{
    for (int i = 0; i < STEPS; i++)
        if (!CHECK_MSG(fabs(got[i] - want[i]) <= 1e-3 * want[i], "step %d: loss %g, on one device %g", i + 1, got[i],
                       want[i]))
            return;
}

static void check_near(const int *rows, int from, int to, int want, const char *when)
{
    for (int i = from; i < to; i++)
        if (!CHECK_MSG(abs(rows[i] - want) <= BATCH / 16, "%s: %d rows in step %d, not about %d", when, rows[i],
                       i + 1, want))
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
    setenv("HSGD_SLOW", "cpu:100us,opencl:100us,opencl:300us@40", 1);
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
    CHECK(nlines > 0 && strstr(lines[nlines - 1], "opencl:0"));
    end();
}

/* A device that is left idle comes back when it has become fast. */
static void comes_back(void)
{
    double loss;
    setenv("HSGD_SLOW", "opencl:4000us,opencl:0us@40", 1);
    setenv("POCL_MAX_PTHREAD_COUNT", "1", 1);
    begin("cpu,opencl", HSGD_SYNC);
    for (int i = 0; i < 40; i++) train(1, &loss);
    CHECK(samples_of("opencl:0") == 0);
    for (int i = 0; i < 20000 && !samples_of("opencl:0"); i++) train(1, &loss);
    CHECK(samples_of("opencl:0") > 0);
    CHECK(nlines > 1 && strstr(lines[nlines - 1], "the batch is divided anew: opencl:0"));
    end();
}

/* The bound that the user sets: a slow device keeps its part. */
static void keeps_its_share(void)
{
    double loss[10];
    setenv("HSGD_SLOW", "opencl:300us", 1);
    setenv("POCL_MAX_PTHREAD_COUNT", "1", 1);
    least_share = 0.125f;
    begin("cpu,opencl", HSGD_SYNC);
    train(10, loss);
    CHECK(samples_of("opencl:0") >= 10 * BATCH / 8);
    end();
}

static void fails(void)
{
    double loss[STEPS], *want = reference();
    setenv("HSGD_FAIL", "opencl@30", 1);
    begin("cpu,opencl", HSGD_DATA_PARALLEL);
    train(STEPS, loss);
    check_losses(loss, want);
    CHECK(samples_of("opencl:0") == 30 * BATCH / 2);
    unsigned long long once = 30 * BATCH / 2 + (STEPS - 30) * BATCH, cpu = samples_of("cpu");
    CHECK_MSG(cpu == once || cpu == once + BATCH / 2, "%llu samples", cpu); /* its slice of step 31, twice or not */
    CHECK(nlines == 1);
    CHECK_STR(lines[0], "opencl:0: the device failed, as HSGD_FAIL says; step 31 is repeated, and training goes on "
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
    struct hsgd_data *data = hsgd_data_memory(ctx, many, their, 4 * BATCH, (struct hsgd_shape){ 28, 28, 1 }, 10,
                                              HSGD_BORROW);
    REQUIRE(data);
    if (!CHECK_MSG(!hsgd_fit(trainer, data, NULL, &r), "%s", hsgd_error(ctx))) core_end();
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
    double loss[STEPS], *want = core_shared(sizeof loss);
    REQUIRE(core_child(fit_reference, want));
    setenv("HSGD_FAIL", "opencl@30", 1);
    begin("cpu,opencl", HSGD_DATA_PARALLEL);
    fit(loss);
    check_losses(loss, want);
    CHECK(nlines == 1 && strstr(lines[0], "training goes on without opencl:0"));
    CHECK_MSG(samples_of("opencl:0") > 0 && samples_of("opencl:0") < 33 * BATCH, "%llu samples",
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
    CHECK(hsgd_trainer_step(trainer, x, labels, BATCH, &loss) < 0);
    CHECK_STR(hsgd_error(ctx), "opencl:0: the device failed, as HSGD_FAIL says");
    end();
}

/* Device memory that is not there: found before anything is submitted, at the
 * first step or while trying out; training goes on without the device. */
static void has_no_room(enum hsgd_algorithm algorithm, const char *says, const char *sentence)
{
    double loss[STEPS], *want = reference();
    setenv("STARPU_LIMIT_OPENCL_MEM", "4", 1);
    begin("cpu,opencl", algorithm);
    train(STEPS, loss);
    check_losses(loss, want);
    REQUIRE(nlines >= 1);
    CHECK_MSG(strstr(lines[0], says) && strstr(lines[0], sentence), "\"%s\"", lines[0]);
    CHECK(samples_of("opencl:0") == 0 && samples_of("cpu") == (unsigned long long)STEPS * BATCH);
    end();
}

static void equal_shares_have_no_room(void)
{
    has_no_room(HSGD_DATA_PARALLEL, "opencl:0: a batch of 512 needs ",
                " MiB of its memory, which has 4.0 MiB; step 1 is "
                                    "repeated, and training goes on without opencl:0");
}

static void trials_have_no_room(void)
{
    has_no_room(HSGD_SYNC, "opencl:0: a batch of ", " MiB of its memory, which has 4.0 MiB; it is left idle");
}

/* What the plan says of how many rows a device's memory holds; 0: nothing. */
static int most_rows_told(void)
{
    struct hsgd_plan_cell cell;
    int most = 0;
    REQUIRE(hsgd_trainer_plan(trainer, BATCH) > 0);
    for (int i = 0; !most && !hsgd_trainer_plan_cell(trainer, BATCH, i, &cell); i++) {
        const char *at = strstr(cell.reason, "of at most ");
        if (at) most = atoi(at + strlen("of at most "));
    }
    return most;
}

/* A fast device whose memory holds fewer rows than its share has as many as it
 * holds. */
static void some_room(void)
{
    double loss[STEPS], *want = reference();
    setenv("STARPU_LIMIT_OPENCL_MEM", "9", 1);
    setenv("HSGD_SLOW", "cpu:100us", 1);
    begin("cpu,opencl", HSGD_SYNC);
    train(STEPS, loss);
    check_losses(loss, want);
    unsigned long long rows = samples_of("opencl:0"), most = (unsigned long long)most_rows_told();
    CHECK_MSG(most >= 32 && most < BATCH / 2 && rows > 0 && rows <= most * STEPS, "%llu rows of %llu a step", rows,
              most);
    CHECK(rows + samples_of("cpu") == (unsigned long long)BATCH * STEPS);
    end();
}

static void no_device_has_room(void)
{
    double loss;
    setenv("STARPU_LIMIT_OPENCL_MEM", "4", 1);
    begin("opencl", HSGD_SYNC);
    CHECK(hsgd_trainer_step(trainer, x, labels, BATCH, &loss) == -ENOMEM);
    CHECK(strstr(hsgd_error(ctx), "opencl:0: a batch of 512 needs "));
    end();
}

static void refuse(const char *variable, const char *value, const char *sentence)
{
    struct hsgd_context_options c = { .devices = "cpu", .threads = 1 };
    setenv(variable, value, 1);
    CHECK(hsgd_create(&ctx, &c) < 0);
    CHECK_STR(hsgd_error(ctx), sentence);
    hsgd_destroy(&ctx);
    unsetenv(variable);
}

static void refusals(void)
{
    refuse("HSGD_SLOW", "cpu", "HSGD_SLOW: \"cpu\" is not DEVICE:FACTOR or DEVICE:TIMEus, with @STEP or without");
    refuse("HSGD_SLOW", "cpu:us",
           "HSGD_SLOW: \"cpu:us\" is not DEVICE:FACTOR or DEVICE:TIMEus, with @STEP or without");
    refuse("HSGD_SLOW", "cpu:-1us", "HSGD_SLOW: \"cpu:-1us\" has a time that is not from 0 to 1000000 us");
    refuse("HSGD_SLOW", "cpu:0.5", "HSGD_SLOW: \"cpu:0.5\" has a factor that is not from 1 to 1000");
    refuse("HSGD_SLOW", "cpu:2@x",
           "HSGD_SLOW: \"cpu:2@x\" is not DEVICE:FACTOR or DEVICE:TIMEus, with @STEP or without");
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
    { "equal_shares_have_no_room", equal_shares_have_no_room },
    { "trials_have_no_room", trials_have_no_room },
    { "some_room", some_room },
    { "no_device_has_room", no_device_has_room },
    { "refusals", refusals },
};
CORE_MAIN(cases)
