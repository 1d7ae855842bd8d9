/* SPDX-License-Identifier: BSD-3-Clause */
#include "capacity.h"

#include <math.h>

#include "exec/memory.h"
#include "slices.h"

static double need_of(struct trainer_state *shadow, struct device *d, int n, const struct slice_spec *specs)
{
    const struct updater updater = trainer_state_updater(shadow);
    const struct plan_spec spec = { .mode = PLAN_TRAIN, .n = n, .slice = specs, .updater = &updater };
    struct plan *p = plan_sketch(&shadow->store, &spec);
    double bytes = p ? (double)memory_need(p, d) : 0;
    plan_destroy(p);
    return bytes;
}

/* Bytes on d of a step with so many rows there: alone, where it has the
 * optimizer's state too, or with a block on every other device, whose gradients
 * may be merged on d. */
static double need(struct trainer_state *shadow, struct device *d, int rows)
{
    struct hsgd_context *ctx = shadow->ctx;
    struct slice_spec specs[MAX_SLICES] = { { d, rows } };
    int n = 1;
    for (int i = 0; i < ctx->ndevices && n < MAX_SLICES; i++)
        if (&ctx->device[i] != d && !ctx->device[i].lost)
            specs[n++] = (struct slice_spec){ &ctx->device[i], shadow->block };
    return fmax(need_of(shadow, d, 1, specs), need_of(shadow, d, n, specs));
}

int capacity_rows(struct trainer_state *shadow, struct device *d, int batch)
{
    double room = memory_room(d);
    if (isinf(room) || need(shadow, d, batch) <= room) return batch;
    int fits = 0, beyond = batch / shadow->block + 1;
    while (beyond - fits > 1) {
        int middle = (fits + beyond) / 2;
        if (need(shadow, d, middle * shadow->block) <= room) fits = middle;
        else beyond = middle;
    }
    if (!fits) {
        size_t bytes = (size_t)need(shadow, d, shadow->block);
        hsgd_fail(shadow->ctx, ENOMEM, "%s", memory_too_small(d, shadow->block, bytes).text);
    }
    return fits * shadow->block;
}
