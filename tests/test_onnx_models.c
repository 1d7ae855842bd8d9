/* SPDX-License-Identifier: BSD-3-Clause */
/* Models written as ONNX files and read again compute the same. */
#include <errno.h>
#include <math.h>

#include "core.h"

enum { N = 3 };

static struct hsgd_context *ctx;

/* A file in a folder of the program's own. */
static const char *at(const char *name)
{
    static char path[2][1000];
    static int turn;
    const char *folder = getenv("STARPU_HOME");
    turn = !turn;
    snprintf(path[turn], sizeof *path, "%s/%s", folder ? folder : ".", name);
    return path[turn];
}

static uint32_t state = 1;
static float random_float(void)
{
    state = state * 1664525u + 1013904223u;
    return (float)(state >> 8) / (float)(1 << 23) - 1;
}

/* Weights and statistics of any value: factors and variances near 1. */
static void randomise(struct hsgd_model *m)
{
    for (int i = 0; i < hsgd_model_weight_count(m); i++) {
        char name[100];
        snprintf(name, sizeof name, "%s", hsgd_model_weight_name(m, i));
        int64_t n = hsgd_model_weight_size(m, name);
        float *w = malloc((size_t)n * sizeof *w);
        REQUIRE(w && !hsgd_model_get_weight(m, name, w, n));
        bool around_1 = strstr(name, "running_var") || (strstr(name, "bn") && strstr(name, ".weight"));
        for (int64_t k = 0; k < n; k++) w[k] += (around_1 ? 0.5f : 0.05f) * random_float();
        if (!strstr(name, "num_batches")) CHECK(!hsgd_model_set_weight(m, name, w, n));
        free(w);
    }
}

static void softmax(float *y, int classes)
{
    double sum = 0;
    for (int i = 0; i < classes; i++) sum += exp((double)y[i]);
    for (int i = 0; i < classes; i++) y[i] = (float)(exp((double)y[i]) / sum);
}

/* Of sequences of 8, for models that have a second input: none, some, and more than there are. */
static const int32_t lengths[N] = { 0, 5, 9 };

static void run(struct hsgd_model *m, const char *result, const float *x, float *y)
{
    const char *const only[] = { result, NULL };
    struct hsgd_session *s = hsgd_session_create(m, HSGD_OPTIONS(session, .result = result ? only : NULL));
    REQUIRE(s);
    CHECK_MSG(!hsgd_session_run(s, N, HSGD_FIELDS(x, lengths), HSGD_RESULTS(y)), "%s", hsgd_error(ctx));
    hsgd_session_destroy(&s);
}

/* Written, read, run: scores in place of the original's probabilities. */
static void round_trip(const char *name)
{
    const char *path = at("model.onnx");
    struct hsgd_model *m = hsgd_model_by_name(ctx, name, (struct hsgd_shape){ 0 }, 10);
    REQUIRE(m);
    randomise(m);
    REQUIRE(CHECK_MSG(!hsgd_model_to_onnx(m, path), "%s", hsgd_error(ctx)));
    struct hsgd_model *again = hsgd_model_from_onnx(ctx, path, "none");
    REQUIRE(CHECK_MSG(again, "%s: %s", name, hsgd_error(ctx)));
    struct hsgd_shape in = hsgd_model_input(m);
    int size = in.h * in.w * in.c, outputs = hsgd_model_outputs(m);
    float *x = malloc(sizeof *x * (size_t)(N * size)), y[N * 10], z[N * 10];
    REQUIRE(x && outputs == 10);
    for (int i = 0; i < N * size; i++) x[i] = random_float();
    run(m, "output", x, y);
    run(again, NULL, x, z);
    for (int i = 0; i < N; i++) softmax(z + 10 * i, 10);
    CHECK_MSG(core_distance(z, y, N * 10) < 1e-5, "%s: %g", name, core_distance(z, y, N * 10));
    struct hsgd_model_layer l;
    bool moves = false;
    for (int i = 0; !hsgd_model_layer_get(again, i, &l, sizeof l); i++) moves |= !strcmp(l.op, "transpose");
    CHECK_MSG(!moves, "%s: a transposition is left", name);
    free(x);
    hsgd_model_destroy(&again);
    hsgd_model_destroy(&m);
}

