/* SPDX-License-Identifier: BSD-3-Clause */
#include "tape.h"

#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "lives.h"
#include "recompute.h"

/* Vectors of a slice from which on a node's weights get their gradient in
 * backward: the slices' sums are then small beside the products, and what these
 * read would live to the end of the step. */
enum { MANY_VECTORS = 1024 };

/* While the tape is made. */
struct maker {
    struct tape *t;
    const struct tape_spec *spec;
    int *gradient;   /* slot of each value's gradient; -1: none yet */
    bool *again;     /* nodes that run again before the backward of their block, */
    bool *leaves;    /* and values, by their roots, that are read outside of it or lie in none */
    param_set *made; /* of each node of the model: bits of its own parameters whose gradient was written */
    int *owners;     /* of each slot: values whose gradient lies there and whose maker has not read it yet */
    int owner_capacity;
    int segment;
    int64_t sums; /* floats of all */
    bool failed;
};

/* ----------------------------------------------------------------- building */

static int add_slot(struct maker *m, int64_t floats)
{
    struct tape *t = m->t;
    m->failed |= !array_grow((void **)&t->slot, t->nslots, &t->slot_capacity, sizeof *t->slot) ||
                 !array_grow((void **)&m->owners, t->nslots, &m->owner_capacity, sizeof *m->owners);
    if (m->failed) return 0;
    t->slot[t->nslots] = (struct slot){ .floats = floats, .birth = t->n, .death = t->n };
    m->owners[t->nslots] = 0;
    return t->nslots++;
}

static struct work *add_work(struct maker *m, enum work_kind kind, int node)
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

static int phases_of(const struct hsgd_phase *phase)
{
    int n = 0;
    while (n < HSGD_PHASES && phase[n].emit) n++;
    return n;
}

/* The phases of a node from one that was added; between two the sums of all
 * slices are merged, which ends a segment.  What a loss or metric returns last
 * is the host's. */
