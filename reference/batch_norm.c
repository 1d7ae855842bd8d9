/* SPDX-License-Identifier: BSD-3-Clause */
/* batch_norm: statistics over the whole batch, in slices of unequal size. */
#include <string.h>

#include "check.h"
#include "reference.h"

enum { WEIGHT, BIAS, RUNNING_MEAN, RUNNING_VAR, BATCHES, PARAMS };

struct norm {
    int rows, c; /* rows: samples x positions */
    double epsilon, momentum, *x, *dy, *w, *b;
    double *mean, *variance; /* of each channel */
};

#define TOLERANCE 1e-5

static void statistics(struct norm *s)
{
    for (int c = 0; c < s->c; c++) {
        s->mean[c] = s->variance[c] = 0;
        for (int r = 0; r < s->rows; r++) s->mean[c] += s->x[r * s->c + c] / s->rows;
        for (int r = 0; r < s->rows; r++) s->variance[c] += pow(s->x[r * s->c + c] - s->mean[c], 2) / s->rows;
    }
}

static double rstd(const struct norm *s, int c) { return 1 / sqrt(s->variance[c] + s->epsilon); }
static double h_of(const struct norm *s, int i) { return (s->x[i] - s->mean[i % s->c]) * rstd(s, i % s->c); }

/* What remains of a float when a mean is taken away, in units of h. */
static double rounding(const struct norm *s, int i)
{
    return 4 * CHECK_U * rstd(s, i % s->c) * (fabs(s->x[i]) + fabs(s->mean[i % s->c]));
}

static void forward(const struct norm *s, struct approx *y)
{
    for (int i = 0; i < s->rows * s->c; i++) {
        double w = s->w[i % s->c], b = s->b[i % s->c], h = h_of(s, i);
        y[i].v = h * w + b;
        y[i].e = TOLERANCE * (fabs(w) * (1 + fabs(h)) + fabs(b)) + fabs(w) * rounding(s, i);
    }
}

static void backward(const struct norm *s, struct approx *dx, struct approx *dw, struct approx *db)
{
    for (int c = 0; c < s->c; c++) {
        double sum_w = 0, sum_b = 0, all_w = 0, all_b = 0, off = 0, p = s->w[c] * rstd(s, c);
        for (int i = c; i < s->rows * s->c; i += s->c) {
            double h = h_of(s, i);
            sum_w += s->dy[i] * h, sum_b += s->dy[i];
            all_w += fabs(s->dy[i] * h), all_b += fabs(s->dy[i]);
            off += fabs(s->dy[i]) * rounding(s, i);
        }
        dw[c] = (struct approx){ sum_w, TOLERANCE * (all_w + all_b) + off };
        db[c] = (struct approx){ sum_b, TOLERANCE * all_b };
        for (int i = c; i < s->rows * s->c; i += s->c) {
            double h = h_of(s, i);
            dx[i].v = p * (s->dy[i] - (sum_b + h * sum_w) / s->rows);
            dx[i].e = fabs(p) * (TOLERANCE * (fabs(s->dy[i]) + (all_b + (1 + fabs(h)) * (all_w + all_b)) / s->rows) +
                                 (fabs(h) * off + all_w * rounding(s, i)) / s->rows);
        }
    }
}

static double loss(void *user)
{
    struct norm *s = user;
    int n = s->rows * s->c;
    struct approx *y = check_approx(n);
    double sum = 0;
    statistics(s);
    forward(s, y);
    for (int i = 0; i < n; i++) sum += s->dy[i] * y[i].v;
    free(y);
    return sum;
}

static void gradient_of_reference(struct norm *s)
{
    int n = s->rows * s->c;
    struct approx *dx = check_approx(n), *dw = check_approx(s->c), *db = check_approx(s->c);
    statistics(s);
    backward(s, dx, dw, db);
    check_gradient("dx", loss, s, s->x, dx, n);
    check_gradient("dw", loss, s, s->w, dw, s->c);
    check_gradient("db", loss, s, s->b, db, s->c);
    statistics(s);
    free(dx), free(dw), free(db);
}

static void running(const struct norm *s, float *const *params, struct approx *mean, struct approx *variance)
{
    for (int c = 0; c < s->c; c++) {
        double m = s->momentum, unbiased = s->variance[c] * s->rows / (s->rows > 1 ? s->rows - 1 : 1);
        mean[c].v = (1 - m) * (double)params[RUNNING_MEAN][c] + m * s->mean[c];
        mean[c].e = TOLERANCE * m * sqrt(s->variance[c]) + 4 * CHECK_U * (fabs(s->mean[c]) + 1);
        variance[c].v = (1 - m) * (double)params[RUNNING_VAR][c] + m * unbiased;
        variance[c].e = TOLERANCE * (m * unbiased + 1);
    }
}

/* ------------------------------------------------------------------ shapes */

struct shape {
    int n, nslices, slice[7];
    struct hsgd_type in;
    double offset; /* of x, in standard deviations */
};

static void draw_slices(struct shape *s)
{
    int left = s->n;
    s->nslices = check_int(1, s->n < 7 ? s->n : 7);
    for (int i = 0; i < s->nslices; i++) {
        int others = s->nslices - 1 - i;
        s->slice[i] = others ? check_int(1, left - others) : left;
        left -= s->slice[i];
    }
}

static void draw(struct shape *s, int turn)
{
    do {
        s->n = check_size(turn % 10 == 9 ? 200 : 40);
        int c = check_size(turn % 4 == 3 ? 100 : 20);
        s->in = turn % 3 == 0   ? hsgd_vector(c)
                : turn % 3 == 1 ? hsgd_image(check_int(1, 9), check_int(1, 9), c)
                                : (struct hsgd_type){ HSGD_F32, 2, { check_int(1, 30), c } };
    } while (s->n * hsgd_type_size(&s->in) > 30000 || s->n * hsgd_type_positions(&s->in) < 2);
    s->offset = turn % 5 == 4 ? 1000 : 0;
    draw_slices(s);
}

