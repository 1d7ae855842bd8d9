/* SPDX-License-Identifier: BSD-3-Clause */
#include "about.h"

#include <stdarg.h>
#include <stdio.h>

#include "tape.h"

static void __attribute__((format(printf, 2, 3))) say(struct about *a, const char *format, ...)
{
    size_t used = strlen(a->text);
    va_list args;
    va_start(args, format);
    vsnprintf(a->text + used, sizeof a->text - used, format, args);
    va_end(args);
}

/* ------------------------------------------------------------------- layers */

/* The model's first and last node that runs forward, or backward, in a segment or (-1) in all. */
struct reach {
    const struct node *first, *last;
};

static void extend(struct reach *r, const struct node *n)
{
    if (!r->first || n < r->first) r->first = n;
    if (!r->last || n > r->last) r->last = n;
}

static void find_reach(const struct tape *t, int segment, struct reach *forward, struct reach *backward)
{
    for (int i = 0; i < t->n; i++) {
        const struct work *w = &t->work[i];
        bool of_node = w->kind == WORK_FORWARD || w->kind == WORK_LOSS || w->kind == WORK_BACKWARD;
        const struct node *n = of_node && (segment < 0 || w->segment == segment) ? t->low.node[w->node].of : NULL;
        if (n) extend(w->kind == WORK_BACKWARD ? backward : forward, n);
    }
}

static void say_reach(struct about *a, const char *verb, const struct reach *r)
{
    if (!r->first) return;
    say(a, "%s%s of %s", *a->text ? ", " : "", verb, r->first->name);
    if (r->last > r->first) say(a, " to %s", r->last->name);
}

static void say_layers(const struct plan *p, const struct cell *c, struct about *a)
{
    struct reach forward = { 0 }, backward = { 0 };
    bool all = p->tape->segments == 1 || c->kind == CELL_STEP;
    find_reach(p->tape, all ? -1 : c->segment, &forward, &backward);
    if (all && backward.first) forward.first = p->model->node;
    if (all && backward.first) say_reach(a, "forward and backward", &forward);
    else say_reach(a, "forward", &forward), say_reach(a, "backward", &backward);
}

/* ------------------------------------------------------------------ weights */

/* Floats of a weight that lie in some shards; a large one lies in several. */
static int64_t floats_in(const struct plan *p, uint32_t shards, const struct weight_place *w)
{
    int64_t begin = w->offset, end = begin + spec_size(w->spec), floats = 0;
    for (int s = 0; s < p->store->nshards; s++) {
        int64_t first = p->store->shard[s].first, last = first + p->store->shard[s].floats;
        int64_t from = begin > first ? begin : first, to = end < last ? end : last;
        if (shards >> s & 1 && to > from) floats += to - from;
    }
    return floats;
}

/* The first of them by name. */
static void say_weights(const struct plan *p, const struct cell *c, const char *verb, struct about *a)
{
    struct weight_place w;
    char name[WEIGHT_NAME];
    for (int i = 0; model_weight(p->model, i, &w); i++) {
        int64_t floats = floats_in(p, c->shards, &w);
        if (!floats || !model_weight_trains(p->model, &w)) continue;
        if (!a->weights++) {
            model_weight_name(p->model, &w, name);
            say(a, "%s%s of %s", *a->text ? ", " : "", verb, name);
        }
        a->weight_bytes += floats * (int64_t)sizeof(float);
    }
    if (a->weights > 1) say(a, " and %d more", a->weights - 1);
}

void about_cell(const struct plan *p, const struct cell *c, struct about *out)
{
    static const char *const of_weights[CELL_KINDS] = { [CELL_GRADIENT] = "gradient",
                                                        [CELL_MERGE] = "sum of gradients",
                                                        [CELL_UPDATE] = "update",
                                                        [CELL_STEP] = "update" };
    *out = (struct about){ 0 };
    if (!p->store || !p->tape) return;
    if (c->of_slice) say_layers(p, c, out);
    if (c->shards) say_weights(p, c, of_weights[c->kind] ? of_weights[c->kind] : "copy", out);
}
