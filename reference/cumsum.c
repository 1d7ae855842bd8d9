/* SPDX-License-Identifier: BSD-3-Clause */
/* cumsum: y_i = x_0 + .. + x_i along an axis, dx_i = dy_i + .. to the end. */
#include <string.h>

#include "check.h"
#include "reference.h"

struct line {
    int n, inner;
    bool exclusive, reverse;
};

/* The sums of one line, by the definition. */
static void reference(const struct line *s, const float *x, struct approx *y)
{
    for (int i = 0; i < s->n; i++) {
        struct approx_sum sum = { 0 };
        for (int k = 0; k < s->n; k++) {
            bool before = s->reverse ? k > i : k < i;
            if (before || (k == i && !s->exclusive)) approx_add(&sum, x[k * s->inner], 0);
        }
        y[i * s->inner] = approx_of(sum);
    }
}

static void reference_integers(const struct line *s, const int32_t *x, int32_t *y)
{
    for (int i = 0; i < s->n; i++) {
        uint32_t sum = 0;
        for (int k = 0; k < s->n; k++)
            if ((s->reverse ? k > i : k < i) || (k == i && !s->exclusive)) sum += (uint32_t)x[k * s->inner];
        y[i * s->inner] = (int32_t)sum;
    }
}

static void integers(const struct hsgd_cumsum *a, const struct line *s, struct hsgd_type t, int rows, int n)
{
    int32_t *x = malloc((size_t)n * sizeof *x), *y = malloc((size_t)n * sizeof *y),
            *want = malloc((size_t)n * sizeof *want);
    int lines = n / s->n;
    t.dtype = HSGD_I32;
    for (int i = 0; i < n; i++) x[i] = check_int(-(1 << 30), 1 << 30);
    for (int i = 0; i < lines; i++) {
        int at = i / s->inner * s->n * s->inner + i % s->inner;
        reference_integers(s, x + at, want + at);
    }
    for (int d = 0; d < check_devices() && check_going(); d++) {
        struct hsgd_op_call run = { .rows = rows, .in = { t }, .x = { (float *)x }, .y = { (float *)y } };
        check_run(d, &hsgd_op_cumsum, a, &run, n);
        check_that(!memcmp(y, want, (size_t)n * sizeof *y), "sums of integers differ");
    }
    free(x), free(y), free(want);
}

static void floats(const struct hsgd_cumsum *a, const struct line *s, const struct hsgd_type *t, int rows, int n)
{
    float *x = check_floats(n), *dy = check_floats(n), *y = check_floats(n), *dx = check_floats(n);
    struct approx *want = check_approx(n), *want_dx = check_approx(n);
    struct line back = *s;
    int lines = n / s->n;
    back.reverse = !s->reverse;
    for (int i = 0; i < lines; i++) {
        int at = i / s->inner * s->n * s->inner + i % s->inner;
        reference(s, x + at, want + at);
        reference(&back, dy + at, want_dx + at);
    }
    for (int d = 0; d < check_devices() && check_going(); d++) {
        struct hsgd_op_call run = {
            .rows = rows, .in = { *t }, .x = { x }, .dy = { dy }, .y = { y }, .dx = { dx }, .training = true
        };
        check_run(d, &hsgd_op_cumsum, a, &run, n);
        check_near("y", y, want, n);
        check_near("dx", dx, want_dx, n);
    }
    free(x), free(dy), free(y), free(dx), free(want), free(want_dx);
}

static void one(int turn)
{
    struct hsgd_type t = { HSGD_F32, check_int(1, 4), { 0 } };
    for (int i = 0; i < t.rank; i++) t.dim[i] = check_size(t.rank < 3 ? 30 : 8);
    if (turn % 25 == 24) t = hsgd_vector(check_int(500, 1500));
    int rows = check_size(turn % 25 == 24 ? 4 : 40), axis = check_int(0, t.rank - 1),
        n = rows * (int)hsgd_type_size(&t);
    struct line s = { t.dim[axis], 1, turn % 2, turn / 2 % 2 };
    struct hsgd_cumsum a = { axis == t.rank - 1 && turn % 3 ? 0 : axis - t.rank, s.exclusive, s.reverse };
    for (int i = axis + 1; i < t.rank; i++) s.inner *= t.dim[i];
    check_shape("shape %d: %d samples, axis %d of rank %d, %d numbers %d apart, exclusive %d, reverse %d", turn, rows,
                axis + 1, t.rank, s.n, s.inner, s.exclusive, s.reverse);
    if (turn % 4 == 3) integers(&a, &s, t, rows, n);
    else floats(&a, &s, &t, rows, n);
}

void reference_cumsum(void)
{
    for (int i = 0; i < 280 && check_going(); i++) one(i);
}
