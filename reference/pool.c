/* SPDX-License-Identifier: BSD-3-Clause */
/* max_pool, avg_pool and their adaptive forms, over images and sequences. */
#include "check.h"
#include "reference.h"

struct pool {
    int n, k[2], stride[2], dilation[2], pads[4]; /* of rows, columns; top, left, bottom, right */
    bool average, adaptive, ceil_mode, counts, sequence;
    struct hsgd_shape in, out;
    enum hsgd_activation f; /* activation that produced x; max_pool applies its derivative */
    double *x, *dy;
};

/* Window q along axis i: its cells inside, and how many a mean divides by. */
static int cells_of(const struct pool *s, int i, int q, int *cells, int *all)
{
    int in = i ? s->in.w : s->in.h, out = i ? s->out.w : s->out.h, count = 0;
    int begin = q * s->stride[i] - s->pads[i], end = begin + s->k[i] * s->dilation[i], edge = in + s->pads[i + 2];
    if (s->adaptive) begin = q * in / out, end = ((q + 1) * in + out - 1) / out;
    for (int at = begin; at < end; at += s->dilation[i])
        if (at >= 0 && at < in) cells[count++] = at;
    *all = s->counts ? (end < edge ? end : edge) - begin : count;
    return count;
}

/* The cells of one window, as indices into x in row-major order. */
static int window(const struct pool *s, int n, int oy, int ox, int c, int *cells, int *all)
{
    int rows[64], columns[64], of_rows, of_columns, count = 0;
    int ny = cells_of(s, 0, oy, rows, &of_rows), nx = cells_of(s, 1, ox, columns, &of_columns);
    for (int y = 0; y < ny; y++)
        for (int x = 0; x < nx; x++) cells[count++] = ((n * s->in.h + rows[y]) * s->in.w + columns[x]) * s->in.c + c;
    *all = of_rows * of_columns;
    return count;
}

/* The maximum is exact; the mean has the bound of its sum. */
static struct approx pooled(const struct pool *s, const int *cells, int count, int all, int *first)
{
    struct approx_sum sum = { 0 };
    *first = cells[0];
    for (int i = 0; i < count; i++) {
        if (s->x[cells[i]] > s->x[*first]) *first = cells[i];
        approx_add(&sum, s->x[cells[i]] / all, 0);
    }
    return s->average ? approx_of(sum) : (struct approx){ s->x[*first], 0 };
}

static void share(const struct pool *s, const int *cells, int count, int all, int first, double dy,
                  struct approx_sum *dx)
{
    for (int i = 0; s->average && i < count; i++) approx_add(&dx[cells[i]], dy / all, 0);
    if (!s->average) approx_add(&dx[first], dy * check_activation_grad(s->x[first], s->f), 4 * CHECK_U * fabs(dy));
}

