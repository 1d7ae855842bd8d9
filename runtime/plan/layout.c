/* SPDX-License-Identifier: BSD-3-Clause */
#include "layout.h"

#include <math.h>
#include <stdlib.h>

#include "cost.h"
#include "device/devices.h"

/* ------------------------------------------------------------------ copies */

/* Bit i: memory node i has what is valid. */
typedef uint32_t nodes;

/* A batch comes from main memory, whatever a step before has left. */
static void new_batch(const struct plan *p, nodes *valid)
{
    for (int i = 0; i < p->nslices; i++) valid[p->slice[i].input] = 1u << STARPU_MAIN_RAM;
}

static const struct device *with_node(const struct plan *p, nodes valid)
{
    for (int i = 0; i < p->ctx->ndevices; i++)
        if (valid >> p->ctx->device[i].node & 1) return &p->ctx->device[i];
    return NULL;
}

static double one_way(const struct plan *p, const struct device *d, bool to_device, size_t bytes, struct copies *total)
{
    double ms = 1e-3 * device_copy_us(d, to_device, bytes);
    struct copies *c = &total[d - p->ctx->device];
    *(to_device ? &c->to : &c->from) += 1;
    *(to_device ? &c->bytes_to : &c->bytes_from) += (int64_t)bytes;
    *(to_device ? &c->ms_to : &c->ms_from) += ms;
    return isfinite(ms) ? ms : 0;
}

/* The copies of a cell, in milliseconds. */
struct copying {
    const struct device *owner; /* who makes the copies to main memory */
    double from, to;
};

/* What an access has to copy: from the device that has it to main memory, and from there. */
static void copy(const struct plan *p, const struct device *d, const struct access *a, nodes *valid, struct copying *c,
                 struct copies *total)
{
    nodes here = 1u << d->node, main = 1u << STARPU_MAIN_RAM;
    size_t bytes = (size_t)plan_buffer(p, a->buffer, 0)->floats * sizeof(float);
    const struct device *owner = with_node(p, *valid & ~main);
    if (a->mode & STARPU_R && *valid && !(*valid & here)) {
        if (!(*valid & main) && owner) c->from += one_way(p, c->owner = owner, false, bytes, total);
        if (here != main) c->to += one_way(p, d, true, bytes, total);
        *valid |= here | main;
    }
    if (a->mode & STARPU_W) *valid = here;
}

static void copy_all(const struct plan *p, nodes *valid, struct copying *of, struct copies *total)
{
    new_batch(p, valid);
    for (int i = 0; i < p->ncells; i++) {
        const struct cell *c = &p->cell[i];
        of[i] = (struct copying){ 0 };
        for (int k = 0; k < c->naccesses; k++)
            copy(p, c->device, &c->access[k], &valid[c->access[k].buffer], &of[i], total);
    }
}

/* The second of two steps: the first only leaves things where they lie from then on. */
static void find_copies(const struct plan *p, struct copying *of, struct copies *copies)
{
    struct copies first[MAX_DEVICES] = { 0 };
    nodes *valid = calloc((size_t)p->nbuffers, sizeof *valid);
    for (int i = 0; i < p->ctx->ndevices; i++) copies[i] = (struct copies){ 0 };
    for (int i = 0; i < p->ncells; i++) of[i] = (struct copying){ 0 };
    if (!valid) return;
    copy_all(p, valid, of, first);
    copy_all(p, valid, of, copies);
    free(valid);
}

/* ---------------------------------------------------------------- schedule */

/* When the last cell so far that writes a buffer ends, and the last that reads it: who reads waits for the first, who
 * writes for both. */
struct uses {
    double written, read;
};

static double ready_at(const struct cell *c, const struct uses *of)
{
    double t = 0;
    for (int i = 0; i < c->naccesses; i++) {
        const struct uses *u = &of[c->access[i].buffer];
        t = fmax(t, c->access[i].mode & STARPU_W ? fmax(u->written, u->read) : u->written);
    }
    return t;
}

static void note_uses(const struct cell *c, double end, struct uses *of)
{
    for (int i = 0; i < c->naccesses; i++) {
        struct uses *u = &of[c->access[i].buffer];
        if (c->access[i].mode & STARPU_W) u->written = end;
        else u->read = fmax(u->read, end);
    }
}

/* The worker the plan names, or the first free one. */
static int worker_for(const struct plan *p, const struct cell *c, const double *worker_end)
{
    const struct device *d = c->device;
    if (c->affinity >= 0 && p->ctx->chose_policy) return c->affinity % d->info.workers;
    int first = 0;
    for (int w = 1; w < d->info.workers; w++)
        if (worker_end[d->worker[w]] < worker_end[d->worker[first]]) first = w;
    return first;
}

/* When what a cell reads is in main memory: its owner's first worker copies it there. */
static double fetched_at(const struct copying *c, double ready, double *worker_end)
{
    if (!c->owner) return ready;
    double *owner = &worker_end[c->owner->worker[0]];
    return *owner = fmax(ready, *owner) + c->from;
}

double layout(const struct plan *p, struct place *place, struct copies *copies)
{
    struct copies unwanted[MAX_DEVICES];
    struct copying copied[p->ncells];
    struct uses *uses = calloc((size_t)p->nbuffers, sizeof *uses);
    double worker_end[MAX_WORKERS] = { 0 }, last = 0;
    find_copies(p, copied, copies ? copies : unwanted);
    for (int i = 0; i < p->ncells; i++) {
        const struct cell *c = &p->cell[i];
        double ready = fetched_at(&copied[i], uses ? ready_at(c, uses) : last, worker_end);
        int w = worker_for(p, c, worker_end);
        double *end = &worker_end[c->device->worker[w]], start = fmax(ready, *end) + copied[i].to;
        *end = start + 1e-3 * cost_us(&c->variant[0]);
        place[i] = (struct place){ start, *end, copied[i].to, w };
        if (uses) note_uses(c, *end, uses);
        last = fmax(last, *end);
    }
    free(uses);
    return last;
}
