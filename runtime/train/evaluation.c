/* SPDX-License-Identifier: BSD-3-Clause */
/* The trainer's session, which evaluates; with a moving average of weights, that. */
#include "ema.h"
#include "slices.h"
#include "trainer.h"

/* As training is divided, once that is known; a device that has failed since has
 * no rows. */
static bool divide(void *user, int batch, struct division *out)
{
    struct trainer_state *s = user;
    struct hsgd_context *ctx = s->ctx;
    bool stands = s->measured;
    for (int i = 0; i < ctx->ndevices; i++) stands &= !(s->share[i] > 0 && ctx->device[i].lost);
    if (division_fixed(ctx, s->block, batch, out)) return true;
    if (division_usable(ctx) > 1 && algorithm_row(s->options.algorithm)->slices != SLICE_EQUATIONS)
        division_equal(ctx, s->block, batch, 0, "equal shares, by the algorithm", out);
    else if (stands) division_in_proportion(ctx, s->block, s->share, batch, out);
    return out->n;
}

static int open_session(struct hsgd_trainer *t)
{
    const struct hsgd_train_options *o = &t->state.options;
    const struct hsgd_session_options of = { .batch = o->batch_size, .executor = o->executor };
    ema_refresh(t);
    if (t->session.ctx) return 0;
    int err = t->state.ema.model ? session_open_on(&t->session, &t->state.ema, &of)
                                 : session_open(&t->session, t->state.store.model, &of);
    t->session.divide = divide;
    t->session.user = &t->state;
    return err;
}

int trainer_set_evaluated(struct hsgd_trainer *t, const struct hsgd_type *field)
{
    int err = open_session(t);
    return err ? err : store_set_types(&t->session.store, field);
}

int trainer_evaluate(struct hsgd_trainer *t, int batch, int steps, const struct batch_source *source, double *sums)
{
    int err = open_session(t);
    t->session.store.first_step = t->at.step;
    if (!err) err = session_window(&t->session, PLAN_EVALUATE, batch, steps, source, NULL);
    if (!err) trainer_read_sums(&t->session.store, 0, steps, sums);
    return err;
}
