/* SPDX-License-Identifier: BSD-3-Clause */
/* group_norm and instance_norm: each sample over its positions and the channels of a group. */
#include "check.h"
#include "reference.h"

struct norm {
    int samples, positions, cols, groups;
    bool affine;
    double epsilon, *x, *dy, *w, *b; /* not affine: w 1, b 0 */
};

#define TOLERANCE 4e-6

struct group {
    double mean, rstd, rounding; /* rounding: what remains of a float when the mean is taken away, in units of h */
};

static int64_t at(const struct norm *s, int n, int p, int c) { return ((int64_t)n * s->positions + p) * s->cols + c; }

static struct group group_of(const struct norm *s, int n, int g)
{
    int size = s->cols / s->groups;
    double variance = 0, count = (double)size * s->positions;
    struct group t = { 0 };
    for (int p = 0; p < s->positions; p++)
        for (int c = g * size; c < (g + 1) * size; c++) t.mean += s->x[at(s, n, p, c)] / count;
    for (int p = 0; p < s->positions; p++)
        for (int c = g * size; c < (g + 1) * size; c++)
            variance += (s->x[at(s, n, p, c)] - t.mean) * (s->x[at(s, n, p, c)] - t.mean) / count;
    t.rstd = 1 / sqrt(variance + s->epsilon);
    t.rounding = 4 * CHECK_U * t.rstd * fabs(t.mean);
    return t;
}

static void forward(const struct norm *s, struct approx *y)
{
    for (int n = 0; n < s->samples; n++)
        for (int g = 0, size = s->cols / s->groups; g < s->groups; g++) {
            struct group t = group_of(s, n, g);
            for (int p = 0; p < s->positions; p++)
                for (int c = g * size; c < (g + 1) * size; c++) {
                    double h = (s->x[at(s, n, p, c)] - t.mean) * t.rstd;
                    y[at(s, n, p, c)].v = h * s->w[c] + s->b[c];
                    y[at(s, n, p, c)].e =
                        TOLERANCE * (fabs(s->w[c]) * (1 + fabs(h)) + fabs(s->b[c])) + fabs(s->w[c]) * t.rounding;
                }
        }
}

static void backward_group(const struct norm *s, int n, int g, struct approx *dx, struct approx *dw, struct approx *db)
{
    struct group t = group_of(s, n, g);
    int size = s->cols / s->groups;
    double sum = 0, product = 0, all = 0, largest = 0, count = (double)size * s->positions;
    for (int p = 0; p < s->positions; p++)
        for (int c = g * size; c < (g + 1) * size; c++) {
            int64_t i = at(s, n, p, c);
            double h = (s->x[i] - t.mean) * t.rstd, v = s->dy[i] * s->w[c];
            sum += v / count, product += v * h / count;
            all += fabs(v) * (1 + fabs(h)) / count, largest = fmax(largest, fabs(h));
            dw[c].v += s->dy[i] * h, db[c].v += s->dy[i];
            dw[c].e += fabs(s->dy[i]) * (TOLERANCE * (1 + fabs(h)) + t.rounding);
            db[c].e += TOLERANCE * fabs(s->dy[i]);
        }
    for (int p = 0; p < s->positions; p++)
        for (int c = g * size; c < (g + 1) * size; c++) {
            int64_t i = at(s, n, p, c);
            double h = (s->x[i] - t.mean) * t.rstd, v = s->dy[i] * s->w[c];
            dx[i].v += t.rstd * (v - sum - h * product);
            dx[i].e += t.rstd * (TOLERANCE * (fabs(v) + all * (1 + fabs(h))) + t.rounding * all * (2 + largest)) +
                       4 * CHECK_U * (fabs(dx[i].v) + 1);
        }
}

static void backward(const struct norm *s, struct approx *dx, struct approx *dw, struct approx *db)
{
    for (int c = 0; c < s->cols; c++) dw[c] = db[c] = (struct approx){ 0, 0 };
    for (int n = 0; n < s->samples; n++)
        for (int g = 0; g < s->groups; g++) backward_group(s, n, g, dx, dw, db);
}

static double loss(void *user)
{
    const struct norm *s = user;
    int64_t size = at(s, s->samples, 0, 0);
    struct approx *y = check_approx(size);
    double sum = 0;
    forward(s, y);
    for (int64_t i = 0; i < size; i++) sum += s->dy[i] * y[i].v;
    free(y);
    return sum;
}

static void gradient_of_reference(struct norm *s)
{
    int64_t n = at(s, s->samples, 0, 0);
    struct approx *dx = check_approx(n), *dw = check_approx(s->cols), *db = check_approx(s->cols);
    backward(s, dx, dw, db);
    check_gradient("dx", loss, s, s->x, dx, n);
    if (s->affine) {
        check_gradient("dw", loss, s, s->w, dw, s->cols);
        check_gradient("db", loss, s, s->b, db, s->cols);
    }
    free(dx), free(dw), free(db);
}

