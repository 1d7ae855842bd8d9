/* SPDX-License-Identifier: BSD-3-Clause */
#include "drift.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/c_locale.h"
#include "model/sizes.h"
#include "plan/cost.h"
#include "slices.h"
#include "trials.h"

#define SETTLE_STEPS COST_KEPT  /* then all that the cost model keeps is from this division */
#define UNEVEN 1.1              /* devices drift apart by this factor, or nothing is computed */
#define WORTH_MOVING 0.06       /* a step must become shorter by this much */
#define MAX_PATIENCE 64         /* steps that it must be so */
#define PROBE_FIRST 1000000000u /* ns from the first step */
#define PROBE_PAUSE 100.0       /* times what probing takes; doubled whenever it led to another division */
#define CALM_STEPS 64           /* after so many without a change patience is halved */

/* What each device takes for its cells of a step, in seconds: the least of the
 * last steps, so that what interrupts a cell now and then is no drift.  The
 * slices of a device run side by side. */
static void busy(const struct plan *p, double *seconds)
{
    int n = p->ctx->ndevices, side_by_side[MAX_DEVICES] = { 0 };
    for (int i = 0; i < n; i++) seconds[i] = 0;
    for (int i = 0; i < p->nslices; i++) side_by_side[p->slice[i].device - p->ctx->device] += !p->slice[i].part;
    for (int i = 0; i < p->ncells; i++)
        seconds[p->cell[i].device - p->ctx->device] += 1e-6 * cost_min_us(&p->cell[i].variant[0]);
    for (int i = 0; i < n; i++)
        if (side_by_side[i] > 1) seconds[i] /= side_by_side[i];
}

static bool at_measured_sizes(const struct trainer_state *s, const struct hsgd_model *m)
{
    return sizes_bytes(m) == s->measured_bytes;
}

void drift_watch(struct trainer_state *s, const struct plan *p)
{
    struct drift *d = &s->drift;
    bool divided = s->balance.batch && p->mode == PLAN_TRAIN && p->batch == s->balance.batch;
    if (divided) divided = !p->placed && at_measured_sizes(s, p->model);
    if (!divided) p = NULL;
    if (d->plan == p) return;
    d->plan = p;
    d->steps = d->waited = 0;
    d->wanted = false;
}

/* All rows, or none: what was measured of it is without others. */
static bool is_alone(const struct balance *b, int i) { return b->rows[i] == b->batch || !b->rows[i]; }

/* The largest over the smallest factor; idle devices count as they were
 * measured last, for they may be worth using now. */
static double unevenness(const struct drift *d, int ndevices)
{
    double low = INFINITY, high = 0;
    for (int i = 0; i < ndevices; i++) {
        low = fmin(low, d->factor[i]);
        high = fmax(high, d->factor[i]);
    }
    return high / low;
}

/* Whether another division would be better by the present times. */
static bool would_help(struct trainer_state *s)
{
    struct drift *d = &s->drift;
    const struct balance *b = &s->balance;
    int n = s->ctx->ndevices, rows[MAX_DEVICES];
    struct curve now[MAX_DEVICES];
    if (unevenness(d, n) < UNEVEN) return false;
    memcpy(now, b->curve, sizeof now);
    for (int i = 0; i < n; i++) curve_correct(&now[i], d->factor[i], !is_alone(b, i));
    d->before = divide_time(n, now, b->rows);
    d->after = divide_rows(n, now, b->batch, s->options.min_share, rows);
    return d->after < (1 - WORTH_MOVING) * d->before;
}

/* What device i should take for its rows. */
static double modelled(const struct balance *b, int i)
{
    return is_alone(b, i) ? curve_at(&b->curve[i], b->rows[i]) : curve_shared(&b->curve[i], b->rows[i]);
}

bool drift_enough(void *state)
{
    struct trainer_state *s = state;
    struct drift *d = &s->drift;
    const struct balance *b = &s->balance;
    double seconds[MAX_DEVICES];
    if (!d->plan || d->wanted || ++d->steps < SETTLE_STEPS) return false;
    busy(d->plan, seconds);
    for (int i = 0; i < s->ctx->ndevices; i++) d->factor[i] = b->rows[i] ? seconds[i] / modelled(b, i) : 1;
    if (d->steps % CALM_STEPS == 0) d->patience /= 2;
    d->waited = would_help(s) ? d->waited + 1 : 0;
    return d->wanted = d->waited > d->patience;
}

/* ---------------------------------------------------------- idle devices */

static bool is_idle(const struct trainer_state *s, int device)
{
    return !s->balance.rows[device] && !s->ctx->device[device].lost;
}

static bool probe_due(struct trainer_state *s, int batch, uint64_t now)
{
    struct drift *d = &s->drift;
    bool any = false;
    for (int i = 0; i < s->ctx->ndevices; i++) any |= is_idle(s, i);
    if (!any || s->ctx->starpu_places || s->balance.batch != batch || !at_measured_sizes(s, s->store.sized))
        return false;
    if (!d->probe_after) d->probe_after = now + PROBE_FIRST;
    return now >= d->probe_after;
}

/* How far idle devices are from what they took. */
static int measure_idle(struct trainer_state *s)
{
    struct trainer_state shadow;
    struct slice_spec specs[MAX_SLICES];
    int err = trainer_shadow_open(&shadow, s);
    if (err) return err;
    for (int i = 0; i < s->ctx->ndevices; i++) {
        struct device *d = &s->ctx->device[i];
        const struct curve *c = &s->balance.curve[i];
        int rows = c->rows[CURVE_SIZES / 2];
        s->drift.factor[i] = 1;
        if (!is_idle(s, i)) continue;
        double t = trial(&shadow, division_add(specs, 0, d, rows, d->info.workers, s->block), specs);
        if (isfinite(t)) s->drift.factor[i] = t / curve_at(c, rows);
    }
    trainer_state_close(&shadow);
    return 0;
}

bool drift_probe(struct trainer_state *s, int batch)
{
    struct drift *d = &s->drift;
    uint64_t began = monotonic_ns();
    if (!probe_due(s, batch, began)) return false;
    context_begin(s->ctx);
    d->wanted = !measure_idle(s) && would_help(s);
    context_end(s->ctx);
    uint64_t now = monotonic_ns();
    d->probe_pause = d->wanted ? 2 * d->probe_pause : fmax(d->probe_pause, PROBE_PAUSE);
    d->probe_after = now + (uint64_t)(d->probe_pause * (double)(now - began));
    return d->wanted;
}

bool drift_correct(struct trainer_state *s, int64_t step)
{
    struct drift *d = &s->drift;
    char text[400] = "";
    int used = 0;
    if (!d->wanted) return false;
    for (int i = 0; i < s->ctx->ndevices; i++) {
        curve_correct(&s->balance.curve[i], d->factor[i], !is_alone(&s->balance, i));
        bool says = s->balance.rows[i] || fabs(d->factor[i] - 1) > 0.05;
        if (says && used < (int)sizeof text)
            used += c_snprintf(text + used, sizeof text - (size_t)used, "%s%s takes %.2f times as long",
                               used ? ", " : "", s->ctx->device[i].info.id, d->factor[i]);
    }
    hsgd_log(s->ctx, HSGD_LOG_INFO, "step %lld: repartitioned: %s; %.3f ms a step expected, not %.3f ms",
             (long long)step, text, 1e3 * d->after, 1e3 * d->before);
    d->patience = d->patience ? 2 * d->patience : 1;
    if (d->patience > MAX_PATIENCE) d->patience = MAX_PATIENCE;
    d->plan = NULL;
    d->wanted = false;
    return true;
}
