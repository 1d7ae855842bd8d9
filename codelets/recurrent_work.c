/* SPDX-License-Identifier: BSD-3-Clause */
/* The work of recurrent networks.
 *
 * What a position has of its own, gates = x W_ih^T, is one product for all of them;
 * then each step is the product h W_hh^T and a kernel.  Backward goes the steps back, in
 * which gates become their gradients, and ends with one product for each weight and for
 * the input.
 *
 * All that a cell keeps has the samples of a step one after the other, so that a step's
 * gates are contiguous: they stay in the cache between product and kernel.  The node's
 * own input and output have the steps of a sample one after the other. */
#include "recurrent.h"
#include "strided.h"

/* ------------------------------------------------------------------- places */

static const struct hsgd_ref absent = { .buffer = -1 };

/* A cell's work; `x` is the node's input by steps, `state` has h (and c) of the step of each layer and direction,
 * {rows, hidden} each. */
struct job {
    struct hsgd_emit *e;
    const struct cell *cell;
    struct hsgd_rnn a;
    int rows, steps, hidden, directions;
    struct hsgd_ref lengths, x, state, product, no_bias;
};

static struct job job_of(struct hsgd_emit *e, const struct cell *cell)
{
    struct job j = { .e = e, .cell = cell, .a = cell->of(e->node->attributes), .rows = e->rows };
    j.steps = e->node->in[0].dim[0];
    j.hidden = j.a.hidden;
    j.directions = directions_of(&j.a);
    j.lengths = has_lengths(e->node) ? e->x[1] : absent;
    return j;
}

/* Vectors of hidden floats behind the first so many of all positions. */
static struct hsgd_ref kept_at(const struct job *j, int vectors)
{
    return hsgd_at(j->e->kept, (int64_t)vectors * j->rows * j->steps * j->hidden);
}

/* Of step t and those after it. */
static struct hsgd_ref gates_at(const struct job *j, int l, int d, int t)
{
    struct hsgd_ref all = kept_at(j, (l * j->directions + d) * kept_of_direction(j->cell));
    return hsgd_at(all, (int64_t)t * j->rows * j->cell->kept * j->hidden);
}

/* State k before each step, from step t on. */
static struct hsgd_ref before_at(const struct job *j, int l, int d, int k, int t)
{
    struct hsgd_ref all = kept_at(j, (l * j->directions + d) * kept_of_direction(j->cell) + j->cell->kept + k);
    return hsgd_at(all, (int64_t)t * j->rows * j->hidden);
}

static bool drops(const struct job *j) { return j->a.dropout > 0 && j->e->training; }

static bool is_last(const struct job *j, int l) { return l == j->a.layers - 1; }

/* What layer l gives, of each position directions hidden floats. */
static struct hsgd_ref output_at(const struct job *j, int l)
{
    int before = j->a.layers * j->directions * kept_of_direction(j->cell) + l * kept_of_layer(&j->a);
    return is_last(j, l) ? j->e->y[0] : kept_at(j, before);
}

/* Floats from one sample to the next in what a layer gives, or in its gradient. */
static int sample_stride(const struct job *j, int l)
{
    return j->directions * j->hidden * (is_last(j, l) ? j->steps : 1);
}

/* One direction's floats of step t there. */
static struct hsgd_ref step_at(const struct job *j, int l, int d, int t, struct hsgd_ref all)
{
    int64_t step = (int64_t)j->directions * j->hidden * (is_last(j, l) ? 1 : j->rows);
    return hsgd_at(all, t * step + d * j->hidden);
}

/* What it takes. */
static struct hsgd_ref input_at(const struct job *j, int l)
{
    if (!l) return j->x;
    struct hsgd_ref below = output_at(j, l - 1);
    return drops(j) ? hsgd_at(below, (int64_t)j->directions * j->rows * j->steps * j->hidden) : below;
}

static int width_of(const struct job *j, int l) { return l ? j->directions * j->hidden : j->e->node->in[0].dim[1]; }

static int param_of(const struct job *j, int l, int d, int k)
{
    return (l * j->directions + d) * (j->a.no_bias ? 2 : 4) + k;
}

/* A parameter's place; that of a bias that the network does not have is absent. */
static struct hsgd_ref weight_at(const struct job *j, int l, int d, int k)
{
    return k >= B_IH && j->a.no_bias ? absent : hsgd_param_at(j->e, param_of(j, l, d, k));
}

static struct hsgd_ref gradient_at(const struct job *j, int l, int d, int k)
{
    return k >= B_IH && j->a.no_bias ? absent : j->e->gradient[param_of(j, l, d, k)];
}

/* A kernel does not read a buffer that is absent, but it must have one. */
static struct hsgd_ref either(struct hsgd_ref r, struct hsgd_ref other) { return hsgd_wanted(r) ? r : other; }

