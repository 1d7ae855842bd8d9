/* SPDX-License-Identifier: BSD-3-Clause */
/* Activations f: ReLU, tanh, sigmoid, none. */
#include "device.h"
#include "activate.h"

struct act_fwd_args { int n, activation; };

/* y[i] = f(x[i]) */
KERNEL2(act_fwd, act_fwd_args)
{
    BUFFER(0, const float, x)
    BUFFER(1, float, y)
    if (ARG(activation) == ACTIVATION_RELU)
        FOR_ITEMS(i, ARG(n)) y[i] = activate(x[i], ACTIVATION_RELU);
    else
        FOR_ITEMS(i, ARG(n)) y[i] = activate(x[i], ARG(activation));
}

/* dx[i] = dy[i] f'(z_i) with y = f(z) */
KERNEL3(act_dx, act_fwd_args)
{
    BUFFER(0, const float, y)
    BUFFER(1, const float, dy)
    BUFFER(2, float, dx)
    FOR_ITEMS(i, ARG(n)) dx[i] = dy[i] * activation_grad(y[i], ARG(activation));
}

struct act_bwd_args { int n, activation; };

/* dy[i] *= f'(z_i) with y = f(z), in place: dy becomes dz. */
KERNEL2(act_bwd, act_bwd_args)
{
    BUFFER(0, const float, y)
    BUFFER(1, float, dy)
    if (ARG(activation) == ACTIVATION_RELU)
        FOR_ITEMS(i, ARG(n)) {
            float d = dy[i];
            dy[i] = y[i] > 0.0f ? d : 0.0f;
        }
    else
        FOR_ITEMS(i, ARG(n)) dy[i] *= activation_grad(y[i], ARG(activation));
}
