/* SPDX-License-Identifier: BSD-3-Clause */
/* Plans of a session, and running them. */
#include "session.h"

#include <string.h>

#include "exec/lose.h"

/* Trials leave what is kept as it is. */
static bool caches(const struct hsgd_session *s, enum plan_mode mode)
{
    return mode == PLAN_PREDICT && s->cache.rows && !s->store.is_trial;
}

struct plan *session_make(struct hsgd_session *s, enum plan_mode mode, const struct division *d, int window)
{
    return plan_create(&s->store,
                       &(struct plan_spec){ .mode = mode,
                                            .n = d->n,
                                            .slice = d->slice,
                                            .wanted = mode == PLAN_PREDICT ? session_wanted(s) : (struct wanted){ 0 },
                                            .cache = caches(s, mode) ? &s->cache.buffer : NULL,
                                            .window = window,
                                            .tag = window });
}

static int new_plan(struct hsgd_session *s, enum plan_mode mode, int batch, int window, struct plan **out)
{
    struct division d = { 0 };
    int err = session_divide(s, mode, batch, &d);
    *out = err ? NULL : session_make(s, mode, &d, window);
    if (*out) *out = plan_cache_keep(&s->plans, *out);
    return err || *out ? err : -EIO;
}

/* The plan for batches of this size, kept or new. */
static int find_plan(struct hsgd_session *s, enum plan_mode mode, int batch, int window, struct plan **out)
{
    int err = 0;
    if ((*out = plan_cache_find(&s->plans, s->store.sized, mode, batch, window))) return 0;
    context_begin(s->ctx); /* trials find workers awake */
    if (mode == PLAN_EVALUATE) err = store_add_metrics(&s->store);
    if (!err) err = new_plan(s, mode, batch, window, out);
    context_end(s->ctx);
    return err;
}

/* Plans for devices that have failed, and what was found out with them, are of no use. */
static void forget_lost(struct hsgd_session *s)
{
    for (int i = 0; i < s->ctx->ndevices; i++) {
        const struct device *d = &s->ctx->device[i];
        if (!d->lost || s->lost[i]) continue;
        plan_cache_drop(&s->plans, d);
        memset(s->choice, 0, sizeof s->choice);
        s->lost[i] = true;
    }
}

/* After a failure: whether it is worth another try. */
static bool goes_on(struct hsgd_session *s, const struct plan *p)
{
    const struct device *d = lose_failed(p);
    if (p->cache) session_cache_lose(s);
    if (!d || p->cache) return false;
    hsgd_log(s->ctx, HSGD_LOG_WARNING, "%s; the batch is repeated without %s", s->ctx->error, d->info.id);
    return true;
}

int session_window(struct hsgd_session *s, enum plan_mode mode, int batch, int steps, const struct batch_source *source,
                   const struct session_reader *reader)
{
    int window = mode == PLAN_EVALUATE ? 0 : steps > 1 ? SESSION_STEPS : 1, err;
    struct plan *p;
    do {
        struct span span = { .end = steps };
        forget_lost(s); /* another object of the context may have found out */
        err = find_plan(s, mode, batch, window, &p);
        if (err) return err;
        err = plan_run(p, &span, s->executor, source);
    } while (err && goes_on(s, p));
    if (!err && reader) reader->read(reader->user, p, steps);
    return err;
}
