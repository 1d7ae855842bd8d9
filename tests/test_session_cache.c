/* SPDX-License-Identifier: BSD-3-Clause */
/* What operations keep between the runs of a session: an operation that adds up
 * all that it has seen of a sample. */
#include "core.h"

#include <errno.h>

#include "kernels.h"

enum { SIZE = 3, BATCH = 8 };

static int infer(struct hsgd_node *n, char *why, size_t size)
{
    (void)why, (void)size;
    n->outputs = 1;
    n->out[0] = n->in[0];
    n->cache = hsgd_type_size(&n->in[0]);
    return 0;
}

static void forward(struct hsgd_emit *e)
{
    struct copy_args copy = { e->rows * (int)e->node->cache };
    struct add_args add = { copy.n };
    HSGD_LAUNCH(e, HSGD_KERNEL(copy), HSGD_ITEMS, copy.n, &copy, e->x[0], e->y[0]);
    if (!hsgd_wanted(e->cache)) return;
    HSGD_LAUNCH(e, HSGD_KERNEL(add), HSGD_ITEMS, add.n, &add, e->cache, e->y[0]);
    HSGD_LAUNCH(e, HSGD_KERNEL(copy), HSGD_ITEMS, copy.n, &copy, e->y[0], e->cache);
}

static const struct hsgd_op sum_op = {
    .name = "sum", .layouts = 1u << HSGD_NHWC, .passes = 1, .infer = infer, .forward = { { forward } }
};

/* The sums of x and then of these sums, and an input of any length beside them. */
static struct hsgd_model *make_model(struct hsgd_context *ctx)
{
    struct hsgd_model *m = hsgd_model_create(ctx, "sums");
    struct hsgd_value *x = hsgd_input(m, "x", hsgd_vector(SIZE));
    struct hsgd_value *other = hsgd_input(m, "other", hsgd_vector(HSGD_ANY));
    struct hsgd_value *once = hsgd_apply(&sum_op, NULL, "once", HSGD_OF(x));
    struct hsgd_value *twice = hsgd_apply(&sum_op, NULL, "twice", HSGD_OF(once));
    struct hsgd_value *target = hsgd_target(m, "y", hsgd_vector(SIZE));
    hsgd_result(once, "once");
    hsgd_result(twice, "twice");
    hsgd_result(HSGD_OP(other, relu, NULL), "beside");
    hsgd_loss(HSGD_JOIN(HSGD_OF(twice, target), mse, NULL));
    if (!CHECK_MSG(!hsgd_model_finish(m), "%s", hsgd_error(ctx))) core_end();
    return m;
}

static struct hsgd_session *open_session(struct hsgd_model *m)
{
    struct hsgd_session *s = hsgd_session_create(m, HSGD_OPTIONS(session, .batch = BATCH));
    REQUIRE(s);
    REQUIRE(!hsgd_session_set_types(s, 2, (struct hsgd_type[]){ hsgd_vector(SIZE), hsgd_vector(2) }));
    return s;
}

/* A run on n samples of which sample i is i + step; its results. */
static int run(struct hsgd_session *s, int n, int step, float *once, float *twice)
{
    float x[BATCH * SIZE], other[BATCH * 64] = { 0 }, beside[BATCH * 64];
    for (int i = 0; i < n * SIZE; i++) x[i] = (float)(i / SIZE + step);
    return hsgd_session_run(s, n, HSGD_FIELDS(x, other), HSGD_RESULTS(once, twice, beside));
}

/* Runs number `first` to `last`, from 1, of a sequence: the sums are those of 1 to each. */
static void check_runs(struct hsgd_context *ctx, struct hsgd_session *s, int n, int first, int last)
{
    float once[BATCH * SIZE], twice[BATCH * SIZE];
    for (int t = first; t <= last; t++) {
        if (!CHECK_MSG(!run(s, n, t, once, twice), "%s", hsgd_error(ctx))) return;
        for (int i = 0; i < n * SIZE; i++) {
            int a = i / SIZE; /* sum of a + 1 to a + t; and the sum of these sums */
            CHECK(once[i] == (float)(t * a + t * (t + 1) / 2));
            CHECK(twice[i] == (float)(a * t * (t + 1) / 2 + t * (t + 1) * (t + 2) / 6));
        }
    }
}

