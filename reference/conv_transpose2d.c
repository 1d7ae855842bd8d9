/* SPDX-License-Identifier: BSD-3-Clause */
/* conv_transpose2d: each input adds its weights to the outputs under them. */
#include "check.h"
#include "reference.h"

struct transposed {
    int n, k[2], stride[2], dilation[2], pads[4], extra, groups, o; /* of rows, columns; top, left, bottom, right */
    struct hsgd_shape in, out;
    enum hsgd_activation f;
    double *x, *w, *b, *dy;
};

static int of_group(const struct transposed *s) { return s->o / s->groups; }
static int weights(const struct transposed *s) { return s->in.c * s->k[0] * s->k[1] * of_group(s); }
static int outputs(const struct transposed *s) { return s->n * hsgd_size(s->out); }
static int inputs(const struct transposed *s) { return s->n * hsgd_size(s->in); }

/* All products: input, weight, output. */
typedef void product(void *user, int x, int w, int y);

static void at_input(const struct transposed *s, product *each, void *user, int n, int iy, int ix, int c)
{
    int x = ((n * s->in.h + iy) * s->in.w + ix) * s->in.c + c, group = c / (s->in.c / s->groups);
    for (int ky = 0; ky < s->k[0]; ky++)
        for (int kx = 0; kx < s->k[1]; kx++)
            for (int o = 0; o < of_group(s); o++) {
                int y = iy * s->stride[0] - s->pads[0] + ky * s->dilation[0];
                int xx = ix * s->stride[1] - s->pads[1] + kx * s->dilation[1];
                if (y < 0 || y >= s->out.h || xx < 0 || xx >= s->out.w) continue;
                each(user, x, ((c * s->k[0] + ky) * s->k[1] + kx) * of_group(s) + o,
                     ((n * s->out.h + y) * s->out.w + xx) * s->o + group * of_group(s) + o);
            }
}

static void products(const struct transposed *s, product *each, void *user)
{
    for (int n = 0; n < s->n; n++)
        for (int iy = 0; iy < s->in.h; iy++)
            for (int ix = 0; ix < s->in.w; ix++)
                for (int c = 0; c < s->in.c; c++) at_input(s, each, user, n, iy, ix, c);
}

struct sums {
    const struct transposed *s;
    struct approx_sum *y, *dx, *dw;
    const struct approx *dz;
};

static void add_forward(void *user, int x, int w, int y)
{
    struct sums *g = user;
    approx_add(&g->y[y], g->s->x[x] * g->s->w[w], 0);
}

static void add_backward(void *user, int x, int w, int y)
{
    struct sums *g = user;
    struct approx dz = g->dz[y];
    approx_add(&g->dx[x], dz.v * g->s->w[w], dz.e * fabs(g->s->w[w]));
    approx_add(&g->dw[w], dz.v * g->s->x[x], dz.e * fabs(g->s->x[x]));
}

/* Bound: as that of conv2d. */
static void forward(const struct transposed *s, struct approx *y)
{
    struct sums g = { s, calloc((size_t)outputs(s), sizeof *g.y), NULL, NULL, NULL };
    products(s, add_forward, &g);
    for (int i = 0; i < outputs(s); i++) {
        approx_add(&g.y[i], s->b[i % s->o], 0);
        y[i] = (struct approx){ check_activation(g.y[i].v, s->f), approx_of(g.y[i]).e + (s->f > HSGD_RELU ? 4e-7 : 0) };
    }
    free(g.y);
}

/* From the computed y: dz within 4 u |dy|, then sums. */
static void backward(const struct transposed *s, const double *y, struct approx *dx, struct approx *dw,
                     struct approx *db)
{
    struct approx *dz = check_approx(outputs(s));
    struct approx_sum *sum = calloc((size_t)s->o, sizeof *sum);
    struct sums g = { s, NULL, calloc((size_t)inputs(s), sizeof *g.dx), calloc((size_t)weights(s), sizeof *g.dw), dz };
    for (int i = 0; i < outputs(s); i++) {
        dz[i] = (struct approx){ s->dy[i] * check_activation_grad(y[i], s->f), 4 * CHECK_U * fabs(s->dy[i]) };
        approx_add(&sum[i % s->o], dz[i].v, dz[i].e);
    }
    products(s, add_backward, &g);
    for (int i = 0; i < inputs(s); i++) dx[i] = approx_of(g.dx[i]);
    for (int i = 0; i < weights(s); i++) dw[i] = approx_of(g.dw[i]);
    for (int i = 0; i < s->o; i++) db[i] = approx_of(sum[i]);
    free(g.dx), free(g.dw), free(sum), free(dz);
}

static double loss(void *user)
{
    const struct transposed *s = user;
    struct approx *y = check_approx(outputs(s));
    double sum = 0;
    forward(s, y);
    for (int i = 0; i < outputs(s); i++) sum += s->dy[i] * y[i].v;
    free(y);
    return sum;
}

static void gradient_of_reference(struct transposed *s, const struct approx *y)
{
    struct approx *dx = check_approx(inputs(s)), *dw = check_approx(weights(s)), *db = check_approx(s->o);
    double *yd = check_doubles(NULL, outputs(s));
    for (int i = 0; i < outputs(s); i++) yd[i] = y[i].v;
    backward(s, yd, dx, dw, db);
    check_gradient("dx", loss, s, s->x, dx, inputs(s));
    check_gradient("dw", loss, s, s->w, dw, weights(s));
    if (s->b[0] != 0) check_gradient("db", loss, s, s->b, db, s->o); /* at 0 ReLU has a kink where no input reaches */
    free(dx), free(dw), free(db), free(yd);
}

