/* SPDX-License-Identifier: BSD-3-Clause */
#include "lives.h"

#include <stdlib.h>

static void use(struct tape *t, int slot, int at)
{
    if (slot == ABSENT) return;
    if (t->slot[slot].birth > at) t->slot[slot].birth = at;
    if (t->slot[slot].death < at) t->slot[slot].death = at;
}

static void use_values(struct tape *t, enum turn turn, const int *value, int n, unsigned which, int at)
{
    for (int i = 0; i < n; i++)
        if (which & 1u << i) use(t, t->value[turn][value[i]], at);
}

static void use_work(struct tape *t, int at)
{
    const struct work *w = &t->work[at];
    const struct low_node *n = w->node == ABSENT ? NULL : &t->low.node[w->node];
    use(t, w->from, at);
    use(t, w->to, at);
    for (int i = 0; i < HSGD_MAX_OUTPUTS; i++) use(t, w->dy[i], at);
    for (int i = 0; i < HSGD_MAX_INPUTS; i++) use(t, w->dx[i], at);
    if (!n) return;
    bool back = w->kind == WORK_BACKWARD;
    enum turn turn = work_turn(w);
    if (w->kind == WORK_UNUSED) return;
    use_values(t, turn, n->in, n->info.inputs, back ? n->op->keeps_in : ~0u, at);
    use_values(t, turn, n->out, n->info.outputs, back ? n->op->keeps_out : ~0u, at);
    use(t, t->kept[turn][w->node], at);
}

/* From the first work that uses a slot to the last; what later cells read
 * lives to the end. */
static void find_lives(struct tape *t)
{
    for (int s = 0; s < t->nslots; s++) t->slot[s].birth = t->n, t->slot[s].death = 0;
    for (int i = 0; i < t->n; i++) use_work(t, i);
    for (int i = 0; i < t->low.nnodes; i++) {
        use(t, t->dy[i], t->n);
        if (t->dy[i] != ABSENT) use(t, t->value[FIRST][t->low.node[i].in[0]], t->n);
    }
    for (int i = 0; i < t->low.nby; i++) use(t, t->by[i], t->n);
    for (int i = 0; i < t->low.nresults; i++) use(t, t->value[FIRST][t->low.result[i]], t->n);
}

static bool overlap(const struct slot *a, const struct slot *b) { return a->birth <= b->death && b->birth <= a->death; }

/* Places begin at multiples of 64 bytes: with lanes as samples come in sixteens, else by their size. */
static int64_t place_floats(const struct tape *t, const struct slot *s)
{
    return t->lanes ? s->floats : (s->floats + 15) / 16 * 16;
}

static int64_t lowest_place(const struct tape *t, const struct slot *s, const int *placed, int n)
{
    int64_t at = 0, floats = place_floats(t, s);
    for (bool moved = true; moved;) {
        moved = false;
        for (int i = 0; i < n; i++) {
            const struct slot *o = &t->slot[placed[i]];
            int64_t end = o->offset + place_floats(t, o);
            if (!overlap(s, o) || at >= end || at + floats <= o->offset) continue;
            at = end;
            moved = true;
        }
    }
    return at;
}

/* The largest first, each at the lowest place that is free while it lives. */
static bool place_slots(struct tape *t)
{
    int *order = malloc(((size_t)t->nslots + 1) * sizeof *order);
    if (!order) return false;
    for (int i = 0; i < t->nslots; i++) {
        int k = i;
        for (; k && t->slot[order[k - 1]].floats < t->slot[i].floats; k--) order[k] = order[k - 1];
        order[k] = i;
    }
    for (int i = 0; i < t->nslots; i++) {
        struct slot *s = &t->slot[order[i]];
        s->offset = lowest_place(t, s, order, i);
        int64_t end = s->offset + place_floats(t, s);
        if (t->floats < end) t->floats = end;
    }
    free(order);
    return true;
}

bool lives_place(struct tape *t)
{
    for (int i = 0; i < t->low.nvalues; i++) t->lanes |= t->low.value[i].layout == HSGD_LANES;
    find_lives(t);
    return place_slots(t);
}
