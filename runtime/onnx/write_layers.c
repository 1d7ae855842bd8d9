/* SPDX-License-Identifier: BSD-3-Clause */
/* Layers with weights, and what works element by element, as operators of ONNX. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "onnx/writer.h"

static const struct hsgd_type *in_type(const struct writer *w) { return &w->node->info.in[0]; }

/* The activation at the end of a layer. */
static const char *activated(struct writer *w, const char *x)
{
    static const char *const ops[] = { [HSGD_RELU] = "Relu", [HSGD_TANH] = "Tanh", [HSGD_SIGMOID] = "Sigmoid" };
    int a = write_int(w, "activation");
    return a == HSGD_NO_ACTIVATION ? x : write_op(w, ops[a], INPUTS(x), NULL);
}

static int done(struct writer *w, enum form form, const char *name)
{
    write_output(w, 0, form, name);
    return 0;
}

/* A parameter that is a vector, as it is. */
static const char *vector(struct writer *w, int p)
{
    const struct hsgd_param_spec *s = &w->node->info.param[p];
    const char *name = write_param_name(w, p);
    const int64_t n = spec_size(s);
    if (name) write_tensor(w, name, 1, &n, write_param(w, p));
    return name;
}

/* ----------------------------------------------------------------------- dense */

/* W as units x inputs, where inputs of a flattened image are in the order c, h, w. */
static const char *dense_weight(struct writer *w, bool is_flat, bool swap)
{
    const struct hsgd_param_spec *s = &w->node->info.param[0];
    bool transposed = write_int(w, "transposed") != 0;
    int64_t in = transposed ? s->dim[1] : s->dim[0], units = transposed ? s->dim[0] : s->dim[1];
    const struct written *v = &w->value[w->node->in[0]];
    const struct hsgd_type *image = &w->model->value[is_flat ? v->image : w->node->in[0]].type;
    int64_t c = is_flat ? hsgd_type_channels(image) : in, positions = in / c;
    float *to = writer_memory(w, (size_t)(in * units) * sizeof *to + 1);
    const float *from = write_param(w, 0);
    for (int64_t i = 0; to && i < in; i++) {
        int64_t here = i % positions * c + i / positions; /* i counts in the file's order */
        for (int64_t k = 0; k < units; k++) {
            float number = transposed ? from[k * in + here] : from[here * units + k];
            to[swap ? k * in + i : i * units + k] = number;
        }
    }
    const char *name = write_param_name(w, 0);
    if (!swap) name = writer_text(w, "%s_transposed", name ? name : "");
    if (to && name) write_tensor(w, name, 2, (int64_t[]){ swap ? units : in, swap ? in : units }, to);
    return name;
}

static int write_dense(struct writer *w)
{
    bool is_flat = write_form(w, 0) == FLATTENED, bias = w->node->info.params > 1;
    const char *x = write_input(w, 0, is_flat ? FLATTENED : AS_HERE), *y;
    if (in_type(w)->rank == 1) {
        const char *in[] = { x, dense_weight(w, is_flat, true), bias ? vector(w, 1) : NULL };
        y = write_op(w, "Gemm", bias ? 3 : 2, in, ATTRIBUTES(INT_("transB", 1)));
    } else {
        y = write_op(w, "MatMul", INPUTS(x, dense_weight(w, false, false)), NULL);
        if (bias) y = write_op(w, "Add", INPUTS(y, vector(w, 1)), NULL);
    }
    return done(w, AS_HERE, activated(w, y));
}

/* ---------------------------------------------------------------------- images */

/* out,kh,kw,in to out,in,kh,kw */
static const char *filters(struct writer *w)
{
    const struct hsgd_param_spec *s = &w->node->info.param[0];
    int64_t o = s->dim[0], h = s->dim[1], k = s->dim[2], c = s->dim[3];
    float *to = writer_memory(w, (size_t)(o * h * k * c) * sizeof *to + 1);
    const float *from = write_param(w, 0);
    for (int64_t i = 0; to && i < o * h * k * c; i++) {
        int64_t channel = i % c, at = i / c % (h * k), out = i / c / (h * k);
        to[(out * c + channel) * h * k + at] = from[i];
    }
    const char *name = write_param_name(w, 0);
    if (to && name) write_tensor(w, name, 4, (int64_t[]){ o, c, h, k }, to);
    return name;
}

