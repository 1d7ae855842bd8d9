/* SPDX-License-Identifier: BSD-3-Clause */
#include "plan_cache.h"

#include "base/grow.h"

struct plan *plan_cache_find(struct plan_cache *c, const struct hsgd_model *sized, enum plan_mode mode, int batch,
                             int tag)
{
    for (int i = 0; i < c->n; i++) {
        struct plan *p = c->plan[i];
        if (p->model != sized || p->mode != mode || p->batch != batch || p->tag != tag) continue;
        p->last_used = ++c->uses;
        return p;
    }
    return NULL;
}

/* Bytes of the buffers that a plan has alone, which stay where they are while it rests. */
static int64_t bytes_of(const struct plan *p)
{
    int64_t floats = 0;
    for (int i = 0; i < p->nslices * p->slots; i++) floats += p->slot_buffer[i]->floats;
    for (int i = 0; i < p->nbuffers; i++)
        if (p->buffer_plan[i].owned) floats += p->buffer[i]->floats;
    return floats * (int64_t)sizeof(float);
}

static void drop_oldest(struct plan_cache *c)
{
    int oldest = 0;
    for (int i = 1; i < c->n; i++)
        if (c->plan[i]->last_used < c->plan[oldest]->last_used) oldest = i;
    plan_destroy(c->plan[oldest]);
    c->plan[oldest] = c->plan[--c->n];
}

/* Whether there is no room for p. */
static bool is_full(const struct plan_cache *c, const struct plan *p)
{
    int64_t bytes = bytes_of(p);
    if (c->n == c->most || !c->bytes || c->n < FEW_PLANS) return c->n == c->most;
    for (int i = 0; i < c->n; i++) bytes += bytes_of(c->plan[i]);
    return bytes > c->bytes;
}

struct plan *plan_cache_keep(struct plan_cache *c, struct plan *p)
{
    while (is_full(c, p)) drop_oldest(c);
    p->last_used = ++c->uses;
    c->made++;
    if (array_grow((void **)&c->plan, c->n, &c->capacity, sizeof *c->plan)) return c->plan[c->n++] = p;
    hsgd_fail(p->ctx, ENOMEM, "out of memory");
    plan_destroy(p);
    return NULL;
}

void plan_cache_replace(struct plan_cache *c, struct plan *p, struct plan *better)
{
    int i = 0;
    while (c->plan[i] != p) i++;
    better->last_used = p->last_used;
    plan_destroy(p);
    c->plan[i] = better;
}

static bool uses(const struct plan *p, const struct device *d)
{
    for (int i = 0; i < p->ncells; i++)
        if (cell_variant(&p->cell[i], d)) return true;
    return false;
}

void plan_cache_drop(struct plan_cache *c, const struct device *d)
{
    for (int i = c->n - 1; i >= 0; i--) {
        if (!uses(c->plan[i], d)) continue;
        plan_destroy(c->plan[i]);
        c->plan[i] = c->plan[--c->n];
    }
}

void plan_cache_close(struct plan_cache *c)
{
    for (int i = 0; i < c->n; i++) plan_destroy(c->plan[i]);
    free(c->plan);
    *c = (struct plan_cache){ 0 };
}
