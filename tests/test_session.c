/* SPDX-License-Identifier: BSD-3-Clause */
/* Sessions: against double precision, named results, a lost device, what they refuse. */
#include "sessions.h"

#include <errno.h>
#include <math.h>

enum { FEATURES = 20, HIDDEN = 24, CLASSES = 5, SAMPLES = 18 * BATCH + 5 };

static float x[SAMPLES * FEATURES], out[SAMPLES * CLASSES];

static struct hsgd_model *two_layers(bool softmax)
{
    struct hsgd_model *m = hsgd_model_create(ctx, "two");
    struct hsgd_value *x = hsgd_input(m, "x", hsgd_vector(FEATURES));
    struct hsgd_value *label = hsgd_target(m, "label", hsgd_number(HSGD_I32));
    x = HSGD_OP(x, dense, NULL, .units = HIDDEN, .activation = HSGD_RELU);
    x = HSGD_OP(x, dropout, NULL, .p = 0.5f);
    x = HSGD_OP(x, dense, NULL, .units = CLASSES);
    hsgd_loss(softmax ? HSGD_JOIN(HSGD_OF(x, label), softmax_cross_entropy, NULL)
                      : HSGD_JOIN(HSGD_OF(x, label), mse, NULL));
    REQUIRE(!hsgd_model_finish(m));
    return m;
}

static void begin(const char *devices, bool softmax, enum hsgd_executor executor)
{
    ctx = core_context(devices, 0, false);
    model = two_layers(softmax);
    REQUIRE(model);
    trainer = make_trainer(executor);
    session = make_session(BATCH, 0, executor);
    unsigned state = 1;
    for (int i = 0; i < SAMPLES * FEATURES; i++) {
        state = state * 1664525u + 1013904223u;
        x[i] = (float)(state >> 8) / (1 << 23) - 1.0f;
    }
}

/* y = x W + b in double precision, W in x out as stored. */
static void dense(const char *layer, const double *in, int n, double *y, int units)
{
    float w[HIDDEN * HIDDEN], b[HIDDEN];
    char name[40];
    snprintf(name, sizeof name, "%s.weight", layer);
    REQUIRE(!hsgd_model_get_weight(model, name, w, n * units));
    snprintf(name, sizeof name, "%s.bias", layer);
    REQUIRE(!hsgd_model_get_weight(model, name, b, units));
    for (int k = 0; k < units; k++) {
        y[k] = b[k];
        for (int i = 0; i < n; i++) y[k] += in[i] * w[i * units + k];
    }
}

static void reference(const float *sample, bool softmax, double *y)
{
    double in[FEATURES], hidden[HIDDEN], sum = 0;
    for (int i = 0; i < FEATURES; i++) in[i] = sample[i];
    dense("dense1", in, FEATURES, hidden, HIDDEN);
    for (int i = 0; i < HIDDEN; i++) hidden[i] = hidden[i] > 0 ? hidden[i] : 0;
    dense("dense2", hidden, HIDDEN, y, CLASSES);
    if (!softmax) return;
    for (int k = 0; k < CLASSES; k++) sum += exp(y[k]);
    for (int k = 0; k < CLASSES; k++) y[k] = exp(y[k]) / sum;
}

/* The first n samples; what lies behind stays as it was. */
static void check_predictions(int n, bool softmax)
{
    for (int i = 0; i < SAMPLES * CLASSES; i++) out[i] = -77;
    run(session, n, x, out);
    double worst = 0, y[CLASSES];
    for (int i = 0; i < n; i++) {
        reference(x + i * FEATURES, softmax, y);
        for (int k = 0; k < CLASSES; k++) worst = fmax(worst, fabs(y[k] - out[i * CLASSES + k]));
    }
    CHECK_MSG(worst < 2e-6, "%d samples differ by %g", n, worst);
    CHECK(n == SAMPLES || out[n * CLASSES] == -77);
}

static void predict_on(const char *devices, bool softmax, enum hsgd_executor executor)
{
    char before[65], after[65];
    int32_t labels[BATCH] = { 0, 1, 2, 3, 4, 3, 2, 1, 0 };
    begin(devices, softmax, executor);
    CHECK(hsgd_model_outputs(model) == CLASSES);
    hsgd_model_digest(model, before);
    check_predictions(SAMPLES, softmax);
    check_predictions(1, softmax);
    check_predictions(BATCH + 3, softmax);
    hsgd_model_digest(model, after);
    CHECK_STR(after, before);
    REQUIRE(!hsgd_trainer_step(trainer, BATCH, HSGD_FIELDS(x, labels), NULL));
    check_predictions(SAMPLES, softmax); /* of the new weights */
    hsgd_model_digest(model, after);
    CHECK(strcmp(after, before));
    end();
}

