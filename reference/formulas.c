/* SPDX-License-Identifier: BSD-3-Clause */
#include "formulas.h"

#include <math.h>

static double sign(double x) { return x > 0 ? 1 : x < 0 ? -1 : x; }
static double floor_mod(double p, double q) { return p - q * floor(p / q); }

double value_of_one(enum hsgd_function f, double v)
{
    switch (f) {
    case HSGD_FUNCTION_NEG: return -v;
    case HSGD_FUNCTION_ABS: return fabs(v);
    case HSGD_FUNCTION_SIGN: return sign(v);
    case HSGD_FUNCTION_NOT: return v == 0;
    case HSGD_FUNCTION_SQUARE: return v * v;
    case HSGD_FUNCTION_FLOOR: return floor(v);
    case HSGD_FUNCTION_CEIL: return ceil(v);
    case HSGD_FUNCTION_ROUND: return rint(v);
    case HSGD_FUNCTION_RECIPROCAL: return 1 / v;
    case HSGD_FUNCTION_SQRT: return sqrt(v);
    case HSGD_FUNCTION_EXP: return exp(v);
    case HSGD_FUNCTION_LOG: return log(v);
    case HSGD_FUNCTION_ERF: return erf(v);
    case HSGD_FUNCTION_SIN: return sin(v);
    case HSGD_FUNCTION_COS: return cos(v);
    case HSGD_FUNCTION_TAN: return tan(v);
    case HSGD_FUNCTION_ASIN: return asin(v);
    case HSGD_FUNCTION_ACOS: return acos(v);
    case HSGD_FUNCTION_ATAN: return atan(v);
    case HSGD_FUNCTION_SINH: return sinh(v);
    case HSGD_FUNCTION_COSH: return cosh(v);
    case HSGD_FUNCTION_ASINH: return asinh(v);
    case HSGD_FUNCTION_ACOSH: return acosh(v);
    case HSGD_FUNCTION_ATANH: return atanh(v);
    case HSGD_FUNCTION_IS_NAN: return isnan(v);
    case HSGD_FUNCTION_IS_INF: return isinf(v) != 0;
    default: return v;
    }
}

double slope_of_one(enum hsgd_function f, double v)
{
    switch (f) {
    case HSGD_FUNCTION_NEG: return -1;
    case HSGD_FUNCTION_ABS: return sign(v);
    case HSGD_FUNCTION_SQUARE: return 2 * v;
    case HSGD_FUNCTION_RECIPROCAL: return -1 / (v * v);
    case HSGD_FUNCTION_SQRT: return 0.5 / sqrt(v);
    case HSGD_FUNCTION_EXP: return exp(v);
    case HSGD_FUNCTION_LOG: return 1 / v;
    case HSGD_FUNCTION_ERF: return 2 / sqrt(M_PI) * exp(-v * v);
    case HSGD_FUNCTION_SIN: return cos(v);
    case HSGD_FUNCTION_COS: return -sin(v);
    case HSGD_FUNCTION_TAN: return 1 / (cos(v) * cos(v));
    case HSGD_FUNCTION_ASIN: return 1 / sqrt(1 - v * v);
    case HSGD_FUNCTION_ACOS: return -1 / sqrt(1 - v * v);
    case HSGD_FUNCTION_ATAN: return 1 / (1 + v * v);
    case HSGD_FUNCTION_SINH: return cosh(v);
    case HSGD_FUNCTION_COSH: return sinh(v);
    case HSGD_FUNCTION_ASINH: return 1 / sqrt(v * v + 1);
    case HSGD_FUNCTION_ACOSH: return 1 / sqrt(v * v - 1);
    case HSGD_FUNCTION_ATANH: return 1 / (1 - v * v);
    default: return 0;
    }
}

double value_of_two(enum hsgd_function f, double p, double q)
{
    switch (f) {
    case HSGD_FUNCTION_ADD: return p + q;
    case HSGD_FUNCTION_SUB: return p - q;
    case HSGD_FUNCTION_MUL: return p * q;
    case HSGD_FUNCTION_DIV: return p / q;
    case HSGD_FUNCTION_MOD: return floor_mod(p, q);
    case HSGD_FUNCTION_FMOD: return fmod(p, q);
    case HSGD_FUNCTION_MIN: return fmin(p, q);
    case HSGD_FUNCTION_MAX: return fmax(p, q);
    case HSGD_FUNCTION_POW: return pow(p, q);
    case HSGD_FUNCTION_EQUAL: return p == q;
    case HSGD_FUNCTION_LESS: return p < q;
    case HSGD_FUNCTION_LESS_EQUAL: return p <= q;
    case HSGD_FUNCTION_GREATER: return p > q;
    case HSGD_FUNCTION_GREATER_EQUAL: return p >= q;
    case HSGD_FUNCTION_AND: return p != 0 && q != 0;
    case HSGD_FUNCTION_OR: return p != 0 || q != 0;
    case HSGD_FUNCTION_XOR: return (p != 0) != (q != 0);
    default: return NAN;
    }
}

double slope_of_two(enum hsgd_function f, double p, double q, int i, bool constant)
{
    double equal = constant ? 1 : 0.5, least = p == q ? equal : (i ? q < p : p < q);
    switch (f) {
    case HSGD_FUNCTION_ADD: return 1;
    case HSGD_FUNCTION_SUB: return i ? -1 : 1;
    case HSGD_FUNCTION_MUL: return i ? p : q;
    case HSGD_FUNCTION_DIV: return i ? -p / (q * q) : 1 / q;
    case HSGD_FUNCTION_MOD: return i ? -floor(p / q) : 1;
    case HSGD_FUNCTION_FMOD: return i ? -trunc(p / q) : 1;
    case HSGD_FUNCTION_MIN: return least;
    case HSGD_FUNCTION_MAX: return p == q ? equal : 1 - least;
    case HSGD_FUNCTION_POW: return i ? pow(p, q) * log(p) : q * pow(p, q - 1);
    default: return 0;
    }
}
