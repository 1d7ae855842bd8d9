/* SPDX-License-Identifier: BSD-3-Clause */
/* Bad model files, each with its sentence. */
#include "core.h"

static struct hsgd_context *ctx;
static const struct hsgd_shape image = { 28, 28, 1 }, none = { 0 };

#define TAIL "  - {op: softmax_cross_entropy}\n"
#define MODEL(layers) "name: m\nlayers:\n" layers TAIL
#define TOP_KEYS "hsgd, name, input, usual_input, inputs, targets, blocks, layers, results"
#define BAD_NAME " must be of letters, digits and \"_\", in parts joined by dots, at most 47 characters"
#define SIXTEEN "1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, "
#define NOT_OP " is not one of accuracy, ..." /* all others follow */
#define KEYS \
    "conv2d has no key \"x\"; it has op, name, in, recompute, weights, train, out_channels, kernel, stride, padding, activation, no_bias, init, " \
    "groups, dilation, kernel_w, stride_w, dilation_w, pads"

static const struct {
    const char *text, *sentence;
} bad[] = {
    { "", ": the file has no content" },
    { "# nothing\n", ": the file has no content" },
    { "m", ":1: a model file must be a mapping, but is a value" },
    { "- m", ":1: a model file must be a mapping, but is a list" },
    { "name: m\n  layers: []", ":2: not valid YAML: mapping values are not allowed in this context" },
    { "name: \"m", ":1: not valid YAML: found unexpected end of stream" },
    { "name: m\n\tlayers:", ":2: not valid YAML: found a tab character that violates indentation" },
    { "name: \xff", ": byte 6: invalid leading UTF-8 octet" },
    { "name: m\n", ": the key \"layers\" is missing" },
    { "layers: []\n", ": the key \"name\" is missing" },
    { "name: m\nlayers: []\n", ":1: no layer is a loss, for example softmax_cross_entropy" },
    { "name: m\nlayers:\n", ":2: layers must be a list, but is a value" },
    { "name: m\nlayers: {}\n", ":2: layers must be a list, but is a mapping" },
    { "name: m\nlayers: [relu]\n", ":2: a layer must be a mapping, but is a value" },
    { "name: m\ncolour: red\n", ":2: key \"colour\" is not one of " TOP_KEYS },
    { "name: m\nname: m\n", ":2: key \"name\" appears twice" },
    { "[name]: m\n", ":1: a key must be a value, but is a list" },
    { "name: [m]\n", ":1: name must be a value, but is a list" },
    { "name: \"\"\n", ":1: name \"\" must be of letters, digits, and inside \" _.-\"" },
    { "name: ../m\n", ":1: name \"../m\" must be of letters, digits, and inside \" _.-\"" },
    { "name: \"a\\0b\"\n", ":1: name \"a\" is longer than 47 characters, or contains a zero byte" },
    { "name: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
      ":1: name \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\" is longer than 47 characters, "
      "or contains a zero byte" },
    { "name: &a m\n", ":1: anchors, aliases and tags are not supported" },
    { "name: m\nlayers: &a [*a]\n", ":2: anchors, aliases and tags are not supported" },
    { "name: !!str m\n", ":1: anchors, aliases and tags are not supported" },
    { MODEL("") "---\nname: n\n", ":4: a second document begins" },
    { "name: m\ninput: 28x28\n", ":2: input must be a mapping, but is a value" },
    { "name: m\ninput: {h: 28, w: 28}\n", ":2: input needs h, w and c" },
    { "name: m\ninput: {h: 28, h: 28, c: 1}\n", ":2: key \"h\" appears twice" },
    { "name: m\ninput: {h: 28, w: 28, d: 1}\n", ":2: input has no key \"d\"; it has h, w, c" },
    { "name: m\nusual_input: {h: 28, w: 0, c: 1}\n", ":2: usual_input: w must be an integer from 1, not \"0\"" },
    { "name: m\ninput: {h: 28, w: 2.5, c: 1}\n", ":2: input: w must be an integer from 1 or any, not \"2.5\"" },
    { "name: m\ninput: {h: 32,\n  w: 28, c: 1}\nlayers:\n  - {op: flatten}\n" TAIL,
      ":2: input is 32x28x1, but the data has 28x28x1" },
    { MODEL("  - {name: a}\n"), ":3: the layer has no \"op\"" },
    { MODEL("  - {op: swish}\n"), ":3: op \"swish\"" NOT_OP },
    { MODEL("  - {op: to_lanes}\n"), ":3: op \"to_lanes\"" NOT_OP },
    { MODEL("  - {op: \"a\\nb\"}\n"), ":3: op \"a?b\"" NOT_OP },
    { MODEL("  - {op: dense}\n"), ":3: dense needs the key \"units\", an integer, \"classes\" or \"outputs\"" },
    { MODEL("  - op: dense\n    units: ten\n"),
      ":4: units must be an integer, \"classes\" or \"outputs\", not \"ten\"" },
    { MODEL("  - {op: dense, units: 1e3}\n"), ":3: units must be an integer, \"classes\" or \"outputs\", not \"1e3\"" },
    { MODEL("  - {op: dense, units: 4294967306}\n"),
      ":3: units must be an integer, \"classes\" or \"outputs\", not \"4294967306\"" },
    { MODEL("  - {op: flatten}\n  - {op: dense, units: -5}\n"),
      ":4: model \"m\", layer 2 (dense): units must be in 1..1048576, not -5" },
    { MODEL("  - {op: dense, units: [5]}\n"), ":3: units must be an integer, \"classes\" or \"outputs\", not \"[5]\"" },
    { MODEL("  - {op: dense, units: {a: 5}}\n"), ":3: units must be a value, but is a mapping" },
    { MODEL("  - {op: dense, units: [[5]]}\n"), ":3: units must be a value, but is a list" },
    { MODEL("  - {op: reshape}\n"), ":3: reshape needs the key \"dims\", a list of integers" },
    { MODEL("  - {op: reshape, dims: 5}\n"), ":3: dims must be a list of integers, not \"5\"" },
    { MODEL("  - {op: reshape, dims: [7, x]}\n"), ":3: dims must be a list of integers, not \"[7, x]\"" },
    { MODEL("  - {op: reshape, dims: [" SIXTEEN SIXTEEN SIXTEEN SIXTEEN "1]}\n"),
      ":3: dims must be a list of integers, not \"[" SIXTEEN "..." },
    { MODEL("  - {op: reshape, dims: [5, -1]}\n"),
      ":3: model \"m\", layer 1 (reshape): dims must be at most 6 positive integers, one of them -1 for what is left, "
      "that fit 28x28x1" },
    { MODEL("  - {op: dense, units: 5, activation: gelu}\n"),
      ":3: activation must be one of none, relu, tanh, sigmoid, not \"gelu\"" },
    { "name: m\nlayers:\n  - {op: flatten}\n  - {op: softmax_cross_entropy, class_weights: 2}\n",
      ":4: class_weights must be a list of numbers, not \"2\"" },
    { "name: m\nlayers:\n  - {op: flatten}\n  - {op: softmax_cross_entropy, class_weights: [1, x]}\n",
      ":4: class_weights must be a list of numbers, not \"[1, x]\"" },
    { MODEL("  - {op: dense, units: 5, no_bias: 1}\n"), ":3: no_bias must be true or false, not \"1\"" },
    { MODEL("  - {op: dense, units: 5, init: ones}\n"), ":3: init must be one of glorot, he, zero, one, not \"ones\"" },
    { MODEL("  - {op: dense, units: 5, units: 6}\n"), ":3: key \"units\" appears twice" },
    { MODEL("  - op: conv2d\n    kernel: 3\n    x: 3\n"), ":5: " KEYS },
    { MODEL("  - {op: flatten, kernel: 3}\n"),
      ":3: flatten has no key \"kernel\"; it has op, name, in, recompute, weights, train" },
    { MODEL("  - {op: conv2d, out_channels: 4, kernel: classes}\n"), ":3: kernel must be an integer, not \"classes\"" },
    { MODEL("  - {op: conv2d, out_channels: 4, kernel: 31}\n"),
      ":3: model \"m\", layer 1 (conv2d): a 31x31 kernel does not fit into 28x28 with padding 0" },
    { MODEL("  - {op: conv2d, out_channels: 4, kernel: 999999999, padding: 999999998}\n"),
      ":3: model \"m\", layer 1 (conv2d): kernel 999999999, stride 1: the maximum is 32768" },
    { MODEL("  - {op: conv2d, out_channels: 65536, kernel: 3000, padding: 2999}\n"),
      ":3: model \"m\", layer 1 (conv2d): an output of 3027x3027x65536 is too large" },
    { MODEL("  - {op: conv2d, out_channels: 65536, kernel: 28}\n  - {op: conv2d, out_channels: 65536, kernel: 1}\n"),
      ":4: model \"m\", layer 2 (conv2d): a weight of 65536x1x1x65536 is too large" },
    { MODEL("  - {op: conv2d, out_channels: 4, kernel: 3, padding_below: 0}\n"),
      ":3: padding_below must be an integer from 1, not \"0\"" },
    { MODEL("  - {op: conv2d, out_channels: 4, kernel: 3, groups: 2}\n"),
      ":3: model \"m\", layer 1 (conv2d): groups must divide the channels of the input: 2 and 1" },
    { MODEL("  - {op: conv2d, out_channels: 4, kernel: 3, groups: -1}\n"),
      ":3: model \"m\", layer 1 (conv2d): groups must be 1 or more, not -1" },
    { MODEL("  - {op: conv2d, out_channels: 4, kernel: 1}\n  - {op: conv2d, out_channels: 6, kernel: 1, groups: 4}\n"),
      ":4: model \"m\", layer 2 (conv2d): groups must divide out_channels: 4 and 6" },
    { MODEL("  - {op: conv2d, out_channels: 4, kernel: 3, pads: [1, 1]}\n"),
      ":3: model \"m\", layer 1 (conv2d): pads must be 4 integers: top, left, bottom, right; not 2" },
    { MODEL("  - {op: conv2d, out_channels: 4, kernel: 3, padding: 1, pads: [1, 1, 1, 1]}\n"),
      ":3: model \"m\", layer 1 (conv2d): padding 1 and pads exclude each other" },
    { MODEL("  - {op: conv2d, out_channels: 4, kernel: 3, kernel_w: 2, pads: [0, 2, 0, 0]}\n"),
      ":3: model \"m\", layer 1 (conv2d): kernel 3x2, stride 1, padding [0, 2, 0, 0]: needs kernel >= 1, stride >= 1, "
      "0 <= padding < kernel" },
    { MODEL("  - {op: conv2d, out_channels: 4, kernel: 3, dilation: 14}\n"),
      ":3: model \"m\", layer 1 (conv2d): a 3x3 kernel, dilation 14, does not fit into 28x28 with padding 0" },
    { MODEL("  - {op: conv2d, out_channels: 4, kernel: 3, dilation: 30000}\n"),
      ":3: model \"m\", layer 1 (conv2d): kernel 3, stride 1, dilation 30000: the maximum is 32768" },
    { MODEL("  - {op: max_pool, kernel: 2, stride: 0}\n"), ":3: stride must not be 0" },
    { MODEL("  - {op: conv1d, out_channels: 4, kernel: 3}\n"),
      ":3: model \"m\", layer 1 (conv1d): the input must be a sequence (positions, channels), not of rank 3" },
    { MODEL("  - {op: reshape, dims: [28, 28]}\n  - {op: conv1d, out_channels: 4, kernel: 29}\n"),
      ":4: model \"m\", layer 2 (conv1d): a kernel of 29 does not fit into 28 with padding 0" },
    { MODEL("  - {op: reshape, dims: [28, 28]}\n  - {op: conv1d, out_channels: 4, kernel: 3, pads: [3, 0]}\n"),
      ":4: model \"m\", layer 2 (conv1d): kernel 3, stride 1, padding [3, 0]: needs kernel >= 1, stride >= 1, "
      "0 <= padding < kernel" },
    { MODEL("  - {op: reshape, dims: [28, 28]}\n  - {op: max_pool, kernel: 3, kernel_w: 2}\n"),
      ":4: model \"m\", layer 2 (max_pool): kernel_w, stride_w and dilation_w are for images" },
    { MODEL("  - {op: flatten}\n  - {op: avg_pool, kernel: 3}\n"),
      ":4: model \"m\", layer 2 (avg_pool): the input must be an image (height, width, channels) or a sequence "
      "(positions, channels), not of rank 1" },
    { MODEL("  - {op: adaptive_avg_pool, output_size: -2}\n"),
      ":3: model \"m\", layer 1 (adaptive_avg_pool): output_size must be in 1..4096, not -2 and -2" },
    { MODEL("  - {op: conv_transpose2d, out_channels: 4, kernel: 3, stride: 2, output_padding: 2}\n"),
      ":3: model \"m\", layer 1 (conv_transpose2d): output_padding must be from 0 to 1, below stride or dilation, not 2" },
    { MODEL("  - {op: max_pool, kernel: 28}\n  - {op: conv_transpose2d, out_channels: 4, kernel: 3, padding: 2}\n"),
      ":4: model \"m\", layer 2 (conv_transpose2d): padding 2 leaves nothing of the output" },
    { MODEL("  - {op: dropout, p: nan}\n"), ":3: p must be a number, not \"nan\"" },
    { MODEL("  - {op: dropout, p: 1e99}\n"), ":3: p must be a number, not \"1e99\"" },
    { MODEL("  - {op: dropout, p: 1}\n"), ":3: model \"m\", layer 1 (dropout): p must be in [0, 1), not 1" },
    { MODEL("  - {op: group_norm}\n"), ":3: group_norm needs the key \"num_groups\", an integer" },
    { MODEL("  - {op: group_norm, num_groups: 1, epsilon: 2}\n"),
      ":3: model \"m\", layer 1 (group_norm): epsilon must be in [0,1], not 2" },
    { MODEL("  - {op: rms_norm, epsilon: -1}\n"),
      ":3: model \"m\", layer 1 (rms_norm): epsilon must be in [0,1], not -1" },
    { MODEL("  - {op: attention}\n"), ":3: attention needs the key \"heads\", an integer" },
    { MODEL("  - {op: attention, heads: 2, rotary: both}\n"),
      ":3: rotary must be one of none, halves, pairs, not \"both\"" },
    { MODEL("  - {op: clip, min: 2, max: 1}\n"),
      ":3: model \"m\", layer 1 (clip): min must be less than max, not 2 and 1" },
    { MODEL("  - {op: softplus, beta: -1}\n"),
      ":3: model \"m\", layer 1 (softplus): beta and threshold must be positive, not -1 and 20" },
    { MODEL("  - {op: pointwise}\n"), ":3: pointwise needs the key \"function\", one of neg, abs, ..." },
    { MODEL("  - {op: pointwise, function: sinus}\n"), ":3: function must be one of neg, abs, ..." },
    { MODEL("  - {op: lstm}\n"), ":3: lstm needs the key \"hidden\", an integer" },
    { MODEL("  - {op: lstm, hidden: 4}\n"),
      ":3: model \"m\", layer 1 (lstm): the input must be of floats with the dimensions steps and channels, not 28x28x1" },
    { MODEL("  - {op: reshape, dims: [28, 28]}\n  - {op: lstm, hidden: 0}\n"),
      ":4: model \"m\", layer 2 (lstm): hidden must be in 1..16384, not 0" },
    { MODEL("  - {op: reshape, dims: [28, 28]}\n  - {op: gru, hidden: 4, layers: 9}\n"),
      ":4: model \"m\", layer 2 (gru): layers must be in 1..8, not 9" },
    { MODEL("  - {op: reshape, dims: [28, 28]}\n  - {op: gru, hidden: 4, dropout: 1}\n"),
      ":4: model \"m\", layer 2 (gru): dropout must be in [0, 1), not 1" },
    { MODEL("  - {op: rnn, hidden: 4, nonlinearity: sigmoid}\n"),
      ":3: nonlinearity must be one of tanh, relu, not \"sigmoid\"" },
    { MODEL("  - {op: last}\n"),
      ":3: model \"m\", layer 1 (last): the input must be of floats with the dimensions steps and channels, not 28x28x1" },
    { MODEL("  - {op: reduce, function: sum, axes: [1, -3]}\n"),
      ":3: model \"m\", layer 1 (reduce): axes must be different ones of 28x28x1, from 1 on or from -1 down" },
    { MODEL("  - {op: reduce, function: median}\n"),
      ":3: function must be one of sum, mean, max, min, prod, l1, l2, sum_square, ..." },
    { MODEL("  - {op: softmax, axis: -4}\n"),
      ":3: model \"m\", layer 1 (softmax): axis must be in 1..3 or -3..-1, as 28x28x1 has, not -4" },
    { MODEL("  - {op: cumsum, axis: 4}\n"),
      ":3: model \"m\", layer 1 (cumsum): axis must be in 1..3 or -3..-1, as 28x28x1 has, not 4" },
    { MODEL("  - {op: top_values, k: 29, axis: 1}\n"),
      ":3: model \"m\", layer 1 (top_values): k must be at least 1 and at most the size of the axis, 28, not 29" },
    { MODEL("  - {op: arg_max, axis: 4}\n"),
      ":3: model \"m\", layer 1 (arg_max): axis must be in 1..3 or -3..-1, as 28x28x1 has, not 4" },
    { MODEL("  - {op: activate}\n"), ":3: activate needs the key \"activation\", one of none, relu, tanh, sigmoid" },
    { MODEL("  - {op: flatten, name: a-b}\n"), ":3: name \"a-b\"" BAD_NAME },
    { MODEL("  - {op: flatten, name: .a}\n"), ":3: name \".a\"" BAD_NAME },
    { MODEL("  - {op: flatten, name: a..b}\n"), ":3: name \"a..b\"" BAD_NAME },
    { MODEL("  - {op: flatten, name: a.}\n"), ":3: name \"a.\"" BAD_NAME },
    { MODEL("  - {op: flatten, name: a}\n  - {op: flatten, name: a}\n"), ":4: another layer is called \"a\"" },
    { MODEL("  - {op: dense, units: 5}\n"),
      ":3: dense works on the last axis of 28x28x1: put {op: flatten} before it, or \"hsgd: 2\" on top if that is "
      "meant" },
    { MODEL(""),
      ":3: model \"m\", layer 1 (softmax_cross_entropy): the input must be C >= 2 scores per sample, not 28x28x1" },
    { MODEL("  - {op: flatten}\n" TAIL), ":5: nothing can follow the loss" },
    { "name: m\nlayers:\n  - {op: flatten}\n", ":3: no layer is a loss, for example softmax_cross_entropy" },
};

