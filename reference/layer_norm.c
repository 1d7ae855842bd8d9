/* SPDX-License-Identifier: BSD-3-Clause */
/* layer_norm and rms_norm: each position over its channels. */
#include "check.h"
#include "reference.h"

struct norm {
    int rows, cols;
    bool rms; /* mean and b are 0 */
    double epsilon, *x, *dy, *w, *b;
};

#define TOLERANCE 4e-6

struct row {
    double mean, rstd, rounding; /* rounding: what remains of a float when the mean is taken away, in units of h */
};

static struct row row_of(const struct norm *s, int r)
{
    const double *x = s->x + (int64_t)r * s->cols;
    double variance = 0;
    struct row t = { 0 };
    for (int c = 0; c < s->cols && !s->rms; c++) t.mean += x[c] / s->cols;
    for (int c = 0; c < s->cols; c++) variance += (x[c] - t.mean) * (x[c] - t.mean) / s->cols;
    t.rstd = 1 / sqrt(variance + s->epsilon);
    t.rounding = 4 * CHECK_U * t.rstd * fabs(t.mean);
    return t;
}

static void forward(const struct norm *s, struct approx *y)
{
    for (int i = 0; i < s->rows * s->cols; i++) {
        int c = i % s->cols;
        struct row t = row_of(s, i / s->cols);
        double h = (s->x[i] - t.mean) * t.rstd;
        y[i].v = h * s->w[c] + s->b[c];
        y[i].e = TOLERANCE * (fabs(s->w[c]) * (1 + fabs(h)) + fabs(s->b[c])) + fabs(s->w[c]) * t.rounding;
    }
}

static void backward_row(const struct norm *s, int r, struct approx *dx, struct approx *dw, struct approx *db)
{
    const double *x = s->x + (int64_t)r * s->cols, *dy = s->dy + (int64_t)r * s->cols;
    struct row t = row_of(s, r);
    double sum = 0, product = 0, all = 0, largest = 0;
    for (int c = 0; c < s->cols; c++) {
        double h = (x[c] - t.mean) * t.rstd, g = dy[c] * s->w[c];
        sum += g / s->cols, product += g * h / s->cols;
        all += fabs(g) * (1 + fabs(h)) / s->cols, largest = fmax(largest, fabs(h));
        if (s->rms) sum = 0;
        dw[c].v += dy[c] * h, db[c].v += dy[c];
        dw[c].e += fabs(dy[c]) * (TOLERANCE * (1 + fabs(h)) + t.rounding), db[c].e += TOLERANCE * fabs(dy[c]);
    }
    for (int c = 0; c < s->cols; c++) {
        double h = (x[c] - t.mean) * t.rstd, g = dy[c] * s->w[c];
        struct approx *to = &dx[(int64_t)r * s->cols + c];
        to->v += t.rstd * (g - sum - h * product);
        to->e += t.rstd * (TOLERANCE * (fabs(g) + all * (1 + fabs(h))) + t.rounding * all * (2 + largest)) +
                 4 * CHECK_U * (fabs(to->v) + 1);
    }
}

static void backward(const struct norm *s, struct approx *dx, struct approx *dw, struct approx *db)
{
    for (int c = 0; c < s->cols; c++) dw[c] = db[c] = (struct approx){ 0, 0 };
    for (int r = 0; r < s->rows; r++) backward_row(s, r, dx, dw, db);
}

static double loss(void *user)
{
    const struct norm *s = user;
    struct approx *y = check_approx((int64_t)s->rows * s->cols);
    double sum = 0;
    forward(s, y);
    for (int i = 0; i < s->rows * s->cols; i++) sum += s->dy[i] * y[i].v;
    free(y);
    return sum;
}

static void gradient_of_reference(struct norm *s)
{
    int64_t n = (int64_t)s->rows * s->cols;
    struct approx *dx = check_approx(n), *dw = check_approx(s->cols), *db = check_approx(s->cols);
    backward(s, dx, dw, db);
    check_gradient("dx", loss, s, s->x, dx, n);
    check_gradient("dw", loss, s, s->w, dw, s->cols);
    if (!s->rms) check_gradient("db", loss, s, s->b, db, s->cols);
    free(dx), free(dw), free(db);
}

