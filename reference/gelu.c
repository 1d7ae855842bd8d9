/* SPDX-License-Identifier: BSD-3-Clause */
/* gelu: y = x Phi(x), or the approximation by tanh, in both layouts. */
#include "check.h"
#include "reference.h"

struct shape {
    bool tanh;
    int n;
    const double *x, *dy;
};

static const double a = 0.79788456080286536, b = 0.044715; /* sqrt(2/pi) */

static double value(double x, bool by_tanh)
{
    return by_tanh ? 0.5 * x * (1 + tanh(a * (x + b * x * x * x))) : 0.5 * x * erfc(-x * M_SQRT1_2);
}

static double slope(double x, bool by_tanh)
{
    double t = tanh(a * (x + b * x * x * x));
    if (by_tanh) return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * a * (1 + 3 * b * x * x);
    return 0.5 * erfc(-x * M_SQRT1_2) + x * 0.5 * a * exp(-0.5 * x * x);
}

/* Bound: the distribution function within 3e-7, and its density times x. */
static void reference(const struct shape *s, struct approx *y, struct approx *dx)
{
    for (int i = 0; i < s->n; i++) {
        double v = value(s->x[i], s->tanh), d = slope(s->x[i], s->tanh);
        y[i] = (struct approx){ v, 3e-7 * fabs(s->x[i]) + 4 * CHECK_U * fabs(v) };
        dx[i] = (struct approx){ s->dy[i] * d, fabs(s->dy[i]) * 8e-7 };
    }
}

static double loss(void *user)
{
    const struct shape *s = user;
    double sum = 0;
    for (int i = 0; i < s->n; i++) sum += s->dy[i] * value(s->x[i], s->tanh);
    return sum;
}

static void one(int turn)
{
    int rows = check_size(200), size = check_size(60);
    struct shape s = { turn % 2, rows * size, NULL, NULL };
    struct hsgd_op op = hsgd_op_gelu;
    struct hsgd_gelu attributes = { s.tanh };
    op.layouts = turn / 2 % 2 ? 1u << HSGD_LANES : 1u << HSGD_NHWC;
    check_shape("shape %d: %d rows of %d, tanh %d, layouts %u", turn, rows, size, s.tanh, op.layouts);
    float *x = check_floats(s.n), *dy = check_floats(s.n), *y = check_floats(s.n), *dx = check_floats(s.n);
    for (int i = 0; i < s.n; i++) x[i] *= turn % 3 == 0 ? 1.0f : turn % 3 == 1 ? 6.0f : 100.0f;
    double *xd = check_doubles(x, s.n), *dyd = check_doubles(dy, s.n);
    s.x = xd, s.dy = dyd;
    struct approx *want = check_approx(s.n), *want_dx = check_approx(s.n);
    reference(&s, want, want_dx);
    if (turn < 24) check_gradient("dx", loss, &s, xd, want_dx, s.n);
    for (int d = 0; d < check_devices() && check_going(); d++) {
        struct hsgd_op_call run = { .rows = rows,
                                    .in = { hsgd_vector(size) },
                                    .x = { x },
                                    .dy = { dy },
                                    .y = { y },
                                    .dx = { dx },
                                    .training = true };
        check_run(d, &op, &attributes, &run, s.n);
        check_near("y", y, want, s.n);
        check_near("dx", dx, want_dx, s.n);
    }
    free(x), free(dy), free(y), free(dx), free(xd), free(dyd), free(want), free(want_dx);
}

void reference_gelu(void)
{
    for (int i = 0; i < 204 && check_going(); i++) one(i);
}
