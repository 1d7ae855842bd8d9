/* SPDX-License-Identifier: BSD-3-Clause */
/* What plans are built from: buffers, cells, and the parts of programs that
 * one slice and several have in common. */
#include "plan_build.h"

#include <stdlib.h>

#include "kernels.h"

/* ------------------------------------------------------ buffers and cells */

int add_buffer(struct plan *p, struct buffer *b, bool owned)
{
    if (p->nbuffers == p->capacity) {
        int capacity = p->capacity ? 2 * p->capacity : 32;
        struct buffer **bigger = realloc(p->buffer, (size_t)capacity * sizeof *bigger);
        if (bigger) p->buffer = bigger;
        bool *flags = realloc(p->owned, (size_t)capacity * sizeof *flags);
        if (flags) p->owned = flags;
        if (!bigger || !flags) return hsgd_fail(p->ctx, ENOMEM, "out of memory");
        p->capacity = capacity;
    }
    p->buffer[p->nbuffers] = b;
    p->owned[p->nbuffers] = owned;
    return p->nbuffers++;
}

int foreign_buffer(struct plan *p, struct buffer *b)
{
    for (int i = 0; i < p->nbuffers; i++)
        if (p->buffer[i] == b) return i;
    return add_buffer(p, b, false);
}

int new_buffer(struct plan *p, const char *name, int64_t floats, const struct device *near, bool read_back)
{
    if (p->pass) {
        while (!p->owned[p->cursor]) p->cursor++;
        return p->cursor++;
    }
    struct buffer *b = calloc(1, sizeof *b);
    if (!b) return hsgd_fail(p->ctx, ENOMEM, "out of memory");
    int err = buffer_create(p->ctx, b, name, floats, near->info.kind == HSGD_CPU || read_back);
    int id = err ? err : add_buffer(p, b, true);
    if (id < 0) {
        buffer_destroy(b);
        free(b);
    }
    return id;
}

static struct hsgd_program *program_of(const struct plan *p, struct cell *c) { return &c->variant[p->pass].program; }

struct cell *new_cell(struct plan *p, enum cell_kind kind, struct device *device, int priority)
{
    struct cell *c = &p->cell[p->ncells++];
    c->nvariants = plan_passes(p);
    c->variant = p->variant + (c - p->cell) * c->nvariants;
    c->variant[p->pass].device = plan_target(p, device);
    c->kind = kind;
    c->device = device;
    c->priority = priority;
    c->affinity = -1;
    return c;
}

void access_buffer(struct cell *c, int buffer, enum starpu_data_access_mode mode)
{
    for (int i = 0; i < c->naccesses; i++)
        if (c->access[i].buffer == buffer) {
            if (c->access[i].mode != mode) c->access[i].mode = STARPU_RW;
            return;
        }
    if (c->naccesses == MAX_ACCESSES) {
        c->variant[0].program.error = E2BIG;
        return;
    }
    c->access[c->naccesses++] = (struct access){ buffer, mode };
}

int add_fixed(struct plan *p)
{
    struct store *s = p->store;
    struct buffer *state = p->updater.state;
    int err = add_buffer(p, &s->step, false);
    if (err >= 0) err = add_buffer(p, &s->metrics, false);
    for (int i = 0; err >= 0 && i < MAX_SHARDS; i++) err = add_buffer(p, &s->param[i], false);
    for (int i = 0; err >= 0 && i < MAX_SHARDS; i++) err = add_buffer(p, state ? &state[i] : NULL, false);
    return err < 0 ? err : 0;
}

/* ------------------------------------------------------------------ shape */

bool defers(const struct plan *p) { return !plan_forward_only(p) && p->nslices > 1 && p->store->nshards > 1; }

bool tiled(const struct plan *p)
{
    return p->mode == PLAN_TRAIN && p->nslices == 1 && p->slice[0].device->info.kind != HSGD_CUDA &&
           !(p->updater.clip_norm > 0);
}

bool single_node(const struct plan *p)
{
    for (int i = 1; i < p->nslices; i++)
        if (p->slice[i].device != p->slice[0].device) return false;
    return true;
}

