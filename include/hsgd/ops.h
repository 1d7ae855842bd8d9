/* SPDX-License-Identifier: BSD-3-Clause */
/* The library's operations and their attributes; what an operation is, is in
 * <hsgd/op.h>. */
#ifndef HSGD_OPS_H
#define HSGD_OPS_H

#include <hsgd/losses.h>
#include <hsgd/op.h>

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

/* y[n][oy][ox][o] = act(b[o] + sum_{ky,kx,c} x[n][oy s + ky - p][ox s + kx - p][c] w[o][ky][kx][c]),
 * x zero outside; kernel x kernel taps, stride s, padding p < kernel.
 * weight: out_channels x kernel x kernel x in_channels; bias: out_channels.
 * Source: Goodfellow et al., Deep Learning, 9.5. */
/* y[n][oy][ox][o] = act(b[o] + sum_{ky,kx,c} x[n][oy s + ky d - p][ox s + kx d - p][c] w[o][ky][kx][c]),
 * x zero outside; kernel x kernel taps, stride s, dilation d, padding p < d (kernel - 1) + 1.
 * groups: inputs and outputs are divided into so many equal groups, and c are the
 * channels of o's group; as many as channels: a depthwise convolution.  kernel_w,
 * stride_w and dilation_w: of columns, where they are not those of rows; 0: they are.
 * pads: {4, {top, left, bottom, right}} in place of padding.  groups, dilation 0: 1.
 * weight: out_channels x kernel x kernel_w x in_channels / groups; bias: out_channels.
 * Aliasing: none.  Errors: groups do not divide the channels, or the window does not
 * fit.  Source: Goodfellow et al., Deep Learning, 9.5; Chollet 2017. */
struct hsgd_conv2d {
    int out_channels, kernel, stride, padding;
    enum hsgd_activation activation;
    enum hsgd_init init;
    bool no_bias;
    int groups, dilation;
    int kernel_w, stride_w, dilation_w;
    struct hsgd_ints pads;
};
HSGD_API extern const struct hsgd_op hsgd_op_conv2d;

/* The same of a sequence {t, c}: y[n][t][o] = act(b[o] + sum_{k,c} x[n][t s + k d - p][c] w[o][k][c]).
 * pads: {2, {left, right}} in place of padding.
 * weight: out_channels x kernel x in_channels / groups; bias: out_channels. */
struct hsgd_conv1d {
    int out_channels, kernel, stride, padding;
    enum hsgd_activation activation;
    enum hsgd_init init;
    bool no_bias;
    int groups, dilation;
    struct hsgd_ints pads;
};
HSGD_API extern const struct hsgd_op hsgd_op_conv1d;

/* The transpose of conv2d, as PyTorch's: y is zero but for the bias, and x[n][iy][ix][c] adds
 * its product with w[c][ky][kx][o] to y[n][iy s + ky d - p][ix s + kx d - p][o], o of c's group.
 * y has (h - 1) s - top - bottom + d (kernel - 1) + 1 + output_padding rows, and columns
 * likewise; 0 <= output_padding < max(s, d).  The rest as conv2d's.
 * weight: in_channels x kernel x kernel_w x out_channels / groups; bias: out_channels.
 * Aliasing: none.  Errors: as conv2d's.  Source: Dumoulin & Visin 2016. */
struct hsgd_conv_transpose2d {
    int out_channels, kernel, stride, padding;
    enum hsgd_activation activation;
    enum hsgd_init init;
    bool no_bias;
    int groups, dilation;
    int kernel_w, stride_w, dilation_w;
    struct hsgd_ints pads;
    int output_padding;
};
HSGD_API extern const struct hsgd_op hsgd_op_conv_transpose2d;

/* The maximum of each window of an image {h, w, c}, or of a sequence {t, c}; stride
 * 0: the kernel.  Windows are those of conv2d, conv1d; their cells outside do not
 * count, and one that has none inside gives -infinity.  ceil_mode: a last window may
 * begin in the image and end beyond its padding.  The gradient goes to the first
 * maximum of the window in row-major order.  Aliasing: none. */
struct hsgd_max_pool {
    int kernel, stride, padding;
    int kernel_w, stride_w, dilation, dilation_w;
    struct hsgd_ints pads;
    bool ceil_mode;
};
/* The mean of each such window, over its positions inside; count_include_pad: the
 * padding counts as zeros. */
