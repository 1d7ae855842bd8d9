/* SPDX-License-Identifier: BSD-3-Clause */
/* Activations with parameters: y = f(x), dx = dy f'(x), in both layouts. */
#include <float.h>

#include "check.h"
#include "reference.h"

/* An activation with the parameters a and b. */
struct curve {
    double (*value)(double x, double a, double b);
    double (*slope)(double x, double a, double b);
    double a, b;
};

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }
static double clip(double x, double low, double high) { return fmin(fmax(x, low), high); }

static double leaky_relu(double x, double a, double b) { return (void)b, x > 0 ? x : a * x; }
static double leaky_relu_slope(double x, double a, double b) { return (void)b, x > 0 ? 1 : a; }
static double elu(double x, double a, double b) { return (void)b, x > 0 ? x : a * expm1(x); }
static double elu_slope(double x, double a, double b) { return (void)b, x > 0 ? 1 : a * exp(x); }

static const double selu_scale = 1.0507009873554804934, selu_alpha = 1.6732632423543772848;
static double selu(double x, double a, double b) { return (void)a, selu_scale * elu(x, selu_alpha, b); }
static double selu_slope(double x, double a, double b) { return (void)a, selu_scale * elu_slope(x, selu_alpha, b); }

static double silu(double x, double a, double b) { return (void)a, (void)b, x * sigmoid(x); }
static double silu_slope(double x, double a, double b)
{
    return (void)a, (void)b, sigmoid(x) * (1 + x * (1 - sigmoid(x)));
}

static double softplus(double x, double a, double b) { return a * x > b ? x : log1p(exp(a * x)) / a; }
static double softplus_slope(double x, double a, double b) { return a * x > b ? 1 : sigmoid(a * x); }
static double hard_sigmoid(double x, double a, double b) { return clip(a * x + b, 0, 1); }
static double hard_sigmoid_slope(double x, double a, double b) { return a * x + b > 0 && a * x + b < 1 ? a : 0; }
static double hard_swish(double x, double a, double b) { return (void)a, (void)b, x * clip(x / 6 + 0.5, 0, 1); }
static double hard_swish_slope(double x, double a, double b)
{
    return (void)a, (void)b, x <= -3 ? 0 : x < 3 ? x / 3 + 0.5 : 1;
}

static double clip_slope(double x, double a, double b) { return x > a && x < b ? 1 : 0; }

struct shape {
    const struct curve *f;
    int n;
    const double *x, *dy;
};

static double loss(void *user)
{
    const struct shape *s = user;
    double sum = 0;
    for (int i = 0; i < s->n; i++) sum += s->dy[i] * s->f->value(s->x[i], s->f->a, s->f->b);
    return sum;
}

/* Rounding of y beside 16 u |y|: that of the argument of an exponential or of a sum, and results of exp that are
 * flushed to zero. */
static double rounding(const struct curve *f, double x, double y)
{
    if (f->value == silu) return fabs(x) * FLT_MIN;
    if (f->value == softplus) return CHECK_U * fabs(f->a * x * y);
    if (f->value == hard_swish) return 4 * CHECK_U * fabs(x);
    return f->value == hard_sigmoid ? 4 * CHECK_U : 0;
}

/* Bound: 16 u |y|, of exp, tanh and quotients; the slope, at most 1 + |a|, within 16 u. */
static void reference(const struct shape *s, struct approx *y, struct approx *dx)
{
    const struct curve *f = s->f;
    for (int i = 0; i < s->n; i++) {
        double v = f->value(s->x[i], f->a, f->b), d = s->dy[i] * f->slope(s->x[i], f->a, f->b);
        y[i] = (struct approx){ v, 16 * CHECK_U * fabs(v) + rounding(f, s->x[i], v) };
        dx[i] = (struct approx){ d, 16 * CHECK_U * fabs(s->dy[i]) * (1 + fabs(f->a)) };
    }
}

