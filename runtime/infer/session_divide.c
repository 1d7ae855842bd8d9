/* SPDX-License-Identifier: BSD-3-Clause */
/* How a session divides a batch: as the context says, as its owner says, or as
 * trials say. */
#include "session.h"

#include <math.h>
#include <string.h>

#define RUNS 4
#define RUNS_SECONDS 0.02 /* of a candidate: no more runs after that */
#define GAIN 0.03         /* several devices must be faster than one by this fraction */

/* The least time of a few runs on what the inputs hold; INFINITY when it fails. */
static double trial(struct hsgd_session *s, enum plan_mode mode, const struct division *d)
{
    static const struct batch_source filled;
    double best = INFINITY, spent = 0;
    struct plan *p = session_make(s, mode, d, 1);
    for (int i = 0; p && i <= RUNS && spent < RUNS_SECONDS; i++) {
        struct span span = { .end = 1 };
        uint64_t began = monotonic_ns();
        if (plan_run(p, &span, s->executor, &filled)) break;
        double took = 1e-9 * (double)(monotonic_ns() - began);
        if (i || took > RUNS_SECONDS) best = fmin(best, took); /* the first warms up */
        spent += took;
    }
    plan_destroy(p);
    return best;
}

static void on_device(struct hsgd_session *s, struct device *d, int batch, bool many, struct division *out)
{
    *out = (struct division){ 0 };
    out->n = division_add(out->slice, 0, d, batch, many ? d->info.workers : 1, s->store.model->block);
}

/* A device alone, with one slice or one per worker; the better of its times. */
static double try_device(struct hsgd_session *s, enum plan_mode mode, struct device *d, int batch, double *best,
                         struct session_choice *c)
{
    double least = INFINITY;
    for (int many = 0; many <= 1; many++) {
        struct division trying;
        on_device(s, d, batch, many, &trying);
        if (many && trying.n == 1) break;
        double t = trial(s, mode, &trying);
        least = fmin(least, t);
        if (!(t < *best) && c->device) continue;
        *best = t;
        c->device = d;
        c->many = many;
    }
    return least;
}

/* All devices, each with as much as it does in the time of the others. */
static void try_all(struct hsgd_session *s, enum plan_mode mode, const double *seconds, int batch, double best,
                    struct session_choice *c)
{
    struct division all = { 0 };
    double sum = 0;
    for (int i = 0; i < s->ctx->ndevices; i++) sum += 1 / seconds[i];
    for (int i = 0; i < s->ctx->ndevices; i++) c->share[i] = 1 / seconds[i] / sum;
    division_in_proportion(s->ctx, s->store.model->block, c->share, batch, &all);
    if (all.n > 1 && trial(s, mode, &all) < (1 - GAIN) * best) c->device = NULL;
}

static void choose(struct hsgd_session *s, enum plan_mode mode, int batch, struct session_choice *c)
{
    double best = INFINITY, seconds[MAX_DEVICES];
    *c = (struct session_choice){ .known = true };
    s->store.is_trial = true;
    for (int i = 0; i < s->ctx->ndevices; i++) {
        struct device *d = &s->ctx->device[i];
        seconds[i] = d->lost ? INFINITY : try_device(s, mode, d, batch, &best, c);
    }
    if (division_usable(s->ctx) > 1 && isfinite(best) && batch >= 2 * MIN_ROWS)
        try_all(s, mode, seconds, batch, best, c);
    s->store.is_trial = false;
}

/* The number of the largest power of 2 that is not more. */
static int size_of(int batch)
{
    int i = 0;
    while (batch >> (i + 1)) i++;
    return i;
}

/* The device that does most of a batch does all of it, whatever the sizes, from now on. */
static void stay_on_one(struct hsgd_session *s, struct division *d)
{
    int rows[MAX_DEVICES] = { 0 }, most = 0, batch = 0;
    for (int i = 0; i < d->n; i++) {
        int k = (int)(d->slice[i].device - s->ctx->device);
        rows[k] += d->slice[i].rows;
        batch += d->slice[i].rows;
        if (rows[k] > rows[most]) most = k;
    }
    if (!s->cache.home) s->cache.home = &s->ctx->device[most];
    on_device(s, s->cache.home, batch, false, d);
}

static int divide(struct hsgd_session *s, enum plan_mode mode, int batch, struct division *out)
{
    struct hsgd_context *ctx = s->ctx;
    int block = s->store.model->block;
    if (s->divide && s->divide(s->user, batch, out)) return 0;
    if (division_fixed(ctx, block, batch, out)) return 0;
    if (division_usable(ctx) == 1 && batch < 2 * MIN_ROWS) {
        on_device(s, division_first(ctx), batch, false, out);
        return 0;
    }
    struct session_choice *c = &s->choice[size_of(batch)];
    if (!c->known) choose(s, mode, batch, c);
    if (c->device) on_device(s, c->device, batch, c->many, out);
    else division_in_proportion(ctx, block, c->share, batch, out);
    return 0;
}

int session_divide(struct hsgd_session *s, enum plan_mode mode, int batch, struct division *out)
{
    int err = divide(s, mode, batch, out);
    if (!err && mode == PLAN_PREDICT && s->cache.rows) stay_on_one(s, out);
    return err;
}
