/* SPDX-License-Identifier: BSD-3-Clause */
/* activate, relu, tanh, sigmoid: y = f(x), dx = dy f'(x), in both layouts. */
#include "check.h"
#include "reference.h"

struct shape {
    int rows, size;
    enum hsgd_activation f;
    const double *x, *dy;
};

/* Bound: 8 u |y|; exp and tanh of the C library and of OpenCL are that
 * accurate.  f' is computed from the resulting y: 4 u |dy|. */
static void reference(const struct shape *s, struct approx *y)
{
    for (int i = 0; i < s->rows * s->size; i++) {
        double v = check_activation(s->x[i], s->f);
        y[i] = (struct approx){ v, s->f <= HSGD_RELU ? 0 : 8 * CHECK_U * fabs(v) };
    }
}

static void backward(const struct shape *s, const double *y, struct approx *dx)
{
    for (int i = 0; i < s->rows * s->size; i++)
        dx[i] = (struct approx){ s->dy[i] * check_activation_grad(y[i], s->f), 4 * CHECK_U * fabs(s->dy[i]) };
}

static double loss(void *user)
{
    const struct shape *s = user;
    double sum = 0;
    for (int i = 0; i < s->rows * s->size; i++) sum += s->dy[i] * check_activation(s->x[i], s->f);
    return sum;
}

static void gradient_of_reference(struct shape *s, double *x)
{
    int n = s->rows * s->size;
    struct approx *dx = check_approx(n);
    double *y = check_doubles(NULL, n);
    for (int i = 0; i < n; i++) y[i] = check_activation(x[i], s->f);
    backward(s, y, dx);
    check_gradient("dx", loss, s, x, dx, n);
    free(y);
    free(dx);
}

static void one(int turn, struct hsgd_op op, enum hsgd_activation f)
{
    struct shape s = { check_size(200), check_size(60), f, NULL, NULL };
    int n = s.rows * s.size;
    struct hsgd_activate a = { s.f };
    op.layouts = turn / 4 % 2 ? 1u << HSGD_LANES : 1u << HSGD_NHWC;
    check_shape("shape %d: %d rows of %d, activation %d, layouts %u", turn, s.rows, s.size, s.f, op.layouts);
    float *x = check_floats(n), *dy = check_floats(n), *y = check_floats(n), *dx = check_floats(n);
    for (int i = 0; i < n; i++) x[i] *= turn % 3 ? 4.0f : 100.0f;
    double *xd = check_doubles(x, n), *dyd = check_doubles(dy, n);
    s.x = xd, s.dy = dyd;
    struct approx *want = check_approx(n), *want_dx = check_approx(n);
    reference(&s, want);
    if (turn < 24) gradient_of_reference(&s, xd);
    for (int d = 0; d < check_devices() && check_going(); d++) {
        struct hsgd_op_call run = { .rows = s.rows,
                                    .in = { hsgd_vector(s.size) },
                                    .x = { x },
                                    .dy = { dy },
                                    .y = { y },
                                    .dx = { dx },
                                    .training = true };
        check_run(d, &op, &a, &run, n);
        check_near("y", y, want, n);
        double *yd = check_doubles(y, n);
        backward(&s, yd, want_dx);
        check_near("dx", dx, want_dx, n);
        free(yd);
    }
    free(x), free(dy), free(y), free(dx), free(xd), free(dyd), free(want), free(want_dx);
}

static void not_a_number(void)
{
    float x[40], y[40];
    struct approx want[40];
    struct hsgd_activate a = { HSGD_RELU };
    check_shape("relu of NaN");
    for (int i = 0; i < 40; i++) {
        x[i] = i % 3 ? (float)(20 - i) : NAN;
        want[i] = (struct approx){ check_activation(x[i], HSGD_RELU), 0 };
    }
    for (int d = 0; d < check_devices(); d++) {
        check_run(d, &hsgd_op_activate, &a,
                  &(struct hsgd_op_call){ .rows = 2, .in = { hsgd_vector(20) }, .x = { x }, .y = { y } }, UNCOUNTED);
        check_near("y", y, want, 40);
    }
}

void reference_activate(void)
{
    for (int i = 0; i < 204 && check_going(); i++) one(i, hsgd_op_activate, (enum hsgd_activation)(i % 4));
    not_a_number();
}

void reference_relu(void)
{
    for (int i = 0; i < 204 && check_going(); i++) one(i, hsgd_op_relu, HSGD_RELU);
}

void reference_tanh(void)
{
    for (int i = 0; i < 204 && check_going(); i++) one(i, hsgd_op_tanh, HSGD_TANH);
}

void reference_sigmoid(void)
{
    for (int i = 0; i < 204 && check_going(); i++) one(i, hsgd_op_sigmoid, HSGD_SIGMOID);
}
