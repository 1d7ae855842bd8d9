/* SPDX-License-Identifier: BSD-3-Clause */
#include "device.h"
#include "vector_math.h"

/* Phi(-a), a >= 0: erfc(a / sqrt 2) / 2 within 1.5e-7 (Abramowitz & Stegun 7.1.26). */
DEVICE float normal_tail(float a)
{
    float t = 1.0f / (1.0f + 0.23164190f * a); /* 0.3275911 / sqrt 2 */
    float p = t * (0.254829592f + t * (-0.284496736f + t * (1.421413741f + t * (-1.453152027f + t * 1.061405429f))));
    return 0.5f * p * vector_exp(-0.5f * a * a);
}

DEVICE float normal_cdf(float x)
{
    float tail = normal_tail(fabsf(x));
    return x < 0.0f ? tail : 1.0f - tail;
}

/* 2u, u = sqrt(2/pi) (x + 0.044715 x^3).  (1 + tanh u) / 2 is 1 / (1 + e) where u >= 0,
 * else e / (1 + e), with e = exp(-|2u|). */
DEVICE float gelu_2u(float x) { return 1.59576912f * x * (1.0f + 0.044715f * x * x); }

struct gelu_args { int n, tanh; };

/* y = x Phi(x); tanh: x (1 + tanh u) / 2 */
KERNEL2(gelu_fwd, gelu_args)
{
    BUFFER(0, const float, x)
    BUFFER(1, float, y)
    if (ARG(tanh))
        FOR_ITEMS(i, ARG(n)) {
            float v = x[i], e = vector_exp(-fabsf(gelu_2u(v)));
            y[i] = v * (v < 0.0f ? e : 1.0f) / (1.0f + e);
        }
    else
        FOR_ITEMS(i, ARG(n)) y[i] = x[i] * normal_cdf(x[i]);
}

/* dx = dy (Phi(x) + x phi(x)), phi the density; tanh:
 * dx = dy ((1 + tanh u) / 2 + x e / (1 + e)^2 2u'), 2u' = 2 sqrt(2/pi) (1 + 3 * 0.044715 x^2) */
KERNEL3(gelu_bwd, gelu_args)
{
    BUFFER(0, const float, x)
    BUFFER(1, const float, dy)
    BUFFER(2, float, dx)
    if (ARG(tanh))
        FOR_ITEMS(i, ARG(n)) {
            float v = x[i], e = vector_exp(-fabsf(gelu_2u(v))), g = 1.0f / (1.0f + e);
            dx[i] = dy[i] * g * ((v < 0.0f ? e : 1.0f) + v * (e * g) * 1.59576912f * (1.0f + 0.134145f * v * v));
        }
    else
        FOR_ITEMS(i, ARG(n)) {
            float v = x[i];
            dx[i] = dy[i] * (normal_cdf(v) + v * 0.39894228f * vector_exp(-0.5f * v * v));
        }
}
