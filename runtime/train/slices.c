#include "slices.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "run.h"

#define SLICE_ROWS 8        /* slices are multiples of this; the last takes the rest */
#define MIN_ROWS 16
#define LEAST_SHARE 0.4     /* of an equal share, for every device */
#define FIXED_SLICES 4      /* deterministic mode: the same for any number of threads */
#define TRIALS 4
#define ROUNDS 3
#define TRIAL_SECONDS 0.008
#define WORTH 0.005         /* a gain below this is noise */

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

static void __attribute__((format(printf, 3, 4))) explain(struct division *out, int device, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(out->why[device], sizeof out->why[device], format, args);
    va_end(args);
}

/* The same reason for every device. */
static void explain_all(struct division *out, int ndevices, const char *why)
{
    for (int i = 0; i < ndevices; i++) explain(out, i, "%s", why);
}

/* ----------------------------------------------------------- measuring */

/* Seconds of one training step with these slices, on a shadow of the trainer:
 * the least of a few short trials. */
static double trial(struct trainer_state *shadow, int n, const struct slice_spec *specs)
{
    static const struct batch_source filled;
    struct plan *p = plan_create(shadow, PLAN_TRAIN, n, specs);
    double best = INFINITY;
    int steps = 1;
    for (int i = 0; p && i <= TRIALS; i++) {
        uint64_t began = monotonic_ns();
        if (plan_run(p, steps, HSGD_REPLAY, &filled)) break;
        double t = 1e-9 * (double)(monotonic_ns() - began) / steps;
        if (i > 0 && t < best) best = t; /* the first one warms up, and says how many steps fill a trial */
        if (i == 0) steps = 1 + (int)fmin(TRIAL_SECONDS / t, WINDOW_STEPS - 1);
    }
    plan_destroy(p);
    return best;
}

/* One slice or one per core: whichever is faster for so many rows. */
static void one_device(struct trainer_state *shadow, struct device *d, int rows, struct division *out)
{
    struct slice_spec many[MAX_SLICES];
    int n = add_slices(many, 0, d, rows, d->info.workers);
    out->n = add_slices(out->slice, 0, d, rows, 1);
    explain(out, 0, "the only device in use");
    if (n == 1) return;
    double t_one = trial(shadow, out->n, out->slice), t_many = trial(shadow, n, many);
    explain(out, 0, "the only device in use; trials: 1 slice %.3f ms a step, %d slices %.3f ms", 1e3 * t_one, n,
            1e3 * t_many);
    if (t_one < t_many) return;
    memcpy(out->slice, many, (size_t)n * sizeof *many);
    out->n = n;
}

/* ---------------------------------------------------- several devices */

/* Time of a device as fixed + per_row * rows, from trials at two sizes. */
struct line { double fixed, per_row; };

struct samples { int few; double t_few, t_all; };

static struct line line_through(const struct samples *s, int batch)
{
    struct line l = { 0, s->t_all / batch };
    if (batch > s->few && s->t_all > s->t_few) {
        l.per_row = (s->t_all - s->t_few) / (batch - s->few);
        l.fixed = fmax(0, s->t_few - l.per_row * s->few);
    }
    return l;
}

/* Every device in turn, and again: what else the machine does then disturbs
 * all of them alike, and the least time counts. */
static void measure(struct trainer_state *shadow, int batch, struct line *line)
{
    struct hsgd_context *ctx = shadow->ctx;
    struct samples s[MAX_DEVICES];
    struct slice_spec specs[MAX_SLICES];
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < ctx->ndevices; i++) {
            struct device *d = &ctx->device[i];
            if (!round) s[i] = (struct samples){ round_rows(batch / 4.0), INFINITY, INFINITY };
            if (s[i].few < MIN_ROWS) s[i].few = MIN_ROWS;
            s[i].t_few = fmin(s[i].t_few, trial(shadow, add_slices(specs, 0, d, s[i].few, d->info.workers), specs));
            s[i].t_all = fmin(s[i].t_all, trial(shadow, add_slices(specs, 0, d, batch, d->info.workers), specs));
        }
    for (int i = 0; i < ctx->ndevices; i++) line[i] = line_through(&s[i], batch);
}

/* What every device takes at least: one that is asked for takes part. */
static int least_rows(int n, int batch)
{
    int rows = (int)(batch * LEAST_SHARE / n);
    return rows * n < batch - n * SLICE_ROWS ? (rows + SLICE_ROWS - 1) / SLICE_ROWS * SLICE_ROWS : 0;
}

/* Hands out rows, always to the device that would finish first. */
static void balance(int n, const struct line *l, int batch, int *rows)
{
    int least = least_rows(n, batch);
    for (int i = 0; i < n; i++) rows[i] = least;
    for (int left = batch - n * least; left > 0;) {
        int take = left < SLICE_ROWS ? left : SLICE_ROWS, best = 0;
        double soonest = INFINITY;
        for (int i = 0; i < n; i++) {
            double t = l[i].fixed + l[i].per_row * (rows[i] + take);
            if (t < soonest) {
                soonest = t;
                best = i;
            }
        }
        rows[best] += take;
        left -= take;
    }
}

static int all_slices(const struct hsgd_context *ctx, const int *rows, struct slice_spec *out)
{
    int n = 0;
    for (int i = 0; i < ctx->ndevices; i++) {
        struct device *d = (struct device *)&ctx->device[i];
        if (rows[i]) n = add_slices(out, n, d, rows[i], d->info.workers);
    }
    return n;
}

/* Moves rows between two devices while the whole step gets faster: the lines
 * know nothing of copies and of waiting for each other. */