static struct hsgd_ref state_at(const struct job *j, int l, int d, int k)
{
    int before = (l * j->directions + d) * j->cell->nstates + k;
    return hsgd_at(j->state, (int64_t)before * j->rows * j->hidden);
}

static void zero(struct hsgd_emit *e, struct hsgd_ref to, int n)
{
    struct zero_args a = { n };
    HSGD_LAUNCH(e, HSGD_KERNEL(zero), HSGD_ITEMS, n, &a, to);
}

/* Between the state of a layer and direction, and its place among all those of a sample. */
static void copy_state(const struct job *j, struct hsgd_ref all, int l, int d, struct hsgd_ref one, bool to_one)
{
    int whole = j->a.layers * j->directions * j->hidden, n = j->hidden;
    struct copy_columns_args a = { j->rows, n, to_one ? whole : n, to_one ? n : whole };
    all = hsgd_at(all, (l * j->directions + d) * n);
    HSGD_LAUNCH(j->e, HSGD_KERNEL(copy_columns), HSGD_WARPS, a.rows, &a, to_one ? all : one, to_one ? one : all);
}

static struct recurrent_args step_args(const struct job *j, int l, int step, int d)
{
    return (struct recurrent_args){ .rows = j->rows,
                                    .hidden = j->hidden,
                                    .t = d ? j->steps - 1 - step : step,
                                    .stride = sample_stride(j, l),
                                    .has_lengths = hsgd_wanted(j->lengths),
                                    .is_relu = j->a.nonlinearity == HSGD_NONLINEARITY_RELU };
}

/* Whether the samples' steps and the steps' samples are the same order. */
static bool is_one_order(const struct job *j) { return j->rows == 1 || j->steps == 1; }

/* From the node's order to the cell's. */
static struct strided turn(const struct job *j, int width)
{
    struct strided s = strided_begin(j->e, (int64_t)j->steps * width, width);
    strided_add(&s, j->steps, width, (int64_t)j->rows * width);
    strided_add(&s, width, 1, 1);
    return s;
}

static void begin_input(struct job *j)
{
    int width = width_of(j, 0);
    j->x = j->e->x[0];
    if (is_one_order(j)) return;
    j->x = hsgd_scratch(j->e, (int64_t)j->rows * j->steps * width);
    emit_strided_copy(j->e, turn(j, width), j->e->x[0], j->x);
}

/* ------------------------------------------------------------------ dropout */

/* A layer's values, or their gradients, with the mask of that layer. */
static void drop(const struct job *j, int l, struct hsgd_ref from, struct hsgd_ref to)
{
    emit_dropout_steps(j->e, j->steps, width_of(j, l), j->e->number + (l << 16), j->a.dropout, from, to);
}

/* ------------------------------------------------------------------ forward */

/* h, c = those that a session has kept, the initial ones that are given, or 0. */
static void begin_states(struct job *j)
{
    struct hsgd_emit *e = j->e;
    int n = j->cell->nstates * j->a.layers * j->directions * j->rows * j->hidden, first = first_state(e->node);
    j->state = hsgd_wanted(e->cache) ? e->cache : hsgd_scratch(e, n);
    if (hsgd_wanted(e->cache)) return;
    if (!first) zero(e, j->state, n);
    for (int l = 0; first && l < j->a.layers; l++)
        for (int d = 0; d < j->directions; d++)
            for (int k = 0; k < j->cell->nstates; k++) copy_state(j, e->x[first + k], l, d, state_at(j, l, d, k), true);
}

/* Of GRU the product has a place of its own, as one of its gates takes it apart from the input's. */
static bool is_apart(const struct cell *cell) { return cell->kept > cell->gates; }

/* A weight, as the second operand of products with so many steps. */
struct weight {
    struct hsgd_ref place;
    bool transpose;
    int stride;
};
enum { MANY_STEPS = 8 };

/* From many steps on a copy that is transposed pays: products with it are faster. */
static struct weight weight_for_steps(const struct job *j, int l, int d, int k, int cols)
{
    int rows = j->cell->gates * j->hidden;
    struct weight w = { weight_at(j, l, d, k), true, cols };
    if (j->steps < MANY_STEPS) return w;
    struct hsgd_ref copy = hsgd_scratch(j->e, (int64_t)rows * cols);
    struct strided s = { .unit = 1 };
    strided_add(&s, rows, cols, 1);
    strided_add(&s, cols, 1, rows);
    emit_strided_copy(j->e, s, w.place, copy);
    return (struct weight){ copy, false, rows };
}

