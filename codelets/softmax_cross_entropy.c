/* SPDX-License-Identifier: BSD-3-Clause */
/* Softmax cross-entropy loss on class labels. */
#include <stdio.h>

#include "c_locale.h"
#include "kernels.h"
#include "loss.h"

static int infer(struct hsgd_node *n, char *why, size_t size)
{
    const struct hsgd_softmax_cross_entropy *a = n->attributes;
    if (!(a->label_smoothing >= 0 && a->label_smoothing < 1)) {
        c_snprintf(why, size, "label_smoothing must be in [0, 1), not %g", (double)a->label_smoothing);
        return -1;
    }
    if (loss_infer(n, why, size)) return -1;
    n->forward_flops = 10.0 * hsgd_type_channels(&n->in[0]);
    return 0;
}

static void forward(struct hsgd_emit *e)
{
    const struct hsgd_softmax_cross_entropy *loss = e->node->attributes;
    int classes = hsgd_type_channels(&e->node->in[0]);
    float smoothing = e->training ? loss->label_smoothing : 0;
    struct softmax_ce_args a = { e->rows, classes, hsgd_wanted(e->dx[0]), 1 - smoothing, smoothing / (float)classes };
    struct hsgd_ref stats = hsgd_scratch(e, 2 * e->rows);
    HSGD_LAUNCH(e, HSGD_KERNEL(softmax_ce), HSGD_WARPS, e->rows, &a, e->x[0], e->x[1],
                a.want_gradient ? e->dx[0] : e->x[0], stats);
    struct loss_sums_args s = { e->rows };
    HSGD_LAUNCH(e, HSGD_KERNEL(loss_sums), HSGD_WARPS, 3, &s, stats, e->sums);
}

#define AT(field) offsetof(struct hsgd_softmax_cross_entropy, field)
static const struct hsgd_attribute fields[] = { { "label_smoothing", HSGD_FLOAT, AT(label_smoothing), false, 0, NULL },
                                                { 0 } };

const struct hsgd_op hsgd_op_softmax_cross_entropy = { .name = "softmax_cross_entropy",
                                                       .attributes_size = sizeof(struct hsgd_softmax_cross_entropy),
                                                       .fields = fields,
                                                       .layouts = 1u << HSGD_NHWC,
                                                       .inputs = 2,
                                                       .is_loss = true,
                                                       .infer = infer,
                                                       .forward = { { forward } } };
