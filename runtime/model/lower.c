/* SPDX-License-Identifier: BSD-3-Clause */
#include "lower.h"

#include <stdlib.h>
#include <string.h>

#include "relayout.h"

enum { LAYOUTS = HSGD_LANES + 1, NONE = -1 };

/* While lowering: where each value of the model is, in each layout. */
struct state {
    struct lowered *l;
    const struct wanted *wanted; /* NULL: losses */
    int (*at)[LAYOUTS];
    int block, blocks; /* of the node that is lowered, and how many there were */
};

/* ------------------------------------------------------------------ values */

static int add_value(struct lowered *l, const struct hsgd_type *t, enum hsgd_layout layout, int node, int output)
{
    struct low_value *v = &l->value[l->nvalues];
    *v = (struct low_value){ .floats = (hsgd_type_bytes(t) + 3) / 4,
                             .dtype = t->dtype,
                             .layout = layout,
                             .node = node,
                             .output = output,
                             .field = NONE,
                             .root = l->nvalues };
    return l->nvalues++;
}

/* The value in the other layout, made in the block of its first reader. */
static int change_layout(struct state *s, const struct hsgd_type *t, int from, enum hsgd_layout to)
{
    struct lowered *l = s->l;
    struct low_node *n = &l->node[l->nnodes];
    *n = (struct low_node){ .op = to == HSGD_LANES ? &hsgd_op_to_lanes : &hsgd_op_to_nhwc,
                            .in = { from },
                            .block = s->block };
    n->info.inputs = n->info.outputs = 1;
    n->info.in[0] = n->info.out[0] = *t;
    n->info.layout = l->value[from].layout;
    n->out[0] = add_value(l, t, to, l->nnodes++, 0);
    l->value[from].readers++;
    l->value[n->out[0]].wants_gradient = n->trains = l->value[from].wants_gradient;
    return n->out[0];
}

static int in_layout(struct state *s, int value, enum hsgd_layout layout)
{
    int *at = &s->at[value][layout];
    if (*at == NONE) *at = change_layout(s, &s->l->model->value[value].type, s->at[value][!layout], layout);
    return *at;
}

/* ------------------------------------------------------------------- nodes */

/* That of its first input, where the operation takes it. */
static enum hsgd_layout choose_layout(const struct state *s, const struct node *n)
{
    for (int k = 0; k < LAYOUTS; k++)
        if (s->at[n->in[0]][k] != NONE && n->op->layouts & 1u << k) return (enum hsgd_layout)k;
    return n->op->layouts & 1u << HSGD_NHWC ? HSGD_NHWC : HSGD_LANES;
}

/* Whether backward has parameters' gradients to make. */
static bool has_trained(const struct hsgd_model *m, const struct node *n)
{
    for (int i = 0; i < n->info.params; i++)
        if (graph_trains(m, n, i)) return true;
    return false;
}

/* Nodes of one block that lie apart are two blocks; losses and metrics are in none. */
static void enter_block(struct state *s, const struct node *n)
{
    bool recomputed = n->block && !op_is_end(n->op), follows = s->block && n[-1].block == n->block;
    if (recomputed && !follows) s->blocks++;
    s->block = recomputed ? s->blocks : 0;
}

/* Whether the gradient by this value of the model is wanted. */
static bool is_by(const struct state *s, int value)
{
    for (int i = 0; s->wanted && i < s->wanted->nby; i++)
        if (s->wanted->by[i] == value) return true;
    return false;
}

/* Whether the batch brings what a node makes. */
static bool is_given(const struct state *s, const struct node *n)
{
    for (int i = 0; s->wanted && i < s->wanted->ngiven; i++)
        if (n->info.outputs && s->wanted->given[i] == n->out[0]) return true;
    return false;
}

/* Readers take what is given to the caller, so that its gradient is of all of them: the plain form. */
static void make_plain(struct state *s, int value)
{
    s->l->value[in_layout(s, value, HSGD_NHWC)].wants_gradient = true;
    s->at[value][HSGD_LANES] = NONE;
}

static void lower_node(struct state *s, const struct node *from)
{
    struct lowered *l = s->l;
    enum hsgd_layout layout = choose_layout(s, from);
    struct low_node n = { .of = from, .op = from->op, .info = from->info, .block = s->block };
    n.trains = !s->wanted && has_trained(l->model, from);
    for (int i = 0; i < from->info.inputs; i++) {
        n.in[i] = in_layout(s, from->in[i], from->info.in[i].dtype == HSGD_F32 ? layout : HSGD_NHWC);
        l->value[n.in[i]].readers++;
        n.trains |= l->value[n.in[i]].wants_gradient;
    }
    n.info.layout = layout;
    for (int i = 0; i < from->info.outputs; i++) {
        n.out[i] = add_value(l, &from->info.out[i], layout, l->nnodes, i);
        l->value[n.out[i]].wants_gradient = n.trains;
        if (from->op->is_view) l->value[n.out[i]].root = l->value[n.in[i]].root;
        s->at[from->out[i]][layout] = n.out[i];
    }
    l->node[l->nnodes++] = n;
    for (int i = 0; i < from->info.outputs; i++)
        if (is_by(s, from->out[i])) make_plain(s, from->out[i]);
}

