/* SPDX-License-Identifier: BSD-3-Clause */
/* The plans of replicas: their sizes, and what there is to look at. */
#include "async_rounds.h"
#include "model/sizes.h"

int async_set_types(struct hsgd_trainer *t, const struct hsgd_type *field)
{
    struct async *a = t->async;
    int err = 0;
    for (int i = 0; a && !err && i < a->n; i++)
        if (a->replica[i].trainer) err = store_set_types(&a->replica[i].state.store, field);
    return err;
}

int async_view(struct hsgd_trainer *t, int batch, struct async_part *out, int max)
{
    const struct hsgd_train_options *o = &t->state.options;
    int err = sizes_require(t->state.store.sized, ~0u), n = 0;
    if (!err) err = async_open(t);
    struct async *a = t->async;
    for (int i = 0; !err && i < a->n && n + ASYNC_PARTS <= max; i++) {
        struct replica *r = &a->replica[i];
        int steps = algorithm_local_steps(a->row, o), rows = r->batch;
        if (r->gone) continue;
        if (batch != o->batch_size) rows = algorithm_batch(a->row, o, batch, r->device->info.kind, a->alive);
        bool plain = r->shares, one = !plain && steps == 1, first = !plain && !one && a->row->merge != MERGE_ELASTIC;
        const struct async_part part[ASYNC_PARTS] = {
            { .pulls = true, .pushes = true, .steps = one },
            { .pulls = true, .steps = first },
            { .steps = plain ? 1
                       : one ? 0
                             : steps - 1 - first },
            { .pushes = true, .steps = !plain && !one },
        };
        for (int k = 0; !err && k < ASYNC_PARTS; k++) {
            if (part[k].steps < 1) continue;
            out[n] = part[k];
            out[n].replica = i;
            out[n].plan = replica_plan(r, rows, part[k].pulls, part[k].pushes, &a->plan_lock);
            err = out[n++].plan ? 0 : -EIO;
        }
    }
    return err ? err : n;
}
