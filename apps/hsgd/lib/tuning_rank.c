/* SPDX-License-Identifier: BSD-3-Clause */
/* What measured speeds say. */
#include <math.h>
#include <string.h>

#include "measure.h"
#include "tuning.h"

enum { MIN_TURNS = 3 }; /* with fewer nothing is decided */

#define MAD_TO_SIGMA 1.4826 /* of a normal distribution */
#define MEDIAN_ERROR 1.2533 /* standard error of its median, times the root of the number */
#define AS_FAST 0.01        /* what a simpler combination may be slower */

static double deviation(const double *v, int n, double middle)
{
    double off[TUNE_SPEEDS];
    for (int i = 0; i < n; i++) off[i] = fabs(v[i] - middle);
    return MAD_TO_SIGMA * median(off, n);
}

/* The first measurement is not counted once there is another. */
static int counted(const struct tune_candidate *c, double *v)
{
    int from = c->n > 1;
    memcpy(v, c->speed + from, (size_t)(c->n - from) * sizeof *v);
    return c->n - from;
}

double tune_speed(const struct tune_candidate *c)
{
    double v[TUNE_SPEEDS];
    return median(v, counted(c, v));
}

double tune_spread(const struct tune_candidate *c)
{
    double v[TUNE_SPEEDS];
    int n = counted(c, v);
    double middle = median(v, n);
    return n < 2 ? NAN : deviation(v, n, middle) / middle;
}

/* Of a median of n: more than twice its standard error, for the best of some
 * finalists is looked at, and of a few values the deviation is not well known. */
static double uncertainty(const double *v, int n, double middle)
{
    if (n < MIN_TURNS) return INFINITY;
    return (2 + 10.0 / n) * MEDIAN_ERROR * deviation(v, n, middle) / sqrt(n);
}

struct tune_ratio tune_compare(const struct tune_search *t, int a, int b)
{
    double v[TUNE_TURNS];
    int n = 0;
    for (int i = 0; i < t->turns; i++) {
        double ratio = t->turn[i].speed[a] / t->turn[i].speed[b];
        if (isfinite(ratio)) v[n++] = ratio;
    }
    double middle = median(v, n);
    return (struct tune_ratio){ n, middle, uncertainty(v, n, middle) };
}

int tune_wins(const struct tune_search *t, int finalist)
{
    int wins = 0;
    for (int i = 0; i < t->turns; i++) {
        const double *speed = t->turn[i].speed;
        bool first = isfinite(speed[finalist]);
        for (int k = 0; k < t->finalists; k++) first = first && !(speed[k] > speed[finalist]);
        wins += first;
    }
    return wins;
}

static int changes(const struct tune_search *t, int candidate)
{
    int n = 0;
    for (int i = 0; i < t->space->n; i++) n += t->candidate[candidate].choice.value[i] != 0;
    return n;
}

/* The finalist that is fastest compared with the default, which is the first. */
static int best_finalist(const struct tune_search *t)
{
    int best = 0;
    double most = 1;
    for (int i = 1; i < t->finalists; i++) {
        struct tune_ratio r = tune_compare(t, i, 0);
        bool complete = r.turns == t->turns; /* others were dropped */
        if (complete && r.ratio > most) best = i, most = r.ratio;
    }
    return best;
}

/* Fewer settings, where that costs nothing that could be measured. */
static int simplest(const struct tune_search *t, int best)
{
    int chosen = best;
    for (int i = 1; i < t->finalists; i++) {
        struct tune_ratio r = tune_compare(t, i, best);
        bool as_fast = r.turns == t->turns && r.ratio > 1 - fmin(AS_FAST, r.uncertainty);
        if (as_fast && changes(t, t->final[i]) < changes(t, t->final[chosen])) chosen = i;
    }
    return chosen;
}

struct tune_outcome tune_conclude(const struct tune_search *t)
{
    struct tune_outcome o = { .gain = { 0, 1, 0 }, .best_gain = { 0, 1, 0 } };
    if (!t->turns) return o;
    int best = best_finalist(t), chosen = simplest(t, best);
    o.best = t->final[best];
    o.best_gain = tune_compare(t, best, 0);
    struct tune_ratio gain = tune_compare(t, chosen, 0);
    o.better = best && gain.ratio - 1 > gain.uncertainty;
    if (o.better) o.chosen = t->final[chosen], o.gain = gain;
    return o;
}

/* Whether they differ in nothing but a setting. */
static bool are_pair(const struct tune_search *t, const struct tune_choice *a, const struct tune_choice *b, int setting)
{
    for (int i = 0; i < t->space->n; i++)
        if (i != setting && a->value[i] != b->value[i]) return false;
    return a->value[setting] != b->value[setting];
}

/* The spread of a trial, the median of all combinations that have been measured often
 * enough; NaN: none has. */
static double usual_spread(const struct tune_search *t)
{
    double v[TUNE_SPEEDS];
    int n = 0;
    for (int i = 0; i < t->n && n < TUNE_SPEEDS; i++)
        if (t->candidate[i].n > MIN_TURNS) v[n++] = tune_spread(&t->candidate[i]);
    return median(v, n);
}

/* Against the best value of b that differs from a in the setting only. */
static struct tune_reason explain_by(const struct tune_search *t, int a, int setting)
{
    struct tune_reason r = { .other = -1, .ratio = INFINITY };
    const struct tune_candidate *x = &t->candidate[a];
    const double spread = MEDIAN_ERROR * usual_spread(t);
    for (int b = 0; b < t->n && x->n; b++) {
        const struct tune_candidate *y = &t->candidate[b];
        if (!y->n || !are_pair(t, &x->choice, &y->choice, setting)) continue;
        double ratio = tune_speed(x) / tune_speed(y), both = 1.0 / x->n + 1.0 / y->n;
        if (ratio >= r.ratio) continue;
        r = (struct tune_reason){ y->choice.value[setting], ratio, 2 * spread * sqrt(both), false };
    }
    return r;
}

struct tune_reason tune_explain(const struct tune_search *t, int chosen, int setting)
{
    struct tune_reason r = explain_by(t, chosen, setting);
    r.same = r.other >= 0;
    double fastest = 0;
    for (int a = 0; a < t->n && !r.same; a++) {
        const struct tune_candidate *c = &t->candidate[a];
        if (c->choice.value[setting] != t->candidate[chosen].choice.value[setting] || !c->n) continue;
        struct tune_reason other = explain_by(t, a, setting);
        if (other.other >= 0 && tune_speed(c) > fastest) r = other, fastest = tune_speed(c);
    }
    return r;
}