static void draw_axis(struct transposed *s, int i)
{
    int extent, in = i ? s->in.w : s->in.h, *out = i ? &s->out.w : &s->out.h;
    s->k[i] = check_int(1, 4), s->stride[i] = check_int(1, 3), s->dilation[i] = check_int(0, 1) ? 1 : check_int(1, 3);
    extent = (s->k[i] - 1) * s->dilation[i] + 1;
    s->pads[i] = check_int(0, extent - 1), s->pads[i + 2] = check_int(0, extent - 1);
    int below = s->stride[i] > s->dilation[i] ? s->stride[i] : s->dilation[i];
    if (s->extra >= below) s->extra = below - 1;
    *out = (in - 1) * s->stride[i] - s->pads[i] - s->pads[i + 2] + extent;
}

static void draw(struct transposed *s, int turn)
{
    do {
        bool depthwise = turn % 3 == 2;
        s->n = check_size(turn % 10 == 9 ? 100 : 30);
        s->groups = turn % 3 ? check_int(1, depthwise ? 20 : 5) : 1;
        s->o = s->groups * (depthwise ? 1 : check_size(12));
        s->in = (struct hsgd_shape){ check_int(1, 8), check_int(1, 10), s->groups * (depthwise ? 1 : check_size(12)) };
        s->extra = check_int(0, 2);
        for (int i = 0; i < 2; i++) draw_axis(s, i);
        s->out.h += s->extra, s->out.w += s->extra, s->out.c = s->o;
        s->f = (enum hsgd_activation)(turn % 4);
    } while (s->out.h < 1 || s->out.w < 1 || (double)inputs(s) * s->k[0] * s->k[1] * of_group(s) > 6e5);
}

static void describe(const struct transposed *s, int turn)
{
    check_shape("shape %d: %d of %dx%dx%d to %dx%dx%d, %d groups, kernel %dx%d, stride %dx%d, dilation %dx%d, pads %d "
                "%d %d %d, output padding %d, activation %d",
                turn, s->n, s->in.h, s->in.w, s->in.c, s->out.h, s->out.w, s->o, s->groups, s->k[0], s->k[1],
                s->stride[0], s->stride[1], s->dilation[0], s->dilation[1], s->pads[0], s->pads[1], s->pads[2],
                s->pads[3], s->extra, s->f);
}

/* In one to three slices. */
static void one(int turn)
{
    struct transposed s = { 0 };
    draw(&s, turn);
    struct hsgd_conv_transpose2d a = { .out_channels = s.o,
                                       .kernel = s.k[0],
                                       .stride = s.stride[0],
                                       .activation = s.f,
                                       .no_bias = turn % 5 == 3,
                                       .groups = s.groups,
                                       .dilation = s.dilation[0],
                                       .kernel_w = s.k[1],
                                       .stride_w = s.stride[1],
                                       .dilation_w = s.dilation[1],
                                       .output_padding = s.extra,
                                       .pads = { 4, { s.pads[0], s.pads[1], s.pads[2], s.pads[3] } } };
    describe(&s, turn);
    int nx = inputs(&s), nw = weights(&s), ny = outputs(&s), part = (s.n + 3) / 4;
    int slices[] = { part, part, s.n - 2 * part };
    float *x = check_floats(nx), *w = check_floats(nw), *b = check_floats(s.o), *dy = check_floats(ny);
    float *y = check_floats(ny), *dx = check_floats(nx), *dw = check_floats(nw), *db = check_floats(s.o);
    for (int i = 0; a.no_bias && i < s.o; i++) b[i] = 0;
    s.x = check_doubles(x, nx), s.w = check_doubles(w, nw), s.b = check_doubles(b, s.o), s.dy = check_doubles(dy, ny);
    struct approx *want_y = check_approx(ny), *want_dx = check_approx(nx), *want_dw = check_approx(nw),
                  *want_db = check_approx(s.o);
    forward(&s, want_y);
    if (ny < 300) gradient_of_reference(&s, want_y);
    for (int d = 0; d < check_devices() && check_going(); d++) {
        struct hsgd_op_call run = { .rows = s.n,
                                    .slices = turn % 4 == 1 && slices[2] > 0 ? slices : NULL,
                                    .nslices = 3,
                                    .in = { hsgd_image(s.in.h, s.in.w, s.in.c) },
                                    .x = { x },
                                    .dy = { dy },
                                    .params = { w, b },
                                    .y = { y },
                                    .dx = { dx },
                                    .gradients = { dw, db },
                                    .training = true };
        check_run(d, &hsgd_op_conv_transpose2d, &a, &run, ny);
        check_near("y", y, want_y, ny);
        double *yd = check_doubles(y, ny);
        backward(&s, yd, want_dx, want_dw, want_db);
        check_near("dx", dx, want_dx, nx);
        check_near("dw", dw, want_dw, nw);
        if (!a.no_bias) check_near("db", db, want_db, s.o);
        free(yd);
    }
    free(x), free(w), free(b), free(dy), free(y), free(dx), free(dw), free(db);
    free(s.x), free(s.w), free(s.b), free(s.dy), free(want_y), free(want_dx), free(want_dw), free(want_db);
}

void reference_conv_transpose2d(void)
{
    for (int i = 0; i < 210 && check_going(); i++) one(i);
}
