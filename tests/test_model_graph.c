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

/* A layer on inputs of these types, which do not fit. */
static const struct {
    const char *a, *b, *layer, *sentence;
} unfit[] = {
    { "i32, shape: [4]", "f32", "op: dense, units: 3, in: a", "dense): input 1 must be of floats, not 4 i32" },
    { "u8, shape: [4, 4, 3]", "f32", "op: conv2d, out_channels: 3, kernel: 1, in: a",
      "conv2d): input 1 must be of floats, not 4x4x3 u8" },
    { "f32, shape: [4, 3]", "f32", "op: conv2d, out_channels: 3, kernel: 1, in: a",
      "conv2d): the input must be an image (height, width, channels), not of rank 2" },
    { "u8, shape: [4, 4, 3]", "f32", "op: max_pool, kernel: 2, in: a",
      "max_pool): input 1 must be of floats, not 4x4x3 u8" },
    { "i32, shape: [4, 4, 3]", "f32", "op: avg_pool, kernel: 2, in: a",
      "avg_pool): input 1 must be of floats, not 4x4x3 i32" },
    { "i32, shape: [4]", "f32", "op: dropout, p: 0.5, in: a", "dropout): input 1 must be of floats, not 4 i32" },
    { "i32, shape: [4]", "f32", "op: relu, in: a", "relu): input 1 must be of floats, not 4 i32" },
    { "f32, shape: [4]", "f32", "op: embedding, entries: 3, channels: 2, in: a",
      "embedding): the input must be integers of rank 0 to 5, not 4" },
    { "f32, shape: [4]", "f32", "op: parameter, dims: [3, 0], in: a",
      "parameter): dims must be at most 6 sizes from 1, which are not too large together" },
    { "f32, shape: [4, 3]", "f32, shape: [3, 4]", "op: add, in: [a, b]",
      "add): all inputs must have one type, not 4x3 and 3x4" },
    { "f32, shape: [4]", "i32, shape: [4]", "op: mul, in: [a, b]", "mul): input 2 must be of floats, not 4 i32" },
    { "f32, shape: [4, 3]", "f32, shape: [5, 3]", "op: concat, in: [a, b]",
      "concat): the inputs must differ in their last dimension only, unlike 4x3 and 5x3" },
    { "f32, shape: [4]", "f32", "op: split, parts: 3, in: a",
      "split): 4 channels cannot be divided into 3 equal parts" },
    { "f32, shape: [4, 3]", "f32, shape: [4, 3]", "op: concat, axis: 3, in: [a, b]",
      "concat): axis must be in 1..2 or -2..-1, as 4x3 has, not 3" },
    { "f32, shape: [4, 3]", "f32, shape: [4, 2]", "op: concat, axis: 1, in: [a, b]",
      "concat): the inputs must differ in axis 1 only, unlike 4x3 and 4x2" },
    { "f32, shape: [4, 3]", "i32, shape: [4, 3]", "op: concat, in: [a, b]",
      "concat): the inputs must differ in their last dimension only, unlike 4x3 and 4x3 i32" },
    { "f32, shape: [4, 3]", "f32", "op: split, parts: 2, axis: -3, in: a",
      "split): axis must be in 1..2 or -2..-1, as 4x3 has, not -3" },
    { "f32, shape: [4, 3]", "f32", "op: slice, starts: [1, 1, 1], ends: [2, 2, 2], in: a",
      "slice): starts, ends, axes and steps must be as many numbers, at most one for each axis of 4x3" },
    { "f32, shape: [4, 3]", "f32", "op: slice, starts: [1], ends: [2], axes: [3], in: a",
      "slice): axes must be different ones in 1..2 or -2..-1, and steps must not be 0" },
    { "f32, shape: [4, 3]", "f32", "op: slice, starts: [2], ends: [-3], axes: [-1], in: a",
      "slice): nothing of axis 2 of 4x3 is from 2 on and before -3" },
    { "u8, shape: [4, 3]", "f32", "op: slice, starts: [2], ends: [3], in: a",
      "slice): input 1 must be of floats or 32-bit integers, not 4x3 u8" },
    { "f32, shape: [4, 3]", "f32", "op: transpose, permutation: [1, 1], in: a",
      "transpose): permutation must have each axis of 4x3 once, from 1 on" },
    { "f32, shape: [4, 3]", "f32", "op: broadcast, dims: [2, 4, 4], in: a",
      "broadcast): 4x3 does not become those dims: the last axes must be equal or of size 1, and at most 6" },
    { "f32, shape: [4, 3]", "f32, shape: [5, 3]", "op: broadcast, in: [a, b]",
      "broadcast): 4x3 does not become 5x3: the last axes must be equal or of size 1, and at most 6" },
    { "f32, shape: [4, 3]", "f32", "op: broadcast, in: a", "broadcast): either dims or a second input must be given" },
    { "f32, shape: [4, 3]", "f32", "op: broadcast, dims: [99999999, 4, 3], in: a",
      "broadcast): an output of 99999999x4x3 is too large" },
    { "f32, shape: [4, 3]", "f32", "op: tile, repeats: [2, 0], in: a",
      "tile): repeats must be positive integers, at most one for each axis of 4x3" },
    { "f32, shape: [4, 3]", "f32", "op: upsample, scales: [1, 2, 3], in: a",
      "upsample): scales must be positive integers, at most one for each axis of 4x3" },
    { "f32, shape: [4, 3]", "f32", "op: gather, indices: [0, 4], axis: 1, in: a",
      "gather): index 4 is not in -4..3, as axis 1 of 4x3 has" },
    { "f32, shape: [4, 3]", "f32", "op: gather, indices: [0], axis: 3, in: a",
      "gather): axis must be in 1..2 or -2..-1, as 4x3 has, not 3" },
    { "f32, shape: [4, 3]", "f32", "op: gather, indices: [], axis: 1, in: a",
      "gather): indices must be 1 to 64 numbers, not 0" },
    { "f32, shape: [4, 3]", "f32", "op: pad, before: [1, 1, 1], in: a",
      "pad): before, after and axes must be as many numbers, at most one for each axis of 4x3" },
    { "f32, shape: [4, 3]", "f32", "op: pad, before: [4], mode: reflect, in: a",
      "pad): a border of 4 and 0 does not fit axis 1 of 4x3, which is reflected" },
    { "i32, shape: [4, 3]", "f32", "op: pad, before: [1], value: 0.5, in: a",
      "pad): value must be an integer, as the input has, not 0.5" },
    { "f32, shape: [4]", "f32", "op: global_avg_pool, in: a",
      "global_avg_pool): the input must have positions and channels, as an image" },
    { "f32", "f32", "op: batch_norm, in: a", "batch_norm): the input must have channels" },
    { "f32", "f32", "op: layer_norm, in: a", "layer_norm): the input must have channels" },
    { "f32", "f32", "op: rms_norm, in: a", "rms_norm): the input must have channels" },
    { "f32", "f32", "op: group_norm, num_groups: 1, in: a", "group_norm): the input must have channels" },
    { "f32, shape: [4, 6]", "f32", "op: group_norm, num_groups: 4, in: a",
      "group_norm): num_groups must be a divisor of 6, the number of channels, not 4" },
    { "f32, shape: [4, any]", "f32", "op: group_norm, num_groups: 4, in: a",
      "group_norm): the number of channels, the last axis, must be known" },
    { "i32, shape: [4, 6]", "f32", "op: instance_norm, in: a", "instance_norm): the input must be of 32-bit floats" },
    { "f32, shape: [4]", "f32", "op: instance_norm, in: a",
      "instance_norm): the input must have positions and channels, as an image" },
    { "f32, shape: [4]", "f32", "op: positions, length: 9, in: a",
      "positions): the input must be of floats with positions and channels, not 4" },
    { "f32, shape: [4, 6]", "f32", "op: positions, length: 3, in: a",
      "positions): 4 positions are more than length, 3" },
    { "f32, shape: [4, 6]", "f32", "op: positions, length: 0, in: a",
      "positions): a table of 0 positions of 4x6 is not possible" },
    { "f32, shape: [4, any]", "f32", "op: attention, heads: 2, in: a",
      "attention): input 1 must be of floats with positions and a known number of channels, not 4 x any" },
    { "f32, shape: [4, 6]", "f32, shape: [1]", "op: attention, heads: 2, in: [a, b]",
      "attention): lengths must be one integer, not 1" },
    { "f32, shape: [4, 7]", "f32", "op: attention, heads: 2, in: a",
      "attention): 7 channels cannot be divided into 2 heads of queries, and those of keys and values" },
    { "f32, shape: [4, 6]", "f32, shape: [3, 4]", "op: attention, heads: 2, in: [a, b, b]",
      "attention): keys and values must have 6 channels, and one length, not 3x4 and 3x4" },
    { "f32, shape: [4, 6]", "f32, shape: [3, 6]", "op: attention, heads: 3, rotary: halves, in: [a, b, b]",
      "attention): rotary needs queries and keys of the same length" },
    { "f32, shape: [4, 9]", "f32", "op: attention, heads: 1, rotary: pairs, in: a",
      "attention): rotary needs an even number of channels of a head, at most 256, not 3" },
    { "f32, shape: [4, 6]", "f32", "op: attention, heads: 0, in: a",
      "attention): heads must be from 1 to 65536, not 0" },
    { "f32, shape: [4, 9]", "f32", "op: attention, heads: 3, kv_heads: 2, in: a",
      "attention): kv_heads must be a divisor of the 3 heads, not 2" },
    { "f32, shape: [4, 6]", "f32", "op: attention, heads: 1, scale: -1, in: a",
      "attention): scale must be a number from 0, not -1" },
    { "f32, shape: [4, 6]", "f32", "op: attention, heads: 1, context: 8, in: a",
      "attention): context needs causal attention without lengths" },
    { "f32, shape: [4, 6]", "f32", "op: attention, heads: 1, causal: true, context: 3, in: a",
      "attention): 4 positions are more than the context of 3" },
    { "f32, shape: [4]", "f32, shape: [4]", "op: softmax_cross_entropy, in: [a, b]", "softmax_cross_entropy): " },
    { "f32, shape: [4]", "f32, shape: [3]", "op: mse, in: [a, b]", "mse): " },
    { "f32, shape: [4]", "i32", "op: softmax_cross_entropy, class_weights: [1, 2], in: [a, b]",
      "softmax_cross_entropy): class_weights must be 4 numbers from 0, not all 0, at most 128 of them" },
    { "f32, shape: [4]", "i32", "op: softmax_cross_entropy, class_weights: [1, 2, -1, 0.5], in: [a, b]",
      "softmax_cross_entropy): class_weights must be 4 numbers from 0" },
    { "f32, shape: [4]", "f32, shape: [4]", "op: huber, delta: -1, in: [a, b]",
      "huber): delta must be positive, not -1" },
    { "f32, shape: [4]", "f32, shape: [4]", "op: smooth_l1, beta: -2, in: [a, b]",
      "smooth_l1): beta must be positive, not -2" },
    { "f32, shape: [4]", "f32, shape: [4]", "op: huber, per_positive: true, in: [a, b]",
      "huber): with per_positive or per_length there are three inputs, else two, not 2" },
    { "f32, shape: [4, 2]", "f32, shape: [4, 2]", "op: huber, per_positive: true, in: [a, b, b]",
      "huber): the third input must be one class per position of 4x2, not 4x2" },
    { "f32, shape: [4, 2]", "i32, shape: [4]", "op: huber, per_length: true, in: [a, a, b]",
      "huber): the third input must be one integer, the length of 4x2, not 4 i32" },
    { "f32, shape: [4, 2]", "i32, shape: [4]", "op: focal, gamma: -1, in: [a, b]",
      "focal): alpha must be at most 1, and gamma in (0, 100], not 0.25 and -1" },
    { "f32, shape: [4]", "f32, shape: [3]", "op: kl_divergence, in: [a, b]", "kl_divergence): " },
    { "f32, shape: [4]", "i32, shape: [3]", "op: ctc, in: [a, b]",
      "ctc): the input must be steps of C >= 2 scores, not 4" },
    { "f32, shape: [4, 2]", "i32", "op: ctc, in: [a, b]",
      "ctc): the target must be a sequence of classes, not one number" },
    { "f32, shape: [4, 2]", "i32, shape: [3]", "op: ctc, blank: 2, in: [a, b]",
      "ctc): blank must be one of the classes of 4x2, not 2" },
    { "f32, shape: [4, 2]", "i32, shape: [3]", "op: ctc, in: [a, b, b]",
      "ctc): after the target there must be two integers, the numbers of steps and of labels, or nothing" },
    { "f32, shape: [4, 3]", "i32, shape: [4]", "op: f1, average: binary, in: [a, b]",
      "f1): average: binary needs one class or two, not 3" },
    { "f32, shape: [4, 3]", "i32, shape: [4]", "op: auc, in: [a, b]",
      "auc): the input must be scores of two classes, not 4x3" },
    { "f32, shape: [4]", "f32, shape: [4]", "op: auc, low: 2, high: 1, in: [a, b]",
      "auc): low must be less than high, not 2 and 1" },
    { "f32, shape: [4]", "i32", "op: mae, in: [a, b]", "mae): " },
    { "f32, shape: [4]", "i32, shape: [4]", "op: accuracy, in: [a, b]", "accuracy): " },
    { "f32, shape: [4, any]", "f32", "op: dense, units: 3, in: a",
      "dense): its weight depends on axis 2 of 4 x any, whose size must then be known" },
    { "f32, shape: [4, 4, any]", "f32", "op: conv2d, out_channels: 3, kernel: 1, in: a",
      "conv2d): its weight depends on axis 3 of 4 x 4 x any, whose size must then be known" },
    { "f32, shape: [any, any]", "f32", "op: batch_norm, in: a",
      "batch_norm): its weight depends on axis 2 of any x any, whose size must then be known" },
    { "f32, shape: [any]", "f32", "op: layer_norm, in: a", "layer_norm): its weight depends on axis 1 of any, " },
    { "f32, shape: [4, any]", "f32", "op: split, parts: 2, in: a",
      "split): the channels, the last axis of 4 x any, must be known" },
    { "f32, shape: [any, 4]", "f32", "op: reshape, dims: [2, 8], in: a",
      "reshape): dims must be at most 6 positive integers and one -1 for what is left of any x 4, which is open" },
    { "f32, shape: [any, 4]", "f32, shape: [any, 5]", "op: add, in: [a, b]",
      "add): all inputs must have one type, not any x 4 and any x 5" },
    { "f32, shape: [any, 4]", "f32, shape: [any, 4, 1]", "op: concat, in: [a, b]",
      "concat): the inputs must differ in their last dimension only, unlike any x 4 and any x 4 x 1" },
    { "f32, shape: [4, any]", "i32, shape: [4]", "op: softmax_cross_entropy, in: [a, b]",
      "softmax_cross_entropy): the input must be C >= 2 scores per sample, not 4 x any" },
    { "f32, shape: [any, 4]", "i32, shape: [any, 4]", "op: softmax_cross_entropy, in: [a, b]",
      "softmax_cross_entropy): the target must be one class per position of any x 4, not any x 4 i32" },
};

static void types_that_do_not_fit(void)
{
    char text[600], want[300];
    ctx = core_context("cpu", 1, false);
    for (size_t i = 0; i < sizeof unfit / sizeof *unfit; i++) {
        snprintf(text, sizeof text,
                 GRAPH "inputs: {x: {type: f32, shape: [28, 28, 1]}, a: {type: %s}, b: {type: %s}}\n"
                       "layers:\n  - {%s}\n  - {op: flatten, in: x}\n" END,
                 unfit[i].a, unfit[i].b, unfit[i].layer);
        struct hsgd_model *m = hsgd_model_from_text(ctx, text, image, 10);
        CHECK_MSG(m == NULL, "taken: %s", text);
        snprintf(want, sizeof want, "model file:5: model \"m\", layer 1 (%s", unfit[i].sentence);
        CHECK_MSG(!strncmp(hsgd_error(ctx), want, strlen(want)), "%s\nis not %s", hsgd_error(ctx), want);
        hsgd_model_destroy(&m);
    }
    hsgd_destroy(&ctx);
}

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
                                          { "types_that_do_not_fit", types_that_do_not_fit },
                                          { "blocks", blocks },
                                          { "first_form", first_form } };
CORE_MAIN(cases)
