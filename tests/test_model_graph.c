/* SPDX-License-Identifier: BSD-3-Clause */
/* Model files that are graphs: blocks, inputs, names; and every bad one with its
 * sentence. */
#include "core.h"

static struct hsgd_context *ctx;
static const struct hsgd_shape image = { 28, 28, 1 }, none = { 0 };

/* --------------------------------------------------------------- bad files */

#define TAIL "  - {op: softmax_cross_entropy}\n"
#define GRAPH "hsgd: 2\nname: m\n"
#define BAD_NAME " must be of letters, digits and \"_\", in parts joined by dots, at most 47 characters"
#define END "  - {op: dense, units: 10}\n" TAIL
#define SHARED(layer) \
    GRAPH "layers:\n  - {op: flatten}\n  - {op: dense, name: a, units: 784}\n" \
          "  - {" layer "}\n  - {op: dense, name: last, units: 10}\n" TAIL
#define IN_BLOCK(layers) GRAPH "blocks:\n  b:\n" layers "layers:\n  - {op: flatten}\n"

static const struct {
    const char *text, *sentence;
} bad[] = {
    { "hsgd: 3\n", ":1: hsgd, the form of the file, must be 2, not \"3\"" },
    { "name: m\ntargets: {t: {type: i32}}\nlayers: []\n", ":2: the key \"targets\" needs \"hsgd: 2\" in the file" },
    { "name: m\nlayers:\n  - {op: flatten, in: x}\n" TAIL, ":3: the key \"in\" needs \"hsgd: 2\" in the file" },
    { "name: m\nlayers:\n  - {block: b, name: a}\n" TAIL, ":3: the key \"block\" needs \"hsgd: 2\" in the file" },
    { GRAPH "inputs: x\n", ":3: inputs must be a mapping, but is a value" },
    { GRAPH "inputs: {x: f32}\n", ":3: x must be a mapping, but is a value" },
    { GRAPH "inputs: {x: {shape: [3]}}\n", ":3: x needs a type: f32, i32 or u8" },
    { GRAPH "inputs: {x: {type: f64}}\n", ":3: type must be one of f32, i32, u8, not \"f64\"" },
    { GRAPH "inputs: {x: {type: f32, shape: 3}}\n",
      ":3: shape must be a list of at most 6 integers from 1 or any, not \"3\"" },
    { GRAPH "inputs: {x: {type: f32, shape: [3, 0]}}\n",
      ":3: shape must be a list of at most 6 integers from 1 or any, not \"[3, 0]\"" },
    { GRAPH "inputs: {x: {type: f32, shape: [1, 1, 1, 1, 1, 1, 1]}}\n",
      ":3: shape must be a list of at most 6 integers from 1 or any, not \"[1, 1, 1, 1, 1, 1, 1]\"" },
    { GRAPH "inputs: {x: {type: f32, size: 3}}\n", ":3: x has no key \"size\"; it has type, shape" },
    { GRAPH "inputs: {x-y: {type: f32}}\n", ":3: an input or target cannot be called \"x-y\"" },
    { GRAPH "inputs:\n  x: {type: f32}\ntargets:\n  x: {type: i32}\n", ":6: another input or target is called \"x\"" },
    { GRAPH "input: {h: 28, w: 28, c: 1}\ninputs: {x: {type: f32}}\nlayers: []\n",
      ":3: the file has both input and inputs" },
    { GRAPH "inputs: {x: {type: f32, shape: [28, 28, 3]}}\nlayers:\n" END,
      ":3: x is 28x28x3, but the data has 28x28x1" },
    { GRAPH "inputs: {x: {type: f32, shape: [28, 28, 1]}, y: {type: f32, shape: [99999, 99999]}}\nlayers:\n" END,
      ":3: model \"m\": the type of \"y\" is not valid" },
    { GRAPH "layers:\n  - {op: flatten, in: y}\n" END,
      ":4: no layer, input or target before this layer is called \"y\"" },
    { GRAPH "layers:\n  - {op: flatten, in: b}\n  - {op: flatten, name: b}\n" END,
      ":4: \"b\" is made only in line 5: a layer takes what was made before it" },
    { GRAPH "layers:\n  - {op: flatten, name: a, in: a}\n" END,
      ":4: \"a\" is made only in line 4: a layer takes what was made before it" },
    { GRAPH "layers:\n  - {op: add, in: []}\n" END, ":4: in must be a name or a list of 1 to 16 names, not \"[]\"" },
    { GRAPH "layers:\n  - {op: add, in: [x, x, x]}\n" END, ":4: model \"m\", layer 1 (add): it needs 2 inputs, not 3" },
    { GRAPH "layers:\n  - {op: add}\n" END, ":4: model \"m\", layer 1 (add): it needs 2 inputs, not 1" },
    { GRAPH "layers:\n  - {op: flatten, name: a}\n  - {op: add, in: [a, x]}\n" END,
      ":5: model \"m\", layer 2 (add): all inputs must have one type, not 784 and 28x28x1" },
    { GRAPH "layers:\n  - {op: reshape, name: a, dims: [28, 28]}\n  - {op: lstm, hidden: 4, in: [a, a]}\n" END,
      ":5: model \"m\", layer 2 (lstm): behind x and lengths there are the initial states h and c or none, not 1 inputs" },
    { GRAPH "layers:\n  - {op: reshape, name: a, dims: [28, 28]}\n  - {op: rnn, hidden: 4, in: [a, a]}\n" END,
      ":5: model \"m\", layer 2 (rnn): an initial state must be 1x4, not 28x28" },
    { GRAPH "layers:\n  - {op: reshape, name: a, dims: [28, 28]}\n  - {op: last, in: [a, a]}\n" END,
      ":5: model \"m\", layer 2 (last): lengths must be one integer, not 28x28" },
    { GRAPH "layers:\n  - {op: flatten, in: \"x:1\"}\n" END,
      ":4: model \"m\": an operation has 0 outputs, and no output 1" },
    { GRAPH "layers:\n  - {op: split, name: s, parts: 1}\n  - {op: flatten, in: \"s:1\"}\n" END,
      ":5: model \"m\": an operation has 1 outputs, and no output 1" },
    { GRAPH "layers:\n  - {op: flatten, in: \"x:a\"}\n" END,
      ":4: no layer, input or target before this layer is called \"x:a\"" },
    { GRAPH "layers:\n  - {op: flatten}\n  - {op: dense, units: 10}\n  - {op: softmax_cross_entropy, weight: -1}\n",
      ":6: weight must be a number from 0, not \"-1\"" },
    { GRAPH "layers:\n  - {op: flatten}\n  - {op: dense, units: 10}\n  - {op: softmax_cross_entropy, weight: 0}\n",
      ":6: no layer is a loss, for example softmax_cross_entropy" },
    { GRAPH "targets: {a: {type: i32}, b: {type: i32}}\nlayers:\n  - {op: flatten}\n" END,
      ":7: model \"m\", layer 3 (softmax_cross_entropy): it needs 2 inputs, not 1" },
    { GRAPH "layers:\n  - {op: flatten}\n" END "results: {y: x, z: nothing}\n",
      ":7: no layer, input or target before this layer is called \"nothing\"" },
    { GRAPH "layers:\n  - {op: flatten}\n" END "results: {y: softmax_cross_entropy1}\n",
      ":7: model \"m\": a result is a loss" },
    { GRAPH "layers:\n  - {op: flatten}\n" END "results: {a-b: x}\n", ":7: a result cannot be called \"a-b\"" },
    { GRAPH "blocks: {b: []}\n", ":3: block \"b\" has no layers" },
    { GRAPH "blocks: {b: 3}\n", ":3: b must be a list, but is a value" },
    { GRAPH "blocks:\n  b: [{op: flatten}]\n  b: [{op: flatten}]\n", ":5: another block is called \"b\"" },
    { IN_BLOCK("  - {op: flatten}\n") END, ":4: block \"b\" is not used" },
    { IN_BLOCK("  - {op: flatten}\n") "  - {block: c, name: a}\n" END, ":8: there is no block \"c\"" },
    { IN_BLOCK("  - {op: flatten}\n") "  - {block: b}\n" END, ":8: the use of block \"b\" needs a name" },
    { IN_BLOCK("  - {op: flatten}\n") "  - {block: b, name: a, repeat: 0}\n" END,
      ":8: repeat must be an integer from 1 to 1000, not \"0\"" },
    { IN_BLOCK("  - {op: flatten}\n") "  - {block: b, name: a, from: -1}\n" END,
      ":8: from must be an integer from 0 to 1000, not \"-1\"" },
    { IN_BLOCK("  - {op: flatten}\n") "  - {block: b, name: a, recompute: 1}\n" END,
      ":8: recompute of a block must be true or false, not \"1\"" },
    { IN_BLOCK("  - {op: flatten, recompute: true}\n") "  - {block: b, name: a}\n" END,
      ":5: recompute must be the number of a block from 1 to 1000, not \"true\"" },
    { IN_BLOCK("  - {op: flatten}\n") "  - {block: b, name: a, in: [x, x]}\n" END,
      ":8: a block takes one input, not 2" },
    { IN_BLOCK("  - {op: flatten}\n") "  - {block: b, name: a, n: 3}\n" END, ":8: block \"b\" has no word \"$n\"" },
    { IN_BLOCK("  - {op: dense, units: $n}\n") "  - {block: b, name: a}\n" END,
      ":5: the use of block \"b\" in line 8 gives no \"n\"" },
    { IN_BLOCK("  - {op: dense, units: $n}\n") "  - {block: b, name: a, n: x}\n" END,
      ":5: units must be an integer, \"classes\" or \"outputs\", not \"x\"" },
    { GRAPH "layers:\n  - {op: dense, units: $n}\n" END,
      ":4: \"$n\" is not in a block: only blocks have words to put in" },
    { IN_BLOCK("  - {block: b, name: c}\n") "  - {block: b, name: a}\n" END, ":5: block \"b\" contains itself" },
    { IN_BLOCK("  - {block: c, name: c}\n  c:\n  - {block: b, name: b}\n") "  - {block: b, name: a}\n" END,
      ":7: block \"b\" contains itself" },
    { IN_BLOCK("  - {op: flatten}\n") "  - {block: b, name: a}\n  - {block: b, name: a}\n" END,
      ":9: another layer is called \"a\"" },
    { IN_BLOCK("  - {op: flatten}\n") "  - {block: b, name: a, repeat: 1000}\n" END,
      ":5: there are more than 1000 layers" },
    { IN_BLOCK(
          "  - {op: flatten, name: inner_layer_of_the_block}\n") "  - {block: b, name: a_name_that_is_long_too_}\n" END,
      ":5: the name \"a_name_that_is_long_too_.inner_layer_of_the_block\" is longer than 47 characters" },
    { GRAPH "layers:\n  - {op: relu, name: relu2}\n  - {op: relu}\n" END, ":5: another layer is called \"relu2\"" },
    { GRAPH "layers:\n  - {op: flatten}\n  - {op: relu, slope: 1}\n" END,
      ":5: relu has no key \"slope\"; it has op, name, in, recompute, weights, train" },
    { GRAPH "layers:\n  - {op: flatten}\n" END "  - {op: relu, in: softmax_cross_entropy1}\n",
      ":7: model \"m\" (relu): input 1 is a loss" },
    { GRAPH "layers:\n  - {op: flatten}\n  - {op: accuracy, name: a}\n  - {op: relu, in: a}\n" END,
      ":6: model \"m\" (relu): input 1 is a loss" },
    { GRAPH "layers:\n  - {op: flatten}\n" END "results: {y: x, y: x}\n", ":7: key \"y\" appears twice" },
    { GRAPH "layers:\n  - {op: flatten}\n" END "results: {y: \"flatten1:3\"}\n",
      ":7: model \"m\": an operation has 1 outputs, and no output 3" },
    { GRAPH "layers:\n  - {op: flatten}\n" END "results: [x]\n", ":7: results must be a mapping, but is a list" },
    { IN_BLOCK("  - {op: flatten}\n") "  - {block: b, name: a, repeat: 1000000000000}\n" END,
      ":8: repeat must be an integer from 1 to 1000, not \"1000000000000\"" },
    { IN_BLOCK(
          "  - {op: flatten}\n  c:\n  - {block: b, name: l, repeat: 500}\n  - {block: b, name: r, repeat: 500}\n") "  - {block: c, name: a, repeat: 900}\n" END,
      ":5: there are more than 1000 layers" },
    { IN_BLOCK("  - {op: flatten, name: $n}\n") "  - {block: b, name: a, n: a-b}\n" END, ":5: name \"a-b\"" BAD_NAME },
    { IN_BLOCK("  - {op: flatten, in: out}\n  - {op: relu, name: out}\n") "  - {block: b, name: a}\n" END,
      ":5: \"out\" is made only in line 6: a layer takes what was made before it" },
    { IN_BLOCK("  - {op: flatten}\n") "  - {block: b, name: a}\n  - {op: relu, in: a.flatten1}\n" END,
      ":9: no layer, input or target before this layer is called \"a.flatten1\"" },
    { "name: m\nlayers:\n  - {op: flatten, counted: false}\n" TAIL,
      ":3: the key \"counted\" needs \"hsgd: 2\" in the file" },
    { GRAPH "layers:\n  - {op: flatten, counted: 0}\n" END, ":4: counted must be true or false, not \"0\"" },
    { GRAPH "layers:\n  - {op: flatten}\n  - {op: relu, counted: false}\n" END,
      ":5: relu does work, so it must be counted" },
    { "name: m\ninput: {h: any, w: any, c: 1}\nlayers:\n  - {op: flatten}\n  - {op: dense, units: 3}\n" TAIL,
      ":5: model \"m\", layer 2 (dense): its weight depends on axis 1 of any, whose size must then be known" },
    { "name: m\nusual_input: {h: any, w: 3, c: 3}\nlayers:\n  - {op: flatten}\n" TAIL,
      ":2: usual_input: h must be an integer from 1, not \"any\"" },
    { "name: m\ninput: {h: any, w: 28, c: 3}\nlayers:\n  - {op: flatten}\n" TAIL,
      ":2: input is any x 28 x 3, but the data has 28x28x1" },
    { GRAPH "inputs: {x: {type: f32, shape: [any, all, 1]}}\nlayers:\n  - {op: flatten}\n" END,
      ":3: shape must be a list of at most 6 integers from 1 or any, not \"[any, all, 1]\"" },
    { GRAPH "inputs: {x: {type: f32, shape: [any, 28, 1]}}\nlayers:\n"
            "  - {op: conv2d, out_channels: 2, kernel: 5, padding: 2, padding_below: 32}\n  - {op: flatten}\n" END,
      ":5: padding_below needs an image whose height is known" },
    { IN_BLOCK("  - {op: flatten, in: flatten9}\n") "  - {block: b, name: a}\n" END,
      ":5: no layer, input or target before this layer is called \"flatten9\"" },
    { "name: m\nlayers:\n  - {op: flatten}\n  - {op: dense, units: 10, train: false}\n" TAIL,
      ":4: the key \"train\" needs \"hsgd: 2\" in the file" },
    { SHARED("op: dense, name: b, units: 784, weights: c"),
      ":6: no layer, input or target before this layer is called \"c\"" },
    { SHARED("op: dense, name: b, units: 784, weights: last"),
      ":6: \"last\" is made only in line 7: a layer takes what was made before it" },
    { SHARED("op: dense, name: b, units: 784, weights: b"),
      ":6: \"b\" is made only in line 6: a layer takes what was made before it" },
    { SHARED("op: dense, name: b, units: 784, weights: label"),
      ":6: weights must be the name of a layer, not of the input or target \"label\"" },
    { SHARED("op: dense, name: b, units: 784, weights: [a]"),
      ":6: no layer, input or target before this layer is called \"[a]\"" },
    { SHARED("op: dense, name: b, units: 20, weights: a"),
      ":6: model \"m\": \"b\" (dense) has a weight of 784 x 20, and cannot use that of \"a\" (dense), 784 x 784" },
    { SHARED("op: conv2d, name: b, in: x, out_channels: 4, kernel: 3, weights: a"),
      ":6: model \"m\": \"b\" (conv2d) has a weight of 4 x 3 x 3 x 1, and cannot use that of \"a\" (dense), 784 x 784" },
    { GRAPH "inputs: {x: {type: f32, shape: [28, 28, 1]}, t: {type: i32}}\nlayers:\n"
            "  - {op: embedding, name: e, in: t, entries: 6, channels: 6}\n"
            "  - {op: dense, name: d, units: 6, weights: e}\n" END,
      ":6: model \"m\": \"d\" (dense) has a weight of 6 x 6 in another order, and cannot use that of \"e\" (embedding), "
      "6 x 6" },
    { SHARED("op: relu, name: b, weights: a"),
      ":6: model \"m\": \"b\" (relu) and \"a\" (dense) have no weight of the same name" },
    { SHARED("op: batch_norm, name: b, weights: a"),
      ":6: model \"m\": \"b\" (batch_norm) has states, which cannot be shared" },
    { SHARED("op: dense, name: b, units: 20, train: 1"),
      ":6: train must be true, false or a list of names of weights, not \"1\"" },
    { SHARED("op: dense, name: b, units: 20, train: []"),
      ":6: train must be true, false or a list of names of weights, not \"[]\"" },
    { SHARED("op: dense, name: b, units: 20, train: [bias, bias]"),
      ":6: \"b\" has no weight \"bias\" that could train, or has it twice" },
    { SHARED("op: dense, name: b, units: 20, train: [scale]"),
      ":6: \"b\" has no weight \"scale\" that could train, or has it twice" },
    { SHARED("op: relu, name: b, train: false"), ":6: \"b\" has no weights of its own that could train" },
    { SHARED("op: dense, name: b, units: 784, weights: a, train: false"),
      ":6: \"b\" has no weights of its own that could train" },
    { IN_BLOCK("  - {op: relu}\n") "  - {block: b, name: a}\n"
                                   "  - {block: b, name: d, weights: a, train: false}\n" END,
      ":9: train belongs to \"a\", whose weights these are" },
    { IN_BLOCK("  - {op: relu}\n") "  - {block: b, name: a, weights: x}\n" END,
      ":8: \"x\" is no use of block \"b\" before this one" },
    { IN_BLOCK("  - {op: relu}\n") "  - {block: b, name: a, weights: a}\n" END,
      ":8: \"a\" is no use of block \"b\" before this one" },
    { IN_BLOCK("  - {op: relu}\n  c:\n  - {op: tanh}\n") "  - {block: b, name: a}\n"
                                                         "  - {block: c, name: d, weights: a}\n" END,
      ":11: \"a\" is no use of block \"c\" before this one" },
    { IN_BLOCK("  - {op: $o}\n") "  - {block: b, name: a, o: relu}\n  - {block: b, name: d, o: tanh, weights: a}\n" END,
      ":5: the use whose weights block \"b\" takes has no such layer here" },
    { IN_BLOCK("  - {op: dense, units: $n}\n") "  - {block: b, name: a, n: 7}\n"
                                               "  - {block: b, name: d, n: 8, weights: a}\n" END,
      ":5: model \"m\": \"d.dense2\" (dense) has a weight of 7 x 8, and cannot use that of \"a.dense1\" (dense), 784 x 7" },
    { IN_BLOCK("  - {op: relu}\n") "  - {block: b, name: a, train: [bias]}\n" END,
      ":8: train of a block must be true or false, not \"[bias]\"" },
};

