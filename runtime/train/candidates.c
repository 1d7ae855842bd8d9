/* SPDX-License-Identifier: BSD-3-Clause */
/* What a step would take on other sets of devices. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hsgd/plan.h>

#include "base/sized.h"
#include "predict.h"
#include "slices.h"
#include "trainer.h"

#define MAX_SUBSETS 6 /* devices of which all sets are shown; of more only each alone and all together */

static int members(device_set devices) { return __builtin_popcount(devices); }

static void name_set(const struct hsgd_context *ctx, device_set devices, struct hsgd_candidate *out)
{
    size_t used = 0;
    for (int i = 0; i < ctx->ndevices && used < sizeof out->devices; i++)
        if (devices >> i & 1)
            used += (size_t)snprintf(out->devices + used, sizeof out->devices - used, "%s%s", used ? "," : "",
                                     ctx->device[i].info.id);
}

/* Whether the algorithm makes sense there: several replicas, and hogwild's are
 * CPU cores. */
static bool fits(const struct hsgd_context *ctx, enum hsgd_algorithm algorithm, device_set devices)
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

static bool shown(const struct hsgd_context *ctx, device_set devices)
{
    for (int i = 0; i < ctx->ndevices; i++)
        if (devices >> i & 1 && ctx->device[i].lost) return false;
    return ctx->ndevices <= MAX_SUBSETS || members(devices) == 1 || members(devices) == ctx->ndevices;
}

static int compare_set(struct hsgd_trainer *trainer, device_set devices, int batch, struct hsgd_candidate *out, int max)
{
    const struct trainer_state *s = &trainer->state;
    int n = 0;
    for (enum hsgd_algorithm i = 0; i < HSGD_ALGORITHMS && n < max; i++) {
        double t = fits(s->ctx, i, devices) ? predict_step(s, algorithm_row(i), devices, batch) : NAN;
        if (!isfinite(t)) continue;
        struct hsgd_candidate *c = &out[n++];
        bool chosen = s->options.algorithm == i && devices == predict_chosen(s);
        *c = (struct hsgd_candidate){ .predicted_ms = chosen ? hsgd_trainer_plan_ms(trainer, batch) : 1e3 * t,
                                      .chosen = chosen };
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
    for (device_set devices = 1; !err && devices < 1u << ctx->ndevices && n < max; devices++)
        if (shown(ctx, devices)) n += compare_set(t, devices, batch, full + n, max - n);
    for (int i = 0; !err && i < n; i++)
        err = SIZED_GIVE(ctx, hsgd_candidate, (char *)out + (size_t)i * size, size, &full[i]);
    free(full);
    return err ? err : n;
}