static void built_in(void)
{
    static const char *const names[] = { "linear", "mlp", "mlp-small", "lenet", "cifar-cnn", "resnet8", "resnet20" };
    ctx = core_context("cpu", 1, true);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) round_trip(names[i]);
    hsgd_destroy(&ctx);
}

/* Operations that the built-in models lack. */
static struct hsgd_model *mixed(void)
{
    struct hsgd_model *m = hsgd_model_create(ctx, "mixed");
    struct hsgd_value *x = hsgd_input(m, "x", hsgd_image(6, 4, 2)), *part;
    x = HSGD_OP(x, conv2d, "conv", .out_channels = 4, .kernel = 3, .padding = 1, .activation = HSGD_TANH);
    x = HSGD_OP(x, avg_pool, NULL, .kernel = 2);
    x = HSGD_OP(x, relu, NULL);
    part = HSGD_OP(x, split, NULL, .parts = 2);
    x = HSGD_JOIN(HSGD_OF(part, hsgd_output(part, 1), part), concat, NULL);
    x = HSGD_OP(x, layer_norm, "norm");
    x = HSGD_OP(x, reshape, NULL, .dims = { 2, { 6, 6 } });
    x = HSGD_OP(x, dense, "each", .units = 5, .activation = HSGD_SIGMOID);
    x = HSGD_OP(x, tanh, NULL);
    x = HSGD_OP(HSGD_OP(x, flatten, NULL), dropout, NULL, .p = 0.5f);
    hsgd_result(HSGD_OP(x, dense, "last", .units = 10, .no_bias = true), "y");
    return m;
}

static void without_loss(void)
{
    float x[N * 48], y[N * 10], z[N * 10];
    ctx = core_context("cpu", 1, true);
    struct hsgd_model *m = mixed();
    REQUIRE(CHECK_MSG(!hsgd_model_finish(m), "%s", hsgd_error(ctx)));
    CHECK(hsgd_model_outputs(m) == 10 && !hsgd_model_metric_name(m, 0));
    CHECK(!hsgd_trainer_create(m, NULL));
    CHECK_STR(hsgd_error(ctx), "model \"mixed\" has no loss");
    randomise(m);
    CHECK_MSG(!hsgd_model_to_onnx(m, at("model.onnx")), "%s", hsgd_error(ctx));
    CHECK_MSG(!hsgd_model_save(m, at("model.safetensors")), "%s", hsgd_error(ctx));
    struct hsgd_model *again = hsgd_model_from_onnx(ctx, at("model.onnx"), "mse");
    REQUIRE(CHECK_MSG(again, "%s", hsgd_error(ctx)));
    struct hsgd_model *opened = hsgd_model_open(ctx, at("model.safetensors"));
    REQUIRE(CHECK_MSG(opened, "%s", hsgd_error(ctx)));
    for (int i = 0; i < N * 48; i++) x[i] = random_float();
    run(m, NULL, x, y);
    run(again, NULL, x, z);
    CHECK_MSG(core_distance(z, y, N * 10) < 1e-5, "%g", core_distance(z, y, N * 10));
    run(opened, NULL, x, z);
    CHECK(!memcmp(y, z, sizeof y));
    hsgd_model_destroy(&opened);
    hsgd_model_destroy(&again);
    hsgd_model_destroy(&m);
    hsgd_destroy(&ctx);
}

