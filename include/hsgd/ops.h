/* SPDX-License-Identifier: BSD-3-Clause */
/* The library's operations and their attributes; what an operation is, is in
 * <hsgd/op.h>. */
#ifndef HSGD_OPS_H
#define HSGD_OPS_H

#include <hsgd/images.h>
#include <hsgd/losses.h>
#include <hsgd/op.h>
#include <hsgd/sequences.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The library's operations, from 0; NULL after the last. */
HSGD_API const struct hsgd_op *hsgd_op_at(int i);
/* The operation of this name, as in model files; NULL: unknown name. */
HSGD_API const struct hsgd_op *hsgd_op_by_name(const char *name);

/* y = act(x W + b) for each vector of channels, the last axis; weight W: channels x
 * units, bias b: units.  transposed: y = act(x W^T + b) with W: units x channels, as
 * an embedding has it, whose table the layer can use then (hsgd_share()).
 * Aliasing: none.  Source: Goodfellow et al., Deep Learning, 6.4. */
struct hsgd_dense {
    int units;
    enum hsgd_activation activation;
    bool no_bias;
    enum hsgd_init init;
    bool transposed;
};
HSGD_API extern const struct hsgd_op hsgd_op_dense;

/* y = (x - mean) / sqrt(variance + epsilon) w + b for each channel (the last
 * axis).  In training mean and variance are those of the whole batch over all
 * positions, and the running ones move by `momentum` towards them (the variance
 * unbiased); outside training the running ones are used.  Any shape but one number.
 * epsilon 0: 1e-5, momentum 0: 0.1.
 * weight, bias: c; states running_mean, running_var: c, num_batches_tracked: one
 * number, exact up to 2^24.
 * Aliasing: none.  Source: Ioffe & Szegedy 2015; Chan, Golub, LeVeque 1979. */
struct hsgd_batch_norm {
    float epsilon, momentum;
};
HSGD_API extern const struct hsgd_op hsgd_op_batch_norm;

/* y = (x - mean) / sqrt(variance + epsilon) w + b, mean and variance over the
 * last axis at each position.  Any shape but one number.  epsilon 0: 1e-5.
 * weight, bias: as long as the last axis.
 * Aliasing: none.  Source: Ba, Kiros, Hinton 2016. */
struct hsgd_layer_norm {
    float epsilon;
};
HSGD_API extern const struct hsgd_op hsgd_op_layer_norm;

/* y = x / sqrt(mean of x^2 + epsilon) w, the mean over the last axis at each
 * position.  Any shape but one number.  epsilon 0: 1e-5.  weight: as long as the
 * last axis.
 * Aliasing: none.  Source: Zhang & Sennrich 2019. */
struct hsgd_rms_norm {
    float epsilon;
};
HSGD_API extern const struct hsgd_op hsgd_op_rms_norm;

/* y = (x - mean) / sqrt(variance + epsilon) w + b of each sample, mean and variance
 * over all positions and the channels of a group; num_groups equal groups divide the
 * channels, the last axis.  Any shape but one number.  epsilon 0: 1e-5.
 * weight, bias: as long as the last axis; no_affine: without them.
 * Aliasing: none.  Source: Wu & He 2018. */
struct hsgd_group_norm {
    int num_groups;
    float epsilon;
    bool no_affine;
};
/* The same with a group for each channel, and without weight and bias unless affine;
 * needs positions.  Source: Ulyanov, Vedaldi, Lempitsky 2016. */
struct hsgd_instance_norm {
    float epsilon;
    bool affine;
};
HSGD_API extern const struct hsgd_op hsgd_op_group_norm, hsgd_op_instance_norm;

/* y = act(x), element by element. */
struct hsgd_activate {
    enum hsgd_activation activation;
};
HSGD_API extern const struct hsgd_op hsgd_op_activate;

/* y = max(0, x); tanh x; 1 / (1 + exp(-x)), element by element.  Any shape.
 * Aliasing: none. */
