/* SPDX-License-Identifier: BSD-3-Clause */
#include "memory.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/c_locale.h"

#define USABLE 0.95 /* of a device's memory: fragments are lost */

/* What of a plan lies on one device. */
struct needs {
    struct plan *plan;
    struct device *device;
    int n;
    size_t *missing; /* bytes of each of n buffers that are not there yet; NULL: not asked for */
    size_t all;      /* bytes of all buffers, there or not */
    bool counts;     /* they count as the device's memory from now on */
};

static void note(const struct needs *w, const char *format, ...)
{
    struct failure what = { .err = ENOMEM, .device = w->device };
    va_list args;
    va_start(args, format);
    failure_note(w->plan->failure, &what, format, args);
    va_end(args);
}

static double megabytes(size_t bytes) { return (double)bytes / (1 << 20); }

/* ------------------------------------------------------------ what is needed */

static void need_buffer(struct needs *w, struct buffer *b)
{
    int allocated = 0, valid, requested;
    size_t bytes = (size_t)b->floats * sizeof(float);
    w->all += bytes;
    if (w->counts) buffer_count(b, w->device);
    if (!w->missing) return;
    starpu_data_query_status(b->handle, (int)w->device->node, &allocated, &valid, &requested);
    if (!allocated) w->missing[w->n++] = bytes;
}

/* Inputs have a buffer per slot. */
static void need(struct needs *w, int index)
{
    for (int slot = 0; slot < w->plan->slots; slot++) {
        struct buffer *b = plan_buffer(w->plan, index, slot);
        if (slot == 0 || b != plan_buffer(w->plan, index, 0)) need_buffer(w, b);
    }
}

static void survey(struct needs *w)
{
    struct plan *p = w->plan;
    bool seen[p->nbuffers];
    memset(seen, 0, sizeof seen);
    for (int i = 0; i < p->ncells; i++) {
        const struct cell *c = &p->cell[i];
        if (!cell_variant(&p->cell[i], w->device)) continue;
        for (int k = 0; k < c->naccesses; k++) {
            if (!seen[c->access[k].buffer]) need(w, c->access[k].buffer);
            seen[c->access[k].buffer] = true;
        }
    }
}

/* ------------------------------------------------------------- what is there */

/* Takes it all and gives it back. */
static bool can_be_had(const struct needs *w)
{
    uintptr_t block[w->n + 1];
    int got = 0;
    while (got < w->n && (block[got] = starpu_malloc_on_node(w->device->node, w->missing[got]))) got++;
    for (int i = 0; i < got; i++) starpu_free_on_node(w->device->node, block[i], w->missing[i]);
    return got == w->n;
}

/* What other plans have there StarPU evicts. */
static bool suffices(const struct needs *w)
{
    unsigned node = w->device->node;
    starpu_ssize_t total = starpu_memory_get_total(node), free = starpu_memory_get_available(node);
    size_t missing = 0;
    for (int i = 0; i < w->n; i++) missing += w->missing[i];
    const char *name = w->device->info.id;
    if ((double)w->all > memory_room(w->device)) {
        note(w, "%s", memory_too_small(w->device, w->plan->batch, w->all).text);
        return false;
    }
    if ((total > 0 && missing > (size_t)free) || can_be_had(w)) return true;
    note(w, "%s: a batch of %d needs %.1f MiB more of its memory, which are not there", name, w->plan->batch,
         megabytes(missing));
    return false;
}

struct memory_sentence memory_too_small(const struct device *d, int batch, size_t bytes)
{
    struct memory_sentence s;
    c_snprintf(s.text, sizeof s.text, "%s: a batch of %d needs %.1f MiB of its memory, which has %.1f MiB", d->info.id,
               batch, megabytes(bytes), megabytes((size_t)starpu_memory_get_total(d->node)));
    return s;
}

double memory_room(const struct device *d)
{
    starpu_ssize_t total = d->node == STARPU_MAIN_RAM ? 0 : starpu_memory_get_total(d->node);
    return total > 0 ? USABLE * (double)total : INFINITY;
}

bool memory_holds(const struct device *d, int64_t floats) { return (double)floats * sizeof(float) <= memory_room(d); }

size_t memory_need(struct plan *p, struct device *d)
{
    struct needs w = { .plan = p, .device = d };
    survey(&w);
    return w.all;
}

bool memory_suffices(struct plan *p)
{
    size_t missing[p->nbuffers * p->slots];
    bool enough = true;
    for (int i = 0; enough && i < p->ctx->ndevices; i++) {
        struct needs w = { .plan = p, .device = &p->ctx->device[i], .missing = missing };
        if (w.device->node == STARPU_MAIN_RAM) continue;
        survey(&w);
        enough = suffices(&w);
    }
    for (int i = 0; enough && i < p->ctx->ndevices; i++) {
        struct needs w = { .plan = p, .device = &p->ctx->device[i], .counts = true };
        survey(&w);
    }
    return enough;
}
