/* SPDX-License-Identifier: BSD-3-Clause */
/* top_values: the k largest or smallest numbers along an axis, and their indices. */
#include <string.h>

#include "check.h"
#include "reference.h"

struct line {
    int n, inner, k;
    bool min, integers;
};

/* Whether number i comes before number k of the line: NaN is the largest, and of equals the first comes first. */
static bool comes_before(const struct line *s, const void *x, int i, int k)
{
    double v, w;
    if (s->integers) v = ((const int32_t *)x)[i * s->inner], w = ((const int32_t *)x)[k * s->inner];
    else v = (double)((const float *)x)[i * s->inner], w = (double)((const float *)x)[k * s->inner];
    bool above = isnan(v) ? !isnan(w) : v > w, below = isnan(w) ? !isnan(v) : v < w;
    if (above || below) return s->min ? below : above;
    return i < k;
}

/* Where number i is in the order of all. */
static int rank_of(const struct line *s, const void *x, int i)
{
    int rank = 0;
    for (int k = 0; k < s->n; k++) rank += k != i && comes_before(s, x, k, i);
    return rank;
}

static void reference(const struct line *s, int lines, const int32_t *x, const float *dy, int32_t *y, int32_t *index,
                      float *dx)
{
    for (int l = 0; l < lines; l++) {
        int from = l / s->inner * s->n * s->inner + l % s->inner, to = l / s->inner * s->k * s->inner + l % s->inner;
        for (int i = 0; i < s->n; i++) {
            int rank = rank_of(s, x + from, i);
            dx[from + i * s->inner] = rank < s->k ? dy[to + rank * s->inner] : 0;
            if (rank >= s->k) continue;
            y[to + rank * s->inner] = x[from + i * s->inner];
            index[to + rank * s->inner] = i;
        }
    }
}

/* Bits of floats, many of which are equal, some NaN; or integers. */
static int32_t *numbers(int n, int turn, bool integers)
{
    int32_t *x = malloc((size_t)n * sizeof *x);
    float *f = turn % 2 ? check_floats(n) : check_steps(n);
    for (int i = 0; i < n; i++) {
        if (turn % 7 == 3 && i % 11 == 5) f[i] = NAN;
        if (integers) x[i] = (turn % 5 ? 1 << 30 : -(1 << 30)) + check_int(-20, 20);
        else memcpy(&x[i], &f[i], sizeof x[i]);
    }
    free(f);
    return x;
}

static void compare(const struct hsgd_top_values *a, const struct line *s, const struct hsgd_type *t, int rows,
                    int32_t *x)
{
    int n = rows * (int)hsgd_type_size(t), lines = n / s->n, results = lines * s->k;
    float *dy = check_floats(results), *dx = check_floats(n), *want_dx = check_floats(n);
    int32_t *y = calloc((size_t)results, sizeof *y), *index = calloc((size_t)results, sizeof *index),
            *want = calloc((size_t)results, sizeof *want), *want_index = calloc((size_t)results, sizeof *want_index);
    reference(s, lines, x, dy, want, want_index, want_dx);
    for (int d = 0; d < check_devices() && check_going(); d++) {
        struct hsgd_op_call run = {
            .rows = rows, .in = { *t }, .x = { (float *)x }, .y = { (float *)y, (float *)index }
        };
        if (!s->integers) run.dy[0] = dy, run.dx[0] = dx, run.training = true;
        check_run(d, &hsgd_op_top_values, a, &run, results);
        check_that(!memcmp(index, want_index, (size_t)results * sizeof *index), "indices differ");
        check_that(!memcmp(y, want, (size_t)results * sizeof *y), "values differ");
        if (!s->integers) check_that(!memcmp(dx, want_dx, (size_t)n * sizeof *dx), "dx differs");
    }
    free(dy), free(dx), free(want_dx), free(y), free(index), free(want), free(want_index);
}

static void one(int turn)
{
    struct hsgd_type t = { HSGD_F32, check_int(1, 4), { 0 } };
    for (int i = 0; i < t.rank; i++) t.dim[i] = check_size(t.rank < 3 ? 30 : 8);
    if (turn % 25 == 24) t = hsgd_vector(check_int(300, 900));
    int rows = check_size(turn % 25 == 24 ? 4 : 40), axis = check_int(0, t.rank - 1),
        n = rows * (int)hsgd_type_size(&t);
    struct line s = { t.dim[axis], 1, check_int(1, t.dim[axis]), turn % 2, turn % 3 == 2 };
    struct hsgd_top_values a = { s.k, axis == t.rank - 1 && turn % 3 ? 0 : axis - t.rank, s.min };
    for (int i = axis + 1; i < t.rank; i++) s.inner *= t.dim[i];
    if (s.integers) t.dtype = HSGD_I32;
    check_shape("shape %d: %d samples, axis %d of rank %d, %d of %d numbers %d apart, min %d", turn, rows, axis + 1,
                t.rank, s.k, s.n, s.inner, s.min);
    int32_t *x = numbers(n, turn, s.integers);
    compare(&a, &s, &t, rows, x);
    free(x);
}

void reference_top_values(void)
{
    for (int i = 0; i < 300 && check_going(); i++) one(i);
}
