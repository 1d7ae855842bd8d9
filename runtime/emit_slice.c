/* SPDX-License-Identifier: BSD-3-Clause */
#include "emit_slice.h"

#include <stdlib.h>

#include "kernels.h"

static const struct hsgd_ref absent = { .buffer = -1 };

/* -------------------------------------------------------- arena layout */

/* Offsets of every layer's output and its gradient; scratch is last. */
struct arena {
    int64_t *y, *dy, scratch;
};

static int64_t padded(int rows, int size) { return ((int64_t)(rows + 15) / 16 * 16 * size + 15) / 16 * 16; }

static bool arena_lay_out(const struct plan *p, const struct slice *s, struct arena *a)
{
    const struct hsgd_model *m = p->store->model;
    int64_t at = 0;
    a->y = calloc((size_t)m->nlayers * 2, sizeof *a->y);
    if (!a->y) return false;
    a->dy = a->y + m->nlayers;
    for (int i = 0; i < m->nlayers; i++) {
        const struct layer *l = &m->layer[i];
        int64_t floats = l->op->is_loss ? 0 : padded(s->rows, (int)hsgd_type_size(&l->info.out[0]));
        if (l->alias && i > 0) {
            a->y[i] = a->y[i - 1];
            a->dy[i] = a->dy[i - 1];
            continue;
        }
        a->y[i] = at;
        at += floats;
        if (plan_forward_only(p)) continue;
        a->dy[i] = at;
        at += floats;
    }
    a->scratch = at;
    return true;
}

/* ------------------------------------------------------------- weights */

static int64_t row_floats(const struct hsgd_param_spec *s) { return spec_size(s) / s->dim[0]; }

/* The pieces of a parameter over the shards. */
static void weight_pieces(const struct plan *p, const struct layer *l, int param, int first_buffer,
                          struct hsgd_weight *w)
{
    const struct store *t = p->store;
    const struct hsgd_param_spec *spec = &l->info.param[param];
    int64_t begin = l->param_offset[param], size = spec_size(spec), row = row_floats(spec);
    w->pieces = 0;
    for (int s = 0; s < t->nshards; s++) {
        int64_t lo = t->shard[s].first, hi = lo + t->shard[s].floats;
        if (lo < begin) lo = begin;
        if (hi > begin + size) hi = begin + size;
        if (lo >= hi) continue;
        w->piece[w->pieces++] = (struct hsgd_piece){ .ref = ref(first_buffer + s, lo - t->shard[s].first),
                                                     .row = (int)((lo - begin) / row),
                                                     .rows = (int)((hi - lo) / row) };
    }
}

/* --------------------------------------------------------------- layers */

/* The layer before i that is not an alias of another; -1: the input. */
static int source_layer(const struct hsgd_model *m, int i)
{
    for (i--; i >= 0 && m->layer[i].alias; i--) {}
    return i;
}

static bool params_before(const struct hsgd_model *m, int i)
{
    for (int k = 0; k < i; k++)
        if (m->layer[k].info.params) return true;
    return false;
}

static struct hsgd_ref as_classes(struct hsgd_ref r)
{
    r.dtype = HSGD_I32;
    return r;
}

static void layer_emit(struct plan *p, const struct slice *s, const struct slice_places *at, const struct arena *a,
                       int i, struct hsgd_program *program, struct hsgd_emit *e)
{
    const struct hsgd_model *m = p->store->model;
    const struct layer *l = &m->layer[i];
    int before = source_layer(m, i);
    bool training = !plan_forward_only(p);
    struct device *target = at->device;
    *e = (struct hsgd_emit){
        .node = &l->info,
        .kind = target->info.kind,
        .units = target->units,
        .device = target,
        .rows = s->rows,
        .first_row = s->first_row,
        .batch = p->batch,
        .number = i,
        .training = training,
        .step = at->step,
        .program = program,
        .x[0] = before < 0 ? at->input : hsgd_at(at->arena, a->y[before]),
        .y[0] = l->op->is_loss ? absent : hsgd_at(at->arena, a->y[i]),
        .dy[0] = training && !l->op->is_loss ? hsgd_at(at->arena, a->dy[i]) : absent,
        .dx[0] = training && before >= 0 && params_before(m, i) ? hsgd_at(at->arena, a->dy[before]) : absent,
        .x[1] = as_classes(hsgd_at(at->input, (int64_t)s->rows * hsgd_size(m->in))),
        .sums = at->partial,
        .scratch_base = hsgd_at(at->arena, a->scratch),
    };
    for (int k = 0; k < HSGD_MAX_PARAMS; k++) e->gradient[k] = absent;
    for (int k = 0; k < l->info.params; k++) weight_pieces(p, l, k, at->param, &e->weight[k]);
}

