/* SPDX-License-Identifier: BSD-3-Clause */
/* The search of hsgd tune on simulated speeds. */
#include "core.h"

#include <math.h>
#include <string.h>

#include "lib/tuning.h"

/* Settings like those of a machine with two cores and an OpenCL device. */
enum { DEVICES, THREADS, PTHREADS, SLICES, PLACEMENT, POLICY, EXECUTOR, ISA, SETTINGS };
enum { CPU, OPENCL, BOTH };

static bool allowed(const void *user, const struct tune_choice *c)
{
    (void)user;
    const int *v = c->value;
    if (v[DEVICES] == OPENCL) return !v[THREADS] && !v[SLICES] && !v[PLACEMENT] && !v[POLICY] && !v[ISA];
    if (v[DEVICES] == CPU && (v[PTHREADS] || v[PLACEMENT])) return false;
    return !(v[SLICES] && v[PLACEMENT]);
}

static struct tune_space space = { SETTINGS,
                                   { { "devices", 0, 3 },
                                     { "threads", 0, 2 },
                                     { "pthreads", 0, 2 },
                                     { "slices", 1, 5 },
                                     { "placement", 1, 2 },
                                     { "policy", 2, 9 },
                                     { "executor", 3, 2 },
                                     { "isa", 4, 3 } },
                                   allowed,
                                   NULL };

struct machine {
    double noise, trial, clock, end; /* relative; seconds */
    double busy;                     /* until then all trials take twice as long */
    int flat;                        /* all combinations are equally fast */
    uint64_t random;
    int order[40], n; /* policies in the order of the first measurements */
};

/* From 0 to 1. */
static double uniform(struct machine *m)
{
    m->random = m->random * 6364136223846793005u + 1442695040888963407u;
    return (double)(m->random >> 11) / 9007199254740992.0;
}

/* Settings that act together: slices with the policy, threads with the device set. */
static double true_speed(const struct machine *m, const int *v)
{
    static const double set[3][2][2] = { { { 1.0, 1.0 }, { 0.62, 0.62 } },
                                         { { 0.7, 0.5 }, { 0.7, 0.5 } },
                                         { { 0.8, 0.95 }, { 0.9, 1.1 } } };
    static const double slice[] = { 1, 0.97, 1.0, 0.93, 0.8 };
    double speed = set[v[DEVICES]][v[THREADS]][v[PTHREADS]] * slice[v[SLICES]];
    if (m->flat) return 1000;
    if (v[PLACEMENT]) speed *= 0.85;
    if (v[SLICES] == 2 && v[POLICY] == 3) speed *= 1.15;
    else if (v[POLICY]) speed *= 1.0 - 0.01 * v[POLICY];
    if (v[EXECUTOR]) speed *= 0.9;
    if (v[ISA]) speed *= v[ISA] == 2 ? 0.5 : 0.8;
    return 1000 * speed;
}

static int measure(void *user, const struct tune_choice *c, double *speed, char why[160])
{
    struct machine *m = user;
    double noise = uniform(m) + uniform(m) + uniform(m) + uniform(m) - 2; /* standard deviation 0.58 */
    m->clock += m->trial;
    if (m->n < 40) m->order[m->n++] = c->value[DEVICES] + 10 * c->value[THREADS] + 100 * c->value[PTHREADS];
    if (c->value[POLICY] == 8) return snprintf(why, 160, "refused"), 1;
    *speed = true_speed(m, c->value) * (1 + m->noise * noise / 0.58) / (m->clock < m->busy ? 2 : 1);
    return 0;
}

static double left(void *user)
{
    const struct machine *m = user;
    return m->end - m->clock;
}

static double fastest(const struct machine *m)
{
    struct tune_choice c = { { 0 } };
    double best = 0;
    for (int i = 0; i < SETTINGS;) {
        if (allowed(NULL, &c) && c.value[POLICY] != 8) best = fmax(best, true_speed(m, c.value));
        for (i = 0; i < SETTINGS && ++c.value[i] == space.setting[i].n; i++) c.value[i] = 0;
    }
    return best;
}

static struct tune_search search_with(struct machine *m, uint64_t seed)
{
    struct tune_search t = { .space = &space, .seed = seed, .measure = measure, .left = left, .user = m };
    m->random = 77 * seed + 5;
    REQUIRE(tune_search(&t));
    CHECK(m->clock <= m->end + m->trial);
    return t;
}

