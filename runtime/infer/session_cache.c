/* SPDX-License-Identifier: BSD-3-Clause */
/* What operations keep between the runs of a session.  All samples of a run are on
 * one device, the same for every run, so that it is where the next run needs it. */
#include <hsgd/session.h>
#include <string.h>

#include "session.h"

static void clear(struct hsgd_session *s)
{
    struct buffer *b = &s->cache.buffer;
    buffer_acquire(s->ctx, b, BUFFER_WRITE);
    memset(buffer_memory(b), 0, (size_t)b->floats * sizeof(float));
    buffer_release(b);
}

void session_cache_close(struct hsgd_session *s)
{
    if (s->cache.rows) buffer_destroy(&s->cache.buffer);
    s->cache = (struct session_cache){ .floats = s->cache.floats };
}

/* Plans are bound to the buffer. */
static int make(struct hsgd_session *s, int rows)
{
    int most = s->plans.most;
    plan_cache_close(&s->plans);
    s->plans.most = most;
    session_cache_close(s);
    int err = buffer_create(s->ctx, &s->cache.buffer, "cache", s->cache.floats * rows, true);
    if (!err) s->cache.rows = rows;
    return err;
}

/* Another object of the context may have found out. */
static bool home_is_lost(const struct session_cache *c) { return c->home && c->home->lost; }

static int check(const struct hsgd_session *s, int64_t samples)
{
    const struct session_cache *c = &s->cache;
    if (samples > s->batch)
        return hsgd_fail(s->ctx, EINVAL,
                         "operations of model \"%s\" keep something between runs: a run has at most the session's "
                         "batch of %d samples, not %lld",
                         s->store.model->name, s->batch, (long long)samples);
    if (c->begun && (c->lost || home_is_lost(c)))
        return hsgd_fail(
            s->ctx, EIO,
            "what operations have kept is lost with %s, which has failed: hsgd_session_reset() begins anew",
            c->home->info.id);
    if (c->begun && c->rows != samples)
        return hsgd_fail(s->ctx, EINVAL,
                         "the run goes on with the %d samples of the runs before, not with %lld: hsgd_session_reset() "
                         "begins anew",
                         c->rows, (long long)samples);
    return 0;
}

int session_cache_prepare(struct hsgd_session *s, int64_t samples)
{
    struct session_cache *c = &s->cache;
    if (!c->floats) return 0;
    int err = check(s, samples);
    if (!err && c->rows != samples) err = make(s, (int)samples);
    if (err) return err;
    if (home_is_lost(c)) c->home = NULL;
    c->begun = true;
    return 0;
}

void session_cache_lose(struct hsgd_session *s) { s->cache.lost = true; }

int hsgd_session_reset(struct hsgd_session *s)
{
    int err = ENTER(s ? s->ctx : NULL, s);
    if (err || !s->cache.begun) return err;
    s->cache.begun = s->cache.lost = false;
    clear(s);
    return 0;
}