/* The number of columns, or else that of rows. */
static int64_t columns(const struct writer *w, const char *name, int64_t rows)
{
    int n = write_int(w, name);
    return n ? n : rows;
}

struct window {
    int64_t kernel[2], stride[2], dilation[2], pads[4];
};

static struct window window_of(const struct writer *w)
{
    struct window v = { { write_int(w, "kernel") }, { write_int(w, "stride") }, { write_int(w, "dilation") }, { 0 } };
    const struct hsgd_ints *pads = write_list(w, "pads");
    if (!v.stride[0]) v.stride[0] = strcmp(w->node->op->name, "conv2d") ? v.kernel[0] : 1;
    if (!v.dilation[0]) v.dilation[0] = 1;
    v.kernel[1] = columns(w, "kernel_w", v.kernel[0]);
    v.stride[1] = columns(w, "stride_w", v.stride[0]);
    v.dilation[1] = columns(w, "dilation_w", v.dilation[0]);
    for (int i = 0; i < 4; i++) v.pads[i] = pads->count == 4 ? pads->value[i] : write_int(w, "padding");
    return v;
}

static int write_conv2d(struct writer *w)
{
    struct window v = window_of(w);
    bool bias = w->node->info.params > 1;
    int groups = write_int(w, "groups");
    const char *in[] = { write_input(w, 0, CHANNELS_FIRST), filters(w), bias ? vector(w, 1) : NULL };
    const char *y = write_op(w, "Conv", bias ? 3 : 2, in,
                             ATTRIBUTES(INTS_("kernel_shape", 2, v.kernel), INTS_("strides", 2, v.stride),
                                        INTS_("dilations", 2, v.dilation), INTS_("pads", 4, v.pads),
                                        INT_("group", groups ? groups : 1)));
    return done(w, CHANNELS_FIRST, activated(w, y));
}

static int write_pool(struct writer *w)
{
    struct window v = window_of(w);
    bool max = !strcmp(w->node->op->name, "max_pool");
    const struct attribute rounding = INT_("ceil_mode", write_int(w, "ceil_mode"));
    const struct attribute own = max ? (struct attribute)INTS_("dilations", 2, v.dilation)
                                     : (struct attribute)INT_("count_include_pad", write_int(w, "count_include_pad"));
    const struct attribute *a = ATTRIBUTES(INTS_("kernel_shape", 2, v.kernel), INTS_("strides", 2, v.stride),
                                           INTS_("pads", 4, v.pads), rounding, own);
    return done(w, CHANNELS_FIRST,
                write_op(w, max ? "MaxPool" : "AveragePool", INPUTS(write_input(w, 0, CHANNELS_FIRST)), a));
}

/* The mean over all positions, {batch, channels}. */
static int write_global_avg_pool(struct writer *w)
{
    const int64_t shape[] = { 0, -1 };
    if (in_type(w)->rank < 2) return writer_refuse(w, "its input has no positions");
    const char *y = write_op(w, "GlobalAveragePool", INPUTS(write_input(w, 0, CHANNELS_FIRST)), NULL);
    return done(w, AS_HERE, write_op(w, "Reshape", INPUTS(y, write_ints(w, 2, shape)), NULL));
}

/* ---------------------------------------------------------------- normalisation */

static int write_batch_norm(struct writer *w)
{
    enum form form = in_type(w)->rank > 1 ? CHANNELS_FIRST : AS_HERE;
    const char *x = write_input(w, 0, form);
    const char *in[] = { x, vector(w, 0), vector(w, 1), vector(w, 2), vector(w, 3) };
    float epsilon = write_float(w, "epsilon"), momentum = write_float(w, "momentum");
    return done(w, form,
                write_op(w, "BatchNormalization", 5, in,
                         ATTRIBUTES(FLOAT_("epsilon", epsilon), FLOAT_("momentum", 1 - momentum))));
}

