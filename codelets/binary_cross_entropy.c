/* SPDX-License-Identifier: BSD-3-Clause */
/* Binary cross-entropy of logits. */
#include <math.h>
#include <stdio.h>

#include "loss.h"

static const struct hsgd_floats *weights_of(const struct hsgd_node *n)
{
    return &((const struct hsgd_binary_cross_entropy *)n->attributes)->pos_weight;
}

static int weights_infer(const struct hsgd_node *n, char *why, size_t size)
{
    const struct hsgd_floats *w = weights_of(n);
    int channels = hsgd_type_channels(&n->in[0]);
    bool valid = w->count >= 0 && w->count <= HSGD_MAX_FLOATS && (w->count < 2 || w->count == channels);
    for (int i = 0; valid && i < w->count; i++) valid = w->value[i] >= 0 && w->value[i] < 1e30f;
    if (valid) return 0;
    snprintf(why, size, "pos_weight must be one number from 0, or %d of them, at most %d", channels, HSGD_MAX_FLOATS);
    return -1;
}

static int infer(struct hsgd_node *n, char *why, size_t size)
{
    if (value_loss_infer(n, why, size) || weights_infer(n, why, size)) return -1;
    n->forward_flops = 40.0 * sample_size(&n->in[0]);
    return 0;
}

static void forward(struct hsgd_emit *e)
{
    const struct hsgd_floats *w = weights_of(e->node);
    if (!w->count) {
        emit_value_loss(e, HSGD_KERNEL(bce_values));
        return;
    }
    int cols = sample_size(&e->node->in[0]);
    struct bce_weighted_args a = { e->rows, cols, hsgd_wanted(e->dx[0]), w->count, 1.0f / (float)cols };
    struct hsgd_ref weights = emit_floats(e, w), stats = hsgd_scratch(e, e->rows);
    HSGD_LAUNCH(e, HSGD_KERNEL(bce_weighted), HSGD_WARPS, a.rows, &a, e->x[0], e->x[1], weights,
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

static const struct hsgd_attribute fields[] = {
    { "pos_weight", HSGD_FLOATS, offsetof(struct hsgd_binary_cross_entropy, pos_weight), false, 0, NULL }, { 0 }
};

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
