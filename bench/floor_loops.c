/* SPDX-License-Identifier: BSD-3-Clause */
/* The passes over memory that no library call covers.  They are compiled for
 * several instruction sets and the best one is chosen at load time.  A
 * pragma cannot say -fno-math-errno, without which sqrtf does not vectorise
 * and Adam takes four times as long. */
#ifndef __NO_MATH_ERRNO__
#error "compile this file with -fno-math-errno"
#endif
#pragma GCC optimize("O3,fast-math")

#include "floor_impl.h"

#include <math.h>

struct adam adam_default(void)
{
    return (struct adam){
        .learning_rate = 1e-3f, .beta1 = 0.9f, .beta2 = 0.999f, .epsilon = 1e-8f, .beta1_power = 1, .beta2_power = 1
    };
}

void adam_next(struct adam *adam)
{
    adam->beta1_power *= adam->beta1;
    adam->beta2_power *= adam->beta2;
}

VECTORISED static void adam_loop(float *restrict w, float *restrict m, float *restrict v,
                                 const float *restrict gradient, size_t n, float beta1, float beta2, float rate,
                                 float epsilon)
{
    for (size_t i = 0; i < n; i++) {
        float g = gradient[i];
        m[i] = beta1 * m[i] + (1 - beta1) * g;
        v[i] = beta2 * v[i] + (1 - beta2) * g * g;
        w[i] -= rate * m[i] / (sqrtf(v[i]) + epsilon);
    }
}

void adam_update(const struct adam *adam, float *w, float *m, float *v, const float *gradient, size_t n)
{
    /* The bias corrections of m and v, moved out of the loop. */
    double correct1 = 1 / (1 - adam->beta1_power), root2 = sqrt(1 - adam->beta2_power);
    adam_loop(w, m, v, gradient, n, adam->beta1, adam->beta2, (float)(adam->learning_rate * correct1 * root2),
              (float)(adam->epsilon * root2));
}

VECTORISED static void axpy_loop(float *restrict y, float a, const float *restrict x, size_t n)
{
    for (size_t i = 0; i < n; i++) y[i] += a * x[i];
}

void sgd_update(float learning_rate, float *w, const float *gradient, size_t n)
{
    axpy_loop(w, -learning_rate, gradient, n);
}

void add_to(float *sum, const float *x, size_t n) { axpy_loop(sum, 1, x, n); }

VECTORISED void add_bias(float *restrict x, const float *restrict bias, int rows, int columns)
{
    for (int i = 0; i < rows; i++, x += columns)
        for (int j = 0; j < columns; j++) x[j] += bias[j];
}

VECTORISED void add_bias_relu(float *restrict x, const float *restrict bias, int rows, int columns)
{
    for (int i = 0; i < rows; i++, x += columns)
        for (int j = 0; j < columns; j++) {
            float y = x[j] + bias[j];
            x[j] = y > 0 ? y : 0;
        }
}

VECTORISED void relu_backward(float *restrict dx, const float *restrict y, size_t n)
{
    for (size_t i = 0; i < n; i++) dx[i] = y[i] > 0 ? dx[i] : 0;
}

VECTORISED void sum_rows(float *restrict sum, const float *restrict x, int rows, int columns, int begin, int end)
{
    for (int j = begin; j < end; j++) sum[j] = 0;
    for (int i = 0; i < rows; i++)
        for (int j = begin; j < end; j++) sum[j] += x[(size_t)i * (size_t)columns + (size_t)j];
}

double softmax_cross_entropy(float *dlogits, const float *logits, const int *labels, int rows, int batch)
{
    double loss = 0;
    for (int i = 0; i < rows; i++, logits += FLOOR_CLASSES, dlogits += FLOOR_CLASSES) {
        float largest = logits[0], sum = 0;
        for (int j = 1; j < FLOOR_CLASSES; j++) largest = logits[j] > largest ? logits[j] : largest;
        for (int j = 0; j < FLOOR_CLASSES; j++) sum += dlogits[j] = expf(logits[j] - largest);
        for (int j = 0; j < FLOOR_CLASSES; j++) dlogits[j] /= sum * (float)batch;
        dlogits[labels[i]] -= 1.0f / (float)batch;
        loss += logf(sum) - (logits[labels[i]] - largest);
    }
    return loss / batch;
}
