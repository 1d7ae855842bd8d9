/* SPDX-License-Identifier: BSD-3-Clause */
/* From a list of jobs to cells. */
#include "plan_build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "model/metrics.h"
#include "recording.h"

/* ---------------------------------------------------------------- buffers */

static int no_memory(struct builder *b)
{
    if (!b->error) b->error = hsgd_fail(b->plan->ctx, ENOMEM, "out of memory");
    return 0;
}

static int add_buffer(struct builder *b, struct buffer *buffer, struct buffer_plan how)
{
    struct plan *p = b->plan;
    if (p->nbuffers == p->capacity) {
        int capacity = p->capacity ? 2 * p->capacity : 64;
        struct buffer **bigger = realloc(p->buffer, (size_t)capacity * sizeof *bigger);
        if (bigger) p->buffer = bigger;
        struct buffer_plan *plans = realloc(p->buffer_plan, (size_t)capacity * sizeof *plans);
        if (plans) p->buffer_plan = plans;
        if (!bigger || !plans) return no_memory(b);
        p->capacity = capacity;
    }
    p->buffer[p->nbuffers] = buffer;
    p->buffer_plan[p->nbuffers] = how;
    return p->nbuffers++;
}

int foreign_buffer(struct builder *b, struct buffer *buffer)
{
    for (int i = 0; i < b->plan->nbuffers; i++)
        if (b->plan->buffer[i] == buffer) return i;
    return add_buffer(b, buffer, (struct buffer_plan){ 0 });
}

static struct buffer *buffer_to_be(struct builder *b, const char *name, int64_t floats)
{
    struct buffer *new = calloc(1, sizeof *new);
    if (!new) {
        no_memory(b);
        return NULL;
    }
    snprintf(new->name, sizeof new->name, "%s", name);
    new->floats = floats;
    return new;
}

int new_buffer(struct builder *b, const char *name, int64_t floats, const struct device *near, bool read_back)
{
    struct buffer_plan how = { .owned = true, .in_main_memory = near->info.kind == HSGD_CPU || read_back };
    struct buffer *new = buffer_to_be(b, name, floats);
    int before = b->plan->nbuffers, i = new ? add_buffer(b, new, how) : 0;
    if (b->plan->nbuffers == before) free(new);
    return i;
}

void grow_buffer(struct builder *b, struct hsgd_ref place, int64_t floats)
{
    int64_t end = place.offset / (int64_t)sizeof(float) + floats;
    if (!b->error && b->plan->buffer[place.buffer]->floats < end) b->plan->buffer[place.buffer]->floats = end;
}

static void add_fixed(struct builder *b)
{
    struct store *s = b->plan->store;
    struct buffer *state = b->plan->updater.state;
    const struct buffer_plan foreign = { 0 };
    add_buffer(b, &s->step, foreign);
    add_buffer(b, &s->metrics, foreign);
    for (int i = 0; i < MAX_SHARDS; i++) add_buffer(b, &s->param[i], foreign);
    for (int i = 0; i < MAX_SHARDS; i++) add_buffer(b, state ? &state[i] : NULL, foreign);
}

/* ------------------------------------------------------------------- jobs */

struct job *add_job(struct builder *b, const struct job_type *type, enum cell_kind kind, struct device *device)
{
    const struct hsgd_ref absent = { .buffer = -1 };
    if (!array_grow((void **)&b->job, b->njobs, &b->capacity, sizeof *b->job)) {
        no_memory(b);
        return &b->none;
    }
    struct job *j = &b->job[b->njobs++];
    *j = (struct job){ .type = type,
                       .kind = kind,
                       .device = device,
                       .affinity = -1,
                       .joins = kind == CELL_STEP && b->njobs > 1 && j[-1].kind == CELL_STEP,
                       .place = absent,
                       .scratch = absent };
    return j;
}

/* ------------------------------------------------------------------ cells */

void access_buffer(struct cell *c, int buffer, enum starpu_data_access_mode mode)
{
    for (int i = 0; i < c->naccesses; i++)
        if (c->access[i].buffer == buffer) {
            if (c->access[i].mode == STARPU_R && mode != STARPU_R) c->access[i].mode = STARPU_RW;
            return;
        }
    if (c->naccesses == MAX_ACCESSES) {
        c->variant[0].program.error = E2BIG;
        return;
    }
    c->access[c->naccesses++] = (struct access){ buffer, mode };
}

/* The devices that cells are described for, at most. */
static int variants(const struct plan *p) { return p->placed ? p->ctx->ndevices : 1; }

/* Its own, or all where StarPU chooses: of several slices these alone, because parameters
 * that wander keep devices waiting for each other. */
