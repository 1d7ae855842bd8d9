/* SPDX-License-Identifier: BSD-3-Clause */
/* Gradients of a session's results by inputs and inner values: against differences
 * of results, and of linear models against their weights. */
#include "core.h"

#include <errno.h>
#include <math.h>

enum { SIDE = 8, CHANNELS = 3, PIXELS = SIDE * SIDE * CHANNELS, CLASSES = 5, SAMPLES = 40, WIDE = 6 };

static struct hsgd_context *ctx;
static float x[SAMPLES * PIXELS], u[SAMPLES * CLASSES], z[SAMPLES * CLASSES], dx[SAMPLES * PIXELS];

static void fill(float *to, int n, unsigned state)
{
    for (int i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        to[i] = (float)(state >> 8) / (1 << 23) - 1.0f;
    }
}

static void begin(const char *devices)
{
    ctx = core_context(devices, 0, false);
    fill(x, SAMPLES * PIXELS, 1);
    fill(u, SAMPLES * CLASSES, 2);
}

/* Every weight, running statistics included, away from its initial value. */
static void disturb(struct hsgd_model *m)
{
    int64_t n;
    float *w = core_weights(m, &n);
    for (int64_t i = 0; i < n; i++) w[i] += 0.01f * (float)(i % 7);
    core_set_weights(m, w);
    free(w);
}

static struct hsgd_session *session_of(struct hsgd_model *m, int batch, const char *const *by)
{
    struct hsgd_session *s = hsgd_session_create(m, HSGD_OPTIONS(session, .batch = batch, .gradient = by));
    if (!CHECK_MSG(s != NULL, "%s", hsgd_error(ctx))) core_end();
    return s;
}

/* ------------------------------------------------------------------ networks */

/* A residual block with batch_norm and dropout, smooth, in lanes and not. */
static struct hsgd_model *residual(void)
{
    struct hsgd_model *m = hsgd_model_create(ctx, "residual");
    struct hsgd_value *in = hsgd_input(m, "x", hsgd_image(SIDE, SIDE, CHANNELS));
    struct hsgd_value *v = HSGD_OP(in, conv2d, "stem", .out_channels = WIDE, .kernel = 3, .padding = 1);
    struct hsgd_value *b = HSGD_OP(v, batch_norm, "bn");
    b = HSGD_OP(b, tanh, "act");
    b = HSGD_OP(b, conv2d, "conv", .out_channels = WIDE, .kernel = 3, .padding = 1, .activation = HSGD_TANH);
    v = HSGD_JOIN(HSGD_OF(b, v), add, "sum");
    v = HSGD_OP(v, avg_pool, NULL, .kernel = 2);
    v = HSGD_OP(HSGD_OP(v, flatten, NULL), dropout, NULL, .p = 0.5f);
    v = HSGD_OP(v, dense, "hidden", .units = 12, .activation = HSGD_SIGMOID);
    m = core_classifier(m, HSGD_OP(v, dense, "fc", .units = CLASSES));
    if (!CHECK_MSG(m != NULL, "%s", hsgd_error(ctx))) core_end();
    disturb(m);
    return m;
}

/* sum u . z of a sample, by the session's results. */
static double value(int sample)
{
    double sum = 0;
    for (int k = 0; k < CLASSES; k++) sum += (double)u[sample * CLASSES + k] * z[sample * CLASSES + k];
    return sum;
}

/* Along a random direction the gradient is the difference of the results. */
static void differences(struct hsgd_session *s, int n, const char *devices)
{
    static float direction[SAMPLES * PIXELS], moved[SAMPLES * PIXELS];
    const double h = 0.01;
    double up[SAMPLES];
    fill(direction, n * PIXELS, 3);
    REQUIRE(!hsgd_session_run(s, n, HSGD_FIELDS(x, u), HSGD_RESULTS(z, dx)));
    for (int side = 1; side >= -1; side -= 2) {
        for (int i = 0; i < n * PIXELS; i++) moved[i] = x[i] + (float)(side * h) * direction[i];
        REQUIRE(!hsgd_session_run(s, n, HSGD_FIELDS(moved, u), HSGD_RESULTS(z, NULL)));
        for (int i = 0; i < n && side > 0; i++) up[i] = value(i);
    }
    for (int i = 0; i < n; i++) {
        double difference = (up[i] - value(i)) / (2 * h), along = 0, norm = 0;
        for (int k = i * PIXELS; k < (i + 1) * PIXELS; k++) {
            along += (double)dx[k] * direction[k];
            norm += (double)dx[k] * dx[k];
        }
        CHECK_MSG(fabs(difference - along) <= 2e-3 * sqrt(norm * PIXELS / 3) && norm > 0,
                  "%s, sample %d of %d: the gradient gives %g, the difference %g", devices, i, n, along, difference);
    }
}

