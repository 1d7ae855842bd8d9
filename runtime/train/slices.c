/* SPDX-License-Identifier: BSD-3-Clause */
#include "slices.h"

#include <math.h>
#include <string.h>

#include "algorithm.h"
#include "model/sizes.h"
#include "predict.h"
#include "trials.h"

#define WORTH 0.005    /* a gain below this is noise */
#define REPEATS 3      /* of the trials that say so, at most */
#define IDLE_GAIN 0.03 /* a device is left idle if the step is shorter without it by this fraction */
#define ALIKE 1.05     /* slices that a policy places may take so many times as long as the division */

/* ----------------------------------------------------------- one device */

static void was_tried(struct trainer_state *s, int batch, double seconds)
{
    s->tried_batch = batch;
    s->tried = seconds;
}

/* One slice, or one per core: whichever is faster for this many rows. */
static void one_device(struct trainer_state *s, struct trainer_state *shadow, struct device *d, int rows,
                       struct division *out)
{
    struct slice_spec many[MAX_SLICES];
    int n = division_add(many, 0, d, rows, d->info.workers, shadow->block);
    out->n = division_add(out->slice, 0, d, rows, 1, shadow->block);
    division_explain_all(out, shadow->ctx->ndevices, "the only device in use");
    if (n == 1) return;
    double t_one = trial(shadow, out->n, out->slice), t_many = trial(shadow, n, many);
    division_explain(out, (int)(d - shadow->ctx->device),
                     "the only device in use; trials: 1 slice %.3f ms a step, %d slices %.3f ms", 1e3 * t_one, n,
                     1e3 * t_many);
    was_tried(s, rows, fmin(t_one, t_many));
    if (t_one < t_many) return;
    memcpy(out->slice, many, (size_t)n * sizeof *many);
    out->n = n;
}

/* ---------------------------------------------------- several devices */

static int all_slices(const struct trainer_state *s, const int *rows, struct slice_spec *out)
{
    return division_rows(s->ctx, s->block, rows, out);
}

static int max_rows(const struct curve *c, int batch)
{
    return c->max_rows && c->max_rows < batch ? c->max_rows : batch;
}

/* The range in which refine() searches the rows of `from`: near the current
 * number, and such that both devices stay between their minimum and maximum. */
static void near(const struct trainer_state *shadow, int from, int to, int batch, const struct curve *c,
                 const int *rows, int *low, int *high)
{
    int both = rows[from] + rows[to];
    int min = divide_min(shadow->ctx->ndevices, shadow->block, batch, shadow->options.min_share);
    if (min < MIN_ROWS) min = MIN_ROWS;
    const int floors[] = { rows[from] * 3 / 4, min, both - max_rows(&c[to], batch) };
    const int ceilings[] = { rows[from] + rows[to] / 4, both - min, max_rows(&c[from], batch) };
    *low = 0;
    *high = both;
    for (int i = 0; i < 3; i++) {
        if (floors[i] > *low) *low = floors[i];
        if (ceilings[i] < *high) *high = ceilings[i];
    }
}

/* Moves rows between two devices while the whole step gets faster: the curves do
 * not include waiting and contention.  Returns the step's time. */
static double refine(struct trainer_state *shadow, int from, int to, int batch, const struct curve *c, int *rows)
{
    struct slice_spec specs[MAX_SLICES];
    double best = trial(shadow, all_slices(shadow, rows, specs), specs);
    int block = shadow->block, low, high;
    near(shadow, from, to, batch, c, rows, &low, &high);
    for (int move = division_round(fmax(batch / 16.0, block), block); move >= block;
         move = division_round(move / 2.0 - 1, block)) {
        for (int sign = -1; sign <= 1; sign += 2) {
            int now = rows[from] + sign * move;
            if (now < low || now > high || now % block) continue;
            rows[from] += sign * move;
            rows[to] -= sign * move;
            int n = all_slices(shadow, rows, specs);
            double t = trial(shadow, n, specs);
            if (t < best * (1 - WORTH)) t = fmax(t, trial(shadow, n, specs)); /* confirmed by a second trial */
            if (t < best * (1 - WORTH)) {
                best = t;
                break;
            }
            rows[from] -= sign * move;
            rows[to] += sign * move;
        }
    }
    return best;
}

static bool several(const struct hsgd_context *ctx, const int *rows)
{
    int used = 0;
    for (int i = 0; i < ctx->ndevices; i++) used += rows[i] > 0;
    return used > 1;
}

/* The device that is fastest alone. */
static int fastest(const struct hsgd_context *ctx, const struct curve *c, int batch)
{
    int best = 0;
    for (int i = 1; i < ctx->ndevices; i++)
        if (curve_at(&c[i], batch) < curve_at(&c[best], batch)) best = i;
    return best;
}