struct device *home_device(const struct plan *p)
{
    for (int i = 0; i < p->nslices; i++)
        if (p->slice[i].device->info.kind == HSGD_CPU) return p->slice[i].device;
    return p->slice[0].device;
}

static int output_floats(const struct plan *p, const struct slice *s)
{
    return s->rows * hsgd_model_outputs(p->store->model);
}

int64_t partial_floats(const struct plan *p, const struct slice *s)
{
    const struct hsgd_model *m = p->store->model;
    if (p->mode == PLAN_PREDICT) return (int64_t)PREDICT_STEPS * output_floats(p, s);
    if (p->mode == PLAN_EVALUATE) return GRADIENT_HEADER;
    return GRADIENT_HEADER + (defers(p) || tiled(p) ? m->small_floats : m->floats);
}

/* ----------------------------------------------------------- slice cells */

void begin_emit(const struct plan *p, struct hsgd_emit *e, struct cell *c, struct device *d)
{
    struct device *t = plan_target(p, d);
    *e = (struct hsgd_emit){
        .kind = t->info.kind, .units = t->units, .device = t, .program = program_of(p, c), .training = true
    };
}

static void access_params(struct plan *p, struct cell *c, enum starpu_data_access_mode mode)
{
    for (int s = 0; s < p->store->nshards; s++) access_buffer(c, FIXED_PARAM + s, mode);
}

void slice_program(struct plan *p, struct cell *c, struct slice *s)
{
    bool predicts = p->mode == PLAN_PREDICT;
    c->rows = s->rows;
    access_buffer(c, s->input, STARPU_R);
    access_params(p, c, STARPU_R);
    access_buffer(c, s->arena, STARPU_W);
    access_buffer(c, s->partial, predicts ? STARPU_RW : STARPU_W); /* RW: a step writes its part of it */
    access_buffer(c, FIXED_STEP, STARPU_R);
    struct slice_places places = { .input = ref(s->input, 0),
                                   .arena = ref(s->arena, 0),
                                   .partial = slotted(s->partial, predicts ? output_floats(p, s) : 0),
                                   .step = slotted(FIXED_STEP, HSGD_STEP_WORDS),
                                   .param = FIXED_PARAM };
    s->arena_floats = emit_slice(p, s, &places, !defers(p) && !tiled(p), program_of(p, c));
}

/* ---------------------------------------------------------------- merging */

void emit_sum(struct hsgd_emit *e, int n, const struct hsgd_ref *part, struct hsgd_ref out, int64_t floats)
{
    for (int i = 0; i < n; i++) {
        struct copy_args copy = { (int)floats };
        struct add_args add = { (int)floats };
        if (i == 0) HSGD_LAUNCH(e, HSGD_KERNEL(copy), HSGD_ITEMS, floats, &copy, part[0], out);
        else HSGD_LAUNCH(e, HSGD_KERNEL(add), HSGD_ITEMS, floats, &add, part[i], out);
    }
}

void emit_metrics(struct plan *p, struct cell *c, struct hsgd_emit *e)
{
    struct hsgd_ref part[p->nslices];
    for (int i = 0; i < p->nslices; i++) part[i] = ref(p->slice[i].partial, 0);
    access_buffer(c, FIXED_METRICS, STARPU_RW);
    emit_sum(e, p->nslices, part, slotted(FIXED_METRICS, METRICS), METRICS);
}

void access_update(struct plan *p, struct cell *c, int shard)
{
    access_buffer(c, FIXED_PARAM + shard, STARPU_RW);
    access_buffer(c, FIXED_STEP, STARPU_R);
    if (p->updater.state_floats) access_buffer(c, FIXED_OPTIMIZER + shard, STARPU_RW);
}

void emit_update(struct plan *p, struct hsgd_emit *e, int shard, int64_t offset, int64_t floats, int parts,
                 const struct hsgd_ref part[3], bool clipped)
{
    const struct update u = { .n = floats,
                              .stride = p->store->shard[shard].floats,
                              .w = ref(FIXED_PARAM + shard, offset),
                              .state = ref(FIXED_OPTIMIZER + shard, offset),
                              .step = slotted(FIXED_STEP, HSGD_STEP_WORDS),
                              .parts = parts,
                              .part = part,
                              .clipped = clipped };
    p->updater.emit(e, p->updater.user, &u);
}

