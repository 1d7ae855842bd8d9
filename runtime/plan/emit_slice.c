/* SPDX-License-Identifier: BSD-3-Clause */
#include "emit_slice.h"

#include "kernels.h"
#include "model/metrics.h"

static const struct hsgd_ref absent = { .buffer = -1 };

/* Where the slice sums the gradient of a parameter. */
static struct hsgd_ref weight_sum(const struct tape *t, const struct low_node *n, const struct slice_places *at, int k)
{
    return hsgd_at(at->partial, slice_header(t->low.model) + n->of->param_offset[k]);
}

static void place_gradients(const struct tape *t, const struct work *w, const struct slice_places *at, int rows,
                            struct hsgd_emit *e)
{
    const struct low_node *n = &t->low.node[w->node];
    e->adds = w->adds;
    for (int i = 0; i < n->info.inputs; i++) e->dx[i] = slice_slot(t, at, rows, w->dx[i]);
    for (int i = 0; i < n->info.outputs; i++) e->dy[i] = slice_slot(t, at, rows, w->dy[i]);
    for (int k = 0; k < n->info.params; k++)
        if (w->adds_weight & param_bit(k)) e->gradient[k] = hsgd_scratch(e, spec_size(&n->info.param[k]));
        else if (w->wants_weight & param_bit(k)) e->gradient[k] = weight_sum(t, n, at, k);
}

/* What a node contributes to the gradient of a weight that nodes before it on the tape use, too. */
static void emit_weight_adds(const struct tape *t, const struct work *w, const struct slice_places *at,
                             struct hsgd_emit *e)
{
    const struct low_node *n = &t->low.node[w->node];
    for (int k = 0; k < n->info.params; k++) {
        struct add_args add = { (int)spec_size(&n->info.param[k]) };
        if (w->adds_weight & param_bit(k))
            HSGD_LAUNCH(e, HSGD_KERNEL(add), HSGD_ITEMS, add.n, &add, e->gradient[k], weight_sum(t, n, at, k));
    }
}

static void emit_zero(struct hsgd_emit *e, struct hsgd_ref to, int64_t floats)
{
    struct zero_args zero = { (int)floats };
    if (hsgd_wanted(to)) HSGD_LAUNCH(e, HSGD_KERNEL(zero), HSGD_ITEMS, floats, &zero, to);
}

/* The results and gradients by values, to where the host reads them. */
static void emit_results(struct plan *p, const struct slice *s, const struct slice_places *at, struct hsgd_emit *e)
{
    const struct hsgd_model *m = p->model;
    const struct tape *t = p->tape;
    for (int i = 0; i < plan_outputs(p); i++) {
        struct copy_args args = { (int)((s->rows * hsgd_type_bytes(&m->value[p->value[i]].type) + 3) / 4) };
        struct hsgd_ref from = i < p->wanted.nresults ? slice_value(p, FIRST, at, s->rows, t->low.result[i])
                                                      : slice_slot(t, at, s->rows, t->by[i - p->wanted.nresults]);
        struct hsgd_ref to = hsgd_at(at->partial, slice_result(p, s->rows, i));
        from.dtype = HSGD_F32;
        if (hsgd_wanted(from)) HSGD_LAUNCH(e, HSGD_KERNEL(copy), HSGD_ITEMS, args.n, &args, from, to);
        else emit_zero(e, to, args.n);
    }
}

/* The gradient of a result, which the batch brings. */
static void emit_seed(const struct plan *p, const struct work *w, const struct slice_places *at, int rows,
                      struct hsgd_emit *e)
{
    const struct tape *t = p->tape;
    struct copy_args copy = { (int)(rows * t->slot[w->to].floats) };
    HSGD_LAUNCH(e, HSGD_KERNEL(copy), HSGD_ITEMS, copy.n, &copy, slice_seed(p, at, rows, w->seed),
                slice_slot(t, at, rows, w->to));
}

static void emit_move(const struct tape *t, const struct work *w, const struct slice_places *at, int rows,
                      struct hsgd_emit *e)
{
    int64_t floats = tape_floats(t, t->slot[w->to].floats, rows);
    struct copy_args copy = { (int)floats };
    struct add_args add = { (int)floats };
    struct hsgd_ref from = slice_slot(t, at, rows, w->from), to = slice_slot(t, at, rows, w->to);
    if (w->kind == WORK_COPY) HSGD_LAUNCH(e, HSGD_KERNEL(copy), HSGD_ITEMS, floats, &copy, from, to);
    else if (w->kind == WORK_ADD) HSGD_LAUNCH(e, HSGD_KERNEL(add), HSGD_ITEMS, floats, &add, from, to);
    else emit_zero(e, to, floats);
}

/* ------------------------------------------------------------------- losses */