HSGD_API extern const struct hsgd_op hsgd_op_relu, hsgd_op_tanh, hsgd_op_sigmoid;

/* y = x Phi(x), Phi the distribution function of the standard normal
 * distribution; tanh: y = x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))).  Any shape.
 * Aliasing: none.  Source: Hendrycks & Gimpel 2016. */
struct hsgd_gelu {
    bool tanh;
};
HSGD_API extern const struct hsgd_op hsgd_op_gelu;

/* y = f(x), element by element, as PyTorch has them.  Any shape of floats.
 * leaky_relu: x where x > 0, else slope x; slope 0: 0.01.
 * elu: x where x > 0, else alpha (exp(x) - 1); alpha 0: 1.
 * selu: 1.0507 elu(x) with alpha 1.67326.  silu: x / (1 + exp(-x)).
 * softplus: log(1 + exp(beta x)) / beta, and x where beta x > threshold; beta 0: 1,
 * threshold 0: 20.
 * hard_sigmoid: slope x + offset, at least 0 and at most 1; slope 0: 1/6, offset 0: 1/2.
 * hard_swish: x times hard_sigmoid(x).
 * clip: x, at least min and at most max; both 0: -1 and 1.  ReLU6 is clip to 0 and 6.
 * At a kink of the last three the gradient is 0.
 * Aliasing: none.  Errors: a parameter is not finite, beta or threshold not positive,
 * min not less than max.  Sources: Maas et al. 2013; Clevert et al. 2016; Klambauer et
 * al. 2017; Elfwing et al. 2018; Dugas et al. 2001; Howard et al. 2019. */
struct hsgd_leaky_relu {
    float slope;
};
/* Parameters of elu, see leaky_relu. */
struct hsgd_elu {
    float alpha;
};
/* Parameters of softplus, see leaky_relu. */
struct hsgd_softplus {
    float beta, threshold;
};
/* Parameters of hard_sigmoid, see leaky_relu. */
struct hsgd_hard_sigmoid {
    float slope, offset;
};
/* Parameters of clip, see leaky_relu. */
struct hsgd_clip {
    float min, max;
};
HSGD_API extern const struct hsgd_op hsgd_op_leaky_relu, hsgd_op_elu, hsgd_op_selu, hsgd_op_silu, hsgd_op_softplus,
    hsgd_op_hard_sigmoid, hsgd_op_hard_swish, hsgd_op_clip;

/* Functions of one value (from NEG), of two (from ADD) and of three (WHERE: the second
 * where the first is not 0, else the third).  Truth is 1 and 0.  ROUND: halves to even;
 * MOD has the sign of the divisor, FMOD that of the dividend, and DIV of integers is
 * rounded towards 0. */
enum hsgd_function {
    HSGD_FUNCTION_NEG,
    HSGD_FUNCTION_ABS,
    HSGD_FUNCTION_SIGN,
    HSGD_FUNCTION_NOT,
    HSGD_FUNCTION_SQUARE,
    HSGD_FUNCTION_FLOOR,
    HSGD_FUNCTION_CEIL,
    HSGD_FUNCTION_ROUND,
    HSGD_FUNCTION_RECIPROCAL,
    HSGD_FUNCTION_SQRT,
    HSGD_FUNCTION_EXP,
    HSGD_FUNCTION_LOG,
    HSGD_FUNCTION_ERF,
    HSGD_FUNCTION_SIN,
    HSGD_FUNCTION_COS,
    HSGD_FUNCTION_TAN,
    HSGD_FUNCTION_ASIN,
    HSGD_FUNCTION_ACOS,
    HSGD_FUNCTION_ATAN,
    HSGD_FUNCTION_SINH,
    HSGD_FUNCTION_COSH,
    HSGD_FUNCTION_ASINH,
    HSGD_FUNCTION_ACOSH,
    HSGD_FUNCTION_ATANH,
    HSGD_FUNCTION_IS_NAN,
    HSGD_FUNCTION_IS_INF,
    HSGD_FUNCTION_TO_INT,
    HSGD_FUNCTION_TO_FLOAT,
    HSGD_FUNCTION_ADD,
    HSGD_FUNCTION_SUB,
    HSGD_FUNCTION_MUL,
    HSGD_FUNCTION_DIV,
    HSGD_FUNCTION_MOD,
    HSGD_FUNCTION_FMOD,
    HSGD_FUNCTION_MIN,
    HSGD_FUNCTION_MAX,
    HSGD_FUNCTION_POW,
    HSGD_FUNCTION_EQUAL,
    HSGD_FUNCTION_LESS,
    HSGD_FUNCTION_LESS_EQUAL,
    HSGD_FUNCTION_GREATER,
    HSGD_FUNCTION_GREATER_EQUAL,
    HSGD_FUNCTION_AND,
    HSGD_FUNCTION_OR,
    HSGD_FUNCTION_XOR,
    HSGD_FUNCTION_WHERE
};

