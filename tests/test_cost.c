/* SPDX-License-Identifier: BSD-3-Clause */
/* The cost model: what is known of a cell's time, from measurements that the test makes up. */
#include "core.h"

#include <math.h>

#include "plan/cost.h"

/* A cell with one launch of so many items. */
struct made_up {
    struct cell cell;
    struct variant variant;
    struct launch launch;
    unsigned char args[1];
};

static struct hsgd_context *ctx;
static const struct hsgd_kernel kernel = { .name = "made_up" }, other = { .name = "made_up_too" };

static void make(struct made_up *m, const struct hsgd_kernel *k, int64_t count, int device)
{
    *m = (struct made_up){ .launch = { .kernel = k, .count = count } };
    m->variant.device = &ctx->device[device];
    m->variant.program = (struct hsgd_program){ .n = 1, .launch = &m->launch, .args = m->args };
    m->cell = (struct cell){ .kind = CELL_SLICE, .nvariants = 1, .variant = &m->variant };
    REQUIRE(!cost_bind(ctx, &m->cell, &m->variant));
}

static void measure(struct variant *v, int n, uint64_t us)
{
    for (int i = 0; i < n; i++) cost_measured(v, 1000 * us);
}

/* The median of the last nine: an odd one out never decides, a lasting change does. */
static void median(void)
{
    struct made_up m;
    ctx = core_context("cpu", 1, false);
    make(&m, &kernel, 10, 0);
    CHECK(!cost_known(&m.variant) && !cost_is_warm(&m.variant));
    measure(&m.variant, 1, 5000); /* a cold run */
    CHECK(cost_known(&m.variant) && !cost_is_warm(&m.variant) && cost_us(&m.variant) == 5000);
    measure(&m.variant, 2, 100);
    CHECK(cost_is_warm(&m.variant) && cost_us(&m.variant) == 100);
    measure(&m.variant, COST_KEPT, 100);
    measure(&m.variant, 4, 90000); /* a busy machine */
    CHECK(cost_us(&m.variant) == 100 && cost_min_us(&m.variant) == 100);
    measure(&m.variant, 1, 90000); /* it stays so */
    CHECK(cost_us(&m.variant) == 90000 && cost_min_us(&m.variant) == 100);
    measure(&m.variant, COST_KEPT, 300);
    CHECK(cost_us(&m.variant) == 300 && cost_min_us(&m.variant) == 300);
    cost_measured(&m.variant, UINT64_MAX); /* longer than four seconds: that long */
    CHECK(cost_us(&m.variant) == 300);
    hsgd_destroy(&ctx);
}

/* Equal cells share what is known, whatever plan they are of; others do not. */
static void shared(void)
{
    struct made_up first, same, longer, named, kind;
    ctx = core_context("cpu", 1, false);
    make(&first, &kernel, 10, 0);
    make(&same, &kernel, 10, 0);
    make(&longer, &kernel, 11, 0);
    make(&named, &other, 10, 0);
    make(&kind, &kernel, 10, 0);
    kind.cell.kind = CELL_UPDATE;
    REQUIRE(!cost_bind(ctx, &kind.cell, &kind.variant));
    measure(&first.variant, COST_KEPT, 70);
    CHECK(cost_is_warm(&same.variant) && cost_us(&same.variant) == 70);
    CHECK(!cost_known(&longer.variant) && !cost_known(&named.variant) && !cost_known(&kind.variant));
    hsgd_destroy(&ctx);
}

/* Times are those of a device. */
static void of_devices(void)
{
    struct made_up m[2];
    ctx = core_context("cpu,opencl", 1, false);
    REQUIRE(ctx->ndevices == 2);
    for (int i = 0; i < 2; i++) make(&m[i], &kernel, 10, i);
    measure(&m[0].variant, COST_KEPT, 70);
    CHECK(cost_is_warm(&m[0].variant) && !cost_known(&m[1].variant));
    measure(&m[1].variant, COST_KEPT, 20);
    CHECK(cost_us(&m[0].variant) == 70 && cost_us(&m[1].variant) == 20);
    hsgd_destroy(&ctx);
}

static const struct core_case cases[] = { { "median", median }, { "shared", shared }, { "of_devices", of_devices } };
CORE_MAIN(cases)
