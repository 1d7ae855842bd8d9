/* SPDX-License-Identifier: BSD-3-Clause */
/* Layers with weights, and what works element by element, as operators of ONNX. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "onnx/writer.h"

static const struct hsgd_type *in_type(const struct writer *w) { return &w->node->info.in[0]; }

static int done(struct writer *w, enum form form, const char *name)
{
    write_output(w, 0, form, name);
    return 0;
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
        const char *in[] = { x, dense_weight(w, is_flat, true), bias ? write_vector(w, 1) : NULL };
        y = write_op(w, "Gemm", bias ? 3 : 2, in, ATTRIBUTES(INT_("transB", 1)));
    } else {
        y = write_op(w, "MatMul", INPUTS(x, dense_weight(w, false, false)), NULL);
        if (bias) y = write_op(w, "Add", INPUTS(y, write_vector(w, 1)), NULL);
    }
    return done(w, AS_HERE, write_activated(w, y));
}

/* ---------------------------------------------------------------- normalisation */

static int write_batch_norm(struct writer *w)
{
    enum form form = in_type(w)->rank > 1 ? CHANNELS_FIRST : AS_HERE;
    const char *x = write_input(w, 0, form);
    const char *in[] = { x, write_vector(w, 0), write_vector(w, 1), write_vector(w, 2), write_vector(w, 3) };
    float epsilon = write_float(w, "epsilon"), momentum = write_float(w, "momentum");
    return done(w, form,
                write_op(w, "BatchNormalization", 5, in,
                         ATTRIBUTES(FLOAT_("epsilon", epsilon), FLOAT_("momentum", 1 - momentum))));
}

static int write_layer_norm(struct writer *w)
{
    const char *in[] = { write_input(w, 0, AS_HERE), write_vector(w, 0), write_vector(w, 1) };
    float epsilon = write_float(w, "epsilon");
    return done(w, AS_HERE,
                write_op(w, "LayerNormalization", 3, in, ATTRIBUTES(INT_("axis", -1), FLOAT_("epsilon", epsilon))));
}

/* So many times the same number. */
static const char *constant(struct writer *w, const char *of, float number, int64_t n)
{
    float *to = writer_memory(w, (size_t)n * sizeof *to + 1);
    const char *name = writer_text(w, "%s.%s", w->node->name, of);
    for (int64_t i = 0; to && i < n; i++) to[i] = number;
    if (to && name) write_tensor(w, name, 1, &n, to);
    return name;
}

static const char *normalised(struct writer *w, const char *x, const char *weight, const char *bias)
{
    float epsilon = write_float(w, "epsilon");
    return write_op(w, "InstanceNormalization", INPUTS(x, weight, bias), ATTRIBUTES(FLOAT_("epsilon", epsilon)));
}

static int write_instance_norm(struct writer *w)
{
    int64_t c = hsgd_type_channels(in_type(w));
    bool affine = write_int(w, "affine") != 0;
    const char *weight = affine ? write_vector(w, 0) : constant(w, "ones", 1, c);
    const char *bias = affine ? write_vector(w, 1) : constant(w, "zeros", 0, c);
    return done(w, CHANNELS_FIRST, normalised(w, write_input(w, 0, CHANNELS_FIRST), weight, bias));
}

/* A parameter that is a vector, for channels before so many positions. */
static const char *before_positions(struct writer *w, int p, int positions)
{
    int64_t dim[HSGD_MAX_RANK] = { spec_size(&w->node->info.param[p]) };
    const char *name = write_param_name(w, p);
    for (int i = 0; i < positions; i++) dim[1 + i] = 1;
    if (name) write_tensor(w, name, 1 + positions, dim, write_param(w, p));
    return name;
}

/* Groups are channels of a sequence for a while. */
static int write_group_norm(struct writer *w)
{
    int rank = in_type(w)->rank;
    int64_t groups = write_int(w, "num_groups"), shape[HSGD_MAX_RANK + 1] = { 0, hsgd_type_channels(in_type(w)) };
    if (rank < 2 || rank > 3) return writer_refuse(w, "its input is no sequence or image");
    for (int i = 0; i < rank - 1; i++) shape[2 + i] = in_type(w)->dim[i];
    if (shape[2] == HSGD_ANY || (rank == 3 && shape[3] == HSGD_ANY))
        return writer_refuse(w, "its input has open sizes");
    const char *as_groups = write_ints(w, 3, (int64_t[]){ 0, groups, -1 });
    const char *y = write_op(w, "Reshape", INPUTS(write_input(w, 0, CHANNELS_FIRST), as_groups), NULL);
    y = normalised(w, y, constant(w, "ones", 1, groups), constant(w, "zeros", 0, groups));
    y = write_op(w, "Reshape", INPUTS(y, write_ints(w, rank + 1, shape)), NULL);
    if (write_int(w, "no_affine")) return done(w, CHANNELS_FIRST, y);
    y = write_op(w, "Mul", INPUTS(y, before_positions(w, 0, rank - 1)), NULL);
    return done(w, CHANNELS_FIRST, write_op(w, "Add", INPUTS(y, before_positions(w, 1, rank - 1)), NULL));
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
    const char *x = write_input(w, 0, form), *y = write_activated(w, x);
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
    { "batch_norm", write_batch_norm },
    { "dense", write_dense },
    { "dropout", write_same },
    { "embedding", write_embedding },
    { "gelu", write_gelu },
    { "group_norm", write_group_norm },
    { "instance_norm", write_instance_norm },
    { "layer_norm", write_layer_norm },
    { "mul", write_two },
    { "relu", write_same },
    { "sigmoid", write_same },
    { "tanh", write_same },
    { 0 },
};