static void of_a_residual_network(void)
{
    static const char *const devices[] = { "cpu", "opencl", "cpu,opencl" };
    static const char *const by[] = { "x", NULL };
    for (int d = 0; d < 3; d++) {
        begin(devices[d]);
        struct hsgd_model *m = residual();
        struct hsgd_session *s = session_of(m, SAMPLES, by);
        differences(s, SAMPLES, devices[d]);
        differences(s, 3, devices[d]);
        hsgd_session_destroy(&s);
        hsgd_model_destroy(&m);
        hsgd_destroy(&ctx);
    }
}

/* ----------------------------------------------------------------- exact values */

/* z = x W: the gradient is W u, whatever the slices. */
static void of_a_linear_model(void)
{
    static const char *const by[] = { "x", NULL };
    begin("cpu,opencl");
    struct hsgd_model *m = hsgd_model_create(ctx, "linear");
    struct hsgd_value *v = hsgd_input(m, "x", hsgd_vector(PIXELS));
    m = core_classifier(m, HSGD_OP(v, dense, "fc", .units = CLASSES));
    static float w[PIXELS * CLASSES];
    REQUIRE(m && !hsgd_model_get_weight(m, "fc.weight", w, PIXELS * CLASSES));
    struct hsgd_session *s = session_of(m, 16, by);
    REQUIRE(!hsgd_session_run(s, SAMPLES, HSGD_FIELDS(x, u), HSGD_RESULTS(NULL, dx)));
    double worst = 0;
    for (int i = 0; i < SAMPLES * PIXELS; i++) {
        double want = 0;
        for (int k = 0; k < CLASSES; k++) want += (double)w[i % PIXELS * CLASSES + k] * u[i / PIXELS * CLASSES + k];
        worst = fmax(worst, fabs(want - dx[i]));
    }
    CHECK_MSG(worst <= 1e-6, "off by %g", worst);
    hsgd_session_destroy(&s);
    hsgd_model_destroy(&m);
    hsgd_destroy(&ctx);
}

/* What a sum has two readers and is made of two inputs: all three gradients are one, and stay apart from what is added
 * to them later. */
static void of_inner_values(void)
{
    static const char *const by[] = { "sum", "x", "x2", "unused", NULL };
    static float other[4][SAMPLES * PIXELS];
    begin("cpu");
    struct hsgd_model *m = hsgd_model_create(ctx, "inner");
    struct hsgd_value *a = hsgd_input(m, "x", hsgd_image(SIDE, SIDE, CHANNELS));
    struct hsgd_value *b = hsgd_input(m, "x2", hsgd_image(SIDE, SIDE, CHANNELS));
    struct hsgd_value *unused = hsgd_input(m, "unused", hsgd_vector(3));
    struct hsgd_value *sum = HSGD_JOIN(HSGD_OF(a, b), add, "sum"), *twice = HSGD_JOIN(HSGD_OF(sum, a), add, "twice");
    struct hsgd_value *c = HSGD_OP(sum, conv2d, "conv", .out_channels = CHANNELS, .kernel = 3, .padding = 1);
    c = HSGD_JOIN(HSGD_OF(c, sum, twice), concat, NULL);
    (void)unused;
    m = core_classifier(m, HSGD_OP(HSGD_OP(c, flatten, NULL), dense, "fc", .units = CLASSES));
    if (!CHECK_MSG(m != NULL, "%s", hsgd_error(ctx))) core_end();
    struct hsgd_session *s = session_of(m, SAMPLES, by);
    CHECK(hsgd_session_inputs(s) == 4 && hsgd_session_results(s) == 5);
    int err =
        hsgd_session_run(s, SAMPLES, HSGD_FIELDS(x, x, u, u), HSGD_RESULTS(z, other[0], other[1], other[2], other[3]));
    CHECK_MSG(!err, "%s", hsgd_error(ctx));
    const int64_t n = SAMPLES * PIXELS;
    CHECK_MSG(!memcmp(other[0], other[2], sizeof other[0]), "the second input's is not the sum's");
    CHECK(core_norm(other[0], n) > 0 && core_distance(other[0], other[1], n) > 1e-3);
    CHECK_MSG(core_norm(other[3], SAMPLES * 3) <= 0, "what is not read has a gradient");
    hsgd_session_destroy(&s);
    hsgd_model_destroy(&m);
    hsgd_destroy(&ctx);
}

/* ------------------------------------------------------- inner values, given back */

