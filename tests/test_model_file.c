/* SPDX-License-Identifier: BSD-3-Clause */
/* Model files: what they give, what is written to them. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "core.h"

#include <errno.h>
#include <unistd.h>

static struct hsgd_context *ctx;
static const struct hsgd_shape image = { 28, 28, 1 }, none = { 0 };

#define TAIL "  - {op: softmax_cross_entropy}\n"
#define MODEL(layers) "name: m\nlayers:\n" layers TAIL
#define TOP_KEYS "hsgd, name, input, usual_input, inputs, targets, blocks, layers, results"

/* ------------------------------------------------------------------- files */

static char path[600];

static void put(const char *text)
{
    snprintf(path, sizeof path, "%s/model.yaml", getenv("STARPU_HOME"));
    FILE *f = fopen(path, "w");
    REQUIRE(f && fputs(text, f) >= 0 && !fclose(f));
}

static void file_refused(const char *name, const char *sentence)
{
    char want[800];
    CHECK(!hsgd_model_by_name(ctx, name, image, 10));
    snprintf(want, sizeof want, "%s%s", name, sentence);
    CHECK_STR(hsgd_error(ctx), want);
}

static void files(void)
{
    ctx = core_context("cpu", 1, false);
    put(MODEL("  - {op: flatten}\n  - {op: dense, units: classes}\n"));
    CHECK(hsgd_model_is_file(path) && hsgd_model_is_file("m.yaml") && hsgd_model_is_file("m.yml"));
    CHECK(!hsgd_model_is_file("lenet") && !hsgd_model_is_file("m.yaml.txt") && hsgd_model_is_file("./lenet"));
    struct hsgd_model *m = hsgd_model_by_name(ctx, path, image, 7);
    CHECK_MSG(m && hsgd_model_parameters(m) == 785 * 7, "%s", hsgd_error(ctx));
    CHECK_STR(hsgd_model_name(m), "m");
    CHECK(hsgd_model_input(m).h == 28 && hsgd_model_input(m).c == 1);
    hsgd_model_destroy(&m);
    put("name: m\n\nlayer: []\n");
    file_refused(path, ":3: key \"layer\" is not one of " TOP_KEYS);
    put("");
    file_refused(path, ": the file has no content");
    unlink(path);
    file_refused(path, ": cannot open: No such file or directory");
    file_refused("/", ": is a folder, not a file");
    FILE *f = fopen(path, "w");
    REQUIRE(f && !ftruncate(fileno(f), 300000) && !fclose(f));
    file_refused(path, ": the file has 300000 bytes, more than 262144");
    unlink(path);
    hsgd_destroy(&ctx);
}

/* -------------------------------------------------------------- what they give */

static void same(struct hsgd_model *a, struct hsgd_model *b)
{
    char da[65], db[65];
    REQUIRE(a && b);
    CHECK(!hsgd_model_initialise(a, 7) && !hsgd_model_initialise(b, 7));
    CHECK(!hsgd_model_digest(a, da) && !hsgd_model_digest(b, db) && hsgd_model_layers(a) == hsgd_model_layers(b));
    CHECK_STR(da, db);
    hsgd_model_destroy(&a);
    hsgd_model_destroy(&b);
}

static struct hsgd_value *conv_pool(struct hsgd_value *x, int channels, int kernel, int padding)
{
    x = HSGD_OP(x, conv2d, NULL, .out_channels = channels, .kernel = kernel, .padding = padding,
                .activation = HSGD_RELU);
    return HSGD_OP(x, max_pool, NULL, .kernel = 2);
}

static struct hsgd_model *cifar_cnn_by_hand(void)
{
    struct hsgd_model *m = hsgd_model_create(ctx, "cifar-cnn");
    struct hsgd_value *x = hsgd_input(m, "x", hsgd_image(32, 32, 3));
    x = conv_pool(conv_pool(x, 32, 3, 1), 64, 3, 1);
    x = HSGD_OP(x, conv2d, NULL, .out_channels = 64, .kernel = 3, .padding = 1, .activation = HSGD_RELU);
    x = HSGD_OP(HSGD_OP(x, flatten, NULL), dense, NULL, .units = 64, .activation = HSGD_RELU);
    return core_classifier(m, HSGD_OP(x, dense, NULL, .units = 10));
}

