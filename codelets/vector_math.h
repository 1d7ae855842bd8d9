/* SPDX-License-Identifier: BSD-3-Clause */
/* exp, log, tanh, erf and the logistic function without branches and calls, so that compilers vectorise loops with
 * them; behind device.h, for kernels only.
 *
 * Bounds, for all floats, in units in the last place (ulp) of the exact result:
 *     vector_exp 2, vector_log 2, vector_tanh 6, vector_erf 3, vector_sigmoid 3
 * NaN gives NaN; vector_exp is 0 below -87.3365, where it would be less than FLT_MIN, and inf from 88.7228 on;
 * vector_log(0) = -inf, vector_log(inf) = inf, NaN below 0; |vector_tanh|, |vector_erf| <= 1; the sign of a zero is not
 * defined.  A device that has no denormal numbers, as OpenCL allows, takes 0 in place of them.
 *
 * The polynomials are minimax fits of the relative error, with coefficients rounded one after the other. */
#ifndef HSGD_CODELETS_VECTOR_MATH_H
#define HSGD_CODELETS_VECTOR_MATH_H

/* PICK(c, a, b): c ? a : b, where gcc would make branches of a choice and compute each on its own. */
#if defined(__OPENCL_VERSION__) || defined(__CUDACC__) || defined(__clang__)
#define PICK(c, a, b) ((c) ? (a) : (b))
#else
DEVICE float PICK(int c, float a, float b)
{
    u32 mask = 0u - (u32)c;
    return BITS_TO_FLOAT((FLOAT_TO_BITS(a) & mask) | (FLOAT_TO_BITS(b) & ~mask));
}
#endif

#ifdef __CUDACC__ /* CUDA's functions are inlined, and within 2 ulp */
DEVICE float vector_exp(float x) { return expf(x); }
DEVICE float vector_log(float x) { return logf(x); }
DEVICE float vector_tanh(float x) { return tanhf(x); }
DEVICE float vector_erf(float x) { return erff(x); }
#else

/* ADD_PRODUCT(a, b, c): a b + c.  -fassociative-math may not change what is computed before or after it; vectorised code
 * without fused multiply and add keeps the order by choices that compilers cannot foresee: c > -200. */
#ifdef __OPENCL_VERSION__
#define ADD_PRODUCT(a, b, c) ((a) * (b) + (c))
#elif defined(__FMA__)
#define ADD_PRODUCT(a, b, c) __builtin_fmaf((a), (b), (c))
#else
DEVICE float KEPT_(float x) { return PICK(x < -200.0f, -200.0f, x); }
DEVICE float ADD_PRODUCT(float a, float b, float c) { return KEPT_(a * b + KEPT_(c)); }
#endif

/* exp(x), x in [-87.3, 88.7]: n = x / log 2, rounded; to the exponent of exp(x - n log 2), which is in [0.7, 1.42], n is
 * added.  x - n log 2 is computed in two steps, of which the first is exact: n and its factor have 17 bits together. */
DEVICE float exp_inside(float x)
{
    int n = (int)((u32)(int)(x * 1.44269504f + 192.5f) - 192u); /* of any other x it is some number */
    float m = (float)n, r = ADD_PRODUCT(m, -0.693359375f, x) + m * 2.12194440e-4f, p = 0.00138210552f;
    p = p * r + 0.00836867467f;
    p = p * r + 0.0416682623f;
    p = p * r + 0.166665211f;
    p = p * r + 0.49999994f;
    p = p * (r * r) + r + 1.0f;
    return BITS_TO_FLOAT(FLOAT_TO_BITS(p) + ((u32)n << 23));
}

DEVICE float vector_exp(float x)
{
    float y = PICK(x < -87.3365448f, 0.0f, exp_inside(x));
    return PICK(x < 88.7228394f, y, x + BITS_TO_FLOAT(0x7f800000u));
}

/* x = 2^n (1 + f), 1 + f in [sqrt(1/2), sqrt(2)]; log(1 + f) = f - f^2/2 + f^3 P(f). */
DEVICE float vector_log(float x)
{
    int tiny = x < 1.17549435e-38f;
    u32 bits = FLOAT_TO_BITS(PICK(tiny, x * 33554432.0f, x)) - 0x3f3504f3u; /* sqrt(1/2) */
    float n = (float)((int)bits >> 23) - PICK(tiny, 25.0f, 0.0f);
    float f = BITS_TO_FLOAT((bits & 0x7fffffu) + 0x3f3504f3u) - 1.0f;
    float p = -0.0763643906f;
    p = p * f + 0.127622172f;
    p = p * f + -0.131596103f;
    p = p * f + 0.1420158f;
    p = p * f + -0.166234091f;
    p = p * f + 0.200012416f;
    p = p * f + -0.250008196f;
    p = p * f + 0.333333313f;
    p = ADD_PRODUCT(n, -2.12194440e-4f, (p * f - 0.5f) * (f * f));
    p = ADD_PRODUCT(n, 0.693359375f, f + p);
    p = PICK(x > 3.40282347e38f, x, p);
    p = PICK(x == 0.0f, BITS_TO_FLOAT(0xff800000u), p);
    return PICK(x >= 0.0f, p, BITS_TO_FLOAT(0x7fc00000u));
}

/* x P(x^2) / Q(x^2) within 3e-8 up to 9.02, where it is 1 in single precision */
DEVICE float vector_tanh(float x)
{
    x = PICK(x > 9.02f, 9.02f, x);
    x = PICK(x < -9.02f, -9.02f, x);
    float s = x * x, p = 1.33190916e-08f, q = 7.76202739e-07f;
    p = p * s + 2.05834967e-05f;
    p = p * s + 0.00349403545f;
    p = p * s + 0.133797184f;
    p = p * s + 1.0f;
    q = q * s + 0.000328309427f;
    q = q * s + 0.0258710776f;
    q = q * s + 0.467130333f;
    q = q * s + 1.0f;
    float y = x * p / q;
    y = PICK(y > 1.0f, 1.0f, y);
    return PICK(y < -1.0f, -1.0f, y);
}

/* x P(x^2) up to 1, then 1 - exp(Q(x)), Q being log(1 - erf); 1 from 4 on */
DEVICE float vector_erf(float x)
{
    float a = fabsf(x);
    a = PICK(a > 4.0f, 4.0f, a);
    float s = a * a, p = -0.000557527354f, q = -0.00115722069f;
    p = p * s + 0.00490278238f;
    p = p * s + -0.026697509f;
    p = p * s + 0.112796418f;
    p = p * s + -0.376122504f;
    p = p * s + 1.12837911f;
    q = q * a + 0.0148318484f;
    q = q * a + -0.0887997448f;
    q = q * a + -0.654240012f;
    q = q * a + -1.1176213f;
    q = q * a + -0.00261916476f;
    float y = PICK(a > 1.0f, 1.0f - exp_inside(q), a * p);
    return PICK(x < 0.0f, -y, y);
}
#endif

/* 1 / (1 + exp(-x)) */
DEVICE float vector_sigmoid(float x)
{
    float e = vector_exp(-fabsf(x));
    return PICK(x < 0.0f, e, 1.0f) / (1.0f + e);
}

#endif
