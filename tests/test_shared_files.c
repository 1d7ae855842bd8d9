/* SPDX-License-Identifier: BSD-3-Clause */
/* Weights that several layers use, and weights that do not train, in files of models
 * and of weights. */
#include "train.h"

#include <errno.h>

#include "io/safetensors.h"

/* -------------------------------------------------------------- model files */

static const char file[] = "hsgd: 2\n"
                           "name: pair\n"
                           "inputs: {x: {type: f32, shape: [1, 1, 12]}, y: {type: f32, shape: [1, 1, 12]}}\n"
                           "targets: {label: {type: i32}}\n"
                           "blocks:\n"
                           "  low:\n"
                           "    - {op: conv2d, name: conv, out_channels: 3, kernel: 1}\n"
                           "    - {op: batch_norm, name: bn}\n"
                           "    - {op: conv2d, name: trained, out_channels: 3, kernel: 1, train: true}\n"
                           "    - {op: relu}\n"
                           "layers:\n"
                           "  - {block: low, name: low, train: false, in: x}\n"
                           "  - {op: conv2d, name: low.other, out_channels: 3, kernel: 1, in: y, weights: low.conv}\n"
                           "  - {op: concat, name: both, in: [low, low.other]}\n"
                           "  - {op: flatten}\n"
                           "  - {op: dense, name: a, units: 6, train: [bias]}\n"
                           "  - {op: dense, name: b, units: 6, no_bias: true, activation: tanh, weights: a}\n"
                           "  - {op: dense, name: head, units: 4}\n"
                           "  - {op: softmax_cross_entropy}\n";

struct layer {
    const char *name, *weights_of;
    int64_t parameters, frozen;
};

static void check_layer(const struct layer *want)
{
    struct hsgd_model_layer l = { 0 };
    int i = 0;
    while (!hsgd_model_layer_get(model, i, &l, sizeof l) && strcmp(l.name, want->name) != 0) i++;
    CHECK_STR(l.name, want->name);
    CHECK_STR(l.weights_of, want->weights_of);
    CHECK_MSG(l.parameters == want->parameters && l.frozen == want->frozen, "%s: %lld parameters, %lld frozen", l.name,
              (long long)l.parameters, (long long)l.frozen);
}

static struct hsgd_model *from_text(const char *text)
{
    struct hsgd_model *m = hsgd_model_from_text(ctx, text, (struct hsgd_shape){ 0 }, 0);
    if (!CHECK_MSG(m, "%s\n%s", hsgd_error(ctx), text)) core_end();
    return m;
}

/* The model once more from its own text, which says the same; to be freed. */
static char *read_back(void)
{
    char *text = hsgd_model_text(model);
    REQUIRE(text);
    hsgd_model_destroy(&model);
    model = from_text(text);
    char *again = hsgd_model_text(model);
    CHECK_STR(again, text);
    free(again);
    return text;
}

static const char siamese_file[] = "hsgd: 2\n"
                                   "name: pair\n"
                                   "inputs: {x: {type: f32, shape: [6, 6, 1]}, y: {type: f32, shape: [6, 6, 1]}}\n"
                                   "targets: {label: {type: i32}}\n"
                                   "blocks:\n"
                                   "  unit:\n"
                                   "    - {op: conv2d, name: conv, out_channels: $c, kernel: 3, padding: 1}\n"
                                   "    - {op: relu}\n"
                                   "  branch:\n"
                                   "    - {op: conv2d, out_channels: 3, kernel: 1, train: false}\n"
                                   "    - {block: unit, name: unit, repeat: 2, c: 3}\n"
                                   "    - {op: flatten}\n"
                                   "layers:\n"
                                   "  - {block: branch, name: left, in: x}\n"
                                   "  - {block: branch, name: right, in: y, weights: left}\n"
                                   "  - {op: concat, name: both, in: [left, right]}\n"
                                   "  - {op: dense, name: head, units: 4}\n"
                                   "  - {op: softmax_cross_entropy}\n";

/* The layers and the number of parameters of a model file; the text that it makes of itself, to
 * be freed.  The name of the last layer is NULL. */
static char *check_file(const char *text, const struct layer *layers, int64_t parameters)
{
    begin_without_model("cpu", true);
    model = from_text(text);
    for (; layers->name; layers++) check_layer(layers);
    CHECK(hsgd_model_parameters(model) == parameters);
    return read_back();
}