void emit_shard_update(struct plan *p, struct cell *c, struct hsgd_emit *e, int shard, int parts,
                       const struct hsgd_ref part[3], bool clipped)
{
    access_update(p, c, shard);
    emit_update(p, e, shard, 0, p->store->shard[shard].floats, parts, part, clipped);
}

/* The end of the bucket floats from `at` on that are parameters without a gap,
 * and where the next begin.  Nobody writes the gaps. */
static int64_t run_end(const struct hsgd_model *m, int64_t at, int64_t *next)
{
    for (int i = 0; i < m->nlayers; i++)
        for (int k = 0; k < m->layer[i].info.params; k++) {
            int64_t begin = m->layer[i].param_offset[k], size = spec_size(&m->layer[i].info.param[k]);
            *next = begin + (size + 15) / 16 * 16;
            if (at < begin || at >= *next) continue;
            return size % 16 || *next == m->floats ? begin + size : run_end(m, *next, next);
        }
    return *next = m->floats;
}

void emit_square_sum(struct plan *p, struct hsgd_emit *e, int64_t first, int64_t floats, struct hsgd_ref gradient,
                     struct hsgd_ref out)
{
    struct square_total_args total = { SQUARE_PARTS };
    struct hsgd_ref parts = hsgd_at(out, 1);
    for (int64_t at = first, next; at < first + floats; at = next) {
        int64_t end = run_end(p->store->model, at, &next);
        struct square_sum_args a = { (int)((end < first + floats ? end : first + floats) - at), at > first };
        HSGD_LAUNCH(e, HSGD_KERNEL(square_sum), HSGD_ROWS, SQUARE_PARTS, &a, hsgd_at(gradient, at - first), parts);
    }
    HSGD_LAUNCH(e, HSGD_KERNEL(square_total), HSGD_WARPS, 1, &total, parts, out);
}

/* --------------------------------------------------- deferred gradients */

/* The gradient of some rows over the slices of device d, then their update
 * when update is set; scratch lies at the end of the buffer. */
static void emit_rows(struct plan *p, struct cell *c, const struct device *d, const struct weight_rows *r,
                      struct hsgd_ref out, struct hsgd_ref scratch)
{
    bool first = true;
    for (int i = 0; i < p->nslices; i++) {
        struct slice *s = &p->slice[i];
        if (s->device != d) continue;
        struct slice_places places = { .input = ref(s->input, 0), .arena = ref(s->arena, 0), .param = FIXED_PARAM };
        emit_weight_rows(p, s, &places, r, out, scratch, !first, program_of(p, c));
        first = false;
    }
}

void emit_shard_rows(struct plan *p, struct cell *c, struct device *d, int shard, struct hsgd_ref out, int64_t tile,
                     struct hsgd_ref scratch, bool update)
{
    struct weight_rows r = { 0 };
    struct hsgd_emit e;
    begin_emit(p, &e, c, d);
    while (next_weight_rows(p, shard, tile, &r)) {
        struct hsgd_ref to = update ? out : hsgd_at(out, r.offset);
        emit_rows(p, c, d, &r, to, scratch);
        if (update) emit_update(p, &e, shard, r.offset, r.floats, 1, (struct hsgd_ref[]){ to, to, to }, false);
    }
}

int tile_buffer(struct plan *p, int shard, const struct device *d, struct hsgd_ref *out, struct hsgd_ref *scratch)
{
    int64_t most = 0;
    struct weight_rows r = { 0 };
    while (next_weight_rows(p, shard, tile_floats(d), &r))
        if (r.floats > most) most = r.floats;
    int b = new_buffer(p, "tile", most + weight_rows_scratch(p, shard, tile_floats(d)), d, false);
    if (b < 0) return b;
    *out = ref(b, 0);
    *scratch = ref(b, most);
    return b;
}