static void bad_texts(void)
{
    char want[600];
    ctx = core_context("cpu", 1, false);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct hsgd_model *m = hsgd_model_from_text(ctx, bad[i].text, image, 10);
        CHECK_MSG(m == NULL, "taken: %s", bad[i].text);
        snprintf(want, sizeof want, "model file%s", bad[i].sentence);
        CHECK_STR(hsgd_error(ctx), want);
        hsgd_model_destroy(&m);
    }
    hsgd_destroy(&ctx);
}

/* -------------------------------------------------------------- what they give */

static void same(struct hsgd_model *a, struct hsgd_model *b)
{
    char da[65], db[65];
    if (!CHECK_MSG(a && b, "%s", hsgd_error(ctx))) core_end();
    CHECK(!hsgd_model_initialise(a, 7) && !hsgd_model_initialise(b, 7));
    CHECK(!hsgd_model_digest(a, da) && !hsgd_model_digest(b, db) && hsgd_model_layers(a) == hsgd_model_layers(b));
    CHECK_STR(da, db);
    char *text_a = hsgd_model_text(a), *text_b = hsgd_model_text(b);
    CHECK_STR(text_a, text_b);
    free(text_a);
    free(text_b);
    hsgd_model_destroy(&a);
    hsgd_model_destroy(&b);
}