static void step(const struct job *j, int l, int d, int number, struct weight w)
{
    int h = j->hidden, rows = j->cell->gates * h;
    struct recurrent_args a = step_args(j, l, number, d);
    struct hsgd_ref gates = gates_at(j, l, d, a.t), of_h = state_at(j, l, d, 0);
    struct hsgd_matmul p = { .m = j->rows, .n = rows, .k = h, .lda = h, .ldb = w.stride, .ldc = rows };
    p.transpose_b = w.transpose;
    p.accumulate = !is_apart(j->cell);
    hsgd_emit_matmul(j->e, &p, of_h, w.place, p.accumulate ? gates : j->product, absent);
    /* The last is LSTM's, the one before not the plain network's. */
    const struct hsgd_ref refs[] = { gates,
                                     either(weight_at(j, l, d, B_IH), j->no_bias),
                                     either(weight_at(j, l, d, B_HH), j->no_bias),
                                     either(j->lengths, gates),
                                     of_h,
                                     before_at(j, l, d, 0, a.t),
                                     step_at(j, l, d, a.t, output_at(j, l)),
                                     is_apart(j->cell) ? j->product : state_at(j, l, d, 1),
                                     before_at(j, l, d, 1, a.t) };
    hsgd_launch(j->e, j->cell->step, HSGD_ROWS, a.rows, &a, refs);
}

static void forward_layer(const struct job *j, int l, int d)
{
    int width = width_of(j, l);
    int64_t used = j->e->scratch_used;
    struct weight of_x = weight_for_steps(j, l, d, W_IH, width), of_h = weight_for_steps(j, l, d, W_HH, j->hidden);
    struct hsgd_matmul p = { .m = j->rows * j->steps,
                             .n = j->cell->gates * j->hidden,
                             .k = width,
                             .lda = width,
                             .ldb = of_x.stride,
                             .ldc = j->cell->kept * j->hidden,
                             .transpose_b = of_x.transpose };
    hsgd_emit_matmul(j->e, &p, input_at(j, l), of_x.place, gates_at(j, l, d, 0), absent);
    for (int i = 0; i < j->steps; i++) step(j, l, d, i, of_h);
    j->e->scratch_used = used;
    for (int k = 0; k < j->cell->nstates; k++) copy_state(j, j->e->y[1 + k], l, d, state_at(j, l, d, k), false);
}

void recurrent_forward(struct hsgd_emit *e, const struct cell *cell)
{
    struct job j = job_of(e, cell);
    int rows = cell->gates * j.hidden;
    begin_input(&j);
    begin_states(&j);
    if (is_apart(cell)) j.product = hsgd_scratch(e, (int64_t)j.rows * rows);
    if (j.a.no_bias) zero(e, j.no_bias = hsgd_scratch(e, rows), rows);
    for (int l = 0; l < j.a.layers; l++) {
        if (l && drops(&j)) drop(&j, l, output_at(&j, l - 1), input_at(&j, l));
        for (int d = 0; d < j.directions; d++) forward_layer(&j, l, d);
    }
}

/* ----------------------------------------------------------------- backward */

/* What backward has at hand, {rows, vectors hidden} of one step: gradients of the states, and of GRU's product. */
struct back {
    struct hsgd_ref state[2], d;
};

static void step_back(const struct job *j, const struct back *b, int l, int d, int number, struct hsgd_ref dy)
{
    int h = j->hidden, rows = j->cell->gates * h;
    struct recurrent_args a = step_args(j, l, j->steps - 1 - number, d);
    struct hsgd_matmul p = { .m = j->rows, .n = h, .k = rows, .lda = rows, .ldb = h, .ldc = h, .accumulate = true };
    struct hsgd_ref gates = gates_at(j, l, d, a.t);
    a.has_dy = hsgd_wanted(dy);
    const struct hsgd_ref refs[] = {
        gates,       either(step_at(j, l, d, a.t, dy), gates),      either(j->lengths, gates),
        b->state[0], before_at(j, l, d, j->cell->nstates - 1, a.t), is_apart(j->cell) ? b->d : b->state[1]
    }; /* not the plain network's last two */
    hsgd_launch(j->e, j->cell->back, HSGD_ROWS, a.rows, &a, refs);
    hsgd_emit_matmul(j->e, &p, is_apart(j->cell) ? b->d : gates, weight_at(j, l, d, W_HH), b->state[0], absent);
}

/* Gradients of `rows` rows of a weight, from vectors of gates' gradients, and of that many of a bias. */
static void rows_gradient(const struct job *j, struct hsgd_ref gates, int rows, struct hsgd_ref in, int width,
                          struct hsgd_ref out, struct hsgd_ref of_bias)
{
    int stride = j->cell->kept * j->hidden, positions = j->rows * j->steps;
    struct hsgd_matmul p = {
        .m = rows, .n = width, .k = positions, .lda = stride, .ldb = width, .ldc = width, .transpose_a = true
    };
    if (hsgd_wanted(out)) hsgd_emit_matmul(j->e, &p, gates, in, out, absent);
    if (hsgd_wanted(of_bias)) emit_column_sums(j->e, positions, rows, stride, gates, of_bias);
}

