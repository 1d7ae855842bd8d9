/* SPDX-License-Identifier: BSD-3-Clause */
#include "device.h"
#include "functions.h"
#include "vector_math.h"

struct pointwise_args { int n, add; };

/* y = a + b */
KERNEL3(pointwise_add, pointwise_args)
{
    BUFFER(0, const float, a)
    BUFFER(1, const float, b)
    BUFFER(2, float, y)
    FOR_ITEMS(i, ARG(n)) y[i] = a[i] + b[i];
}

/* y = a b; add: y += a b */
KERNEL3(pointwise_mul, pointwise_args)
{
    BUFFER(0, const float, a)
    BUFFER(1, const float, b)
    BUFFER(2, float, y)
    if (ARG(add))
        FOR_ITEMS(i, ARG(n)) y[i] += a[i] * b[i];
    else
        FOR_ITEMS(i, ARG(n)) y[i] = a[i] * b[i];
}

/* Of two operands p and q, element by element, one of which may be a constant: FIRST or SECOND. */
#define POINTWISE_CONSTANT_SECOND 1
#define POINTWISE_CONSTANT_FIRST 2
struct pointwise_of_two_args { int n, function, fixed, operand, value_bits; float value; };

/* The sign of a remainder is that of the divisor. */
DEVICE float pointwise_mod(float p, float q)
{
    float r = fmodf(p, q);
    return (r < 0.0f) != (q < 0.0f) && r != 0.0f ? r + q : r;
}

/* dy/dq of p^q: 0 where p is, instead of 0 log 0 */
DEVICE float pointwise_pow_slope(float p, float q) { return p == 0.0f && q >= 0.0f ? 0.0f : powf(p, q) * logf(p); }
DEVICE float pointwise_truth(int c) { return PICK(c, 1.0f, 0.0f); }
/* the gradient's share where p is chosen, and of equals */
DEVICE float pointwise_chosen(float d, int chosen, int same, int fixed)
{
    return PICK(same, fixed ? d : 0.5f * d, PICK(chosen, d, 0.0f));
}

/* F(name, y, dp, dq), with d = dy; NaN goes through min and max */
#define FUNCTIONS_OF_TWO(F) \
    F(ADD, p + q, d, d) \
    F(SUB, p - q, d, -d) \
    F(MUL, p * q, d * q, d * p) \
    F(DIV, p / q, d / q, -d * (p / q) / q) \
    F(MOD, pointwise_mod(p, q), d, -d * floorf(p / q)) \
    F(FMOD, fmodf(p, q), d, -d * (p / q < 0.0f ? ceilf(p / q) : floorf(p / q))) \
    F(MIN, PICK((p < q) | (p != p), p, q), pointwise_chosen(d, p < q, p == q, fixed), \
      pointwise_chosen(d, q < p, p == q, fixed)) \
    F(MAX, PICK((p > q) | (p != p), p, q), pointwise_chosen(d, p > q, p == q, fixed), \
      pointwise_chosen(d, q > p, p == q, fixed)) \
    F(POW, powf(p, q), q == 0.0f ? 0.0f : d * q * powf(p, q - 1.0f), d * pointwise_pow_slope(p, q)) \
    F(EQUAL, pointwise_truth(p == q), 0.0f, 0.0f) \
    F(LESS, pointwise_truth(p < q), 0.0f, 0.0f) \
    F(LESS_EQUAL, pointwise_truth(p <= q), 0.0f, 0.0f) \
    F(GREATER, pointwise_truth(p > q), 0.0f, 0.0f) \
    F(GREATER_EQUAL, pointwise_truth(p >= q), 0.0f, 0.0f) \
    F(AND, pointwise_truth((p != 0.0f) & (q != 0.0f)), 0.0f, 0.0f) \
    F(OR, pointwise_truth((p != 0.0f) | (q != 0.0f)), 0.0f, 0.0f) \
    F(XOR, pointwise_truth((p != 0.0f) != (q != 0.0f)), 0.0f, 0.0f)

/* y = f(a, b) */
KERNEL3(pointwise_of_two, pointwise_of_two_args)
{
    BUFFER(0, const float, a)
    BUFFER(1, const float, b)
    BUFFER(2, float, y)
    const int fixed = ARG(fixed);
    const float value = ARG(value);
    switch (ARG(function)) {
#define CASE(name, result, dp, dq) \
    case FUNCTION_##name: \
        FOR_ITEMS(i, ARG(n)) { \
            const float p = fixed == POINTWISE_CONSTANT_FIRST ? value : a[i]; \
            const float q = fixed == POINTWISE_CONSTANT_SECOND ? value : b[i]; \
            y[i] = result; \
        } \
        break;
        FUNCTIONS_OF_TWO(CASE)
#undef CASE
    }
}

