/* SPDX-License-Identifier: BSD-3-Clause */
#include "floor.h"

#include "../runtime/base/rng.h"
#include "floor_impl.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_VARIANTS = 64, TRIAL_ROUNDS = 20 };
static const double TRIAL_SECONDS = 0.005; /* per variant and round */
static const double CALL_SECONDS = 0.03, CALL_BURST_SECONDS = 100e-6;

double floor_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

float *floor_floats(size_t n)
{
    size_t bytes = (n * sizeof(float) + 63) / 64 * 64;
    float *x = aligned_alloc(64, bytes);
    if (x) memset(x, 0, bytes);
    return x;
}

void floor_random(float *x, size_t n, int seed, float mean, float scale)
{
    for (size_t i = 0; i < n; i++) x[i] = mean + scale * (2 * hsgd_random_float((uint64_t)seed, i) - 1);
}

void floor_random_labels(int *label, size_t n)
{
    for (size_t i = 0; i < n; i++) label[i] = (int)(hsgd_random(FLOOR_SEED_LABELS, i) % FLOOR_CLASSES);
}

static double time_burst(void (*call)(void *arg), void *arg, int calls)
{
    double start = floor_now();
    for (int i = 0; i < calls; i++) call(arg);
    return (floor_now() - start) / calls;
}

double floor_time_call(void (*call)(void *arg), void *arg)
{
    double deadline = floor_now() + CALL_SECONDS;
    call(arg);
    double best = time_burst(call, arg, 1);
    int calls = 1 + (int)(CALL_BURST_SECONDS / (best + 1e-9));
    do {
        double seconds = time_burst(call, arg, calls);
        if (seconds < best) best = seconds;
    } while (floor_now() < deadline);
    return best;
}

/* Times all variants alternately, destroys all but the fastest and returns that. */
static struct floor *keep_fastest(struct floor **variant, int count)
{
    double best[MAX_VARIANTS];
    int steps[MAX_VARIANTS], fastest = 0;
    for (int i = 0; i < count; i++) {
        best[i] = floor_run(variant[i], 2);
        steps[i] = 1 + (int)(TRIAL_SECONDS / best[i]);
    }
    for (int round = 0; round < TRIAL_ROUNDS; round++)
        for (int i = 0; i < count; i++) {
            double seconds = floor_run(variant[i], steps[i]);
            if (seconds < best[i]) best[i] = seconds;
        }
    for (int i = 1; i < count; i++)
        if (best[i] < best[fastest]) fastest = i;
    for (int i = 0; i < count; i++)
        if (i != fastest) floor_destroy(variant[i]);
    return count ? variant[fastest] : NULL;
}

static void add_variant(struct floor **variant, int *count, struct floor *f)
{
    if (!f) return;
    if (*count < MAX_VARIANTS) variant[(*count)++] = f;
    else floor_destroy(f);
}

static void add_variants(struct floor **variant, int *count, const char *model, int batch, int threads)
{
    if (strcmp(model, "lenet")) {
        add_variant(variant, count, floor_mlp_create(model, batch, threads));
        return;
    }
    for (int layout = 0; layout < LENET_LAYOUTS; layout++)
        for (int split = 0; split < (threads > 1 ? LENET_SPLITS : 1); split++)
            add_variant(variant, count,
                        floor_lenet_create(batch, threads, (enum lenet_split)split, (enum lenet_layout)layout));
}

struct floor *floor_create(const char *model, int batch, int threads)
{
    struct floor *variant[MAX_VARIANTS];
    int count = 0;
    if (batch < 1 || threads < 1) return NULL;
    for (int t = 1; t < threads; t *= 2) add_variants(variant, &count, model, batch, t);
    add_variants(variant, &count, model, batch, threads);
    return keep_fastest(variant, count);
}

double floor_run(struct floor *f, int steps) { return f->run(f, steps); }

double floor_bound(struct floor *f) { return f->bound(f); }

double floor_loss(const struct floor *f) { return f->loss(f); }

int floor_threads(const struct floor *f) { return f->threads; }

const char *floor_variant(const struct floor *f) { return f->variant; }

void floor_destroy(struct floor *f)
{
    if (f) f->destroy(f);
}
