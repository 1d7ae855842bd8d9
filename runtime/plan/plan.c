/* SPDX-License-Identifier: BSD-3-Clause */
/* Plans: their life, and binding cells to buffers and devices. */
#include "plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cost.h"
#include "device/cuda_device.h"
#include "device/opencl_program.h"
#include "model/sizes.h"
#include "plan_build.h"

struct buffer *plan_buffer(const struct plan *p, int index, int slot)
{
    for (int s = 0; s < p->nslices; s++)
        if (p->slice[s].input == index) return p->slot_buffer[s * p->slots + slot];
    return p->buffer[index];
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
    if (d->info.kind == HSGD_CUDA) return cuda_kernel_bind(p->ctx, d, l->kernel, args, l->ref, &l->device_object);
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

/* The results, and behind them those by which their gradients are, and those that are given. */
static void take_wanted(struct plan *p, const struct wanted *w)
{
    int *by = p->value + w->nresults, *given = by + w->nby;
    p->wanted = (struct wanted){ w->nresults, p->value, w->nby, by, w->ngiven, given };
    for (int i = 0; i < w->nresults; i++) p->value[i] = w->result[i];
    for (int i = 0; i < w->nby; i++) by[i] = w->by[i];
    for (int i = 0; i < w->ngiven; i++) given[i] = w->given[i];
}

static void take_spec(struct plan *p, struct store *store, const struct plan_spec *spec)
{
    p->ctx = store->ctx;
    p->store = store;
    p->model = sizes_share(store->sized);
    p->mode = spec->mode;
    p->placed = spec->placed || p->ctx->starpu_places;
    if (store->is_trial && spec->mode == PLAN_TRAIN) p->placed = false; /* trials are of devices */
    p->tag = spec->tag;
    p->exchanges = spec->exchanges;
    p->window = spec->window;
    p->slots = spec->mode == PLAN_PREDICT && spec->window == 1 ? 1 : PLAN_SLOTS;
    take_wanted(p, &spec->wanted);
    p->cache = spec->cache;
    p->worker = spec->worker;
    p->failure = spec->failure ? spec->failure : &p->ctx->failure;
    if (spec->updater) p->updater = *spec->updater;
}

/* Rows of a part, in whole blocks where there are enough. */
static int part_rows(const struct plan *p, int rows)
{
    int parts = p->updater.accumulate > 1 ? p->updater.accumulate : 1, block = p->model->block;
    int size = (rows + parts - 1) / parts;
    return size > block ? (size + block - 1) / block * block : size;
}

int plan_parts(const struct plan *p)
{
    int last = 0;
    for (int i = 0; i < p->nslices; i++)
        if (p->slice[i].part > last) last = p->slice[i].part;
    return last + 1;
}

int plan_part_first(const struct plan *p, int part)
{
    int i = 0;
    while (i < p->nslices - 1 && p->slice[i].part != part) i++;
    return i;
}

int plan_part_rows(const struct plan *p, int part)
{
    int rows = 0;
    for (int i = 0; i < p->nslices; i++)
        if (p->slice[i].part == part) rows += p->slice[i].rows;
    return rows;
}

static void take_parts(struct plan *p, int share, const struct slice_spec *spec, int size)
{
    for (int part = 0, done = 0; done < spec->rows; part++, done += size) {
        int rows = spec->rows - done < size ? spec->rows - done : size;
        p->slice[p->nslices++] =
            (struct slice){ .device = spec->device, .share = share, .part = part, .first_row = p->batch, .rows = rows };
        p->batch += rows;
    }
}

static bool take_slices(struct plan *p, const struct plan_spec *spec)
{
    int slices = 0;
    for (int i = 0; i < spec->n; i++) slices += (spec->slice[i].rows - 1) / part_rows(p, spec->slice[i].rows) + 1;
    p->slice = calloc((size_t)slices, sizeof *p->slice);
    p->slot_buffer = calloc((size_t)slices * (size_t)p->slots, sizeof *p->slot_buffer);
    if (!p->slice || !p->slot_buffer) return false;
    for (int i = 0; i < spec->n; i++) take_parts(p, i, &spec->slice[i], part_rows(p, spec->slice[i].rows));
    return true;
}

struct plan *plan_sketch(struct store *store, const struct plan_spec *spec)
{
    struct plan *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    take_spec(p, store, spec);
    int err = take_slices(p, spec) ? plan_describe(p, spec->hooks) : hsgd_fail(p->ctx, ENOMEM, "out of memory");
    if (err) plan_destroy(p);
    return err ? NULL : p;
}

struct plan *plan_create(struct store *store, const struct plan_spec *spec)
{
    struct plan *p = plan_sketch(store, spec);
    int err = p ? plan_make_buffers(p) : 0;
    for (int i = 0; p && !err && i < p->ncells; i++) err = plan_bind_cell(p, &p->cell[i]);
    if (err) plan_destroy(p);
    return err ? NULL : p;
}

void plan_destroy(struct plan *p)
{
    if (!p) return;
    context_begin(p->ctx); /* workers that rest let go of no task, and fetch nothing */
    if (p->replay) p->replay_free(p);
    if (p->tape) tape_free(p->tape);
    free(p->tape);
    sizes_let_go(p->model);
    free(p->sums);
    free(p->merged);
    free(p->terms);
    for (int i = 0; p->cell && i < p->ncells; i++)
        if (p->cell[i].stand_in) starpu_task_destroy(p->cell[i].stand_in);
    for (int i = 0; p->cell && i < p->ncells; i++)
        for (int k = 0; k < p->cell[i].nvariants; k++) program_free(&p->cell[i].variant[k].program);
    free(p->variant);
    for (int i = 0; i < p->nbuffers; i++)
        if (p->buffer_plan[i].owned) {
            buffer_destroy(p->buffer[i]);
            free(p->buffer[i]);
        }
    for (int i = 0; p->slot_buffer && i < p->nslices * p->slots; i++)
        if (p->slot_buffer[i]) {
            buffer_destroy(p->slot_buffer[i]);
            free(p->slot_buffer[i]);
        }
    context_end(p->ctx);
    free(p->slot_buffer);
    free(p->slice);
    free(p->cell);
    free(p->buffer);
    free(p->buffer_plan);
    free(p);
}
