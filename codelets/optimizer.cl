/* SPDX-License-Identifier: BSD-3-Clause */
/* Optimizers: one fused pass over a range of n parameters.  The gradient is
 * the sum of up to three parts, in order; when clipped there is one part and
 * g1[0] is the clipping factor.  step is a row of the step table (shared.h). */
#include "device.h"
#include "shared.h"

struct optimizer_args {
    int n, stride, parts, clipped, nesterov, decoupled, buffered; /* stride: floats from m to v */
    float weight_decay, momentum, beta1, beta2, epsilon, alpha, rate; /* rate: factor of the step's */
};

DEVICE float gradient_sum(GLOBAL const float *g0, GLOBAL const float *g1, GLOBAL const float *g2, int parts, int i)
{
    float g = g0[i];
    if (parts > 1) g += g1[i];
    if (parts > 2) g += g2[i];
    return g;
}

#define RATE (ARG(rate) * step[STEP_RATE])
#define GRADIENT_SCALE (ARG(clipped) ? step[STEP_SCALE] * g1[0] : step[STEP_SCALE])

/* w -= rate (g + decay w) */
KERNEL5(sgd_update, optimizer_args)
{
    BUFFER(0, float, w)
    BUFFER(1, const float, step)
    BUFFER(2, const float, g0)
    BUFFER(3, const float, g1)
    BUFFER(4, const float, g2)
    float rate = RATE, scale = GRADIENT_SCALE, decay = ARG(weight_decay);
    int parts = ARG(clipped) ? 1 : ARG(parts);
    FOR_ITEMS(i, ARG(n))
    {
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
    float rate = RATE, scale = GRADIENT_SCALE, decay = ARG(weight_decay), mu = ARG(momentum);
    int parts = ARG(clipped) ? 1 : ARG(parts), nesterov = ARG(nesterov);
    FOR_ITEMS(i, ARG(n))
    {
        float g = gradient_sum(g0, g1, g2, parts, i) * scale + decay * w[i];
        float vi = mu * v[i] + g;
        v[i] = vi;
        w[i] -= rate * (nesterov ? g + mu * vi : vi);
    }
}

/* Adam and AdamW; state has m, and v `stride` floats after it.  Sixteen parameters at a time;
 * the root and the quotient are within 4 ulp. */
struct adam {
    float b1, b2, epsilon, rate, correct2, scale, coupled, keep;
};

DEVICE float adam_one(float w, float g, GLOBAL float *m, GLOBAL float *v, struct adam a)
{
    g = g * a.scale + a.coupled * w;
    *m = a.b1 * *m + (1.0f - a.b1) * g;
    *v = a.b2 * *v + (1.0f - a.b2) * g * g;
    return a.keep * w - a.rate * *m / (sqrtf(*v * a.correct2) + a.epsilon);
}

DEVICE v16 adam_sixteen(v16 w, v16 g, GLOBAL float *m, GLOBAL float *v, struct adam a)
{
    g = V16_FMA(g, V16_SPLAT(a.scale), V16_MUL(V16_SPLAT(a.coupled), w));
    v16 mi = V16_FMA(V16_SPLAT(a.b1), V16_LOAD(m), V16_MUL(V16_SPLAT(1.0f - a.b1), g));
    v16 vi = V16_FMA(V16_SPLAT(a.b2), V16_LOAD(v), V16_MUL(V16_MUL(V16_SPLAT(1.0f - a.b2), g), g));
    V16_STORE(m, mi);
    V16_STORE(v, vi);
    v16 root = V16_SQRT(V16_MUL(vi, V16_SPLAT(a.correct2)));
    v16 move = V16_DIVIDE(V16_MUL(V16_SPLAT(-a.rate), mi), V16_ADD(root, V16_SPLAT(a.epsilon)));
    return V16_FMA(V16_SPLAT(a.keep), w, move);
}

DEVICE v16 gradient_sum_sixteen(GLOBAL const float *g0, GLOBAL const float *g1, GLOBAL const float *g2, int parts,
                                size_t i)
{
    v16 g = V16_LOAD(g0 + i);
    if (parts > 1) g = V16_ADD(g, V16_LOAD(g1 + i));
    if (parts > 2) g = V16_ADD(g, V16_LOAD(g2 + i));
    return g;
}

KERNEL6(adam_update, optimizer_args)
{
    BUFFER(0, float, w)
    BUFFER(1, float, state)
    BUFFER(2, const float, step)
    BUFFER(3, const float, g0)
    BUFFER(4, const float, g1)
    BUFFER(5, const float, g2)
    GLOBAL float *m = state, *v = state + ARG(stride);
    struct adam a;
    a.b1 = ARG(beta1);
    a.b2 = ARG(beta2);
    a.epsilon = ARG(epsilon);
    a.rate = RATE * step[STEP_CORRECT1];
    a.correct2 = step[STEP_CORRECT2];
    a.scale = GRADIENT_SCALE;
    a.coupled = ARG(decoupled) ? 0.0f : ARG(weight_decay);
    a.keep = ARG(decoupled) ? 1.0f - RATE * ARG(weight_decay) : 1.0f;
    int parts = ARG(clipped) ? 1 : ARG(parts), whole = ARG(n) / 16;
    FOR_BLOCKS(i, whole)
    {
        size_t at = (size_t)i * 16;
        v16 g = gradient_sum_sixteen(g0, g1, g2, parts, at);
        V16_STORE(w + at, adam_sixteen(V16_LOAD(w + at), g, m + at, v + at, a));
    }
    FOR_ITEMS(r, ARG(n) % 16)
    {
        int i = whole * 16 + r;
        w[i] = adam_one(w[i], gradient_sum(g0, g1, g2, parts, i), m + i, v + i, a);
    }
}

/* v += g^2; w -= rate g / (sqrt(v) + epsilon) */
KERNEL6(adagrad_update, optimizer_args)
{
    BUFFER(0, float, w)
    BUFFER(1, float, v)
    BUFFER(2, const float, step)
    BUFFER(3, const float, g0)
    BUFFER(4, const float, g1)
    BUFFER(5, const float, g2)
    float rate = RATE, scale = GRADIENT_SCALE, decay = ARG(weight_decay), epsilon = ARG(epsilon);
    int parts = ARG(clipped) ? 1 : ARG(parts);
    FOR_ITEMS(i, ARG(n))
    {
        float g = gradient_sum(g0, g1, g2, parts, i) * scale + decay * w[i];
        float vi = v[i] + g * g;
        v[i] = vi;
        w[i] -= rate * g / (sqrtf(vi) + epsilon);
    }
}

/* v = alpha v + (1 - alpha) g^2; u = g / (sqrt(v) + epsilon); w -= rate u, or where
 * buffered b = momentum b + u; w -= rate b, with b `stride` floats after v */
KERNEL6(rmsprop_update, optimizer_args)
{
    BUFFER(0, float, w)
    BUFFER(1, float, state)
    BUFFER(2, const float, step)
    BUFFER(3, const float, g0)
    BUFFER(4, const float, g1)
    BUFFER(5, const float, g2)
    GLOBAL float *v = state, *b = state + ARG(stride);
    float rate = RATE, scale = GRADIENT_SCALE, decay = ARG(weight_decay), epsilon = ARG(epsilon);
    float alpha = ARG(alpha), mu = ARG(momentum);
    int parts = ARG(clipped) ? 1 : ARG(parts), buffered = ARG(buffered);
    FOR_ITEMS(i, ARG(n))
    {
        float g = gradient_sum(g0, g1, g2, parts, i) * scale + decay * w[i];
        float vi = alpha * v[i] + (1.0f - alpha) * g * g;
        float u = g / (sqrtf(vi) + epsilon);
        v[i] = vi;
        if (buffered) b[i] = u = mu * b[i] + u;
        w[i] -= rate * u;
    }
}

/* LAMB, first: m and v as of Adam */
KERNEL5(lamb_moments, optimizer_args)
{
    BUFFER(0, float, state)
    BUFFER(1, const float, step)
    BUFFER(2, const float, g0)
    BUFFER(3, const float, g1)
    BUFFER(4, const float, g2)
    GLOBAL float *m = state, *v = state + ARG(stride);
    float b1 = ARG(beta1), b2 = ARG(beta2), scale = GRADIENT_SCALE;
    int parts = ARG(clipped) ? 1 : ARG(parts);
    FOR_ITEMS(i, ARG(n))
    {
        float g = gradient_sum(g0, g1, g2, parts, i) * scale;
        m[i] = b1 * m[i] + (1.0f - b1) * g;
        v[i] = b2 * v[i] + (1.0f - b2) * g * g;
    }
}

struct lamb {
    float correct1, correct2, epsilon, decay;
};

/* u = m' / (sqrt(v') + epsilon) + decay w, m' and v' corrected */
DEVICE float lamb_direction(float w, float m, float v, struct lamb a)
{
    return m * a.correct1 / (sqrtf(v * a.correct2) + a.epsilon) + a.decay * w;
}

#define LAMB_PARTS 32 /* groups that the sums of a weight are divided among */

/* parts[p] and parts[LAMB_PARTS + p] = the sums of w^2 and u^2 over part p, by one group, as square_sum */
KERNEL4(lamb_squares, optimizer_args)
{
    BUFFER(0, const float, w)
    BUFFER(1, const float, state)
    BUFFER(2, const float, step)
    BUFFER(3, float, parts)
    LOCAL float of_w[LOCAL_MAX], of_u[LOCAL_MAX];
    struct lamb a;
    a.correct1 = step[STEP_CORRECT1];
    a.correct2 = step[STEP_CORRECT2];
    a.epsilon = ARG(epsilon);
    a.decay = ARG(weight_decay);
    FOR_ROWS(part, LAMB_PARTS)
    {
        int begin = (int)((u64)ARG(n) * (u64)part / LAMB_PARTS);
        int here = (int)((u64)ARG(n) * (u64)(part + 1) / LAMB_PARTS) - begin;
        GLOBAL const float *at = w + begin, *m = state + begin, *v = m + ARG(stride);
        float sw = 0.0f, su = 0.0f;
        FOR_COLS(i, here)
        {
            float u = lamb_direction(at[i], m[i], v[i], a);
            sw += at[i] * at[i];
            su += u * u;
        }
        sw = WARP_SUM(sw);
        su = WARP_SUM(su);
        if (WARP_LANE == 0) {
            of_w[LOCAL_ID / WARP] = sw;
            of_u[LOCAL_ID / WARP] = su;
        }
        BARRIER();
        if (LOCAL_ID == 0) {
            for (int i = 1; i < LOCAL_SIZE / WARP; i++) {
                sw += of_w[i];
                su += of_u[i];
            }
            parts[part] = sw;
            parts[LAMB_PARTS + part] = su;
        }
        BARRIER();
    }
}

/* w -= rate |w| / |u| u, or rate u where one of the norms is 0; squares has those of the whole weight */
KERNEL4(lamb_update, optimizer_args)
{
    BUFFER(0, float, w)
    BUFFER(1, const float, state)
    BUFFER(2, const float, step)
    BUFFER(3, const float, squares)
    GLOBAL const float *m = state, *v = state + ARG(stride);
    float of_w = sqrtf(squares[0]), of_u = sqrtf(squares[1]);
    float rate = of_w > 0.0f && of_u > 0.0f ? RATE * (of_w / of_u) : RATE;
    struct lamb a;
    a.correct1 = step[STEP_CORRECT1];
    a.correct2 = step[STEP_CORRECT2];
    a.epsilon = ARG(epsilon);
    a.decay = ARG(weight_decay);
    FOR_ITEMS(i, ARG(n)) w[i] -= rate * lamb_direction(w[i], m[i], v[i], a);
}

struct ema_args { int n; };

/* a += (1 - d) (w - a): a = d a + (1 - d) w, in the form that leaves an a that is w as it is */
KERNEL3(ema_update, ema_args)
{
    BUFFER(0, float, a)
    BUFFER(1, const float, w)
    BUFFER(2, const float, step)
    float share = step[STEP_EMA];
    FOR_ITEMS(i, ARG(n)) a[i] += share * (w[i] - a[i]);
}
