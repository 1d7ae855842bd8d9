/* SPDX-License-Identifier: BSD-3-Clause */
/* The fully connected layer on the last axis: y = act(x W + b), or with W^T. */
#include <limits.h>
#include <stdio.h>

#include "base/c_locale.h"
#include "kernels.h"
#include "types.h"

static const struct hsgd_dense *attributes(const struct hsgd_node *n) { return n->attributes; }

static int infer(struct hsgd_node *n, char *why, size_t size)
{
    const struct hsgd_dense *a = attributes(n);
    if (need_floats(n, why, size)) return -1;
    if (a->units < 1 || a->units > 1 << 20) {
        snprintf(why, size, "units must be in 1..1048576, not %d", a->units);
        return -1;
    }
    int in = hsgd_type_channels(&n->in[0]);
    double positions = (double)hsgd_type_positions(&n->in[0]);
    if (positions * a->units > INT_MAX) {
        c_snprintf(why, size, "an output of %.0f x %d is too large", positions, a->units);
        return -1;
    }
    n->outputs = 1;
    n->out[0] = n->in[0];
    if (!n->out[0].rank) n->out[0].rank = 1;
    n->out[0].dim[n->out[0].rank - 1] = a->units;
    if (a->transposed)
        add_param(n, .name = "weight", .rank = 2, .dim = { a->units, in }, .init = a->init, .fan_in = in,
                  .fan_out = a->units, .split_rows = a->units, .in_order = true);
    else
        add_param(n, .name = "weight", .rank = 2, .dim = { in, a->units }, .init = a->init, .fan_in = in,
                  .fan_out = a->units, .split_rows = in);
    if (!a->no_bias)
        add_param(n, .name = "bias", .rank = 1, .dim = { a->units }, .init = HSGD_INIT_ZERO, .no_decay = true);
    n->forward_flops = 2.0 * positions * in * a->units;
    n->backward_flops = 2 * n->forward_flops;
    return 0;
}

static const struct hsgd_ref absent = { .buffer = -1 };

static int inputs(const struct hsgd_emit *e) { return hsgd_type_channels(&e->node->in[0]); }

/* Every position of every sample is a row of the products. */
static int rows_of(const struct hsgd_emit *e) { return e->rows * (int)hsgd_type_positions(&e->node->in[0]); }

/* A piece of W has the rows of some units. */
static void forward_transposed(struct hsgd_emit *e)
{
    const struct hsgd_dense *a = attributes(e->node);
    const struct hsgd_weight *w = &e->weight[0];
    for (const struct hsgd_piece *piece = w->piece; piece < w->piece + w->pieces; piece++) {
        struct hsgd_matmul p = { .m = rows_of(e),
                                 .n = piece->rows,
                                 .k = inputs(e),
                                 .lda = inputs(e),
                                 .ldb = inputs(e),
                                 .ldc = a->units,
                                 .transpose_b = true,
                                 .activation = a->activation };
        struct hsgd_ref bias = a->no_bias ? absent : hsgd_at(hsgd_param_at(e, 1), piece->row);
        hsgd_emit_matmul(e, &p, e->x[0], piece->ref, hsgd_at(e->y[0], piece->row), bias);
    }
}

/* A piece of W has the rows of some inputs: the products are accumulated, and
 * the last one applies bias and activation. */
static void forward(struct hsgd_emit *e)
{
    const struct hsgd_dense *a = attributes(e->node);
    const struct hsgd_weight *w = &e->weight[0];
    int in = inputs(e), units = a->units;
    if (a->transposed) {
        forward_transposed(e);
        return;
    }
    for (int i = 0; i < w->pieces; i++) {
        bool last = i == w->pieces - 1;
        struct hsgd_matmul p = { .m = rows_of(e),
                                 .n = units,
                                 .k = w->piece[i].rows,
                                 .lda = in,
                                 .ldb = units,
                                 .ldc = units,
                                 .accumulate = i > 0,
                                 .activation = last ? a->activation : HSGD_NO_ACTIVATION };
        struct hsgd_ref bias = last && !a->no_bias ? hsgd_param_at(e, 1) : absent;
        hsgd_emit_matmul(e, &p, hsgd_at(e->x[0], w->piece[i].row), w->piece[i].ref, e->y[0], bias);
    }
}

