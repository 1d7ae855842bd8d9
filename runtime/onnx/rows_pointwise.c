/* SPDX-License-Identifier: BSD-3-Clause */
/* Operators that work element by element. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/c_locale.h"
#include "onnx/rows.h"

/* An operation of one value, for any order of axes. */
static int apply(struct step *s, const char *op, const char *attributes)
{
    const struct onnx_value *x = step_has(s, 0) ? s->in[0] : NULL;
    struct onnx_value in;
    int err = !x || x->known ? step_computed(s, 0, &in) : 0;
    if (err) return err;
    if (!x || x->known) x = &in;
    return step_out(s, 0, x, NULL, step_apply_one(s, op, x->v, "%s", attributes));
}

static int out(struct step *s, int err, const struct onnx_value *y)
{
    return err ? err : step_out(s, 0, y, NULL, y->v);
}

/* --------------------------------------------------------- operations of their own */

static int read_relu(struct step *s) { return apply(s, "relu", ""); }
static int read_tanh(struct step *s) { return apply(s, "tanh", ""); }
static int read_sigmoid(struct step *s) { return apply(s, "sigmoid", ""); }
static int read_softplus(struct step *s) { return apply(s, "softplus", ""); }
static int read_hard_swish(struct step *s) { return apply(s, "hard_swish", ""); }

static int read_gelu(struct step *s)
{
    return apply(s, "gelu", step_is(s, "approximate", "tanh", "none") ? "tanh=true" : "tanh=false");
}

static int read_leaky_relu(struct step *s)
{
    char text[40];
    float slope = step_float(s, "alpha", 0.01f);
    c_snprintf(text, sizeof text, "slope=%.9g", (double)slope);
    return slope == 0 ? read_relu(s) : apply(s, "leaky_relu", text);
}

static int read_hard_sigmoid(struct step *s)
{
    char text[80];
    float slope = step_float(s, "alpha", 0.2f), offset = step_float(s, "beta", 0.5f);
    if (slope == 0 || offset == 0) return step_refuse(s, "alpha and beta must not be 0");
    c_snprintf(text, sizeof text, "slope=%.9g offset=%.9g", (double)slope, (double)offset);
    return apply(s, "hard_sigmoid", text);
}

/* factor elu(x / scale), where elu has this alpha. */
static int elu(struct step *s, float alpha, float scale, float factor)
{
    struct onnx_value x, y;
    int err = alpha == 0 || scale == 0 ? step_refuse(s, "alpha must not be 0") : step_computed(s, 0, &x);
    if (!err && scale != 1) err = value_scalar(s, "mul", &x, 1 / (double)scale, &x);
    if (err) return err;
    y = x;
    y.v = step_apply_one(s, "elu", x.v, "alpha=%.9g", (double)alpha);
    if (y.v && factor != 1) err = value_scalar(s, "mul", &y, (double)factor, &y);
    return out(s, err, &y);
}

static int read_elu(struct step *s) { return elu(s, step_float(s, "alpha", 1), 1, 1); }
static int read_celu(struct step *s) { return elu(s, 1, step_float(s, "alpha", 1), step_float(s, "alpha", 1)); }
static int read_selu(struct step *s)
{
    return elu(s, step_float(s, "alpha", 1.67326319217681884765625f), 1,
               step_float(s, "gamma", 1.05070102214813232421875f));
}

/* A view of its input. */
static int read_identity(struct step *s)
{
    struct onnx_value x;
    int err = step_computed(s, 0, &x);
    return err ? err : step_out(s, 0, &x, NULL, step_view(s, &x));
}

/* What inference leaves of it: p is for training. */
static int read_dropout(struct step *s)
{
    char text[40];
    double p = (double)step_float(s, "ratio", 0.5f);
    if (s->outputs > 1) return step_refuse(s, "its mask is no output of the operation");
    bool old_training = s->r->opset < 7 && !step_int(s, "is_test", 0);
    if (old_training || (step_has(s, 2) && (!s->in[2]->known || s->in[2]->known->number[0] != 0)))
        return step_refuse(s, "it is in training mode, whose random numbers differ");
    if (step_has(s, 1)) {
        const struct tensor *ratio = step_known(s, 1);
        if (!ratio) return -EINVAL;
        p = ratio->count == 1 ? ratio->number[0] : -1;
    }
    c_snprintf(text, sizeof text, "p=%.9g", p);
    return apply(s, "dropout", text);
}

/* --------------------------------------------------------------- functions of one */

