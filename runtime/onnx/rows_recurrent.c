/* SPDX-License-Identifier: BSD-3-Clause */
/* LSTM, GRU and RNN: one layer each, in one or both directions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "onnx/rows.h"

enum { X, W, R, B, LENGTHS, H, C, PEEPHOLES };

/* An operator: its gates here, by their number in ONNX. */
struct cell {
    const char *op;
    int gates, gate[4];
    const char *activations; /* of a direction */
    int states;              /* h, or h and c */
};

static const struct cell lstm = { "lstm", 4, { 0, 2, 3, 1 }, "Sigmoid Tanh Tanh ", 2 };
static const struct cell gru = { "gru", 3, { 1, 0, 2 }, "Sigmoid Tanh ", 1 };
static const struct cell rnn = { "rnn", 1, { 0 }, "Tanh ", 1 };

/* Whether all directions have these functions, in words each with a space behind it. */
static bool has_activations(const struct step *s, const char *words, int directions)
{
    char given[200] = "", want[200] = "";
    const Onnx__AttributeProto *a = step_attribute(s, "activations");
    for (size_t i = 0; a && i < a->n_strings; i++)
        snprintf(given + strlen(given), sizeof given - strlen(given), "%.*s ", (int)a->strings[i].len,
                 a->strings[i].data);
    for (int d = 0; d < directions; d++) strcat(want, words);
    return !a || !strcmp(given, want);
}

/* Rows of the gates of one direction in the order of the operation, of `cols` numbers each. */
static double *gates_of(const struct cell *cell, const double *from, int64_t hidden, int64_t cols)
{
    int64_t each = hidden * cols;
    double *to = malloc(((size_t)(cell->gates * each) + 1) * sizeof *to);
    for (int g = 0; to && g < cell->gates; g++)
        memcpy(to + g * each, from + cell->gate[g] * each, (size_t)each * sizeof *to);
    return to;
}

/* The weights of direction d. */
static int set_direction(struct step *s, const struct cell *cell, const char *layer, int d, int64_t hidden)
{
    char name[40];
    int64_t rows = cell->gates * hidden;
    int err = 0;
    for (int i = W; !err && i <= R; i++) {
        const struct tensor *t = s->in[i]->known;
        int64_t cols = t->dims.dim[2];
        snprintf(name, sizeof name, "weight_%s_l0%s", i == W ? "ih" : "hh", d ? "_reverse" : "");
        err = step_weight(s, layer, name, gates_of(cell, t->number + d * rows * cols, hidden, cols), rows * cols,
                          s->in[i]->trains);
    }
    for (int i = 0; !err && step_has(s, B) && i < 2; i++) {
        snprintf(name, sizeof name, "bias_%s_l0%s", i ? "hh" : "ih", d ? "_reverse" : "");
        const double *from = s->in[B]->known->number + (2 * d + i) * rows;
        err = step_weight(s, layer, name, gates_of(cell, from, hidden, 1), rows, s->in[B]->trains);
    }
    return err;
}

static int check_weights(struct step *s, const struct cell *cell, int64_t hidden, int directions, int64_t channels)
{
    const struct tensor *w = step_known(s, W), *r = w ? step_known(s, R) : NULL;
    const struct tensor *b = r && step_has(s, B) ? step_known(s, B) : r;
    if (!b) return -EINVAL;
    const struct dims want_w = { 3, { directions, cell->gates * hidden, channels } };
    const struct dims want_r = { 3, { directions, cell->gates * hidden, hidden } };
    const struct dims want_b = { 2, { directions, 2 * cell->gates * hidden } };
    if (dims_equal(&w->dims, &want_w) && dims_equal(&r->dims, &want_r) && (b == r || dims_equal(&b->dims, &want_b)))
        return 0;
    return step_refuse(s, "its weights do not fit %d directions of %lld hidden values", directions, (long long)hidden);
}

static bool is_zero(const struct tensor *t)
{
    for (int64_t i = 0; i < t->count; i++)
        if (t->number[i] != 0) return false;
    return true;
}

/* A state before the first step, {directions, batch, hidden}, or with layout 1 the batch first. */
static int initial(struct step *s, int i, bool batch_first, struct hsgd_value **out)
{
    struct onnx_value h;
    int place[] = { batch_first ? BATCH : 0, batch_first ? 0 : BATCH, 1 };
    if (s->in[i]->dims.rank != 3) return step_refuse(s, "its initial state must have 3 dimensions");
    int err = step_align(s, s->in[i], &s->in[i]->dims, place, &h);
    *out = h.v;
    return err;
}

/* x, lengths and states: their number, or an errno. */
static int inputs_of(struct step *s, const struct cell *cell, const struct onnx_value *x, bool batch_first,
                     struct hsgd_value *in[4])
{
    int n = 1, err = 0;
    in[0] = x->v;
    if (step_has(s, LENGTHS)) {
        if (s->in[LENGTHS]->known) return step_refuse(s, "constant lengths are not supported");
        in[n++] = s->in[LENGTHS]->v;
    }
    bool h = step_has(s, H) && !(s->in[H]->known && is_zero(s->in[H]->known));
    bool c = cell->states == 2 && step_has(s, C) && !(s->in[C]->known && is_zero(s->in[C]->known));
    if (cell->states == 2 && h != c) return step_refuse(s, "only one of its initial states is given");
    if (h) err = initial(s, H, batch_first, &in[n++]);
    if (!err && c) err = initial(s, C, batch_first, &in[n++]);
    return err ? err : n;
}