/* y = f(x[0], x[1], ..), element by element; all inputs have one type, of floats or, for
 * what integers have, of integers, and y has it, too; TO_INT and TO_FLOAT convert.
 * With one input less than f has operands, `value` is the last operand, or where
 * value_first, the one before it: function SUB, value 1: x - 1, or 1 - x.
 * Gradients are PyTorch's: 0 of steps, truths and remainders' quotients; equal operands
 * of MIN and MAX share it, and an input takes all of it that equals `value`.
 * Integers wrap around, and a quotient by 0 is 0.  Aliasing: none.
 * Errors: the number of inputs or their types do not fit the function. */
struct hsgd_pointwise {
    enum hsgd_function function;
    float value;
    bool value_first;
};
HSGD_API extern const struct hsgd_op hsgd_op_pointwise;

/* softmax: y = exp(x) / sum_c exp(x_c) along an axis (0: the last), without overflow;
 * log_softmax: its logarithm.  Any shape but one number.  Aliasing: none.
 * Errors: x has no such axis.  Source: Goodfellow et al., Deep Learning, 6.2.2. */
struct hsgd_softmax {
    int axis;
};
/* Parameters of log_softmax, see softmax. */
struct hsgd_log_softmax {
    int axis;
};
HSGD_API extern const struct hsgd_op hsgd_op_softmax, hsgd_op_log_softmax;

/* L1: sum |x|, L2: the root of SUM_SQUARE, LOG_SUM: log(sum x), LOG_SUM_EXP: log(sum
 * exp(x)), without overflow. */
enum hsgd_reduction {
    HSGD_REDUCE_SUM,
    HSGD_REDUCE_MEAN,
    HSGD_REDUCE_MAX,
    HSGD_REDUCE_MIN,
    HSGD_REDUCE_PROD,
    HSGD_REDUCE_L1,
    HSGD_REDUCE_L2,
    HSGD_REDUCE_SUM_SQUARE,
    HSGD_REDUCE_LOG_SUM,
    HSGD_REDUCE_LOG_SUM_EXP
};

/* y = the function of all numbers along the axes (from 1, or -1 from the last; none
 * given: all), which are then gone, or have size 1 with keepdims.  Equals share the
 * gradient of a maximum or minimum.  Of integers there are SUM, MAX, MIN, PROD, L1 and
 * SUM_SQUARE, which wrap around.  Aliasing: none.  Errors: an axis twice, or that x does
 * not have; another function of integers. */
struct hsgd_reduce {
    enum hsgd_reduction function;
    struct hsgd_ints axes;
    bool keepdims;
};
HSGD_API extern const struct hsgd_op hsgd_op_reduce;

/* y = the index, from 0, of the largest number along an axis (0: the last), or with
 * `min` of the smallest: of equals the first, or with `last` the last; 32-bit integers,
 * which have no gradient.  x is of floats or integers.  keepdims: the axis has size 1,
 * else it is gone.  Aliasing: none.  Errors: x has no such axis. */