static void cpu(void) { predict_on("cpu", true, HSGD_REPLAY); }
static void opencl(void) { predict_on("opencl", true, HSGD_REPLAY); }
static void both(void) { predict_on("cpu,opencl", true, HSGD_REPLAY); }
static void cpu_insert(void) { predict_on("cpu", true, HSGD_INSERT); }
static void both_insert(void) { predict_on("cpu,opencl", true, HSGD_INSERT); }
static void mse(void) { predict_on("cpu,opencl", false, HSGD_REPLAY); }

static void placed_by_starpu(void)
{
    setenv("HSGD_PLACEMENT", "starpu", 1);
    predict_on("cpu,opencl", true, HSGD_REPLAY);
}

/* Of binary cross-entropy: the probabilities of its logits. */
static void chances(void)
{
    static const char *const names[] = { "logits", "output", NULL };
    static float logits[SAMPLES * CLASSES];
    ctx = core_context("cpu", 1, true);
    model = hsgd_model_create(ctx, "chances");
    struct hsgd_value *in = hsgd_input(model, "x", hsgd_vector(FEATURES));
    struct hsgd_value *target = hsgd_target(model, "chance", hsgd_vector(CLASSES));
    struct hsgd_value *y = HSGD_OP(in, dense, NULL, .units = CLASSES);
    hsgd_result(y, "logits");
    hsgd_loss(HSGD_JOIN(HSGD_OF(y, target), binary_cross_entropy, NULL));
    REQUIRE(!hsgd_model_finish(model));
    session = hsgd_session_create(model, HSGD_OPTIONS(session, .result = names));
    REQUIRE(session);
    for (int i = 0; i < SAMPLES * FEATURES; i++) x[i] = (float)(i % 211 - 105) * (i % 3 ? 0.02f : 2);
    REQUIRE(!hsgd_session_run(session, SAMPLES, HSGD_FIELDS(x), HSGD_RESULTS(logits, out)));
    int below = 0, above = 0;
    for (int i = 0; i < SAMPLES * CLASSES; i++) {
        double want = 1 / (1 + exp(-(double)logits[i]));
        if (!CHECK_MSG(fabs(out[i] - want) <= 1e-6 * want + 1e-37, "%g of %g, not %g", out[i], logits[i], want)) break;
        if (logits[i] < -20) below++;
        if (logits[i] > 20) above++;
    }
    CHECK_MSG(below > 0 && above > 0, "%d logits below -20, %d above 20", below, above);
    end();
}

/* ------------------------------------------------------------------ results */

enum { TOKENS = 6, WORDS = 9, WIDTH = 4 };

/* An integer input and one of floats; results of both types, one of a part only. */
static struct hsgd_model *text_model(void)
{
    struct hsgd_model *m = hsgd_model_create(ctx, "text");
    struct hsgd_value *words = hsgd_input(m, "words", hsgd_tokens(TOKENS));
    struct hsgd_value *label = hsgd_target(m, "label", hsgd_number(HSGD_I32));
    struct hsgd_value *extra = hsgd_input(m, "extra", hsgd_vector(WIDTH));
    struct hsgd_value *rows = HSGD_OP(words, embedding, "table", .entries = WORDS, .channels = WIDTH);
    struct hsgd_value *flat = HSGD_OP(rows, flatten, NULL);
    struct hsgd_value *all = HSGD_JOIN(HSGD_OF(flat, extra), concat, NULL);
    struct hsgd_value *y = HSGD_OP(all, dense, NULL, .units = 3);
    hsgd_loss(HSGD_JOIN(HSGD_OF(y, label), softmax_cross_entropy, NULL));
    hsgd_result(rows, "rows");
    hsgd_result(words, "words");
    if (!CHECK_MSG(!hsgd_model_finish(m), "%s", hsgd_error(ctx))) core_end();
    return m;
}

