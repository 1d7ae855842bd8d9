/* SPDX-License-Identifier: BSD-3-Clause */
/* Functions of one value and their derivatives. */
#include "device.h"
#include "functions.h"
#include "vector_math.h"

DEVICE float function_sign(float v) { return v > 0.0f ? 1.0f : v < 0.0f ? -1.0f : v; }

/* exp(v) - 1, v <= 0: 2t / (1 - t), t = tanh(v / 2), which is as precise near 0 */
DEVICE float function_expm1(float v)
{
    float t = vector_tanh(0.5f * v);
    return 2.0f * t / (1.0f - t);
}

/* log(1 + e), 0 <= e <= 1, as precise near 0: 2 atanh(s), s = e / (2 + e) <= 1/3, by its series */
DEVICE float function_log1p(float e)
{
    float s = e / (2.0f + e), q = s * s, p = 1.0f / 13.0f;
    p = p * q + 1.0f / 11.0f;
    p = p * q + 1.0f / 9.0f;
    p = p * q + 1.0f / 7.0f;
    p = p * q + 1.0f / 5.0f;
    p = p * q + 1.0f / 3.0f;
    return 2.0f * s + 2.0f * s * (p * q);
}

DEVICE float function_above_0(float v) { return PICK(v > 0.0f, v, 0.0f); }
DEVICE float function_below_0(float v) { return PICK(v > 0.0f, 0.0f, v); }

/* min(max(v, low), high); NaN stays NaN */
DEVICE float function_clip(float v, float low, float high)
{
    v = PICK(v < low, low, v);
    return PICK(v > high, high, v);
}

DEVICE float function_softplus(float v, float beta, float threshold)
{
    float z = beta * v;
    return PICK(z > threshold, v, (function_above_0(z) + function_log1p(vector_exp(-fabsf(z)))) / beta);
}

/* f'(v) of silu: s (1 + v (1 - s)) */
DEVICE float function_silu_slope(float v)
{
    float s = vector_sigmoid(v);
    return s * (1.0f + v * (1.0f - s));
}

#define SELU_ALPHA 1.67326324f
#define SELU_SCALE 1.05070099f

/* F(name, y, dx): of v, with d = dy and the parameters a, b */
#define FUNCTIONS_OF_ONE(F) \
    F(NEG, -v, -d) \
    F(ABS, fabsf(v), d * function_sign(v)) \
    F(SIGN, function_sign(v), 0.0f) \
    F(NOT, v == 0.0f ? 1.0f : 0.0f, 0.0f) \
    F(SQUARE, v * v, 2.0f * v * d) \
    F(FLOOR, floorf(v), 0.0f) \
    F(CEIL, ceilf(v), 0.0f) \
    F(ROUND, rintf(v), 0.0f) \
    F(RECIPROCAL, 1.0f / v, -d / (v * v)) \
    F(SQRT, sqrtf(v), 0.5f * d / sqrtf(v)) \
    F(EXP, vector_exp(v), d * vector_exp(v)) \
    F(LOG, vector_log(v), d / v) \
    F(ERF, vector_erf(v), d * 1.12837917f * vector_exp(-v * v)) \
    F(SIN, sinf(v), d * cosf(v)) \
    F(COS, cosf(v), -d * sinf(v)) \
    F(TAN, tanf(v), d / (cosf(v) * cosf(v))) \
    F(ASIN, asinf(v), d / sqrtf((1.0f - v) * (1.0f + v))) \
    F(ACOS, acosf(v), -d / sqrtf((1.0f - v) * (1.0f + v))) \
    F(ATAN, atanf(v), d / (1.0f + v * v)) \
    F(SINH, sinhf(v), d * coshf(v)) \
    F(COSH, coshf(v), d * sinhf(v)) \
    F(ASINH, asinhf(v), d / sqrtf(v * v + 1.0f)) \
    F(ACOSH, acoshf(v), d / sqrtf((v - 1.0f) * (v + 1.0f))) \
    F(ATANH, atanhf(v), d / ((1.0f - v) * (1.0f + v))) \
    F(IS_NAN, v != v ? 1.0f : 0.0f, 0.0f) \
    F(IS_INF, fabsf(v) > 3.40282347e38f ? 1.0f : 0.0f, 0.0f) \
    F(LEAKY_RELU, PICK(v > 0.0f, v, a * v), PICK(v > 0.0f, d, a * d)) \
    F(ELU, function_above_0(v) + a * function_expm1(function_below_0(v)), \
      d * PICK(v > 0.0f, 1.0f, a * vector_exp(function_below_0(v)))) \
    F(SELU, SELU_SCALE * (function_above_0(v) + SELU_ALPHA * function_expm1(function_below_0(v))), \
      d * SELU_SCALE * PICK(v > 0.0f, 1.0f, SELU_ALPHA * vector_exp(function_below_0(v)))) \
    F(SILU, v * vector_sigmoid(v), d * function_silu_slope(v)) \
    F(SOFTPLUS, function_softplus(v, a, b), d * PICK(a * v > b, 1.0f, vector_sigmoid(a * v))) \
    F(HARD_SIGMOID, function_clip(a * v + b, 0.0f, 1.0f), PICK((a * v + b > 0.0f) & (a * v + b < 1.0f), a * d, 0.0f)) \
    F(HARD_SWISH, v * function_clip(v / 6.0f + 0.5f, 0.0f, 1.0f), \
      d * PICK(v > -3.0f, PICK(v < 3.0f, v / 3.0f + 0.5f, 1.0f), 0.0f)) \
    F(CLIP, function_clip(v, a, b), PICK((v > a) & (v < b), d, 0.0f))

struct function_args { int n, function; float a, b; };

/* y = f(x); a loop for each, so that compilers vectorise it */
KERNEL2(function_fwd, function_args)
{
    BUFFER(0, const float, x)
    BUFFER(1, float, y)
    const float a = ARG(a), b = ARG(b);
    switch (ARG(function)) {
#define CASE(name, value, slope) \
    case FUNCTION_##name: \
        FOR_ITEMS(i, ARG(n)) { \
            const float v = x[i]; \
            y[i] = value; \
        } \
        break;
        FUNCTIONS_OF_ONE(CASE)
#undef CASE
    }
    (void)a, (void)b;
}

/* dx = dy f'(x) */
KERNEL3(function_bwd, function_args)
{
    BUFFER(0, const float, x)
    BUFFER(1, const float, dy)
    BUFFER(2, float, dx)
    const float a = ARG(a), b = ARG(b);
    switch (ARG(function)) {
#define CASE(name, value, slope) \
    case FUNCTION_##name: \
        FOR_ITEMS(i, ARG(n)) { \
            const float v = x[i], d = dy[i]; \
            (void)v, (void)d; \
            dx[i] = slope; \
        } \
        break;
        FUNCTIONS_OF_ONE(CASE)
#undef CASE
    }
    (void)a, (void)b;
}
