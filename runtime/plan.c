/* Building a plan: slices, buffers, cells. */
#include "plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cost.h"
#include "emit_slice.h"
#include "kernels.h"
#include "opencl_device.h"
#include "train/state.h"

/* ------------------------------------------------------ buffers and cells */

static int add_buffer(struct plan *p, struct buffer *b, bool owned)
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

/* A buffer that lives with the plan, near the device that works on it.  After
 * the first pass: the one made then.  read_back: the host reads it, which
 * StarPU refuses of what has no home and was written without implicit
 * dependencies. */
static int new_buffer(struct plan *p, const char *name, int64_t floats, const struct device *near, bool read_back)
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

struct buffer *plan_buffer(const struct plan *p, int index, int slot)
{
    for (int s = 0; s < p->nslices; s++)
        if (p->slice[s].input == index) return p->slot_buffer[s * PLAN_SLOTS + slot];
    return p->buffer[index];
}

int plan_passes(const struct plan *p) { return p->ctx->starpu_places ? p->ctx->ndevices : 1; }

struct device *plan_target(const struct plan *p, struct device *d)
{
    return p->ctx->starpu_places ? &p->ctx->device[p->pass] : d;
}

struct variant *cell_variant(struct cell *c, const struct device *device)
{
    for (int i = 0; i < c->nvariants; i++)
        if (c->variant[i].device == device) return &c->variant[i];
    return NULL;
}

static struct hsgd_program *program_of(const struct plan *p, struct cell *c) { return &c->variant[p->pass].program; }

static struct cell *new_cell(struct plan *p, enum cell_kind kind, struct device *device, int priority)
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

static void access_buffer(struct cell *c, int buffer, enum starpu_data_access_mode mode)
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

static struct hsgd_ref ref(int buffer, int64_t offset) { return (struct hsgd_ref){ buffer, 0, offset }; }
static struct hsgd_ref slotted(int buffer, int stride) { return (struct hsgd_ref){ buffer, stride, 0 }; }

/* Where the trainer's buffers stand in every plan, in this order. */
enum { FIXED_STEP, FIXED_METRICS, FIXED_PARAM, FIXED_OPTIMIZER = FIXED_PARAM + MAX_SHARDS,
       FIXED_BUFFERS = FIXED_OPTIMIZER + MAX_SHARDS };

static int add_fixed(struct plan *p)
{
    struct trainer_state *s = p->state;
    int err = add_buffer(p, &s->step, false);
    if (err >= 0) err = add_buffer(p, &s->metrics, false);
    for (int i = 0; err >= 0 && i < MAX_SHARDS; i++) err = add_buffer(p, &s->param[i], false);
    for (int i = 0; err >= 0 && i < MAX_SHARDS; i++) err = add_buffer(p, &s->optimizer[i], false);
    return err < 0 ? err : 0;
}

/* ------------------------------------------------------------------ shape */

/* Whether slices leave deferred weights to gradient cells. */
static bool defers(const struct plan *p)
{
    return p->mode != PLAN_EVALUATE && p->nslices > 1 && p->state->nshards > 1;
}

/* One slice and no clipping: the gradient of a few rows of a deferred weight
 * at a time, each used up by the update while it is in the cache. */
static bool tiled(const struct plan *p)
{
    return p->mode == PLAN_TRAIN && p->nslices == 1 && !(p->state->options.clip_norm > 0);
}

#define TILE_FLOATS (32 * 1024) /* measured: larger tiles leave the cache */

static bool single_node(const struct plan *p)
{
    for (int i = 1; i < p->nslices; i++)
        if (p->slice[i].device != p->slice[0].device) return false;
    return true;
}

/* Updates are done where the parameters live: on the CPU when it takes part. */
static struct device *home_device(const struct plan *p)
{
    for (int i = 0; i < p->nslices; i++)
        if (p->slice[i].device->info.kind == HSGD_CPU) return p->slice[i].device;
    return p->slice[0].device;
}

static int64_t partial_floats(const struct plan *p)
{
    const struct hsgd_model *m = p->state->model;
    if (p->mode == PLAN_EVALUATE) return GRADIENT_HEADER;
    return GRADIENT_HEADER + (defers(p) || tiled(p) ? m->small_floats : m->floats);
}

/* ----------------------------------------------------------- slice cells */