/* Two inputs, blocks in blocks, an output of several, a result. */
static const char residual[] =
    "hsgd: 2\n"
    "name: residual\n"
    "results: {hidden: stage.1, part: \"split1:1\"}\n"
    "targets: {label: {type: i32}}\n"
    "inputs:\n"
    "  x: {type: f32, shape: [6, 6, 2]}\n"
    "  more: {type: f32, shape: [4]}\n"
    "blocks:\n"
    "  unit:\n"
    "    - {op: conv2d, name: conv, out_channels: $channels, kernel: 3, padding: 1, activation: tanh}\n"
    "    - {op: conv2d, out_channels: $channels, kernel: 1, name: project}\n"
    "  pair:\n"
    "    - {block: unit, name: left, channels: $n}\n"
    "    - {block: unit, name: right, channels: $n, in: in}\n"
    "    - {op: add, in: [left, right.project]}\n"
    "layers:\n"
    "  - {op: conv2d, name: first, out_channels: 4, kernel: 3, padding: 1}\n"
    "  - {block: pair, name: stage, from: 1, repeat: 2, n: 4}\n"
    "  - {op: add, name: sum, in: [first, stage.2]}\n"
    "  - {op: split, parts: 2}\n"
    "  - {op: flatten, in: \"split1:1\"}\n"
    "  - {op: concat, name: all, in: [flatten1, more]}\n"
    "  - {op: dense, name: fc, units: classes}\n"
    "  - {op: softmax_cross_entropy, in: [fc, label]}\n";