static void bad_texts(void)
{
    char want[600];
    ctx = core_context("cpu", 1, false);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct hsgd_model *m = hsgd_model_from_text(ctx, bad[i].text, image, 10);
        CHECK_MSG(m == NULL, "taken: %s", bad[i].text);
        size_t n = (size_t)snprintf(want, sizeof want, "model file%s", bad[i].sentence);
        if (n > 3 && !strcmp(want + n - 3, "...")) n -= 3; /* and more */
        else n++;
        CHECK_MSG(!strncmp(hsgd_error(ctx), want, n), "%s\nis not %s", hsgd_error(ctx), want);
        hsgd_model_destroy(&m);
    }
    hsgd_destroy(&ctx);
}

static void refused(const char *text, struct hsgd_shape in, int classes, const char *sentence)
{
    CHECK(!hsgd_model_from_text(ctx, text, in, classes));
    CHECK_STR(hsgd_error(ctx), sentence);
}

static void what_only_data_tell(void)
{
    static const char open[] = MODEL("  - {op: flatten}\n  - {op: dense, units: classes}\n");
    ctx = core_context("cpu", 1, false);
    refused(open, none, 10,
            "model file:1: the shape of samples is not known: neither data nor the keys input, "
            "usual_input give it");
    refused(open, image, 0, "model file:4: the number of classes is not known");
    refused(MODEL("  - {op: flatten}\n  - {op: dense, units: 9}\n"), image, 10,
            "model file:5: the model has 9 outputs, but the data has 10 classes");
    refused("name: m\ninput: {h: 100000, w: 100000, c: 1}\nlayers:\n" TAIL, none, 10,
            "model file:2: model \"m\": the type of \"x\" is not valid");
    hsgd_destroy(&ctx);
}

