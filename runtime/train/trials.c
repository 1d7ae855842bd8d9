#include "trials.h"

#include <math.h>
#include <string.h>

#include "calibration.h"
#include "run.h"

#define TRIALS 4
#define ROUNDS 3
#define TRIAL_SECONDS 0.008
#define LONG_SECONDS 0.025  /* steps that need no repetition */
#define ONCE_SECONDS 0.1    /* and no second round */

double trial(struct trainer_state *shadow, int n, const struct slice_spec *specs)
{
    static const struct batch_source filled;
    struct plan *p = plan_create(shadow, PLAN_TRAIN, n, specs);
    double best = INFINITY;
    int steps = 1, trials = TRIALS;
    for (int i = 0; p && i <= trials; i++) {
        struct span span = { .end = steps };
        uint64_t began = monotonic_ns();
        if (plan_run(p, &span, HSGD_REPLAY, &filled)) break;
        double t = 1e-9 * (double)(monotonic_ns() - began) / steps;
        if (i > 0 && t < best) best = t; /* the first one warms up, and says how many steps fill a trial */
        if (i == 0) steps = 1 + (int)fmin(TRIAL_SECONDS / t, WINDOW_STEPS - 1);
        if (i == 0 && t > LONG_SECONDS) trials = 1;
    }
    plan_destroy(p);
    return best;
}

/* Not more rows than the batch has, so that nothing is tried that would not
 * be trained. */
static void sizes_for(int batch, int *rows)
{
    static const int sizes[][CURVE_SIZES] = { { 32, 128, 512 }, { 32, 64, 128 }, { 8, 16, 32 } };
    memcpy(rows, sizes[batch >= 512 ? 0 : batch >= 128 ? 1 : 2], sizeof sizes[0]);
}

/* Sending parameters there and gradients back; the home of the parameters
 * has them. */
static double copy_seconds(const struct trainer_state *s, const struct device *d)
{
    const struct hsgd_context *ctx = s->ctx;
    unsigned home = STARPU_MAIN_RAM;
    size_t bytes = (size_t)s->model->floats * sizeof(float);
    if (ctx->ndevices == 1 || d->node == home) return 0;
    double us = starpu_transfer_predict(home, d->node, bytes) + starpu_transfer_predict(d->node, home, bytes);
    return isfinite(us) && us > 0 ? 1e-6 * us : 0;
}

/* A device that cannot do it is not asked again. */
static void measure_size(struct trainer_state *shadow, struct device *d, int k, struct curve *c, bool *known)
{
    struct slice_spec specs[MAX_SLICES];
    int n = slices_add(specs, 0, d, c->rows[k], d->info.workers, shadow->block);
    double t = trial(shadow, n, specs);
    c->seconds[k] = isfinite(t) ? fmin(c->seconds[k], t) : INFINITY;
    if (isfinite(t)) return;
    hsgd_log(shadow->ctx, HSGD_LOG_WARNING, "%s; it is left idle", hsgd_error(shadow->ctx));
    *known = true;
}

/* Every device in turn, and again: what else the machine does then disturbs
 * all of them alike, and the least time counts. */
static void measure(struct trainer_state *shadow, bool *known, struct curve *curve)
{
    struct hsgd_context *ctx = shadow->ctx;
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < ctx->ndevices; i++)
            for (int k = 0; k < CURVE_SIZES; k++) {
                struct device *d = &ctx->device[i];
                double so_far = curve[i].seconds[k];
                if (d->lost || known[i] || (isfinite(so_far) && so_far > ONCE_SECONDS)) continue;
                measure_size(shadow, d, k, &curve[i], &known[i]);
            }
}

void trials_calibrate(struct trainer_state *shadow, int batch, struct curve *curve)
{
    struct hsgd_context *ctx = shadow->ctx;
    bool known[MAX_DEVICES];
    for (int i = 0; i < ctx->ndevices; i++) {
        curve[i].block = shadow->block;
        sizes_for(batch, curve[i].rows);
        for (int k = 0; k < CURVE_SIZES; k++) curve[i].seconds[k] = INFINITY;
        curve[i].extra = copy_seconds(shadow, &ctx->device[i]);
        known[i] = !ctx->device[i].lost && calibration_load(shadow, &ctx->device[i], &curve[i]);
    }
    measure(shadow, known, curve);
    for (int i = 0; i < ctx->ndevices; i++)
        if (!known[i]) calibration_save(shadow, &ctx->device[i], &curve[i]);
}
