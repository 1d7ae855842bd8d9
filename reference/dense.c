/* SPDX-License-Identifier: BSD-3-Clause */
/* dense: y = f(x W + b), or with W transposed; with the weight in one piece and in two. */
#include "check.h"
#include "reference.h"

struct dense {
    int rows, in, units;
    enum hsgd_activation f;
    bool transposed;
    double *x, *w, *b, *dy; /* b NULL: none */
};

/* Where the weight of input i and unit u is. */
static int at(const struct dense *s, int i, int u) { return s->transposed ? u * s->in + i : i * s->units + u; }

/* Bound: that of the sum of in + 1 terms, and 8 u for the activation. */
static void forward(const struct dense *s, struct approx *y)
{
    for (int r = 0; r < s->rows; r++)
        for (int u = 0; u < s->units; u++) {
            struct approx_sum z = { 0 };
            for (int i = 0; i < s->in; i++) approx_add(&z, s->x[r * s->in + i] * s->w[at(s, i, u)], 0);
            if (s->b) approx_add(&z, s->b[u], 0);
            double v = check_activation(z.v, s->f);
            y[r * s->units + u] = (struct approx){ v, approx_of(z).e + (s->f > HSGD_RELU ? 8 * CHECK_U : 0) };
        }
}

/* From the computed y: dz = dy f'(y) within 4 u |dy|; then sums. */
static void backward(const struct dense *s, const double *y, struct approx *dx, struct approx *dw, struct approx *db)
{
    struct approx *dz = check_approx((int64_t)s->rows * s->units);
    for (int i = 0; i < s->rows * s->units; i++)
        dz[i] = (struct approx){ s->dy[i] * check_activation_grad(y[i], s->f), 4 * CHECK_U * fabs(s->dy[i]) };
    for (int r = 0; r < s->rows; r++)
        for (int i = 0; i < s->in; i++) {
            struct approx_sum sum = { 0 };
            for (int u = 0; u < s->units; u++) {
                struct approx d = dz[r * s->units + u];
                double w = s->w[at(s, i, u)];
                approx_add(&sum, d.v * w, d.e * fabs(w));
            }
            dx[r * s->in + i] = approx_of(sum);
        }
    for (int u = 0; u < s->units; u++) {
        struct approx_sum bias = { 0 };
        for (int r = 0; r < s->rows; r++) approx_add(&bias, dz[r * s->units + u].v, dz[r * s->units + u].e);
        db[u] = approx_of(bias);
        for (int i = 0; i < s->in; i++) {
            struct approx_sum sum = { 0 };
            for (int r = 0; r < s->rows; r++) {
                struct approx d = dz[r * s->units + u];
                double x = s->x[r * s->in + i];
                approx_add(&sum, d.v * x, d.e * fabs(x));
            }
            dw[at(s, i, u)] = approx_of(sum);
        }
    }
    free(dz);
}

static double loss(void *user)
{
    const struct dense *s = user;
    struct approx *y = check_approx((int64_t)s->rows * s->units);
    double sum = 0;
    forward(s, y);
    for (int i = 0; i < s->rows * s->units; i++) sum += s->dy[i] * y[i].v;
    free(y);
    return sum;
}

static void gradient_of_reference(struct dense *s, const struct approx *y)
{
    int64_t nx = (int64_t)s->rows * s->in, nw = (int64_t)s->units * s->in, ny = (int64_t)s->rows * s->units;
    struct approx *dx = check_approx(nx), *dw = check_approx(nw), *db = check_approx(s->units);
    double *yd = check_doubles(NULL, ny);
    for (int64_t i = 0; i < ny; i++) yd[i] = y[i].v;
    backward(s, yd, dx, dw, db);
    check_gradient("dx", loss, s, s->x, dx, nx);
    check_gradient("dw", loss, s, s->w, dw, nw);
    if (s->b) check_gradient("db", loss, s, s->b, db, s->units);
    free(dx), free(dw), free(db), free(yd);
}

/* ------------------------------------------------- the weight in pieces */

/* Rows of the weight before `cut` are one piece, the others a second; the gradient of the
 * first is computed by weight_gradient(), accumulated twice. */
struct pieces {
    struct hsgd_dense dense;
    int cut;
};

static void cut_weight(struct hsgd_emit *e)
{
    const struct pieces *a = e->node->attributes;
    struct hsgd_weight *w = &e->weight[0];
    const int *dim = e->node->param[0].dim;
    struct hsgd_ref ref = w->piece[0].ref;
    w->pieces = 2;
    w->piece[0] = (struct hsgd_piece){ ref, 0, a->cut };
    w->piece[1] = (struct hsgd_piece){ hsgd_at(ref, (int64_t)a->cut * dim[1]), a->cut, dim[0] - a->cut };
}

static void pieces_forward(struct hsgd_emit *e)
{
    cut_weight(e);
    hsgd_op_dense.forward[0].emit(e);
}

