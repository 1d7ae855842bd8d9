/* SPDX-License-Identifier: BSD-3-Clause */
/* The library's operations on sequences, and their attributes; a part of <hsgd/ops.h>. */
#ifndef HSGD_SEQUENCES_H
#define HSGD_SEQUENCES_H

#include <hsgd/op.h>

#ifdef __cplusplus
extern "C" {
#endif

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

#ifdef __cplusplus
}
#endif
#endif
