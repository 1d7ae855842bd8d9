/* SPDX-License-Identifier: BSD-3-Clause */
#include "tape.h"

#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "lives.h"
#include "recompute.h"
#include "tape_maker.h"

/* Vectors of a slice from which on a node's weights get their gradient in
 * backward: the slices' sums are then small beside the products, and what these
 * read would live to the end of the step. */
enum { MANY_VECTORS = 1024 };

/* ----------------------------------------------------------------- building */

int tape_add_slot(struct maker *m, int64_t floats)
{
    struct tape *t = m->t;
    m->failed |= !array_grow((void **)&t->slot, t->nslots, &t->slot_capacity, sizeof *t->slot) ||
                 !array_grow((void **)&m->owners, t->nslots, &m->owner_capacity, sizeof *m->owners);
    if (m->failed) return 0;
    t->slot[t->nslots] = (struct slot){ .floats = floats, .birth = t->n, .death = t->n };
    m->owners[t->nslots] = 0;
    return t->nslots++;
}

struct work *tape_add_work(struct maker *m, enum work_kind kind, int node)
{
    static struct work lost;
    struct tape *t = m->t;
    m->failed |= !array_grow((void **)&t->work, t->n, &t->capacity, sizeof *t->work);
    struct work *w = m->failed ? &lost : &t->work[t->n++];
    *w = (struct work){ .kind = kind, .node = node, .segment = m->segment, .from = ABSENT, .to = ABSENT };
    memset(w->dy, ABSENT, sizeof w->dy);
    memset(w->dx, ABSENT, sizeof w->dx);
    return w;
}

/* ------------------------------------------------------------------- phases */

int tape_phases(const struct hsgd_phase *phase)
{
    int n = 0;
    while (n < HSGD_PHASES && phase[n].emit) n++;
    return n;
}

/* The phases of a node from one that was added; between two the sums of all
 * slices are merged, which ends a segment.  What a loss or metric returns last
 * is the host's. */
void tape_add_phases(struct maker *m, struct work *first, enum hsgd_direction d)
{
    const struct work like = *first;
    const struct low_node *n = &m->t->low.node[like.node];
    int phases = tape_phases(d == HSGD_FORWARD ? n->op->forward : n->op->backward);
    bool evaluates = !m->spec->gradients && n->op->evaluate;
    for (int p = 0; !evaluates && p < phases; p++) {
        if (p) {
            m->segment++;
            struct work *w = tape_add_work(m, like.kind, like.node);
            int segment = w->segment;
            *w = like;
            w->segment = segment;
            w->phase = p;
        }
        bool merged = !op_is_end(n->op) || p + 1 < phases;
        int64_t floats = merged ? n->info.sums[d][p] : 0;
        m->t->sums[like.node][d][p] = (struct sum_place){ m->segment, floats, m->sums };
        m->sums += (floats + 15) / 16 * 16;
    }
}

/* ------------------------------------------------------------------ forward */

static void forward(struct maker *m, int node)
{
    struct tape *t = m->t;
    const struct low_node *n = &t->low.node[node];
    for (int i = 0; i < n->info.outputs; i++) {
        int v = n->out[i], root = t->low.value[v].root;
        t->value[FIRST][v] = root != v ? t->value[FIRST][root] : tape_add_slot(m, t->low.value[v].floats);
    }
    if (n->info.kept) t->kept[FIRST][node] = tape_add_slot(m, n->info.kept);
    if (!n->op->is_view) tape_add_phases(m, tape_add_work(m, WORK_FORWARD, node), HSGD_FORWARD);
}

/* --------------------------------------------------------------------- sums */

