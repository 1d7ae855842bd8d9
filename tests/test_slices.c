/* SPDX-License-Identifier: BSD-3-Clause */
/* Slices of one size, which a scheduling policy places: the losses are those of one
 * device, whoever computes what, and a device has as many as its speed allows. */
#include "steps.h"

#include <errno.h>
#include <math.h>

enum { SLICES = 8 };

static void same_losses(const char *devices, const char *policy, enum hsgd_executor how)
{
    batch = BATCH / 4;
    double loss[STEPS], *want = reference();
    slices = SLICES;
    executor = how;
    if (policy) setenv("STARPU_SCHED", policy, 1);
    begin(devices, HSGD_SYNC);
    train(STEPS, loss);
    check_losses(loss, want);
    unsigned long long cpu = samples_of("cpu"), opencl = samples_of("opencl:0");
    CHECK_MSG(cpu + opencl == (unsigned long long)batch * STEPS, "%llu and %llu samples", cpu, opencl);
    end();
}

static void losses_cpu(void) { same_losses("cpu", NULL, HSGD_REPLAY); }
static void losses_opencl(void) { same_losses("opencl", NULL, HSGD_REPLAY); }
static void losses_both(void) { same_losses("cpu,opencl", NULL, HSGD_REPLAY); }
static void losses_inserted(void) { same_losses("cpu,opencl", "eager", HSGD_INSERT); }

/* All slices are of one size, and have no device of their own. */
static void of_one_size(void)
{
    struct hsgd_plan_cell c;
    int n = 0;
    slices = SLICES;
    begin("cpu,opencl", HSGD_SYNC);
    int cells = hsgd_trainer_plan(trainer, BATCH);
    REQUIRE(cells > SLICES);
    for (int i = 0; i < cells; i++) {
        REQUIRE(!hsgd_trainer_plan_cell(trainer, BATCH, i, &c, sizeof c));
        CHECK((strstr(c.name, " on any") != NULL) == (c.rows > 0));
        if (!c.rows) continue;
        CHECK_MSG(c.rows == BATCH / SLICES, "a slice of %d rows", c.rows);
        CHECK_STR(c.reason, "8 slices of one size: the scheduling policy chooses a device for every run");
        n++;
    }
    CHECK_MSG(n == SLICES, "%d slices", n);
    end();
}

/* A row's time is set, many times what it takes here: one device has a quarter. */
static void by_speed(const char *policy)
{
    enum { FEW = 24 };
    double loss[FEW];
    slices = SLICES;
    setenv("HSGD_SLOW", "cpu:40us,opencl:120us", 1);
    setenv("POCL_MAX_PTHREAD_COUNT", "1", 1);
    setenv("STARPU_SCHED", policy, 1);
    begin("cpu,opencl", HSGD_SYNC);
    train(FEW, loss);
    double share = (double)samples_of("opencl:0") / BATCH / FEW;
    CHECK_MSG(fabs(share - 0.25) <= 0.1, "%s gave %.3f of the samples to a device that should have 0.25", policy,
              share);
    end();
}

static void shares_by_model(void) { by_speed("dmdas"); }
static void shares_by_pull(void) { by_speed("eager"); }

/* A device that is three times as slow in every other four steps has its share of each
 * step: a worker that is free takes the next slice. */
static void follows(void)
{
    enum { ROUNDS = 3, HALF = 4 };
    double loss, share[2] = { 0 };
    slices = SLICES;
    setenv("HSGD_SLOW", "cpu:80us,opencl:80us,opencl:240us/4", 1);
    setenv("POCL_MAX_PTHREAD_COUNT", "1", 1);
    setenv("STARPU_SCHED", "eager", 1);
    begin("cpu,opencl", HSGD_SYNC);
    for (int i = 0; i < ROUNDS * 2 * HALF; i++) {
        unsigned long long before = samples_of("opencl:0");
        train(1, &loss);
        share[i / HALF % 2] += (double)(samples_of("opencl:0") - before) / BATCH / HALF / ROUNDS;
    }
    CHECK_MSG(fabs(share[0] - 0.25) <= 0.1 && fabs(share[1] - 0.5) <= 0.1,
              "%.3f of the samples in steps in which it is slow, %.3f in others", share[0], share[1]);
    end();
}

static void fails(void)
{
    batch = BATCH / 4;
    double loss[STEPS], *want = reference();
    slices = SLICES;
    setenv("HSGD_FAIL", "opencl@30", 1);
    begin("cpu,opencl", HSGD_SYNC);
    train(STEPS, loss);
    check_losses(loss, want);
    CHECK(samples_of("opencl:0") > 0);
    end();
}

static void refuse(struct hsgd_train_options *o, const char *sentence)
{
    CHECK(!hsgd_trainer_create(model, o));
    CHECK_STR(hsgd_error(ctx), sentence);
}

static void refusals(void)
{
    struct hsgd_train_options o;
    ctx = core_context("cpu,opencl", 1, true);
    model = hsgd_model_by_name(ctx, "linear", (struct hsgd_shape){ 28, 28, 1 }, 10);
    hsgd_train_defaults(&o, sizeof o);
    o.slices = 33;
    refuse(&o, "slices must be from 0 to 32, not 33");
    o.slices = 4;
    refuse(&o, "slices 4 is not deterministic: the device that computes a slice rounds its sums");
    o.slices = 0;
    setenv("HSGD_SLICES", "many", 1);
    refuse(&o, "HSGD_SLICES is \"many\", not an integer from 0 to 32");
    setenv("HSGD_SLICES", "2", 1);
    refuse(&o, "slices 2 is not deterministic: the device that computes a slice rounds its sums");
    hsgd_model_destroy(&model);
    hsgd_destroy(&ctx);
    ctx = core_context("cpu", 1, false);
    model = hsgd_model_by_name(ctx, "linear", (struct hsgd_shape){ 28, 28, 1 }, 10);
    o.slices = 4;
    o.algorithm = HSGD_LOCAL;
    refuse(&o, "slices 4 is incompatible with algorithm \"local\"");
    o.slices = 0; /* the variable is for exact steps */
    trainer = hsgd_trainer_create(model, &o);
    CHECK_MSG(trainer != NULL, "%s", hsgd_error(ctx));
    end();
}

static const struct core_case cases[] = {
    { "losses_cpu", losses_cpu },
    { "losses_opencl", losses_opencl },
    { "losses_both", losses_both },
    { "losses_inserted", losses_inserted },
    { "of_one_size", of_one_size },
    { "shares_by_model", shares_by_model },
    { "shares_by_pull", shares_by_pull },
    { "follows", follows },
    { "fails", fails },
    { "refusals", refusals },
};
CORE_MAIN(cases)
