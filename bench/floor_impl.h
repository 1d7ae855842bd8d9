/* SPDX-License-Identifier: BSD-3-Clause */
/* Internals shared by the floors. */
#ifndef BENCH_FLOOR_IMPL_H
#define BENCH_FLOOR_IMPL_H

#ifdef HAVE_CONFIG_H
#include <config.h>
#endif
#include "floor.h"

#include <stddef.h>

enum { FLOOR_CLASSES = 10 };
/* Keys of the random numbers; layer i draws its weights with FLOOR_SEED_WEIGHTS + i. */
enum { FLOOR_SEED_INPUT = 1, FLOOR_SEED_LABELS, FLOOR_SEED_WEIGHTS };

/* First member of every variant of every floor. */
struct floor {
    double (*run)(struct floor *f, int steps);
    double (*bound)(struct floor *f);
    double (*loss)(const struct floor *f);
    void (*destroy)(struct floor *f);
    int threads;
    char variant[32];
};

/* One variant each; NULL when it cannot be built. */
struct floor *floor_mlp_create(const char *model, int batch, int threads);
enum lenet_split { LENET_OPENMP, LENET_REPLICAS, LENET_SPLITS };
enum lenet_layout { LENET_ANY, LENET_NHWC, LENET_LAYOUTS };
struct floor *floor_lenet_create(int batch, int threads, enum lenet_split split, enum lenet_layout layout);

/* One version per instruction set, chosen at load time. */
#ifdef __x86_64__
#define VECTORISED __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define VECTORISED
#endif

/* floor_loops.c: the elementwise passes, vectorised for the machine they run on. */
struct adam {
    float learning_rate, beta1, beta2, epsilon;
    double beta1_power, beta2_power; /* beta^t */
};
struct adam adam_default(void);
/* Starts step t = 1, 2, …. */
void adam_next(struct adam *adam);
/* w -= learning_rate * m^ / (sqrt(v^) + epsilon); moves FLOOR_ADAM_BYTES per element. */
void adam_update(const struct adam *adam, float *w, float *m, float *v, const float *gradient, size_t n);
enum { FLOOR_ADAM_BYTES = 7 * sizeof(float) };
void sgd_update(float learning_rate, float *w, const float *gradient, size_t n);
void add_bias(float *x, const float *bias, int rows, int columns);
void add_bias_relu(float *x, const float *bias, int rows, int columns);
/* dx = y > 0 ? dx : 0 */
void relu_backward(float *dx, const float *y, size_t n);
/* sum[j] = Σ_i x[i][j] over columns [begin, end) */
void sum_rows(float *sum, const float *x, int rows, int columns, int begin, int end);
void add_to(float *sum, const float *x, size_t n);
/* dlogits = (softmax(logits) - onehot(label)) / batch; returns the sum of the rows' losses / batch. */
double softmax_cross_entropy(float *dlogits, const float *logits, const int *labels, int rows, int batch);

/* floor.c */
double floor_now(void); /* seconds */
/* Zeroed, aligned to a cache line; NULL when memory is exhausted.  Free with free(). */
float *floor_floats(size_t n);
/* Uniform in [-scale, scale) + mean. */
void floor_random(float *x, size_t n, int seed, float mean, float scale);
void floor_random_labels(int *label, size_t n);
/* Seconds of one call(arg): the minimum of many. */
double floor_time_call(void (*call)(void *arg), void *arg);

#endif
