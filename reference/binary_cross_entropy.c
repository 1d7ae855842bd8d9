/* SPDX-License-Identifier: BSD-3-Clause */
/* binary_cross_entropy. */
#include "reference.h"
#include "values.h"

/* Bound: exp and log within a few units in the last place; a loss near 0 is the
 * logarithm of a number that was rounded near 1. */
static struct value_loss logistic(double z, double t)
{
    double loss = fmax(z, 0) - z * t + log1p(exp(-fabs(z))), p = 1 / (1 + exp(-z));
    return (struct value_loss){ { loss, 4 * CHECK_U * (1 + fabs(z)) }, { p - t, 6 * CHECK_U } };
}

void reference_binary_cross_entropy(void) { check_value_loss(&hsgd_op_binary_cross_entropy, NULL, logistic, 204); }