/* What a node makes, given in its place, gives the same results, and the same gradient by it. */
static void of_given_values(void)
{
    static const char *const stem[] = { "stem", NULL }, *const both[] = { "output", "stem", NULL };
    static const char *const output[] = { "output", NULL };
    enum { INNER = SIDE * SIDE * WIDE };
    static float a[SAMPLES * INNER], none[SAMPLES * INNER], by[2][SAMPLES * INNER], again[SAMPLES * CLASSES];
    static const char *const devices[] = { "cpu", "opencl" };
    for (int d = 0; d < 2; d++) {
        begin(devices[d]);
        struct hsgd_model *m = residual();
        struct hsgd_session_value v;
        struct hsgd_session *s =
            hsgd_session_create(m, HSGD_OPTIONS(session, .batch = 16, .result = both, .gradient = stem));
        struct hsgd_session *t = hsgd_session_create(
            m, HSGD_OPTIONS(session, .batch = 16, .result = output, .gradient = stem, .given = stem));
        if (!CHECK_MSG(s && t, "%s", hsgd_error(ctx))) core_end();
        CHECK(hsgd_session_inputs(t) == 3 && !hsgd_session_input_get(t, 2, &v, sizeof v) && !strcmp(v.name, "stem"));
        REQUIRE(!hsgd_session_run(s, SAMPLES, HSGD_FIELDS(x, u, none), HSGD_RESULTS(z, a, by[0])));
        REQUIRE(!hsgd_session_run(t, SAMPLES, HSGD_FIELDS(NULL, u, a), HSGD_RESULTS(again, by[1])));
        CHECK(core_norm(a, SAMPLES * INNER) > 0 && core_norm(by[0], SAMPLES * INNER) > 0);
        CHECK_MSG(core_distance(z, again, SAMPLES * CLASSES) <= 1e-5, "%s: results", devices[d]);
        CHECK_MSG(core_distance(by[0], by[1], SAMPLES * INNER) <= 1e-5, "%s: gradients", devices[d]);
        for (int i = 0; i < SAMPLES * INNER; i++) a[i] *= 2;
        REQUIRE(!hsgd_session_run(t, SAMPLES, HSGD_FIELDS(NULL, u, a), HSGD_RESULTS(again, NULL)));
        CHECK_MSG(core_distance(z, again, SAMPLES * CLASSES) > 1e-3, "%s: what is given counts", devices[d]);
        CHECK(hsgd_session_run(t, 4, HSGD_FIELDS(x, u, NULL), HSGD_RESULTS(z, NULL)) == -EINVAL);
        CHECK_STR(hsgd_error(ctx), "input 2 (stem) is NULL");
        hsgd_session_destroy(&s);
        hsgd_session_destroy(&t);
        hsgd_model_destroy(&m);
        hsgd_destroy(&ctx);
    }
}

/* --------------------------------------------------------------------- refusals */

static void refused_given(struct hsgd_model *m, const char *name, const char *sentence)
{
    const char *const given[] = { name, NULL };
    struct hsgd_session *s = hsgd_session_create(m, HSGD_OPTIONS(session, .given = given));
    CHECK_MSG(!s, "\"%s\" is given", name);
    CHECK_STR(hsgd_error(ctx), sentence);
    hsgd_session_destroy(&s);
}

static void refused(struct hsgd_model *m, const char *name, const char *sentence)
{
    const char *const by[] = { name, NULL };
    struct hsgd_session *s = hsgd_session_create(m, HSGD_OPTIONS(session, .gradient = by));
    CHECK_MSG(!s, "a gradient by \"%s\"", name);
    CHECK_STR(hsgd_error(ctx), sentence);
    hsgd_session_destroy(&s);
}

static void what_is_refused(void)
{
    static const char *const by[] = { "x", NULL };
    begin("cpu");
    struct hsgd_model *m = residual();
    refused(m, "nothing", "model \"residual\" has no value \"nothing\"");
    refused(m, "label", "a gradient is by 32-bit floats, and \"label\" is one number i32");
    refused_given(m, "nothing", "no node of model \"residual\" makes \"nothing\"");
    refused_given(m, "x", "no node of model \"residual\" makes \"x\"");
    struct hsgd_session *s = session_of(m, 4, by);
    struct hsgd_session_value v;
    CHECK(hsgd_session_run(s, 4, HSGD_FIELDS(x, NULL), HSGD_RESULTS(z, dx)) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "input 1 (gradient of output) is NULL");
    CHECK(!hsgd_session_input_get(s, 1, &v, sizeof v) && !strcmp(v.name, "gradient of output"));
    CHECK(!hsgd_session_result_get(s, 1, &v, sizeof v) && !strcmp(v.name, "gradient by x") && v.type.rank == 3);
    hsgd_session_destroy(&s);
    hsgd_model_destroy(&m);
    hsgd_destroy(&ctx);
}

static const struct core_case cases[] = {
    { "of_a_residual_network", of_a_residual_network },
    { "of_a_linear_model", of_a_linear_model },
    { "of_inner_values", of_inner_values },
    { "of_given_values", of_given_values },
    { "what_is_refused", what_is_refused },
};

CORE_MAIN(cases)
