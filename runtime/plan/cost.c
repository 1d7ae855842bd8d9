/* SPDX-License-Identifier: BSD-3-Clause */
#include "cost.h"

#include <stdlib.h>
#include <string.h>

#define GUESS_US 500.0

struct cost_entry {
    struct cost_entry *next;
    const struct device *device;
    uint32_t footprint;
    atomic_uint n;
    atomic_uint ns[COST_KEPT];
};

static uint32_t mix(uint32_t h, const void *data, size_t bytes)
{
    const unsigned char *p = data;
    while (bytes--) h = (h ^ *p++) * 16777619u;
    return h;
}

static uint32_t variant_footprint(const struct cell *c, const struct variant *v)
{
    uint32_t h = 2166136261u;
    for (int i = 0; i < v->program.n; i++) {
        const struct launch *l = &v->program.launch[i];
        h = mix(h, l->kernel->name, strlen(l->kernel->name));
        h = mix(h, &l->count, sizeof l->count);
        h = mix(h, v->program.args + l->args, l->kernel->args_size);
    }
    return mix(h, &c->kind, sizeof c->kind);
}

static void cost_free(struct hsgd_context *ctx)
{
    while (ctx->costs) {
        struct cost_entry *next = ctx->costs->next;
        free(ctx->costs);
        ctx->costs = next;
    }
}

int cost_bind(struct hsgd_context *ctx, const struct cell *c, struct variant *v)
{
    uint32_t f = variant_footprint(c, v);
    struct cost_entry *e = ctx->costs;
    while (e && (e->footprint != f || e->device != v->device)) e = e->next;
    if (!e) {
        if (!(e = calloc(1, sizeof *e))) return hsgd_fail(ctx, ENOMEM, "out of memory");
        e->device = v->device;
        e->footprint = f;
        e->next = ctx->costs;
        ctx->costs = e;
        context_keep(ctx, cost_free);
    }
    v->cost = e;
    return 0;
}

void cost_measured(struct variant *v, uint64_t ns)
{
    unsigned i = atomic_fetch_add(&v->cost->n, 1);
    atomic_store(&v->cost->ns[i % COST_KEPT], ns > UINT32_MAX ? UINT32_MAX : (unsigned)ns);
}

static int ascending(const void *a, const void *b)
{
    unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
    return (x > y) - (x < y);
}

/* The measurements that are kept, ascending; how many. */
static unsigned kept(const struct variant *v, unsigned *ns)
{
    unsigned n = atomic_load(&v->cost->n);
    if (n > COST_KEPT) n = COST_KEPT;
    for (unsigned i = 0; i < n; i++) ns[i] = atomic_load(&v->cost->ns[i]);
    qsort(ns, n, sizeof *ns, ascending);
    return n;
}

double cost_us(const struct variant *v)
{
    unsigned ns[COST_KEPT], n = kept(v, ns);
    return n ? 1e-3 * ns[n / 2] : GUESS_US;
}

double cost_min_us(const struct variant *v)
{
    unsigned ns[COST_KEPT], n = kept(v, ns);
    return n ? 1e-3 * ns[0] : GUESS_US;
}

bool cost_known(const struct variant *v) { return atomic_load(&v->cost->n) > 0; }

bool cost_is_warm(const struct variant *v) { return atomic_load(&v->cost->n) >= COST_COLD; }
