/* SPDX-License-Identifier: BSD-3-Clause */
/* conv2d against seven plain loops. */
#include "check.h"
#include "reference.h"

struct conv {
    int n, stride, pad, k, o;
    struct hsgd_shape in, out;
    enum hsgd_activation f;
    double *x, *w, *b, *dy;
};

static double *input(const struct conv *s, double *x, int n, int y, int xx, int c)
{
    bool inside = y >= 0 && y < s->in.h && xx >= 0 && xx < s->in.w;
    return inside ? &x[((n * s->in.h + y) * s->in.w + xx) * s->in.c + c] : NULL;
}

static int weight(const struct conv *s, int o, int ky, int kx, int c)
{
    return ((o * s->k + ky) * s->k + kx) * s->in.c + c;
}

#define FOR_OUTPUTS(s) \
    for (int n = 0, at = 0; n < s->n; n++) \
        for (int oy = 0; oy < s->out.h; oy++) \
            for (int ox = 0; ox < s->out.w; ox++) \
                for (int o = 0; o < s->o; o++, at++)
#define FOR_TAPS(s) \
    for (int ky = 0; ky < s->k; ky++) \
        for (int kx = 0; kx < s->k; kx++) \
            for (int c = 0; c < s->in.c; c++)

/* Bound: that of the sum, and 4e-7 for tanh and sigmoid, which the kernel
 * approximates to 3e-7. */
static void forward(const struct conv *s, struct approx *y)
{
    FOR_OUTPUTS(s)
    {
        struct approx_sum z = { 0 };
        FOR_TAPS(s)
        {
            double *x = input(s, s->x, n, oy * s->stride - s->pad + ky, ox * s->stride - s->pad + kx, c);
            if (x) approx_add(&z, *x * s->w[weight(s, o, ky, kx, c)], 0);
        }
        approx_add(&z, s->b[o], 0);
        y[at] = (struct approx){ check_activation(z.v, s->f), approx_of(z).e + (s->f > HSGD_RELU ? 4e-7 : 0) };
    }
}

struct gradients {
    struct approx_sum *dx, *dw, *db;
};

static void add_output(const struct conv *s, const struct gradients *g, int n, int oy, int ox, int o, struct approx dz)
{
    approx_add(&g->db[o], dz.v, dz.e);
    FOR_TAPS(s)
    {
        double *x = input(s, s->x, n, oy * s->stride - s->pad + ky, ox * s->stride - s->pad + kx, c);
        if (!x) continue;
        int at = weight(s, o, ky, kx, c);
        approx_add(&g->dw[at], dz.v * *x, dz.e * fabs(*x));
        approx_add(&g->dx[x - s->x], dz.v * s->w[at], dz.e * fabs(s->w[at]));
    }
}

/* From the computed y: dz within 4 u |dy|, then sums. */
static void backward(const struct conv *s, const double *y, bool slope_applied, struct approx *dx, struct approx *dw,
                     struct approx *db)
{
    int nx = s->n * hsgd_size(s->in), nw = s->o * s->k * s->k * s->in.c;
    struct gradients g = { calloc((size_t)nx, sizeof *g.dx), calloc((size_t)nw, sizeof *g.dw),
                           calloc((size_t)s->o, sizeof *g.db) };
    FOR_OUTPUTS(s)
    {
        double slope = slope_applied ? 1 : check_activation_grad(y[at], s->f);
        add_output(s, &g, n, oy, ox, o, (struct approx){ s->dy[at] * slope, 4 * CHECK_U * fabs(s->dy[at]) });
    }
    for (int i = 0; i < nx; i++) dx[i] = approx_of(g.dx[i]);
    for (int i = 0; i < nw; i++) dw[i] = approx_of(g.dw[i]);
    for (int i = 0; i < s->o; i++) db[i] = approx_of(g.db[i]);
    free(g.dx), free(g.dw), free(g.db);
}

static double loss(void *user)
{
    const struct conv *s = user;
    int ny = s->n * hsgd_size(s->out);
    struct approx *y = check_approx(ny);
    double sum = 0;
    forward(s, y);
    for (int i = 0; i < ny; i++) sum += s->dy[i] * y[i].v;
    free(y);
    return sum;
}

static void gradient_of_reference(struct conv *s, const struct approx *y)
{
    int nx = s->n * hsgd_size(s->in), nw = s->o * s->k * s->k * s->in.c, ny = s->n * hsgd_size(s->out);
    struct approx *dx = check_approx(nx), *dw = check_approx(nw), *db = check_approx(s->o);
    double *yd = check_doubles(NULL, ny);
    for (int i = 0; i < ny; i++) yd[i] = y[i].v;
    backward(s, yd, false, dx, dw, db);
    check_gradient("dx", loss, s, s->x, dx, nx);
    check_gradient("dw", loss, s, s->w, dw, nw);
    check_gradient("db", loss, s, s->b, db, s->o);
    free(dx), free(dw), free(db), free(yd);
}

/* As hsgd_op_conv2d, where the next operation has applied f'. */
static int infer_applied(struct hsgd_node *n, char *why, size_t size)
{
    n->slope_applied = true;
    return hsgd_op_conv2d.infer(n, why, size);
}

