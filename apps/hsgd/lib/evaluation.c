/* SPDX-License-Identifier: BSD-3-Clause */
/* Precision, recall and F1 from a confusion matrix. */
#include <math.h>

#include "evaluation.h"

struct class_score class_score(const struct evaluation *e, int class)
{
    struct class_score s = { 0 };
    int64_t right = e->confusion[class * e->classes + class];
    for (int i = 0; i < e->classes; i++) {
        s.samples += e->confusion[class * e->classes + i];
        s.predicted += e->confusion[i * e->classes + class];
    }
    s.precision = s.predicted ? (double)right / (double)s.predicted : NAN;
    s.recall = s.samples ? (double)right / (double)s.samples : NAN;
    s.f1 = s.predicted + s.samples ? 2.0 * (double)right / (double)(s.predicted + s.samples) : NAN;
    return s;
}

/* A class that is never predicted counts with precision 0, as elsewhere. */
struct class_score mean_score(const struct evaluation *e)
{
    struct class_score sum = { 0 };
    int n = 0;
    for (int i = 0; i < e->classes; i++) {
        struct class_score s = class_score(e, i);
        if (!s.samples) continue;
        sum.precision += s.predicted ? s.precision : 0;
        sum.recall += s.recall;
        sum.f1 += s.f1;
        n++;
    }
    return (struct class_score){ .precision = sum.precision / n, .recall = sum.recall / n, .f1 = sum.f1 / n };
}

double evaluation_accuracy(const struct evaluation *e)
{
    int64_t right = 0;
    for (int i = 0; i < e->classes; i++) right += e->confusion[i * e->classes + i];
    return (double)right / (double)e->samples;
}