struct hsgd_ref terms_place(const struct plan *p, struct hsgd_ref partial)
{
    return hsgd_at(partial, slice_header(p->model) - MAX_LOSSES);
}

enum { MOST_MADE = 32 };

/* The work that counts terms, with what it has made again of what only the batch tells (value_given()). */
struct counting {
    struct plan *p;
    const struct slice *s;
    const struct slice_places *at;
    struct hsgd_program *program;
    struct hsgd_ref scratch;
    int64_t used, floats; /* of scratch: by what was made, and in all */
    int n;
    struct {
        int node;
        int64_t place; /* of its outputs in scratch */
    } made[MOST_MADE];
};

static int64_t output_floats(const struct counting *c, const struct low_node *n, int output)
{
    return (c->s->rows + 15) / 16 * 16 * ((hsgd_type_bytes(&n->info.out[output]) + 3) / 4);
}

static struct hsgd_ref output_at(const struct counting *c, const struct low_node *n, int64_t place, int output)
{
    for (int i = 0; i < output; i++) place += output_floats(c, n, i);
    struct hsgd_ref r = hsgd_at(c->scratch, place);
    r.dtype = n->info.out[output].dtype;
    return r;
}

static void take_scratch(struct counting *c, const struct hsgd_emit *e)
{
    if (c->used + e->scratch_floats > c->floats) c->floats = c->used + e->scratch_floats;
}

static struct hsgd_ref emit_given(struct counting *c, int value);

/* Makes a node's outputs; returns their place. */
static int64_t make_again(struct counting *c, int node)
{
    const struct low_node *n = &c->p->tape->low.node[node];
    struct hsgd_emit e;
    for (int i = 0; i < c->n; i++)
        if (c->made[i].node == node) return c->made[i].place;
    slice_begin_node(c->p, c->s, c->at, node, FIRST, c->program, &e);
    for (int i = 0; i < n->info.inputs; i++) e.x[i] = emit_given(c, n->in[i]);
    int64_t place = c->used;
    for (int i = 0; i < n->info.outputs; i++) {
        e.y[i] = output_at(c, n, place, i);
        c->used += output_floats(c, n, i);
    }
    e.scratch_base = hsgd_at(c->scratch, c->used);
    n->op->forward[0].emit(&e);
    take_scratch(c, &e);
    if (c->n < MOST_MADE) c->made[c->n].node = node, c->made[c->n++].place = place;
    return place;
}

static struct hsgd_ref emit_given(struct counting *c, int value)
{
    const struct lowered *l = &c->p->tape->low;
    const struct low_value *v = &l->value[l->value[value].root];
    if (v->field >= 0) return slice_value(c->p, FIRST, c->at, c->s->rows, value);
    return output_at(c, &l->node[v->node], make_again(c, v->node), v->output);
}

int64_t emit_terms(struct plan *p, const struct slice *s, const struct slice_places *at, struct hsgd_ref out,
                   struct hsgd_ref scratch, struct hsgd_program *program)
{
    const struct lowered *l = &p->tape->low;
    struct counting c = { .p = p, .s = s, .at = at, .program = program, .scratch = scratch };
    struct hsgd_emit e;
    for (int i = 0; i < l->nnodes; i++) {
        const struct low_node *n = &l->node[i];
        int number = n->of ? loss_counted(l->model, n->of) : -1;
        if (number < 0) continue;
        slice_begin_node(p, s, at, i, FIRST, program, &e);
        e.x[0] = absent;
        for (int v = 1; v < n->info.inputs; v++) e.x[v] = emit_given(&c, n->in[v]);
        e.scratch_base = hsgd_at(scratch, c.used);
        e.sums = hsgd_at(out, number);
        n->op->count(&e);
        take_scratch(&c, &e);
    }
    return c.floats;
}

/* From the gradient of a loss's sum to that of the loss, as far as the update does not do it. */
static void emit_division(const struct plan *p, const struct slice_places *at, const struct work *w,
                          struct hsgd_emit *e)
{
    const struct tape *t = p->tape;
    const struct node *n = t->low.node[w->node].of;
    if (w->kind != WORK_LOSS || !hsgd_wanted(e->dx[0])) return;
    if (w->phase + 1 < HSGD_PHASES && n->op->forward[w->phase + 1].emit) return;
    int number = loss_counted(t->low.model, n), floats = (int)tape_floats(t, t->slot[w->dx[0]].floats, e->rows);
    struct divide_args a = { floats, loss_factor(t->low.model, n, p->batch), number >= 0 };
    struct hsgd_ref terms = number < 0 ? e->dx[0] : hsgd_at(terms_place(p, at->partial), number);
    if (number < 0 && a.factor == 1) return;
    HSGD_LAUNCH(e, HSGD_KERNEL(divide), HSGD_ITEMS, a.n, &a, terms, e->dx[0]);
}

