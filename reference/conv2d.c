/* SPDX-License-Identifier: BSD-3-Clause */
/* conv2d against seven plain loops: square and symmetric, in groups, depthwise, dilated, with any padding. */
#include "check.h"
#include "reference.h"

struct conv {
    int n, k[2], stride[2], dilation[2], pads[4], groups, o; /* of rows, columns; top, left, bottom, right */
    struct hsgd_shape in, out;
    enum hsgd_activation f;
    double *x, *w, *b, *dy;
};

static int of_group(const struct conv *s) { return s->in.c / s->groups; }
static int weights(const struct conv *s) { return s->o * s->k[0] * s->k[1] * of_group(s); }

/* Channel c of output o's group under a tap; NULL: outside. */
static double *input(const struct conv *s, double *x, int n, const int at[2], const int tap[2], int o, int c)
{
    int y = at[0] * s->stride[0] - s->pads[0] + tap[0] * s->dilation[0];
    int xx = at[1] * s->stride[1] - s->pads[1] + tap[1] * s->dilation[1];
    int channel = o / (s->o / s->groups) * of_group(s) + c;
    bool inside = y >= 0 && y < s->in.h && xx >= 0 && xx < s->in.w;
    return inside ? &x[((n * s->in.h + y) * s->in.w + xx) * s->in.c + channel] : NULL;
}

static int weight(const struct conv *s, int o, const int tap[2], int c)
{
    return ((o * s->k[0] + tap[0]) * s->k[1] + tap[1]) * of_group(s) + c;
}

#define FOR_OUTPUTS(s) \
    for (int n = 0, i = 0; n < s->n; n++) \
        for (int oy = 0; oy < s->out.h; oy++) \
            for (int ox = 0; ox < s->out.w; ox++) \
                for (int o = 0; o < s->o; o++, i++)
#define FOR_TAPS(s) \
    for (int ky = 0; ky < s->k[0]; ky++) \
        for (int kx = 0; kx < s->k[1]; kx++) \
            for (int c = 0; c < of_group(s); c++)

/* Bound: that of the sum, and 4e-7 for tanh and sigmoid, which the kernel
 * approximates to 3e-7. */
static void forward(const struct conv *s, struct approx *y)
{
    FOR_OUTPUTS(s)
    {
        struct approx_sum z = { 0 };
        FOR_TAPS(s)
        {
            int tap[2] = { ky, kx };
            double *x = input(s, s->x, n, (int[]){ oy, ox }, tap, o, c);
            if (x) approx_add(&z, *x * s->w[weight(s, o, tap, c)], 0);
        }
        approx_add(&z, s->b[o], 0);
        y[i] = (struct approx){ check_activation(z.v, s->f), approx_of(z).e + (s->f > HSGD_RELU ? 4e-7 : 0) };
    }
}

struct gradients {
    struct approx_sum *dx, *dw, *db;
};

static void add_output(const struct conv *s, const struct gradients *g, int n, const int at[2], int o, struct approx dz)
{
    approx_add(&g->db[o], dz.v, dz.e);
    FOR_TAPS(s)
    {
        int tap[2] = { ky, kx }, w = weight(s, o, tap, c);
        double *x = input(s, s->x, n, at, tap, o, c);
        if (!x) continue;
        approx_add(&g->dw[w], dz.v * *x, dz.e * fabs(*x));
        approx_add(&g->dx[x - s->x], dz.v * s->w[w], dz.e * fabs(s->w[w]));
    }
}

