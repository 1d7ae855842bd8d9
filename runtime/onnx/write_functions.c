/* SPDX-License-Identifier: BSD-3-Clause */
/* Functions of elements as operators of ONNX. */
#include <string.h>

#include "onnx/tensor.h"
#include "onnx/writer.h"

static enum form form_of(const struct writer *w) { return write_form(w, 0) == FLATTENED ? AS_HERE : write_form(w, 0); }

static int done(struct writer *w, enum form form, const char *name)
{
    write_output(w, 0, form, name);
    return 0;
}

/* ------------------------------------------------------------------ activations */

static int write_leaky_relu(struct writer *w)
{
    enum form form = form_of(w);
    float alpha = write_float(w, "slope");
    return done(w, form, write_op(w, "LeakyRelu", INPUTS(write_input(w, 0, form)), ATTRIBUTES(FLOAT_("alpha", alpha))));
}

static int write_elu(struct writer *w)
{
    enum form form = form_of(w);
    float alpha = write_float(w, "alpha");
    return done(w, form, write_op(w, "Elu", INPUTS(write_input(w, 0, form)), ATTRIBUTES(FLOAT_("alpha", alpha))));
}

static int write_selu(struct writer *w)
{
    enum form form = form_of(w);
    return done(w, form, write_op(w, "Selu", INPUTS(write_input(w, 0, form)), NULL));
}

/* x sigmoid(x) */
static int write_silu(struct writer *w)
{
    enum form form = form_of(w);
    const char *x = write_input(w, 0, form), *gate = write_op(w, "Sigmoid", INPUTS(x), NULL);
    return done(w, form, write_op(w, "Mul", INPUTS(x, gate), NULL));
}

/* log(1 + exp(beta x)) / beta */
static int write_softplus(struct writer *w)
{
    enum form form = form_of(w);
    float beta = write_float(w, "beta");
    const char *x = write_input(w, 0, form);
    if (beta == 1) return done(w, form, write_op(w, "Softplus", INPUTS(x), NULL));
    const char *y = write_op(w, "Mul", INPUTS(x, write_number(w, beta)), NULL);
    y = write_op(w, "Softplus", INPUTS(y), NULL);
    return done(w, form, write_op(w, "Div", INPUTS(y, write_number(w, beta)), NULL));
}

static const char *hard_sigmoid(struct writer *w, const char *x, float slope, float offset)
{
    return write_op(w, "HardSigmoid", INPUTS(x), ATTRIBUTES(FLOAT_("alpha", slope), FLOAT_("beta", offset)));
}

static int write_hard_sigmoid(struct writer *w)
{
    enum form form = form_of(w);
    return done(w, form, hard_sigmoid(w, write_input(w, 0, form), write_float(w, "slope"), write_float(w, "offset")));
}

static int write_hard_swish(struct writer *w)
{
    enum form form = form_of(w);
    return done(w, form, write_op(w, "HardSwish", INPUTS(write_input(w, 0, form)), NULL));
}

static int write_clip(struct writer *w)
{
    enum form form = form_of(w);
    float low = write_float(w, "min"), high = write_float(w, "max");
    const char *x = write_input(w, 0, form);
    if (low == 0 && high == 0) low = -1, high = 1;
    return done(w, form, write_op(w, "Clip", INPUTS(x, write_number(w, low), write_number(w, high)), NULL));
}

/* ------------------------------------------------------------------- pointwise */

/* By enum hsgd_function; NULL: no operator of floats. */
static const char *const functions[] = {
    [HSGD_FUNCTION_NEG] = "Neg",   [HSGD_FUNCTION_ABS] = "Abs",
    [HSGD_FUNCTION_SIGN] = "Sign", [HSGD_FUNCTION_FLOOR] = "Floor",
    [HSGD_FUNCTION_CEIL] = "Ceil", [HSGD_FUNCTION_ROUND] = "Round",
    [HSGD_FUNCTION_SQRT] = "Sqrt", [HSGD_FUNCTION_RECIPROCAL] = "Reciprocal",
    [HSGD_FUNCTION_EXP] = "Exp",   [HSGD_FUNCTION_LOG] = "Log",
    [HSGD_FUNCTION_ERF] = "Erf",   [HSGD_FUNCTION_SIN] = "Sin",
    [HSGD_FUNCTION_COS] = "Cos",   [HSGD_FUNCTION_TAN] = "Tan",
    [HSGD_FUNCTION_ADD] = "Add",   [HSGD_FUNCTION_SUB] = "Sub",
    [HSGD_FUNCTION_MUL] = "Mul",   [HSGD_FUNCTION_DIV] = "Div",
    [HSGD_FUNCTION_MIN] = "Min",   [HSGD_FUNCTION_MAX] = "Max",
    [HSGD_FUNCTION_POW] = "Pow",
};

/* Comparisons, whose truth is a number here; casts. */
static const char *const comparisons[] = {
    [HSGD_FUNCTION_EQUAL] = "Equal",
    [HSGD_FUNCTION_LESS] = "Less",
    [HSGD_FUNCTION_LESS_EQUAL] = "LessOrEqual",
    [HSGD_FUNCTION_GREATER] = "Greater",
    [HSGD_FUNCTION_GREATER_EQUAL] = "GreaterOrEqual",
    [HSGD_FUNCTION_TO_INT] = "Identity",
    [HSGD_FUNCTION_TO_FLOAT] = "Identity",
};

static const char *found(const char *const *names, size_t count, unsigned f) { return f < count ? names[f] : NULL; }
#define FOUND(names, f) found(names, sizeof names / sizeof *names, f)

static int write_pointwise(struct writer *w)
{
    enum form form = form_of(w);
    unsigned f = (unsigned)write_int(w, "function");
    const char *compares = FOUND(comparisons, f), *op = compares ? compares : FOUND(functions, f), *in[3];
    int n = 0, operands = f < HSGD_FUNCTION_ADD ? 1 : 2;
    bool of_floats = w->node->info.in[0].dtype == HSGD_F32, has_constant = w->node->info.inputs < operands;
    if (!op || (has_constant && !of_floats)) return writer_refuse(w, "its function is not written");
    if (has_constant && write_int(w, "value_first")) in[n++] = write_number(w, write_float(w, "value"));
    for (int i = 0; i < w->node->info.inputs; i++) in[n++] = write_input(w, i, form);
    if (n < operands) in[n++] = write_number(w, write_float(w, "value"));
    const char *y = write_op(w, op, n, in, NULL);
    int to = w->node->info.out[0].dtype == HSGD_F32 ? ONNX_FLOAT : ONNX_INT32;
    return done(w, form, compares ? write_op(w, "Cast", INPUTS(y), ATTRIBUTES(INT_("to", to))) : y);
}

const struct write_row write_function_rows[] = {
    { "clip", write_clip },
    { "elu", write_elu },
    { "hard_sigmoid", write_hard_sigmoid },
    { "hard_swish", write_hard_swish },
    { "leaky_relu", write_leaky_relu },
    { "pointwise", write_pointwise },
    { "selu", write_selu },
    { "silu", write_silu },
    { "softplus", write_softplus },
    { 0 },
};