static void place_gradients(const struct layer *l, const struct slice_places *at, bool all, struct hsgd_emit *e)
{
    for (int k = 0; k < l->info.params; k++)
        if (all || !(k == 0 && l->deferred))
            e->gradient[k] = hsgd_at(at->partial, GRADIENT_HEADER + l->param_offset[k]);
}

/* What the loss would see, to where the host reads it. */
static void emit_outputs(struct plan *p, const struct slice *s, const struct slice_places *at, const struct arena *a,
                         struct hsgd_emit *e)
{
    const struct hsgd_model *m = p->store->model;
    int last = source_layer(m, m->nlayers - 1);
    struct copy_args args = { s->rows * hsgd_model_outputs(m) };
    HSGD_LAUNCH(e, HSGD_KERNEL(copy), HSGD_ITEMS, args.n, &args, last < 0 ? at->input : hsgd_at(at->arena, a->y[last]),
                at->partial);
}

int64_t emit_slice(struct plan *p, const struct slice *s, const struct slice_places *at, bool all_gradients,
                   struct hsgd_program *program)
{
    const struct hsgd_model *m = p->store->model;
    struct arena a;
    struct hsgd_emit e;
    int64_t scratch = 0;
    if (!arena_lay_out(p, s, &a)) {
        program->error = ENOMEM;
        return 1;
    }
    for (int i = 0; i < m->nlayers; i++) {
        if (m->layer[i].alias || (p->mode == PLAN_PREDICT && m->layer[i].op->is_loss)) continue;
        layer_emit(p, s, at, &a, i, program, &e);
        m->layer[i].op->forward[0].emit(&e);
        if (e.scratch_floats > scratch) scratch = e.scratch_floats;
    }
    if (p->mode == PLAN_PREDICT) emit_outputs(p, s, at, &a, &e);
    for (int i = m->nlayers - 1; !plan_forward_only(p) && i >= 0; i--) {
        const struct layer *l = &m->layer[i];
        if (l->alias || !l->op->backward[0].emit || !(l->info.params || params_before(m, i))) continue;
        layer_emit(p, s, at, &a, i, program, &e);
        place_gradients(l, at, all_gradients, &e);
        l->op->backward[0].emit(&e);
        if (e.scratch_floats > scratch) scratch = e.scratch_floats;
    }
    int64_t floats = a.scratch + scratch;
    free(a.y);
    return floats;
}

/* ------------------------------------------------------ deferred weights */

/* The part of layer i's deferred weight that lies in the shard. */
static bool shard_piece(const struct plan *p, int i, int shard, struct hsgd_piece *out)
{
    const struct layer *l = &p->store->model->layer[i];
    struct hsgd_weight w;
    if (!l->deferred) return false;
    weight_pieces(p, l, 0, 0, &w);
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
    const struct hsgd_model *m = p->store->model;
    struct hsgd_piece piece;
    int at = r->row + r->rows;
    for (; r->layer < m->nlayers; r->layer++, at = 0) {
        if (!shard_piece(p, r->layer, shard, &piece) || at >= piece.row + piece.rows) continue;
        if (at < piece.row) at = piece.row;
        int64_t row = row_floats(&m->layer[r->layer].info.param[0]);
        int left = piece.row + piece.rows - at, rows = tile_rows(piece.rows, row, tile);
        r->row = at;
        r->rows = rows < left ? rows : left;
        r->offset = piece.ref.offset / (int64_t)sizeof(float) + (at - piece.row) * row;
        r->floats = r->rows * row;
        return true;
    }
    return false;
}

int64_t emit_weight_rows(struct plan *p, const struct slice *s, const struct slice_places *at,
                         const struct weight_rows *r, struct hsgd_ref out, struct hsgd_ref scratch, bool accumulate,
                         struct hsgd_program *program)
{
    struct arena a;
    struct hsgd_emit e;
    if (!arena_lay_out(p, s, &a)) {
        program->error = ENOMEM;
        return 0;
    }
    layer_emit(p, s, at, &a, r->layer, program, &e);
    e.scratch_base = scratch;
    p->store->model->layer[r->layer].op->weight_gradient(&e, r->row, r->rows, out, accumulate);
    free(a.y);
    return e.scratch_floats;
}
