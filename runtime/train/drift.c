#include "drift.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cost.h"

#define SETTLE_STEPS COST_KEPT /* then all that the cost model keeps is from this division */
#define UNEVEN 1.1          /* devices drift apart by this factor, or nothing is computed */
#define WORTH_MOVING 0.06   /* a step must become shorter by this much */
#define MOST_PATIENCE 64    /* steps that it must be so */
#define CALM_STEPS 64       /* after so many without a change patience is halved */

/* What each device spends in cells a step, in microseconds: the least of the
 * last steps, so that what interrupts a cell now and then is no drift. */
static void busy(const struct plan *p, double *us)
{
    for (int i = 0; i < p->ctx->ndevices; i++) us[i] = 0;
    for (int i = 0; i < p->ncells; i++) us[p->cell[i].device - p->ctx->device] += cost_least_us(&p->cell[i].variant[0]);
}

void drift_watch(struct trainer_state *s, const struct plan *p)
{
    struct drift *d = &s->drift;
    bool divided = s->balance.batch && p->mode == PLAN_TRAIN && p->batch == s->balance.batch;
    if (!divided) p = NULL;
    if (d->plan == p) return;
    d->plan = p;
    d->steps = d->waited = 0;
    d->wanted = false;
}

/* The first settled plan says what a device's cells are of the model's time:
 * cells of several workers overlap, copies are in no cell. */
static void note_busy(struct drift *d, const struct balance *b, int device, double us)
{
    double modelled = curve_at(&b->curve[device], b->rows[device]);
    if (!(d->busy_per_second[device] > 0)) d->busy_per_second[device] = us / modelled;
    d->factor[device] = us / (modelled * d->busy_per_second[device]);
}

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
    for (int i = 0; i < n; i++) curve_scale(&now[i], d->factor[i]);
    d->before = divide_time(n, now, b->rows);
    d->after = divide_rows(n, now, b->batch, rows);
    return d->after < (1 - WORTH_MOVING) * d->before;
}

bool drift_enough(void *state)
{
    struct trainer_state *s = state;
    struct drift *d = &s->drift;
    double us[MAX_DEVICES];
    if (!d->plan || d->wanted || ++d->steps < SETTLE_STEPS) return false;
    busy(d->plan, us);
    for (int i = 0; i < s->ctx->ndevices; i++) {
        d->factor[i] = 1;
        if (s->balance.rows[i]) note_busy(d, &s->balance, i, us[i]);
    }
    if (d->steps % CALM_STEPS == 0) d->patience /= 2;
    d->waited = would_help(s) ? d->waited + 1 : 0;
    return d->wanted = d->waited > d->patience;
}

bool drift_correct(struct trainer_state *s, int64_t step)
{
    struct drift *d = &s->drift;
    char text[400] = "";
    int used = 0;
    if (!d->wanted) return false;
    for (int i = 0; i < s->ctx->ndevices; i++) {
        curve_scale(&s->balance.curve[i], d->factor[i]);
        if (s->balance.rows[i] && used < (int)sizeof text)
            used += snprintf(text + used, sizeof text - (size_t)used, "%s%s takes %.2f times as long",
                             used ? ", " : "", s->ctx->device[i].info.id, d->factor[i]);
    }
    hsgd_log(s->ctx, HSGD_LOG_INFO, "step %lld: the batch is divided anew: %s; %.3f ms a step instead of %.3f ms expected",
             (long long)step, text, 1e3 * d->after, 1e3 * d->before);
    d->patience = d->patience ? 2 * d->patience : 1;
    if (d->patience > MOST_PATIENCE) d->patience = MOST_PATIENCE;
    d->plan = NULL;
    d->wanted = false;
    return true;
}