static int write_layer_norm(struct writer *w)
{
    const char *in[] = { write_input(w, 0, AS_HERE), vector(w, 0), vector(w, 1) };
    float epsilon = write_float(w, "epsilon");
    return done(w, AS_HERE,
                write_op(w, "LayerNormalization", 3, in, ATTRIBUTES(INT_("axis", -1), FLOAT_("epsilon", epsilon))));
}

/* --------------------------------------------------------------- element by element */

/* Operations that are one operator. */
static const char *const same[][2] = {
    { "relu", "Relu" }, { "tanh", "Tanh" }, { "sigmoid", "Sigmoid" }, { "dropout", "Identity" }
};

static int write_same(struct writer *w)
{
    enum form form = write_form(w, 0);
    const char *op = NULL;
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        if (!strcmp(same[i][0], w->node->op->name)) op = same[i][1];
    write_output(w, 0, form, write_op(w, op, INPUTS(write_input(w, 0, form)), NULL));
    w->value[w->node->out[0]].image = w->value[w->node->in[0]].image;
    return 0;
}

static int write_activate(struct writer *w)
{
    enum form form = write_form(w, 0) == FLATTENED ? AS_HERE : write_form(w, 0);
    const char *x = write_input(w, 0, form), *y = activated(w, x);
    return done(w, form, y == x ? write_op(w, "Identity", INPUTS(x), NULL) : y);
}

/* x / 2 (1 + erf(x / sqrt 2)), or tanh's approximation. */
static int write_gelu(struct writer *w)
{
    enum form form = write_form(w, 0) == FLATTENED ? AS_HERE : write_form(w, 0);
    const char *x = write_input(w, 0, form), *inner;
    if (write_int(w, "tanh")) {
        const char *cube = write_op(w, "Pow", INPUTS(x, write_number(w, 3)), NULL);
        cube = write_op(w, "Mul", INPUTS(cube, write_number(w, 0.044715f)), NULL);
        inner = write_op(w, "Add", INPUTS(x, cube), NULL);
        inner = write_op(w, "Mul", INPUTS(inner, write_number(w, 0.79788456f)), NULL);
        inner = write_op(w, "Tanh", INPUTS(inner), NULL);
    } else inner = write_op(w, "Erf", INPUTS(write_op(w, "Mul", INPUTS(x, write_number(w, 0.70710678f)), NULL)), NULL);
    const char *factor = write_op(w, "Add", INPUTS(inner, write_number(w, 1)), NULL);
    const char *half = write_op(w, "Mul", INPUTS(x, write_number(w, 0.5f)), NULL);
    return done(w, form, write_op(w, "Mul", INPUTS(half, factor), NULL));
}

/* Both inputs in the form of the first. */
static int write_two(struct writer *w)
{
    enum form form =
        write_form(w, 0) == CHANNELS_FIRST || write_form(w, 1) == CHANNELS_FIRST ? CHANNELS_FIRST : AS_HERE;
    const char *op = !strcmp(w->node->op->name, "add") ? "Add" : "Mul";
    return done(w, form, write_op(w, op, INPUTS(write_input(w, 0, form), write_input(w, 1, form)), NULL));
}

/* -------------------------------------------------------------------- embedding */

static int write_embedding(struct writer *w)
{
    const struct hsgd_param_spec *s = &w->node->info.param[0];
    const char *name = write_param_name(w, 0);
    if (name) write_tensor(w, name, 2, (int64_t[]){ s->dim[0], s->dim[1] }, write_param(w, 0));
    return done(w, AS_HERE, write_op(w, "Gather", INPUTS(name, write_input(w, 0, AS_HERE)), NULL));
}

const struct write_row write_layer_rows[] = {
    { "activate", write_activate },
    { "add", write_two },
    { "avg_pool", write_pool },
    { "batch_norm", write_batch_norm },
    { "conv2d", write_conv2d },
    { "dense", write_dense },
    { "dropout", write_same },
    { "embedding", write_embedding },
    { "gelu", write_gelu },
    { "global_avg_pool", write_global_avg_pool },
    { "layer_norm", write_layer_norm },
    { "max_pool", write_pool },
    { "mul", write_two },
    { "relu", write_same },
    { "sigmoid", write_same },
    { "tanh", write_same },
    { 0 },
};
