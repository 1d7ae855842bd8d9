/* SPDX-License-Identifier: BSD-3-Clause */
#include "tape.h"

#include <stdlib.h>
#include <string.h>

#include "base/grow.h"

enum { ABSENT = -1 };

/* Vectors of a slice from which on a node's weights get their gradient in
 * backward: the slices' sums are then small beside the products, and what these
 * read would live to the end of the step. */
enum { MANY_VECTORS = 1024 };

/* While the tape is made. */
struct maker {
    struct tape *t;
    const struct tape_spec *spec;
    int *gradient; /* slot of each value's gradient; -1: none yet */
    int *owners;   /* of each slot: values whose gradient lies there and whose maker has not read it yet */
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
        t->value[v] = root != v ? t->value[root] : add_slot(m, t->low.value[v].floats);
    }
    if (n->info.kept) t->kept[node] = add_slot(m, n->info.kept);
    if (!n->op->is_view) add_phases(m, add_work(m, WORK_FORWARD, node), HSGD_FORWARD);
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

/* Left to later cells is what costs less there than sums of all slices. */
static bool defers(const struct maker *m, const struct low_node *n)
{
    int64_t rows = m->spec->defer_rows;
    return rows && n->of && n->of->deferred && rows * hsgd_type_positions(&n->info.in[0]) < MANY_VECTORS;
}

static void backward(struct maker *m, int node)
{
    struct tape *t = m->t;
    const struct low_node *n = &t->low.node[node];
    unsigned passes = n->op->is_view ? 1 : n->op->passes;
    int dy[HSGD_MAX_OUTPUTS];
    if (!n->trains) return;
    if (!output_gradients(m, n, dy)) {
        if (n->info.params) add_work(m, WORK_UNUSED, node);
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

/* -------------------------------------------------------------------- lives */

static void use(struct tape *t, int slot, int at)
{
    if (slot == ABSENT) return;
    if (t->slot[slot].birth > at) t->slot[slot].birth = at;
    if (t->slot[slot].death < at) t->slot[slot].death = at;
}

static void use_values(struct tape *t, const int *value, int n, unsigned which, int at)
{
    for (int i = 0; i < n; i++)
        if (which & 1u << i) use(t, t->value[value[i]], at);
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
    if (w->kind == WORK_UNUSED) return;
    use_values(t, n->in, n->info.inputs, back ? n->op->keeps_in : ~0u, at);
    use_values(t, n->out, n->info.outputs, back ? n->op->keeps_out : ~0u, at);
    use(t, t->kept[w->node], at);
}

/* From the first work that uses a slot to the last; what later cells read
 * lives to the end. */
static void find_lives(struct tape *t, bool predicts)
{
    for (int s = 0; s < t->nslots; s++) t->slot[s].birth = t->n, t->slot[s].death = 0;
    for (int i = 0; i < t->n; i++) use_work(t, i);
    for (int i = 0; i < t->low.nnodes; i++) {
        use(t, t->dy[i], t->n);
        if (t->dy[i] != ABSENT) use(t, t->value[t->low.node[i].in[0]], t->n);
    }
    if (predicts && t->low.output != ABSENT) use(t, t->value[t->low.output], t->n);
}

static bool overlap(const struct slot *a, const struct slot *b) { return a->birth <= b->death && b->birth <= a->death; }

static int64_t lowest_place(const struct tape *t, const struct slot *s, const int *placed, int n)
{
    int64_t at = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (int i = 0; i < n; i++) {
            const struct slot *o = &t->slot[placed[i]];
            if (!overlap(s, o) || at >= o->offset + o->floats || at + s->floats <= o->offset) continue;
            at = o->offset + o->floats;
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
        if (t->floats < s->offset + s->floats) t->floats = s->offset + s->floats;
    }
    free(order);
    return true;
}

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

static bool make_room(struct maker *m)
{
    struct tape *t = m->t;
    size_t values = (size_t)t->low.nvalues, nodes = (size_t)t->low.nnodes;
    t->value = malloc(values * sizeof *t->value);
    t->kept = malloc(2 * (nodes + 1) * sizeof *t->kept);
    t->dy = t->kept ? t->kept + nodes + 1 : NULL;
    t->sums = calloc(nodes + 1, sizeof *t->sums);
    m->gradient = malloc(values * sizeof *m->gradient);
    if (!t->value || !t->kept || !t->sums || !m->gradient) return false;
    memset(t->value, ABSENT, values * sizeof *t->value);
    memset(t->kept, ABSENT, 2 * (nodes + 1) * sizeof *t->kept);
    memset(m->gradient, ABSENT, values * sizeof *m->gradient);
    return true;
}

static bool is_minimised(const struct low_node *n) { return n->of && n->of->weight != 0; }

static void make_works(struct maker *m)
{
    const struct tape_spec *spec = m->spec;
    const struct lowered *l = &m->t->low;
    for (int i = 0; i < l->nnodes; i++) {
        const struct low_node *n = &l->node[i];
        if (!op_is_end(n->op)) forward(m, i);
        else if (!spec->predicts && !(spec->gradients && is_minimised(n)))
            add_phases(m, add_work(m, WORK_LOSS, i), HSGD_FORWARD);
    }
    for (int i = 0; i < l->nnodes; i++) m->t->defers |= l->node[i].deferred = defers(m, &l->node[i]);
    for (int i = l->nnodes - 1; spec->gradients && i >= 0; i--) {
        if (is_minimised(&l->node[i])) gradients(m, i, WORK_LOSS, NULL);
        else if (!op_is_end(l->node[i].op)) backward(m, i);
    }
}

bool tape_make(struct tape *t, const struct hsgd_model *model, const struct tape_spec *spec)
{
    struct maker m = { .t = t, .spec = spec };
    *t = (struct tape){ 0 };
    m.failed = !lower(&t->low, model) || !make_room(&m);
    if (!m.failed) make_works(&m);
    if (!m.failed) find_lives(t, spec->predicts);
    m.failed = m.failed || !place_slots(t) || !place_sums(&m);
    free(m.gradient);
    free(m.owners);
    if (m.failed) tape_free(t);
    return !m.failed;
}

void tape_free(struct tape *t)
{
    lower_free(&t->low);
    free(t->work);
    free(t->slot);
    free(t->value);
    free(t->kept);
    free(t->sums);
    free(t->sums_begin);
    *t = (struct tape){ 0 };
}
