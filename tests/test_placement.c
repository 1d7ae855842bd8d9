/* SPDX-License-Identifier: BSD-3-Clause */
/* HSGD_PLACEMENT=starpu at set speeds, many times what a row takes here: whatever the policy, the losses are
 * those of one device; policies that go by times give a device what its speed allows. */
#include "steps.h"

#include <math.h>

enum { WARM = 4, COUNTED = 8, FEW = WARM + COUNTED, SLICES = 4 };

struct run {
    const char *policy;
    const double *want;
};

/* Slices of 8 ms and 24 ms, so that one who waits for a core now and then changes nothing. */
static const char *const speeds = "cpu:500us,opencl:1500us";

static void check_few(const char *policy, const double *got, const double *want)
{
    for (int i = 0; i < FEW; i++)
        CHECK_MSG(fabs(got[i] - want[i]) <= 1e-4 * want[i], "%s, step %d: loss %g, on one device %g", policy, i + 1,
                  got[i], want[i]);
}

/* A device has what its speed allows: that which was set, or as measured where other programs take the cores. */
static void check_share(const char *policy)
{
    struct hsgd_trace_event e;
    struct hsgd_device d;
    double n[2] = { 0 }, seconds[2] = { 0 };
    for (int64_t i = 0; !hsgd_trace_get(ctx, i, &e, sizeof e); i++) {
        if (strcmp(e.kind, "slice")) continue;
        n[e.device]++;
        seconds[e.device] += e.end - e.begin;
    }
    REQUIRE(n[0] > 0 && n[1] > 0);
    REQUIRE(!hsgd_device_get(ctx, 0, &d, sizeof d));
    int slow = d.kind == HSGD_OPENCL ? 0 : 1;
    double speed[2] = { n[0] / seconds[0], n[1] / seconds[1] }, share = n[slow] / (n[0] + n[1]);
    double measured = speed[slow] / (speed[0] + speed[1]), low = fmin(measured, 0.25), high = fmax(measured, 0.25);
    CHECK_MSG(share >= low - 0.1 && share <= high + 0.1,
              "%s gave %.3f of the samples to a device that should have 0.25, by its speed %.3f", policy, share,
              measured);
}

static void place(void *arg)
{
    const struct run *r = arg;
    bool by_model = !strncmp(r->policy, "dm", 2);
    double loss[FEW];
    setenv("STARPU_SCHED", r->policy, 1);
    setenv("HSGD_SLOW", by_model ? speeds : "", 1);
    begin("cpu,opencl", HSGD_SYNC);
    train(WARM, loss);
    REQUIRE(!hsgd_trace_start(ctx, HSGD_OPTIONS(trace, .capacity = 1000, .first = COUNTED)));
    train(COUNTED, loss + WARM);
    check_few(r->policy, loss, r->want);
    if (by_model) check_share(r->policy);
    end();
}

static void policies(void)
{
    static const char *const names[] = { "dm", "dmda", "dmdas", "dmdar", "eager", "prio", "lws", "ws" };
    batch = BATCH / 8;
    struct run r = { .want = reference() };
    slices = SLICES;
    setenv("HSGD_PLACEMENT", "starpu", 1);
    setenv("POCL_MAX_PTHREAD_COUNT", "1", 1);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        r.policy = names[i];
        CHECK_MSG(core_child(place, &r), "%s", r.policy);
    }
}

/* Slices of one size by trials, as the plan says, and without a device of their own. */
static void as_divided(void)
{
    struct hsgd_plan_cell c;
    double loss[FEW];
    char want[200];
    int n = 0;
    batch = BATCH / 8;
    const double *losses = reference();
    least_share = 0.25F; /* both take part, however busy the machine is */
    setenv("HSGD_PLACEMENT", "starpu", 1);
    setenv("POCL_MAX_PTHREAD_COUNT", "1", 1);
    setenv("HSGD_SLOW", "cpu:50us,opencl:150us", 1);
    begin("cpu,opencl", HSGD_SYNC);
    int cells = hsgd_trainer_plan(trainer, batch);
    for (int i = 0; i < cells; i++) {
        REQUIRE(!hsgd_trainer_plan_cell(trainer, batch, i, &c, sizeof c));
        CHECK((strstr(c.name, " on any") != NULL) == (c.rows > 0));
        n += c.rows > 0;
    }
    CHECK_MSG(n >= 2 && n <= 4, "%d slices", n);
    REQUIRE(!hsgd_trainer_plan_cell(trainer, batch, 0, &c, sizeof c));
    snprintf(want, sizeof want,
             "HSGD_PLACEMENT=starpu, %d slices of one size: the scheduling policy chooses a device for every run", n);
    CHECK_STR(c.reason, want);
    train(FEW, loss);
    check_few("dmdas", loss, losses);
    end();
}

static const struct core_case cases[] = { { "policies", policies }, { "as_divided", as_divided } };
CORE_MAIN(cases)
