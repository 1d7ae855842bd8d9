/* SPDX-License-Identifier: BSD-3-Clause */
/* What a step would take on other sets of devices. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hsgd/plan.h>

#include "algorithm.h"
#include "base/sized.h"
#include "slices.h"
#include "trainer.h"

#define MAX_SUBSETS 6 /* devices of which all sets are shown; of more only each alone and all together */

/* A set of devices, as bits. */
typedef uint32_t set;

static int members(set devices) { return __builtin_popcount(devices); }

static void name_set(const struct hsgd_context *ctx, set devices, struct hsgd_candidate *out)
{
    size_t used = 0;
    for (int i = 0; i < ctx->ndevices && used < sizeof out->devices; i++)
        if (devices >> i & 1)
            used += (size_t)snprintf(out->devices + used, sizeof out->devices - used, "%s%s", used ? "," : "",
                                     ctx->device[i].info.id);
}

/* The curves of a set, and which device each belongs to. */
static int gather(const struct trainer_state *s, set devices, struct curve *c)
{
    int n = 0;
    for (int i = 0; i < s->ctx->ndevices; i++)
        if (devices >> i & 1) c[n++] = s->balance.alone[i];
    return n;
}

static double equal_parts(int n, const struct curve *c, int batch)
{
    int rows[MAX_DEVICES];
    for (int i = 0; i < n; i++) rows[i] = batch / n + (i < batch % n);
    return divide_time(n, c, rows);
}

/* Samples a second of a device that takes batches of its own. */
static double own_rate(const struct trainer_state *s, const struct algorithm *a, int device, int n, int batch)
{
    const struct hsgd_device *d = &s->ctx->device[device].info;
    const struct curve *c = &s->balance.alone[device];
    int rows = algorithm_batch(a, &s->options, batch, d->kind, n);
    if (algorithm_shares_cores(a, d->kind)) rows *= d->workers; /* as many at the same time */
    return rows / (curve_at(c, rows) + c->extra / algorithm_local_steps(a, &s->options));
}

/* Seconds in which all together train as many samples as a batch has. */
static double own_batches(const struct trainer_state *s, const struct algorithm *a, set devices, int batch)
{
    double rate = 0;
    for (int i = 0; i < s->ctx->ndevices; i++)
        if (devices >> i & 1) rate += own_rate(s, a, i, members(devices), batch);
    return batch / rate;
}

static double together(const struct trainer_state *s, int n, const struct curve *c, int batch)
{
    int rows[MAX_DEVICES];
    double t = divide_rows(n, c, batch, s->options.min_share, rows);
    for (int i = 0; i < n; i++)
        if (!rows[i]) return NAN; /* that is another candidate */
    return t;
}

static double predict(const struct trainer_state *s, set devices, const struct algorithm *a, int batch)
{
    struct curve c[MAX_DEVICES] = { 0 };
    int n = gather(s, devices, c);
    if (algorithm_has_server(a)) return own_batches(s, a, devices, batch);
    return a->slices == SLICE_EQUAL ? equal_parts(n, c, batch) : together(s, n, c, batch);
}

/* Whether the algorithm makes sense there: several replicas, and hogwild's are
 * CPU cores. */
static bool fits(const struct hsgd_context *ctx, enum hsgd_algorithm algorithm, set devices)
{
    int workers = 0;
    bool cpu = true;
    for (int i = 0; i < ctx->ndevices; i++) {
        if (!(devices >> i & 1)) continue;
        workers += ctx->device[i].info.workers;
        cpu &= ctx->device[i].info.kind == HSGD_CPU;
    }
    if (algorithm == HSGD_HOGWILD) return cpu && workers > 1;
    return algorithm == HSGD_SYNC || members(devices) > 1;
}

/* The set that the batch is divided over now; replicas are on all devices. */
static set chosen_set(const struct trainer_state *s)
{
    set devices = 0;
    bool by_rows = algorithm_row(s->options.algorithm)->slices == SLICE_EQUATIONS;
    for (int i = 0; i < s->ctx->ndevices; i++)
        if (by_rows ? s->balance.rows[i] > 0 : !s->ctx->device[i].lost) devices |= 1u << i;
    return devices;
}

static bool shown(const struct hsgd_context *ctx, set devices)
{
    for (int i = 0; i < ctx->ndevices; i++)
        if (devices >> i & 1 && ctx->device[i].lost) return false;
    return ctx->ndevices <= MAX_SUBSETS || members(devices) == 1 || members(devices) == ctx->ndevices;
}

static int compare_set(struct trainer_state *s, set devices, int batch, struct hsgd_candidate *out, int max)
{
    int n = 0;
    for (enum hsgd_algorithm i = 0; i < HSGD_ALGORITHMS && n < max; i++) {
        double t = fits(s->ctx, i, devices) ? predict(s, devices, algorithm_row(i), batch) : NAN;
        if (!isfinite(t)) continue;
        struct hsgd_candidate *c = &out[n++];
        *c = (struct hsgd_candidate){ .predicted_ms = 1e3 * t,
                                      .chosen = s->options.algorithm == i && devices == chosen_set(s) };
        snprintf(c->algorithm, sizeof c->algorithm, "%s", hsgd_algorithm_name(i));
        name_set(s->ctx, devices, c);
    }
    return n;
}

int hsgd_trainer_candidates(struct hsgd_trainer *t, int batch, struct hsgd_candidate *out, size_t size, int max)
{
    enum { ALL = (1 << MAX_SUBSETS) * HSGD_ALGORITHMS };
    int err = ENTER(t ? t->state.ctx : NULL, t, out);
    if (!err) err = trainer_check_batch(t, batch);
    if (err) return err;
    struct trainer_state *s = &t->state;
    struct hsgd_context *ctx = s->ctx;
    if (ctx->deterministic || ctx->ndevices > 16) return 0;
    err = trainer_plan(t, PLAN_TRAIN, batch, NULL);
    if (err) return err;
    struct hsgd_candidate *full = calloc(ALL, sizeof *full);
    if (!full) return hsgd_fail(ctx, ENOMEM, "out of memory");
    int n = 0;
    err = slices_calibrate(s, batch);
    if (max > ALL) max = ALL;
    for (set devices = 1; !err && devices < 1u << ctx->ndevices && n < max; devices++)
        if (shown(ctx, devices)) n += compare_set(s, devices, batch, full + n, max - n);
    for (int i = 0; !err && i < n; i++)
        err = SIZED_GIVE(ctx, hsgd_candidate, (char *)out + (size_t)i * size, size, &full[i]);
    free(full);
    return err ? err : n;
}
