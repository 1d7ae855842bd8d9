/* SPDX-License-Identifier: BSD-3-Clause */
#include "recover.h"

#include "exec/lose.h"

bool recover(struct trainer_state *s, const struct plan *p, int64_t step)
{
    struct hsgd_context *ctx = s->ctx;
    struct device *d = lose_failed(p);
    if (!d) return false;
    hsgd_log(ctx, HSGD_LOG_WARNING, "%s; step %lld is repeated, and training continues without %s", ctx->error,
             (long long)step + 1, d->info.id);
    s->drift.plan = NULL;
    s->balance.batch = s->asked.batch = s->tried_batch = 0;
    s->measured = false;
    plan_cache_drop(&s->plans, d);
    trainer_state_send_eagerly(s, NULL);
    return true;
}