static void give_all(const struct hsgd_context *ctx, int device, int batch, int *rows)
{
    for (int i = 0; i < ctx->ndevices; i++) rows[i] = i == device ? batch : 0;
}

/* What devices take from each other: with the best rows of the trials all finish
 * together; except for one whose memory is full. */
static void end_together(struct curve *c, int rows, double step)
{
    if (c->max_rows && rows + c->block > c->max_rows) return;
    c->shared = fmax(step - c->extra, 0.1 * step) / curve_at(c, rows);
}

static bool leaves_idle(const struct trainer_state *shadow, const struct balance *b)
{
    return shadow->options.min_share <= 0 && b->without < (1 - IDLE_GAIN) * b->with;
}

/* Compares a partition with the fastest device alone, by trials.  Equations said that the partition is better, so
 * that a disturbed trial must not decide: where threads of two devices have met on a core, the kernel takes some
 * hundredths of a second to part them. */
static void verify(struct trainer_state *shadow, int batch, struct balance *b)
{
    struct hsgd_context *ctx = shadow->ctx;
    struct slice_spec specs[MAX_SLICES];
    int rows[MAX_DEVICES], best = fastest(ctx, b->curve, batch);
    b->with = b->without = NAN;
    if (!several(ctx, b->rows)) return; /* the calibration says more than one trial would */
    for (int i = 1; i < ctx->ndevices; i++)
        if (b->rows[0] && b->rows[i]) b->with = refine(shadow, 0, i, batch, b->curve, b->rows);
    if (isnan(b->with)) b->with = trial(shadow, all_slices(shadow, b->rows, specs), specs);
    give_all(ctx, best, batch, rows);
    b->without = trial(shadow, all_slices(shadow, rows, specs), specs);
    for (int i = 0; i < REPEATS && leaves_idle(shadow, b); i++) {
        b->with = fmin(b->with, trial(shadow, all_slices(shadow, b->rows, specs), specs));
        b->without = fmin(b->without, trial(shadow, all_slices(shadow, rows, specs), specs));
    }
    for (int i = 0; i < ctx->ndevices; i++)
        if (b->rows[i]) end_together(&b->curve[i], b->rows[i], b->with);
    if (leaves_idle(shadow, b)) memcpy(b->rows, rows, sizeof rows);
}

/* Why device i has no rows. */
static void explain_idle(const struct trainer_state *s, int batch, int i, struct division *out)
{
    const struct balance *b = &s->balance;
    double alone = 1e3 * curve_at(&b->curve[i], batch);
    int max = b->curve[i].max_rows;
    if (s->ctx->device[i].lost) division_explain(out, i, "left idle: it has failed");
    else if (!isfinite(alone) && !max) division_explain(out, i, "left idle: it cannot do a step");
    else if (!isfinite(alone))
        division_explain(out, i, "left idle: %d rows fit into its memory, and the step would not be shorter with them",
                         max);
    else if (isfinite(b->with))
        division_explain(out, i, "left idle: trials: %.3f ms a step with it, %.3f ms without; %.3f ms alone",
                         1e3 * b->with, 1e3 * b->without, alone);
    else
        division_explain(out, i, "left idle: %.3f ms a step alone, and by its calibration no step is shorter with it",
                         alone);
}

static void explain_shares(const struct trainer_state *s, int batch, struct division *out)
{
    const struct balance *b = &s->balance;
    for (int i = 0; i < s->ctx->ndevices; i++) {
        double alone = 1e3 * curve_at(&b->curve[i], batch);
        int max = b->curve[i].max_rows;
        if (!b->rows[i]) explain_idle(s, batch, i, out);
        else if (max) division_explain(out, i, "its share, at most %d rows fit into its memory", max);
        else if (b->rows[i] == batch) division_explain(out, i, "all rows: %.3f ms a step", alone);
        else division_explain(out, i, "its share, so that all finish together: %.3f ms a step alone", alone);
    }
}

static void log_idle(const struct trainer_state *s, const struct division *d, enum hsgd_log_level level)
{
    for (int i = 0; i < s->ctx->ndevices; i++)
        if (!s->balance.rows[i]) hsgd_log(s->ctx, level, "%s is %s", s->ctx->device[i].info.id, d->why[i]);
}

/* ------------------------------------------------- slices that a policy places */

/* Slices of one size.  The device that they name is not theirs, since the policy places
 * them, but that of the parameters: the CPU, if it takes part. */
static void of_one_size(const struct trainer_state *s, int batch, int slices, struct division *out)
{
    struct hsgd_context *ctx = s->ctx;
    struct device *home = division_first(ctx);
    for (int i = 0; i < ctx->ndevices; i++)
        if (ctx->device[i].info.kind == HSGD_CPU && !ctx->device[i].lost) home = &ctx->device[i];
    out->n = division_add(out->slice, 0, home, batch, slices, s->block);
    for (int i = 0; i < ctx->ndevices; i++)
        division_explain(out, i, "%s%d slice%s of one size: the scheduling policy chooses a device for every run",
                         s->options.slices ? "" : "HSGD_PLACEMENT=starpu, ", out->n, out->n > 1 ? "s" : "");
}

