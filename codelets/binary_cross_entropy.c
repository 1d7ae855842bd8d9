/* SPDX-License-Identifier: BSD-3-Clause */
/* Binary cross-entropy of logits. */
#include <math.h>

#include "base/c_locale.h"
#include "loss.h"

static int infer(struct hsgd_node *n, char *why, size_t size)
{
    const struct hsgd_binary_cross_entropy *a = n->attributes;
    if (!(a->label_smoothing >= 0 && a->label_smoothing < 1) || !(a->pos_weight > 0 && a->pos_weight < 1e30f)) {
        c_snprintf(why, size, "label_smoothing must be in [0, 1), and pos_weight positive, not %g and %g",
                   (double)a->label_smoothing, (double)a->pos_weight);
        return -1;
    }
    if (value_loss_infer(n, why, size)) return -1;
    n->forward_flops = 40.0 * sample_size(&n->in[0]);
    return 0;
}

static void forward(struct hsgd_emit *e)
{
    const struct hsgd_binary_cross_entropy *loss = e->node->attributes;
    float smoothing = e->training ? loss->label_smoothing : 0;
    if (smoothing == 0 && loss->pos_weight == 1) {
        emit_value_loss(e, HSGD_KERNEL(bce_values));
        return;
    }
    int cols = sample_size(&e->node->in[0]);
    struct bce_weighted_args a = {
        e->rows, cols, hsgd_wanted(e->dx[0]), 1.0f / (float)cols, loss->pos_weight, smoothing
    };
    struct hsgd_ref stats = hsgd_scratch(e, e->rows);
    HSGD_LAUNCH(e, HSGD_KERNEL(bce_weighted), HSGD_WARPS, a.rows, &a, e->x[0], e->x[1],
                a.want_gradient ? e->dx[0] : e->x[0], stats);
    emit_row_sums(e, e->rows, 1, 3, (float)e->rows, stats);
}

/* Probabilities, by an exponential that does not overflow. */
static void prediction(float *y, int64_t vectors, int channels)
{
    for (int64_t i = 0; i < vectors * channels; i++) {
        float e = expf(-fabsf(y[i]));
        y[i] = (y[i] < 0 ? e : 1) / (1 + e);
    }
}

#define AT(field) offsetof(struct hsgd_binary_cross_entropy, field)
static const struct hsgd_attribute fields[] = { { "label_smoothing", HSGD_FLOAT, AT(label_smoothing), false, 0, NULL },
                                                { "pos_weight", HSGD_FLOAT, AT(pos_weight), false, 1, NULL },
                                                { 0 } };

const struct hsgd_op hsgd_op_binary_cross_entropy = { .name = "binary_cross_entropy",
                                                      .attributes_size = sizeof(struct hsgd_binary_cross_entropy),
                                                      .fields = fields,
                                                      .layouts = 1u << HSGD_NHWC,
                                                      .inputs = 2,
                                                      .is_loss = true,
                                                      .takes_probabilities = true,
                                                      .infer = infer,
                                                      .forward = { { forward } },
                                                      .prediction = prediction };