static void draw(struct conv *s, int turn)
{
    do {
        s->n = check_size(turn % 10 == 9 ? 200 : 40);
        s->in =
            (struct hsgd_shape){ check_int(1, 14), check_int(1, 20), check_int(0, 2) ? check_size(8) : check_size(40) };
        s->k = check_int(1, 5), s->stride = check_int(1, 3), s->pad = check_int(0, s->k - 1);
        s->o = check_int(0, 2) ? check_size(17) : check_size(65);
        s->f = (enum hsgd_activation)(turn % 4);
        s->out = (struct hsgd_shape){ (s->in.h + 2 * s->pad - s->k) / s->stride + 1,
                                      (s->in.w + 2 * s->pad - s->k) / s->stride + 1, s->o };
    } while (s->in.h + 2 * s->pad < s->k || s->in.w + 2 * s->pad < s->k ||
             (double)s->n * hsgd_size(s->out) * s->k * s->k * s->in.c > 8e5);
}

static void one(int turn)
{
    struct conv s = { 0 };
    draw(&s, turn);
    struct hsgd_conv2d a = { .out_channels = s.o,
                             .kernel = s.k,
                             .stride = s.stride,
                             .padding = s.pad,
                             .activation = s.f,
                             .no_bias = turn % 5 == 3 };
    struct hsgd_op op = hsgd_op_conv2d;
    bool applied = turn % 8 == 5;
    if (applied) op.infer = infer_applied;
    check_shape("shape %d: %d of %dx%dx%d, %d channels, kernel %d, stride %d, padding %d, activation %d, applied %d",
                turn, s.n, s.in.h, s.in.w, s.in.c, s.o, s.k, s.stride, s.pad, s.f, applied);
    int nx = s.n * hsgd_size(s.in), nw = s.o * s.k * s.k * s.in.c, ny = s.n * hsgd_size(s.out);
    float *x = check_floats(nx), *w = check_floats(nw), *b = check_floats(s.o), *dy = check_floats(ny);
    float *y = check_floats(ny), *dx = check_floats(nx), *dw = check_floats(nw), *db = check_floats(s.o);
    for (int i = 0; a.no_bias && i < s.o; i++) b[i] = 0;
    s.x = check_doubles(x, nx), s.w = check_doubles(w, nw), s.b = check_doubles(b, s.o), s.dy = check_doubles(dy, ny);
    struct approx *want_y = check_approx(ny), *want_dx = check_approx(nx), *want_dw = check_approx(nw),
                  *want_db = check_approx(s.o);
    forward(&s, want_y);
    if (ny < 300) gradient_of_reference(&s, want_y);
    for (int d = 0; d < check_devices() && check_going(); d++) {
        bool wants_dx = turn % 7 != 0;
        struct hsgd_op_call run = { .rows = s.n,
                                    .in = { hsgd_image(s.in.h, s.in.w, s.in.c) },
                                    .x = { x },
                                    .dy = { dy },
                                    .params = { w, b },
                                    .y = { y },
                                    .dx = { wants_dx ? dx : NULL },
                                    .gradients = { dw, db },
                                    .training = true };
        check_run(d, &op, &a, &run, ny);
        check_near("y", y, want_y, ny);
        double *yd = check_doubles(y, ny);
        backward(&s, yd, applied, want_dx, want_dw, want_db);
        if (wants_dx) check_near("dx", dx, want_dx, nx);
        check_near("dw", dw, want_dw, nw);
        if (!a.no_bias) check_near("db", db, want_db, s.o);
        free(yd);
    }
    free(x), free(w), free(b), free(dy), free(y), free(dx), free(dw), free(db);
    free(s.x), free(s.w), free(s.b), free(s.dy), free(want_y), free(want_dx), free(want_dw), free(want_db);
}

/* A NaN in one image: with a kernel as large as the image, its whole output is NaN. */
static void not_a_number(void)
{
    enum { N = 20, SIDE = 4, C = 3, O = 5 };
    float *x = check_floats(N * SIDE * SIDE * C), *w = check_floats(O * SIDE * SIDE * C), *b = check_floats(O);
    float *y = check_floats(N * O);
    struct hsgd_conv2d a = { .out_channels = O, .kernel = SIDE, .stride = 1, .activation = HSGD_RELU };
    check_shape("NaN");
    x[17 * SIDE * SIDE * C + 11] = NAN;
    for (int d = 0; d < check_devices(); d++) {
        check_run(d, &hsgd_op_conv2d, &a,
                  &(struct hsgd_op_call){
                      .rows = N, .in = { hsgd_image(SIDE, SIDE, C) }, .x = { x }, .params = { w, b }, .y = { y } },
                  UNCOUNTED);
        for (int i = 0; i < N * O; i++) check_that(!isnan(y[i]) == (i / O != 17), "y[%d] is %g", i, y[i]);
    }
    free(x), free(w), free(b), free(y);
}

void reference_conv2d(void)
{
    for (int i = 0; i < 216 && check_going(); i++) one(i);
    not_a_number();
}