static void pieces_backward(struct hsgd_emit *e)
{
    const struct pieces *a = e->node->attributes;
    struct hsgd_ref out = e->gradient[0];
    const int *dim = e->node->param[0].dim;
    cut_weight(e);
    e->gradient[0].buffer = -1;
    hsgd_op_dense.backward[0].emit(e);
    hsgd_op_dense.weight_gradient(e, 0, a->cut, out, false);
    hsgd_op_dense.weight_gradient(e, 0, a->cut, out, true);
    hsgd_op_dense.weight_gradient(e, a->cut, dim[0] - a->cut, hsgd_at(out, (int64_t)a->cut * dim[1]), false);
}

static void twice(struct approx *dw, int64_t n)
{
    for (int64_t i = 0; i < n; i++) dw[i].v *= 2, dw[i].e *= 3;
}

/* ---------------------------------------------------------------- shapes */

static void one(int turn)
{
    int h = check_int(1, 3), w = check_int(1, 3), rows = check_size(200), units = check_size(129);
    struct hsgd_shape in = { h, w, check_size(200 / (h * w)) };
    struct dense s = { .rows = h * w * rows, .in = in.c, .units = units, .f = (enum hsgd_activation)(turn % 4) };
    s.transposed = turn % 11 < 4;
    struct pieces a = { { .units = units, .activation = s.f, .no_bias = turn % 5 == 0, .transposed = s.transposed },
                        0 };
    int weight_rows = s.transposed ? units : s.in, weight_row = s.transposed ? s.in : units;
    struct hsgd_op op = hsgd_op_dense;
    op.attributes_size = sizeof a;
    if (turn % 3 == 0 && weight_rows > 1) {
        a.cut = check_int(1, weight_rows - 1);
        op.forward[0].emit = pieces_forward;
        op.backward[0].emit = pieces_backward;
    }
    int64_t nx = (int64_t)s.rows * s.in, nw = (int64_t)units * s.in, ny = (int64_t)s.rows * units;
    check_shape("shape %d: %d rows of %dx%dx%d, %d units, activation %d, bias %d, cut %d%s", turn, rows, h, w, s.in,
                units, s.f, !a.dense.no_bias, a.cut, s.transposed ? ", transposed" : "");
    float *x = check_floats(nx), *weight = check_floats(nw), *bias = check_floats(units), *dy = check_floats(ny);
    float *y = check_floats(ny), *dx = check_floats(nx), *dw = check_floats(nw), *db = check_floats(units);
    s.x = check_doubles(x, nx), s.w = check_doubles(weight, nw), s.dy = check_doubles(dy, ny);
    double *b = check_doubles(bias, units);
    s.b = a.dense.no_bias ? NULL : b;
    struct approx *want_y = check_approx(ny), *want_dx = check_approx(nx), *want_dw = check_approx(nw),
                  *want_db = check_approx(units);
    forward(&s, want_y);
    if (ny < 300) gradient_of_reference(&s, want_y);
    for (int d = 0; d < check_devices() && check_going(); d++) {
        bool wants_dx = turn % 7 != 0;
        struct hsgd_op_call run = { .rows = rows,
                                    .in = { hsgd_image(in.h, in.w, in.c) },
                                    .x = { x },
                                    .dy = { dy },
                                    .params = { weight, bias },
                                    .y = { y },
                                    .dx = { wants_dx ? dx : NULL },
                                    .gradients = { dw, db },
                                    .training = true };
        check_run(d, &op, &a, &run, ny);
        check_near("y", y, want_y, ny);
        double *yd = check_doubles(y, ny);
        backward(&s, yd, want_dx, want_dw, want_db);
        twice(want_dw, (int64_t)a.cut * weight_row);
        if (wants_dx) check_near("dx", dx, want_dx, nx);
        check_near("dw", dw, want_dw, nw);
        if (s.b) check_near("db", db, want_db, units);
        free(yd);
    }
    free(x), free(weight), free(bias), free(dy), free(y), free(dx), free(dw), free(db), free(b);
    free(s.x), free(s.w), free(s.dy), free(want_y), free(want_dx), free(want_dw), free(want_db);
}

/* A NaN in one sample: every unit of that sample is NaN, no other. */
static void not_a_number(int units)
{
    int rows = 20, in = 24;
    float *x = check_floats(rows * in), *w = check_floats(units * in), *b = check_floats(units);
    float *y = check_floats(rows * units);
    struct hsgd_dense a = { .units = units, .activation = HSGD_RELU };
    check_shape("NaN, %d units", units);
    x[3 * in + 5] = NAN;
    for (int d = 0; d < check_devices(); d++) {
        check_run(d, &hsgd_op_dense, &a,
                  &(struct hsgd_op_call){
                      .rows = rows, .in = { hsgd_vector(in) }, .x = { x }, .params = { w, b }, .y = { y } },
                  UNCOUNTED);
        for (int i = 0; i < rows * units; i++) check_that(!isnan(y[i]) == (i / units != 3), "y[%d] is %g", i, y[i]);
    }
    free(x), free(w), free(b), free(y);
}

void reference_dense(void)
{
    for (int i = 0; i < 210 && check_going(); i++) one(i);
    not_a_number(5);
    not_a_number(40);
}