/* Lets the backward of a node apply the derivative of the activation that ends
 * the only node before it. */
static void move_slopes(struct lowered *l)
{
    for (struct low_node *n = l->node; n < l->node + l->nnodes; n++) {
        const struct low_value *x = &l->value[n->in[0]];
        struct low_node *before = x->node == NONE ? NULL : &l->node[x->node];
        if (!before || !n->op->applies_slope || x->readers > 1 || !before->op->activation) continue;
        n->info.slope_of_x = before->op->activation(before->info.attributes);
        before->info.slope_applied = true;
    }
}

/* ----------------------------------------------------------------- results */

/* Skips what no result depends on. */
static void skip_nodes(struct lowered *l)
{
    for (int i = 0; i < l->nresults; i++) l->value[l->result[i]].needed = true;
    for (struct low_node *n = l->node + l->nnodes - 1; n >= l->node; n--) {
        n->skipped = true;
        for (int i = 0; i < n->info.outputs; i++) n->skipped &= !l->value[n->out[i]].needed;
        for (int i = 0; !n->skipped && i < n->info.inputs; i++) l->value[n->in[i]].needed = true;
    }
    for (const struct low_value *v = l->value; v < l->value + l->nvalues; v++)
        if (v->field != NONE && v->field < l->model->nfields && !v->needed) l->fields &= ~(1u << v->field);
}

static void take_wanted(struct state *s)
{
    struct lowered *l = s->l;
    for (int i = 0; i < s->wanted->nresults; i++) l->result[i] = in_layout(s, s->wanted->result[i], HSGD_NHWC);
    for (int i = 0; i < s->wanted->nby; i++) l->by[i] = in_layout(s, s->wanted->by[i], HSGD_NHWC);
    l->nresults = s->wanted->nresults;
    l->nby = s->wanted->nby;
    skip_nodes(l);
}

/* --------------------------------------------------------------- interface */

static bool make_room(struct state *s)
{
    const struct hsgd_model *m = s->l->model;
    size_t values = (size_t)m->nvalues * LAYOUTS;
    s->l->node = calloc((size_t)m->nnodes + (size_t)m->nvalues, sizeof *s->l->node);
    s->l->value = calloc(values, sizeof *s->l->value);
    s->at = malloc((size_t)m->nvalues * sizeof *s->at);
    if (s->at) memset(s->at, NONE, (size_t)m->nvalues * sizeof *s->at);
    return s->l->node && s->l->value && s->at;
}

/* A value that the batch brings, as field f. */
static void add_field(struct state *s, int value, int f)
{
    struct lowered *l = s->l;
    int v = add_value(l, &l->model->value[value].type, HSGD_NHWC, NONE, 0);
    l->value[v].field = f;
    l->value[v].wants_gradient = is_by(s, value);
    s->at[value][HSGD_NHWC] = v;
}

bool lower(struct lowered *l, const struct hsgd_model *m, const struct wanted *wanted)
{
    struct state s = { .l = l, .wanted = wanted };
    *l = (struct lowered){ .model = m, .loss = NONE, .fields = (1u << m->nfields) - 1 };
    bool there = make_room(&s);
    for (int i = 0; there && i < m->nfields; i++) add_field(&s, m->field[i].value, i);
    for (int i = 0; there && wanted && i < wanted->ngiven; i++)
        add_field(&s, wanted->given[i], m->nfields + wanted_seeds(wanted) + i);
    for (int i = 0; there && i < m->nnodes; i++) {
        if (is_given(&s, &m->node[i])) continue;
        enter_block(&s, &m->node[i]);
        lower_node(&s, &m->node[i]);
        if (i == m->loss) l->loss = l->nnodes - 1;
    }
    if (there && !(wanted && wanted->nby)) move_slopes(l);
    if (there && wanted) take_wanted(&s);
    free(s.at);
    if (!there) lower_free(l);
    return there;
}

void lower_free(struct lowered *l)
{
    free(l->node);
    free(l->value);
    *l = (struct lowered){ 0 };
}

/* A field in another shape is still that field. */
static bool is_field(const struct lowered *l, const struct low_node *n)
{
    return n->op->is_view && l->value[l->value[n->in[0]].root].field != NONE;
}

int lower_number(struct hsgd_model *m)
{
    struct lowered l;
    int number = 0;
    if (!lower(&l, m, NULL)) return hsgd_fail(m->ctx, ENOMEM, "out of memory");
    m->block = 8;
    for (int i = 0; i < l.nnodes; i++) {
        if (l.node[i].info.layout == HSGD_LANES) m->block = 16;
        if (l.node[i].of) m->node[l.node[i].of - m->node].number = number;
        number += !is_field(&l, &l.node[i]) && !(l.node[i].of && l.node[i].of->uncounted);
    }
    lower_free(&l);
    return 0;
}