static const char *const unary[][2] = {
    { "Abs", "abs" },     { "Acos", "acos" },    { "Acosh", "acosh" },
    { "Asin", "asin" },   { "Asinh", "asinh" },  { "Atan", "atan" },
    { "Atanh", "atanh" }, { "Ceil", "ceil" },    { "Cos", "cos" },
    { "Cosh", "cosh" },   { "Erf", "erf" },      { "Exp", "exp" },
    { "Floor", "floor" }, { "IsNaN", "is_nan" }, { "Log", "log" },
    { "Neg", "neg" },     { "Not", "not" },      { "Reciprocal", "reciprocal" },
    { "Round", "round" }, { "Sign", "sign" },    { "Sin", "sin" },
    { "Sinh", "sinh" },   { "Sqrt", "sqrt" },    { "Tan", "tan" },
};

static int read_unary(struct step *s)
{
    struct onnx_value y;
    const char *f = NULL;
    for (size_t i = 0; i < sizeof unary / sizeof *unary; i++)
        if (!strcmp(s->node->op_type, unary[i][0])) f = unary[i][1];
    if (!step_has(s, 0)) return step_refuse(s, "its input is missing");
    int err = value_unary(s, f, s->in[0], &y);
    if (!strcmp(f, "is_nan")) y.dtype = ONNX_BOOL;
    return out(s, err, &y);
}

/* x is infinite, and of the sign that counts. */
static int read_is_inf(struct step *s)
{
    struct onnx_value x, y, side;
    bool up = step_int(s, "detect_positive", 1) != 0, down = step_int(s, "detect_negative", 1) != 0;
    int err = step_computed(s, 0, &x);
    if (!err) err = value_unary(s, "is_inf", &x, &y);
    if (!err && up != down) err = value_scalar(s, up ? "greater" : "less", &x, 0, &side);
    if (!err && up != down) err = value_binary(s, "mul", &y, &side, &y);
    if (!err && !up && !down) err = step_refuse(s, "it detects nothing");
    if (!err) y.dtype = ONNX_BOOL;
    return out(s, err, &y);
}

/* x / (1 + |x|) */
static int read_softsign(struct step *s)
{
    struct onnx_value x, y;
    int err = step_computed(s, 0, &x);
    if (!err) err = value_unary(s, "abs", &x, &y);
    if (!err) err = value_scalar(s, "add", &y, 1, &y);
    if (!err) err = value_binary(s, "div", &x, &y, &y);
    return out(s, err, &y);
}

/* x where x > alpha, else 0 */
static int read_thresholded_relu(struct step *s)
{
    struct onnx_value x, y;
    int err = step_computed(s, 0, &x);
    if (!err) err = value_scalar(s, "greater", &x, (double)step_float(s, "alpha", 1), &y);
    if (!err) err = value_binary(s, "mul", &x, &y, &y);
    return out(s, err, &y);
}

/* x + bias where x < -lambd, x - bias where x > lambd, else 0 */
static int read_shrink(struct step *s)
{
    struct onnx_value x, low, high, y;
    double lambda = (double)step_float(s, "lambd", 0.5f), bias = (double)step_float(s, "bias", 0);
    int err = step_computed(s, 0, &x);
    if (!err) err = value_scalar(s, "less", &x, -lambda, &low);
    if (!err) err = value_scalar(s, "add", &x, bias, &y);
    if (!err) err = value_binary(s, "mul", &low, &y, &low);
    if (!err) err = value_scalar(s, "greater", &x, lambda, &high);
    if (!err) err = value_scalar(s, "sub", &x, bias, &y);
    if (!err) err = value_binary(s, "mul", &high, &y, &high);
    if (!err) err = value_binary(s, "add", &low, &high, &y);
    return out(s, err, &y);
}

/* max(x, 0) + slope min(x, 0) */
static int read_prelu(struct step *s)
{
    struct onnx_value x, up, down, slope;
    struct tensor shaped;
    int err = step_has(s, 1) ? step_computed(s, 0, &x) : step_refuse(s, "its slope is missing");
    if (err) return err;
    slope = *s->in[1];
    if (s->r->opset < 7 && slope.known && slope.dims.rank == 1) { /* one for each channel, which are axis 1 */
        shaped = *slope.known;
        while (shaped.dims.rank < x.dims.rank - 1) shaped.dims.dim[shaped.dims.rank++] = 1;
        slope.dims = shaped.dims;
        slope.known = &shaped;
    }
    if (!err) err = value_scalar(s, "max", &x, 0, &up);
    if (!err) err = value_scalar(s, "min", &x, 0, &down);
    if (!err) err = value_binary(s, "mul", &down, &slope, &down);
    if (!err) err = value_binary(s, "add", &up, &down, &up);
    return out(s, err, &up);
}