static void begin_emit(const struct plan *p, struct hsgd_emit *e, struct cell *c, struct device *d)
{
    struct device *t = plan_target(p, d);
    *e = (struct hsgd_emit){ .kind = t->info.kind, .units = t->units, .program = program_of(p, c), .training = true };
}

static void access_params(struct plan *p, struct cell *c, enum starpu_data_access_mode mode)
{
    for (int s = 0; s < p->state->nshards; s++) access_buffer(c, FIXED_PARAM + s, mode);
}

static void slice_program(struct plan *p, struct cell *c, struct slice *s)
{
    c->rows = s->rows;
    access_buffer(c, s->input, STARPU_R);
    access_params(p, c, STARPU_R);
    access_buffer(c, s->arena, STARPU_W);
    access_buffer(c, s->partial, STARPU_W);
    access_buffer(c, FIXED_STEP, STARPU_R);
    struct slice_places places = { .input = ref(s->input, 0), .arena = ref(s->arena, 0),
                                   .partial = ref(s->partial, 0), .step = slotted(FIXED_STEP, HSGD_STEP_WORDS),
                                   .param = FIXED_PARAM };
    s->arena_floats = emit_slice(p, s, &places, !defers(p) && !tiled(p), program_of(p, c));
}

/* ---------------------------------------------------------------- merging */

/* Sums `n` parts of `floats` into `out`. */
static void emit_sum(struct hsgd_emit *e, int n, const struct hsgd_ref *part, struct hsgd_ref out, int64_t floats)
{
    for (int i = 0; i < n; i++) {
        struct copy_args copy = { (int)floats };
        struct add_args add = { (int)floats };
        if (i == 0) HSGD_LAUNCH(e, HSGD_KERNEL(copy), HSGD_ITEMS, floats, &copy, part[0], out);
        else HSGD_LAUNCH(e, HSGD_KERNEL(add), HSGD_ITEMS, floats, &add, part[i], out);
    }
}

static void emit_metrics(struct plan *p, struct cell *c, struct hsgd_emit *e)
{
    struct hsgd_ref part[p->nslices];
    for (int i = 0; i < p->nslices; i++) part[i] = ref(p->slice[i].partial, 0);
    access_buffer(c, FIXED_METRICS, STARPU_RW);
    emit_sum(e, p->nslices, part, slotted(FIXED_METRICS, METRICS), METRICS);
}

static void access_update(struct plan *p, struct cell *c, int shard)
{
    access_buffer(c, FIXED_PARAM + shard, STARPU_RW);
    access_buffer(c, FIXED_STEP, STARPU_R);
    if (optimizer_state_floats(p->state->options.optimizer)) access_buffer(c, FIXED_OPTIMIZER + shard, STARPU_RW);
}

/* Updates `floats` parameters from `offset` of a shard. */
static void emit_update(struct plan *p, struct hsgd_emit *e, int shard, int64_t offset, int64_t floats, int parts,
                        const struct hsgd_ref part[3], bool clipped)
{
    struct trainer_state *s = p->state;
    optimizer_emit(e, &s->options, floats, s->shard[shard].floats, ref(FIXED_PARAM + shard, offset),
                   ref(FIXED_OPTIMIZER + shard, offset), slotted(FIXED_STEP, HSGD_STEP_WORDS), parts, part, clipped);
}