static void weight_gradient(struct hsgd_emit *e, int row, int rows, struct hsgd_ref out, bool accumulate)
{
    int in = inputs(e), units = attributes(e->node)->units;
    bool transposed = attributes(e->node)->transposed; /* dW = dz^T x in place of x^T dz */
    struct hsgd_matmul p = { .m = rows,
                             .n = transposed ? in : units,
                             .k = rows_of(e),
                             .lda = transposed ? units : in,
                             .ldb = transposed ? in : units,
                             .ldc = transposed ? in : units,
                             .transpose_a = true,
                             .accumulate = accumulate };
    struct hsgd_ref of_rows = transposed ? e->dy[0] : e->x[0], other = transposed ? e->x[0] : e->dy[0];
    hsgd_emit_matmul(e, &p, hsgd_at(of_rows, row), other, out, absent);
}

/* Gradients of W and bias together, unless W's is deferred. */
static void gradients(struct hsgd_emit *e, bool of_bias)
{
    int in = inputs(e), units = attributes(e->node)->units;
    struct hsgd_matmul p = { .m = in,
                             .n = units,
                             .k = rows_of(e),
                             .lda = in,
                             .ldb = units,
                             .ldc = units,
                             .transpose_a = true,
                             .bias_gradient = of_bias };
    bool transposed = attributes(e->node)->transposed;
    if (hsgd_wanted(e->gradient[0]) && transposed) weight_gradient(e, 0, units, e->gradient[0], false);
    if (hsgd_wanted(e->gradient[0]) && !transposed)
        hsgd_emit_matmul(e, &p, e->x[0], e->dy[0], e->gradient[0], of_bias ? e->gradient[1] : absent);
    else if (of_bias) emit_column_sums(e, rows_of(e), units, units, e->dy[0], e->gradient[1]);
}

/* dx = dz W^T, where each piece of W gives its own columns. */
static void input_gradient(struct hsgd_emit *e)
{
    const struct hsgd_weight *w = &e->weight[0];
    int in = inputs(e), units = attributes(e->node)->units;
    for (int i = 0; i < w->pieces; i++) {
        struct hsgd_matmul p = { .m = rows_of(e),
                                 .n = w->piece[i].rows,
                                 .k = units,
                                 .lda = units,
                                 .ldb = units,
                                 .ldc = in,
                                 .transpose_b = true };
        hsgd_emit_matmul(e, &p, e->dy[0], w->piece[i].ref, hsgd_at(e->dx[0], w->piece[i].row), absent);
    }
}

/* dx = dz W, to which each piece of W contributes. */
static void input_gradient_transposed(struct hsgd_emit *e)
{
    const struct hsgd_weight *w = &e->weight[0];
    int in = inputs(e), units = attributes(e->node)->units;
    for (int i = 0; i < w->pieces; i++) {
        struct hsgd_matmul p = {
            .m = rows_of(e), .n = in, .k = w->piece[i].rows, .lda = units, .ldb = in, .ldc = in, .accumulate = i > 0
        };
        hsgd_emit_matmul(e, &p, hsgd_at(e->dy[0], w->piece[i].row), w->piece[i].ref, e->dx[0], absent);
    }
}

/* dz = dy f'(z); db = column sums of dz; dW = x^T dz. */
static void backward(struct hsgd_emit *e)
{
    const struct hsgd_dense *a = attributes(e->node);
    if (a->activation != HSGD_NO_ACTIVATION) {
        struct act_bwd_args act = { rows_of(e) * a->units, (int)a->activation };
        HSGD_LAUNCH(e, HSGD_KERNEL(act_bwd), HSGD_ITEMS, act.n, &act, e->y[0], e->dy[0]);
    }
    if (hsgd_wanted(e->dx[0])) (a->transposed ? input_gradient_transposed : input_gradient)(e);
    gradients(e, !a->no_bias && hsgd_wanted(e->gradient[1]));
}

#define AT(field) offsetof(struct hsgd_dense, field)
static const struct hsgd_attribute fields[] = { { "units", HSGD_UNITS, AT(units), true, 0, NULL },
                                                { "activation", HSGD_ACTIVATION, AT(activation), false, 0, NULL },
                                                { "no_bias", HSGD_BOOL, AT(no_bias), false, 0, NULL },
                                                { "init", HSGD_INIT, AT(init), false, 0, NULL },
                                                { "transposed", HSGD_BOOL, AT(transposed), false, 0, NULL },
                                                { 0 } };

const struct hsgd_op hsgd_op_dense = { .name = "dense",
                                       .attributes_size = sizeof(struct hsgd_dense),
                                       .fields = fields,
                                       .layouts = 1u << HSGD_NHWC,
                                       .flattened = true,
                                       .overwrites_dy = true,
                                       .keeps_in = 1,
                                       .keeps_out = 1,
                                       .infer = infer,
                                       .forward = { { forward } },
                                       .backward = { { backward } },
                                       .weight_gradient = weight_gradient };