/* Text that grows while it is read, or is too long. */
static void absurd_sizes(void)
{
    static char text[1 << 19];
    size_t n;
    ctx = core_context("cpu", 1, false);
    n = (size_t)sprintf(text, "name: m\nlayers:\n");
    for (int i = 0; i < 1001; i++) n += (size_t)sprintf(text + n, "  - {op: flatten}\n");
    refused(text, image, 10, "model file:1003: there are more than 1000 layers");
    n = (size_t)sprintf(text, "name: m\nlayers:\n  - {op: flatten");
    for (int i = 0; i < 40; i++) n += (size_t)sprintf(text + n, ", k%d: 1", i);
    refused(text, image, 10, "model file:3: a layer has more than 32 keys");
    sprintf(text, "name: m\nlayers: ");
    memset(text + 16, '[', 100000);
    text[100016] = 0;
    refused(text, image, 10, "model file:2: a layer must be a mapping, but is a list");
    refused(MODEL("  - {op: flatten}\n  - {op: dense, units: 1048576}\n  - {op: dense, units: 1048576}\n"
                  "  - {op: dense, units: 1048576}\n"),
            image, 10,
            "model file:7: model \"m\": 2199848484864 parameters do not fit into the memory of this machine");
    hsgd_destroy(&ctx);
}

static const struct core_case cases[] = { { "bad_texts", bad_texts },
                                          { "what_only_data_tell", what_only_data_tell },
                                          { "absurd_sizes", absurd_sizes } };
CORE_MAIN(cases)