static void on(const char *devices)
{
    struct hsgd_context *ctx = core_context(devices, 1, false);
    struct hsgd_model *m = make_model(ctx);
    struct hsgd_session *s = open_session(m), *two = open_session(m);
    struct hsgd_session_memory memory;
    float once[BATCH * SIZE], twice[BATCH * SIZE];
    check_runs(ctx, s, 5, 1, 3);
    check_runs(ctx, two, BATCH, 1, 2); /* they have nothing in common */
    REQUIRE(!hsgd_session_set_types(s, 2, (struct hsgd_type[]){ hsgd_vector(SIZE), hsgd_vector(64) }));
    check_runs(ctx, s, 5, 4, 5); /* by another plan */
    CHECK(!hsgd_session_memory_get(s, &memory, sizeof memory));
    CHECK(memory.plans == 2 && memory.cache == 2 * 5 * SIZE * sizeof(float));
    CHECK(run(s, 4, 1, once, twice) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "the run goes on with the 5 samples of the runs before, not with 4: "
                               "hsgd_session_reset() begins anew");
    check_runs(ctx, s, 5, 6, 6); /* nothing has changed by that */
    CHECK(!hsgd_session_reset(s) && !hsgd_session_reset(s));
    check_runs(ctx, s, 5, 1, 2);
    CHECK(!hsgd_session_reset(s));
    check_runs(ctx, s, 4, 1, 2);
    check_runs(ctx, two, BATCH, 3, 3);
    hsgd_session_destroy(&s);
    hsgd_session_destroy(&two);
    hsgd_model_destroy(&m);
    hsgd_destroy(&ctx);
}

static void goes_on_on_cpu(void) { on("cpu"); }
static void goes_on_on_opencl(void) { on("opencl"); }
static void goes_on_on_one_of_two(void) { on("cpu,opencl"); }

static void goes_on_where_starpu_places(void)
{
    setenv("HSGD_PLACEMENT", "starpu", 1);
    on("cpu,opencl");
}

static void only_a_batch(void)
{
    struct hsgd_context *ctx = core_context("cpu", 1, false);
    struct hsgd_model *m = make_model(ctx);
    struct hsgd_session *s = open_session(m);
    float x[(BATCH + 1) * SIZE] = { 0 };
    CHECK(hsgd_session_run(s, BATCH + 1, HSGD_FIELDS(x, x), HSGD_RESULTS(NULL, NULL, NULL)) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "operations of model \"sums\" keep something between runs: a run has at most the "
                               "session's batch of 8 samples, not 9");
    hsgd_session_destroy(&s);
    hsgd_model_destroy(&m);
    hsgd_destroy(&ctx);
}

/* What is kept behind a value that is given: the sum of all that was given. */
static void given_values(void)
{
    static const char *const devices[] = { "cpu", "opencl" };
    static const char *const once[] = { "once", NULL }, *const twice[] = { "twice", NULL };
    for (int d = 0; d < 2; d++) {
        struct hsgd_context *ctx = core_context(devices[d], 1, false);
        struct hsgd_model *m = make_model(ctx);
        struct hsgd_session *s =
            hsgd_session_create(m, HSGD_OPTIONS(session, .batch = BATCH, .result = twice, .given = once));
        float given[BATCH * SIZE], sum[BATCH * SIZE];
        REQUIRE(s && !hsgd_session_set_types(s, 2, (struct hsgd_type[]){ hsgd_vector(SIZE), hsgd_vector(2) }));
        for (int t = 1; t < 6; t++) {
            for (int i = 0; i < BATCH * SIZE; i++) given[i] = (float)(i + t);
            if (t == 4) REQUIRE(!hsgd_session_reset(s));
            REQUIRE(!hsgd_session_run(s, BATCH, HSGD_FIELDS(NULL, NULL, given), HSGD_RESULTS(sum)));
            for (int i = 0; i < BATCH * SIZE; i++) /* of 1 to t, or 4 to t */
                CHECK(sum[i] == (float)(t < 4 ? t * i + t * (t + 1) / 2 : (t - 3) * i + t * (t + 1) / 2 - 6));
        }
        hsgd_session_destroy(&s);
        hsgd_model_destroy(&m);
        hsgd_destroy(&ctx);
    }
}

