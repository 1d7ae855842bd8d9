/* SPDX-License-Identifier: BSD-3-Clause */
/* Children of fork(): what they have of their parent's context answers at once,
 * and a child may make its own where no context was open.  A call that waits
 * for a thread that is not there ends the case by its alarm. */
#include "core.h"

#include <errno.h>
#include <starpu.h>
#include <unistd.h>

enum { SAMPLES = 64, FEATURES = 784 };

/* What the parent has made. */
static struct hsgd_context *ctx;
static struct hsgd_data *data;
static struct hsgd_model *model;
static struct hsgd_trainer *trainer;
static struct hsgd_session *session;
static float x[SAMPLES * FEATURES];
static int32_t labels[SAMPLES];

static const char sentence[] = "this is a child process of fork(), and the context its parent's";

static void make(const char *devices)
{
    struct hsgd_train_options o;
    double loss;
    ctx = core_context(devices, 1, false);
    data = hsgd_data_open(ctx, "digits", HSGD_TEST);
    model = hsgd_model_by_name(ctx, "mlp-small", (struct hsgd_shape){ 28, 28, 1 }, 10);
    hsgd_train_defaults(&o, sizeof o);
    o.steps = 20;
    trainer = hsgd_trainer_create(model, &o);
    REQUIRE(trainer);
    core_digits(0, SAMPLES, x, labels);
    REQUIRE(!hsgd_trainer_step(trainer, SAMPLES, HSGD_FIELDS(x, labels), &loss));
    session = hsgd_session_create(model, NULL);
    REQUIRE(session);
}

static void destroy(void)
{
    hsgd_session_destroy(&session);
    hsgd_trainer_destroy(&trainer);
    hsgd_model_destroy(&model);
    hsgd_data_destroy(&data);
    hsgd_destroy(&ctx);
    CHECK(!session && !trainer && !model && !data && !ctx);
}

#define IS_REFUSED(call) \
    CHECK_MSG((call) == -ECHILD && !strcmp(hsgd_error(ctx), sentence), #call ": %s", hsgd_error(ctx))
#define IS_NULL(call) CHECK_MSG(!(call) && !strcmp(hsgd_error(ctx), sentence), #call ": %s", hsgd_error(ctx))

static void use_trainer(void)
{
    struct hsgd_fit_result r;
    double loss;
    float out[SAMPLES * 10];
    IS_REFUSED(hsgd_fit(trainer, data, NULL, &r, sizeof r));
    IS_REFUSED(hsgd_trainer_step(trainer, SAMPLES, HSGD_FIELDS(x, labels), &loss));
    IS_REFUSED(hsgd_trainer_evaluate(trainer, data, &loss, &loss));
    IS_REFUSED(hsgd_session_run(session, SAMPLES, HSGD_FIELDS(x), HSGD_RESULTS(out)));
    IS_NULL(hsgd_session_create(model, NULL));
    IS_REFUSED(hsgd_trainer_time(trainer, 3, &loss));
    IS_REFUSED(hsgd_trainer_plan(trainer, SAMPLES));
    IS_REFUSED(hsgd_trainer_gradients(trainer, SAMPLES, HSGD_FIELDS(x, labels), x, hsgd_model_parameters(model)));
    IS_REFUSED(hsgd_checkpoint_save(trainer, "nowhere"));
    IS_REFUSED(hsgd_checkpoint_load(trainer, "nowhere"));
    IS_NULL(hsgd_trainer_create(model, NULL));
}

static void use_context(void)
{
    struct hsgd_op_call run = { 0 };
    struct hsgd_data *part, *rest;
    IS_REFUSED(hsgd_wait(ctx));
    IS_REFUSED(hsgd_trace_start(ctx, NULL));
    IS_REFUSED(hsgd_file_write(ctx, "nowhere", "x", 1));
    IS_REFUSED(hsgd_checkpoint_latest(ctx, "nowhere"));
    IS_REFUSED(hsgd_data_split(ctx, data, 10, 1, &part, &rest));
    IS_REFUSED(hsgd_data_read(ctx, "digits", NULL, &part, &rest));
    IS_REFUSED(hsgd_op_run(ctx, 0, &hsgd_op_flatten, NULL, &run));
    IS_REFUSED(hsgd_model_initialise(model, 1));
    IS_REFUSED(hsgd_model_save(model, "nowhere"));
    IS_REFUSED(hsgd_model_load(model, "nowhere"));
    IS_NULL(hsgd_data_open(ctx, "digits", HSGD_TEST));
    IS_NULL(hsgd_model_create(ctx, "m"));
    IS_NULL(hsgd_model_by_name(ctx, "linear", (struct hsgd_shape){ 1, 1, 4 }, 3));
    IS_NULL(hsgd_model_text(model));
}

static void create_another(void)
{
    struct hsgd_context *mine;
    CHECK(hsgd_create(&mine, HSGD_OPTIONS(context, .devices = "cpu", .threads = 1)) == -ECHILD);
    CHECK_STR(hsgd_error(mine), "this is a child process of fork(), and StarPU was running in its parent");
    hsgd_destroy(&mine);
}

static void use_all(void *arg)
{
    (void)arg;
    use_trainer();
    use_context();
    create_another();
    destroy();
}

static void answers_at_once(void)
{
    double loss;
    make("cpu");
    CHECK(core_child(use_all, NULL));
    CHECK(!hsgd_trainer_step(trainer, SAMPLES, HSGD_FIELDS(x, labels), &loss)); /* nothing has changed for the parent */
    destroy();
}

static void train_alone(void *arg)
{
    make(arg);
    destroy();
}

static void destroyed_before(void)
{
    make("cpu");
    destroy();
    CHECK(core_child(train_alone, "cpu"));
    CHECK(core_child(train_alone, "cpu"));
    make("cpu");
    destroy();
}

/* The threads of an OpenCL library do not come along. */
static void create_opencl(void *arg)
{
    struct hsgd_context *mine;
    (void)arg;
    CHECK(hsgd_create(&mine, HSGD_OPTIONS(context, .devices = "opencl", .threads = 1)) == -ECHILD);
    CHECK_STR(hsgd_error(mine), "this is a child process of fork(), and OpenCL was used in its parent");
    hsgd_destroy(&mine);
    make("auto");
    destroy();
}

static void opencl_before(void)
{
    if (!hsgd_create(&ctx, HSGD_OPTIONS(context, .devices = "opencl"))) {
        hsgd_destroy(&ctx);
        CHECK(core_child(create_opencl, NULL));
    } else {
        core_skip("%s", hsgd_error(ctx));
        hsgd_destroy(&ctx);
    }
}

static void become_guest(void *arg)
{
    (void)arg;
    create_another();
}

/* The application's StarPU, before the library was ever used. */
static void guest(void)
{
    struct starpu_conf conf;
    starpu_conf_init(&conf);
    conf.ncpus = 1;
    conf.nopencl = conf.ncuda = 0;
    REQUIRE(!starpu_init(&conf));
    CHECK(core_child(become_guest, NULL));
    make("cpu");
    CHECK(core_child(use_all, NULL));
    destroy();
    starpu_shutdown();
}

static const struct core_case cases[] = {
    { "answers_at_once", answers_at_once },
    { "destroyed_before", destroyed_before },
    { "opencl_before", opencl_before },
    { "guest", guest },
};
CORE_MAIN(cases)
