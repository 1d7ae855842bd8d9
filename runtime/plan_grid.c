/* SPDX-License-Identifier: BSD-3-Clause */
/* Several slices: a cell each, and cells that merge what they return. */
#include <stdio.h>

#include "kernels.h"
#include "plan_build.h"

/* Everything the merging half of the grid needs to know about a shard. */
struct shard_cells {
    int shard, parts;
    struct hsgd_ref part[MAX_ACCESSES];
    int merged; /* buffer of the summed gradient, when needed */
};

static int gradient_buffer(struct plan *p, int shard, const struct device *d, int64_t scratch)
{
    char name[64];
    snprintf(name, sizeof name, "gradient%d %s", shard, d->info.id);
    return new_buffer(p, name, GRADIENT_HEADER + p->store->shard[shard].floats + scratch, d, p->mode == PLAN_GRADIENT);
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
    int64_t all = p->store->shard[shard].floats;
    for (int i = 0; i < p->ctx->ndevices; i++) {
        struct device *d = &p->ctx->device[i];
        if (!device_has_slice(p, d)) continue;
        int g = gradient_buffer(p, shard, d, weight_rows_scratch(p, shard, all));
        if (g < 0) return g;
        struct cell *c = new_cell(p, CELL_GRADIENT, d, 1 + p->store->nshards - shard);
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
    emit_shard_rows(p, c, d, shard, tile, tile_floats(d), scratch, true);
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
    int64_t floats = p->store->shard[s->shard].floats;
    emit_sum(&e, s->parts, s->part, ref(s->merged, GRADIENT_HEADER), floats);
    emit_square_sum(p, &e, p->store->shard[s->shard].first, floats, ref(s->merged, GRADIENT_HEADER), ref(s->merged, 0));
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
    for (int i = 0; i < p->store->nshards; i++) {
        struct clip_add_args a = { i == 0 };
        access_buffer(c, all[i].merged, STARPU_R);
        HSGD_LAUNCH(e, HSGD_KERNEL(clip_add), HSGD_ITEMS, 1, &a, ref(all[i].merged, 0), *factor);
    }
    struct clip_scale_args a = { p->updater.clip_norm };
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
    bool clip = p->updater.clip_norm > 0;
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

int plan_grid_cells(struct plan *p)
{
    struct shard_cells all[MAX_SHARDS] = { 0 };
    bool clip = p->updater.clip_norm > 0 && p->mode == PLAN_TRAIN, fuse = single_node(p) && !clip;
    for (int i = 0; i < p->nslices; i++) {
        struct cell *c = new_cell(p, CELL_SLICE, p->slice[i].device, 8);
        c->affinity = i;
        slice_program(p, c, &p->slice[i]);
    }
    if (p->mode == PLAN_PREDICT) return 0;
    if (p->mode != PLAN_TRAIN) metrics_cell(p);
    if (p->mode == PLAN_EVALUATE) return 0;
    int err = 0;
    for (int s = 0; !err && s < p->store->nshards; s++) {
        all[s].shard = s;
        if (s == 0) err = small_shard(p, &all[s]);
        else if (!fuse || p->mode == PLAN_GRADIENT) err = gradient_cells(p, s, &all[s]);
        else err = fused_cell(p, s);
        if (!err && (clip || p->mode == PLAN_GRADIENT || all[s].parts > 3)) err = merge_cell(p, &all[s]);
    }
    for (int s = 0; !err && p->mode == PLAN_TRAIN && s < p->store->nshards; s++)
        if (s == 0 || !fuse) err = update_cell(p, all, s);
    return err;
}