static void refine(struct trainer_state *shadow, int from, int to, int batch, int *rows)
{
    struct slice_spec specs[MAX_SLICES];
    double best = trial(shadow, all_slices(shadow->ctx, rows, specs), specs);
    int least = least_rows(shadow->ctx->ndevices, batch);
    int low = rows[from] * 3 / 4, high = rows[from] + rows[to] / 4;
    if (low < least) low = least;
    if (high > rows[from] + rows[to] - least) high = rows[from] + rows[to] - least;
    for (int move = round_rows(batch / 16.0); move >= SLICE_ROWS; move = round_rows(move / 2.0 - 1)) {
        for (int sign = -1; sign <= 1; sign += 2) {
            int now = rows[from] + sign * move;
            if (now < low || now > high || now % SLICE_ROWS) continue;
            rows[from] += sign * move;
            rows[to] -= sign * move;
            double t = trial(shadow, all_slices(shadow->ctx, rows, specs), specs);
            if (t < best * (1 - WORTH)) {
                best = t;
                break;
            }
            rows[from] -= sign * move;
            rows[to] += sign * move;
        }
    }
}

/* What the trials said of a device, and what was made of it. */
static void explain_share(struct division *out, int device, const struct line *l, int balanced, int rows, int least)
{
    char then[60] = "";
    if (rows != balanced) snprintf(then, sizeof then, "; %+d rows made the step shorter", rows - balanced);
    else if (rows == least) snprintf(then, sizeof then, "; the least that a device takes");
    explain(out, device, "its share, so that all end together: trials say %.3f ms + %.2f us a row%s", 1e3 * l->fixed,
            1e6 * l->per_row, then);
}

static void over_devices(struct trainer_state *shadow, int batch, struct division *out)
{
    struct hsgd_context *ctx = shadow->ctx;
    struct line line[MAX_DEVICES];
    int rows[MAX_DEVICES], balanced[MAX_DEVICES];
    measure(shadow, batch, line);
    balance(ctx->ndevices, line, batch, rows);
    memcpy(balanced, rows, sizeof rows);
    for (int i = 1; i < ctx->ndevices; i++)
        if (rows[0] && rows[i]) refine(shadow, 0, i, batch, rows);
    out->n = all_slices(ctx, rows, out->slice);
    for (int i = 0; i < ctx->ndevices; i++)
        explain_share(out, i, &line[i], balanced[i], rows[i], least_rows(ctx->ndevices, batch));
}

static void keep_proportions(struct trainer_state *s, const struct division *d, int batch)
{
    memset(s->share, 0, sizeof s->share);
    for (int i = 0; i < d->n; i++)
        s->share[d->slice[i].device - s->ctx->device] += (double)d->slice[i].rows / batch;
    s->measured = true;
}

/* Runs the trials: parameters, state and weights of the trainer stay as they
 * are. */
static int measured(struct trainer_state *s, int batch, struct division *out)
{
    struct trainer_state shadow;
    int err = trainer_shadow_open(&shadow, s);
    if (err) return err;
    if (s->ctx->ndevices == 1) one_device(&shadow, &s->ctx->device[0], batch, out);
    else over_devices(&shadow, batch, out);
    trainer_shadow_close(&shadow);
    keep_proportions(s, out, batch);
    return 0;
}

/* Fixed slices: their number and sizes depend on the batch and the device
 * list only. */
static void fixed(struct trainer_state *s, int batch, struct division *out)
{
    int ndevices = s->ctx->ndevices;
    for (int i = 0, left = batch; i < ndevices; i++) {
        int rows = i == ndevices - 1 ? left : round_rows((double)left / (ndevices - i));
        if (rows > left) rows = left;
        if (rows) out->n = add_slices(out->slice, out->n, &s->ctx->device[i], rows, FIXED_SLICES);
        left -= rows;
    }
    explain_all(out, ndevices, s->ctx->deterministic ? "deterministic mode: equal shares, whatever is faster"
                                                     : "too many devices for trials: equal shares");
}

/* The proportions of the last measured batch, for work that is not worth
 * trials of its own. */
static void in_proportion(struct trainer_state *s, int batch, struct division *out)
{
    struct hsgd_context *ctx = s->ctx;
    int rows[MAX_DEVICES] = { 0 }, left = batch;
    for (int i = 0; i < ctx->ndevices; i++) {
        rows[i] = i == ctx->ndevices - 1 ? left : round_rows(batch * s->share[i]);
        if (rows[i] > left) rows[i] = left;
        left -= rows[i];
    }
    out->n = all_slices(ctx, rows, out->slice);
    explain_all(out, ctx->ndevices, "the proportions of the batch that was tried out");
}

static void whole(struct trainer_state *s, int batch, struct division *out)
{
    out->n = add_slices(out->slice, 0, &s->ctx->device[0], batch, 1);
    explain(out, 0, "the only device in use, with one worker");
}

int slices_choose(struct trainer_state *s, int batch, enum plan_mode mode, struct division *out)
{
    struct hsgd_context *ctx = s->ctx;
    bool tried = s->measured && (mode != PLAN_TRAIN || batch < s->options.batch_size);
    *out = (struct division){ 0 };
    if (ctx->deterministic || ctx->ndevices > MAX_SLICES / 2) fixed(s, batch, out);
    else if (ctx->ndevices == 1 && ctx->device[0].info.workers == 1) whole(s, batch, out);
    else if (tried) in_proportion(s, batch, out);
    else return measured(s, batch, out);
    return 0;
}
