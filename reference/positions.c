/* SPDX-License-Identifier: BSD-3-Clause */
/* last, mean_positions, max_positions: over the valid positions of each sample. */
#include <string.h>

#include "check.h"
#include "reference.h"

enum kind { LAST, MEAN, MAX };

static const struct hsgd_op *const ops[] = { &hsgd_op_last, &hsgd_op_mean_positions, &hsgd_op_max_positions };

struct shape {
    int rows, steps, cols;
    const int32_t *length; /* NULL: all positions */
};

static int length_of(const struct shape *s, int r)
{
    int n = s->length ? s->length[r] : s->steps;
    return n < 0 ? 0 : n > s->steps ? s->steps : n;
}

/* The share of position t in y, which is a sum of shares of x. */
static double share(const struct shape *s, enum kind kind, const float *x, int r, int t, int c)
{
    int n = length_of(s, r), best = 0;
    const float *column = x + (int64_t)r * s->steps * s->cols + c;
    if (t >= n) return 0;
    if (kind == LAST) return t == n - 1;
    if (kind == MEAN) return 1.0 / n;
    for (int i = 1; i < n; i++)
        if (column[i * s->cols] > column[best * s->cols]) best = i;
    return t == best;
}

/* Bounds: that of the sum, and of one value none; mean: two roundings more. */
static void reference(const struct shape *s, enum kind kind, const float *x, const float *dy, struct approx *y,
                      struct approx *dx)
{
    for (int i = 0; i < s->rows * s->cols; i++) {
        int r = i / s->cols, c = i % s->cols;
        struct approx_sum sum = { 0 };
        for (int t = 0; t < s->steps; t++) {
            int64_t at = ((int64_t)r * s->steps + t) * s->cols + c;
            double part = share(s, kind, x, r, t, c);
            if (part != 0) approx_add(&sum, part * x[at], 0);
            dx[at].v += part * dy[i];
            dx[at].e = 4 * CHECK_U * (fabs(dx[at].v) + fabs(part * dy[i]));
        }
        y[i] = kind == MEAN ? approx_of(sum) : (struct approx){ sum.v, 0 };
    }
}

static void one(enum kind kind, int turn)
{
    static const char *const names[] = { "last", "mean_positions", "max_positions" };
    struct shape s = { check_size(60), check_size(turn % 5 ? 20 : 200), check_size(turn % 3 ? 40 : 200), NULL };
    int nx = s.rows * s.steps * s.cols, ny = s.rows * s.cols, slices[] = { (s.rows + 1) / 2, s.rows / 2 };
    bool adds = turn % 4 == 1;
    float *x = check_steps(nx), *dy = check_floats(ny), *y = check_floats(ny), *dx = check_floats(nx);
    float *start = check_floats(nx);
    int32_t *length = calloc((size_t)s.rows, sizeof *length);
    struct approx *want_y = check_approx(ny), *want_dx = check_approx(nx);
    for (int r = 0; r < s.rows; r++) length[r] = check_int(0, 3) ? check_int(-1, s.steps + 1) : s.steps;
    if (turn % 3) s.length = length;
    check_shape("%s %d: %d samples of %dx%d, lengths %d, adds %d", names[kind], turn, s.rows, s.steps, s.cols,
                s.length != NULL, adds);
    for (int i = 0; adds && i < nx; i++) want_dx[i].v = start[i];
    reference(&s, kind, x, dy, want_y, want_dx);
    struct hsgd_op_call run = { .rows = s.rows,
                                .inputs = s.length ? 2 : 1,
                                .slices = s.rows > 1 && turn % 2 ? slices : NULL,
                                .nslices = 2,
                                .adds = adds,
                                .in = { { HSGD_F32, 2, { s.steps, s.cols } }, hsgd_number(HSGD_I32) },
                                .x = { x, length },
                                .dy = { dy },
                                .y = { y },
                                .dx = { dx },
                                .training = true };
    for (int d = 0; d < check_devices() && check_going(); d++) {
        memcpy(dx, start, (size_t)nx * sizeof *dx);
        check_run(d, ops[kind], NULL, &run, ny);
        check_near("y", y, want_y, ny);
        check_near("dx", dx, want_dx, nx);
    }
    free(x), free(dy), free(y), free(dx), free(start), free(length), free(want_y), free(want_dx);
}

static void all(enum kind kind)
{
    for (int i = 0; i < 206 && check_going(); i++) one(kind, i);
}

void reference_last(void) { all(LAST); }
void reference_mean_positions(void) { all(MEAN); }
void reference_max_positions(void) { all(MAX); }
