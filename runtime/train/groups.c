/* SPDX-License-Identifier: BSD-3-Clause */
#include "groups.h"

#include <stdlib.h>
#include <string.h>

#include "trainer.h"

enum { MAX_GROUPS = 256 };

/* The group that a weight belongs to; -1: none. */
static int group_of(const struct hsgd_train_options *o, const struct hsgd_model *m, const struct weight_place *w)
{
    char name[WEIGHT_NAME];
    int g = o->groups - 1;
    if (g < 0) return -1;
    model_weight_name(m, w, name);
    while (g >= 0 && !weight_name_matches(o->group[g].weights, name)) g--;
    return g;
}

struct treatment groups_treat(const void *options, const struct hsgd_model *m, const struct weight_place *w)
{
    const struct hsgd_train_options *o = options;
    struct treatment t = { 1, o->weight_decay };
    int g = group_of(o, m, w);
    if (g >= 0) t.rate = o->group[g].rate;
    if (g >= 0 && o->group[g].weight_decay >= 0) t.weight_decay = o->group[g].weight_decay;
    if (o->no_bias_decay && w->spec->no_decay) t.weight_decay = 0;
    return t;
}

/* ------------------------------------------------------------- checking */

static int check_group(const struct hsgd_model *m, const struct hsgd_group *g, int i)
{
    char names[WEIGHT_NAMES];
    if (!g->weights || !*g->weights) return hsgd_fail(m->ctx, EINVAL, "group %d has no pattern of names", i);
    if (!(g->rate >= 0 && g->rate <= 1e6f))
        return hsgd_fail(m->ctx, EINVAL, "group \"%s\": rate must be from 0 to 1e+06, not %g", g->weights,
                         (double)g->rate);
    if (!(g->weight_decay <= 1e6f))
        return hsgd_fail(m->ctx, EINVAL, "group \"%s\": weight_decay must be at most 1e+06, not %g", g->weights,
                         (double)g->weight_decay);
    if (!m->finished || model_has_weights_like(m, g->weights)) return 0;
    model_nearest_weights(m, g->weights, names);
    return hsgd_fail(m->ctx, EINVAL, "group \"%s\": model \"%s\" has no such weight; the nearest are %s", g->weights,
                     m->name, names);
}

int groups_check(const struct hsgd_model *m, const struct hsgd_train_options *o)
{
    int err = 0;
    if (o->groups < 0 || o->groups > MAX_GROUPS)
        return hsgd_fail(m->ctx, EINVAL, "groups must be from 0 to %d, not %d", MAX_GROUPS, o->groups);
    if (o->groups && !o->group) return hsgd_fail(m->ctx, EINVAL, "groups is %d, but group is NULL", o->groups);
    for (int i = 0; !err && i < o->groups; i++) err = check_group(m, &o->group[i], i);
    return err;
}

/* ------------------------------------------------------------------ copies */

int groups_copy(struct hsgd_context *ctx, struct hsgd_train_options *o)
{
    size_t array = (size_t)o->groups * sizeof *o->group, bytes = array;
    const struct hsgd_group *given = o->group;
    o->group = NULL;
    if (!o->groups) return 0;
    for (int i = 0; i < o->groups; i++) bytes += strlen(given[i].weights) + 1;
    struct hsgd_group *copy = malloc(bytes);
    if (!copy) return hsgd_fail(ctx, ENOMEM, "out of memory for %d groups", o->groups);
    char *text = (char *)copy + array;
    for (int i = 0; i < o->groups; i++) {
        copy[i] = given[i];
        copy[i].weights = text;
        text = stpcpy(text, given[i].weights) + 1;
    }
    o->group = copy;
    return 0;
}

void groups_free(struct hsgd_train_options *o)
{
    free((struct hsgd_group *)o->group);
    o->group = NULL;
}

/* ------------------------------------------------------------------ public */

int hsgd_trainer_group(const struct hsgd_trainer *t, const char *weight)
{
    int err = ENTER(t ? t->state.ctx : NULL, t, weight);
    const struct hsgd_model *m = t ? t->state.store.model : NULL;
    struct weight_place w;
    char name[WEIGHT_NAME];
    if (err) return err;
    for (int i = 0; model_weight(m, i, &w); i++) {
        model_weight_name(m, &w, name);
        if (strcmp(name, weight) != 0) continue;
        int g = w.spec->is_state ? -1 : group_of(&t->state.options, m, &w);
        return g >= 0 ? g : hsgd_fail(m->ctx, ENOENT, "weight \"%s\" is in no group", weight);
    }
    return hsgd_fail(m->ctx, EINVAL, "model \"%s\" has no weight \"%s\"", m->name, weight);
}
