/* SPDX-License-Identifier: BSD-3-Clause */
#include "state.h"

#include <stdlib.h>
#include <string.h>

#include "exec/memory.h"
#include "groups.h"
#include "device/quiesce.h"

/* The memory of the devices with slices of a plan; 0: it does not train. */
static uint32_t trains_on(const struct trainer_state *s, const struct plan *p)
{
    uint32_t nodes = 0;
    for (int i = 0; p && p->mode == PLAN_TRAIN && i < p->nslices; i++) {
        const struct device *d = p->slice[i].device;
        if (!d->lost && memory_holds(d, s->store.model->floats)) nodes |= 1u << d->node;
    }
    return nodes;
}

void trainer_state_send_eagerly(struct trainer_state *s, const struct plan *trial)
{
    uint32_t nodes = trains_on(s, trial);
    bool several = s->ctx->ndevices > 1 && !algorithm_has_server(algorithm_row(s->options.algorithm));
    for (int i = 0; i < s->plans.n; i++) nodes |= trains_on(s, s->plans.plan[i]);
    if (!(nodes & (nodes - 1))) nodes = 0; /* one has them anyway */
    for (int i = 0; several && i < s->store.nshards; i++) buffer_write_through(&s->store.param[i], nodes);
}

/* -------------------------------------------------------------- life cycle */

/* Buffers of the optimizer's state and of the moving average, all zero. */
static int open_optimizer(struct trainer_state *s)
{
    int err = 0, per = optimizer_state_floats(s->options.optimizer);
    if (s->options.ema_decay > 0) err = store_open_copy(&s->ema, &s->store, false);
    for (int i = 0; !err && per && i < s->store.nshards; i++)
        err = buffer_create(s->ctx, &s->optimizer[i], "optimizer", per * s->store.shard[i].floats, true);
    if (err) trainer_state_close(s);
    return err;
}

static const struct plan_cache kept_plans = { .most = MAX_PLANS, .bytes = MAX_PLAN_BYTES };

int trainer_state_open(struct trainer_state *s, struct hsgd_model *model, const struct hsgd_train_options *o)
{
    *s = (struct trainer_state){ .ctx = model->ctx, .options = *o, .block = model->block, .plans = kept_plans };
    int err = store_open(&s->store, model, STORE_TRAINS);
    return err ? err : open_optimizer(s);
}

void trainer_state_close(struct trainer_state *s)
{
    if (!s->ctx) return;
    context_begin(s->ctx);
    plan_cache_close(&s->plans);
    for (int i = 0; i < s->store.nshards; i++) buffer_destroy(&s->optimizer[i]);
    store_close(&s->ema);
    store_close(&s->store);
    context_end(s->ctx);
    s->ctx = NULL;
}

int trainer_replica_open(struct trainer_state *r, const struct trainer_state *s, bool shared)
{
    *r = (struct trainer_state){ .ctx = s->ctx, .options = s->options, .block = s->block, .plans = kept_plans };
    int err = store_open_copy(&r->store, &s->store, shared);
    return err ? err : open_optimizer(r);
}

int trainer_shadow_open(struct trainer_state *shadow, const struct trainer_state *s)
{
    int err = quiesce_check_paused(s->ctx); /* every trial would fail, and no device seem worth its share */
    if (!err) err = trainer_replica_open(shadow, s, false);
    shadow->store.is_trial = true;
    return err;
}

/* ------------------------------------------------------------------- plans */

struct updater trainer_state_updater(struct trainer_state *s)
{
    bool norms = optimizer_needs_norms(s->options.optimizer);
    return (struct updater){ .name = hsgd_optimizer_name(s->options.optimizer),
                             .state_floats = optimizer_state_floats(s->options.optimizer),
                             .state = s->optimizer,
                             .ema = s->ema.model ? s->ema.param : NULL,
                             .accumulate = s->options.accumulate,
                             .clip_norm = s->options.clip_norm,
                             .emit = optimizer_emit,
                             .norms = norms ? optimizer_norms : NULL,
                             .change = norms ? optimizer_change : NULL,
                             .treat = groups_treat,
                             .user = &s->options };
}

struct plan *trainer_state_plan(struct trainer_state *s, struct plan_spec spec)
{
    const struct updater updater = trainer_state_updater(s);
    if (spec.mode == PLAN_TRAIN) spec.updater = &updater;
    spec.placed = spec.mode == PLAN_TRAIN && s->options.slices > 0;
    return plan_create(&s->store, &spec);
}

struct plan *trainer_state_keep(struct trainer_state *s, struct plan *p)
{
    p = plan_cache_keep(&s->plans, p);
    trainer_state_send_eagerly(s, NULL);
    return p;
}