/* A bound of Clip: an attribute before opset 11, then an input.  1: it is there, 0, or an errno. */
static int bound(struct step *s, const char *name, int input, double *number)
{
    const Onnx__AttributeProto *a = step_attribute(s, name);
    const struct tensor *t = !a && step_has(s, input) ? step_known(s, input) : NULL;
    if (!a && !step_has(s, input)) return 0;
    if (!a && (!t || t->count != 1)) return t ? step_refuse(s, "its bounds are no numbers") : -EINVAL;
    *number = a ? (double)a->f : t->number[0];
    return 1;
}

static int read_clip(struct step *s)
{
    struct onnx_value x;
    double low = 0, high = 0;
    int min = bound(s, "min", 1, &low), max = min < 0 ? min : bound(s, "max", 2, &high);
    int err = min < 0 || max < 0 ? -EINVAL : step_computed(s, 0, &x);
    if (err) return err;
    if (min && max && low < high && !onnx_dtype_is_integer(x.dtype))
        return step_out(s, 0, &x, NULL, step_apply_one(s, "clip", x.v, "min=%.9g max=%.9g", low, high));
    if (min) err = value_scalar(s, "max", &x, low, &x);
    if (!err && max) err = value_scalar(s, "min", &x, high, &x);
    if (err) return err;
    return step_out(s, 0, &x, NULL, min || max ? x.v : step_view(s, &x));
}

static int read_cast(struct step *s)
{
    struct onnx_value y;
    bool like = !strcmp(s->node->op_type, "CastLike");
    if (!step_has(s, 0) || (like && !step_has(s, 1))) return step_refuse(s, "its input is missing");
    int err = value_cast(s, s->in[0], like ? s->in[1]->dtype : (int)step_int(s, "to", 0), &y);
    return err ? err : step_out(s, 0, &y, NULL, y.v == s->in[0]->v ? step_view(s, &y) : y.v);
}

/* --------------------------------------------------------------- functions of more */

static const struct {
    const char *op, *f;
    bool compares;
} binary[] = {
    { "Add", "add", false },        { "And", "and", true },
    { "Div", "div", false },        { "Equal", "equal", true },
    { "Greater", "greater", true }, { "GreaterOrEqual", "greater_equal", true },
    { "Less", "less", true },       { "LessOrEqual", "less_equal", true },
    { "Max", "max", false },        { "Mean", "add", false },
    { "Min", "min", false },        { "Mod", "mod", false },
    { "Mul", "mul", false },        { "Or", "or", true },
    { "Pow", "pow", false },        { "Sub", "sub", false },
    { "Sum", "add", false },        { "Xor", "xor", true },
};

/* Before opset 7 the second input's axes begin at `axis` of the first: ones are added behind them. */
static int shift_axes(struct step *s, struct onnx_value *b, struct tensor *shifted)
{
    const Onnx__AttributeProto *axis = step_attribute(s, "axis");
    if (s->r->opset >= 7 || !axis) return 0;
    int first = step_axis(s, axis->i, s->in[0]->dims.rank), rank = s->in[0]->dims.rank - first;
    if (first < 0) return -EINVAL;
    if (!b->known || b->dims.rank > rank) return step_refuse(s, "its second input must be constant, and fit");
    while (b->dims.rank < rank) b->dims.dim[b->dims.rank++] = 1;
    *shifted = *b->known;
    shifted->dims = b->dims;
    b->known = shifted;
    return 0;
}

/* Of two or more inputs, one after the other. */
static int read_binary(struct step *s)
{
    struct onnx_value y = { 0 }, second;
    struct tensor shifted;
    size_t row = 0;
    int err = 0, dtype = ONNX_UNDEFINED;
    while (row + 1 < sizeof binary / sizeof *binary && strcmp(s->node->op_type, binary[row].op)) row++;
    const char *f = binary[row].f;
    if (!strcmp(f, "mod") && step_int(s, "fmod", 0)) f = "fmod";
    for (int i = 0; i < s->inputs; i++)
        if (!step_has(s, i)) return step_refuse(s, "input %d is missing", i + 1);
    if (s->inputs == 1) return read_identity(s);
    if (s->inputs < 2) return step_refuse(s, "it has no inputs");
    dtype = s->in[0]->dtype;
    second = *s->in[1];
    err = shift_axes(s, &second, &shifted);
    for (int i = 1; !err && i < s->inputs; i++)
        err = value_binary(s, f, i > 1 ? &y : s->in[0], i > 1 ? s->in[i] : &second, &y);
    if (!err && !strcmp(s->node->op_type, "Mean")) err = value_scalar(s, "div", &y, s->inputs, &y);
    if (!err && !binary[row].compares) return out(s, value_cast(s, &y, dtype, &y), &y);
    y.dtype = ONNX_BOOL;
    return out(s, err, &y);
}

