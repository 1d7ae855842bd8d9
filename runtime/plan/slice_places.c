/* SPDX-License-Identifier: BSD-3-Clause */
#include "slice_places.h"

#include "model/metrics.h"

static const struct hsgd_ref absent = { .buffer = -1 };

struct hsgd_ref slice_slot(const struct tape *t, const struct slice_places *at, int rows, int slot)
{
    return slot < 0 ? absent : hsgd_at(at->arena, tape_floats(t, t->slot[slot].offset, rows));
}

static bool reads_field(const struct plan *p, int f)
{
    return f >= p->model->nfields || !p->tape || p->tape->low.fields & 1u << f;
}

static int64_t field_bytes(const struct plan *p, int f)
{
    const struct hsgd_model *m = p->model;
    const struct wanted *w = &p->wanted;
    int i = f - m->nfields, seeds = wanted_seeds(w);
    int value = i < 0 ? m->field[f].value : i < seeds ? w->result[i] : w->given[i - seeds];
    return hsgd_type_bytes(&m->value[value].type);
}

/* Field f of the batch lies behind those before it. */
static int64_t field_offset(const struct plan *p, int rows, int f)
{
    int64_t bytes = 0;
    for (int i = 0; i < f; i++)
        if (reads_field(p, i)) bytes += (rows * field_bytes(p, i) + 63) / 64 * 64;
    return bytes;
}

int64_t slice_input_bytes(const struct plan *p, int rows) { return field_offset(p, rows, plan_fields(p)); }

void *slice_field(const struct plan *p, void *input, int rows, int f)
{
    return reads_field(p, f) ? (char *)input + field_offset(p, rows, f) : NULL;
}

int64_t slice_result(const struct plan *p, int rows, int r)
{
    const struct hsgd_model *m = p->model;
    int64_t bytes = 0;
    for (int i = 0; i < r; i++) bytes += (rows * hsgd_type_bytes(&m->value[p->value[i]].type) + 63) / 64 * 64;
    return bytes / (int64_t)sizeof(float);
}

struct hsgd_ref slice_seed(const struct plan *p, const struct slice_places *at, int rows, int result)
{
    struct hsgd_ref r = at->input;
    r.offset += field_offset(p, rows, p->model->nfields + result);
    r.dtype = HSGD_F32;
    return r;
}

struct hsgd_ref slice_value(const struct plan *p, enum turn turn, const struct slice_places *at, int rows, int value)
{
    const struct tape *t = p->tape;
    const struct low_value *v = &t->low.value[value];
    const struct low_value *root = &t->low.value[v->root];
    struct hsgd_ref r = slice_slot(t, at, rows, t->value[turn][value]);
    if (root->field >= 0) {
        r = at->input;
        r.offset += field_offset(p, rows, root->field);
    }
    r.dtype = v->dtype;
    return r;
}

/* Nodes' caches lie behind one another, each with all samples. */
static struct hsgd_ref cache_place(const struct plan *p, const struct node *n, int rows)
{
    if (!p->cache || !n || !n->info.cache) return absent;
    return ref(p->cache_index, rows * model_cache(p->model, (int)(n - p->model->node)));
}

/* What the slice returns in a phase. */
struct hsgd_ref slice_sums(const struct plan *p, const struct slice *s, const struct sum_place *sum)
{
    const struct tape *t = p->tape;
    int64_t slice = s - p->slice;
    if (!sum->floats) return absent;
    if (p->nslices == 1) return ref(p->sums[0], sum->offset);
    return ref(p->sums[slice * t->segments + sum->segment], sum->offset - t->sums_begin[sum->segment]);
}

/* The same of all slices, as this slice has merged it: a single one's is that
 * already. */
static struct hsgd_ref merged_place(const struct plan *p, const struct slice *s, const struct sum_place *sum)
{
    if (!sum->floats || p->nslices == 1) return slice_sums(p, s, sum);
    return ref(p->merged[s - p->slice], sum->offset);
}

/* ------------------------------------------------------------- weights */

/* The pieces of a parameter over the shards. */
void weight_pieces(const struct plan *p, const struct node *n, int param, int first_buffer, struct hsgd_weight *w)
{
    const struct store *t = p->store;
    const struct hsgd_param_spec *spec = &n->info.param[param];
    int64_t begin = n->param_offset[param], size = spec_size(spec), row = row_floats(spec);
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

/* ------------------------------------------------------------------- nodes */

void slice_begin_node(struct plan *p, const struct slice *s, const struct slice_places *at, int node, enum turn turn,
                      struct hsgd_program *program, struct hsgd_emit *e)
{
    const struct tape *t = p->tape;
    const struct low_node *n = &t->low.node[node];
    struct device *target = at->device;
    *e = (struct hsgd_emit){
        .node = &n->info,
        .kind = target->info.kind,
        .units = target->units,
        .device = target,
        .rows = s->rows,
        .first_row = s->first_row,
        .batch = plan_part_rows(p, s->part),
        .number = n->of ? n->of->number : -1,
        .training = !plan_forward_only(p),
        .kept = slice_slot(t, at, s->rows, t->kept[turn][node]),
        .cache = cache_place(p, n->of, s->rows),
        .step = at->step,
        .program = program,
        .scratch_base = hsgd_at(at->arena, tape_floats(t, t->floats, s->rows)),
    };
    for (int i = 0; i < HSGD_MAX_INPUTS; i++) {
        e->x[i] = i < n->info.inputs ? slice_value(p, turn, at, s->rows, n->in[i]) : absent;
        e->dx[i] = absent;
    }
    for (int i = 0; i < HSGD_MAX_OUTPUTS; i++) {
        e->y[i] = i < n->info.outputs ? slice_value(p, turn, at, s->rows, n->out[i]) : absent;
        e->dy[i] = absent;
    }
    for (int d = 0; d < 2; d++)
        for (int k = 0; k < HSGD_PHASES; k++) e->merged[d][k] = merged_place(p, s, &t->sums[node][d][k]);
    for (int k = 0; k < HSGD_MAX_PARAMS; k++) e->gradient[k] = absent;
    for (int k = 0; k < n->info.params; k++) weight_pieces(p, n->of, k, at->param, &e->weight[k]);
}
