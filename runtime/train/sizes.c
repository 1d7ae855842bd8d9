/* SPDX-License-Identifier: BSD-3-Clause */
/* The sizes of the batches that come, where the model left them open. */
#include "model/sizes.h"

#include <stdlib.h>

#include "async.h"

int trainer_open_augment(struct hsgd_trainer *t)
{
    struct augmentation *a = &t->augment;
    const struct hsgd_model *m = t->state.store.sized;
    const struct hsgd_type *x = &m->value[m->field[0].value].type;
    if (!augment_any(&a->how) || hsgd_type_is_open(x, x->rank)) return 0;
    int err = augment_check(m->ctx, &a->how, m->in);
    float *room = err ? NULL : realloc(a->room, (size_t)hsgd_size(m->in) * sizeof *room);
    if (room) a->room = room;
    return err || room ? err : hsgd_fail(m->ctx, ENOMEM, "out of memory");
}

int trainer_set_types(struct hsgd_trainer *t, const struct hsgd_type *field)
{
    struct store *s = &t->state.store;
    const struct hsgd_model *before = s->sized;
    int err = store_set_types(s, field);
    if (err || s->sized == before) return err;
    t->step_seconds = 0;
    err = trainer_open_augment(t);
    return err ? err : async_set_types(t, field);
}

int hsgd_trainer_set_types(struct hsgd_trainer *t, int n, const struct hsgd_type *field)
{
    int err = ENTER(t ? t->state.ctx : NULL, t, field);
    if (err) return err;
    const struct hsgd_model *m = t->state.store.model;
    if (n == m->nfields) return trainer_set_types(t, field);
    return hsgd_fail(m->ctx, EINVAL, "model \"%s\" has %d inputs and targets, not %d", m->name, m->nfields, n);
}