static struct hsgd_model *mlp_by_hand(void)
{
    struct hsgd_model *m = hsgd_model_create(ctx, "mlp");
    struct hsgd_value *x = HSGD_OP(hsgd_input(m, "x", hsgd_image(28, 28, 1)), flatten, NULL);
    x = HSGD_OP(x, dense, NULL, .units = 512, .activation = HSGD_RELU);
    x = HSGD_OP(x, dense, NULL, .units = 256, .activation = HSGD_RELU);
    return core_classifier(m, HSGD_OP(x, dense, NULL, .units = 10));
}

static struct hsgd_model *lenet_by_hand(struct hsgd_shape in, int padding)
{
    struct hsgd_model *m = hsgd_model_create(ctx, "lenet");
    struct hsgd_value *x = hsgd_input(m, "x", hsgd_image(in.h, in.w, in.c));
    x = conv_pool(x, 6, 5, padding);
    x = HSGD_OP(conv_pool(x, 16, 5, 0), flatten, NULL);
    x = HSGD_OP(x, dense, NULL, .units = 120, .activation = HSGD_RELU);
    x = HSGD_OP(x, dense, NULL, .units = 84, .activation = HSGD_RELU);
    return core_classifier(m, HSGD_OP(x, dense, NULL, .units = 10));
}

static void built_in_models_are_what_they_were(void)
{
    struct hsgd_shape colour = { 32, 32, 3 }, small = { 20, 40, 1 }, tall = { 40, 20, 1 };
    ctx = core_context("cpu", 1, false);
    same(hsgd_model_by_name(ctx, "lenet", image, 10), lenet_by_hand(image, 2));
    same(hsgd_model_by_name(ctx, "lenet", colour, 10), lenet_by_hand(colour, 0));
    same(hsgd_model_by_name(ctx, "lenet", small, 10), lenet_by_hand(small, 2));
    same(hsgd_model_by_name(ctx, "lenet", tall, 10), lenet_by_hand(tall, 0));
    same(hsgd_model_by_name(ctx, "cifar-cnn", none, 10), cifar_cnn_by_hand());
    same(hsgd_model_by_name(ctx, "mlp", image, 10), mlp_by_hand());
    hsgd_destroy(&ctx);
}

static const char every_op[] =
    "hsgd: 2\n"
    "name: every op\n"
    "inputs: {x: {type: f32, shape: [9, 8, 2]}}\n"
    "targets: {label: {type: i32}}\n"
    "layers:\n"
    "  - {op: conv2d, name: a, out_channels: 4, kernel: 3, stride: 2, padding: 1, activation: tanh, no_bias: true, "
    "init: he, groups: 2, dilation: 1, kernel_w: 4, stride_w: 2, dilation_w: 1, pads: []}\n"
    "  - {op: activate, name: activate1, activation: sigmoid}\n"
    "  - {op: gelu, name: gelu1, tanh: true}\n"
    "  - {op: reshape, name: reshape1, dims: [-1, 4, 4]}\n"
    "  - {op: avg_pool, name: b, kernel: 2, stride: 1, padding: 1, kernel_w: 2, stride_w: 1, pads: [], "
    "ceil_mode: false, count_include_pad: true}\n"
    "  - {op: max_pool, name: max_pool1, kernel: 2, stride: 2, padding: 0, kernel_w: 2, stride_w: 2, dilation: 1, "
    "dilation_w: 1, pads: [], ceil_mode: true}\n"
    "  - {op: dropout, name: dropout1, p: 0.1}\n"
    "  - {op: flatten, name: flatten1}\n"
    "  - {op: dense, name: c, units: 3, activation: none, no_bias: true, init: zero, transposed: false}\n"
    "  - {op: mse, name: mse1}\n";

