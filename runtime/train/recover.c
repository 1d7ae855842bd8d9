/* SPDX-License-Identifier: BSD-3-Clause */
#include "recover.h"

static bool another_is_left(const struct hsgd_context *ctx, const struct device *failed)
{
    for (int i = 0; i < ctx->ndevices; i++)
        if (&ctx->device[i] != failed && !ctx->device[i].lost) return true;
    return false;
}

static bool uses(const struct plan *p, const struct device *d)
{
    for (int i = 0; i < p->ncells; i++)
        if (cell_variant(&p->cell[i], d)) return true;
    return false;
}

void recover_drop_plans(struct trainer_state *s, const struct device *d)
{
    context_begin(s->ctx);
    for (int i = s->nplans - 1; i >= 0; i--) {
        if (!uses(s->plan[i], d)) continue;
        plan_destroy(s->plan[i]);
        s->plan[i] = s->plan[--s->nplans];
    }
    context_end(s->ctx);
}

void recover_lose(struct hsgd_context *ctx, struct device *d)
{
    d->lost = true;
    for (int i = 0; i < WORKER_WORDS; i++) ctx->worker_mask[i] &= ~d->worker_mask[i];
}

bool recover(struct trainer_state *s, const struct plan *p, int64_t step)
{
    struct hsgd_context *ctx = s->ctx;
    const struct failure *f = p->failure;
    struct device *d = f->device;
    if (!d || atomic_load(&p->touched) == f->step || !another_is_left(ctx, d)) return false;
    recover_lose(ctx, d);
    hsgd_log(ctx, HSGD_LOG_WARNING, "%s; step %lld is repeated, and training continues without %s", ctx->error,
             (long long)step + 1, d->info.id);
    s->drift.plan = NULL;
    s->balance.batch = 0;
    s->measured = false;
    recover_drop_plans(s, d);
    trainer_state_send_eagerly(s, NULL);
    return true;
}