/* dx = dy times the derivative by operand 0 or 1 */
KERNEL4(pointwise_gradient_of_two, pointwise_of_two_args)
{
    BUFFER(0, const float, a)
    BUFFER(1, const float, b)
    BUFFER(2, const float, dy)
    BUFFER(3, float, dx)
    const int fixed = ARG(fixed), second = ARG(operand);
    const float value = ARG(value);
    switch (ARG(function)) {
#define CASE(name, result, dp, dq) \
    case FUNCTION_##name: \
        FOR_ITEMS(i, ARG(n)) { \
            const float p = fixed == POINTWISE_CONSTANT_FIRST ? value : a[i], d = dy[i]; \
            const float q = fixed == POINTWISE_CONSTANT_SECOND ? value : b[i]; \
            (void)p, (void)q, (void)d; \
            dx[i] = second ? dq : dp; \
        } \
        break;
        FUNCTIONS_OF_TWO(CASE)
#undef CASE
    }
}

/* Integers wrap around; a quotient by 0 is 0. */
DEVICE int pointwise_int_div(int p, int q) { return q == 0 ? 0 : q == -1 ? (int)(0u - (u32)p) : p / q; }
DEVICE int pointwise_int_fmod(int p, int q) { return q == 0 || q == -1 ? 0 : p % q; }
DEVICE int pointwise_int_mod(int p, int q)
{
    int r = pointwise_int_fmod(p, q);
    return r != 0 && (r < 0) != (q < 0) ? r + q : r;
}

#define FUNCTIONS_OF_INTEGERS(F) \
    F(NEG, (int)(0u - (u32)p)) \
    F(ABS, p < 0 ? (int)(0u - (u32)p) : p) \
    F(SIGN, (p > 0) - (p < 0)) \
    F(NOT, p == 0) \
    F(SQUARE, (int)((u32)p * (u32)p)) \
    F(ADD, (int)((u32)p + (u32)q)) \
    F(SUB, (int)((u32)p - (u32)q)) \
    F(MUL, (int)((u32)p * (u32)q)) \
    F(DIV, pointwise_int_div(p, q)) \
    F(MOD, pointwise_int_mod(p, q)) \
    F(FMOD, pointwise_int_fmod(p, q)) \
    F(MIN, p < q ? p : q) \
    F(MAX, p > q ? p : q) \
    F(EQUAL, p == q) \
    F(LESS, p < q) \
    F(LESS_EQUAL, p <= q) \
    F(GREATER, p > q) \
    F(GREATER_EQUAL, p >= q) \
    F(AND, (p != 0) & (q != 0)) \
    F(OR, (p != 0) | (q != 0)) \
    F(XOR, (p != 0) != (q != 0))

/* y = f(a, b) or f(a) of integers */
KERNEL3(pointwise_of_integers, pointwise_of_two_args)
{
    BUFFER(0, const int, a)
    BUFFER(1, const int, b)
    BUFFER(2, int, y)
    const int fixed = ARG(fixed), value = ARG(value_bits);
    switch (ARG(function)) {
#define CASE(name, result) \
    case FUNCTION_##name: \
        FOR_ITEMS(i, ARG(n)) { \
            const int p = fixed == POINTWISE_CONSTANT_FIRST ? value : a[i]; \
            const int q = fixed == POINTWISE_CONSTANT_SECOND ? value : b[i]; \
            (void)p, (void)q; \
            y[i] = result; \
        } \
        break;
        FUNCTIONS_OF_INTEGERS(CASE)
#undef CASE
    }
}

struct pointwise_cast_args { int n; };

KERNEL2(pointwise_to_int, pointwise_cast_args)
{
    BUFFER(0, const float, x)
    BUFFER(1, int, y)
    FOR_ITEMS(i, ARG(n)) y[i] = (int)x[i];
}

KERNEL2(pointwise_to_float, pointwise_cast_args)
{
    BUFFER(0, const int, x)
    BUFFER(1, float, y)
    FOR_ITEMS(i, ARG(n)) y[i] = (float)x[i];
}

/* Where the condition is not 0 (nor -0, of floats): `mask` has the bits that count.  y = c ? a : b, of floats or
 * integers by their bits. */
struct pointwise_where_args { int n, mask, fixed, value_bits, operand; };

KERNEL4(pointwise_where, pointwise_where_args)
{
    BUFFER(0, const int, c)
    BUFFER(1, const int, a)
    BUFFER(2, const int, b)
    BUFFER(3, int, y)
    const int fixed = ARG(fixed), value = ARG(value_bits), mask = ARG(mask);
    FOR_ITEMS(i, ARG(n)) {
        const int p = fixed == POINTWISE_CONSTANT_FIRST ? value : a[i];
        const int q = fixed == POINTWISE_CONSTANT_SECOND ? value : b[i];
        y[i] = c[i] & mask ? p : q;
    }
}

/* dx = dy where operand 1 (a) or 2 (b) was chosen, else 0; 0 for operand 0, the condition */
KERNEL3(pointwise_where_gradient, pointwise_where_args)
{
    BUFFER(0, const int, c)
    BUFFER(1, const float, dy)
    BUFFER(2, float, dx)
    const int operand = ARG(operand), mask = ARG(mask);
    FOR_ITEMS(i, ARG(n)) dx[i] = operand == ((c[i] & mask) != 0 ? 1 : 2) ? dy[i] : 0.0f;
}
