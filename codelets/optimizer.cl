/* Optimizers: one fused pass over a range of n parameters.  The gradient is
 * the sum of up to three parts, in order; when clipped there is one part and
 * g1[0] is the clipping factor.  step is a row of the step table: rate,
 * 1/(1-beta1^t), 1/(1-beta2^t), 1/terms. */
#include "device.h"

struct optimizer_args {
    int n, parts, clipped, nesterov, decoupled;
    float weight_decay, momentum, beta1, beta2, epsilon;
};

DEVICE float gradient_sum(GLOBAL const float *g0, GLOBAL const float *g1, GLOBAL const float *g2, int parts, int i)
{
    float g = g0[i];
    if (parts > 1) g += g1[i];
    if (parts > 2) g += g2[i];
    return g;
}

#define GRADIENT_SCALE (ARG(clipped) ? step[3] * g1[0] : step[3])

/* w -= rate (g + decay w) */
KERNEL5(sgd_update, optimizer_args)
{
    BUFFER(0, float, w)
    BUFFER(1, const float, step)
    BUFFER(2, const float, g0)
    BUFFER(3, const float, g1)
    BUFFER(4, const float, g2)
    float rate = step[0], scale = GRADIENT_SCALE, decay = ARG(weight_decay);
    int parts = ARG(clipped) ? 1 : ARG(parts);
    FOR_ITEMS(i, ARG(n)) {
        float g = gradient_sum(g0, g1, g2, parts, i) * scale + decay * w[i];
        w[i] -= rate * g;
    }
}

/* v = momentum v + g; w -= rate v, or rate (g + momentum v) for Nesterov */
KERNEL6(momentum_update, optimizer_args)
{
    BUFFER(0, float, w)
    BUFFER(1, float, v)
    BUFFER(2, const float, step)
    BUFFER(3, const float, g0)
    BUFFER(4, const float, g1)
    BUFFER(5, const float, g2)
    float rate = step[0], scale = GRADIENT_SCALE, decay = ARG(weight_decay), mu = ARG(momentum);
    int parts = ARG(clipped) ? 1 : ARG(parts), nesterov = ARG(nesterov);
    FOR_ITEMS(i, ARG(n)) {
        float g = gradient_sum(g0, g1, g2, parts, i) * scale + decay * w[i];
        float vi = mu * v[i] + g;
        v[i] = vi;
        w[i] -= rate * (nesterov ? g + mu * vi : vi);
    }
}

/* Adam and AdamW; state holds m[n], then v[n]. */
KERNEL6(adam_update, optimizer_args)
{
    BUFFER(0, float, w)
    BUFFER(1, float, state)
    BUFFER(2, const float, step)
    BUFFER(3, const float, g0)
    BUFFER(4, const float, g1)
    BUFFER(5, const float, g2)
    GLOBAL float *m = state, *v = state + ARG(n);
    float scale = GRADIENT_SCALE, b1 = ARG(beta1), b2 = ARG(beta2), epsilon = ARG(epsilon);
    float rate = step[0] * step[1], correct2 = step[2];
    float coupled = ARG(decoupled) ? 0.0f : ARG(weight_decay);
    float keep = ARG(decoupled) ? 1.0f - step[0] * ARG(weight_decay) : 1.0f;
    int parts = ARG(clipped) ? 1 : ARG(parts);
    FOR_ITEMS(i, ARG(n)) {
        float g = gradient_sum(g0, g1, g2, parts, i) * scale + coupled * w[i];
        float mi = b1 * m[i] + (1.0f - b1) * g;
        float vi = b2 * v[i] + (1.0f - b2) * g * g;
        m[i] = mi;
        v[i] = vi;
        w[i] = keep * w[i] - rate * mi / (sqrtf(vi * correct2) + epsilon);
    }
}