struct hsgd_avg_pool {
    int kernel, stride, padding;
    int kernel_w, stride_w;
    struct hsgd_ints pads;
    bool ceil_mode, count_include_pad;
};
HSGD_API extern const struct hsgd_op hsgd_op_max_pool, hsgd_op_avg_pool;

/* output_size x output_size_w (0: output_size) means or maxima: window i of o along an
 * axis of n is [floor(i n / o), ceil((i + 1) n / o)), as PyTorch's.  Of a sequence
 * output_size means or maxima.  Aliasing: none. */
struct hsgd_adaptive_avg_pool {
    int output_size, output_size_w;
};
/* As hsgd_adaptive_avg_pool. */
struct hsgd_adaptive_max_pool {
    int output_size, output_size_w;
};
HSGD_API extern const struct hsgd_op hsgd_op_adaptive_avg_pool, hsgd_op_adaptive_max_pool;

/* y = the mean of each channel (the last axis) over all positions: {h, w, c} or
 * {t, c} become {c}.  Aliasing: none.  Source: Lin, Chen, Yan 2013. */
HSGD_API extern const struct hsgd_op hsgd_op_global_avg_pool;

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

/* y[p] = x[p] + weight[before + p]: a learned vector for each position p of {t, c}, t <=
 * length; weight: length x c.  before: the positions that a session has seen, else 0; those
 * from length on give NaN.  init has fan_in = fan_out = c.
 * Aliasing: none.  Source: Vaswani et al. 2017, 3.5. */
struct hsgd_positions {
    int length;
    enum hsgd_init init;
};
HSGD_API extern const struct hsgd_op hsgd_op_positions;

/* Rotations of queries and keys by the angles p base^(-2i / d) at position p, i < d/2,
 * of the elements i and i + d/2 of each head (as GPT-NeoX, and LLaMA in Hugging Face's
 * files), or 2i and 2i + 1 (as GPT-J). */
enum hsgd_rotary { HSGD_NO_ROTARY, HSGD_ROTARY_HALVES, HSGD_ROTARY_PAIRS };

/* y = softmax(scale q k^T) v of each head, from q {t, heads d}, k and v {s, kv_heads d}:
 * the inputs are these three, or one {t, (heads + 2 kv_heads) d} that has them one after
 * the other; y is {t, heads d}.  One more input, an integer: only so many keys count; where
 * none does y is 0.  kv_heads (0: heads) divides heads; heads / kv_heads neighbouring heads
 * of q have one of k and v.  causal: query i sees keys j <= i.  scale 0: 1 / sqrt(d).
 * rotary: q and k are rotated by their position; base 0: 10000.
 * Memory is that of inputs and output, and a number for each query and head.
 * context: an inference session keeps keys and values of at most so many positions, from run
 * to run; a position beyond gives NaN.  0: each run begins anew.  It must be causal, without
 * lengths.
 * Aliasing: none.  Source: Vaswani et al. 2017; Dao et al. 2022; Su et al. 2021; Ainslie et
 * al. 2023. */
struct hsgd_attention {
    int heads, kv_heads;
    bool causal;
    enum hsgd_rotary rotary;
    float base, scale;
    int context;
};
HSGD_API extern const struct hsgd_op hsgd_op_attention;
/* y = weight, of dimensions `dims`, the same for each sample: a learned table, or constants
 * if it is frozen.  x says nothing but that there are samples, and gets no gradient but 0.
 * No dims: one number.  weight: dims, or of more than 4 dimensions one vector; at first 0.
 * Aliasing: none. */
struct hsgd_parameter {
    struct hsgd_ints dims;
};
HSGD_API extern const struct hsgd_op hsgd_op_parameter;