static int read_where(struct step *s)
{
    struct onnx_value y;
    if (!step_has(s, 0) || !step_has(s, 1) || !step_has(s, 2)) return step_refuse(s, "it needs three inputs");
    return out(s, value_where(s, s->in[0], s->in[1], s->in[2], &y), &y);
}

#define UNARY(op) \
    { \
        op, 1, 0, "", 0, 0, false, false, read_unary \
    }
#define BINARY(op, attributes) \
    { \
        op, 1, 0, attributes " axis broadcast consumed_inputs", 0, 0, false, false, read_binary \
    }
const struct onnx_row onnx_pointwise_rows[] = {
    UNARY("Abs"),
    UNARY("Acos"),
    UNARY("Acosh"),
    UNARY("Asin"),
    UNARY("Asinh"),
    UNARY("Atan"),
    UNARY("Atanh"),
    UNARY("Ceil"),
    UNARY("Cos"),
    UNARY("Cosh"),
    UNARY("Erf"),
    UNARY("Exp"),
    UNARY("Floor"),
    UNARY("IsNaN"),
    UNARY("Log"),
    UNARY("Neg"),
    UNARY("Not"),
    UNARY("Reciprocal"),
    UNARY("Round"),
    UNARY("Sign"),
    UNARY("Sin"),
    UNARY("Sinh"),
    UNARY("Sqrt"),
    UNARY("Tan"),
    BINARY("Add", ""),
    BINARY("And", ""),
    BINARY("Div", ""),
    BINARY("Equal", ""),
    BINARY("Greater", ""),
    BINARY("GreaterOrEqual", ""),
    BINARY("Less", ""),
    BINARY("LessOrEqual", ""),
    BINARY("Max", ""),
    BINARY("Mean", ""),
    BINARY("Min", ""),
    BINARY("Mod", "fmod"),
    BINARY("Mul", ""),
    BINARY("Or", ""),
    BINARY("Pow", ""),
    BINARY("Sub", ""),
    BINARY("Sum", ""),
    BINARY("Xor", ""),
    { "Cast", 6, 0, "to saturate", 0, 0, false, false, read_cast },
    { "CastLike", 15, 0, "saturate", 0, 0, false, false, read_cast },
    { "Celu", 12, 0, "alpha", 0, 0, false, false, read_celu },
    { "Clip", 1, 0, "max min consumed_inputs", 0, 1u << 1 | 1u << 2, false, false, read_clip },
    { "Dropout", 1, 0, "ratio seed is_test consumed_inputs", 0, 1u << 1 | 1u << 2, false, false, read_dropout },
    { "Elu", 1, 0, "alpha consumed_inputs", 0, 0, false, false, read_elu },
    { "Gelu", 20, 0, "approximate", 0, 0, false, false, read_gelu },
    { "HardSigmoid", 1, 0, "alpha beta consumed_inputs", 0, 0, false, false, read_hard_sigmoid },
    { "HardSwish", 14, 0, "", 0, 0, false, false, read_hard_swish },
    { "Identity", 1, 0, "", 0, 0, false, false, read_identity },
    { "IsInf", 10, 0, "detect_negative detect_positive", 0, 0, false, false, read_is_inf },
    { "LeakyRelu", 1, 0, "alpha consumed_inputs", 0, 0, false, false, read_leaky_relu },
    { "PRelu", 1, 0, "consumed_inputs", 1u << 1, 0, false, false, read_prelu },
    { "Relu", 1, 0, "consumed_inputs", 0, 0, false, false, read_relu },
    { "Selu", 1, 0, "alpha gamma consumed_inputs", 0, 0, false, false, read_selu },
    { "Shrink", 9, 0, "bias lambd", 0, 0, false, false, read_shrink },
    { "Sigmoid", 1, 0, "consumed_inputs", 0, 0, false, false, read_sigmoid },
    { "Softplus", 1, 0, "", 0, 0, false, false, read_softplus },
    { "Softsign", 1, 0, "", 0, 0, false, false, read_softsign },
    { "Tanh", 1, 0, "consumed_inputs", 0, 0, false, false, read_tanh },
    { "ThresholdedRelu", 10, 0, "alpha", 0, 0, false, false, read_thresholded_relu },
    { "Where", 9, 0, "", 0, 0, false, false, read_where },
    { 0 },
};