static void add_phases(struct maker *m, struct work *first, enum hsgd_direction d)
{
    const struct work like = *first;
    const struct low_node *n = &m->t->low.node[like.node];
    int phases = phases_of(d == HSGD_FORWARD ? n->op->forward : n->op->backward);
    bool evaluates = d == HSGD_FORWARD && !m->spec->gradients && n->op->evaluate;
    for (int p = 0; !evaluates && p < phases; p++) {
        if (p) {
            m->segment++;
            struct work *w = add_work(m, like.kind, like.node);
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
        t->value[FIRST][v] = root != v ? t->value[FIRST][root] : add_slot(m, t->low.value[v].floats);
    }
    if (n->info.kept) t->kept[FIRST][node] = add_slot(m, n->info.kept);
    if (!n->op->is_view) add_phases(m, add_work(m, WORK_FORWARD, node), HSGD_FORWARD);
}

/* -------------------------------------------------------------- recomputing */

/* The node's values and what it keeps, in other places. */
static void forward_again(struct maker *m, int node)
{
    struct tape *t = m->t;
    const struct low_node *n = &t->low.node[node];
    for (int i = 0; i < n->info.outputs; i++) {
        int v = n->out[i], root = t->low.value[v].root;
        if (m->leaves[root]) continue;
        if (root != v) t->value[AGAIN][v] = t->value[AGAIN][root];
        else if (m->again[node]) t->value[AGAIN][v] = add_slot(m, t->low.value[v].floats);
    }
    if (!m->again[node] || n->op->is_view) return;
    if (n->info.kept) t->kept[AGAIN][node] = add_slot(m, n->info.kept);
    for (int p = 0; p < phases_of(n->op->forward); p++)
        if (!n->info.sums[HSGD_FORWARD][p]) add_work(m, WORK_AGAIN, node)->phase = p;
}

/* Before the backward of the last node of a block: what backward reads of the
 * block, unless no loss depends on it. */
static void recompute(struct maker *m, int last)
{
    const struct low_node *n = m->t->low.node;
    int first = last;
    bool wanted = false;
    while (first && n[first - 1].block == n[last].block) first--;
    for (int i = first; i <= last; i++)
        for (int k = 0; k < n[i].info.outputs; k++) wanted |= m->gradient[n[i].out[k]] != ABSENT;
    for (int i = first; wanted && i <= last; i++) forward_again(m, i);
}

/* ----------------------------------------------------------------- backward
 *
 * The gradient of a value is the sum of what its readers contribute, in the
 * order in which they come.  The first writes it, or passes its own on, so
 * that several values may own one place.  Whoever changes a place that another
 * value owns, too, gets a copy first. */

static int64_t gradient_floats(const struct maker *m, int value) { return m->t->low.value[value].floats; }

static void move(struct maker *m, enum work_kind kind, int from, int to)
{
    struct work *w = add_work(m, kind, ABSENT);
    w->from = from;
    w->to = to;
}

/* A place for the value's gradient that nobody else owns. */
static int alone(struct maker *m, int value)
{
    int slot = m->gradient[value];
    if (m->failed || m->owners[slot] < 2) return slot;
    int copy = add_slot(m, gradient_floats(m, value));
    if (m->failed) return 0;
    move(m, WORK_COPY, slot, copy);
    m->owners[slot]--;
    m->owners[copy] = 1;
    return m->gradient[value] = copy;
}

static void pass(struct maker *m, int value, int dy)
{
    if (m->gradient[value] == ABSENT) {
        m->gradient[value] = dy;
        m->owners[dy]++;
        return;
    }
    int to = alone(m, value);
    move(m, WORK_ADD, dy, to);
}

/* The slot that input i's contribution is written to; *added: it must be added
 * to the value's gradient then. */
static int contribute(struct maker *m, const struct low_node *n, int i, unsigned *adds, bool *added)
{
    int value = n->in[i];
    bool again = false;
    for (int k = 0; k < i; k++) again |= n->in[k] == value;
    *added = false;
    if (m->gradient[value] == ABSENT) {
        int slot = add_slot(m, gradient_floats(m, value));
        m->gradient[value] = slot;
        if (!m->failed) m->owners[slot] = 1;
        return slot;
    }
    if (n->op->adds & 1u << i && !again) {
        *adds |= 1u << i;
        return alone(m, value);
    }
    *added = true;
    return add_slot(m, gradient_floats(m, value));
}

/* The gradient of a weight is the sum of what the nodes that use it contribute: the first
 * writes it, the others add to it. */
static void weight_gradients(struct maker *m, const struct low_node *n, struct work *w)
{
    const struct hsgd_model *model = m->t->low.model;
    for (int p = 0; n->of && p < n->info.params; p++) {
        const struct weight_owner *o = &n->of->owner[p];
        param_set bit = param_bit(o->param);
        if (!graph_trains(model, n->of, p) || (p == 0 && n->deferred)) continue;
        w->wants_weight |= param_bit(p);
        if (m->made[o->node] & bit) w->adds_weight |= param_bit(p);
        m->made[o->node] |= bit;
    }
}

/* Work that writes or adds the gradients of a node's inputs. */
static void gradients(struct maker *m, int node, enum work_kind kind, const int *dy)
{
    const struct low_node *n = &m->t->low.node[node];
    int dx[HSGD_MAX_INPUTS];
    bool added[HSGD_MAX_INPUTS] = { 0 };
    unsigned adds = 0;
    for (int i = 0; i < n->info.inputs; i++) {
        bool wanted = m->t->low.value[n->in[i]].wants_gradient && !(n->op->passes & 1u << i);
        wanted &= kind != WORK_LOSS || i == 0;
        dx[i] = wanted ? contribute(m, n, i, &adds, &added[i]) : ABSENT;
    }
    struct work *w = add_work(m, kind, node);
    w->adds = adds;
    memcpy(w->dx, dx, (size_t)n->info.inputs * sizeof *dx);
    for (int i = 0; dy && i < n->info.outputs; i++) w->dy[i] = dy[i];
    if (kind == WORK_BACKWARD) weight_gradients(m, n, w);
    add_phases(m, w, kind == WORK_BACKWARD ? HSGD_BACKWARD : HSGD_FORWARD);
    for (int i = 0; i < n->info.inputs; i++) {
        if (!added[i]) continue;
        int to = alone(m, n->in[i]);
        move(m, WORK_ADD, dx[i], to);
    }
}

/* The gradients of the outputs; false: none has one. */
static bool output_gradients(struct maker *m, const struct low_node *n, int *dy)
{
    bool any = false;
    for (int i = 0; i < n->info.outputs; i++) any |= m->gradient[n->out[i]] != ABSENT;
    for (int i = 0; any && i < n->info.outputs; i++) {
        int v = n->out[i];
        if (m->gradient[v] == ABSENT) {
            m->gradient[v] = add_slot(m, gradient_floats(m, v));
            if (m->failed) return false;
            m->owners[m->gradient[v]] = 1;
            move(m, WORK_ZERO, ABSENT, m->gradient[v]);
        }
        if (n->op->overwrites_dy) alone(m, v);
        dy[i] = m->gradient[v];
    }
    return any && !m->failed;
}

/* Left to later cells is what costs less there than sums of all slices; not what
 * is recomputed for its own backward, nor what several nodes add to. */
static bool defers(const struct maker *m, const struct low_node *n)
{
    int64_t rows = m->spec->defer_rows;
    if (!rows || !n->of || !n->of->deferred || n->block || n->of->lent & 1) return false;
    return graph_trains(m->t->low.model, n->of, 0) && rows * hsgd_type_positions(&n->info.in[0]) < MANY_VECTORS;
}

static void backward(struct maker *m, int node)
{
    struct tape *t = m->t;
    const struct low_node *n = &t->low.node[node];
    unsigned passes = n->op->is_view ? 1 : n->op->passes;
    int dy[HSGD_MAX_OUTPUTS];
    if (!n->trains) return;
    if (!output_gradients(m, n, dy)) {
        if (n->info.params) weight_gradients(m, n, add_work(m, WORK_UNUSED, node));
        return;
    }
    for (int i = 0; i < n->info.inputs; i++)
        if (passes & 1u << i && t->low.value[n->in[i]].wants_gradient) pass(m, n->in[i], dy[0]);
    if (n->op->backward[0].emit) gradients(m, node, WORK_BACKWARD, dy);
    for (int i = 0; i < n->info.outputs && !m->failed; i++) m->owners[dy[i]]--;
    if (!n->deferred || m->failed) return;
    t->dy[node] = dy[0];
    m->owners[dy[0]]++; /* for good: later cells read it */
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

static bool is_minimised(const struct low_node *n) { return n->of && n->of->weight != 0; }

static void make_works(struct maker *m)
{
    const struct tape_spec *spec = m->spec;
    const struct lowered *l = &m->t->low;
    for (int i = 0; i < l->nnodes; i++) {
        const struct low_node *n = &l->node[i];
        if (n->skipped) continue;
        if (!op_is_end(n->op)) forward(m, i);
        else if (!(spec->gradients && is_minimised(n))) add_phases(m, add_work(m, WORK_LOSS, i), HSGD_FORWARD);
    }
    memcpy(m->t->value[AGAIN], m->t->value[FIRST], (size_t)l->nvalues * sizeof *m->t->value[AGAIN]);
    memcpy(m->t->kept[AGAIN], m->t->kept[FIRST], (size_t)l->nnodes * sizeof *m->t->kept[AGAIN]);
    for (int i = 0; i < l->nnodes; i++) m->t->defers |= l->node[i].deferred = defers(m, &l->node[i]);
    for (int i = l->nnodes - 1; spec->gradients && i >= 0; i--) {
        if (l->node[i].block && (i + 1 == l->nnodes || l->node[i + 1].block != l->node[i].block)) recompute(m, i);
        if (is_minimised(&l->node[i])) gradients(m, i, WORK_LOSS, NULL);
        else if (!op_is_end(l->node[i].op)) backward(m, i);
    }
}

bool tape_make(struct tape *t, const struct hsgd_model *model, const struct tape_spec *spec)
{
    struct maker m = { .t = t, .spec = spec };
    *t = (struct tape){ 0 };
    m.failed = !lower(&t->low, model, spec->nresults, spec->result) || !make_room(&m) ||
               !recompute_find(&t->low, m.again, m.leaves);
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