static void named(const char *devices)
{
    enum { N = 37 };
    static const char *const output[] = { "output", "words", NULL };
    int32_t words[N * TOKENS], back[N * TOKENS], again[N * TOKENS];
    float rows[N * TOKENS * WIDTH], extra[N * WIDTH], table[WORDS * WIDTH], y[N * 3];
    struct hsgd_session_value v;
    ctx = core_context(devices, 0, false);
    model = text_model();
    for (int i = 0; i < N * TOKENS; i++) words[i] = i * 5 % WORDS;
    for (int i = 0; i < N * WIDTH; i++) extra[i] = sinf((float)i);
    session = make_session(16, 0, HSGD_REPLAY);
    CHECK(hsgd_session_inputs(session) == 2 && hsgd_session_results(session) == 2);
    CHECK(!hsgd_session_input_get(session, 1, &v, sizeof v) && !strcmp(v.name, "extra") && v.type.dim[0] == WIDTH);
    CHECK(!hsgd_session_result_get(session, 1, &v, sizeof v) && !strcmp(v.name, "words") && v.type.dtype == HSGD_I32);
    CHECK(!hsgd_session_run(session, N, HSGD_FIELDS(words, NULL), HSGD_RESULTS(rows, back)));
    REQUIRE(!hsgd_model_get_weight(model, "table.weight", table, WORDS * WIDTH));
    CHECK(!memcmp(back, words, sizeof words));
    for (int i = 0; i < N * TOKENS; i++)
        CHECK(!memcmp(rows + i * WIDTH, table + words[i] * WIDTH, WIDTH * sizeof *rows));
    hsgd_session_destroy(&session);
    session = hsgd_session_create(model, HSGD_OPTIONS(session, .result = output));
    CHECK(hsgd_session_run(session, N, HSGD_FIELDS(words, NULL), HSGD_RESULTS(y, NULL)) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "input 1 (extra) is NULL");
    CHECK(!hsgd_session_run(session, N, HSGD_FIELDS(words, extra), HSGD_RESULTS(NULL, again)));
    CHECK(!memcmp(again, words, sizeof words));
    CHECK(!hsgd_session_run(session, N, HSGD_FIELDS(words, extra), HSGD_RESULTS(y, NULL)));
    for (int i = 0; i < N; i++) CHECK(fabsf(y[3 * i] + y[3 * i + 1] + y[3 * i + 2] - 1) < 1e-6f);
    end();
}

static void named_cpu(void) { named("cpu"); }
static void named_both(void) { named("cpu,opencl"); }

/* ----------------------------------------------------------- a lost device */

static void loses_a_device(void)
{
    setenv("HSGD_FAIL", "opencl@2", 1);
    begin("cpu,opencl", true, HSGD_REPLAY);
    session->choice[4] = (struct session_choice){ .known = true, .share = { 0.5, 0.5 } };
    for (int i = 0; i < 3; i++) check_predictions(SAMPLES, true);
    for (int i = 0; i < 2; i++)
        CHECK(session->lost[i] == (ctx->device[i].info.kind == HSGD_OPENCL) && ctx->device[i].lost == session->lost[i]);
    end();
}

/* ------------------------------------------------------------------- errors */

static void refuses(const struct hsgd_session_options *o, const char *sentence)
{
    CHECK(!hsgd_session_create(model, o));
    CHECK_STR(hsgd_error(ctx), sentence);
}

static void errors(void)
{
    static const char *const none[] = { NULL }, *const unknown[] = { "depth", NULL };
    struct hsgd_session_value v;
    begin("cpu", true, HSGD_REPLAY);
    CHECK(hsgd_session_run(session, 0, HSGD_FIELDS(x), HSGD_RESULTS(out)) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "a session runs on at least 1 sample, not 0");
    CHECK(hsgd_session_run(session, 2, HSGD_FIELDS(NULL), HSGD_RESULTS(out)) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "input 0 (x) is NULL");
    CHECK(hsgd_session_run(session, 2, NULL, HSGD_RESULTS(out)) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "hsgd_session_run: input is NULL");
    CHECK(hsgd_session_result_get(session, 1, &v, sizeof v) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "the session has results 0 to 0, not 1");
    refuses(HSGD_OPTIONS(session, .batch = -1), "batch must be from 0 to 1048576, not -1");
    refuses(HSGD_OPTIONS(session, .plans = 1 << 20), "plans must be from 0 to 65536, not 1048576");
    refuses(HSGD_OPTIONS(session, .executor = (enum hsgd_executor)2), "executor must be from 0 to 1, not 2");
    refuses(HSGD_OPTIONS(session, .result = none), "a session needs a result");
    refuses(HSGD_OPTIONS(session, .result = unknown), "model \"two\" has no result \"depth\"");
    CHECK(hsgd_model_outputs(NULL) == 0 && !hsgd_session_results(NULL));
    end();
}

static void no_target(void)
{
    ctx = core_context("cpu", 1, false);
    model = hsgd_model_create(ctx, "m");
    struct hsgd_value *in = hsgd_input(model, "x", hsgd_vector(3)), *t = hsgd_target(model, "t", hsgd_vector(3));
    hsgd_loss(HSGD_JOIN(HSGD_OF(HSGD_OP(in, dense, NULL, .units = 3), t), mse, NULL));
    hsgd_result(HSGD_JOIN(HSGD_OF(in, t), add, NULL), "sum");
    REQUIRE(!hsgd_model_finish(model));
    refuses(NULL, "a result of model \"m\" depends on the target \"t\"");
    end();
}

static const struct core_case cases[] = {
    { "cpu", cpu },
    { "opencl", opencl },
    { "both", both },
    { "cpu_insert", cpu_insert },
    { "both_insert", both_insert },
    { "mse", mse },
    { "placed_by_starpu", placed_by_starpu },
    { "chances", chances },
    { "named_cpu", named_cpu },
    { "named_both", named_both },
    { "loses_a_device", loses_a_device },
    { "errors", errors },
    { "no_target", no_target },
};
CORE_MAIN(cases)
