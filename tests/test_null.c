/* SPDX-License-Identifier: BSD-3-Clause */
/* NULL where data belong, numbers that are not finite, more threads than there
 * are: the sentences, and that nothing has changed.  tests/api has the rest. */
#include "core.h"

#include <errno.h>
#include <math.h>

enum { N = 8, SIZE = 6 };

static struct hsgd_context *ctx;
static struct hsgd_model *model;
static struct hsgd_trainer *trainer;
static float x[N * SIZE];
static int32_t labels[N];

static void begin(const char *devices)
{
    ctx = core_context(devices, strcmp(devices, "opencl") ? 1 : 0, false);
    model = hsgd_model_by_name(ctx, "linear", (struct hsgd_shape){ 1, 1, SIZE }, 3);
    trainer = hsgd_trainer_create(model, NULL);
    REQUIRE(trainer && !hsgd_model_initialise(model, 1));
    for (int i = 0; i < N * SIZE; i++) x[i] = sinf((float)i);
    for (int i = 0; i < N; i++) labels[i] = i % 3;
}

static void end(void)
{
    hsgd_trainer_destroy(&trainer);
    hsgd_model_destroy(&model);
    hsgd_destroy(&ctx);
}

static void sentences(void)
{
    double loss;
    float out[3 * N];
    begin("cpu");
    CHECK(hsgd_trainer_step(trainer, N, HSGD_FIELDS(NULL, labels), &loss) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "field 0 (x) is NULL");
    CHECK(hsgd_trainer_step(trainer, N, HSGD_FIELDS(x, NULL), &loss) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "field 1 (label) is NULL");
    CHECK(hsgd_trainer_step(NULL, N, HSGD_FIELDS(x, labels), &loss) == -EINVAL);
    CHECK(!hsgd_trainer_step(trainer, N, HSGD_FIELDS(x, labels), NULL));
    struct hsgd_session *session = hsgd_session_create(model, NULL);
    CHECK(hsgd_session_run(session, N, HSGD_FIELDS(x), NULL) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "hsgd_session_run: result is NULL");
    CHECK(!hsgd_session_run(session, N, HSGD_FIELDS(x), HSGD_RESULTS(out)));
    hsgd_session_destroy(&session);
    CHECK(hsgd_model_save(model, NULL) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "hsgd_model_save: path is NULL");
    CHECK(hsgd_file_write(ctx, "file", NULL, 3) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "hsgd_file_write: bytes is NULL");
    CHECK(hsgd_fit(trainer, NULL, NULL, NULL, 0) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "hsgd_fit: train is NULL");
    struct hsgd_model *fresh = hsgd_model_create(ctx, "new");
    struct hsgd_value *in = hsgd_input(fresh, "x", hsgd_vector(1));
    CHECK(!hsgd_apply(NULL, NULL, NULL, 1, &in));
    CHECK_STR(hsgd_error(ctx), "model \"new\", layer 1 (?): the operation is NULL");
    hsgd_model_destroy(&fresh);
    CHECK(isnan(hsgd_trainer_plan_ms(NULL, 1)) && hsgd_wait(NULL) == -EINVAL && !hsgd_model_is_file(NULL));
    /* What a trainer holds stays as it is. */
    CHECK(!hsgd_input(model, "more", hsgd_vector(1)));
    CHECK_STR(hsgd_error(ctx), "model \"linear\" is finished");
    CHECK(!hsgd_trainer_step(trainer, N, HSGD_FIELDS(x, labels), &loss));
    end();
}

static void not_finite(const char *devices)
{
    const float bad[] = { NAN, INFINITY, -INFINITY };
    begin(devices);
    CHECK(!hsgd_trainer_step(trainer, N, HSGD_FIELDS(x, labels), NULL));
    for (int i = 0; i < 3 * N * SIZE; i++) {
        char before[65], after[65];
        float kept = x[i / 3];
        x[i / 3] = bad[i % 3];
        REQUIRE(!hsgd_model_digest(model, before));
        CHECK_MSG(hsgd_trainer_step(trainer, N, HSGD_FIELDS(x, labels), NULL) == -EDOM, "number %d", i / 3);
        x[i / 3] = kept;
        REQUIRE(!hsgd_model_digest(model, after));
        CHECK_STR(after, before);
    }
    x[2 * SIZE + 1] = NAN;
    CHECK(hsgd_trainer_step(trainer, N, HSGD_FIELDS(x, labels), NULL) == -EDOM);
    CHECK_STR(hsgd_error(ctx), "x: value 1 of sample 2 is nan, it must be finite");
    x[2 * SIZE + 1] = 3e38f; /* large, but a number */
    CHECK(hsgd_trainer_step(trainer, N, HSGD_FIELDS(x, labels), NULL) != -EDOM);
    end();
}

static void not_finite_cpu(void) { not_finite("cpu"); }
static void not_finite_opencl(void) { not_finite("opencl"); }

static int warnings;
static char last[200];

static void note(void *user, enum hsgd_log_level level, const char *line)
{
    (void)user;
    if (level != HSGD_LOG_WARNING) return;
    warnings++;
    snprintf(last, sizeof last, "%s", line);
}

static void too_many_threads(void)
{
    struct hsgd_context *many;
    CHECK(hsgd_create(&many, HSGD_OPTIONS(context, .devices = "cpu", .threads = 1000000)) == -EINVAL);
    CHECK_MSG(strstr(hsgd_error(many), "threads is 1000000, but this process may use "), "%s", hsgd_error(many));
    hsgd_destroy(&many);
    begin("cpu");
    CHECK(!hsgd_create(&many, HSGD_OPTIONS(context, .devices = "cpu", .threads = 2, .log = note)));
    CHECK(warnings == 1);
    CHECK_STR(last, "threads is 2, but the StarPU that runs already uses 1 core");
    hsgd_destroy(&many);
    end();
}

static const struct core_case cases[] = {
    { "sentences", sentences },
    { "not_finite_cpu", not_finite_cpu },
    { "not_finite_opencl", not_finite_opencl },
    { "too_many_threads", too_many_threads },
};
CORE_MAIN(cases)