struct hsgd_arg_max {
    int axis;
    bool min, last, keepdims;
};
HSGD_API extern const struct hsgd_op hsgd_op_arg_max;

/* y_i = x_0 + .. + x_i along an axis (0: the last), of floats or of integers, which wrap
 * around; exclusive: without x_i; reverse: x_i + .. to the end.  Any shape but one
 * number.  Aliasing: none.  Errors: x has no such axis. */
struct hsgd_cumsum {
    int axis;
    bool exclusive, reverse;
};
HSGD_API extern const struct hsgd_op hsgd_op_cumsum;

/* y[0] = the k largest numbers along an axis (0: the last) in falling order, or with `min`
 * the k smallest in rising order; y[1] = their indices, from 0, 32-bit integers.  Of
 * equals those of lower indices come first; NaN is above all numbers.  x is of floats,
 * whose gradient goes to the numbers that were taken, or of integers.  Aliasing: none.
 * Errors: x has no such axis, or fewer than k numbers along it. */
struct hsgd_top_values {
    int k, axis;
    bool min;
};
HSGD_API extern const struct hsgd_op hsgd_op_top_values;

/* y = op(a) op(b), {.., m, k} x {.., k, n} = {.., m, n}: matrix by matrix of the last two
 * axes; the other axes are equal.  Its attributes are those of struct hsgd_matmul that
 * say what is transposed; others are not read.  Aliasing: none.  Errors: shapes that do
 * not fit. */
HSGD_API extern const struct hsgd_op hsgd_op_matmul;

/* y[.., c] = weight[x[..]][c]: x are integers of any rank, y has one dimension more.
 * A token that is not in [0, entries) gives zeros and no gradient.  weight:
 * entries x channels, in weight files as it is stored; init has fan_in = fan_out =
 * channels.  x has no gradient.  Aliasing: none. */
struct hsgd_embedding {
    int entries, channels;
    enum hsgd_init init;
};
HSGD_API extern const struct hsgd_op hsgd_op_embedding;

/* y = weight, of dimensions `dims`, the same for each sample: a learned table, or constants
 * if it is frozen.  x says nothing but that there are samples, and gets no gradient but 0.
 * No dims: one number.  weight: dims, or of more than 4 dimensions one vector; at first 0.
 * Aliasing: none. */
struct hsgd_parameter {
    struct hsgd_ints dims;
};
HSGD_API extern const struct hsgd_op hsgd_op_parameter;

/* add: y = a + b; mul: y = a b, element by element; both inputs have one type.
 * Aliasing: none. */
HSGD_API extern const struct hsgd_op hsgd_op_add, hsgd_op_mul;

/* Axes of a sample, in attributes, count as PyTorch's `dim`, where 0 is the batch:
 * from 1, or from -1, the last, backwards.  Operations that move values take floats
 * and 32-bit integers.
 *
 * y = the inputs one after the other along an axis; 0: -1, the channels.  2 to 16
 * inputs whose other dimensions are equal.  Aliasing: none. */
struct hsgd_concat {
    int axis;
};
HSGD_API extern const struct hsgd_op hsgd_op_concat;

/* y[i] = indices [sum_{k<i} sizes[k], sum_{k<=i} sizes[k]) of an axis of x (0: -1,
 * the channels); or `parts` outputs of equal size.  At most 16 outputs.
 * Aliasing: none.  Errors: both or neither are given, or they do not fit. */
struct hsgd_split {
    struct hsgd_ints sizes;
    int parts, axis;
};
HSGD_API extern const struct hsgd_op hsgd_op_split;

