/* SPDX-License-Identifier: BSD-3-Clause */
/* Successive halving, stage by stage, and a final. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "measure.h"
#include "tuning.h"

#define RECENT 3         /* trials of a combination by which a stage ranks it */
#define FAR_BEHIND 0.4   /* of the fastest */
#define KEPT 3           /* combinations that go from a stage to the next */
#define FINAL_SHARE 0.25 /* of the time, */
#define FINAL_TURNS 5    /* or this many turns, if they take longer: up to */
#define FINAL_MAX_SHARE 0.5
#define CLEARLY_WORSE 0.05 /* in the final, after */
#define FAIR_TURNS 4       /* turns */
#define CERTAIN_TURNS 8    /* the final may end after these */

/* Numbers of candidates. */
struct pool {
    int n, *item;
};

void tune_free(struct tune_search *t)
{
    free(t->candidate);
    t->candidate = NULL;
}

/* ------------------------------------------------------------- candidates */

static int find(const struct tune_search *t, const struct tune_choice *c)
{
    for (int i = 0; i < t->n; i++)
        if (!memcmp(&t->candidate[i].choice, c, sizeof *c)) return i;
    return -1;
}

/* A new one becomes part of the pool; one that was known already does not. */
static void add(struct tune_search *t, struct pool *p, const struct tune_choice *c)
{
    if (find(t, c) >= 0 || !t->space->allowed(t->space->user, c)) return;
    struct tune_candidate *more = realloc(t->candidate, ((size_t)t->n + 1) * sizeof *more);
    if (more) t->candidate = more;
    int *items = more ? realloc(p->item, ((size_t)p->n + 2) * sizeof *items) : NULL;
    if (items) p->item = items;
    t->no_memory = t->no_memory || !items;
    if (!items) return;
    t->candidate[t->n] = (struct tune_candidate){ .choice = *c, .finalist = -1 };
    p->item[p->n++] = t->n++;
}

/* All combinations of the values of a stage's settings from `from` on. */
static void add_combinations(struct tune_search *t, struct pool *p, struct tune_choice *c, int stage, int from)
{
    while (from < t->space->n && t->space->setting[from].stage != stage) from++;
    if (from == t->space->n) {
        add(t, p, c);
        return;
    }
    int before = c->value[from];
    for (int v = 0; v < t->space->setting[from].n; v++) {
        c->value[from] = v;
        add_combinations(t, p, c, stage, from + 1);
    }
    c->value[from] = before;
}

/* Those that differ from a candidate in one setting. */
static void add_neighbours(struct tune_search *t, struct pool *p, int candidate)
{
    for (int i = 0; i < t->space->n; i++)
        for (int v = 0; v < t->space->setting[i].n; v++) {
            struct tune_choice c = t->candidate[candidate].choice;
            c.value[i] = v;
            add(t, p, &c);
        }
}

int64_t tune_size(const struct tune_space *space)
{
    struct tune_choice c = { { 0 } };
    int64_t size = 0;
    for (int i = 0; i < space->n;) {
        size += space->allowed(space->user, &c);
        for (i = 0; i < space->n && ++c.value[i] == space->setting[i].n; i++) c.value[i] = 0;
    }
    return size;
}

/* ------------------------------------------------------------ measurements */

/* Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014 (SplitMix64). */
static uint64_t random_at(uint64_t seed, uint64_t i)
{
    uint64_t z = (seed * 0x2545f4914f6cdd1dull + i + 1) * 0x9e3779b97f4a7c15ull;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

/* In an order of the seed, which the turns change. */
static void shuffle(struct tune_search *t, struct pool *p)
{
    for (int i = p->n - 1; i > 0; i--) {
        int k = (int)(random_at(t->seed, (uint64_t)(t->measured + i)) % (uint64_t)(i + 1)), swap = p->item[i];
        p->item[i] = p->item[k];
        p->item[k] = swap;
    }
}

/* False: no more. */
static bool measure(struct tune_search *t, int candidate)
{
    struct tune_candidate *c = &t->candidate[candidate];
    double before = t->left(t->user), speed;
    if (t->stopped || before <= 0) return false;
    if (c->failed || c->n == TUNE_SPEEDS) return true;
    int result = t->measure(t->user, &c->choice, &speed, c->why);
    t->stopped = result < 0;
    if (t->stopped) return false;
    c->failed = result > 0;
    if (!c->failed) c->speed[c->n++] = speed;
    t->measured++;
    t->cost += (before - t->left(t->user) - t->cost) / t->measured;
    return true;
}

static bool has_time(const struct tune_search *t) { return !t->stopped && t->left(t->user) > t->reserve + t->cost; }

static int by_number(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

/* Once each, as far as there is time before the final. */
static void take_turn(struct tune_search *t, struct pool *p, double end)
{
    if (p->n) qsort(p->item, (size_t)p->n, sizeof *p->item, by_number);
    shuffle(t, p);
    for (int i = 0; i < p->n; i++) {
        bool first = !t->candidate[p->item[i]].n && !t->candidate[p->item[i]].failed;
        bool late = !has_time(t) || (!first && t->left(t->user) < end);
        if (late || !measure(t, p->item[i])) t->untried += first;
    }
}

static void drop_failed(const struct tune_search *t, struct pool *p)
{
    int n = 0;
    for (int i = 0; i < p->n; i++)
        if (t->candidate[p->item[i]].n && !t->candidate[p->item[i]].failed) p->item[n++] = p->item[i];
    p->n = n;
}

/* The fastest of its latest trials, for what disturbs a machine makes it slower: while
 * a stage runs, all candidates have about as many of the same time. */
static double recent_speed(const struct tune_candidate *c)
{
    double best = 0;
    for (int i = c->n > RECENT ? c->n - RECENT : 0; i < c->n; i++) best = fmax(best, c->speed[i]);
    return best;
}

/* The fastest `n` come first, in order; the others leave. */
static void keep_fastest(const struct tune_search *t, struct pool *p, int n)
{
    drop_failed(t, p);
    if (n > p->n) n = p->n;
    for (int i = 0; i < n; i++) {
        int best = i;
        for (int k = i + 1; k < p->n; k++)
            if (recent_speed(&t->candidate[p->item[k]]) > recent_speed(&t->candidate[p->item[best]])) best = k;
        int swap = p->item[i];
        p->item[i] = p->item[best];
        p->item[best] = swap;
    }
    p->n = n;
}

/* The default takes part in every turn: without it a disturbance in its first trials
 * would exclude all that is near it.  The pool has room for it. */
static void add_default(struct pool *p)
{
    for (int i = 0; i < p->n; i++)
        if (!p->item[i]) return;
    p->item[p->n++] = 0;
}

/* How many go on: half, but after the first turn of the first stage all that are not
 * far behind, because a set of devices and threads that is lost does not come back. */
static int survivors(const struct tune_search *t, const struct pool *p, int stage, int turn)
{
    int n = (p->n + 1) / 2, near = 0;
    double best = 0;
    for (int i = 0; i < p->n; i++) best = fmax(best, recent_speed(&t->candidate[p->item[i]]));
    for (int i = 0; i < p->n; i++) near += recent_speed(&t->candidate[p->item[i]]) >= FAR_BEHIND * best;
    if (!stage && !turn && near > n) n = near;
    return n < KEPT ? KEPT : n;
}

/* Turns, after each of which slower ones leave, until KEPT are left and have been
 * measured twice.  end: what is left of the time when it must end, but a first turn is
 * completed. */
static void halve(struct tune_search *t, struct pool *p, int stage, double end)
{
    for (int turn = 0; turn < 2 || p->n > KEPT; turn++) {
        if (p->n) add_default(p);
        take_turn(t, p, end);
        keep_fastest(t, p, survivors(t, p, stage, turn));
        if (t->stopped || t->left(t->user) < end || !has_time(t)) break;
    }
    keep_fastest(t, p, KEPT);
}

/* ------------------------------------------------------------------ stages */

static int last_stage(const struct tune_search *t)
{
    int last = 0;
    for (int i = 0; i < t->space->n; i++)
        if (t->space->setting[i].stage > last) last = t->space->setting[i].stage;
    return last;
}

/* Combinations of the values of a stage. */
static int stage_size(const struct tune_search *t, int stage)
{
    int size = 1;
    for (int i = 0; i < t->space->n; i++)
        if (t->space->setting[i].stage == stage) size *= t->space->setting[i].n;
    return size;
}

/* The time that should be left behind a stage: what precedes the final is divided
 * by the numbers of combinations, where the stage has p->n. */
static double stage_end(const struct tune_search *t, const struct pool *p, int stage)
{
    double later = 0, left = t->left(t->user) - t->reserve;
    for (int i = stage + 1; i <= last_stage(t); i++) later += KEPT * (stage_size(t, i) - 1);
    later += KEPT;                        /* neighbours */
    double now = stage ? p->n : 2 * p->n; /* the first has a second turn of nearly all */
    return t->reserve + fmax(left, 0) * later / (later + now);
}

/* The best of what goes on and of the new ones go on. */
static void run_stage(struct tune_search *t, struct pool *kept, int stage)
{
    struct pool p = { 0 };
    for (int i = 0; i < kept->n; i++) {
        struct tune_choice c = t->candidate[kept->item[i]].choice;
        add_combinations(t, &p, &c, stage, 0);
    }
    int fresh = p.n, *items = fresh ? realloc(p.item, (size_t)(p.n + kept->n + 1) * sizeof *items) : NULL;
    if (items) {
        p.item = items;
        for (int i = 0; i < kept->n; i++) p.item[p.n++] = kept->item[i]; /* they take turns with the new ones */
        halve(t, &p, stage, stage_end(t, &p, stage));
        free(kept->item);
        *kept = p;
        return;
    }
    t->no_memory = t->no_memory || fresh;
    free(p.item);
}

/* What a later stage chose may make another choice of an earlier one the best. */
static void refine(struct tune_search *t, struct pool *kept)
{
    struct pool p = { 0 };
    if (kept->n) add_neighbours(t, &p, kept->item[0]);
    halve(t, &p, last_stage(t) + 1, t->reserve);
    free(p.item);
}

/* ------------------------------------------------------------------- final */

static double reserve_of(const struct tune_search *t, double total)
{
    double turns = FINAL_TURNS * TUNE_FINALISTS * t->cost;
    return fmin(FINAL_MAX_SHARE * total, fmax(FINAL_SHARE * total, turns));
}

/* The default, and the fastest of all. */
static void choose_finalists(struct tune_search *t)
{
    t->final[t->finalists++] = 0;
    t->candidate[0].finalist = 0;
    while (t->finalists < TUNE_FINALISTS) {
        int best = -1;
        for (int i = 0; i < t->n; i++) {
            const struct tune_candidate *c = &t->candidate[i];
            if (c->finalist >= 0 || c->failed || !c->n) continue;
            if (best < 0 || recent_speed(c) > recent_speed(&t->candidate[best])) best = i;
        }
        if (best < 0) return;
        t->candidate[best].finalist = t->finalists;
        t->final[t->finalists++] = best;
    }
}

/* After some turns, those that are clearly slower than the best; never the default. */
static bool is_dropped(const struct tune_search *t, int finalist)
{
    double best = 1;
    if (!finalist || t->turns < FAIR_TURNS) return false;
    for (int i = 1; i < t->finalists; i++) {
        struct tune_ratio r = tune_compare(t, i, 0);
        if (r.turns == t->turns) best = fmax(best, r.ratio);
    }
    struct tune_ratio mine = tune_compare(t, finalist, 0);
    return mine.turns < t->turns || mine.ratio < best * (1 - CLEARLY_WORSE);
}

/* False: the turn was not completed, and does not count. */
static bool take_final_turn(struct tune_search *t)
{
    int order[TUNE_FINALISTS], measured = t->measured;
    struct pool p = { 0, order };
    struct tune_turn *turn = &t->turn[t->turns];
    for (int i = 0; i < t->finalists; i++) {
        turn->speed[i] = NAN;
        if (!is_dropped(t, i) && !t->candidate[t->final[i]].failed) order[p.n++] = i;
    }
    if (t->left(t->user) < p.n * t->cost) return false;
    shuffle(t, &p);
    for (int i = 0; i < p.n; i++) {
        struct tune_candidate *c = &t->candidate[t->final[order[i]]];
        int before = c->n;
        if (!measure(t, t->final[order[i]])) return false;
        if (c->n > before) turn->speed[order[i]] = c->speed[before];
    }
    t->turns++;
    return t->measured > measured;
}

/* The best is faster than the default, or is not, beyond doubt, and no other is near
 * the best. */
static bool is_certain(const struct tune_search *t)
{
    struct tune_outcome o = tune_conclude(t);
    int in = 0;
    for (int i = 1; i < t->finalists; i++) in += !is_dropped(t, i);
    return t->turns >= CERTAIN_TURNS && in <= 1 && o.better && o.gain.ratio - 1 > 3 * o.gain.uncertainty;
}

bool tune_search(struct tune_search *t)
{
    struct pool kept = { 0 };
    struct tune_choice usual = { { 0 } };
    double total = t->left(t->user);
    add(t, &kept, &usual);
    for (int i = 0; i < 2 && !t->no_memory && measure(t, 0); i++) t->reserve = reserve_of(t, total);
    bool sound = !t->no_memory && t->n && t->candidate[0].n;
    for (int stage = 0; sound && stage <= last_stage(t); stage++) {
        t->reserve = reserve_of(t, total);
        if (kept.n) run_stage(t, &kept, stage);
    }
    if (sound) refine(t, &kept);
    if (sound) choose_finalists(t);
    while (sound && t->finalists > 1 && t->turns < TUNE_TURNS && !is_certain(t) && take_final_turn(t)) continue;
    free(kept.item);
    return sound && !t->no_memory;
}