/* Recurrent networks, with what they are after the last step, and functions. */
static struct hsgd_model *sequence(void)
{
    struct hsgd_model *m = hsgd_model_create(ctx, "sequence");
    struct hsgd_value *x = hsgd_input(m, "x", (struct hsgd_type){ HSGD_F32, 2, { 8, 6 } });
    struct hsgd_value *both = HSGD_OP(x, lstm, "encoder", .hidden = 6, .layers = 2, .bidirectional = true);
    struct hsgd_value *end = HSGD_OP(HSGD_OP(hsgd_output(both, 1), flatten, NULL), dense, "end", .units = 10);
    x = HSGD_OP(HSGD_OP(both, gru, "decoder", .hidden = 5), elu, NULL, .alpha = 0.7f);
    x = HSGD_OP(HSGD_OP(x, rnn, "plain", .hidden = 3), leaky_relu, NULL, .slope = 0.2f);
    x = HSGD_OP(HSGD_OP(x, flatten, NULL), dense, "steps", .units = 10);
    x = HSGD_JOIN(HSGD_OF(x, end), add, NULL);
    x = HSGD_OP(HSGD_OP(x, softplus, NULL), gelu, NULL);
    x = HSGD_OP(x, pointwise, NULL, .function = HSGD_FUNCTION_SUB, .value = 1, .value_first = true);
    hsgd_result(HSGD_OP(x, gelu, NULL, .tanh = true), "y");
    return m;
}

/* A small decoder: norms, causal attention, learned positions. */
static struct hsgd_model *decoder(void)
{
    struct hsgd_model *m = hsgd_model_create(ctx, "decoder");
    struct hsgd_value *x = hsgd_input(m, "x", (struct hsgd_type){ HSGD_F32, 2, { 8, 6 } }), *y;
    x = HSGD_OP(x, positions, "table", .length = 9);
    y = HSGD_OP(HSGD_OP(x, rms_norm, "norm"), dense, "qkv", .units = 18);
    y = HSGD_OP(HSGD_OP(y, attention, NULL, .heads = 3, .causal = true), dense, "out", .units = 6);
    x = HSGD_JOIN(HSGD_OF(x, y), add, NULL);
    y = HSGD_JOIN(HSGD_OF(x, y, x), attention, NULL, .heads = 2);
    x = HSGD_OP(HSGD_OP(HSGD_JOIN(HSGD_OF(x, y), add, NULL), layer_norm, "last"), flatten, NULL);
    hsgd_result(HSGD_OP(x, dense, "scores", .units = 10), "y");
    return m;
}

/* Convolutions and pooling of sequences, and functions along axes. */
static struct hsgd_model *windows(void)
{
    struct hsgd_model *m = hsgd_model_create(ctx, "windows");
    struct hsgd_value *x = hsgd_input(m, "x", (struct hsgd_type){ HSGD_F32, 2, { 8, 6 } }), *top, *at, *max;
    x = HSGD_OP(x, conv1d, "conv", .out_channels = 4, .kernel = 3, .dilation = 2, .pads = { 2, { 1, 3 } }, .groups = 2,
                .activation = HSGD_RELU);
    x = HSGD_OP(HSGD_OP(x, max_pool, NULL, .kernel = 2, .stride = 1), group_norm, "norm_bn", .num_groups = 2);
    x = HSGD_OP(HSGD_OP(x, softmax, NULL, .axis = 1), cumsum, NULL, .axis = 1, .reverse = true);
    top = HSGD_OP(x, top_values, NULL, .k = 2, .axis = 1);
    at = HSGD_OP(hsgd_output(top, 1), reduce, NULL, .function = HSGD_REDUCE_SUM, .axes = { 1, { 1 } });
    max = HSGD_OP(HSGD_OP(x, log_softmax, NULL, .axis = -2), arg_max, NULL, .axis = 2, .min = true);
    max = HSGD_OP(max, reduce, NULL, .function = HSGD_REDUCE_MAX, .keepdims = true);
    at = HSGD_OP(at, pointwise, NULL, .function = HSGD_FUNCTION_TO_FLOAT);
    max = HSGD_OP(max, pointwise, NULL, .function = HSGD_FUNCTION_TO_FLOAT);
    x = HSGD_OP(HSGD_OP(top, reduce, NULL, .function = HSGD_REDUCE_L2, .axes = { 1, { -2 } }), flatten, NULL);
    hsgd_result(HSGD_OP(HSGD_JOIN(HSGD_OF(x, at, max), concat, NULL), dense, "y", .units = 10), "y");
    return m;
}

