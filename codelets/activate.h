/* SPDX-License-Identifier: BSD-3-Clause */
/* The activations that several kernels apply; behind device.h, for kernels only. */
#ifndef HSGD_CODELETS_ACTIVATE_H
#define HSGD_CODELETS_ACTIVATE_H

#include "shared.h"
#include "vector_math.h"

DEVICE float activate(float z, int activation)
{
    if (activation == ACTIVATION_RELU) return z < 0.0f ? 0.0f : z; /* NaN stays NaN */
    if (activation == ACTIVATION_TANH) return vector_tanh(z);
    if (activation == ACTIVATION_SIGMOID) return vector_sigmoid(z);
    return z;
}

/* f'(z) from y = f(z) */
DEVICE float activation_grad(float y, int activation)
{
    if (activation == ACTIVATION_RELU) return y > 0.0f ? 1.0f : 0.0f;
    if (activation == ACTIVATION_TANH) return 1.0f - y * y;
    if (activation == ACTIVATION_SIGMOID) return y * (1.0f - y);
    return 1.0f;
}

#endif