static struct hsgd_value *unit(struct hsgd_value *x, struct hsgd_model *m, const char *name)
{
    hsgd_enter(m, "%s", name);
    x = HSGD_OP(x, conv2d, "conv", .out_channels = 4, .kernel = 3, .padding = 1, .activation = HSGD_TANH);
    x = HSGD_OP(x, conv2d, "project", .out_channels = 4, .kernel = 1);
    hsgd_leave(m);
    return x;
}

static struct hsgd_model *residual_by_hand(void)
{
    struct hsgd_model *m = hsgd_model_create(ctx, "residual");
    struct hsgd_value *x = hsgd_input(m, "x", hsgd_image(6, 6, 2)), *more = hsgd_input(m, "more", hsgd_vector(4));
    struct hsgd_value *label = hsgd_target(m, "label", hsgd_number(HSGD_I32)), *hidden = NULL;
    struct hsgd_value *first = x = HSGD_OP(x, conv2d, "first", .out_channels = 4, .kernel = 3, .padding = 1);
    for (int i = 1; i <= 2; i++) {
        hsgd_enter(m, "stage.%d", i);
        struct hsgd_value *left = unit(x, m, "left"), *right = unit(x, m, "right");
        x = HSGD_JOIN(HSGD_OF(left, right), add, NULL);
        hsgd_leave(m);
        if (i == 1) hidden = x;
    }
    x = HSGD_JOIN(HSGD_OF(first, x), add, "sum");
    struct hsgd_value *part = hsgd_output(HSGD_OP(x, split, NULL, .parts = 2), 1);
    x = HSGD_JOIN(HSGD_OF(HSGD_OP(part, flatten, NULL), more), concat, "all");
    x = HSGD_OP(x, dense, "fc", .units = 3);
    hsgd_loss(HSGD_JOIN(HSGD_OF(x, label), softmax_cross_entropy, NULL));
    hsgd_result(hidden, "hidden");
    hsgd_result(part, "part");
    REQUIRE(!hsgd_model_finish(m));
    return m;
}