/* Transposed convolution, adaptive pools. */
static struct hsgd_model *images(void)
{
    struct hsgd_model *m = hsgd_model_create(ctx, "images");
    struct hsgd_value *x = hsgd_input(m, "x", hsgd_image(6, 4, 2)), *y;
    x = HSGD_OP(x, conv_transpose2d, "up", .out_channels = 4, .kernel = 3, .stride = 2, .groups = 2, .padding = 1,
                .output_padding = 1, .activation = HSGD_TANH);
    y = HSGD_OP(HSGD_OP(x, adaptive_max_pool, NULL, .output_size = 1), flatten, NULL);
    x = HSGD_OP(HSGD_OP(x, instance_norm, "norm"), adaptive_avg_pool, NULL, .output_size = 3, .output_size_w = 2);
    x = HSGD_OP(HSGD_OP(x, adaptive_avg_pool, NULL, .output_size = 1), flatten, NULL);
    hsgd_result(HSGD_OP(HSGD_JOIN(HSGD_OF(x, y), concat, NULL), dense, "y", .units = 10), "y");
    return m;
}

/* Lengths: recurrent networks, attention with rotations and shared heads, positions. */
static struct hsgd_model *masks(void)
{
    struct hsgd_model *m = hsgd_model_create(ctx, "masks");
    struct hsgd_value *x = hsgd_input(m, "x", (struct hsgd_type){ HSGD_F32, 2, { 8, 6 } }), *q, *k, *v, *y[4];
    struct hsgd_value *n = hsgd_input(m, "n", hsgd_number(HSGD_I32));
    x = HSGD_JOIN(HSGD_OF(x, n), gru, "gru", .hidden = 4, .layers = 2, .bidirectional = true);
    v = HSGD_JOIN(HSGD_OF(x, n, hsgd_output(x, 1)), gru, "again", .hidden = 4, .layers = 2, .bidirectional = true);
    q = HSGD_OP(x, dense, "qkv", .units = 32);
    q = HSGD_JOIN(HSGD_OF(q, n), attention, NULL, .heads = 4, .kv_heads = 2, .rotary = HSGD_ROTARY_HALVES, .base = 100,
                  .causal = true);
    k = HSGD_OP(x, dense, "k", .units = 4);
    y[0] = HSGD_JOIN(HSGD_OF(q, k, k, n), attention, NULL, .heads = 4, .kv_heads = 1, .rotary = HSGD_ROTARY_PAIRS);
    y[1] = HSGD_JOIN(HSGD_OF(y[0], n), last, NULL);
    y[2] = HSGD_JOIN(HSGD_OF(v, n), mean_positions, NULL);
    y[3] = HSGD_JOIN(HSGD_OF(v, n), max_positions, NULL);
    y[0] = HSGD_OP(y[0], last, NULL);
    hsgd_result(HSGD_OP(HSGD_JOIN(HSGD_OF(y[0], y[1], y[2], y[3]), concat, NULL), dense, "y", .units = 10), "y");
    return m;
}

static void there_and_back(struct hsgd_model *m)
{
    float x[N * 48], y[N * 10], z[N * 10];
    REQUIRE(CHECK_MSG(!hsgd_model_finish(m), "%s", hsgd_error(ctx)));
    randomise(m);
    REQUIRE(CHECK_MSG(!hsgd_model_to_onnx(m, at("model.onnx")), "%s", hsgd_error(ctx)));
    struct hsgd_model *again = hsgd_model_from_onnx(ctx, at("model.onnx"), "none");
    REQUIRE(CHECK_MSG(again, "%s", hsgd_error(ctx)));
    for (int i = 0; i < N * 48; i++) x[i] = random_float();
    run(m, NULL, x, y);
    run(again, NULL, x, z);
    CHECK_MSG(core_distance(z, y, N * 10) < 1e-5, "%s: %g", hsgd_model_name(m), core_distance(z, y, N * 10));
    hsgd_model_destroy(&again);
    hsgd_model_destroy(&m);
}

static void sequences(void)
{
    ctx = core_context("cpu", 1, true);
    there_and_back(sequence());
    there_and_back(decoder());
    there_and_back(windows());
    there_and_back(images());
    there_and_back(masks());
    hsgd_destroy(&ctx);
}

static const struct core_case cases[] = { { "built_in", built_in },
                                          { "without_loss", without_loss },
                                          { "sequences", sequences } };
CORE_MAIN(cases)