/* A whole branch by one word. */
static void siamese_files(void)
{
    static const struct layer layers[] = { { "left.conv2d1", "", 6, 6 },
                                           { "left.unit.1.conv", "", 84, 0 },
                                           { "right.conv2d4", "left.conv2d1", 0, 0 },
                                           { "right.unit.0.conv", "left.unit.0.conv", 0, 0 },
                                           { "right.unit.1.conv", "left.unit.1.conv", 0, 0 },
                                           { NULL } };
    free(check_file(siamese_file, layers, 6 + 2 * 84 + 2 * 108 * 4 + 4));
    end();
}

static void model_files(void)
{
    static const struct layer layers[] = { { "low.conv", "", 39, 39 },
                                           { "low.bn", "", 13, 6 },
                                           { "low.trained", "", 12, 0 },
                                           { "low.other", "low.conv", 0, 0 },
                                           { "a", "", 42, 36 },
                                           { "b", "a", 0, 0 },
                                           { NULL } };
    char *text = check_file(file, layers, 39 + 13 + 12 + 42 + 28);
    CHECK(strstr(text, "weights: low.conv") && strstr(text, "train: [bias]") && strstr(text, "train: false"));
    free(text);
    end();
}

/* ------------------------------------------------------------- weight files */

/* A file of the model's weights, and more tensors of 9 floats: one of another name has the first
 * weight, but for what is added to an element. */
static void write_file(const char *path, const char *name, bool own, float more)
{
    struct safetensors_writer w;
    int64_t n;
    FILE *to = fopen(path, "wb");
    REQUIRE(to);
    safetensors_start(&w, ctx, to, path);
    float *first = weight("a.weight", &n), *bias = weight("a.bias", &n);
    if (own) safetensors_declare(&w, "a.weight", SAFETENSORS_F32, 2, (const int64_t[]){ 3, 3 });
    safetensors_declare(&w, "a.bias", SAFETENSORS_F32, 1, (const int64_t[]){ 3 });
    if (name) safetensors_declare(&w, name, SAFETENSORS_F32, 2, (const int64_t[]){ 3, 3 });
    if (own) safetensors_append(&w, first, 9 * sizeof *first);
    safetensors_append(&w, bias, 3 * sizeof *bias);
    first[5] += more;
    if (name) safetensors_append(&w, first, 9 * sizeof *first);
    REQUIRE(!safetensors_finish(&w) && !fclose(to));
    free(first), free(bias);
}

/* A shared weight has one tensor, under its first name; files with other names are read. */
static void weight_files(void)
{
    struct safetensors f;
    char path[600], want[900];
    begin_without_model("cpu", true);
    model = from_text("hsgd: 2\nname: chain\ninputs: {x: {type: f32, shape: [3]}}\ntargets: {t: {type: i32}}\nlayers:\n"
                      "  - {op: dense, name: a, units: 3}\n"
                      "  - {op: dense, name: b, units: 3, weights: a}\n"
                      "  - {op: dense, name: c, units: 3, weights: b}\n"
                      "  - {op: softmax_cross_entropy}\n");
    snprintf(path, sizeof path, "%s/shared.safetensors", getenv("STARPU_HOME"));
    CHECK(!hsgd_model_save(model, path));
    REQUIRE(!safetensors_read(ctx, &f, path));
    CHECK(f.ntensors == 2 && safetensors_find(&f, "a.weight") && safetensors_find(&f, "a.bias"));
    safetensors_close(&f);
    CHECK(hsgd_model_weight_size(model, "b.weight") == -EINVAL);
    write_file(path, "c.weight", true, 0);
    CHECK_MSG(!hsgd_model_load(model, path), "%s", hsgd_error(ctx));
    write_file(path, "b.weight", false, 0);
    CHECK_MSG(!hsgd_model_load(model, path), "%s", hsgd_error(ctx));
    write_file(path, "c.weight", true, 1);
    CHECK(hsgd_model_load(model, path) == -EINVAL);
    snprintf(want, sizeof want,
             "%s: tensors \"a.weight\" and \"c.weight\" differ, but are one weight of model \"chain\"", path);
    CHECK_STR(hsgd_error(ctx), want);
    write_file(path, NULL, false, 0);
    CHECK(hsgd_model_load(model, path) == -EINVAL);
    snprintf(want, sizeof want, "%s: tensor \"a.weight\" is missing", path);
    CHECK_STR(hsgd_error(ctx), want);
    write_file(path, "d.weight", true, 0);
    CHECK(hsgd_model_load(model, path) == -EINVAL);
    snprintf(want, sizeof want, "%s: tensor \"d.weight\" is not a weight of model \"chain\"", path);
    CHECK_STR(hsgd_error(ctx), want);
    remove(path);
    end();
}

static const struct core_case cases[] = {
    { "model_files", model_files },
    { "siamese_files", siamese_files },
    { "weight_files", weight_files },
};
CORE_MAIN(cases)