/* Where the sums of each segment begin: they were placed in its order. */
static bool place_sums(struct maker *m)
{
    struct tape *t = m->t;
    t->segments = m->segment + 1;
    t->sums_begin = malloc(((size_t)t->segments + 1) * sizeof *t->sums_begin);
    if (!t->sums_begin) return false;
    for (int k = 0; k <= t->segments; k++) t->sums_begin[k] = m->sums;
    for (int i = 0; i < t->low.nnodes; i++)
        for (int d = 0; d < 2; d++)
            for (int p = 0; p < HSGD_PHASES; p++) {
                const struct sum_place *s = &t->sums[i][d][p];
                if (s->floats && s->offset < t->sums_begin[s->segment]) t->sums_begin[s->segment] = s->offset;
            }
    for (int k = t->segments - 1; k >= 0; k--)
        if (t->sums_begin[k] > t->sums_begin[k + 1]) t->sums_begin[k] = t->sums_begin[k + 1];
    return true;
}

/* --------------------------------------------------------------- interface */

static int *numbers(size_t n)
{
    int *of = malloc(n * sizeof *of);
    if (of) memset(of, ABSENT, n * sizeof *of);
    return of;
}

static bool make_room(struct maker *m)
{
    struct tape *t = m->t;
    size_t values = (size_t)t->low.nvalues, nodes = (size_t)t->low.nnodes + 1;
    for (int i = 0; i < 2; i++) t->value[i] = numbers(values), t->kept[i] = numbers(nodes);
    t->dy = numbers(nodes);
    t->sums = calloc(nodes, sizeof *t->sums);
    m->gradient = numbers(values);
    m->again = calloc(nodes, sizeof *m->again);
    m->leaves = calloc(values, sizeof *m->leaves);
    m->made = calloc((size_t)t->low.model->nnodes + 1, sizeof *m->made);
    return t->value[0] && t->value[1] && t->kept[0] && t->kept[1] && t->dy && t->sums && m->gradient && m->again &&
           m->leaves && m->made;
}

/* Left to later cells is what costs less there than sums of all slices; not what
 * is recomputed for its own backward, nor what several nodes add to. */
static bool defers(const struct maker *m, const struct low_node *n)
{
    int64_t rows = m->spec->defer_rows;
    if (!rows || !n->of || !n->of->deferred || n->block || n->of->lent & 1) return false;
    return graph_trains(m->t->low.model, n->of, 0) && rows * hsgd_type_positions(&n->info.in[0]) < MANY_VECTORS;
}

static void make_works(struct maker *m)
{
    const struct tape_spec *spec = m->spec;
    const struct lowered *l = &m->t->low;
    for (int i = 0; i < l->nnodes; i++) {
        const struct low_node *n = &l->node[i];
        if (n->skipped) continue;
        if (!op_is_end(n->op)) forward(m, i);
        else if (!(spec->gradients && is_minimised(n)))
            tape_add_phases(m, tape_add_work(m, WORK_LOSS, i), HSGD_FORWARD);
    }
    memcpy(m->t->value[AGAIN], m->t->value[FIRST], (size_t)l->nvalues * sizeof *m->t->value[AGAIN]);
    memcpy(m->t->kept[AGAIN], m->t->kept[FIRST], (size_t)l->nnodes * sizeof *m->t->kept[AGAIN]);
    for (int i = 0; i < l->nnodes; i++) m->t->defers |= l->node[i].deferred = defers(m, &l->node[i]);
    if (spec->gradients || l->nby) tape_add_backward(m);
}

bool tape_make(struct tape *t, const struct hsgd_model *model, const struct tape_spec *spec)
{
    struct maker m = { .t = t, .spec = spec };
    *t = (struct tape){ 0 };
    memset(t->by, ABSENT, sizeof t->by);
    m.failed = !lower(&t->low, model, spec->wanted) || !make_room(&m) || !recompute_find(&t->low, m.again, m.leaves);
    if (!m.failed) make_works(&m);
    m.failed = m.failed || !lives_place(t) || !place_sums(&m);
    free(m.gradient);
    free(m.again);
    free(m.leaves);
    free(m.made);
    free(m.owners);
    if (m.failed) tape_free(t);
    return !m.failed;
}

void tape_free(struct tape *t)
{
    lower_free(&t->low);
    free(t->work);
    free(t->slot);
    for (int i = 0; i < 2; i++) free(t->value[i]), free(t->kept[i]);
    free(t->dy);
    free(t->sums);
    free(t->sums_begin);
    *t = (struct tape){ 0 };
}
