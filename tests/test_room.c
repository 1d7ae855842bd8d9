/* SPDX-License-Identifier: BSD-3-Clause */
/* Device memory: what is not there, what there is room for, and what a device
 * that is left idle is spared. */
#include "steps.h"

#include <errno.h>

#include <starpu_profiling.h>

#include "train/trainer.h"

/* Device memory that is not there: found before anything is submitted, at the
 * first step or while trying out; training continues without the device. */
static void has_no_room(enum hsgd_algorithm algorithm, const char *says, const char *sentence)
{
    double loss[STEPS], *want = reference();
    setenv("STARPU_LIMIT_OPENCL_MEM", "4", 1);
    begin("cpu,opencl", algorithm);
    train(STEPS, loss);
    check_losses(loss, want);
    REQUIRE(nlines >= 1);
    CHECK_MSG(strstr(lines[0], says) && strstr(lines[0], sentence), "\"%s\"", lines[0]);
    CHECK(samples_of("opencl:0") == 0 && samples_of("cpu") == (unsigned long long)STEPS * BATCH);
    end();
}

static void equal_shares_have_no_room(void)
{
    has_no_room(HSGD_DATA_PARALLEL, "opencl:0: a batch of 512 needs ",
                " MiB of its memory, which has 4.0 MiB; step 1 is "
                "repeated, and training continues without opencl:0");
}

static void trials_have_no_room(void)
{
    has_no_room(HSGD_SYNC, "opencl:0: a batch of ", " MiB of its memory, which has 4.0 MiB; it is left idle");
}

/* What the plan says of how many rows a device's memory holds; 0: nothing. */
static int most_rows_told(void)
{
    struct hsgd_plan_cell cell;
    int most = 0;
    REQUIRE(hsgd_trainer_plan(trainer, BATCH) > 0);
    for (int i = 0; !most && !hsgd_trainer_plan_cell(trainer, BATCH, i, &cell, sizeof cell); i++) {
        const char *at = strstr(cell.reason, "at most ");
        if (at) most = atoi(at + strlen("at most "));
    }
    return most;
}

/* A fast device whose memory holds fewer rows than its share has as many as it
 * holds. */
static void some_room(void)
{
    double loss[STEPS], *want = reference();
    setenv("STARPU_LIMIT_OPENCL_MEM", "9", 1);
    setenv("HSGD_SLOW", "cpu:40us", 1);
    begin("cpu,opencl", HSGD_SYNC);
    train(STEPS, loss);
    check_losses(loss, want);
    unsigned long long rows = samples_of("opencl:0"), most = (unsigned long long)most_rows_told();
    CHECK_MSG(most >= 32 && most < BATCH / 2 && rows > 0 && rows <= most * STEPS, "%llu rows of %llu a step", rows,
              most);
    CHECK(rows + samples_of("cpu") == (unsigned long long)BATCH * STEPS);
    end();
}

static void no_device_has_room(void)
{
    double loss;
    setenv("STARPU_LIMIT_OPENCL_MEM", "4", 1);
    begin("opencl", HSGD_SYNC);
    CHECK(hsgd_trainer_step(trainer, BATCH, HSGD_FIELDS(x, labels), &loss) == -ENOMEM);
    CHECK(strstr(hsgd_error(ctx), "opencl:0: a batch of 512 needs "));
    end();
}

/* Copies from main memory to the OpenCL device since the last call. */
static int copies(void)
{
    struct starpu_profiling_bus_info info;
    int i = 0;
    while (ctx->device[i].info.kind != HSGD_OPENCL) i++;
    REQUIRE(!starpu_bus_get_profiling_info(starpu_bus_get_id(STARPU_MAIN_RAM, (int)ctx->device[i].node), &info));
    return info.transfer_count;
}

/* Parameters that the CPU updates are sent to a device that has rows, and to
 * no other. */
static void an_idle_device_is_sent_nothing(void)
{
    double loss[30];
    setenv("STARPU_PROFILING", "1", 1);
    begin("cpu,opencl", HSGD_DATA_PARALLEL);
    train(1, loss);
    copies();
    train(30, loss);
    int sent = copies();
    CHECK_MSG(sent >= 30 * (1 + trainer->state.store.nshards), "%d copies", sent); /* its part of the batch, too */
    end();
    setenv("HSGD_SLOW", "opencl:4000us", 1);
    batch = 64;
    begin("cpu,opencl", HSGD_SYNC);
    train(1, loss);
    copies();
    train(30, loss);
    sent = copies();
    CHECK_MSG(samples_of("opencl:0") == 0 && sent < 30, "%d copies", sent); /* it may be measured once */
    end();
}

static const struct core_case cases[] = {
    { "equal_shares_have_no_room", equal_shares_have_no_room },
    { "trials_have_no_room", trials_have_no_room },
    { "some_room", some_room },
    { "no_device_has_room", no_device_has_room },
    { "an_idle_device_is_sent_nothing", an_idle_device_is_sent_nothing },
};
CORE_MAIN(cases)