/* From the computed y: dz within 4 u |dy|, then sums. */
static void backward(const struct conv *s, const double *y, bool slope_applied, struct approx *dx, struct approx *dw,
                     struct approx *db)
{
    int nx = s->n * hsgd_size(s->in), nw = weights(s);
    struct gradients g = { calloc((size_t)nx, sizeof *g.dx), calloc((size_t)nw, sizeof *g.dw),
                           calloc((size_t)s->o, sizeof *g.db) };
    FOR_OUTPUTS(s)
    {
        double slope = slope_applied ? 1 : check_activation_grad(y[i], s->f);
        add_output(s, &g, n, (int[]){ oy, ox }, o, (struct approx){ s->dy[i] * slope, 4 * CHECK_U * fabs(s->dy[i]) });
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
    int nx = s->n * hsgd_size(s->in), nw = weights(s), ny = s->n * hsgd_size(s->out);
    struct approx *dx = check_approx(nx), *dw = check_approx(nw), *db = check_approx(s->o);
    double *yd = check_doubles(NULL, ny);
    for (int i = 0; i < ny; i++) yd[i] = y[i].v;
    backward(s, yd, false, dx, dw, db);
    check_gradient("dx", loss, s, s->x, dx, nx);
    check_gradient("dw", loss, s, s->w, dw, nw);
    if (s->b[0] != 0)
        check_gradient("db", loss, s, s->b, db, s->o); /* at 0 ReLU has a kink where there is only padding */
    free(dx), free(dw), free(db), free(yd);
}

static bool is_sequence;

/* As the operation's, where the next one has applied f'. */
static int infer_applied(struct hsgd_node *n, char *why, size_t size)
{
    n->slope_applied = true;
    return is_sequence ? hsgd_op_conv1d.infer(n, why, size) : hsgd_op_conv2d.infer(n, why, size);
}

/* Square, symmetric, without groups. */
static void draw_plain(struct conv *s, int turn)
{
    s->n = check_size(turn % 10 == 9 ? 200 : 40);
    s->in = (struct hsgd_shape){ check_int(1, 14), check_int(1, 20), check_int(0, 2) ? check_size(8) : check_size(40) };
    s->k[0] = s->k[1] = check_int(1, 5), s->stride[0] = s->stride[1] = check_int(1, 3);
    s->pads[0] = check_int(0, s->k[0] - 1);
    for (int i = 1; i < 4; i++) s->pads[i] = s->pads[0];
    s->dilation[0] = s->dilation[1] = s->groups = 1;
    s->o = check_int(0, 2) ? check_size(17) : check_size(65);
}

static int extent(const struct conv *s, int i) { return (s->k[i] - 1) * s->dilation[i] + 1; }

/* Everything by itself; groups of any size, every other time one channel each. */
static void draw_general(struct conv *s, int turn)
{
    int depthwise = turn % 2, one = check_int(0, 3) == 0;
    s->n = check_size(turn % 10 == 9 ? 100 : 40);
    s->groups = depthwise ? check_size(70) : check_int(0, 1) ? check_int(1, 4) : check_size(12);
    s->in = (struct hsgd_shape){ one ? 1 : check_int(1, 12), check_int(1, 24), s->groups };
    if (!depthwise) s->in.c *= check_int(0, 1) ? check_int(1, 3) : check_size(14);
    s->o = s->groups * (depthwise ? 1 : check_int(0, 1) ? check_int(1, 4) : check_size(20));
    for (int i = 0; i < 2; i++) {
        s->k[i] = check_int(0, 1) ? 3 : check_int(1, 5); /* 3 has separate kernel paths */
        s->stride[i] = check_int(1, 3);
        s->dilation[i] = check_int(0, 1) ? 1 : check_int(1, 4);
        s->pads[i] = check_int(0, extent(s, i) - 1), s->pads[i + 2] = check_int(0, extent(s, i) - 1);
    }
}

/* A sequence is an image of one row. */
static void flatten_rows(struct conv *s)
{
    s->in.h = s->k[0] = s->stride[0] = s->dilation[0] = 1;
    s->pads[0] = s->pads[2] = 0;
}

static void draw(struct conv *s, int turn, bool sequence)
{
    int free[2];
    do {
        if (turn % 3 == 0) draw_plain(s, turn);
        else draw_general(s, turn);
        if (sequence) flatten_rows(s);
        s->f = (enum hsgd_activation)(turn % 4);
        free[0] = s->in.h + s->pads[0] + s->pads[2] - extent(s, 0);
        free[1] = s->in.w + s->pads[1] + s->pads[3] - extent(s, 1);
        s->out = (struct hsgd_shape){ free[0] / s->stride[0] + 1, free[1] / s->stride[1] + 1, s->o };
    } while (free[0] < 0 || free[1] < 0 || (double)s->n * hsgd_size(s->out) * s->k[0] * s->k[1] * of_group(s) > 8e5);
}

static struct hsgd_conv2d attributes(const struct conv *s, int turn)
{
    struct hsgd_conv2d a = {
        .out_channels = s->o, .kernel = s->k[0], .stride = s->stride[0], .activation = s->f, .no_bias = turn % 5 == 3
    };
    if (turn % 3 == 0) {
        a.padding = s->pads[0];
        return a;
    }
    a.groups = s->groups, a.dilation = s->dilation[0];
    a.kernel_w = s->k[1], a.stride_w = s->stride[1], a.dilation_w = s->dilation[1];
    a.pads = (struct hsgd_ints){ 4, { s->pads[0], s->pads[1], s->pads[2], s->pads[3] } };
    return a;
}

static void describe(const struct conv *s, int turn, bool applied)
{
    check_shape("shape %d: %d of %dx%dx%d, %d channels, %d groups, kernel %dx%d, stride %dx%d, dilation %dx%d, pads %d "
                "%d %d %d, activation %d, applied %d",
                turn, s->n, s->in.h, s->in.w, s->in.c, s->o, s->groups, s->k[0], s->k[1], s->stride[0], s->stride[1],
                s->dilation[0], s->dilation[1], s->pads[0], s->pads[1], s->pads[2], s->pads[3], s->f, applied);
}

static struct hsgd_conv1d sequence_attributes(const struct conv *s, const struct hsgd_conv2d *a)
{
    return (struct hsgd_conv1d){ .out_channels = s->o,
                                 .kernel = s->k[1],
                                 .stride = s->stride[1],
                                 .activation = s->f,
                                 .no_bias = a->no_bias,
                                 .groups = s->groups,
                                 .dilation = s->dilation[1],
                                 .pads = { 2, { s->pads[1], s->pads[3] } } };
}

/* In one to three slices. */
static void one(int turn, bool sequence)
{
    struct conv s = { 0 };
    draw(&s, turn, sequence);
    struct hsgd_conv2d a = attributes(&s, turn);
    struct hsgd_conv1d of_sequence = sequence_attributes(&s, &a);
    struct hsgd_type t = { HSGD_F32, 2, { s.in.w, s.in.c } };
    struct hsgd_op op = sequence ? hsgd_op_conv1d : hsgd_op_conv2d;
    is_sequence = sequence;
    bool applied = turn % 8 == 5;
    if (applied) op.infer = infer_applied;
    describe(&s, turn, applied);
    int nx = s.n * hsgd_size(s.in), nw = weights(&s), ny = s.n * hsgd_size(s.out), part = (s.n + 3) / 4;
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
        bool wants_dx = turn % 7 != 0;
        struct hsgd_op_call run = { .rows = s.n,
                                    .slices = turn % 4 == 1 && slices[2] > 0 ? slices : NULL,
                                    .nslices = 3,
                                    .in = { sequence ? t : hsgd_image(s.in.h, s.in.w, s.in.c) },
                                    .x = { x },
                                    .dy = { dy },
                                    .params = { w, b },
                                    .y = { y },
                                    .dx = { wants_dx ? dx : NULL },
                                    .gradients = { dw, db },
                                    .training = true };
        check_run(d, &op, sequence ? (const void *)&of_sequence : &a, &run, ny);
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
    for (int i = 0; i < 312 && check_going(); i++) one(i, false);
    not_a_number();
}

void reference_conv1d(void)
{
    for (int i = 0; i < 210 && check_going(); i++) one(i, true);
}