/* `adds`: dx begins with values that remain. */
static void compare(const struct hsgd_op *op, const void *a, struct norm *r, struct hsgd_op_call *run)
{
    int64_t n = at(r, r->samples, 0, 0);
    float *y = check_floats(n), *start = check_floats(n), *dx = check_floats(n), *dw = check_floats(r->cols),
          *db = check_floats(r->cols);
    struct approx *want_y = check_approx(n), *want_dx = check_approx(n), *want_dw = check_approx(r->cols),
                  *want_db = check_approx(r->cols);
    for (int64_t i = 0; run->adds && i < n; i++) want_dx[i].v = start[i];
    run->y[0] = y, run->dx[0] = dx;
    if (r->affine) run->gradients[0] = dw, run->gradients[1] = db;
    forward(r, want_y);
    backward(r, want_dx, want_dw, want_db);
    for (int d = 0; d < check_devices() && check_going(); d++) {
        for (int64_t i = 0; i < n; i++) dx[i] = start[i];
        check_run(d, op, a, run, n);
        check_near("y", y, want_y, n);
        check_near("dx", dx, want_dx, n);
        if (!r->affine) continue;
        check_near("dw", dw, want_dw, r->cols);
        check_near("db", db, want_db, r->cols);
    }
    free(y), free(start), free(dx), free(dw), free(db);
    free(want_y), free(want_dx), free(want_dw), free(want_db);
}

/* Samples of an image, a sequence or, of group_norm, a vector. */
static struct hsgd_type type_of(int turn, int positions, int cols)
{
    if (positions == 1 && turn % 2) return hsgd_vector(cols);
    if (positions % 2) return (struct hsgd_type){ HSGD_F32, 2, { positions, cols } };
    return hsgd_image(2, positions / 2, cols);
}

static void check_norm(int turn, const struct hsgd_op *op, const void *a, struct norm *r)
{
    int64_t n = at(r, r->samples, 0, 0);
    int slices[] = { (r->samples + 1) / 2, r->samples / 2 };
    float offset = turn % 5 == 4 ? 570 : 0;
    float *x = check_floats(n), *dy = check_floats(n), *w = check_floats(r->cols), *b = check_floats(r->cols);
    for (int64_t i = 0; i < n; i++) x[i] += offset;
    for (int c = 0; c < r->cols && !r->affine; c++) w[c] = 1, b[c] = 0;
    r->x = check_doubles(x, n), r->dy = check_doubles(dy, n);
    r->w = check_doubles(w, r->cols), r->b = check_doubles(b, r->cols);
    struct hsgd_op_call run = { .rows = r->samples,
                                .slices = r->samples > 1 && turn % 3 == 1 ? slices : NULL,
                                .nslices = 2,
                                .adds = turn % 4 == 1,
                                .in = { type_of(op == &hsgd_op_group_norm ? turn : 0, r->positions, r->cols) },
                                .x = { x },
                                .dy = { dy },
                                .training = true };
    if (r->affine) run.params[0] = w, run.params[1] = b;
    if (n < 300 && offset == 0) gradient_of_reference(r);
    compare(op, a, r, &run);
    free(x), free(dy), free(w), free(b), free(r->x), free(r->dy), free(r->w), free(r->b);
}

static struct norm shape_of(int turn, int groups, int size)
{
    struct norm r = { .samples = check_size(turn % 2 ? 20 : 5),
                      .positions = turn % 7 ? check_size(40) : 1,
                      .cols = groups * size,
                      .groups = groups };
    r.affine = turn % 3 != 0;
    r.epsilon = turn % 4 ? 1e-5 : 1e-3f;
    return r;
}

static void one_group(int turn)
{
    int groups = check_size(turn % 4 ? 9 : 30), size = check_size(turn % 4 == 3 ? 40 : 8);
    struct norm r = shape_of(turn, groups, size);
    struct hsgd_group_norm a = { groups, turn % 4 ? 0 : 1e-3f, !r.affine };
    check_shape("shape %d: %d samples of %d positions of %d channels in %d groups, affine %d", turn, r.samples,
                r.positions, r.cols, groups, r.affine);
    check_norm(turn, &hsgd_op_group_norm, &a, &r);
}

void reference_group_norm(void)
{
    for (int i = 0; i < 210 && check_going(); i++) one_group(i);
}

static void one_instance(int turn)
{
    struct norm r = shape_of(turn, check_size(turn % 4 ? 40 : 150), 1);
    struct hsgd_instance_norm a = { turn % 4 ? 0 : 1e-3f, r.affine };
    r.positions += r.positions == 1 && turn % 2;
    check_shape("shape %d: %d samples of %d positions of %d channels, affine %d", turn, r.samples, r.positions, r.cols,
                r.affine);
    check_norm(turn, &hsgd_op_instance_norm, &a, &r);
}

void reference_instance_norm(void)
{
    for (int i = 0; i < 210 && check_going(); i++) one_instance(i);
}
