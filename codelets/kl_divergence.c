/* SPDX-License-Identifier: BSD-3-Clause */
/* Kullback-Leibler divergence of logarithms of probabilities from a target distribution. */
#include "loss.h"

static int infer(struct hsgd_node *n, char *why, size_t size)
{
    if (value_loss_infer(n, why, size)) return -1;
    n->forward_flops = 30.0 * sample_size(&n->in[0]);
    return 0;
}

static void forward(struct hsgd_emit *e)
{
    const struct hsgd_kl_divergence *k = e->node->attributes;
    struct kl_args a = { e->rows, sample_size(&e->node->in[0]), hsgd_wanted(e->dx[0]), k->log_target };
    struct hsgd_ref stats = hsgd_scratch(e, e->rows);
    HSGD_LAUNCH(e, HSGD_KERNEL(kl_values), HSGD_WARPS, a.rows, &a, e->x[0], e->x[1],
                a.want_gradient ? e->dx[0] : e->x[0], stats);
    emit_row_sums(e, e->rows, 1, 3, (float)e->rows, stats);
}

static const struct hsgd_attribute fields[] = {
    { "log_target", HSGD_BOOL, offsetof(struct hsgd_kl_divergence, log_target), false, 0, NULL }, { 0 }
};

const struct hsgd_op hsgd_op_kl_divergence = { .name = "kl_divergence",
                                               .attributes_size = sizeof(struct hsgd_kl_divergence),
                                               .fields = fields,
                                               .layouts = 1u << HSGD_NHWC,
                                               .inputs = 2,
                                               .is_loss = true,
                                               .infer = infer,
                                               .forward = { { forward } } };
