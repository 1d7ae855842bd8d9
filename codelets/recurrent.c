/* SPDX-License-Identifier: BSD-3-Clause */
/* Recurrent networks: LSTM, GRU and the plain one, in layers and both directions. */
#include <limits.h>
#include <stdio.h>

#include "base/c_locale.h"
#include "recurrent.h"
#include "type_text.h"
#include "types.h"

enum { MAX_LAYERS = 8 };

/* -------------------------------------------------------------------- infer */

#define NAMES_OF(l, d) \
    { \
        "weight_ih_l" #l d, "weight_hh_l" #l d, "bias_ih_l" #l d, "bias_hh_l" #l d \
    }
#define NAMES(l) \
    { \
        NAMES_OF(l, ""), NAMES_OF(l, "_reverse") \
    }
static const char *const names[MAX_LAYERS][2][4] = { NAMES(0), NAMES(1), NAMES(2), NAMES(3),
                                                     NAMES(4), NAMES(5), NAMES(6), NAMES(7) };

static int check_attributes(const struct hsgd_rnn *a, char *why, size_t size)
{
    if (a->hidden < 1 || a->hidden > 16384) snprintf(why, size, "hidden must be in 1..16384, not %d", a->hidden);
    else if (a->layers < 1 || a->layers > MAX_LAYERS)
        snprintf(why, size, "layers must be in 1..%d, not %d", MAX_LAYERS, a->layers);
    else if (!(a->dropout >= 0 && a->dropout < 1))
        c_snprintf(why, size, "dropout must be in [0, 1), not %g", (double)a->dropout);
    else if ((unsigned)a->nonlinearity > HSGD_NONLINEARITY_RELU)
        snprintf(why, size, "nonlinearity must be tanh or relu");
    else return 0;
    return -1;
}

static int check_inputs(const struct hsgd_node *n, const struct cell *cell, const struct hsgd_type *state, char *why,
                        size_t size)
{
    const struct hsgd_type *x = &n->in[0];
    int first = first_state(n);
    if (x->rank != 2 || x->dtype != HSGD_F32) {
        snprintf(why, size, "the input must be of floats with the dimensions steps and channels, not %s",
                 type_text(x).text);
        return -1;
    }
    if (has_lengths(n) && n->in[1].rank) {
        snprintf(why, size, "lengths must be one integer, not %s", type_text(&n->in[1]).text);
        return -1;
    }
    if (first && n->inputs - first != cell->nstates) {
        snprintf(why, size, "behind x and lengths there are the initial states %s or none, not %d inputs", cell->states,
                 n->inputs - first);
        return -1;
    }
    for (int i = first; first && i < n->inputs; i++)
        if (n->in[i].dtype != HSGD_F32 || !same_dims(&n->in[i], state)) {
            snprintf(why, size, "an initial state must be %s, not %s", type_text(state).text,
                     type_text(&n->in[i]).text);
            return -1;
        }
    return 0;
}

/* As PyTorch: all uniform in +-1 / sqrt(hidden), which is He's with 6 times that fan-in. */
static void add_params(struct hsgd_node *n, const struct cell *cell, const struct hsgd_rnn *a)
{
    int h = a->hidden, rows = cell->gates * h, directions = directions_of(a);
    for (int l = 0; l < a->layers; l++)
        for (int d = 0; d < directions; d++) {
            int width[] = { l ? directions * h : n->in[0].dim[1], h };
            for (int k = W_IH; k <= W_HH; k++)
                add_param(n, .name = names[l][d][k], .rank = 2, .dim = { rows, width[k] }, .init = HSGD_INIT_HE,
                          .fan_in = 6 * h, .fan_out = rows, .in_order = true);
            for (int k = B_IH; !a->no_bias && k <= B_HH; k++)
                add_param(n, .name = names[l][d][k], .rank = 1, .dim = { rows }, .init = HSGD_INIT_HE, .fan_in = 6 * h,
                          .fan_out = rows, .no_decay = true);
        }
}

static int kept_vectors(const struct cell *cell, const struct hsgd_rnn *a)
{
    return a->layers * directions_of(a) * kept_of_direction(cell) + (a->layers - 1) * kept_of_layer(a);
}

static int infer(struct hsgd_node *n, const struct cell *cell, char *why, size_t size)
{
    const struct hsgd_rnn a = cell->of(n->attributes);
    if (check_attributes(&a, why, size)) return -1;
    int directions = directions_of(&a), stacked = a.layers * directions, h = a.hidden;
    const struct hsgd_type state = { HSGD_F32, 2, { stacked, h } };
    if (check_inputs(n, cell, &state, why, size)) return -1;
    int steps = n->in[0].dim[0], in = n->in[0].dim[1];
    double vectors = kept_vectors(cell, &a), widest = in > directions * h ? in : directions * h;
    if (steps * vectors * h > INT_MAX || cell->gates * h * widest > INT_MAX) {
        snprintf(why, size, "hidden %d is too large for inputs of %s", h, type_text(&n->in[0]).text);
        return -1;
    }
    n->outputs = 1 + cell->nstates;
    n->out[0] = (struct hsgd_type){ HSGD_F32, 2, { steps, directions * h } };
    for (int i = 1; i < n->outputs; i++) n->out[i] = state;
    n->kept = (int64_t)steps * (int64_t)vectors * h;
    if (!a.bidirectional && !first_state(n)) n->cache = (int64_t)stacked * cell->nstates * h;
    add_params(n, cell, &a);
    double inputs = (double)directions * in + (double)(a.layers - 1) * directions * directions * h;
    n->forward_flops = 2.0 * steps * cell->gates * h * (inputs + (double)stacked * h);
    n->backward_flops = 2 * n->forward_flops;
    return 0;
}

