/* SPDX-License-Identifier: BSD-3-Clause */
/* max_pool and avg_pool. */
#include "check.h"
#include "reference.h"

struct pool {
    int n, k, stride, pad;
    bool average;
    struct hsgd_shape in, out;
    enum hsgd_activation f; /* activation that produced x; max_pool applies its derivative */
    double *x, *dy;
};

/* The cells of one window, as indices into x in row-major order. */
static int window(const struct pool *s, int n, int oy, int ox, int c, int *cells)
{
    int count = 0;
    for (int ky = 0; ky < s->k; ky++)
        for (int kx = 0; kx < s->k; kx++) {
            int y = oy * s->stride - s->pad + ky, x = ox * s->stride - s->pad + kx;
            if (y < 0 || y >= s->in.h || x < 0 || x >= s->in.w) continue;
            cells[count++] = ((n * s->in.h + y) * s->in.w + x) * s->in.c + c;
        }
    return count;
}

/* The maximum is exact; the mean has the bound of its sum. */
static struct approx pooled(const struct pool *s, const int *cells, int count, int *first)
{
    struct approx_sum sum = { 0 };
    *first = cells[0];
    for (int i = 0; i < count; i++) {
        if (s->x[cells[i]] > s->x[*first]) *first = cells[i];
        approx_add(&sum, s->x[cells[i]] / count, 0);
    }
    return s->average ? approx_of(sum) : (struct approx){ s->x[*first], 0 };
}

static void share(const struct pool *s, const int *cells, int count, int first, double dy, struct approx_sum *dx)
{
    for (int i = 0; s->average && i < count; i++) approx_add(&dx[cells[i]], dy / count, 0);
    if (!s->average) approx_add(&dx[first], dy * check_activation_grad(s->x[first], s->f), 4 * CHECK_U * fabs(dy));
}

static void reference(const struct pool *s, struct approx *y, struct approx *dx)
{
    int nx = s->n * hsgd_size(s->in), at = 0, cells[64], first;
    struct approx_sum *sums = calloc((size_t)nx, sizeof *sums);
    for (int n = 0; n < s->n; n++)
        for (int oy = 0; oy < s->out.h; oy++)
            for (int ox = 0; ox < s->out.w; ox++)
                for (int c = 0; c < s->in.c; c++, at++) {
                    int count = window(s, n, oy, ox, c, cells);
                    y[at] = pooled(s, cells, count, &first);
                    share(s, cells, count, first, s->dy[at], sums);
                }
    for (int i = 0; i < nx; i++) dx[i] = approx_of(sums[i]);
    free(sums);
}

static double loss(void *user)
{
    const struct pool *s = user;
    int ny = s->n * hsgd_size(s->out);
    struct approx *y = check_approx(ny), *dx = check_approx(s->n * hsgd_size(s->in));
    double sum = 0;
    reference(s, y, dx);
    for (int i = 0; i < ny; i++) sum += s->dy[i] * y[i].v;
    free(y);
    free(dx);
    return sum;
}

static enum hsgd_activation made_x;

static int infer_activation_grad(struct hsgd_node *n, char *why, size_t size)
{
    n->slope_of_x = made_x;
    return hsgd_op_max_pool.infer(n, why, size);
}

static void draw(struct pool *s, int turn)
{
    do {
        s->n = check_size(turn % 10 == 9 ? 200 : 40);
        s->in = (struct hsgd_shape){ check_int(1, 15), check_int(1, 15), check_size(9) };
        s->k = check_int(1, 5), s->stride = check_int(1, 4), s->pad = check_int(0, s->k - 1);
        if (turn % 3 == 0) s->k = s->stride = 2, s->pad = 0; /* has a separate kernel path */
        s->out = (struct hsgd_shape){ (s->in.h + 2 * s->pad - s->k) / s->stride + 1,
                                      (s->in.w + 2 * s->pad - s->k) / s->stride + 1, s->in.c };
    } while (s->in.h + 2 * s->pad < s->k || s->in.w + 2 * s->pad < s->k || s->n * hsgd_size(s->out) > 20000);
}

static void one(int turn, bool average)
{
    struct pool s = { .average = average };
    draw(&s, turn);
    int nx = s.n * hsgd_size(s.in), ny = s.n * hsgd_size(s.out);
    struct hsgd_max_pool a = { s.k, s.stride, s.pad }; /* avg_pool has the same attributes */
    struct hsgd_op op = average ? hsgd_op_avg_pool : hsgd_op_max_pool;
    bool ties = turn % 2;
    s.f = made_x = average || turn % 4 < 2 ? HSGD_NO_ACTIVATION : (enum hsgd_activation)check_int(0, 3);
    if (s.f) op.infer = infer_activation_grad;
    check_shape("shape %d: %d of %dx%dx%d, window %d, stride %d, padding %d, ties %d, slope %d", turn, s.n, s.in.h,
                s.in.w, s.in.c, s.k, s.stride, s.pad, ties, s.f);
    float *x = ties ? check_steps(nx) : check_floats(nx), *dy = check_floats(ny);
    float *y = check_floats(ny), *dx = check_floats(nx);
    s.x = check_doubles(x, nx), s.dy = check_doubles(dy, ny);
    struct approx *want_y = check_approx(ny), *want_dx = check_approx(nx);
    reference(&s, want_y, want_dx);
    if (ny < 300 && !ties && !s.f) check_gradient("dx", loss, &s, s.x, want_dx, nx);
    for (int d = 0; d < check_devices() && check_going(); d++) {
        struct hsgd_op_call run = { .rows = s.n,
                                    .in = { hsgd_image(s.in.h, s.in.w, s.in.c) },
                                    .x = { x },
                                    .dy = { dy },
                                    .y = { y },
                                    .dx = { dx },
                                    .training = true };
        check_run(d, &op, &a, &run, ny);
        check_near("y", y, want_y, ny);
        check_near("dx", dx, want_dx, nx);
    }
    free(x), free(dy), free(y), free(dx), free(s.x), free(s.dy), free(want_y), free(want_dx);
}

void reference_max_pool(void)
{
    for (int i = 0; i < 220 && check_going(); i++) one(i, false);
}

void reference_avg_pool(void)
{
    for (int i = 0; i < 220 && check_going(); i++) one(i, true);
}