static void reference(const struct pool *s, struct approx *y, struct approx *dx)
{
    int nx = s->n * hsgd_size(s->in), at = 0, cells[1024], first, all;
    struct approx_sum *sums = calloc((size_t)nx, sizeof *sums);
    for (int n = 0; n < s->n; n++)
        for (int oy = 0; oy < s->out.h; oy++)
            for (int ox = 0; ox < s->out.w; ox++)
                for (int c = 0; c < s->in.c; c++, at++) {
                    int count = window(s, n, oy, ox, c, cells, &all);
                    y[at] = pooled(s, cells, count, all, &first);
                    share(s, cells, count, all, first, s->dy[at], sums);
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

static int extent(const struct pool *s, int i) { return (s->k[i] - 1) * s->dilation[i] + 1; }

/* Square and symmetric, or everything by itself. */
static void draw_window(struct pool *s, int turn)
{
    bool plain = turn % 2;
    for (int i = 0; i < 2; i++) {
        bool same = plain && i;
        s->k[i] = same ? s->k[0] : check_int(1, 5), s->stride[i] = same ? s->stride[0] : check_int(1, 4);
        s->dilation[i] = plain || s->average ? 1 : check_int(1, 3);
        s->pads[i] = same ? s->pads[0] : check_int(0, extent(s, i) - 1);
        s->pads[i + 2] = plain ? s->pads[i] : check_int(0, extent(s, i) - 1);
    }
    s->ceil_mode = !plain && turn % 4 == 0;
    s->counts = s->average && turn % 3 == 1;
    if (turn % 3) return;
    s->k[0] = s->k[1] = s->stride[0] = s->stride[1] = 2; /* has a separate kernel path */
    s->dilation[0] = s->dilation[1] = 1;
    s->pads[0] = s->pads[1] = s->pads[2] = s->pads[3] = 0;
}

/* A sequence is an image of one row. */
static void flatten_rows(struct pool *s)
{
    s->in.h = s->k[0] = s->stride[0] = s->dilation[0] = 1;
    s->pads[0] = s->pads[2] = 0;
}

static int outputs(const struct pool *s, int i)
{
    int in = i ? s->in.w : s->in.h, room = in + s->pads[i] + s->pads[i + 2] - extent(s, i);
    if (room < 0) return 0;
    int out = (room + (s->ceil_mode ? s->stride[i] - 1 : 0)) / s->stride[i] + 1;
    return out - ((out - 1) * s->stride[i] >= in + s->pads[i]);
}

/* With dilation all cells of a window may be outside. */
static bool has_empty(const struct pool *s)
{
    int cells[64], all, empty = 0;
    for (int i = 0; i < 2; i++)
        for (int q = 0; q < (i ? s->out.w : s->out.h); q++) empty += !cells_of(s, i, q, cells, &all);
    return empty;
}

static void draw(struct pool *s, int turn)
{
    do {
        s->n = check_size(turn % 10 == 9 ? 200 : 40);
        s->in = (struct hsgd_shape){ check_int(1, 15), check_int(1, 15), check_size(9) };
        s->sequence = turn % 7 == 4;
        if (s->adaptive) s->k[0] = s->k[1] = s->stride[0] = s->stride[1] = s->dilation[0] = s->dilation[1] = 1;
        else draw_window(s, turn);
        if (s->sequence) flatten_rows(s);
        s->out = (struct hsgd_shape){ outputs(s, 0), outputs(s, 1), s->in.c };
        if (s->adaptive) s->out = (struct hsgd_shape){ s->sequence ? 1 : check_int(1, 9), check_int(1, 9), s->in.c };
    } while (s->out.h < 1 || s->out.w < 1 || s->n * hsgd_size(s->out) > 20000 || has_empty(s));
}

union attributes {
    struct hsgd_max_pool max;
    struct hsgd_avg_pool avg;
    struct hsgd_adaptive_avg_pool adaptive; /* adaptive_max_pool has the same */
};

static union attributes attributes(const struct pool *s, const struct hsgd_op **op)
{
    union attributes a;
    int first = s->sequence ? 1 : 0; /* axis of `kernel` */
    struct hsgd_ints pads = { 4, { s->pads[0], s->pads[1], s->pads[2], s->pads[3] } };
    if (s->sequence) pads = (struct hsgd_ints){ 2, { s->pads[1], s->pads[3] } };
    if (s->adaptive) {
        a.adaptive = (struct hsgd_adaptive_avg_pool){ first ? s->out.w : s->out.h, s->out.w };
        *op = s->average ? &hsgd_op_adaptive_avg_pool : &hsgd_op_adaptive_max_pool;
    } else if (s->average) {
        a.avg = (struct hsgd_avg_pool){ .kernel = s->k[first],
                                        .stride = s->stride[first],
                                        .kernel_w = s->k[1],
                                        .stride_w = s->stride[1],
                                        .pads = pads,
                                        .ceil_mode = s->ceil_mode,
                                        .count_include_pad = s->counts };
        *op = &hsgd_op_avg_pool;
    } else {
        a.max = (struct hsgd_max_pool){ .kernel = s->k[first],
                                        .stride = s->stride[first],
                                        .kernel_w = s->k[1],
                                        .stride_w = s->stride[1],
                                        .dilation = s->dilation[first],
                                        .dilation_w = s->dilation[1],
                                        .pads = pads,
                                        .ceil_mode = s->ceil_mode };
        *op = &hsgd_op_max_pool;
    }
    return a;
}

static void describe(const struct pool *s, int turn, bool ties)
{
    check_shape("shape %d: %d of %dx%dx%d to %dx%d, window %dx%d, stride %dx%d, dilation %dx%d, pads %d %d %d %d, "
                "ceil %d, counts %d, sequence %d, ties %d, slope %d",
                turn, s->n, s->in.h, s->in.w, s->in.c, s->out.h, s->out.w, s->k[0], s->k[1], s->stride[0], s->stride[1],
                s->dilation[0], s->dilation[1], s->pads[0], s->pads[1], s->pads[2], s->pads[3], s->ceil_mode, s->counts,
                s->sequence, ties, s->f);
}

/* In one to three slices. */
static void one(int turn, bool average, bool adaptive)
{
    struct pool s = { .average = average, .adaptive = adaptive };
    const struct hsgd_op *of;
    draw(&s, turn);
    union attributes a = attributes(&s, &of);
    struct hsgd_op op = *of;
    int nx = s.n * hsgd_size(s.in), ny = s.n * hsgd_size(s.out), part = (s.n + 3) / 4;
    int slices[] = { part, part, s.n - 2 * part };
    bool ties = turn % 2;
    s.f = made_x = average || adaptive || turn % 4 < 2 ? HSGD_NO_ACTIVATION : (enum hsgd_activation)check_int(0, 3);
    if (s.f) op.infer = infer_activation_grad;
    describe(&s, turn, ties);
    float *x = ties ? check_steps(nx) : check_floats(nx), *dy = check_floats(ny);
    float *y = check_floats(ny), *dx = check_floats(nx);
    s.x = check_doubles(x, nx), s.dy = check_doubles(dy, ny);
    struct approx *want_y = check_approx(ny), *want_dx = check_approx(nx);
    reference(&s, want_y, want_dx);
    if (ny < 300 && !ties && !s.f) check_gradient("dx", loss, &s, s.x, want_dx, nx);
    for (int d = 0; d < check_devices() && check_going(); d++) {
        struct hsgd_type sequence = { HSGD_F32, 2, { s.in.w, s.in.c } };
        struct hsgd_op_call run = { .rows = s.n,
                                    .slices = turn % 5 == 2 && slices[2] > 0 ? slices : NULL,
                                    .nslices = 3,
                                    .in = { s.sequence ? sequence : hsgd_image(s.in.h, s.in.w, s.in.c) },
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
    for (int i = 0; i < 240 && check_going(); i++) one(i, false, false);
}

void reference_avg_pool(void)
{
    for (int i = 0; i < 240 && check_going(); i++) one(i, true, false);
}

void reference_adaptive_max_pool(void)
{
    for (int i = 0; i < 210 && check_going(); i++) one(i, false, true);
}

void reference_adaptive_avg_pool(void)
{
    for (int i = 0; i < 210 && check_going(); i++) one(i, true, true);
}
