/* SPDX-License-Identifier: BSD-3-Clause */
/* Plans: their life, and binding cells to buffers and devices. */
#include "plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cost.h"
#include "cuda_device.h"
#include "opencl_device.h"
#include "plan_build.h"

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

/* Finds the kernel's form for the device. */
static int bind_kernel(struct plan *p, struct device *d, struct launch *l, const unsigned char *args)
{
    if (d->info.kind == HSGD_CUDA) return cuda_launch_bind(p->ctx, d, l, args);
    if (d->info.kind == HSGD_OPENCL) return (l->device_object = opencl_kernel(p->ctx, d, l->kernel)) ? 0 : -ENODEV;
    return l->kernel->cpu ? 0 : hsgd_fail(p->ctx, ENODEV, "kernel \"%s\" has no C form", l->kernel->name);
}

static int bind_variant(struct plan *p, struct cell *c, struct variant *v)
{
    if (v->program.error) return hsgd_fail(p->ctx, v->program.error, "cell \"%s\" could not be described", c->name);
    for (int i = 0; i < v->program.n; i++) {
        struct launch *l = &v->program.launch[i];
        int err = bind_refs(p, c, l);
        if (!err) err = bind_kernel(p, v->device, l, v->program.args + l->args);
        if (err) return err;
    }
    return cost_bind(p->ctx, c, v);
}

const char *cell_kind_name(enum cell_kind kind)
{
    static const char *const names[CELL_KINDS] = { "slice", "gradient", "merge", "update", "step", "pull", "push" };
    return names[kind];
}

int plan_bind_cell(struct plan *p, struct cell *c)
{
    int err = 0;
    snprintf(c->name, sizeof c->name, "%s on %s", cell_kind_name(c->kind),
             c->nvariants > 1 ? "any" : c->device->info.id);
    for (int i = 0; i < c->naccesses; i++) {
        int shard = c->access[i].buffer - FIXED_PARAM;
        c->updates |= shard >= 0 && shard < MAX_SHARDS && c->access[i].mode != STARPU_R;
    }
    for (int i = 0; !err && i < c->nvariants; i++) err = bind_variant(p, c, &c->variant[i]);
    return err;
}

/* ------------------------------------------------------------ life cycle */

int64_t plan_input_floats(const struct plan *p, const struct slice *s)
{
    return (int64_t)s->rows * (hsgd_size(p->store->model->in) + 1);
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
    bool read_back = p->mode == PLAN_GRADIENT || p->mode == PLAN_PREDICT;
    s->partial = new_buffer(p, name, partial_floats(p, s), s->device, read_back);
    return s->partial < 0 ? s->partial : 0;
}

static int build(struct plan *p, const struct plan_hooks *hooks)
{
    static const struct plan_hooks none = { 0 };
    int err = add_fixed(p);
    if (!hooks) hooks = &none;
    for (int i = 0; !err && i < p->nslices; i++) err = slice_buffers(p, i);
    p->cursor = p->nbuffers;
    for (int first = p->cursor, passes = plan_passes(p); !err && p->pass < passes; p->pass++) {
        p->cursor = first;
        p->ncells = 0;
        if (hooks->before) err = hooks->before(p, hooks->user);
        if (!err && !hooks->no_step) err = p->nslices == 1 ? plan_step_cells(p, hooks) : plan_grid_cells(p);
        if (!err && hooks->after) err = hooks->after(p, hooks->user);
    }
    for (int i = 0; !err && i < p->ncells; i++) err = plan_bind_cell(p, &p->cell[i]);
    return err;
}

static void take_spec(struct plan *p, struct store *store, const struct plan_spec *spec)
{
    p->ctx = store->ctx;
    p->store = store;
    p->mode = spec->mode;
    p->nslices = spec->n;
    p->tag = spec->tag;
    p->exchanges = spec->exchanges;
    p->worker = spec->worker;
    p->failure = spec->failure ? spec->failure : &p->ctx->failure;
    if (spec->updater) p->updater = *spec->updater;
}

struct plan *plan_create(struct store *store, const struct plan_spec *spec)
{
    int n = spec->n;
    struct plan *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    take_spec(p, store, spec);
    p->slice = calloc((size_t)n, sizeof *p->slice);
    p->slot_buffer = calloc((size_t)n * PLAN_SLOTS, sizeof *p->slot_buffer);
    size_t cells = (size_t)(n + 1 + MAX_SHARDS * (p->ctx->ndevices + 2));
    p->cell = calloc(cells, sizeof *p->cell);
    p->variant = calloc(cells * (size_t)plan_passes(p), sizeof *p->variant);
    for (int i = 0; p->slice && i < n; i++) {
        const struct slice_spec *s = &spec->slice[i];
        p->slice[i] = (struct slice){ .device = s->device, .first_row = p->batch, .rows = s->rows };
        p->batch += s->rows;
    }
    bool there = p->slice && p->slot_buffer && p->cell && p->variant;
    int err = there ? build(p, spec->hooks) : hsgd_fail(p->ctx, ENOMEM, "out of memory");
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