/* Three seeds find a combination within 3 % of the best of all. */
static void finds_the_best(void)
{
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct machine m = { .noise = 0.02, .trial = 0.7, .end = 120 };
        struct tune_search t = search_with(&m, seed);
        struct tune_outcome o = tune_conclude(&t);
        double found = true_speed(&m, t.candidate[o.chosen].choice.value);
        CHECK(o.better);
        CHECK(found >= 0.97 * fastest(&m));
        CHECK(fabs(o.gain.ratio - found / 1000) < 0.04);
        struct tune_reason r = tune_explain(&t, o.chosen, EXECUTOR);
        CHECK(r.other == 1 && r.same && r.ratio > 1);
        for (int i = 0; i < t.n; i++)
            if (t.candidate[i].choice.value[POLICY] == 8 && t.candidate[i].failed)
                CHECK_STR(t.candidate[i].why, "refused");
        tune_free(&t);
    }
}

/* Another program takes the machine at the begin. */
static void disturbed(void)
{
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct machine m = { .noise = 0.02, .trial = 0.7, .end = 120, .busy = 8 };
        struct tune_search t = search_with(&m, seed);
        struct tune_outcome o = tune_conclude(&t);
        CHECK(true_speed(&m, t.candidate[o.chosen].choice.value) >= 0.97 * fastest(&m));
        tune_free(&t);
    }
}

/* Where all are equal the default is chosen. */
static void says_noise(void)
{
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct machine m = { .noise = 0.05, .trial = 0.7, .end = 120, .flat = 1 };
        struct tune_search t = search_with(&m, seed);
        struct tune_outcome o = tune_conclude(&t);
        CHECK(!o.better && o.chosen == 0);
        CHECK(t.turns >= 5);
        CHECK(o.best_gain.uncertainty > 0.01 && o.best_gain.uncertainty < 0.2);
        tune_free(&t);
    }
}

/* The same seed tries in the same order, another in another. */
static void order_by_seed(void)
{
    struct machine m[3] = { { .noise = 0.02, .trial = 1, .end = 20 }, m[0], m[0] };
    m[1] = m[2] = m[0];
    struct tune_search a = search_with(&m[0], 4), b = search_with(&m[1], 4), c = search_with(&m[2], 5);
    CHECK(m[0].n == m[1].n && !memcmp(m[0].order, m[1].order, sizeof m[0].order));
    CHECK(memcmp(m[0].order, m[2].order, sizeof m[0].order));
    tune_free(&a);
    tune_free(&b);
    tune_free(&c);
}

static int fail(void *user, const struct tune_choice *c, double *speed, char why[160])
{
    struct machine *m = user;
    (void)c, (void)speed;
    m->clock += m->trial;
    return snprintf(why, 160, "no data"), 1;
}

static int stop(void *user, const struct tune_choice *c, double *speed, char why[160])
{
    struct machine *m = user;
    return m->n == 10 ? -1 : measure(user, c, speed, why);
}

/* Too little time, a default that fails, an end from outside. */
static void ends_early(void)
{
    struct machine none = { .trial = 1, .end = 0 }, some = { .trial = 1, .end = 3 }, m = { .trial = 1, .end = 100 };
    struct tune_search t = { .space = &space, .measure = measure, .left = left, .user = &none };
    CHECK(!tune_search(&t));
    tune_free(&t);
    t = search_with(&some, 1);
    CHECK(!t.turns && t.untried > 3 && tune_conclude(&t).chosen == 0 && !tune_conclude(&t).better);
    tune_free(&t);
    t = (struct tune_search){ .space = &space, .measure = fail, .left = left, .user = &m };
    CHECK(!tune_search(&t));
    CHECK_STR(t.candidate[0].why, "no data");
    tune_free(&t);
    t = (struct tune_search){ .space = &space, .measure = stop, .left = left, .user = &m };
    CHECK(tune_search(&t));
    CHECK(t.stopped && t.measured == 10 && !tune_conclude(&t).better);
    tune_free(&t);
}

static void counts(void)
{
    /* CPU: 2 threads values x 5 slices x 9 policies x 2 x 3; OpenCL: 2 x 2; both: 4 x (5 + 1) x 9 x 6 */
    CHECK(tune_size(&space) == 2 * 5 * 9 * 6 + 2 * 2 + 4 * 6 * 9 * 6);
}

static const struct core_case cases[] = { { "finds_the_best", finds_the_best }, { "disturbed", disturbed },
                                          { "says_noise", says_noise },         { "order_by_seed", order_by_seed },
                                          { "ends_early", ends_early },         { "counts", counts } };
CORE_MAIN(cases)