/* Recurrent networks of x, {t, channels}: from step to step a state h, `hidden`
 * floats, which is also the step's y; with sigma(z) = 1 / (1 + exp(-z)) and
 * a_k = x_t W_ih,k^T + b_ih,k, r_k = h_{t-1} W_hh,k^T + b_hh,k of each gate k:
 * lstm  i, f, g, o = sigma, sigma, tanh, sigma of a_k + r_k;
 *       c_t = f c_{t-1} + i g;  h_t = o tanh(c_t)
 * gru   r, z = sigma(a_k + r_k);  n = tanh(a_n + r r_n);  h_t = (1 - z) n + z h_{t-1}
 * rnn   h_t = f(a + r), f tanh or relu
 * `layers`, each on y of the one before; in training with dropout between them, as
 * hsgd_op_dropout.  bidirectional: a second network in each layer goes from the last
 * step to the first; y are those of both, one after the other.
 * Inputs: x; optional the number of steps of the sample, an i32, where a number below 0
 * counts as 0 and one above t as t; optional h (and c), {layers directions, hidden},
 * before the first step, else 0.  Outputs: y, {t, directions hidden}; h (and c) after
 * the last step.  Steps beyond the length leave the state as it is, their y is 0, and
 * the second direction begins at the last step before them.
 * A session keeps h (and c) from run to run, if no states are given and the network is
 * not bidirectional.
 * Parameters of each layer and direction, in PyTorch's names, order of gates and
 * layout: weight_ih_l<k>, gates hidden x channels, weight_hh_l<k>, gates hidden x
 * hidden, bias_ih_l<k>, bias_hh_l<k>, gates hidden; those of the second direction end
 * in _reverse.  At most 8 layers; layers 0: 1.  Aliasing: none.
 * Source: Hochreiter & Schmidhuber 1997; Cho et al. 2014; Elman 1990. */
struct hsgd_lstm {
    int hidden, layers;
    bool bidirectional, no_bias;
    float dropout;
};
/* See hsgd_lstm. */
struct hsgd_gru {
    int hidden, layers;
    bool bidirectional, no_bias;
    float dropout;
};
/* What hsgd_rnn applies to the sum. */
enum hsgd_nonlinearity { HSGD_NONLINEARITY_TANH, HSGD_NONLINEARITY_RELU };
/* See hsgd_lstm. */
struct hsgd_rnn {
    int hidden, layers;
    bool bidirectional, no_bias;
    float dropout;
    enum hsgd_nonlinearity nonlinearity;
};
HSGD_API extern const struct hsgd_op hsgd_op_lstm, hsgd_op_gru, hsgd_op_rnn;

/* Of x, {t, channels}, over the first n of the t positions of each sample, {channels}:
 * last: y = x[n - 1];  mean_positions: the mean;  max_positions: the maximum, whose
 * gradient goes to the first of equals.  n is the second input, an i32, which counts as
 * 0 below 0 and as t above t; without it n = t.  Of no positions y is 0.
 * Aliasing: none. */
HSGD_API extern const struct hsgd_op hsgd_op_last, hsgd_op_mean_positions, hsgd_op_max_positions;

/* Which box each cell of a grid is to find, of boxes x[0], {n, 5}: class, centre x and y,
 * width and height as fractions of the image; a class below 0 is no box.  x[1] is the image,
 * {h, w, c}, of which only the size counts: the grid has ceil(h / stride) rows and
 * ceil(w / stride) columns, which divide it evenly.  A cell is to find, of the boxes whose
 * centre it contains or has in both directions within `radius` cells of its own centre, the
 * one of the smallest area, the first of equals.
 * y[0], {rows, columns}, integers: the class of that box, plus 1; 0 of none.
 * y[1], {rows, columns, 4}: with (u, v) the cell's centre, (x - u) columns, (y - v) rows,
 * log(width columns), log(height rows); 0 of none.
 * A box that is not finite or has no size makes y[0] of its sample -1 everywhere, which is no
 * class.  Nothing has a gradient.  Aliasing: none.
 * Source: Girshick et al. 2014 (offsets); Tian et al., FCOS, 2019 (radius, smallest area). */
struct hsgd_assign_boxes {
    int stride;
    float radius;
};
HSGD_API extern const struct hsgd_op hsgd_op_assign_boxes;

/* What the cells of a grid have found: from scores x[0], {rows, columns, classes}, 0 to 1, of
 * which with has_background the first channel is no class, and offsets x[1], {rows, columns, 4},
 * as hsgd_assign_boxes has them, the boxes with the best scores by non-maximum suppression: the
 * best is taken, and of the others those of its class that overlap it by more than
 * iou_threshold (intersection over union) are left out; and so on.  y, {max_detections, 6}:
 * class, centre x and y, width and height of the part within the image, as fractions of it, and
 * score, from the best on; behind the last -1, 0, 0, 0, 0, 0.  Scores less than score_threshold
 * and those of offsets that are NaN do not count.  0: max_detections 32, iou_threshold 0.5,
 * score_threshold 0.05.  Nothing has a gradient.  Aliasing: none.
 * Source: Girshick et al. 2014. */
struct hsgd_detections {
    int max_detections;
    float iou_threshold, score_threshold;
    bool has_background;
};
HSGD_API extern const struct hsgd_op hsgd_op_detections;

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
