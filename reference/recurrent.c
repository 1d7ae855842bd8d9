/* SPDX-License-Identifier: BSD-3-Clause */
/* lstm, gru, rnn: with and without lengths, initial states, biases, dropout, in one slice and in three. */
#include <string.h>

#include "recurrent_net.h"
#include "reference.h"

/* --------------------------------------------------------------------- shapes */

/* Single-precision arguments and results. */
struct values {
    float *x, *h0, *c0, *dy, *dh, *dc, *w[MOST_PARAMS], *y, *h, *c, *dx, *start, *dh0, *dc0, *dw[MOST_PARAMS];
    int32_t *length;
};

static struct values draw(const struct net *s, bool has_states)
{
    int64_t x = (int64_t)s->rows * s->steps * s->in, y = (int64_t)s->rows * s->steps * s->directions * s->hidden;
    int64_t states = (int64_t)s->rows * s->layers * s->directions * s->hidden;
    float scale = 1.5f / sqrtf((float)s->hidden);
    struct values v = { .x = check_floats(x),
                        .dy = check_floats(y),
                        .dh = check_floats(states),
                        .dc = check_floats(states),
                        .y = check_floats(y),
                        .h = check_floats(states),
                        .c = check_floats(states),
                        .dx = check_floats(x),
                        .start = check_floats(x),
                        .dh0 = check_floats(states),
                        .dc0 = check_floats(states) };
    if (has_states) v.h0 = check_floats(states), v.c0 = check_floats(states);
    v.length = calloc((size_t)s->rows, sizeof *v.length);
    for (int r = 0; r < s->rows; r++) {
        int kind = check_int(0, 9);
        v.length[r] = kind == 0 ? 0 : kind == 1 ? s->steps : kind == 2 ? s->steps + 3 : check_int(-1, s->steps);
    }
    for (int i = 0; i < net_params(s); i++) {
        int64_t n = net_param_size(s, i);
        v.w[i] = check_floats(n), v.dw[i] = check_floats(n);
        for (int64_t k = 0; k < n; k++) v.w[i][k] *= scale;
    }
    return v;
}

static void drop_values(struct values *v, int params)
{
    free(v->x), free(v->h0), free(v->c0), free(v->dy), free(v->dh), free(v->dc), free(v->y), free(v->h), free(v->c);
    free(v->dx), free(v->start), free(v->dh0), free(v->dc0), free(v->length);
    for (int i = 0; i < params; i++) free(v->w[i]), free(v->dw[i]);
}

static void to_doubles(struct net *s, const struct values *v)
{
    int64_t x = (int64_t)s->rows * s->steps * s->in, y = (int64_t)s->rows * s->steps * s->directions * s->hidden;
    int64_t states = (int64_t)s->rows * s->layers * s->directions * s->hidden;
    s->x = check_doubles(v->x, x), s->dy = check_doubles(v->dy, y);
    s->h0 = check_doubles(v->h0, states), s->c0 = check_doubles(v->c0, states);
    s->dh = check_doubles(v->dh, states), s->dc = check_doubles(v->dc, states);
    for (int i = 0; i < net_params(s); i++) s->w[i] = check_doubles(v->w[i], net_param_size(s, i));
}

/* The largest of the values is the unit of their errors. */
static struct approx *bounded(const double *v, int64_t n)
{
    struct approx *a = check_approx(n);
    double most = 1;
    for (int64_t i = 0; i < n; i++) most = fmax(most, fabs(v[i]));
    for (int64_t i = 0; i < n; i++) a[i] = (struct approx){ v[i], NET_TOLERANCE * most };
    return a;
}

static void check_gradients(struct net *s, struct net_gradients *g)
{
    int64_t states = (int64_t)s->rows * s->layers * s->directions * s->hidden;
    check_gradient("dx", net_loss, s, s->x, g->x, (int64_t)s->rows * s->steps * s->in);
    check_gradient("dh0", net_loss, s, s->h0, g->h0, states);
    if (s->kind == LSTM) check_gradient("dc0", net_loss, s, s->c0, g->c0, states);
    for (int i = 0; i < net_params(s); i++) check_gradient("dw", net_loss, s, s->w[i], g->w[i], net_param_size(s, i));
    net_forward(s);
}

/* ------------------------------------------------------------------- devices */

static const struct hsgd_op *const ops[] = { &hsgd_op_lstm, &hsgd_op_gru, &hsgd_op_rnn };

/* Inputs and results in the operation's order: x, lengths, h0 and c0; y, h and c. */
static struct hsgd_op_call call_of(const struct net *s, struct values *v, bool wants_dx)
{
    const struct hsgd_type state = { HSGD_F32, 2, { s->layers * s->directions, s->hidden } };
    struct hsgd_op_call run = { .rows = s->rows, .inputs = 1, .in = { { HSGD_F32, 2, { s->steps, s->in } } } };
    run.x[0] = v->x, run.dx[0] = wants_dx ? v->dx : NULL;
    run.dy[0] = v->dy, run.dy[1] = v->dh, run.dy[2] = v->dc;
    run.y[0] = v->y, run.y[1] = v->h, run.y[2] = v->c;
    if (s->length) {
        run.in[run.inputs] = hsgd_number(HSGD_I32);
        run.x[run.inputs++] = v->length;
    }
    for (int k = 0; v->h0 && k < (s->kind == LSTM ? 2 : 1); k++, run.inputs++) {
        run.in[run.inputs] = state;
        run.x[run.inputs] = k ? v->c0 : v->h0;
        run.dx[run.inputs] = k ? v->dc0 : v->dh0;
    }
    for (int i = 0; i < net_params(s); i++) run.params[i] = v->w[i], run.gradients[i] = v->dw[i];
    run.training = true;
    run.adds = wants_dx && s->adds;
    return run;
}

