/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "tape_maker.h"

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
        else if (m->again[node]) t->value[AGAIN][v] = tape_add_slot(m, t->low.value[v].floats);
    }
    if (!m->again[node] || n->op->is_view) return;
    if (n->info.kept) t->kept[AGAIN][node] = tape_add_slot(m, n->info.kept);
    for (int p = 0; p < tape_phases(n->op->forward); p++)
        if (!n->info.sums[HSGD_FORWARD][p]) tape_add_work(m, WORK_AGAIN, node)->phase = p;
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
    struct work *w = tape_add_work(m, kind, ABSENT);
    w->from = from;
    w->to = to;
}

/* A place for the value's gradient that nobody else owns. */
static int alone(struct maker *m, int value)
{
    int slot = m->gradient[value];
    if (m->failed || m->owners[slot] < 2) return slot;
    int copy = tape_add_slot(m, gradient_floats(m, value));
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
        int slot = tape_add_slot(m, gradient_floats(m, value));
        m->gradient[value] = slot;
        if (!m->failed) m->owners[slot] = 1;
        return slot;
    }
    if (n->op->adds & 1u << i && !again) {
        *adds |= 1u << i;
        return alone(m, value);
    }
    *added = true;
    return tape_add_slot(m, gradient_floats(m, value));
}

/* The gradient of a weight is the sum of what the nodes that use it contribute: the first
 * writes it, the others add to it. */
static void weight_gradients(struct maker *m, const struct low_node *n, struct work *w)
{
    const struct hsgd_model *model = m->t->low.model;
    for (int p = 0; m->spec->gradients && n->of && p < n->info.params; p++) {
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
    struct work *w = tape_add_work(m, kind, node);
    w->adds = adds;
    memcpy(w->dx, dx, (size_t)n->info.inputs * sizeof *dx);
    for (int i = 0; dy && i < n->info.outputs; i++) w->dy[i] = dy[i];
    if (kind == WORK_BACKWARD) weight_gradients(m, n, w);
    tape_add_phases(m, w, kind == WORK_BACKWARD ? HSGD_BACKWARD : HSGD_FORWARD);
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
            m->gradient[v] = tape_add_slot(m, gradient_floats(m, v));
            if (m->failed) return false;
            m->owners[m->gradient[v]] = 1;
            move(m, WORK_ZERO, ABSENT, m->gradient[v]);
        }
        if (n->op->overwrites_dy) alone(m, v);
        dy[i] = m->gradient[v];
    }
    return any && !m->failed;
}

/* The gradients by a node's outputs that are wanted are complete, and nobody may change them. */
static void keep_wanted(struct maker *m, int value)
{
    struct tape *t = m->t;
    for (int i = 0; i < t->low.nby; i++) {
        if (t->low.by[i] != value) continue;
        t->by[i] = m->gradient[value];
        if (t->by[i] != ABSENT && !m->failed) m->owners[t->by[i]]++;
    }
}

/* The results' gradients, which the batch brings. */
static void seed_gradients(struct maker *m)
{
    const struct lowered *l = &m->t->low;
    for (int i = 0; i < l->nresults; i++) {
        int value = l->result[i], slot;
        if (!l->value[value].wants_gradient) continue;
        slot = tape_add_slot(m, gradient_floats(m, value));
        struct work *w = tape_add_work(m, WORK_SEED, ABSENT);
        w->to = slot;
        w->seed = i;
        if (m->failed) return;
        if (m->gradient[value] != ABSENT) move(m, WORK_ADD, slot, m->gradient[value]);
        else m->gradient[value] = slot, m->owners[slot] = 1;
    }
}

static void backward(struct maker *m, int node)
{
    struct tape *t = m->t;
    const struct low_node *n = &t->low.node[node];
    unsigned passes = n->op->is_view ? 1 : n->op->passes;
    int dy[HSGD_MAX_OUTPUTS];
    for (int i = 0; i < n->info.outputs; i++) keep_wanted(m, n->out[i]);
    if (!n->trains) return;
    if (!output_gradients(m, n, dy)) {
        if (n->info.params && m->spec->gradients) weight_gradients(m, n, tape_add_work(m, WORK_UNUSED, node));
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

void tape_add_backward(struct maker *m)
{
    const struct lowered *l = &m->t->low;
    bool trains = m->spec->gradients;
    if (!trains) seed_gradients(m);
    for (int i = l->nnodes - 1; i >= 0; i--) {
        const struct low_node *n = &l->node[i];
        if (n->skipped) continue;
        if (trains && n->block && (i + 1 == l->nnodes || n[1].block != n->block)) recompute(m, i);
        if (trains && is_minimised(n)) gradients(m, i, WORK_LOSS, NULL);
        else if (!op_is_end(n->op)) backward(m, i);
    }
    for (int i = 0; i < l->nby; i++)
        if (l->value[l->by[i]].node < 0) keep_wanted(m, l->by[i]);
}
