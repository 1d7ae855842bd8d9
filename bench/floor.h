/* SPDX-License-Identifier: BSD-3-Clause */
/* Floors: hand-written training steps of three small networks, which the
 * library's step is compared with in the same process: a ratio of 1 means that
 * scheduling tasks costs nothing.
 *
 * A step is complete: forward, mean softmax cross-entropy, backward, Adam.
 * The batch, its labels and the initial weights are random but seeded, and the
 * same in every step.  Nothing here prints. */
#ifndef BENCH_FLOOR_H
#define BENCH_FLOOR_H

struct floor;

/* Builds the step for one batch size on at most `threads` threads:
 *   "mlp"        784-512-256-10, ReLU
 *   "mlp-small"  784-128-64-10, ReLU
 *   "lenet"      28x28x1: conv 5x5x6 pad 2, pool 2, conv 5x5x16, pool 2, 120, 84, 10, ReLU (oneDNN only)
 * Several ways to split the step are timed briefly and the fastest is kept,
 * possibly with fewer threads.
 * NULL: no floor exists for that model or batch, or memory is exhausted. */
struct floor *floor_create(const char *model, int batch, int threads);

/* Runs `steps` steps; seconds per step.  All its threads sleep before and after. */
double floor_run(struct floor *f, int steps);

/* A lower bound in seconds per step: the step's bare library calls, each
 * repeated alone (minimum time) and divided by the number of threads that
 * share it, plus the bytes moved by elementwise passes and Adam divided by the
 * triad bandwidth of that many threads at the parameters' working set.
 * Takes about a second; leaves the network as it was. */
double floor_bound(struct floor *f);

/* The mean loss of the last step. */
double floor_loss(const struct floor *f);

/* Threads that the kept variant uses, and its name ("2 threads", "nhwc, 2 replicas"). */
int floor_threads(const struct floor *f);
const char *floor_variant(const struct floor *f);

/* NULL-safe. */
void floor_destroy(struct floor *f);

#endif
