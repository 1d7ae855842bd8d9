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

static struct hsgd_binary_cross_entropy loss;

/* With smoothed targets q and a weight of theirs. */
static struct value_loss weighted(double z, double t)
{
    double s = loss.label_smoothing, w = loss.pos_weight, q = (1 - s) * t + s / 2, p = 1 / (1 + exp(-z));
    double lower = log1p(exp(-fabs(z))) + fmax(-z, 0), upper = log1p(exp(-fabs(z))) + fmax(z, 0);
    double value = w * q * lower + (1 - q) * upper;
    return (struct value_loss){ { value, CHECK_U * (10 * value + 4 * (1 + w)) },
                                { (1 - q) * p - w * q * (1 - p), 12 * CHECK_U * (1 + w) } };
}

void reference_binary_cross_entropy(void)
{
    check_value_loss(&hsgd_op_binary_cross_entropy, &loss, logistic, 204);
    for (int i = 0; i < 6 && check_going(); i++) {
        loss = (struct hsgd_binary_cross_entropy){ i % 3 ? 0.1f * (float)i : 0, i % 2 ? 1 : 0.5f + (float)i };
        check_value_loss(&hsgd_op_binary_cross_entropy, &loss, weighted, 12);
    }
}