static void blocks(void)
{
    static const struct hsgd_shape shape = { 6, 6, 2 };
    ctx = core_context("cpu", 1, false);
    struct hsgd_model *m = hsgd_model_from_text(ctx, residual, none, 3);
    if (!CHECK_MSG(m != NULL, "%s", hsgd_error(ctx))) core_end();
    CHECK(hsgd_model_weight_size(m, "stage.2.right.project.bias") == 4);
    char *text = hsgd_model_text(m);
    REQUIRE(text);
    same(m, residual_by_hand());
    same(hsgd_model_from_text(ctx, text, shape, 3), hsgd_model_from_text(ctx, residual, shape, 3));
    free(text);
    hsgd_destroy(&ctx);
}

/* What a library of the first form wrote flattens where dense layers did. */
static void first_form(void)
{
    static const char written[] = "name: m\ninput: {h: 4, w: 4, c: 2}\nlayers:\n"
                                  "  - {op: conv2d, name: flatten1, out_channels: 3, kernel: 3}\n"
                                  "  - {op: dense, name: dense1, units: 5, activation: relu}\n"
                                  "  - {op: softmax_cross_entropy, name: softmax_cross_entropy1}\n";
    static const char meant[] = "hsgd: 2\nname: m\ninput: {h: 4, w: 4, c: 2}\nlayers:\n"
                                "  - {op: conv2d, name: flatten1, out_channels: 3, kernel: 3}\n"
                                "  - {op: flatten, name: flatten2, counted: false}\n"
                                "  - {op: dense, name: dense1, units: 5, activation: relu}\n"
                                "  - {op: softmax_cross_entropy, name: softmax_cross_entropy1}\n";
    ctx = core_context("cpu", 1, false);
    same(hsgd_model_from_text(ctx, written, none, 0), hsgd_model_from_text(ctx, meant, none, 0));
    hsgd_destroy(&ctx);
}

static const struct core_case cases[] = { { "bad_texts", bad_texts },
                                          { "blocks", blocks },
                                          { "first_form", first_form } };
CORE_MAIN(cases)