/* In another order, with defaults, quotes and block style. */
static const char same_ops[] =
    "%YAML 1.1\n---\n"
    "layers:\n"
    "- kernel: 3\n  op: conv2d\n  out_channels: '4'\n  name: \"a\"\n  padding: 1\n  stride: 2\n"
    "  activation: tanh\n  init: he\n  no_bias: true\n  groups: 2\n  kernel_w: 4\n"
    "- {op: activate, activation: sigmoid}   # f\n"
    "- {op: gelu, tanh: true}\n"
    "- op: reshape\n  dims:\n  - -1\n  - '4'\n  - 4\n"
    "- {op: avg_pool, name: b, kernel: 2, stride: 1, padding: 1, padding_below: 6, count_include_pad: true}\n"
    "- {op: max_pool, kernel: 2, padding: 1, padding_below: 5, ceil_mode: true}\n"
    "- {op: dropout, p: 1e-1}\n"
    "- {op: flatten}\n"
    "- {op: dense, name: c, units: classes, no_bias: true, init: zero, transposed: false}\n"
    "- op: mse\n"
    "name: every op\n"
    "input:\n  c: 2\n  h: 9\n  w: 8\n"
    "...\n";

static void text_round_trip(void)
{
    ctx = core_context("cpu", 1, false);
    struct hsgd_model *m = hsgd_model_from_text(ctx, every_op, none, 0);
    if (!CHECK_MSG(m != NULL, "%s", hsgd_error(ctx))) core_end();
    char *text = hsgd_model_text(m);
    CHECK_STR(text, every_op);
    free(text);
    hsgd_model_destroy(&m);
    m = hsgd_model_from_text(ctx, same_ops, (struct hsgd_shape){ 9, 8, 2 }, 3);
    if (!CHECK_MSG(m != NULL, "%s", hsgd_error(ctx))) core_end();
    text = hsgd_model_text(m);
    CHECK_STR(text, every_op);
    free(text);
    hsgd_model_destroy(&m);
    for (int i = 0; hsgd_model_name_at(i); i++) {
        m = hsgd_model_by_name(ctx, hsgd_model_name_at(i), none, 10);
        REQUIRE(m && (text = hsgd_model_text(m)));
        same(m, hsgd_model_from_text(ctx, text, none, 0));
        free(text);
    }
    hsgd_destroy(&ctx);
}

static void text_refused(struct hsgd_model *m, const char *sentence)
{
    REQUIRE(m);
    CHECK(!hsgd_model_text(m));
    CHECK_STR(hsgd_error(ctx), sentence);
    hsgd_model_destroy(&m);
}

static struct hsgd_model *with_layer(const char *name, const struct hsgd_op *op, const char *layer)
{
    struct hsgd_model *m = hsgd_model_create(ctx, name);
    struct hsgd_value *x = hsgd_input(m, "x", hsgd_vector(5));
    return core_classifier(m, hsgd_apply(op, layer, NULL, HSGD_OF(x)));
}

static void what_no_file_can_have(void)
{
    struct hsgd_op own = hsgd_op_flatten;
    ctx = core_context("cpu", 1, false);
    text_refused(with_layer("m", &own, "a"), "model \"m\": layer \"a\" cannot be in a model file");
    text_refused(with_layer("m", &hsgd_op_relu, "a, op: b"),
                 "model \"m\": layer \"a, op: b\" cannot be in a model file");
    text_refused(with_layer("a: b", &hsgd_op_relu, "a"), "model \"a: b\": the name \"a: b\" cannot be in a model file");
    text_refused(hsgd_model_create(ctx, "m"), "model \"m\" has no loss");
    hsgd_destroy(&ctx);
}

static const struct core_case cases[] = { { "files", files },
                                          { "built_in_models_are_what_they_were", built_in_models_are_what_they_were },
                                          { "text_round_trip", text_round_trip },
                                          { "what_no_file_can_have", what_no_file_can_have } };
CORE_MAIN(cases)
