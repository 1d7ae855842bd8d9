/* SPDX-License-Identifier: BSD-3-Clause */
#include "device.h"

/* exp(x), x <= 0, within (2 + |x|) 2^-23 of itself; 0 where it is less than 1e-37.
 * Without branches and calls, so that loops with it are vectorised:
 * x = n log 2 + r with |r| <= log(2)/2, and the Taylor polynomial of degree 7 in r. */
DEVICE float gelu_exp(float x)
{
    float inside = x > -85.0f ? 1.0f : 0.0f;
    x *= inside;
    int n = (int)(x * 1.44269504f - 0.5f);
    float r = x - (float)n * 0.693147181f, p = 1.0f / 5040.0f;
    p = p * r + 1.0f / 720.0f;
    p = p * r + 1.0f / 120.0f;
    p = p * r + 1.0f / 24.0f;
    p = p * r + 1.0f / 6.0f;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    return inside * p * BITS_TO_FLOAT((u32)(n + 127) << 23);
}

/* Phi(-a), a >= 0: erfc(a / sqrt 2) / 2 within 1.5e-7 (Abramowitz & Stegun 7.1.26). */
DEVICE float normal_tail(float a)
{
    float t = 1.0f / (1.0f + 0.23164190f * a); /* 0.3275911 / sqrt 2 */
    float p = t * (0.254829592f + t * (-0.284496736f + t * (1.421413741f + t * (-1.453152027f + t * 1.061405429f))));
    return 0.5f * p * gelu_exp(-0.5f * a * a);
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
            float v = x[i], e = gelu_exp(-fabsf(gelu_2u(v)));
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
            float v = x[i], e = gelu_exp(-fabsf(gelu_2u(v))), g = 1.0f / (1.0f + e);
            dx[i] = dy[i] * g * ((v < 0.0f ? e : 1.0f) + v * (e * g) * 1.59576912f * (1.0f + 0.134145f * v * v));
        }
    else
        FOR_ITEMS(i, ARG(n)) {
            float v = x[i];
            dx[i] = dy[i] * (normal_cdf(v) + v * 0.39894228f * gelu_exp(-0.5f * v * v));
        }
}
