/* SPDX-License-Identifier: BSD-3-Clause */
/* The functions of values that pointwise operations and activations apply, for kernels and host code. */
#ifndef HSGD_CODELETS_FUNCTIONS_H
#define HSGD_CODELETS_FUNCTIONS_H

/* Those of the operation pointwise, as enum hsgd_function: name, word, number of operands, and whether integers have
 * it, too. */
/* clang-format off */
#define POINTWISE_FUNCTIONS(F) \
    F(NEG, neg, 1, 1) F(ABS, abs, 1, 1) F(SIGN, sign, 1, 1) F(NOT, not, 1, 1) F(SQUARE, square, 1, 1) \
    F(FLOOR, floor, 1, 0) F(CEIL, ceil, 1, 0) F(ROUND, round, 1, 0) F(RECIPROCAL, reciprocal, 1, 0) \
    F(SQRT, sqrt, 1, 0) F(EXP, exp, 1, 0) F(LOG, log, 1, 0) F(ERF, erf, 1, 0) F(SIN, sin, 1, 0) F(COS, cos, 1, 0) \
    F(TAN, tan, 1, 0) F(ASIN, asin, 1, 0) F(ACOS, acos, 1, 0) F(ATAN, atan, 1, 0) F(SINH, sinh, 1, 0) \
    F(COSH, cosh, 1, 0) F(ASINH, asinh, 1, 0) F(ACOSH, acosh, 1, 0) F(ATANH, atanh, 1, 0) F(IS_NAN, is_nan, 1, 0) \
    F(IS_INF, is_inf, 1, 0) F(TO_INT, to_int, 1, 0) F(TO_FLOAT, to_float, 1, 1) F(ADD, add, 2, 1) F(SUB, sub, 2, 1) \
    F(MUL, mul, 2, 1) F(DIV, div, 2, 1) F(MOD, mod, 2, 1) F(FMOD, fmod, 2, 1) F(MIN, min, 2, 1) F(MAX, max, 2, 1) \
    F(POW, pow, 2, 0) F(EQUAL, equal, 2, 1) F(LESS, less, 2, 1) F(LESS_EQUAL, less_equal, 2, 1) \
    F(GREATER, greater, 2, 1) F(GREATER_EQUAL, greater_equal, 2, 1) F(AND, and, 2, 1) F(OR, or, 2, 1) \
    F(XOR, xor, 2, 1) F(WHERE, where, 3, 1)
/* clang-format on */
#define FUNCTION_NUMBER_(name, word, operands, integers) FUNCTION_##name,

enum {
    POINTWISE_FUNCTIONS(FUNCTION_NUMBER_)
    /* activations, with parameters a and b */
    FUNCTION_LEAKY_RELU,
    FUNCTION_ELU,
    FUNCTION_SELU,
    FUNCTION_SILU,
    FUNCTION_SOFTPLUS,
    FUNCTION_HARD_SIGMOID,
    FUNCTION_HARD_SWISH,
    FUNCTION_CLIP
};

/* Reductions: those of enum hsgd_reduction, and two for gradients. */
/* clang-format off */
#define REDUCE_FUNCTIONS(F) \
    F(SUM, sum) F(MEAN, mean) F(MAX, max) F(MIN, min) F(PROD, prod) F(L1, l1) F(L2, l2) F(SUM_SQUARE, sum_square) \
    F(LOG_SUM, log_sum) F(LOG_SUM_EXP, log_sum_exp)
/* clang-format on */
#define REDUCE_NUMBER_(name, word) REDUCE_##name,

enum {
    REDUCE_FUNCTIONS(REDUCE_NUMBER_) REDUCE_COUNT, /* numbers that equal another */
    REDUCE_PROD_REST,                              /* product of those that are not 0 */
    REDUCTIONS_
};

#endif
