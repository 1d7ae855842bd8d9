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

/* ------------------------------------------------------------------- pos_weight */

static struct value_loss weighted(double z, double t, double w)
{
    double p = 1 / (1 + exp(-z)), lower = log1p(exp(-fabs(z))) + fmax(-z, 0), upper = log1p(exp(-fabs(z))) + fmax(z, 0);
    double loss = w * t * lower + (1 - t) * upper;
    return (struct value_loss){ { loss, CHECK_U * (10 * loss + 4 * (1 + w)) },
                                { (1 - t) * p - w * t * (1 - p), 12 * CHECK_U * (1 + w) } };
}

/* One weight, or one for each channel; targets between 0 and 1, or one of them. */
static void one(int turn)
{
    int channels = turn % 9 == 8 ? check_int(100, HSGD_MAX_FLOATS) : check_size(40);
    struct values s = { .type = check_value_type(turn, channels), .weighted = weighted };
    struct hsgd_binary_cross_entropy a = { { turn % 3 ? hsgd_type_channels(&s.type) : 1, { 0 } } };
    for (int i = 0; i < a.pos_weight.count; i++) a.pos_weight.value[i] = 0.25f * (float)check_int(0, 40);
    s.rows = check_size(turn % 10 == 9 ? 1000 : 100);
    s.weight = &a.pos_weight;
    check_values(turn, &hsgd_op_binary_cross_entropy, &a, &s);
}

void reference_binary_cross_entropy(void)
{
    check_value_loss(&hsgd_op_binary_cross_entropy, NULL, logistic, 204);
    for (int i = 0; i < 240 && check_going(); i++) one(i);
}
