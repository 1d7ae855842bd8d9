/* What a step would take on other sets of devices. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <hsgd/plan.h>

#include "algorithm.h"
#include "slices.h"
#include "trainer.h"

#define MOST_SUBSETS 6 /* devices of which all sets are shown; of more only each alone and all together */

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

static double equal_shares(int n, const struct curve *c, int batch)
{
    int rows[MAX_DEVICES];
    for (int i = 0; i < n; i++) rows[i] = batch / n + (i < batch % n);
    return divide_time(n, c, rows);
}

/* Seconds a batch when every device takes batches of its own: rates add up. */
static double own_batches(int n, const struct curve *c, int batch)
{
    double rate = 0;
    for (int i = 0; i < n; i++) rate += 1 / (curve_at(&c[i], batch) + c[i].extra);
    return 1 / rate;
}

static double predict(const struct trainer_state *s, set devices, enum slice_rule rule, int batch)
{
    struct curve c[MAX_DEVICES] = { 0 };
    int n = gather(s, devices, c), rows[MAX_DEVICES];
    if (rule == SLICE_EQUAL) return equal_shares(n, c, batch);
    if (rule == SLICE_WHOLE) return own_batches(n, c, batch);
    double t = divide_rows(n, c, batch, s->options.min_share, rows);
    for (int i = 0; i < n; i++)
        if (!rows[i]) return NAN; /* that is another candidate */
    return t;
}

/* The set that the batch is divided over now. */
static set chosen_set(const struct trainer_state *s)
{
    set devices = 0;
    for (int i = 0; i < s->ctx->ndevices; i++)
        if (s->balance.rows[i] > 0) devices |= 1u << i;
    return devices;
}

static bool shown(const struct hsgd_context *ctx, set devices)
{
    for (int i = 0; i < ctx->ndevices; i++)
        if (devices >> i & 1 && ctx->device[i].lost) return false;
    return ctx->ndevices <= MOST_SUBSETS || members(devices) == 1 || members(devices) == ctx->ndevices;
}

static int compare_set(struct trainer_state *s, set devices, int batch, struct hsgd_candidate *out, int most)
{
    static const enum hsgd_algorithm algorithms[] = { HSGD_SYNC, HSGD_DATA_PARALLEL, HSGD_STALE };
    int n = 0, tried = members(devices) == 1 ? 1 : sizeof algorithms / sizeof *algorithms;
    for (int i = 0; i < tried && n < most; i++) {
        double t = predict(s, devices, algorithm_row(algorithms[i])->slices, batch);
        if (!isfinite(t)) continue;
        struct hsgd_candidate *c = &out[n++];
        *c = (struct hsgd_candidate){ .predicted_ms = 1e3 * t, .chosen = s->options.algorithm == algorithms[i] &&
                                                                         devices == chosen_set(s) };
        snprintf(c->algorithm, sizeof c->algorithm, "%s", hsgd_algorithm_name(algorithms[i]));
        name_set(s->ctx, devices, c);
    }
    return n;
}

int hsgd_trainer_candidates(struct hsgd_trainer *t, int batch, struct hsgd_candidate *out, int most)
{
    struct trainer_state *s = &t->state;
    struct hsgd_context *ctx = s->ctx;
    if (batch < 1) return hsgd_fail(ctx, EINVAL, "a batch needs at least 1 sample, not %d", batch);
    if (ctx->deterministic || ctx->ndevices > 16 || !trainer_plan(t, PLAN_TRAIN, batch)) return 0;
    int err = slices_calibrate(s, batch), n = 0;
    for (set devices = 1; !err && devices < 1u << ctx->ndevices && n < most; devices++)
        if (shown(ctx, devices)) n += compare_set(s, devices, batch, out + n, most - n);
    return err ? err : n;
}