/* {steps, channels} of a sample, whatever the order of the axes is in ONNX. */
static int sequence_of(struct step *s, bool batch_first, struct onnx_value *x)
{
    int place[] = { batch_first ? BATCH : 0, batch_first ? 0 : BATCH, 1 };
    if (!step_has(s, X) || s->in[X]->known || s->in[X]->dims.rank != 3)
        return step_refuse(s, "its input must have 3 dimensions");
    if (value_batch_axis(s->in[X]) != !batch_first)
        return step_refuse_batch(s, "axis %d is not the batch", !batch_first);
    return step_place(s, s->in[X], place, x);
}

/* Y, {steps, directions, batch, hidden}, and the states after the last step. */
static int give(struct step *s, const struct cell *cell, const struct onnx_value *x, struct hsgd_value *v,
                int64_t hidden, int directions, bool batch_first)
{
    int64_t steps = x->dims.dim[batch_first], batch = x->dims.dim[!batch_first];
    int64_t lies[] = { steps, directions, hidden };
    struct onnx_value y = { .dtype = x->dtype };
    y.dims = batch_first ? (struct dims){ 4, { batch, steps, directions, hidden } }
                         : (struct dims){ 4, { steps, directions, batch, hidden } };
    memcpy(y.place, batch_first ? (int[]){ BATCH, 0, 1, 2 } : (int[]){ 0, 1, BATCH, 2 }, 4 * sizeof *y.place);
    int err = s->outputs > 0 && *s->node->output[0]
                  ? step_out(s, 0, &y, NULL, step_reshape(s, hsgd_output(v, 0), 3, lies))
                  : 0;
    y.dims = batch_first ? (struct dims){ 3, { batch, directions, hidden } }
                         : (struct dims){ 3, { directions, batch, hidden } };
    memcpy(y.place, batch_first ? (int[]){ BATCH, 0, 1 } : (int[]){ 0, BATCH, 1 }, 3 * sizeof *y.place);
    for (int i = 1; !err && i <= cell->states && i < s->outputs; i++)
        if (*s->node->output[i]) err = step_out(s, i, &y, NULL, hsgd_output(v, i));
    return err;
}

static int recurrent(struct step *s, const struct cell *cell)
{
    struct onnx_value x;
    struct hsgd_value *in[4];
    char name[LAYER_NAME];
    bool batch_first = step_int(s, "layout", 0) != 0, both = step_is(s, "direction", "bidirectional", "forward");
    int directions = both ? 2 : 1;
    if (!both && !step_is(s, "direction", "forward", "forward"))
        return step_refuse(s, "the direction must not be reverse");
    if (!has_activations(s, cell->activations, directions)) return step_refuse(s, "its activations are not supported");
    if (step_has(s, PEEPHOLES)) return step_refuse(s, "peepholes are not supported");
    int err = sequence_of(s, batch_first, &x);
    if (err) return err;
    int64_t hidden = step_int(s, "hidden_size", step_has(s, R) ? s->in[R]->dims.dim[2] : 0);
    if (hidden < 1 || hidden > 16384) return step_refuse(s, "hidden_size cannot be %lld", (long long)hidden);
    err = check_weights(s, cell, hidden, directions, x.dims.dim[2]);
    int n = err ? err : inputs_of(s, cell, &x, batch_first, in);
    if (n < 0) return n;
    struct hsgd_value *v = step_apply(s, cell->op, name, n, in, "hidden=%lld bidirectional=%s no_bias=%s",
                                      (long long)hidden, both ? "true" : "false", step_has(s, B) ? "false" : "true");
    for (int d = 0; v && !err && d < directions; d++) err = set_direction(s, cell, name, d, hidden);
    if (!v || err) return -EINVAL;
    return give(s, cell, &x, v, hidden, directions, batch_first);
}

static int read_lstm(struct step *s)
{
    if (step_int(s, "input_forget", 0)) return step_refuse(s, "input_forget is not supported");
    return recurrent(s, &lstm);
}

static int read_gru(struct step *s)
{
    if (step_int(s, "linear_before_reset", 0)) return recurrent(s, &gru);
    return step_refuse(s, "only linear_before_reset 1 is supported");
}

static int read_rnn(struct step *s) { return recurrent(s, &rnn); }

#define WEIGHTS (1u << W | 1u << R | 1u << B)
const struct onnx_row onnx_recurrent_rows[] = {
    { "GRU", 7, 0, "activations direction hidden_size layout linear_before_reset", WEIGHTS, 0, false, true, read_gru },
    { "LSTM", 7, 0, "activations direction hidden_size input_forget layout", WEIGHTS, 0, false, true, read_lstm },
    { "RNN", 7, 0, "activations direction hidden_size layout", WEIGHTS, 0, false, true, read_rnn },
    { 0 },
};