static int variants_of(const struct plan *p, const struct job *j)
{
    return j->kind == CELL_SLICE || p->nslices == 1 ? variants(p) : 1;
}

static void begin_cell(struct plan *p, const struct job *j)
{
    struct cell *c = &p->cell[p->ncells];
    c->nvariants = variants_of(p, j);
    c->variant = p->variant + p->ncells++ * variants(p);
    for (int i = 0; i < c->nvariants; i++) c->variant[i].device = c->nvariants > 1 ? &p->ctx->device[i] : j->device;
    c->kind = j->kind;
    c->device = j->device;
    c->priority = j->priority;
    c->affinity = j->affinity;
}

/* What the cell is for (about.h). */
static void note_job(struct cell *c, const struct job *j)
{
    if (j->type->of_shard) c->shards |= 1u << j->index;
    if (j->type != &slice_job) return;
    c->of_slice = true;
    c->segment = j->segment;
}

static void emit_job(struct builder *b, const struct job *j, struct cell *c)
{
    for (int i = 0; !b->error && i < c->nvariants; i++) {
        struct device *d = c->variant[i].device;
        struct hsgd_emit e = {
            .kind = d->info.kind, .units = d->units, .device = d, .program = &c->variant[i].program, .training = true
        };
        j->type->emit(b, j, &e);
    }
}

static void make_cells(struct builder *b)
{
    struct plan *p = b->plan;
    size_t cells = 0;
    for (int i = 0; i < b->njobs; i++) cells += !b->job[i].joins;
    p->cell = calloc(cells, sizeof *p->cell);
    p->variant = calloc(cells * (size_t)variants(p), sizeof *p->variant);
    if (!p->cell || !p->variant) no_memory(b);
    for (int i = 0; !b->error && i < b->njobs; i++) {
        const struct job *j = &b->job[i];
        if (!j->joins) begin_cell(p, j);
        struct cell *c = &p->cell[p->ncells - 1];
        j->type->access(b, j, c);
        note_job(c, j);
        recording_add(p, j, c);
        emit_job(b, j, c);
    }
}

/* ------------------------------------------------------------------ slices */

int64_t plan_input_floats(const struct plan *p, const struct slice *s)
{
    return slice_input_bytes(p, s->rows) / (int64_t)sizeof(float);
}

/* What a slice returns: sums, and gradients unless they are deferred. */
static int64_t partial_floats(const struct builder *b, const struct slice *s)
{
    const struct hsgd_model *m = b->plan->model;
    if (b->plan->mode == PLAN_PREDICT) return b->plan->window * slice_result(b->plan, s->rows, plan_outputs(b->plan));
    if (b->plan->mode == PLAN_EVALUATE) return slice_header(m);
    return slice_header(m) + (b->plan->tape ? backward_floats(b->plan->tape) : m->floats);
}

static void add_slice(struct builder *b, int index)
{
    struct plan *p = b->plan;
    struct slice *s = &p->slice[index];
    bool read_back = p->mode == PLAN_GRADIENT || p->mode == PLAN_PREDICT;
    char name[24];
    for (int slot = 0; slot < p->slots; slot++) {
        snprintf(name, sizeof name, "input%d.%d", index, (unsigned char)slot);
        p->slot_buffer[index * p->slots + slot] = buffer_to_be(b, name, plan_input_floats(p, s));
    }
    s->input = add_buffer(b, NULL, (struct buffer_plan){ 0 });
    snprintf(name, sizeof name, "arena%d", index);
    s->arena = s->part ? s[-1].arena : new_buffer(b, name, 0, s->device, false);
    s->partial = s->part > 1 ? s[-1].partial : 0;
    if (s->partial) return;
    snprintf(name, sizeof name, "partial%d", index);
    s->partial = new_buffer(b, name, partial_floats(b, s), s->device, read_back);
}

/* What slices return between segments, and as each has it from all of them. */
static void add_sums(struct builder *b)
{
    struct plan *p = b->plan;
    const int64_t *begin = p->tape->sums_begin;
    int segments = p->tape->segments;
    char name[40];
    p->sums = calloc((size_t)(p->nslices * segments), sizeof *p->sums);
    p->merged = calloc((size_t)p->nslices, sizeof *p->merged);
    if (!p->sums || !p->merged) no_memory(b);
    if (b->error || !begin[segments]) return;
    if (p->nslices == 1) p->sums[0] = new_buffer(b, "sums", begin[segments], p->slice[0].device, false);
    for (int i = 0; p->nslices > 1 && i < p->nslices; i++) {
        for (int k = 0; k < segments; k++) {
            snprintf(name, sizeof name, "sums%d.%d", i, k);
            if (begin[k + 1] > begin[k])
                p->sums[i * segments + k] = new_buffer(b, name, begin[k + 1] - begin[k], p->slice[i].device, false);
        }
        snprintf(name, sizeof name, "merged%d", i);
        p->merged[i] = new_buffer(b, name, begin[segments], p->slice[i].device, false);
    }
}

