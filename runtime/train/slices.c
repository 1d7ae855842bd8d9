#include "slices.h"

#include <math.h>
#include <string.h>

#include "run.h"

#define SLICE_ROWS 8        /* slices are multiples of this; the last takes the rest */
#define MIN_ROWS 16
#define FIXED_SLICES 4      /* deterministic mode: the same for any number of threads */
#define TRIAL_STEPS 4
#define TRIALS 3

/* ------------------------------------------------------------- dividing */

static int round_rows(double rows) { return (int)(rows / SLICE_ROWS + 0.5) * SLICE_ROWS; }

/* Adds `rows` rows on a device, over at most `parts` slices of about equal size. */
static int add_slices(struct slice_spec *out, int n, struct device *d, int rows, int parts)
{
    if (parts > rows / MIN_ROWS) parts = rows / MIN_ROWS;
    if (parts < 1) parts = 1;
    for (int i = 0, left = rows; i < parts && left > 0 && n < MAX_SLICES; i++) {
        int take = i == parts - 1 ? left : round_rows((double)left / (parts - i));
        if (take > left) take = left;
        if (take) out[n++] = (struct slice_spec){ d, take };
        left -= take;
    }
    return n;
}

/* ----------------------------------------------------------- measuring */

/* Seconds of one step of these slices, without the update: the least of a few
 * short trials. */
static double trial(struct trainer_state *s, int n, const struct slice_spec *specs)
{
    static const struct batch_source filled;
    struct plan *p = plan_create(s, PLAN_GRADIENT, n, specs);
    double best = INFINITY;
    if (!p) return best;
    for (int i = 0; i <= TRIALS; i++) {
        uint64_t began = monotonic_ns();
        if (plan_run(p, TRIAL_STEPS, HSGD_REPLAY, &filled)) break;
        double t = 1e-9 * (double)(monotonic_ns() - began) / TRIAL_STEPS;
        if (i > 0 && t < best) best = t; /* the first one warms up */
    }
    plan_destroy(p);
    return best;
}

/* One slice or one per core: whichever is faster for so many rows. */
static int best_parts(struct trainer_state *s, struct device *d, int rows)
{
    struct slice_spec one[MAX_SLICES], many[MAX_SLICES];
    if (d->info.workers == 1 || rows < 2 * MIN_ROWS) return 1;
    int n = add_slices(many, 0, d, rows, d->info.workers);
    add_slices(one, 0, d, rows, 1);
    return trial(s, n, many) < trial(s, 1, one) ? d->info.workers : 1;
}

/* ---------------------------------------------------- several devices */

/* Time of a device as a + b rows, from trials at two sizes. */
struct line { double fixed, per_row; };

static struct line measure(struct trainer_state *s, struct device *d, int batch)
{
    struct slice_spec specs[MAX_SLICES];
    int few = round_rows(batch / 4.0) > MIN_ROWS ? round_rows(batch / 4.0) : MIN_ROWS, most = batch;
    double t0 = trial(s, add_slices(specs, 0, d, few, d->info.workers), specs);
    double t1 = trial(s, add_slices(specs, 0, d, most, d->info.workers), specs);
    struct line l = { 0, t1 / most };
    if (most > few && t1 > t0) {
        l.per_row = (t1 - t0) / (most - few);
        l.fixed = t0 - l.per_row * few;
    }
    if (l.fixed < 0) l.fixed = 0;
    return l;
}

/* Hands out rows, always to the device that would finish first. */
static void balance(int n, const struct line *l, const double *extra, int batch, int *rows)
{
    memset(rows, 0, (size_t)n * sizeof *rows);
    for (int left = batch; left > 0;) {
        int take = left < SLICE_ROWS ? left : SLICE_ROWS, best = 0;
        double soonest = INFINITY;
        for (int i = 0; i < n; i++) {
            double t = extra[i] + l[i].fixed + l[i].per_row * (rows[i] + take);
            if (t < soonest) {
                soonest = t;
                best = i;
            }
        }
        rows[best] += take;
        left -= take;
    }
}

static int over_devices(struct trainer_state *s, int batch, struct slice_spec *out)
{
    struct hsgd_context *ctx = s->ctx;
    struct line line[MAX_DEVICES];
    double extra[MAX_DEVICES] = { 0 };
    int rows[MAX_DEVICES], n = 0;
    for (int i = 0; i < ctx->ndevices; i++) line[i] = measure(s, &ctx->device[i], batch);
    balance(ctx->ndevices, line, extra, batch, rows);
    for (int i = 0; i < ctx->ndevices; i++)
        if (rows[i]) n = add_slices(out, n, &ctx->device[i], rows[i], ctx->device[i].info.workers);
    return n;
}

/* Fixed slices: their number and sizes depend on the batch and the device
 * list only. */
static int fixed(struct trainer_state *s, int batch, struct slice_spec *out)
{
    int n = 0, ndevices = s->ctx->ndevices;
    for (int i = 0, left = batch; i < ndevices; i++) {
        int rows = i == ndevices - 1 ? left : round_rows((double)left / (ndevices - i));
        if (rows > left) rows = left;
        if (rows) n = add_slices(out, n, &s->ctx->device[i], rows, FIXED_SLICES);
        left -= rows;
    }
    return n;
}

int slices_choose(struct trainer_state *s, int batch, enum plan_mode mode, struct slice_spec out[MAX_SLICES])
{
    struct hsgd_context *ctx = s->ctx;
    if (ctx->deterministic || ctx->ndevices > MAX_SLICES / 2) return fixed(s, batch, out);
    if (ctx->ndevices == 1) {
        struct device *d = &ctx->device[0];
        int parts = mode == PLAN_TRAIN ? best_parts(s, d, batch) : d->info.workers;
        return add_slices(out, 0, d, batch, parts);
    }
    return over_devices(s, batch, out);
}