static void emit_shard_update(struct plan *p, struct cell *c, struct hsgd_emit *e, int shard, int parts,
                              const struct hsgd_ref part[3], bool clipped)
{
    access_update(p, c, shard);
    emit_update(p, e, shard, 0, p->state->shard[shard].floats, parts, part, clipped);
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

/* out[0] = the sum of squares of the bucket floats [first, first + floats);
 * out[1] is lost. */
static void emit_square_sum(struct plan *p, struct hsgd_emit *e, int64_t first, int64_t floats,
                            struct hsgd_ref gradient, struct hsgd_ref out)
{
    for (int64_t at = first, next; at < first + floats; at = next) {
        int64_t end = run_end(p->state->model, at, &next);
        struct square_sum_args a = { (int)((end < first + floats ? end : first + floats) - at) };
        struct clip_add_args add = { 0 };
        struct hsgd_ref part = at == first ? out : hsgd_at(out, 1);
        HSGD_LAUNCH(e, HSGD_KERNEL(square_sum), HSGD_ROWS, 1, &a, hsgd_at(gradient, at - first), part);
        if (at > first) HSGD_LAUNCH(e, HSGD_KERNEL(clip_add), HSGD_ITEMS, 1, &add, part, out);
    }
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

/* All deferred rows of a shard: the whole gradient to `out`, or tile by tile
 * to the same place, each followed by its update. */
static void emit_shard_rows(struct plan *p, struct cell *c, struct device *d, int shard, struct hsgd_ref out,
                            int64_t tile, struct hsgd_ref scratch, bool update)
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

/* A buffer for tiles, and what they need behind it. */
static int tile_buffer(struct plan *p, int shard, const struct device *d, struct hsgd_ref *out, struct hsgd_ref *scratch)
{
    int64_t most = 0;
    struct weight_rows r = { 0 };
    while (next_weight_rows(p, shard, TILE_FLOATS, &r))
        if (r.floats > most) most = r.floats;
    int b = new_buffer(p, "tile", most + weight_rows_scratch(p, shard, TILE_FLOATS), d, false);
    if (b < 0) return b;
    *out = ref(b, 0);
    *scratch = ref(b, most);
    return b;
}

/* ------------------------------------------------- one slice: one cell */

static void emit_clipped_updates(struct plan *p, struct cell *c, struct hsgd_emit *e)
{
    struct trainer_state *t = p->state;
    int partial = p->slice[0].partial;
    struct hsgd_ref factor = ref(partial, METRICS);
    struct clip_scale_args a = { t->options.clip_norm };
    emit_square_sum(p, e, 0, t->model->floats, ref(partial, GRADIENT_HEADER), factor);
    HSGD_LAUNCH(e, HSGD_KERNEL(clip_scale), HSGD_ITEMS, 1, &a, slotted(FIXED_STEP, HSGD_STEP_WORDS), factor);
    for (int i = 0; i < t->nshards; i++) {
        struct hsgd_ref g = ref(partial, GRADIENT_HEADER + t->shard[i].first);
        emit_shard_update(p, c, e, i, 1, (struct hsgd_ref[]){ g, factor, factor }, true);
    }
}

static int emit_tiled_updates(struct plan *p, struct cell *c, struct hsgd_emit *e)
{
    struct slice *s = &p->slice[0];
    struct hsgd_ref small = ref(s->partial, GRADIENT_HEADER), tile, scratch;
    access_update(p, c, 0);
    emit_update(p, e, 0, 0, p->state->model->small_floats, 1, (struct hsgd_ref[]){ small, small, small }, false);
    for (int i = 0; i < p->state->nshards; i++) {
        struct weight_rows any = { 0 };
        if (!next_weight_rows(p, i, TILE_FLOATS, &any)) continue;
        int b = tile_buffer(p, i, s->device, &tile, &scratch);
        if (b < 0) return b;
        access_buffer(c, b, STARPU_W);
        access_update(p, c, i);
        emit_shard_rows(p, c, s->device, i, tile, TILE_FLOATS, scratch, true);
    }
    return 0;
}

static int step_cell(struct plan *p)
{
    struct slice *s = &p->slice[0];
    struct cell *c = new_cell(p, CELL_STEP, s->device, 0);
    struct hsgd_emit e;
    c->affinity = 0;
    slice_program(p, c, s);
    begin_emit(p, &e, c, s->device);
    emit_metrics(p, c, &e);
    p->gradient[0] = s->partial;
    if (p->mode != PLAN_TRAIN) return 0;
    if (tiled(p)) return emit_tiled_updates(p, c, &e);
    emit_clipped_updates(p, c, &e);
    return 0;
}

/* --------------------------------------------- several slices: the grid */

/* Everything the merging half of the grid needs to know about a shard. */
struct shard_cells {
    int shard, parts;
    struct hsgd_ref part[MAX_ACCESSES];
    int merged;                       /* buffer of the summed gradient, when needed */
};

static int gradient_buffer(struct plan *p, int shard, const struct device *d, int64_t scratch)
{
    char name[64];
    snprintf(name, sizeof name, "gradient%d %s", shard, d->info.id);
    return new_buffer(p, name, GRADIENT_HEADER + p->state->shard[shard].floats + scratch, d,
                      p->mode == PLAN_GRADIENT);
}

static bool device_has_slice(const struct plan *p, const struct device *d)
{
    for (int i = 0; i < p->nslices; i++)
        if (p->slice[i].device == d) return true;
    return false;
}

static void access_slices(struct plan *p, struct cell *c, const struct device *d)
{
    for (int i = 0; i < p->nslices; i++) {
        if (p->slice[i].device != d) continue;
        access_buffer(c, p->slice[i].input, STARPU_R);
        access_buffer(c, p->slice[i].arena, STARPU_R);
    }
}

static int gradient_cells(struct plan *p, int shard, struct shard_cells *out)
{
    int64_t all = p->state->shard[shard].floats;
    for (int i = 0; i < p->ctx->ndevices; i++) {
        struct device *d = &p->ctx->device[i];
        if (!device_has_slice(p, d)) continue;
        int g = gradient_buffer(p, shard, d, weight_rows_scratch(p, shard, all));
        if (g < 0) return g;
        struct cell *c = new_cell(p, CELL_GRADIENT, d, 1 + p->state->nshards - shard);
        access_buffer(c, g, STARPU_W);
        access_slices(p, c, d);
        emit_shard_rows(p, c, d, shard, ref(g, GRADIENT_HEADER), all, ref(g, GRADIENT_HEADER + all), false);
        out->part[out->parts++] = ref(g, GRADIENT_HEADER);
        if (d != home_device(p)) buffer_write_through(p->buffer[g], 1u << home_device(p)->node);
    }
    return 0;
}

/* All slices on one node and no clipping: gradient and update in one cell. */
static int fused_cell(struct plan *p, int shard)
{
    struct device *d = p->slice[0].device;
    struct hsgd_ref tile, scratch;
    int b = tile_buffer(p, shard, d, &tile, &scratch);
    if (b < 0) return b;
    struct cell *c = new_cell(p, CELL_GRADIENT, d, 0);
    c->affinity = shard - 1;
    access_buffer(c, b, STARPU_W);
    access_slices(p, c, d);
    access_update(p, c, shard);
    emit_shard_rows(p, c, d, shard, tile, TILE_FLOATS, scratch, true);
    return 0;
}

static void access_parts(struct cell *c, const struct shard_cells *s)
{
    for (int i = 0; i < s->parts; i++) access_buffer(c, s->part[i].buffer, STARPU_R);
}

/* The sum over all parts in a buffer of its own, and its sum of squares in
 * the header. */
static int merge_cell(struct plan *p, struct shard_cells *s)
{
    struct device *home = home_device(p);
    s->merged = p->gradient[s->shard] = gradient_buffer(p, s->shard, home, 0);
    if (s->merged < 0) return s->merged;
    struct cell *c = new_cell(p, CELL_MERGE, home, 1);
    struct hsgd_emit e;
    begin_emit(p, &e, c, home);
    access_parts(c, s);
    access_buffer(c, s->merged, STARPU_W);
    int64_t floats = p->state->shard[s->shard].floats;
    emit_sum(&e, s->parts, s->part, ref(s->merged, GRADIENT_HEADER), floats);
    emit_square_sum(p, &e, p->state->shard[s->shard].first, floats, ref(s->merged, GRADIENT_HEADER), ref(s->merged, 0));
    return 0;
}

/* The clipping factor of this step, from all shards' sums of squares. */
static int emit_clip_factor(struct plan *p, struct cell *c, struct hsgd_emit *e, const struct shard_cells *all,
                            struct hsgd_ref *factor)
{
    int b = new_buffer(p, "clip", GRADIENT_HEADER, c->device, false);
    if (b < 0) return b;
    *factor = ref(b, 0);
    access_buffer(c, b, STARPU_W);
    for (int i = 0; i < p->state->nshards; i++) {
        struct clip_add_args a = { i == 0 };
        access_buffer(c, all[i].merged, STARPU_R);
        HSGD_LAUNCH(e, HSGD_KERNEL(clip_add), HSGD_ITEMS, 1, &a, ref(all[i].merged, 0), *factor);
    }
    struct clip_scale_args a = { p->state->options.clip_norm };
    HSGD_LAUNCH(e, HSGD_KERNEL(clip_scale), HSGD_ITEMS, 1, &a, slotted(FIXED_STEP, HSGD_STEP_WORDS), *factor);
    return 0;
}

static void access_partials(const struct plan *p, struct cell *c)
{
    for (int i = 0; i < p->nslices; i++) access_buffer(c, p->slice[i].partial, STARPU_R);
}

static int update_cell(struct plan *p, struct shard_cells *all, int shard)
{
    struct shard_cells *s = &all[shard];
    struct device *home = home_device(p);
    bool clip = p->state->options.clip_norm > 0;
    struct cell *c = new_cell(p, CELL_UPDATE, home, 1);
    struct hsgd_emit e;
    begin_emit(p, &e, c, home);
    if (shard == 0) {
        access_partials(p, c);
        emit_metrics(p, c, &e);
    }
    if (clip) {
        struct hsgd_ref factor, merged = ref(s->merged, GRADIENT_HEADER);
        int err = emit_clip_factor(p, c, &e, all, &factor);
        if (err) return err;
        emit_shard_update(p, c, &e, shard, 1, (struct hsgd_ref[]){ merged, factor, factor }, true);
    } else if (s->parts <= 3) {
        access_parts(c, s);
        emit_shard_update(p, c, &e, shard, s->parts, s->part, false);
    } else {
        struct hsgd_ref merged = ref(s->merged, GRADIENT_HEADER);
        access_buffer(c, s->merged, STARPU_R);
        emit_shard_update(p, c, &e, shard, 1, (struct hsgd_ref[]){ merged, merged, merged }, false);
    }
    return 0;
}

/* Outside training a cell of its own adds up the losses. */
static void metrics_cell(struct plan *p)
{
    struct device *home = home_device(p);
    struct cell *c = new_cell(p, CELL_MERGE, home, 1);
    struct hsgd_emit e;
    begin_emit(p, &e, c, home);
    access_partials(p, c);
    emit_metrics(p, c, &e);
}

static int small_shard(struct plan *p, struct shard_cells *s)
{
    for (int i = 0; i < p->nslices; i++) {
        if (s->parts == MAX_ACCESSES) return hsgd_fail(p->ctx, E2BIG, "more than %d slices", MAX_ACCESSES);
        s->part[s->parts++] = ref(p->slice[i].partial, GRADIENT_HEADER);
    }
    return 0;
}

static int grid_cells(struct plan *p)
{
    struct shard_cells all[MAX_SHARDS] = { 0 };
    bool clip = p->state->options.clip_norm > 0 && p->mode == PLAN_TRAIN, fuse = single_node(p) && !clip;
    for (int i = 0; i < p->nslices; i++) {
        struct cell *c = new_cell(p, CELL_SLICE, p->slice[i].device, 8);
        c->affinity = i;
        slice_program(p, c, &p->slice[i]);
    }
    if (p->mode != PLAN_TRAIN) metrics_cell(p);
    if (p->mode == PLAN_EVALUATE) return 0;
    int err = 0;
    for (int s = 0; !err && s < p->state->nshards; s++) {
        all[s].shard = s;
        if (s == 0) err = small_shard(p, &all[s]);
        else if (!fuse || p->mode == PLAN_GRADIENT) err = gradient_cells(p, s, &all[s]);
        else err = fused_cell(p, s);
        if (!err && (clip || p->mode == PLAN_GRADIENT || all[s].parts > 3)) err = merge_cell(p, &all[s]);
    }
    for (int s = 0; !err && p->mode == PLAN_TRAIN && s < p->state->nshards; s++)
        if (s == 0 || !fuse) err = update_cell(p, all, s);
    return err;
}

/* ---------------------------------------------------------------- binding */

/* Turns plan-wide buffer numbers into positions among the cell's accesses. */
static int bind_refs(struct plan *p, const struct cell *c, struct launch *l)
{
    for (int r = 0; r < l->nrefs; r++) {
        int a = 0;
        while (a < c->naccesses && c->access[a].buffer != l->ref[r].buffer) a++;
        if (a == c->naccesses)
            return hsgd_fail(p->ctx, EINVAL, "cell \"%s\": kernel \"%s\" uses a buffer the cell does not hold", c->name,
                             l->kernel->name);
        l->ref[r].buffer = a;
    }
    return 0;
}

static int bind_variant(struct plan *p, struct cell *c, struct variant *v)
{
    if (v->program.error) return hsgd_fail(p->ctx, v->program.error, "cell \"%s\" could not be described", c->name);
    for (int i = 0; i < v->program.n; i++) {
        struct launch *l = &v->program.launch[i];
        int err = bind_refs(p, c, l);
        if (err) return err;
        if (v->device->info.kind == HSGD_OPENCL && !(l->device_object = opencl_kernel(p->ctx, v->device, l->kernel)))
            return -ENODEV;
        if (v->device->info.kind == HSGD_CPU && !l->kernel->cpu)
            return hsgd_fail(p->ctx, ENODEV, "kernel \"%s\" has no C form", l->kernel->name);
    }
    return cost_bind(p->ctx, c, v);
}

const char *cell_kind_name(enum cell_kind kind)
{
    static const char *const names[CELL_KINDS] = { "slice", "gradient", "merge", "update", "step" };
    return names[kind];
}

int plan_bind_cell(struct plan *p, struct cell *c)
{
    int err = 0;
    snprintf(c->name, sizeof c->name, "%s on %s", cell_kind_name(c->kind), c->nvariants > 1 ? "any" : c->device->info.id);
    for (int i = 0; !err && i < c->nvariants; i++) err = bind_variant(p, c, &c->variant[i]);
    return err;
}

/* ------------------------------------------------------------ life cycle */

int64_t plan_input_floats(const struct plan *p, const struct slice *s)
{
    return (int64_t)s->rows * (hsgd_size(p->state->model->in) + 1);
}

static int slice_buffers(struct plan *p, int index)
{
    struct slice *s = &p->slice[index];
    char name[24];
    if ((s->input = add_buffer(p, NULL, false)) < 0) return s->input;
    for (int slot = 0; slot < PLAN_SLOTS; slot++) {
        struct buffer *b = calloc(1, sizeof *b);
        if (!b) return hsgd_fail(p->ctx, ENOMEM, "out of memory");
        p->slot_buffer[index * PLAN_SLOTS + slot] = b;
        snprintf(name, sizeof name, "input%d.%d", index, slot);
        int err = buffer_create(p->ctx, b, name, plan_input_floats(p, s), true);
        if (err) return err;
    }
    snprintf(name, sizeof name, "arena%d", index);
    if ((s->arena = new_buffer(p, name, slice_arena_floats(p, s), s->device, false)) < 0) return s->arena;
    snprintf(name, sizeof name, "partial%d", index);
    s->partial = new_buffer(p, name, partial_floats(p), s->device, p->mode == PLAN_GRADIENT);
    return s->partial < 0 ? s->partial : 0;
}

static int build(struct plan *p)
{
    int err = add_fixed(p);
    for (int i = 0; !err && i < p->nslices; i++) err = slice_buffers(p, i);
    p->cursor = p->nbuffers;
    for (int first = p->cursor, passes = plan_passes(p); !err && p->pass < passes; p->pass++) {
        p->cursor = first;
        p->ncells = 0;
        err = p->nslices == 1 ? step_cell(p) : grid_cells(p);
    }
    for (int i = 0; !err && i < p->ncells; i++) err = plan_bind_cell(p, &p->cell[i]);
    return err;
}

struct plan *plan_create(struct trainer_state *state, enum plan_mode mode, int n, const struct slice_spec *specs)
{
    struct plan *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    p->ctx = state->ctx;
    p->state = state;
    p->mode = mode;
    p->nslices = n;
    p->slice = calloc((size_t)n, sizeof *p->slice);
    p->slot_buffer = calloc((size_t)n * PLAN_SLOTS, sizeof *p->slot_buffer);
    size_t cells = (size_t)(n + 1 + MAX_SHARDS * (state->ctx->ndevices + 2));
    p->cell = calloc(cells, sizeof *p->cell);
    p->variant = calloc(cells * (size_t)plan_passes(p), sizeof *p->variant);
    for (int i = 0; p->slice && i < n; i++) {
        p->slice[i] = (struct slice){ .device = specs[i].device, .first_row = p->batch, .rows = specs[i].rows };
        p->batch += specs[i].rows;
    }
    int err = p->slice && p->slot_buffer && p->cell && p->variant ? build(p) : hsgd_fail(state->ctx, ENOMEM, "out of memory");
    if (err) plan_destroy(p);
    return err ? NULL : p;
}

void plan_destroy(struct plan *p)
{
    if (!p) return;
    replay_free(p);
    for (int i = 0; p->cell && i < p->ncells; i++)
        for (int k = 0; k < p->cell[i].nvariants; k++) program_free(&p->cell[i].variant[k].program);
    free(p->variant);
    for (int i = 0; i < p->nbuffers; i++)
        if (p->owned[i]) {
            buffer_destroy(p->buffer[i]);
            free(p->buffer[i]);
        }
    for (int i = 0; p->slot_buffer && i < p->nslices * PLAN_SLOTS; i++)
        if (p->slot_buffer[i]) {
            buffer_destroy(p->slot_buffer[i]);
            free(p->slot_buffer[i]);
        }
    free(p->slot_buffer);
    free(p->slice);
    free(p->cell);
    free(p->buffer);
    free(p->owned);
    free(p);
}