static void one(int turn, struct hsgd_op op, const void *attributes, const struct curve *f)
{
    int rows = check_size(200), size = check_size(60), n = rows * size;
    struct shape s = { f, n, NULL, NULL };
    op.layouts = turn / 4 % 2 ? 1u << HSGD_LANES : 1u << HSGD_NHWC;
    check_shape("shape %d: %d rows of %d, parameters %g and %g, layouts %u", turn, rows, size, f->a, f->b, op.layouts);
    float *x = check_floats(n), *dy = check_floats(n), *y = check_floats(n), *dx = check_floats(n);
    for (int i = 0; i < n; i++) x[i] *= turn % 3 ? 4.0f : 100.0f;
    double *xd = check_doubles(x, n), *dyd = check_doubles(dy, n);
    s.x = xd, s.dy = dyd;
    struct approx *want = check_approx(n), *want_dx = check_approx(n);
    reference(&s, want, want_dx);
    if (turn < 24) check_gradient("dx", loss, &s, xd, want_dx, n);
    for (int d = 0; d < check_devices() && check_going(); d++) {
        struct hsgd_op_call run = { .rows = rows,
                                    .in = { hsgd_vector(size) },
                                    .x = { x },
                                    .dy = { dy },
                                    .y = { y },
                                    .dx = { dx },
                                    .training = true };
        check_run(d, &op, attributes, &run, n);
        check_near("y", y, want, n);
        check_near("dx", dx, want_dx, n);
    }
    free(x), free(dy), free(y), free(dx), free(xd), free(dyd), free(want), free(want_dx);
}

/* Parameters: at turn 0 the defaults, where the attributes are 0. */
static float parameter(int turn, float low, float high) { return turn ? low + (high - low) * fabsf(check_float()) : 0; }

enum { TURNS = 204 };

void reference_leaky_relu(void)
{
    for (int i = 0; i < TURNS && check_going(); i++) {
        struct hsgd_leaky_relu a = { parameter(i, 0.01f, 0.5f) };
        one(i, hsgd_op_leaky_relu, &a, &(struct curve){ leaky_relu, leaky_relu_slope, i ? a.slope : 0.01f, 0 });
    }
}

void reference_elu(void)
{
    for (int i = 0; i < TURNS && check_going(); i++) {
        struct hsgd_elu a = { parameter(i, 0.2f, 2) };
        one(i, hsgd_op_elu, &a, &(struct curve){ elu, elu_slope, i ? a.alpha : 1, 0 });
    }
}

void reference_selu(void)
{
    for (int i = 0; i < TURNS && check_going(); i++)
        one(i, hsgd_op_selu, NULL, &(struct curve){ selu, selu_slope, 1, 0 });
}

void reference_silu(void)
{
    for (int i = 0; i < TURNS && check_going(); i++)
        one(i, hsgd_op_silu, NULL, &(struct curve){ silu, silu_slope, 1, 0 });
}

void reference_softplus(void)
{
    for (int i = 0; i < TURNS && check_going(); i++) {
        struct hsgd_softplus a = { parameter(i, 0.3f, 3), parameter(i, 17, 25) };
        struct curve f = { softplus, softplus_slope, i ? a.beta : 1, i ? a.threshold : 20 };
        one(i, hsgd_op_softplus, &a, &f);
    }
}

void reference_hard_sigmoid(void)
{
    for (int i = 0; i < TURNS && check_going(); i++) {
        struct hsgd_hard_sigmoid a = { parameter(i, 0.1f, 1), parameter(i, 0.2f, 0.8f) };
        struct curve f = { hard_sigmoid, hard_sigmoid_slope, i ? a.slope : 1.0f / 6, i ? a.offset : 0.5f };
        one(i, hsgd_op_hard_sigmoid, &a, &f);
    }
}

void reference_hard_swish(void)
{
    for (int i = 0; i < TURNS && check_going(); i++)
        one(i, hsgd_op_hard_swish, NULL, &(struct curve){ hard_swish, hard_swish_slope, 1, 0 });
}

void reference_clip(void)
{
    for (int i = 0; i < TURNS && check_going(); i++) {
        struct hsgd_clip a = { i == 1 ? 0 : parameter(i, -2, 0), parameter(i, 1, 6) }; /* as ReLU6 has it */
        one(i, hsgd_op_clip, &a, &(struct curve){ clip, clip_slope, i ? a.min : -1, i ? a.max : 1 });
    }
}