static void emit_work(struct plan *p, const struct slice *s, const struct slice_places *at, const struct work *w,
                      struct hsgd_program *program, struct hsgd_emit *e)
{
    const struct tape *t = p->tape;
    if (w->node < 0) {
        e->program = program;
        if (w->kind == WORK_SEED) emit_seed(p, w, at, s->rows, e);
        else emit_move(t, w, at, s->rows, e);
        return;
    }
    const struct hsgd_op *op = t->low.node[w->node].op;
    enum hsgd_direction d = w->kind == WORK_BACKWARD ? HSGD_BACKWARD : HSGD_FORWARD;
    slice_begin_node(p, s, at, w->node, work_turn(w), program, e);
    place_gradients(t, w, at, s->rows, e);
    for (int k = 0; w->kind == WORK_UNUSED && k < e->node->params; k++)
        if (!(w->adds_weight & param_bit(k))) emit_zero(e, e->gradient[k], spec_size(&e->node->param[k]));
    if (w->kind == WORK_UNUSED) return;
    e->sums = slice_sums(p, s, &t->sums[w->node][d][w->phase]);
    if (op_is_end(op) && !hsgd_wanted(e->sums)) e->sums = hsgd_at(at->partial, t->low.node[w->node].of->sums);
    bool evaluates = op->evaluate && !e->training;
    if (evaluates) (d ? op->evaluate_backward : op->evaluate)(e);
    else (d ? op->backward : op->forward)[w->phase].emit(e);
    emit_weight_adds(t, w, at, e);
    emit_division(p, at, w, e);
}

/* ------------------------------------------------------------------ merging */

/* Of one phase, in the order of the slices. */
static void emit_merge(struct plan *p, const struct slice *s, const struct slice_places *at, int node,
                       enum hsgd_direction d, int phase, struct hsgd_program *program, struct hsgd_emit *e)
{
    const struct sum_place *sum = &p->tape->sums[node][d][phase];
    const struct hsgd_op *op = p->tape->low.node[node].op;
    hsgd_merge_fn *merge = (d ? op->backward : op->forward)[phase].merge;
    struct hsgd_part part[p->nslices];
    int n = 0;
    for (int i = 0; i < p->nslices; i++)
        if (p->slice[i].part == s->part)
            part[n++] = (struct hsgd_part){ slice_sums(p, &p->slice[i], sum), p->slice[i].rows };
    slice_begin_node(p, s, at, node, FIRST, program, e);
    e->rows = e->batch;
    if (merge) merge(e, n, part, e->merged[d][phase]);
    else emit_sum(e, sum->floats, n, part, e->merged[d][phase]);
}

static void emit_merges(struct plan *p, const struct slice *s, const struct slice_places *at, int segment,
                        struct hsgd_program *program, struct hsgd_emit *e)
{
    const struct tape *t = p->tape;
    for (int n = 0; p->nslices > 1 && n < t->low.nnodes; n++)
        for (int d = 0; d < 2; d++)
            for (int k = 0; k < HSGD_PHASES; k++)
                if (t->sums[n][d][k].floats && t->sums[n][d][k].segment == segment)
                    emit_merge(p, s, at, n, (enum hsgd_direction)d, k, program, e);
}

int64_t emit_segment(struct plan *p, const struct slice *s, int segment, const struct slice_places *at,
                     struct hsgd_program *program)
{
    const struct tape *t = p->tape;
    struct hsgd_emit e = { .program = program };
    if (segment) emit_merges(p, s, at, segment - 1, program, &e);
    int64_t scratch = e.scratch_floats;
    for (int i = 0; i < t->n; i++) {
        if (t->work[i].segment != segment) continue;
        emit_work(p, s, at, &t->work[i], program, &e);
        if (e.scratch_floats > scratch) scratch = e.scratch_floats;
    }
    if (p->mode == PLAN_PREDICT && segment == t->segments - 1) emit_results(p, s, at, &e);
    return tape_floats(t, t->floats, s->rows) + scratch;
}

bool plan_has_once(const struct plan *p)
{
    for (const struct low_node *n = p->tape->low.node; n < p->tape->low.node + p->tape->low.nnodes; n++)
        for (int k = 0; k < HSGD_PHASES; k++)
            if (n->op->forward[k].once || n->op->backward[k].once) return true;
    return false;
}

