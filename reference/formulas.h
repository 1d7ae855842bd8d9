/* SPDX-License-Identifier: BSD-3-Clause */
/* The functions of pointwise in double precision. */
#ifndef HSGD_REFERENCE_FORMULAS_H
#define HSGD_REFERENCE_FORMULAS_H

#include <hsgd/hsgd.h>

enum { FIRST_OF_TWO = HSGD_FUNCTION_ADD };

double value_of_one(enum hsgd_function f, double v);
double slope_of_one(enum hsgd_function f, double v);
double value_of_two(enum hsgd_function f, double p, double q);
/* The derivative by operand i; equals of min and max: a half, or all where the other is constant. */
double slope_of_two(enum hsgd_function f, double p, double q, int i, bool constant);

#endif
