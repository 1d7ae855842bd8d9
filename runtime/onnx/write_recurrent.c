/* SPDX-License-Identifier: BSD-3-Clause */
/* Recurrent networks: an operator of ONNX for each layer. */
#include <string.h>

#include "onnx/writer.h"

/* An operation: its gates in ONNX's order, by their number here. */
struct cell {
    const char *op;
    int64_t gates;
    int gate[4], states;
};

static const struct cell lstm = { "LSTM", 4, { 0, 3, 1, 2 }, 2 };
static const struct cell gru = { "GRU", 3, { 1, 0, 2 }, 1 };
static const struct cell rnn = { "RNN", 1, { 0 }, 1 };

/* What of a layer its weights are. */
struct layer {
    int number, directions, params; /* params: of a direction */
    int64_t hidden, channels;
};

static bool is_read(const struct writer *w, int value)
{
    const struct hsgd_model *m = w->model;
    bool read = false;
    for (const struct node *n = m->node; n < m->node + m->nnodes; n++)
        for (int i = 0; i < n->info.inputs; i++) read = read || n->in[i] == value;
    for (int i = 0; i < m->nresults; i++) read = read || m->result[i].value == value;
    return read;
}

/* Parameter `first` and after it, where one has `parts`, of each direction, gates in ONNX's order, one after the other. */
static const char *weights(struct writer *w, const struct cell *cell, const struct layer *l, int first, int parts,
                           int64_t cols)
{
    int64_t each = l->hidden * cols, dim[] = { l->directions, parts * cell->gates * l->hidden, cols };
    float *to = writer_memory(w, (size_t)(dim[0] * dim[1] * cols) * sizeof *to + 1), *at = to;
    for (int d = 0; at && d < l->directions; d++)
        for (int p = first; p < first + parts; p++)
            for (int g = 0; g < cell->gates; g++, at += each) {
                const float *from = write_param(w, (l->number * l->directions + d) * l->params + p);
                memcpy(at, from + cell->gate[g] * each, (size_t)each * sizeof *at);
            }
    const char *name = write_param_name(w, l->number * l->directions * l->params + first);
    if (to && name) write_tensor(w, name, parts > 1 ? 2 : 3, dim, to);
    return name;
}

/* What a node has beside x: lengths, and states before the first step, {layers x directions, batch, hidden}. */
struct given {
    const char *lengths, *state[2];
};

static struct given given_of(struct writer *w, const struct cell *cell)
{
    const struct hsgd_node *n = &w->node->info;
    const int64_t layers_first[] = { 1, 0, 2 };
    struct given g = { 0 };
    int first = n->inputs - cell->states;
    if (n->inputs > 1 && n->in[1].dtype == HSGD_I32) g.lengths = write_input(w, 1, AS_HERE);
    for (int i = 0; i < cell->states && n->inputs > (g.lengths ? 2 : 1); i++)
        g.state[i] = write_op(w, "Transpose", INPUTS(write_input(w, first + i, AS_HERE)),
                              ATTRIBUTES(INTS_("perm", 3, layers_first)));
    return g;
}

/* The states of a layer, of all of them. */
static const char *states_of(struct writer *w, const struct layer *l, const char *all)
{
    int64_t from = l->number * l->directions, to = from + l->directions;
    const char *axis = write_ints(w, 1, (int64_t[]){ 0 });
    return write_op(w, "Slice", INPUTS(all, write_ints(w, 1, &from), write_ints(w, 1, &to), axis), NULL);
}

/* {batch, steps, channels} to {batch, steps, directions x hidden}, and the states after the last step. */
static const char *write_layer(struct writer *w, const struct cell *cell, const struct layer *l,
                               const struct given *given, const char *x, const char *states[2])
{
    const int64_t steps_first[] = { 1, 0, 2 }, batch_first[] = { 2, 0, 1, 3 };
    const int64_t shape[] = { 0, 0, l->directions * l->hidden };
    const char *in[7] = { write_op(w, "Transpose", INPUTS(x), ATTRIBUTES(INTS_("perm", 3, steps_first))) };
    const char *out[3];
    int inputs = l->params > 2 ? 4 : 3;
    in[1] = weights(w, cell, l, 0, 1, l->channels);
    in[2] = weights(w, cell, l, 1, 1, l->hidden);
    in[3] = l->params > 2 ? weights(w, cell, l, 2, 2, 1) : "";
    in[4] = given->lengths ? given->lengths : "";
    if (given->lengths) inputs = 5;
    for (int i = 0; i < cell->states && given->state[i]; i++, inputs = 5 + i)
        in[5 + i] = states_of(w, l, given->state[i]);
    for (int i = 0; i <= cell->states; i++) out[i] = writer_text(w, "%s_%d", w->node->name, ++w->names);
    bool gated = !strcmp(cell->op, "GRU");
    write_ops(w, cell->op, inputs, in, 1 + cell->states, out,
              ATTRIBUTES(INT_("hidden_size", l->hidden),
                         TEXT_("direction", l->directions > 1 ? "bidirectional" : "forward"),
                         { gated ? "linear_before_reset" : NULL, 2, 0, 1, NULL, 0, NULL }));
    for (int i = 0; i < cell->states; i++) states[i] = out[1 + i];
    const char *y = write_op(w, "Transpose", INPUTS(out[0]), ATTRIBUTES(INTS_("perm", 4, batch_first)));
    return write_op(w, "Reshape", INPUTS(y, write_ints(w, 3, shape)), NULL);
}

static int write_cells(struct writer *w, const struct cell *cell)
{
    const int64_t batch_first[] = { 1, 0, 2 };
    const char *state[2][8], *x = write_input(w, 0, AS_HERE);
    int layers = write_int(w, "layers");
    struct layer l = { 0, write_int(w, "bidirectional") ? 2 : 1, write_int(w, "no_bias") ? 2 : 4,
                       write_int(w, "hidden"), hsgd_type_channels(&w->node->info.in[0]) };
    if (write_int(w, "nonlinearity")) return writer_refuse(w, "its nonlinearity is not written");
    struct given given = given_of(w, cell);
    for (; l.number < layers && l.number < 8; l.number++) {
        const char *after[2];
        x = write_layer(w, cell, &l, &given, x, after);
        for (int i = 0; i < cell->states; i++) state[i][l.number] = after[i];
        l.channels = l.directions * l.hidden;
    }
    write_output(w, 0, AS_HERE, x);
    for (int i = 0; i < cell->states; i++) {
        if (!is_read(w, w->node->out[1 + i])) continue;
        const char *all =
            layers > 1 ? write_op(w, "Concat", layers, state[i], ATTRIBUTES(INT_("axis", 0))) : state[i][0];
        write_output(w, 1 + i, AS_HERE,
                     write_op(w, "Transpose", INPUTS(all), ATTRIBUTES(INTS_("perm", 3, batch_first))));
    }
    return 0;
}

static int write_lstm(struct writer *w) { return write_cells(w, &lstm); }
static int write_gru(struct writer *w) { return write_cells(w, &gru); }
static int write_rnn(struct writer *w) { return write_cells(w, &rnn); }

const struct write_row write_recurrent_rows[] = {
    { "gru", write_gru },
    { "lstm", write_lstm },
    { "rnn", write_rnn },
    { 0 },
};
