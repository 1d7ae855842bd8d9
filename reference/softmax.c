/* SPDX-License-Identifier: BSD-3-Clause */
/* softmax and log_softmax: y_c = exp(x_c) / sum_i exp(x_i), dx = y (dy - sum_i dy_i y_i); log y. */
#include <string.h>

#include "check.h"
#include "reference.h"

struct shape {
    int rows, cols;
    bool log;
    const double *x, *dy;
};

/* log softmax(x)_c of a row */
static double log_softmax_at(const double *x, int cols, int c)
{
    double top = x[0], sum = 0;
    for (int i = 1; i < cols; i++) top = fmax(top, x[i]);
    for (int i = 0; i < cols; i++) sum += exp(x[i] - top);
    return x[c] - top - log(sum);
}

/* Bound: of each exponential 8 u and that of its argument, and of the sum. */
static void reference(const struct shape *s, struct approx *y, struct approx *dx)
{
    double *p = check_doubles(NULL, s->cols);
    for (int r = 0; r < s->rows; r++) {
        const double *x = s->x + (int64_t)r * s->cols, *dy = s->dy + (int64_t)r * s->cols;
        struct approx *yr = y + (int64_t)r * s->cols, *dxr = dx + (int64_t)r * s->cols;
        double top = x[0], sum = 0, size = 0, dot = 0, dots = 0;
        for (int c = 1; c < s->cols; c++) top = fmax(top, x[c]);
        for (int c = 0; c < s->cols; c++) sum += exp(x[c] - top);
        for (int c = 0; c < s->cols; c++) {
            double log_p = x[c] - top - log(sum), e = (s->cols + 20 + 2 * fabs(x[c] - top)) * CHECK_U;
            p[c] = exp(log_p);
            yr[c].v = s->log ? log_p : p[c];
            yr[c].e = s->log ? e + 4 * CHECK_U * (fabs(log_p) + fabs(top)) : e * p[c];
            double term = s->log ? dy[c] : dy[c] * p[c];
            dot += term, dots += fabs(term);
            size = fmax(size, fabs(x[c] - top) + fabs(top));
        }
        double off = (3 * s->cols + 60 + 8 * size) * CHECK_U;
        for (int c = 0; c < s->cols; c++) {
            dxr[c].v = s->log ? dy[c] - p[c] * dot : p[c] * (dy[c] - dot);
            dxr[c].e = off * (s->log ? fabs(dy[c]) + p[c] * dots : p[c] * (fabs(dy[c]) + dots));
        }
    }
    free(p);
}

static double loss(void *user)
{
    const struct shape *s = user;
    double sum = 0;
    for (int r = 0; r < s->rows; r++)
        for (int c = 0; c < s->cols; c++) {
            double v = log_softmax_at(s->x + (int64_t)r * s->cols, s->cols, c);
            sum += s->dy[(int64_t)r * s->cols + c] * (s->log ? v : exp(v));
        }
    return sum;
}

/* Rows of lines as {rows / inner, cols, inner}, the axis in the middle, or back. */
static void turn_lines(const float *from, float *to, const struct shape *s, int inner, bool back)
{
    for (int i = 0; i < s->rows * s->cols; i++) {
        int line = i / s->cols, c = i % s->cols, at = (line / inner * s->cols + c) * inner + line % inner;
        if (back) to[i] = from[at];
        else to[at] = from[i];
    }
}

/* Lines along the last axis, or along one before it of {outer, cols, inner}. */
static void one(int turn, bool log)
{
    int inner = turn % 5 == 1 || turn % 5 == 2 ? check_size(40) : 1, rows = check_size(40 / inner + 1) * inner,
        cols = turn % 20 == 19 ? check_int(1000, 3000) : check_size(70), n = rows * cols;
    struct shape s = { rows, cols, log, NULL, NULL };
    struct hsgd_type type = turn % 2 ? hsgd_vector(cols) : (struct hsgd_type){ HSGD_F32, 2, { rows, cols } };
    if (inner > 1) type = (struct hsgd_type){ HSGD_F32, 3, { rows / inner, cols, inner } };
    if (inner > 1 && turn % 2) type = (struct hsgd_type){ HSGD_F32, 2, { cols, inner } };
    struct hsgd_softmax a = { inner > 1 ? (turn % 4 ? -2 : type.rank - 1) : 0 };
    check_shape("shape %d: %d rows of %d, %d apart", turn, rows, cols, inner);
    float *x = check_floats(n), *dy = check_floats(n), *y = check_floats(n), *dx = check_floats(n),
          *work = check_floats(n);
    for (int i = 0; i < n; i++) x[i] *= turn % 3 ? 4.0f : 60.0f;
    double *xd = check_doubles(x, n), *dyd = check_doubles(dy, n);
    s.x = xd, s.dy = dyd;
    struct approx *want = check_approx(n), *want_dx = check_approx(n);
    reference(&s, want, want_dx);
    if (turn < 24 && cols < 60) check_gradient("dx", loss, &s, xd, want_dx, n);
    for (int d = 0; d < check_devices() && check_going(); d++) {
        float *lies[] = { check_floats(n), check_floats(n) };
        turn_lines(x, lies[0], &s, inner, false);
        turn_lines(dy, lies[1], &s, inner, false);
        struct hsgd_op_call run = { .rows = turn % 2 ? rows / inner : 1,
                                    .in = { type },
                                    .x = { lies[0] },
                                    .dy = { lies[1] },
                                    .y = { work },
                                    .dx = { dx },
                                    .training = true };
        check_run(d, log ? &hsgd_op_log_softmax : &hsgd_op_softmax, a.axis ? &a : NULL, &run, n);
        turn_lines(work, y, &s, inner, true);
        memcpy(work, dx, (size_t)n * sizeof *dx);
        turn_lines(work, dx, &s, inner, true);
        free(lies[0]), free(lies[1]);
        check_near("y", y, want, n);
        check_near("dx", dx, want_dx, n);
    }
    free(x), free(dy), free(y), free(dx), free(work), free(xd), free(dyd), free(want), free(want_dx);
}

/* Where scores are masked by -inf, probabilities are 0. */
static void masked(void)
{
    enum { ROWS = 3, COLS = 40 };
    float x[ROWS * COLS], y[ROWS * COLS];
    struct approx want[ROWS * COLS];
    check_shape("a masked row");
    for (int i = 0; i < ROWS * COLS; i++) {
        x[i] = i % 4 ? -INFINITY : 0;
        want[i] = (struct approx){ i % 4 ? 0 : 0.1, 1e-6 };
    }
    for (int d = 0; d < check_devices() && check_going(); d++) {
        check_run(d, &hsgd_op_softmax, NULL,
                  &(struct hsgd_op_call){ .rows = ROWS, .in = { hsgd_vector(COLS) }, .x = { x }, .y = { y } },
                  UNCOUNTED);
        check_near("y", y, want, ROWS * COLS);
    }
}

void reference_softmax(void)
{
    for (int i = 0; i < 204 && check_going(); i++) one(i, false);
    masked();
}

void reference_log_softmax(void)
{
    for (int i = 0; i < 204 && check_going(); i++) one(i, true);
}