/* Few slices that come near the division, which the policy does not know. */
static void as_divided(struct trainer_state *s, int batch, struct division *out)
{
    struct hsgd_context *ctx = s->ctx;
    int workers[MAX_DEVICES], most = batch / MIN_ROWS < MAX_SLICES ? batch / MIN_ROWS : MAX_SLICES;
    for (int i = 0; i < ctx->ndevices; i++) workers[i] = ctx->device[i].info.workers;
    s->pieces = divide_alike(ctx->ndevices, s->balance.rows, workers, batch, s->block, ALIKE, most);
    of_one_size(s, batch, s->pieces, out);
}

static void over_devices(struct trainer_state *s, struct trainer_state *shadow, int batch, struct division *out)
{
    struct balance *b = &s->balance;
    trials_calibrate(shadow, batch, b->curve);
    divide_rows(s->ctx->ndevices, b->curve, batch, s->options.min_share, b->rows);
    verify(shadow, batch, b);
    was_tried(s, several(s->ctx, b->rows) ? batch : 0, b->with);
    b->batch = batch;
    out->n = all_slices(s, b->rows, out->slice);
    explain_shares(s, batch, out);
    if (s->ctx->starpu_places) as_divided(s, batch, out);
    else log_idle(s, out, s->ctx->named ? HSGD_LOG_WARNING : HSGD_LOG_INFO); /* the user wanted it */
}

static void keep_proportions(struct trainer_state *s, const struct division *d, int batch)
{
    memset(s->share, 0, sizeof s->share);
    for (int i = 0; i < d->n; i++) s->share[d->slice[i].device - s->ctx->device] += (double)d->slice[i].rows / batch;
    s->measured = true;
    s->measured_bytes = sizes_bytes(s->store.sized);
}

/* Runs the trials; parameters, state and weights of the trainer do not change. */
static int measured(struct trainer_state *s, int batch, struct division *out)
{
    struct trainer_state shadow;
    int err = trainer_shadow_open(&shadow, s);
    if (err) return err;
    if (division_usable(s->ctx) == 1) one_device(s, &shadow, division_first(s->ctx), batch, out);
    else over_devices(s, &shadow, batch, out);
    trainer_state_close(&shadow);
    keep_proportions(s, out, batch);
    return 0;
}

int slices_calibrate(struct trainer_state *s, int batch)
{
    struct trainer_state shadow;
    if (predict_curves(s, batch)) return 0;
    context_begin(s->ctx);
    int err = trainer_shadow_open(&shadow, s);
    if (!err) {
        trials_calibrate(&shadow, batch, s->asked.curve);
        trainer_state_close(&shadow);
        s->asked.batch = batch;
        for (int i = 0; i < s->ctx->ndevices; i++) s->asked.curve[i].shared = s->balance.curve[i].shared;
    }
    context_end(s->ctx);
    return err;
}

void slices_solve(struct trainer_state *s, int batch, struct division *out)
{
    struct balance *b = &s->balance;
    *out = (struct division){ 0 };
    was_tried(s, batch, divide_rows(s->ctx->ndevices, b->curve, batch, s->options.min_share, b->rows));
    b->with = b->without = NAN;
    out->n = all_slices(s, b->rows, out->slice);
    explain_shares(s, batch, out);
    log_idle(s, out, HSGD_LOG_INFO);
    keep_proportions(s, out, batch);
}

/* Sizes that come and go are divided as those that were measured, unless they are far larger. */
static bool measured_alike(const struct trainer_state *s)
{
    return s->store.sized != s->store.model && sizes_bytes(s->store.sized) <= 2 * s->measured_bytes;
}

int slices_choose(struct trainer_state *s, int batch, enum plan_mode mode, struct division *out)
{
    struct hsgd_context *ctx = s->ctx;
    bool tried = s->measured && (mode != PLAN_TRAIN || batch < s->options.batch_size || measured_alike(s));
    *out = (struct division){ 0 };
    int devices = division_usable(ctx);
    if (s->options.slices && mode == PLAN_TRAIN) return of_one_size(s, batch, s->options.slices, out), 0;
    if (division_fixed(ctx, s->block, batch, out)) return 0;
    if (devices > 1 && algorithm_row(s->options.algorithm)->slices != SLICE_EQUATIONS)
        division_equal(ctx, s->block, batch, 0, "equal shares, by the algorithm", out);
    else if (tried && s->pieces) of_one_size(s, batch, s->pieces, out);
    else if (tried) division_in_proportion(ctx, s->block, s->share, batch, out);
    else return measured(s, batch, out);
    return 0;
}