/* Of GRU the last gate has a vector of its own for the product with h; of the others the biases have one gradient. */
static void weight_gradients(const struct job *j, int l, int d)
{
    int h = j->hidden, rows = j->cell->gates * h, apart = is_apart(j->cell) ? h : 0, same = rows - apart;
    struct hsgd_ref gates = gates_at(j, l, d, 0), before = before_at(j, l, d, 0, 0);
    struct hsgd_ref w = gradient_at(j, l, d, W_HH), b = gradient_at(j, l, d, B_HH), of_ih = gradient_at(j, l, d, B_IH);
    bool copied = !apart && hsgd_wanted(b) && hsgd_wanted(of_ih);
    struct copy_args copy = { rows };
    rows_gradient(j, gates, rows, input_at(j, l), width_of(j, l), gradient_at(j, l, d, W_IH), of_ih);
    rows_gradient(j, gates, same, before, h, w, copied ? absent : b);
    if (copied) HSGD_LAUNCH(j->e, HSGD_KERNEL(copy), HSGD_ITEMS, rows, &copy, of_ih, b);
    if (apart)
        rows_gradient(j, hsgd_at(gates, rows), apart, before, h, hsgd_at(w, (int64_t)same * h), hsgd_at(b, same));
}

/* dx (+)= the gates' gradients times W_ih */
static void input_gradient(const struct job *j, int l, int d, struct hsgd_ref dx, bool add)
{
    int width = width_of(j, l);
    struct hsgd_matmul p = { .m = j->rows * j->steps,
                             .n = width,
                             .k = j->cell->gates * j->hidden,
                             .lda = j->cell->kept * j->hidden,
                             .ldb = width,
                             .ldc = width,
                             .accumulate = add };
    hsgd_emit_matmul(j->e, &p, gates_at(j, l, d, 0), weight_at(j, l, d, W_IH), dx, absent);
}

/* The node's dx (+)= the sum over its directions. */
static void first_input_gradient(const struct job *j)
{
    struct hsgd_emit *e = j->e;
    int width = width_of(j, 0);
    bool add = e->adds & 1, turned = !is_one_order(j);
    struct hsgd_ref dx = e->dx[0];
    if (!hsgd_wanted(dx)) return;
    if (turned) dx = hsgd_scratch(e, (int64_t)j->rows * j->steps * width);
    for (int d = 0; d < j->directions; d++) input_gradient(j, 0, d, dx, d || (add && !turned));
    if (turned && add) emit_strided_sum(e, strided_reverse(turn(j, width)), dx, e->dx[0], true);
    else if (turned) emit_strided_copy(e, strided_reverse(turn(j, width)), dx, e->dx[0]);
}

static void backward_layer(const struct job *j, const struct back *b, int l, int d, struct hsgd_ref dy)
{
    struct hsgd_emit *e = j->e;
    int first = first_state(e->node);
    for (int k = 0; k < j->cell->nstates; k++)
        if (hsgd_wanted(e->dy[1 + k])) copy_state(j, e->dy[1 + k], l, d, b->state[k], true);
        else zero(e, b->state[k], j->rows * j->hidden);
    for (int i = 0; i < j->steps; i++) step_back(j, b, l, d, i, dy);
    for (int k = 0; first && k < j->cell->nstates; k++)
        if (hsgd_wanted(e->dx[first + k])) copy_state(j, e->dx[first + k], l, d, b->state[k], false);
    weight_gradients(j, l, d);
}

/* The gradient of a layer's input is the dy of the layer below. */
void recurrent_backward(struct hsgd_emit *e, const struct cell *cell)
{
    struct job j = job_of(e, cell);
    struct back b = { .d = absent };
    struct hsgd_ref dy = e->dy[0], between[2] = { absent, absent };
    begin_input(&j);
    if (is_apart(cell)) b.d = hsgd_scratch(e, (int64_t)cell->gates * j.rows * j.hidden);
    for (int k = 0; k < cell->nstates; k++) b.state[k] = hsgd_scratch(e, (int64_t)j.rows * j.hidden);
    for (int i = 0; i < 2 && i < (drops(&j) ? 2 : 1) * (j.a.layers - 1); i++)
        between[i] = hsgd_scratch(e, (int64_t)j.rows * j.steps * j.directions * j.hidden);
    for (int l = j.a.layers - 1; l >= 0; l--) {
        struct hsgd_ref dx = between[drops(&j) ? 0 : (j.a.layers - 1 - l) % 2];
        for (int d = 0; d < j.directions; d++) {
            backward_layer(&j, &b, l, d, dy);
            if (l) input_gradient(&j, l, d, dx, d);
        }
        if (l && drops(&j)) drop(&j, l, dx, between[1]);
        dy = drops(&j) ? between[1] : dx;
    }
    first_input_gradient(&j);
}
