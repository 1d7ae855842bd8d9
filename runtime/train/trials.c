/* SPDX-License-Identifier: BSD-3-Clause */
#include "trials.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "capacity.h"
#include "device/devices.h"
#include "exec/run.h"

#define TRIALS 4
#define ROUNDS 3
#define MORE_ROUNDS 3 /* where repeats differ */
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
    static const int sizes[][CURVE_SIZES] = {
        { 32, 128, 512 }, { 32, 128, 256 }, { 32, 64, 128 }, { 16, 32, 64 }, { 8, 16, 32 }
    };
    const int kinds = sizeof sizes / sizeof *sizes;
    int i = 0;
    while (i < kinds - 1 && batch < sizes[i][CURVE_SIZES - 1]) i++;
    memcpy(rows, sizes[i], sizeof *sizes);
}

/* Sending parameters there and gradients back; the home of the parameters
 * has them. */
static double copy_seconds(const struct trainer_state *s, const struct device *d)
{
    const struct hsgd_context *ctx = s->ctx;
    size_t bytes = (size_t)s->store.model->floats * sizeof(float);
    double us = ctx->ndevices == 1 ? 0 : device_copy_us(d, true, bytes) + device_copy_us(d, false, bytes);
    return isfinite(us) && us > 0 ? 1e-6 * us : 0;
}

/* Of a device: its curve, and what is kept beside it. */
struct measured {
    struct curve *curve;
    struct calibration kept;
    bool known;
};

/* A device that cannot do it is not asked again. */
static void leave_idle(struct trainer_state *shadow, struct measured *m)
{
    hsgd_log(shadow->ctx, HSGD_LOG_WARNING, "%s; it is left idle", hsgd_error(shadow->ctx));
    for (int k = 0; k < CURVE_SIZES; k++) m->curve->seconds[k] = INFINITY;
    m->known = true;
}

static void measure_size(struct trainer_state *shadow, struct device *d, int k, struct measured *m)
{
    struct slice_spec specs[MAX_SLICES];
    double *least = &m->curve->seconds[k], *second = &m->kept.second[k];
    int n = division_add(specs, 0, d, m->curve->rows[k], d->info.workers, shadow->block);
    double t = trial(shadow, n, specs);
    if (!isfinite(t)) {
        leave_idle(shadow, m);
        return;
    }
    *second = fmin(*second, fmax(t, *least));
    *least = fmin(*least, t);
    m->kept.taken = time(NULL);
}

/* A long step is as long as a few rounds of a short one, and is not tried again. */
static bool wants_round(const struct measured *m, int k, int round)
{
    double least = m->curve->seconds[k];
    if (m->known || (isfinite(least) && least > ONCE_SECONDS)) return false;
    return round < ROUNDS || calibration_spread(m->curve, &m->kept, k) > HSGD_CALIBRATION_MAX_SPREAD;
}

/* Every device in turn, and again: what else the machine does then disturbs all of them alike, and
 * the least time counts.  Further rounds are for sizes of which no two agree. */
static void measure(struct trainer_state *shadow, struct measured *m)
{
    struct hsgd_context *ctx = shadow->ctx;
    for (int round = 0; round < ROUNDS + MORE_ROUNDS; round++)
        for (int i = 0; i < ctx->ndevices; i++)
            for (int k = 0; k < CURVE_SIZES && !ctx->device[i].lost; k++)
                if (wants_round(&m[i], k, round)) measure_size(shadow, &ctx->device[i], k, &m[i]);
}

/* Of a busy machine they serve the process that took them, which has done what it could, but not the next. */
static bool good_enough(const struct measured *m)
{
    static _Atomic int64_t began;
    int64_t none = 0;
    atomic_compare_exchange_strong(&began, &none, time(NULL));
    return m->kept.taken >= began || calibration_max_spread(m->curve, &m->kept) <= HSGD_CALIBRATION_MAX_SPREAD;
}

/* What is known without trying: how many rows there is memory for, and what
 * was measured before. */
static void begin_curve(struct trainer_state *shadow, struct device *d, int batch, bool again, struct measured *m)
{
    struct curve *c = m->curve;
    int max = d->lost ? batch : capacity_rows(shadow, d, batch);
    *c = (struct curve){ .block = shadow->block, .extra = copy_seconds(shadow, d), .max_rows = max < batch ? max : 0 };
    sizes_for(max, c->rows);
    m->known = !d->lost && max && !again && calibration_load(shadow, d, c, &m->kept) && good_enough(m);
    for (int k = 0; k < CURVE_SIZES && !m->known; k++) c->seconds[k] = m->kept.second[k] = INFINITY;
    if (!max) leave_idle(shadow, m);
}

static int keep(const struct trainer_state *s, const struct device *d, const struct measured *m)
{
    double spread = calibration_max_spread(m->curve, &m->kept);
    if (spread > HSGD_CALIBRATION_MAX_SPREAD)
        hsgd_log(
            s->ctx, HSGD_LOG_INFO,
            "%s: times of the same step differ by %.0f %%; the machine was busy, and the next process measures again",
            d->info.id, 100 * spread);
    return calibration_save(s, d, m->curve, &m->kept);
}

int trials_measure(struct trainer_state *shadow, int batch, bool again, struct curve *curve, struct calibration *kept)
{
    struct hsgd_context *ctx = shadow->ctx;
    struct measured m[MAX_DEVICES];
    int err = 0;
    for (int i = 0; i < ctx->ndevices; i++) {
        m[i] = (struct measured){ .curve = &curve[i] };
        begin_curve(shadow, &ctx->device[i], batch, again, &m[i]);
    }
    measure(shadow, m);
    for (int i = 0; i < ctx->ndevices; i++) {
        int failed = m[i].known ? 0 : keep(shadow, &ctx->device[i], &m[i]);
        if (!err) err = failed;
        kept[i] = m[i].kept;
    }
    return err;
}

void trials_calibrate(struct trainer_state *shadow, int batch, struct curve *curve)
{
    struct hsgd_context *ctx = shadow->ctx;
    struct calibration kept[MAX_DEVICES];
    char before[sizeof ctx->error];
    memcpy(before, ctx->error, sizeof before);
    if (!trials_measure(shadow, batch, false, curve, kept)) return;
    hsgd_log(ctx, HSGD_LOG_DEBUG, "%s", ctx->error);
    memcpy(ctx->error, before, sizeof before);
}