/* Numbers of terms of a slice, and behind them those of one of its parts. */
static void add_terms(struct builder *b)
{
    struct plan *p = b->plan;
    char name[24];
    if (plan_forward_only(p) || !losses_counted(p->model)) return;
    p->terms = calloc((size_t)p->nslices, sizeof *p->terms);
    if (!p->terms) no_memory(b);
    for (int i = 0; p->terms && i < p->nslices; i++) {
        snprintf(name, sizeof name, "terms%d", i);
        p->terms[i] =
            p->slice[i].part ? p->terms[i - 1] : new_buffer(b, name, 2 * MAX_LOSSES, p->slice[i].device, false);
    }
}

/* --------------------------------------------------------------- the whole */

/* All slices on one device. */
static bool single_node(const struct plan *p)
{
    for (int i = 1; i < p->nslices; i++)
        if (p->slice[i].device != p->slice[0].device) return false;
    return true;
}

/* Where all slices are on one device gradients can be used at once; but
 * clipping needs all of them before, and a GPU with one slice wants few and
 * large products, and one pass over all parameters. */
static enum deferral choose_deferral(const struct plan *p)
{
    bool one = p->nslices == 1, used = p->mode == PLAN_TRAIN && !(p->updater.clip_norm > 0) && single_node(p);
    if (plan_forward_only(p) || (!one && p->store->nshards == 1)) return IN_BACKWARD;
    if (p->placed) return IN_BACKWARD; /* arenas are where their slices ran */
    for (int i = 0; i < p->nslices; i++)
        if (p->slice[i].part) return IN_BACKWARD; /* the next part needs the arena */
    if (one) return used && p->slice[0].device->info.kind != HSGD_CUDA ? BY_ROWS_USED : IN_BACKWARD;
    return used ? BY_ROWS_USED : BY_ROWS;
}

/* defers: gradients of large weights may be left to later cells.  False: out of memory. */
static bool make_tape(struct plan *p, bool defers)
{
    struct tape *t = malloc(sizeof *t);
    struct tape_spec spec = { .gradients = !plan_forward_only(p),
                              .wanted = p->mode == PLAN_PREDICT ? &p->wanted : NULL };
    for (int i = 0; defers && i < p->nslices; i++)
        if (p->slice[i].rows > spec.defer_rows) spec.defer_rows = p->slice[i].rows;
    bool there = t && tape_make(t, p->model, &spec);
    if (there) p->tape = t;
    else free(t);
    return there;
}

int plan_describe(struct plan *p, const struct plan_hooks *hooks)
{
    static const struct plan_hooks none = { 0 };
    struct builder b = { .plan = p, .deferral = choose_deferral(p) };
    if (!hooks) hooks = &none;
    add_fixed(&b);
    if (p->cache) p->cache_index = foreign_buffer(&b, p->cache);
    if (!hooks->no_step && !make_tape(p, b.deferral != IN_BACKWARD)) return no_memory(&b), b.error;
    if (p->tape && !p->tape->defers) b.deferral = IN_BACKWARD;
    for (int i = 0; i < p->nslices; i++) add_slice(&b, i);
    if (p->tape) add_sums(&b);
    if (p->tape) add_terms(&b);
    if (hooks->before) hooks->before(&b, hooks->user);
    if (!hooks->no_step) plan_step_jobs(&b);
    if (hooks->after) hooks->after(&b, hooks->user);
    make_cells(&b);
    free(b.job);
    return b.error;
}

static int make_buffer(struct hsgd_context *ctx, struct buffer *b, bool in_main_memory)
{
    struct buffer named = *b;
    return buffer_create(ctx, b, named.name, named.floats, in_main_memory);
}

static int make_inputs(struct plan *p, int slice)
{
    int err = 0;
    for (int i = 0; !err && i < p->slots; i++) err = make_buffer(p->ctx, p->slot_buffer[slice * p->slots + i], true);
    return err;
}

int plan_make_buffers(struct plan *p)
{
    int err = 0;
    for (int i = 0, slice = 0; !err && i < p->nbuffers; i++) {
        const struct buffer_plan *how = &p->buffer_plan[i];
        if (slice < p->nslices && p->slice[slice].input == i) err = make_inputs(p, slice++);
        if (!how->owned || err) continue;
        err = make_buffer(p->ctx, p->buffer[i], how->in_main_memory);
        if (!err && how->nodes) buffer_write_through(p->buffer[i], how->nodes);
    }
    return err;
}