/* -------------------------------------------------------------- descriptors */

static struct hsgd_rnn of_lstm(const void *attributes)
{
    const struct hsgd_lstm *a = attributes;
    return (struct hsgd_rnn){ a->hidden, a->layers, a->bidirectional, a->no_bias, a->dropout, HSGD_NONLINEARITY_TANH };
}

static struct hsgd_rnn of_gru(const void *attributes)
{
    const struct hsgd_gru *a = attributes;
    return (struct hsgd_rnn){ a->hidden, a->layers, a->bidirectional, a->no_bias, a->dropout, HSGD_NONLINEARITY_TANH };
}

static struct hsgd_rnn of_rnn(const void *attributes) { return *(const struct hsgd_rnn *)attributes; }

static const struct cell lstm = { "h and c", 4, 4, 2, HSGD_KERNEL(lstm_step), HSGD_KERNEL(lstm_back), of_lstm };
static const struct cell gru = { "h", 3, 4, 1, HSGD_KERNEL(gru_step), HSGD_KERNEL(gru_back), of_gru };
static const struct cell rnn = { "h", 1, 1, 1, HSGD_KERNEL(rnn_step), HSGD_KERNEL(rnn_back), of_rnn };

static int lstm_infer(struct hsgd_node *n, char *why, size_t size) { return infer(n, &lstm, why, size); }
static int gru_infer(struct hsgd_node *n, char *why, size_t size) { return infer(n, &gru, why, size); }
static int rnn_infer(struct hsgd_node *n, char *why, size_t size) { return infer(n, &rnn, why, size); }
static void lstm_forward(struct hsgd_emit *e) { recurrent_forward(e, &lstm); }
static void gru_forward(struct hsgd_emit *e) { recurrent_forward(e, &gru); }
static void rnn_forward(struct hsgd_emit *e) { recurrent_forward(e, &rnn); }
static void lstm_backward(struct hsgd_emit *e) { recurrent_backward(e, &lstm); }
static void gru_backward(struct hsgd_emit *e) { recurrent_backward(e, &gru); }
static void rnn_backward(struct hsgd_emit *e) { recurrent_backward(e, &rnn); }

#define FIELDS(kind) \
    { "hidden", HSGD_INT, offsetof(struct kind, hidden), true, 0, NULL }, \
        { "layers", HSGD_INT, offsetof(struct kind, layers), false, 1, NULL }, \
        { "bidirectional", HSGD_BOOL, offsetof(struct kind, bidirectional), false, 0, NULL }, \
        { "no_bias", HSGD_BOOL, offsetof(struct kind, no_bias), false, 0, NULL }, \
    { \
        "dropout", HSGD_FLOAT, offsetof(struct kind, dropout), false, 0, NULL \
    }
static const struct hsgd_attribute lstm_fields[] = { FIELDS(hsgd_lstm), { 0 } };
static const struct hsgd_attribute gru_fields[] = { FIELDS(hsgd_gru), { 0 } };
static const struct hsgd_attribute rnn_fields[] = {
    FIELDS(hsgd_rnn),
    { "nonlinearity", HSGD_WORD, offsetof(struct hsgd_rnn, nonlinearity), false, HSGD_NONLINEARITY_TANH, "tanh relu" },
    { 0 }
};

/* Backward reads x and lengths. */
const struct hsgd_op hsgd_op_lstm = {
    .name = "lstm",
    .attributes_size = sizeof(struct hsgd_lstm),
    .fields = lstm_fields,
    .max_inputs = 4,
    .layouts = 1u << HSGD_NHWC,
    .keeps_in = 3,
    .adds = 1,
    .infer = lstm_infer,
    .forward = { { lstm_forward } },
    .backward = { { lstm_backward } },
};
const struct hsgd_op hsgd_op_gru = {
    .name = "gru",
    .attributes_size = sizeof(struct hsgd_gru),
    .fields = gru_fields,
    .max_inputs = 3,
    .layouts = 1u << HSGD_NHWC,
    .keeps_in = 3,
    .adds = 1,
    .infer = gru_infer,
    .forward = { { gru_forward } },
    .backward = { { gru_backward } },
};
const struct hsgd_op hsgd_op_rnn = {
    .name = "rnn",
    .attributes_size = sizeof(struct hsgd_rnn),
    .fields = rnn_fields,
    .max_inputs = 3,
    .layouts = 1u << HSGD_NHWC,
    .keeps_in = 3,
    .adds = 1,
    .infer = rnn_infer,
    .forward = { { rnn_forward } },
    .backward = { { rnn_backward } },
};
