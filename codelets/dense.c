/* The fully connected layer: y = act(x W^T + b). */
#include <stdio.h>

#include "kernels.h"

static const struct hsgd_dense *attributes(const struct hsgd_layer *l) { return l->attributes; }

static int prepare(struct hsgd_layer *l, char *why, size_t n)
{
    const struct hsgd_dense *a = attributes(l);
    if (a->units < 1 || a->units > 1 << 20) {
        snprintf(why, n, "units must be in 1..1048576, not %d", a->units);
        return -1;
    }
    int in = hsgd_size(l->in), bound = a->activation == HSGD_RELU ? HSGD_INIT_HE : HSGD_INIT_GLOROT;
    l->out = (struct hsgd_shape){ 1, 1, a->units };
    l->params = a->no_bias ? 1 : 2;
    l->param[0] = (struct hsgd_param_spec){ "weight", 2, { a->units, in }, bound, in, a->units, a->units };
    l->param[1] = (struct hsgd_param_spec){ "bias", 1, { a->units }, HSGD_INIT_ZERO, in, a->units, 0 };
    l->forward_flops = 2.0 * in * a->units;
    l->backward_flops = 2 * l->forward_flops;
    return 0;
}

/* Each piece of W gives its own columns of y. */
static void forward(struct hsgd_emit *e)
{
    const struct hsgd_dense *a = attributes(e->layer);
    int in = hsgd_size(e->layer->in), units = a->units;
    for (int i = 0; i < e->weight[0].pieces; i++) {
        const struct hsgd_piece *w = &e->weight[0].piece[i];
        struct hsgd_ref bias = a->no_bias ? (struct hsgd_ref){ .buffer = -1 }
                                          : hsgd_at(e->weight[1].piece[0].ref, w->row);
        struct hsgd_matmul p = { .m = e->rows, .n = w->rows, .k = in, .lda = in, .ldb = in, .ldc = units,
                                 .transpose_b = true, .activation = a->activation };
        hsgd_emit_matmul(e, &p, e->x, w->ref, hsgd_at(e->y, w->row), bias);
    }
}

static void weight_gradient(struct hsgd_emit *e, int row, int rows, struct hsgd_ref out, bool accumulate)
{
    int in = hsgd_size(e->layer->in), units = attributes(e->layer)->units;
    struct hsgd_matmul p = { .m = rows, .n = in, .k = e->rows, .lda = units, .ldb = in, .ldc = in,
                             .transpose_a = true, .accumulate = accumulate };
    hsgd_emit_matmul(e, &p, hsgd_at(e->dy, row), e->x, out, (struct hsgd_ref){ .buffer = -1 });
}

/* dz = dy f'(z); db = column sums of dz; dW = dz^T x; dx = sum over pieces of dz_i W_i. */
static void backward(struct hsgd_emit *e)
{
    const struct hsgd_dense *a = attributes(e->layer);
    int in = hsgd_size(e->layer->in), units = a->units;
    if (a->activation != HSGD_NO_ACTIVATION) {
        struct act_bwd_args act = { e->rows * units, a->activation };
        HSGD_LAUNCH(e, HSGD_KERNEL(act_bwd), HSGD_ITEMS, act.n, &act, e->y, e->dy);
    }
    if (!a->no_bias && e->gradient[1].buffer >= 0) {
        struct column_sums_args sums = { e->rows, units };
        HSGD_LAUNCH(e, HSGD_KERNEL(column_sums), HSGD_ITEMS, units, &sums, e->dy, e->gradient[1]);
    }
    if (e->gradient[0].buffer >= 0) weight_gradient(e, 0, units, e->gradient[0], false);
    if (e->dx.buffer < 0) return;
    for (int i = 0; i < e->weight[0].pieces; i++) {
        const struct hsgd_piece *w = &e->weight[0].piece[i];
        struct hsgd_matmul p = { .m = e->rows, .n = in, .k = w->rows, .lda = units, .ldb = in, .ldc = in,
                                 .accumulate = i > 0 };
        hsgd_emit_matmul(e, &p, hsgd_at(e->dy, w->row), w->ref, e->dx, (struct hsgd_ref){ .buffer = -1 });
    }
}

const struct hsgd_op hsgd_op_dense = {
    .name = "dense", .attributes_size = sizeof(struct hsgd_dense), .layouts = 1u << HSGD_NHWC, .prepare = prepare,
    .forward = forward, .backward = backward, .weight_gradient = weight_gradient
};