/* Values around an offset; in some channels all are equal. */
static float *draw_x(const struct shape *s, int64_t n)
{
    int c = hsgd_type_channels(&s->in);
    float *x = check_floats(n);
    for (int64_t i = 0; i < n; i++) x[i] = i % c == 3 ? 0.5f : (float)(x[i] + s->offset * 0.57 * (i % c + 1) / c);
    return x;
}

static float *positive(int n)
{
    float *v = check_floats(n);
    for (int i = 0; i < n; i++) v[i] = 1 + fabsf(v[i]);
    return v;
}

static void compare(const struct hsgd_op *op, const struct hsgd_batch_norm *a, const struct shape *s, struct norm *r,
                    float *const *data, float *const *params)
{
    int n = r->rows * r->c, d = check_devices();
    float *y = check_floats(n), *dx = check_floats(n), *out[PARAMS];
    struct approx *want_y = check_approx(n), *want_dx = check_approx(n), *want[PARAMS];
    for (int i = 0; i < PARAMS; i++) out[i] = check_floats(r->c), want[i] = check_approx(r->c);
    struct hsgd_op_call run = { .rows = s->n,
                                .slices = s->slice,
                                .nslices = s->nslices,
                                .in = { s->in },
                                .x = { data[0] },
                                .dy = { data[1] },
                                .y = { y },
                                .dx = { dx },
                                .training = true };
    memcpy(run.params, params, sizeof run.params[0] * PARAMS);
    memcpy(run.gradients, out, sizeof out);
    forward(r, want_y);
    backward(r, want_dx, want[WEIGHT], want[BIAS]);
    running(r, params, want[RUNNING_MEAN], want[RUNNING_VAR]);
    want[BATCHES][0].v = params[BATCHES][0] + 1;
    while (d-- > 0 && check_going()) {
        static const char *const names[] = { "dw", "db", "running mean", "running variance", "batches" };
        check_run(d, op, a, &run, n);
        check_near("y", y, want_y, n);
        check_near("dx", dx, want_dx, n);
        for (int i = 0; i < PARAMS; i++) check_near(names[i], out[i], want[i], i == BATCHES ? 1 : r->c);
    }
    free(y), free(dx), free(want_y), free(want_dx);
    for (int i = 0; i < PARAMS; i++) free(out[i]), free(want[i]);
}

/* Outside training the running statistics are used, and stay as they are. */
static void evaluate(const struct hsgd_op *op, const struct hsgd_batch_norm *a, const struct shape *s, struct norm *r,
                     const float *x, float *const *params)
{
    int n = r->rows * r->c;
    float *y = check_floats(n), *after = check_floats(r->c);
    struct approx *want = check_approx(n);
    struct hsgd_op_call run = { .rows = s->n,
                                .slices = s->slice,
                                .nslices = s->nslices,
                                .in = { s->in },
                                .x = { x },
                                .y = { y },
                                .gradients = { [RUNNING_MEAN] = after } };
    memcpy(run.params, params, sizeof run.params[0] * PARAMS);
    for (int c = 0; c < r->c; c++) r->mean[c] = params[RUNNING_MEAN][c], r->variance[c] = params[RUNNING_VAR][c];
    forward(r, want);
    for (int d = 0; d < check_devices() && check_going(); d++) {
        check_run(d, op, a, &run, UNCOUNTED);
        check_near("y of evaluation", y, want, n);
        for (int c = 0; c < r->c; c++) check_that(after[c] == params[RUNNING_MEAN][c], "a state has changed");
    }
    free(y), free(after), free(want);
}

static void one(int turn)
{
    struct shape s;
    struct hsgd_batch_norm a = { turn % 7 ? 0 : 1e-3f, turn % 2 ? 0 : 0.25f };
    struct hsgd_op op = hsgd_op_batch_norm;
    draw(&s, turn);
    op.layouts = turn / 2 % 2 ? 1u << HSGD_LANES : 1u << HSGD_NHWC;
    int c = hsgd_type_channels(&s.in), n = s.n * (int)hsgd_type_size(&s.in);
    struct norm r = { n / c, c, a.epsilon ? a.epsilon : 1e-5, a.momentum ? a.momentum : 0.1, .w = NULL };
    check_shape("shape %d: %d samples in %d slices (the first of %d), %d positions of %d channels, offset %g, %s", turn,
                s.n, s.nslices, s.slice[0], n / c / s.n, c, s.offset, turn / 2 % 2 ? "lanes" : "NHWC");
    float *data[] = { draw_x(&s, n), check_floats(n) }, count = (float)check_int(0, 100);
    float *params[PARAMS] = { check_floats(c), check_floats(c), check_floats(c), positive(c), &count };
    r.x = check_doubles(data[0], n), r.dy = check_doubles(data[1], n);
    r.w = check_doubles(params[WEIGHT], c), r.b = check_doubles(params[BIAS], c);
    r.mean = check_doubles(NULL, c), r.variance = check_doubles(NULL, c);
    statistics(&r);
    if (n < 300 && !s.offset) gradient_of_reference(&r);
    compare(&op, &a, &s, &r, data, params);
    if (!s.offset) evaluate(&op, &a, &s, &r, data[0], params);
    for (int i = 0; i < BATCHES; i++) free(params[i]);
    free(data[0]), free(data[1]), free(r.x), free(r.dy), free(r.w), free(r.b), free(r.mean), free(r.variance);
}

void reference_batch_norm(void)
{
    for (int i = 0; i < 240 && check_going(); i++) one(i);
}
