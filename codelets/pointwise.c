/* SPDX-License-Identifier: BSD-3-Clause */
/* Sums and products of two values, element by element. */
#include "kernels.h"
#include "types.h"

static int infer(struct hsgd_node *n, char *why, size_t size)
{
    if (need_one_type(n, why, size)) return -1;
    n->outputs = 1;
    n->out[0] = n->in[0];
    n->forward_flops = sample_size(&n->in[0]);
    return 0;
}

static int mul_infer(struct hsgd_node *n, char *why, size_t size)
{
    int err = infer(n, why, size);
    n->backward_flops = 2 * n->forward_flops;
    return err;
}

static void emit(struct hsgd_emit *e, const struct hsgd_kernel *kernel, struct hsgd_ref a, struct hsgd_ref b,
                 struct hsgd_ref y, bool add)
{
    struct pointwise_args args = { hsgd_stored_rows(e) * sample_size(&e->node->in[0]), add };
    HSGD_LAUNCH(e, kernel, HSGD_ITEMS, args.n, &args, a, b, y);
}

static void add_forward(struct hsgd_emit *e) { emit(e, HSGD_KERNEL(pointwise_add), e->x[0], e->x[1], e->y[0], false); }
static void mul_forward(struct hsgd_emit *e) { emit(e, HSGD_KERNEL(pointwise_mul), e->x[0], e->x[1], e->y[0], false); }

static void mul_backward(struct hsgd_emit *e)
{
    for (int i = 0; i < 2; i++)
        if (hsgd_wanted(e->dx[i]))
            emit(e, HSGD_KERNEL(pointwise_mul), e->dy[0], e->x[1 - i], e->dx[i], e->adds >> i & 1);
}

const struct hsgd_op hsgd_op_add = { .name = "add",
                                     .inputs = 2,
                                     .layouts = 1u << HSGD_NHWC | 1u << HSGD_LANES,
                                     .passes = 3,
                                     .infer = infer,
                                     .forward = { { add_forward } } };
const struct hsgd_op hsgd_op_mul = { .name = "mul",
                                     .inputs = 2,
                                     .layouts = 1u << HSGD_NHWC | 1u << HSGD_LANES,
                                     .keeps_in = 3,
                                     .adds = 3,
                                     .infer = mul_infer,
                                     .forward = { { mul_forward } },
                                     .backward = { { mul_backward } } };
