/* SPDX-License-Identifier: BSD-3-Clause */
/* Binary cross-entropy of logits. */
#include <math.h>

#include "loss.h"

static int infer(struct hsgd_node *n, char *why, size_t size)
{
    if (value_loss_infer(n, why, size)) return -1;
    n->forward_flops = 40.0 * sample_size(&n->in[0]);
    return 0;
}

static void forward(struct hsgd_emit *e) { emit_value_loss(e, HSGD_KERNEL(bce_values)); }

/* Probabilities, by an exponential that does not overflow. */
static void prediction(float *y, int64_t vectors, int channels)
{
    for (int64_t i = 0; i < vectors * channels; i++) {
        float e = expf(-fabsf(y[i]));
        y[i] = (y[i] < 0 ? e : 1) / (1 + e);
    }
}

const struct hsgd_op hsgd_op_binary_cross_entropy = { .name = "binary_cross_entropy",
                                                      .layouts = 1u << HSGD_NHWC,
                                                      .inputs = 2,
                                                      .is_loss = true,
                                                      .takes_probabilities = true,
                                                      .infer = infer,
                                                      .forward = { { forward } },
                                                      .prediction = prediction };