static void compare_gradients(const struct net *s, const struct values *v, const struct net_gradients *g, bool wants_dx)
{
    int64_t states = (int64_t)s->rows * s->layers * s->directions * s->hidden;
    if (wants_dx) check_near("dx", v->dx, g->x, (int64_t)s->rows * s->steps * s->in);
    if (v->h0) check_near("dh0", v->dh0, g->h0, states);
    if (v->h0 && s->kind == LSTM) check_near("dc0", v->dc0, g->c0, states);
    for (int i = 0; i < net_params(s); i++) check_near("dw", v->dw[i], g->w[i], net_param_size(s, i));
}

static void compare(const struct net *s, struct values *v, const struct net_gradients *g, struct hsgd_op_call *run)
{
    struct hsgd_rnn rnn = { s->hidden, s->layers,  s->directions > 1,
                            !s->bias,  s->dropout, s->is_tanh ? HSGD_NONLINEARITY_TANH : HSGD_NONLINEARITY_RELU };
    struct hsgd_lstm a = { s->hidden, s->layers, s->directions > 1, !s->bias, s->dropout }; /* GRU's are the same */
    int64_t ny = (int64_t)s->rows * s->steps * s->directions * s->hidden, nx = (int64_t)s->rows * s->steps * s->in;
    int64_t states = (int64_t)s->rows * s->layers * s->directions * s->hidden;
    struct approx *y = bounded(s->of[s->layers - 1], ny), *h = bounded(s->h, states), *c = bounded(s->c, states);
    for (int d = 0; d < check_devices() && check_going(); d++) {
        memcpy(v->dx, v->start, (size_t)nx * sizeof *v->dx);
        check_run(d, ops[s->kind], s->kind == RNN ? (const void *)&rnn : &a, run, ny);
        check_near("y", v->y, y, ny);
        check_near("h", v->h, h, states);
        if (s->kind == LSTM) check_near("c", v->c, c, states);
        compare_gradients(s, v, g, run->dx[0]);
    }
    free(y), free(h), free(c);
}

static struct net some_net(enum net_kind kind, int turn)
{
    struct net s = { .kind = kind, .rows = check_size(20), .steps = check_size(turn % 4 ? 7 : 20) };
    s.hidden = check_size(turn % 5 ? 20 : 70), s.in = check_size(turn % 5 ? 20 : 70);
    s.layers = turn % 3 ? 1 : check_int(1, 3);
    s.directions = turn % 7 < 3 ? 2 : 1;
    s.bias = turn % 8 != 1;
    s.is_tanh = turn % 2;
    s.adds = turn % 9 == 2;
    s.dropout = s.layers > 1 && turn % 2 ? 0.3f : 0;
    s.dropping = s.dropout > 0;
    if (turn == 200)
        s = (struct net){ .kind = kind,
                          .rows = 2,
                          .steps = 3,
                          .hidden = 3,
                          .in = 2,
                          .layers = 8,
                          .directions = 2,
                          .bias = true,
                          .is_tanh = true };
    if (turn == 201)
        s = (struct net){ .kind = kind,
                          .rows = 1,
                          .steps = 200,
                          .hidden = 5,
                          .in = 3,
                          .layers = 1,
                          .directions = 1,
                          .bias = true,
                          .is_tanh = true };
    return s;
}

static void one(enum net_kind kind, int turn)
{
    struct net s = some_net(kind, turn);
    struct values v = draw(&s, turn % 6 == 4);
    struct net_gradients g = { .x = check_approx((int64_t)s.rows * s.steps * s.in) };
    int64_t states = (int64_t)s.rows * s.layers * s.directions * s.hidden;
    bool wants_dx = turn % 10 != 3;
    int slices[] = { (s.rows + 1) / 2, s.rows / 4, s.rows / 2 - s.rows / 4 };
    g.h0 = check_approx(states), g.c0 = check_approx(states);
    for (int i = 0; i < net_params(&s); i++) g.w[i] = check_approx(net_param_size(&s, i));
    if (turn % 3) s.length = v.length;
    check_shape("shape %d: %d samples of %dx%d, hidden %d, %d layers, %d directions, bias %d, dropout %g, lengths %d, "
                "initial states %d, adds %d",
                turn, s.rows, s.steps, s.in, s.hidden, s.layers, s.directions, s.bias, (double)s.dropout,
                s.length != NULL, v.h0 != NULL, s.adds);
    to_doubles(&s, &v);
    net_allocate(&s);
    net_forward(&s);
    for (int64_t i = 0; wants_dx && s.adds && i < (int64_t)s.rows * s.steps * s.in; i++) g.x[i].v = v.start[i];
    net_backward(&s, &g);
    if (s.rows * s.steps * s.hidden < 200 && !s.adds && (s.is_tanh || kind != RNN)) check_gradients(&s, &g);
    struct hsgd_op_call run = call_of(&s, &v, wants_dx);
    if (s.rows >= 4 && turn % 2) run.slices = slices, run.nslices = 3;
    compare(&s, &v, &g, &run);
    for (int i = 0; i < net_params(&s); i++) free(g.w[i]);
    free(g.x), free(g.h0), free(g.c0);
    drop_values(&v, net_params(&s));
    net_free(&s);
}

static void all(enum net_kind kind)
{
    for (int i = 0; i < 204 && check_going(); i++) one(kind, i);
}

void reference_lstm(void) { all(LSTM); }
void reference_gru(void) { all(GRU); }
void reference_rnn(void) { all(RNN); }