void emit_once(struct plan *p, const struct slice *s, const struct slice_places *at, struct hsgd_program *program)
{
    const struct lowered *l = &p->tape->low;
    struct hsgd_emit e;
    for (int i = 0; i < l->nnodes; i++)
        for (int k = 0; k < 2 * HSGD_PHASES; k++) {
            const struct hsgd_phase *phase =
                k < HSGD_PHASES ? &l->node[i].op->forward[k] : &l->node[i].op->backward[k - HSGD_PHASES];
            if (!phase->once) continue;
            slice_begin_node(p, s, at, i, FIRST, program, &e);
            e.rows = e.batch;
            for (int v = 0; v < HSGD_MAX_INPUTS; v++) e.x[v] = absent;
            for (int v = 0; v < HSGD_MAX_OUTPUTS; v++) e.y[v] = absent;
            phase->once(&e);
        }
}

/* ------------------------------------------------------ deferred weights */

/* The part of node i's deferred weight that lies in the shard. */
static bool shard_piece(const struct plan *p, int i, int shard, struct hsgd_piece *out)
{
    const struct node *n = &p->model->node[i];
    struct hsgd_weight w;
    if (!n->deferred) return false;
    weight_pieces(p, n, 0, 0, &w);
    for (int k = 0; k < w.pieces; k++)
        if (w.piece[k].ref.buffer == shard) {
            *out = w.piece[k];
            return true;
        }
    return false;
}

/* Even parts of at most about `tile` floats, in rows. */
static int tile_rows(int rows, int64_t row, int64_t tile)
{
    int64_t parts = (rows * row + tile - 1) / tile, most = (rows + parts - 1) / parts;
    return (int)((most + 15) / 16 * 16);
}

bool next_weight_rows(const struct plan *p, int shard, int64_t tile, struct weight_rows *r)
{
    const struct hsgd_model *m = p->model;
    struct hsgd_piece piece;
    int at = r->row + r->rows;
    for (; r->node < m->nnodes; r->node++, at = 0) {
        if (!shard_piece(p, r->node, shard, &piece) || at >= piece.row + piece.rows) continue;
        if (at < piece.row) at = piece.row;
        int64_t row = row_floats(&m->node[r->node].info.param[0]);
        int left = piece.row + piece.rows - at, rows = tile_rows(piece.rows, row, tile);
        r->row = at;
        r->rows = rows < left ? rows : left;
        r->offset = piece.ref.offset / (int64_t)sizeof(float) + (at - piece.row) * row;
        r->floats = r->rows * row;
        return true;
    }
    return false;
}

/* The node of the tape that is node i of the model. */
static int on_tape(const struct tape *t, int i)
{
    int at = 0;
    while (t->low.node[at].of != &t->low.model->node[i]) at++;
    return at;
}

int64_t backward_floats(const struct tape *t)
{
    int64_t floats = t->low.model->small_floats;
    for (const struct low_node *n = t->low.node; n < t->low.node + t->low.nnodes; n++) {
        if (!n->of || !n->of->deferred || n->deferred || !graph_trains(t->low.model, n->of, 0)) continue;
        int64_t end = n->of->param_offset[0] + (spec_size(&n->info.param[0]) + 15) / 16 * 16;
        if (floats < end) floats = end;
    }
    return floats;
}

/* Of a weight whose gradient backward has made. */
static void emit_made_rows(const struct hsgd_model *m, const struct low_node *n, const struct slice_places *at,
                           const struct weight_rows *r, struct hsgd_ref out, bool accumulate, struct hsgd_emit *e)
{
    struct copy_args copy = { (int)r->floats };
    struct add_args add = { (int)r->floats };
    int64_t before = r->row * row_floats(&n->info.param[0]);
    struct hsgd_ref from = hsgd_at(at->partial, slice_header(m) + n->of->param_offset[0] + before);
    if (accumulate) HSGD_LAUNCH(e, HSGD_KERNEL(add), HSGD_ITEMS, add.n, &add, from, out);
    else HSGD_LAUNCH(e, HSGD_KERNEL(copy), HSGD_ITEMS, copy.n, &copy, from, out);
}

int64_t emit_weight_rows(struct plan *p, const struct slice *s, const struct slice_places *at,
                         const struct weight_rows *r, struct hsgd_ref out, struct hsgd_ref scratch, bool accumulate,
                         struct hsgd_program *program)
{
    const struct tape *t = p->tape;
    struct hsgd_emit e;
    int node = on_tape(t, r->node);
    slice_begin_node(p, s, at, node, FIRST, program, &e);
    e.dy[0] = slice_slot(t, at, s->rows, t->dy[node]);
    e.scratch_base = scratch;
    if (!t->low.node[node].deferred) emit_made_rows(t->low.model, &t->low.node[node], at, r, out, accumulate, &e);
    else if (hsgd_wanted(e.dy[0])) t->low.node[node].op->weight_gradient(&e, r->row, r->rows, out, accumulate);
    else if (!accumulate) emit_zero(&e, out, r->floats);
    return e.scratch_floats;
}