/* y = of the axes[i] of x the indices starts[i], starts[i] + steps[i], .. before
 * ends[i], which with a negative step go down.  Starts and ends below 0 count from the
 * end, and what lies outside means the nearest; all as in Python, but that an end
 * before index 0 is one far below 0.  No axes: the first ones; no steps: 1.
 * Aliasing: none.  Errors: lists of different length, an axis twice, nothing is left.
 * Source: ONNX, Slice. */
struct hsgd_slice {
    struct hsgd_ints starts, ends, axes, steps;
};
HSGD_API extern const struct hsgd_op hsgd_op_slice;

/* y = x with axis permutation[i] as its axis i: dim_i(y) = dim_{permutation[i]}(x).
 * Each axis is there once.  Aliasing: none. */
struct hsgd_transpose {
    struct hsgd_ints permutation;
};
HSGD_API extern const struct hsgd_op hsgd_op_transpose;

/* y = x, repeated along axes of size 1 until it has the dimensions `dims`; x's axes
 * are the last ones.  -1: as x, or 1.  Without dims: those of a second input, whose
 * values do not matter.  The gradient is the sum over all places of a value.
 * Aliasing: none.  Errors: both or neither are given, or they do not fit. */
struct hsgd_broadcast {
    struct hsgd_ints dims;
};
HSGD_API extern const struct hsgd_op hsgd_op_broadcast;

/* y = x repeats[i] times along its axis i: 0 1 2 0 1 2.  Of axes without a number
 * once.  The gradient is the sum over all places of a value.  Aliasing: none. */
struct hsgd_tile {
    struct hsgd_ints repeats;
};
/* Each index of axis i scales[i] times: 0 0 1 1 2 2, which enlarges an image {h, w, c}
 * by scales {2, 2}; else as hsgd_tile.  PyTorch's Upsample with mode="nearest". */
struct hsgd_upsample {
    struct hsgd_ints scales;
};
HSGD_API extern const struct hsgd_op hsgd_op_tile, hsgd_op_upsample;

/* y[.., i, ..] = x[.., indices[i], ..] along an axis; an index below 0 counts from the
 * end.  An index may appear several times.  Aliasing: none.
 * Errors: there is no such index.  Source: ONNX, Gather. */
struct hsgd_gather {
    struct hsgd_ints indices;
    int axis;
};
HSGD_API extern const struct hsgd_op hsgd_op_gather;

/* y = x with before[i] more indices in front of axes[i], and after[i] behind it; a
 * negative number takes away as many, before anything is added.  What is added is
 * `value`, or: reflect: 2 1 |0 1 2| 1 0; edge: 0 0 |0 1 2| 2 2; circular:
 * 1 2 |0 1 2| 0 1.  No axes: the first ones; one of before and after may be absent.
 * Aliasing: none.  Errors: lists of different length, an axis twice, a border for
 * which a mode has no values, nothing is left.  Source: ONNX, Pad. */
enum hsgd_pad_mode { HSGD_PAD_CONSTANT, HSGD_PAD_REFLECT, HSGD_PAD_EDGE, HSGD_PAD_CIRCULAR };
/* See there. */
struct hsgd_pad {
    struct hsgd_ints before, after, axes;
    enum hsgd_pad_mode mode;
    float value;
};
HSGD_API extern const struct hsgd_op hsgd_op_pad;

/* x with these dimensions, in the same order of values; a view.  One dimension may
 * be -1: what is left.  No dimensions: one number.  Errors: they do not fit. */
struct hsgd_reshape {
    struct hsgd_ints dims;
};
HSGD_API extern const struct hsgd_op hsgd_op_reshape;

/* In training y = x / (1 - p) with probability 1 - p, else 0; otherwise y = x.
 * Source: Srivastava et al. 2014 (inverted form). */
struct hsgd_dropout {
    float p;
};
HSGD_API extern const struct hsgd_op hsgd_op_dropout;

/* A sample of any shape as a vector, in the same order; a view. */
HSGD_API extern const struct hsgd_op hsgd_op_flatten;

#ifdef __cplusplus
}
#endif
#endif
