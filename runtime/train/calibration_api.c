/* SPDX-License-Identifier: BSD-3-Clause */
/* Calibrations as the public interface shows them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hsgd/calibration.h>

#include "base/sized.h"
#include "device/perfmodel_files.h"
#include "device/product_choice.h"
#include "device/starpu_environment.h"
#include "io/cache.h"
#include "trainer.h"
#include "trials.h"

static int give(struct hsgd_context *ctx, const struct hsgd_calibration *k, int i, void *out, size_t size)
{
    return SIZED_GIVE(ctx, hsgd_calibration, (char *)out + (size_t)i * size, size, k);
}

/* ------------------------------------------------------------------- measuring */

static int describe_all(struct trainer_state *s, const struct curve *curve, const struct calibration *kept, void *out,
                        size_t size, int max)
{
    struct hsgd_calibration k;
    int n = 0, err = 0;
    for (int i = 0; !err && i < s->ctx->ndevices; i++) {
        if (!isfinite(curve[i].seconds[0])) continue;
        calibration_describe(s, &s->ctx->device[i], &curve[i], &kept[i], &k);
        if (n < max) err = give(s->ctx, &k, n, out, size);
        n++;
    }
    return err ? err : n;
}

static int check_calibrate(struct hsgd_trainer *t, int batch)
{
    struct hsgd_context *ctx = t->state.ctx;
    char folder[4096];
    int err = trainer_check_batch(t, batch);
    if (err) return err;
    if (ctx->deterministic)
        return hsgd_fail(ctx, EINVAL,
                         "a deterministic context divides into equal shares: there is nothing to calibrate");
    if (ctx->starpu_places)
        return hsgd_fail(ctx, EINVAL, "HSGD_PLACEMENT is \"starpu\", which leaves calibrations as they are");
    if (!hsgd_cache_folder(folder, sizeof folder))
        return hsgd_fail(ctx, ENOENT, "calibrations are not kept: HSGD_CACHE is off, or there is no HOME");
    return 0;
}

static int calibrate(struct trainer_state *shadow, int batch, bool again, void *out, size_t size, int max)
{
    struct curve curve[MAX_DEVICES];
    struct calibration kept[MAX_DEVICES];
    int err = trials_measure(shadow, batch, again, curve, kept);
    return err ? err : describe_all(shadow, curve, kept, out, size, max);
}

int hsgd_trainer_calibrate(struct hsgd_trainer *t, int batch, bool again, struct hsgd_calibration *out, size_t size,
                           int max)
{
    struct trainer_state shadow;
    int err = ENTER(t ? t->state.ctx : NULL, t), n = 0;
    if (!err && max > 0) err = ENTER(t->state.ctx, out);
    if (!err) err = check_calibrate(t, batch);
    if (err) return err;
    context_begin(t->state.ctx);
    err = trainer_shadow_open(&shadow, &t->state);
    if (!err) n = calibrate(&shadow, batch, again, out, size, max);
    if (!err) trainer_state_close(&shadow);
    context_end(t->state.ctx);
    return err ? err : n;
}

/* --------------------------------------------------------------------- listing */

struct list {
    int n, capacity;
    struct hsgd_calibration *of;
};

static int add_kept(void *user, const struct calibration_file *f, bool readable)
{
    struct list *l = user;
    struct hsgd_calibration k;
    if (!readable || !calibration_parse(f, &k)) return 0;
    if (l->n == l->capacity) {
        int capacity = 2 * l->capacity + 16;
        struct hsgd_calibration *more = realloc(l->of, (size_t)capacity * sizeof *more);
        if (!more) return -ENOMEM;
        l->of = more;
        l->capacity = capacity;
    }
    l->of[l->n++] = k;
    return 0;
}

static int in_order(const void *a, const void *b)
{
    const struct hsgd_calibration *x = a, *y = b;
    int order = strcmp(x->network, y->network);
    if (!order) order = strcmp(x->settings, y->settings);
    if (!order) order = strcmp(x->device, y->device);
    if (!order) order = x->rows[0] - y->rows[0];
    if (!order) order = x->rows[2] - y->rows[2];
    return order ? order : strcmp(x->key, y->key);
}

int hsgd_calibration_list(struct hsgd_context *ctx, struct hsgd_calibration *out, size_t size, int max)
{
    struct list l = { 0 };
    int err = ENTER(ctx, ctx);
    if (!err && max > 0) err = ENTER(ctx, out);
    if (!err && calibration_file_each(CALIBRATION_KIND, add_kept, &l)) err = hsgd_fail(ctx, ENOMEM, "out of memory");
    if (!err && l.n) qsort(l.of, (size_t)l.n, sizeof *l.of, in_order);
    for (int i = 0; !err && i < l.n && i < max; i++) err = give(ctx, &l.of[i], i, out, size);
    free(l.of);
    return err ? err : l.n;
}

/* -------------------------------------------------------------------- clearing */

struct clearing {
    struct hsgd_context *ctx;
    const char *network; /* as files have it; NULL: all */
    struct aged_files files;
};

static int add_cleared(void *user, const struct calibration_file *f, bool readable)
{
    struct clearing *c = user;
    const char *network = readable ? calibration_file_value(f, "network", 0) : NULL;
    bool wanted = !c->network || (network && !strcmp(network, c->network));
    return wanted ? aged_files_add(c->ctx, &c->files, f->path) : 0;
}

static int clear_calibrations(struct hsgd_context *ctx, const char *network, struct hsgd_calibration_cleared *done)
{
    struct calibration_file as = { 0 };
    struct clearing c = { .ctx = ctx };
    if (!hsgd_cache_folder(done->cache_folder, sizeof done->cache_folder)) *done->cache_folder = '\0';
    if (network) calibration_file_add(&as, "network", "%.63s", network);
    if (network) c.network = calibration_file_value(&as, "network", 0);
    int err = calibration_file_each(CALIBRATION_KIND, add_cleared, &c);
    if (!err) err = calibration_file_each(PRODUCTS_KIND, add_cleared, &c); /* of no network */
    int n = aged_files_remove(ctx, &c.files, 0);
    done->calibrations = n > 0 ? n : 0;
    return n < 0 ? n : err;
}

static int clear_starpu(struct hsgd_context *ctx, const char *network, struct hsgd_calibration_cleared *done)
{
    char name[PERFMODEL_NETWORK + 1];
    struct aged_files models = { 0 }, transfers = { 0 };
    if (!measurements_folder(done->starpu_folder, sizeof done->starpu_folder)) return 0;
    if (network) perfmodel_network(network, name);
    int err = perfmodel_files_find(ctx, done->starpu_folder, network ? name : NULL, &models);
    if (!err && !network) err = perfmodel_transfers_find(ctx, done->starpu_folder, &transfers);
    int n = aged_files_remove(ctx, &models, 0), m = aged_files_remove(ctx, &transfers, 0);
    done->models = n > 0 ? n : 0;
    done->transfers = m > 0 ? m : 0;
    if (!err && n < 0) err = n;
    return !err && m < 0 ? m : err;
}

int hsgd_calibration_clear(struct hsgd_context *ctx, const char *network, struct hsgd_calibration_cleared *cleared,
                           size_t size)
{
    struct hsgd_calibration_cleared done = { 0 };
    int err = ENTER(ctx, ctx);
    if (err) return err;
    int first = clear_calibrations(ctx, network, &done), second = clear_starpu(ctx, network, &done);
    err = first ? first : second;
    int given = cleared ? SIZED_GIVE(ctx, hsgd_calibration_cleared, cleared, size, &done) : 0;
    return err ? err : given;
}
