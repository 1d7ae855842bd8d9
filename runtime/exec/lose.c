/* SPDX-License-Identifier: BSD-3-Clause */
#include "lose.h"

static bool another_is_left(const struct hsgd_context *ctx, const struct device *failed)
{
    for (int i = 0; i < ctx->ndevices; i++)
        if (&ctx->device[i] != failed && !ctx->device[i].lost) return true;
    return false;
}

void lose_device(struct hsgd_context *ctx, struct device *d)
{
    d->lost = true;
    for (int i = 0; i < WORKER_WORDS; i++) ctx->worker_mask[i] &= ~d->worker_mask[i];
}

struct device *lose_failed(const struct plan *p)
{
    const struct failure *f = p->failure;
    struct device *d = f->device;
    if (!d || atomic_load(&p->touched) == f->step || !another_is_left(p->ctx, d)) return NULL;
    lose_device(p->ctx, d);
    return d;
}