/* `adds`: dx begins with values that remain. */
static void compare(const struct hsgd_op *op, const void *a, struct norm *r, struct hsgd_op_call *run)
{
    int64_t n = (int64_t)r->rows * r->cols;
    float *y = check_floats(n), *start = check_floats(n), *dx = check_floats(n), *dw = check_floats(r->cols),
          *db = check_floats(r->cols);
    struct approx *want_y = check_approx(n), *want_dx = check_approx(n), *want_dw = check_approx(r->cols),
                  *want_db = check_approx(r->cols);
    for (int64_t i = 0; run->adds && i < n; i++) want_dx[i].v = start[i];
    run->y[0] = y, run->dx[0] = dx, run->gradients[0] = dw, run->gradients[1] = r->rms ? NULL : db;
    forward(r, want_y);
    backward(r, want_dx, want_dw, want_db);
    for (int d = 0; d < check_devices() && check_going(); d++) {
        for (int64_t i = 0; i < n; i++) dx[i] = start[i];
        check_run(d, op, a, run, n);
        check_near("y", y, want_y, n);
        check_near("dx", dx, want_dx, n);
        check_near("dw", dw, want_dw, r->cols);
        if (!r->rms) check_near("db", db, want_db, r->cols);
    }
    free(y), free(start), free(dx), free(dw), free(db);
    free(want_y), free(want_dx), free(want_dw), free(want_db);
}

static void one(int turn, bool rms)
{
    struct hsgd_layer_norm layer = { turn % 3 ? 0 : 1e-3f };
    struct hsgd_rms_norm root = { layer.epsilon };
    int samples = check_size(30), positions = turn % 2 ? check_int(1, 12) : 1;
    int cols = check_size(turn % 4 ? 130 : 500), rows = samples * positions, offset = turn % 5 == 4 ? 570 : 0;
    int64_t n = (int64_t)rows * cols;
    int slices[] = { (samples + 1) / 2, samples / 2 };
    check_shape("shape %d: %d samples of %d positions of %d channels, offset %d, adds %d", turn, samples, positions,
                cols, offset, turn % 4 == 1);
    float *x = check_floats(n), *dy = check_floats(n), *w = check_floats(cols), *b = check_floats(cols);
    for (int64_t i = 0; i < n; i++) x[i] += (float)offset;
    for (int c = 0; rms && c < cols; c++) b[c] = 0;
    struct norm r = { rows,
                      cols,
                      rms,
                      layer.epsilon ? layer.epsilon : 1e-5,
                      check_doubles(x, n),
                      check_doubles(dy, n),
                      check_doubles(w, cols),
                      check_doubles(b, cols) };
    struct hsgd_op_call run = { .rows = samples,
                                .slices = samples > 1 && turn % 3 == 1 ? slices : NULL,
                                .nslices = 2,
                                .adds = turn % 4 == 1,
                                .in = { positions > 1 ? (struct hsgd_type){ HSGD_F32, 2, { positions, cols } }
                                                      : hsgd_vector(cols) },
                                .x = { x },
                                .dy = { dy },
                                .params = { w, rms ? NULL : b },
                                .training = true };
    if (n < 300 && !offset) gradient_of_reference(&r);
    compare(rms ? &hsgd_op_rms_norm : &hsgd_op_layer_norm, rms ? (void *)&root : (void *)&layer, &r, &run);
    free(x), free(dy), free(w), free(b), free(r.x), free(r.dy), free(r.w), free(r.b);
}

void reference_layer_norm(void)
{
    for (int i = 0; i < 210 && check_going(); i++) one(i, false);
}

void reference_rms_norm(void)
{
    for (int i = 0; i < 210 && check_going(); i++) one(i, true);
}