/* A cache of open sizes would end with them. */
static void sizes_are_known(void)
{
    struct hsgd_context *ctx = core_context("cpu", 1, false);
    struct hsgd_model *m = hsgd_model_create(ctx, "open");
    hsgd_result(hsgd_apply(&sum_op, NULL, "sum", HSGD_OF(hsgd_input(m, "x", hsgd_vector(HSGD_ANY)))), "sum");
    CHECK(hsgd_model_finish(m) == -EINVAL);
    CHECK_STR(hsgd_error(ctx),
              "model \"open\", layer 1 (sum): its cache depends on axis 1 of any, whose size must then "
              "be known");
    hsgd_model_destroy(&m);
    hsgd_destroy(&ctx);
}

/* What the device that has failed had is lost, whoever has found out: no other has it. */
static void check_lost(struct hsgd_context *ctx, struct hsgd_session *s)
{
    float once[BATCH * SIZE], twice[BATCH * SIZE];
    CHECK(run(s, 2, 3, once, twice) == -EIO);
    CHECK_STR(hsgd_error(ctx), "what operations have kept is lost with opencl:0, which has failed: "
                               "hsgd_session_reset() begins anew");
    CHECK(!hsgd_session_reset(s));
    check_runs(ctx, s, 2, 1, 2); /* on the other */
}

/* The device fails in the third run. */
static void is_lost_with_its_device(void)
{
    setenv("HSGD_SLOW", "cpu:50000us", 1);
    setenv("HSGD_FAIL", "opencl@2", 1);
    struct hsgd_context *ctx = core_context("cpu,opencl", 1, false);
    struct hsgd_model *m = make_model(ctx);
    struct hsgd_session *s = open_session(m), *two = open_session(m), *reset = open_session(m);
    float once[BATCH * SIZE], twice[BATCH * SIZE];
    check_runs(ctx, s, 2, 1, 2);
    check_runs(ctx, two, 2, 1, 2);
    check_runs(ctx, reset, 2, 1, 2);
    CHECK(!hsgd_session_reset(reset));
    CHECK(run(s, 2, 3, once, twice) == -EIO);
    CHECK_STR(hsgd_error(ctx), "opencl:0: the device failed, as HSGD_FAIL says");
    check_lost(ctx, s);
    check_lost(ctx, two);
    check_runs(ctx, reset, 2, 1, 2); /* it had nothing to lose */
    hsgd_session_destroy(&s);
    hsgd_session_destroy(&two);
    hsgd_session_destroy(&reset);
    hsgd_model_destroy(&m);
    hsgd_destroy(&ctx);
}

static const struct core_case cases[] = {
    { "goes_on_on_cpu", goes_on_on_cpu },
    { "goes_on_on_opencl", goes_on_on_opencl },
    { "goes_on_on_one_of_two", goes_on_on_one_of_two },
    { "goes_on_where_starpu_places", goes_on_where_starpu_places },
    { "only_a_batch", only_a_batch },
    { "given_values", given_values },
    { "sizes_are_known", sizes_are_known },
    { "is_lost_with_its_device", is_lost_with_its_device },
};
CORE_MAIN(cases)
