/* SPDX-License-Identifier: BSD-3-Clause */
#include "trials.h"

#include <math.h>
#include <string.h>

#include "calibration.h"
#include "capacity.h"
#include "device/devices.h"
#include "exec/run.h"

#define TRIALS 4
#define ROUNDS 3
#define TRIAL_SECONDS 0.008
#define LONG_SECONDS 0.025 /* steps that need no repetition */
#define ONCE_SECONDS 0.1   /* and no second round */

double trial(struct trainer_state *shadow, int n, const struct slice_spec *specs)
{
    static const struct batch_source filled;
    struct plan *p = trainer_state_plan(shadow, (struct plan_spec){ .mode = PLAN_TRAIN, .n = n, .slice = specs });
    double best = INFINITY;
    int steps = 1, trials = TRIALS;
    if (p) trainer_state_send_eagerly(shadow, p);
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
    size_t bytes = (size_t)s->store.model->floats * sizeof(float);
    double us = ctx->ndevices == 1 ? 0 : device_round_trip_us(d, bytes);
    return isfinite(us) && us > 0 ? 1e-6 * us : 0;
}

/* A device that cannot do it is not asked again. */
static void leave_idle(struct trainer_state *shadow, struct curve *c, bool *known)
{
    hsgd_log(shadow->ctx, HSGD_LOG_WARNING, "%s; it is left idle", hsgd_error(shadow->ctx));
    for (int k = 0; k < CURVE_SIZES; k++) c->seconds[k] = INFINITY;
    *known = true;
}

static void measure_size(struct trainer_state *shadow, struct device *d, int k, struct curve *c, bool *known)
{
    struct slice_spec specs[MAX_SLICES];
    int n = division_add(specs, 0, d, c->rows[k], d->info.workers, shadow->block);
    double t = trial(shadow, n, specs);
    if (isfinite(t)) c->seconds[k] = fmin(c->seconds[k], t);
    else leave_idle(shadow, c, known);
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

/* What is known without trying: how many rows there is memory for, and what
 * was measured before. */
static void begin_curve(struct trainer_state *shadow, struct device *d, int batch, struct curve *c, bool *known)
{
    int max = d->lost ? batch : capacity_rows(shadow, d, batch);
    *c = (struct curve){ .block = shadow->block, .extra = copy_seconds(shadow, d), .max_rows = max < batch ? max : 0 };
    sizes_for(max, c->rows);
    for (int k = 0; k < CURVE_SIZES; k++) c->seconds[k] = INFINITY;
    *known = !d->lost && max && calibration_load(shadow, d, c);
    if (!max) leave_idle(shadow, c, known);
}

void trials_calibrate(struct trainer_state *shadow, int batch, struct curve *curve)
{
    struct hsgd_context *ctx = shadow->ctx;
    bool known[MAX_DEVICES];
    for (int i = 0; i < ctx->ndevices; i++) begin_curve(shadow, &ctx->device[i], batch, &curve[i], &known[i]);
    measure(shadow, known, curve);
    for (int i = 0; i < ctx->ndevices; i++)
        if (!known[i]) calibration_save(shadow, &ctx->device[i], &curve[i]);
}
