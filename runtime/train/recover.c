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
        if (p->cell[i].device == d) return true;
    return false;
}

static void drop_plans(struct trainer_state *s, const struct device *d)
{
    context_begin(s->ctx);
    for (int i = s->nplans - 1; i >= 0; i--) {
        if (!uses(s->plan[i], d)) continue;
        plan_destroy(s->plan[i]);
        s->plan[i] = s->plan[--s->nplans];
    }
    context_end(s->ctx);
}

bool recover(struct trainer_state *s, const struct plan *p, int64_t step)
{
    struct hsgd_context *ctx = s->ctx;
    struct device *d = ctx->failed_device;
    if (!d || s->options.executor != HSGD_REPLAY || ctx->starpu_places) return false;
    if (atomic_load(&p->touched) || !another_is_left(ctx, d)) return false;
    d->lost = true;
    hsgd_log(ctx, HSGD_LOG_WARNING, "%s; step %lld is repeated, and training goes on without %s", ctx->error,
             (long long)step + 1, d->info.id);
    s->drift.plan = NULL;
    s->balance.batch = 0;
    s->measured = false;
    drop_plans(s, d);
    return true;
}
