/* SPDX-License-Identifier: BSD-3-Clause */
/* add and mul, in both layouts, the gradients of mul also added to what is there; the functions of pointwise. */
#include "check.h"
#include "formulas.h"
#include "reference.h"

static struct hsgd_type some_type(int size)
{
    if (check_int(0, 1)) return hsgd_vector(size);
    return hsgd_image(check_size(6), check_size(6), (size + 7) / 8);
}

/* Backward twice: writing, then adding to both. */
static void twice(struct hsgd_emit *e)
{
    hsgd_op_mul.backward[0].emit(e);
    e->adds = 3;
    hsgd_op_mul.backward[0].emit(e);
}

static void one(int turn, bool product)
{
    struct hsgd_op op = product ? hsgd_op_mul : hsgd_op_add;
    struct hsgd_type t = some_type(check_size(60));
    int rows = check_size(200), n = rows * (int)hsgd_type_size(&t), times = 1;
    op.layouts = turn % 2 ? 1u << HSGD_LANES : 1u << HSGD_NHWC;
    if (product && turn % 3 == 0) op.backward[0].emit = twice, times = 2;
    check_shape("shape %d: %d values, layouts %u, times %d", turn, n, op.layouts, times);
    float *a = check_floats(n), *b = check_floats(n), *dy = check_floats(n), *y = check_floats(n);
    float *da = check_floats(n), *db = check_floats(n);
    struct approx *want = check_approx(n), *want_da = check_approx(n), *want_db = check_approx(n);
    for (int i = 0; i < n; i++) {
        double v = product ? (double)a[i] * b[i] : (double)a[i] + b[i], x = (double)dy[i] * b[i],
               z = (double)dy[i] * a[i];
        want[i] = (struct approx){ v, CHECK_U * fabs(v) };
        double bound_x = 2 * times * CHECK_U * fabs(x), bound_z = 2 * times * CHECK_U * fabs(z);
        want_da[i] = (struct approx){ times * x, bound_x };
        want_db[i] = (struct approx){ times * z, bound_z };
    }
    for (int d = 0; d < check_devices() && check_going(); d++) {
        struct hsgd_op_call run = { .rows = rows, .in = { t, t }, .x = { a, b }, .y = { y }, .training = true };
        if (product) run.dy[0] = dy, run.dx[0] = da, run.dx[1] = db; /* the gradient of a sum passes */
        check_run(d, &op, NULL, &run, n);
        check_near("y", y, want, n);
        if (!product) continue;
        check_near("dx[0]", da, want_da, n);
        check_near("dx[1]", db, want_db, n);
    }
    free(a), free(b), free(dy), free(y), free(da), free(db), free(want), free(want_da), free(want_db);
}

void reference_add(void)
{
    check_that(hsgd_op_add.passes == 3, "the gradient does not pass to both inputs");
    for (int i = 0; i < 204 && check_going(); i++) one(i, false);
}

void reference_mul(void)
{
    for (int i = 0; i < 204 && check_going(); i++) one(i, true);
}

/* --------------------------------------------------------------- pointwise */

/* Operands for which the function is defined and not too steep.  Quarters for steps,
 * where a rounded quotient would be another integer, and for equal operands. */
static float operand(enum hsgd_function f, int i)
{
    float v = check_float(), sign = v < 0 ? -1 : 1;
    switch (f) {
    case HSGD_FUNCTION_RECIPROCAL: return sign * (0.1f + 3 * fabsf(v));
    case HSGD_FUNCTION_SQRT:
    case HSGD_FUNCTION_LOG: return 0.05f + 4 * fabsf(v);
    case HSGD_FUNCTION_TAN:
    case HSGD_FUNCTION_ASIN:
    case HSGD_FUNCTION_ACOS:
    case HSGD_FUNCTION_ATANH: return 0.95f * v;
    case HSGD_FUNCTION_ACOSH: return 1.1f + 3 * fabsf(v);
    case HSGD_FUNCTION_IS_NAN: return v < -0.5f ? NAN : v;
    case HSGD_FUNCTION_IS_INF: return v < -0.5f ? -INFINITY : v > 0.5f ? INFINITY : v;
    case HSGD_FUNCTION_DIV: return i ? sign * (0.25f + 2 * fabsf(v)) : 4 * v;
    case HSGD_FUNCTION_POW: return i ? 3 * v : 0.1f + 2 * fabsf(v);
    case HSGD_FUNCTION_MOD:
    case HSGD_FUNCTION_FMOD:
        return 0.25f * (float)(i ? (v < 0 ? check_int(-6, -1) : check_int(1, 6)) : check_int(-40, 40));
    default: return (int)f < FIRST_OF_TWO && f > HSGD_FUNCTION_ROUND ? 3 * v : 0.25f * (float)check_int(-6, 6);
    }
}

/* A case: operands p and q in double precision, `constant` 1: q is the value, 2: p is. */
struct pair {
    enum hsgd_function f;
    int n, constant;
    const double *p, *q, *dy;
};

static double value_at(const struct pair *s, int i)
{
    return (int)s->f < FIRST_OF_TWO ? value_of_one(s->f, s->p[i]) : value_of_two(s->f, s->p[i], s->q[i]);
}

static double slope_at(const struct pair *s, int i, int of)
{
    return (int)s->f < FIRST_OF_TWO ? slope_of_one(s->f, s->p[i])
                                    : slope_of_two(s->f, s->p[i], s->q[i], of, s->constant != 0);
}

static double pair_loss(void *user)
{
    const struct pair *s = user;
    double sum = 0;
    for (int i = 0; i < s->n; i++) sum += s->dy[i] * value_at(s, i);
    return sum;
}

/* Smooth functions of one operand, whose gradients are compared with differences. */
static bool is_smooth(enum hsgd_function f)
{
    return (f == HSGD_FUNCTION_NEG || f == HSGD_FUNCTION_SQUARE || f >= HSGD_FUNCTION_RECIPROCAL) &&
           f < HSGD_FUNCTION_IS_NAN;
}

/* Bound: 8 units of the functions of OpenCL, 32 of pow; of products and quotients of these in gradients. */
static void reference(const struct pair *s, struct approx *y, struct approx *dp, struct approx *dq)
{
    int ulps = s->f == HSGD_FUNCTION_POW ? 32 : 8;
    for (int i = 0; i < s->n; i++) {
        double v = value_at(s, i), by_p = s->dy[i] * slope_at(s, i, 0), by_q = s->dy[i] * slope_at(s, i, 1);
        y[i] = (struct approx){ v, ulps * CHECK_U * fabs(v) };
        dp[i] = (struct approx){ by_p, 3 * ulps * CHECK_U * (fabs(by_p) + fabs(s->dy[i])) };
        dq[i] = (struct approx){ by_q, 3 * ulps * CHECK_U * (fabs(by_q) + fabs(s->dy[i])) };
    }
}

static void run_pair(const struct pair *s, const struct hsgd_pointwise *a, int rows, float *const x[2], const float *dy)
{
    int n = s->n, inputs = (int)s->f >= FIRST_OF_TWO && !s->constant ? 2 : 1;
    float *y = check_floats(n), *dx[2] = { check_floats(n), check_floats(n) };
    struct approx *want = check_approx(n), *want_dx[2] = { check_approx(n), check_approx(n) };
    reference(s, want, want_dx[0], want_dx[1]);
    for (int d = 0; d < check_devices() && check_going(); d++) {
        struct hsgd_op_call run = { .rows = rows, .inputs = inputs, .dy = { dy }, .y = { y }, .training = true };
        for (int i = 0; i < inputs; i++) {
            run.in[i] = hsgd_vector(n / rows);
            run.x[i] = x[s->constant == 2 ? 1 : i];
            run.dx[i] = dx[i];
        }
        check_run(d, &hsgd_op_pointwise, a, &run, n);
        check_near("y", y, want, n);
        for (int i = 0; i < inputs; i++) check_near(i ? "dx[1]" : "dx[0]", dx[i], want_dx[s->constant == 2 ? 1 : i], n);
    }
    free(y), free(dx[0]), free(dx[1]), free(want), free(want_dx[0]), free(want_dx[1]);
}

static void pointwise_floats(int turn, enum hsgd_function f)
{
    int rows = check_size(100), n = rows * check_size(60), constant = (int)f < FIRST_OF_TWO ? 0 : turn % 3;
    float *x[2] = { check_floats(n), check_floats(n) }, *dy = check_floats(n);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < 2; k++) x[k][i] = operand(f, k);
    for (int i = 0; i < n; i++)
        if (constant) x[2 - constant][i] = x[2 - constant][0];
    struct hsgd_pointwise a = { f, constant ? x[2 - constant][0] : 0, constant == 2 };
    check_shape("shape %d: function %d of %d values, constant %d", turn, (int)f, n, constant);
    double *p = check_doubles(x[0], n), *q = check_doubles(x[1], n), *d = check_doubles(dy, n);
    struct pair s = { f, n, constant, p, q, d };
    if (is_smooth(f)) {
        struct approx *y = check_approx(n), *dp = check_approx(n), *dq = check_approx(n);
        reference(&s, y, dp, dq);
        check_gradient("dx", pair_loss, &s, p, dp, n);
        free(y), free(dp), free(dq);
    }
    run_pair(&s, &a, rows, x, dy);
    free(x[0]), free(x[1]), free(dy), free(p), free(q), free(d);
}

/* ---------------------------------------------------- integers, and choices */

/* Integers are computed modulo 2^32, so extreme ones are among them; a quotient by 0 is 0. */
static int64_t value_of_integers(enum hsgd_function f, int64_t p, int64_t q)
{
    bool divides = f == HSGD_FUNCTION_DIV || f == HSGD_FUNCTION_MOD || f == HSGD_FUNCTION_FMOD;
    if (divides && q == 0) return 0;
    if (f == HSGD_FUNCTION_DIV) return p / q;
    if (f == HSGD_FUNCTION_FMOD) return p % q;
    if (f == HSGD_FUNCTION_MOD) return (p % q + q) % q;
    if (f == HSGD_FUNCTION_MUL) return p * q;
    if (f == HSGD_FUNCTION_SQUARE) return p * p;
    return (int64_t)((int)f < FIRST_OF_TWO ? value_of_one(f, (double)p) : value_of_two(f, (double)p, (double)q));
}

static int some_integer(void)
{
    static const int special[] = { INT32_MIN, INT32_MAX, -1, 0, 1, 65536 };
    int i = check_int(0, 11);
    return i < 6 ? special[i] : check_int(-50, 50);
}

static void pointwise_integers(int turn, enum hsgd_function f)
{
    int rows = check_size(60), n = rows * check_size(40), constant = (int)f < FIRST_OF_TWO ? 0 : turn % 3,
        value = check_int(-9, 9);
    int32_t *x[2] = { malloc((size_t)n * 4), malloc((size_t)n * 4) }, *y = malloc((size_t)n * 4);
    for (int i = 0; x[0] && x[1] && i < n; i++) {
        for (int k = 0; k < 2; k++) x[k][i] = some_integer();
        if (constant) x[2 - constant][i] = value;
    }
    struct hsgd_type t = { HSGD_I32, 1, { n / rows } };
    struct hsgd_pointwise a = { f, (float)value, constant == 2 };
    check_shape("shape %d: function %d of %d integers, constant %d", turn, (int)f, n, constant);
    for (int d = 0; y && d < check_devices() && check_going(); d++) {
        struct hsgd_op_call run = { .rows = rows,
                                    .inputs = (int)f < FIRST_OF_TWO || constant ? 1 : 2,
                                    .in = { t, t },
                                    .x = { x[constant == 2], x[1] },
                                    .y = { (float *)y } };
        check_run(d, &hsgd_op_pointwise, &a, &run, n);
        for (int i = 0; i < n && check_going(); i++) {
            int32_t want = (int32_t)(uint32_t)value_of_integers(f, x[0][i], x[1][i]);
            check_that(y[i] == want, "y[%d] of %d and %d is %d, not %d", i, x[0][i], x[1][i], y[i], want);
        }
    }
    free(x[0]), free(x[1]), free(y);
}

/* where, of a value or not, and its gradients */
static void pointwise_where(int turn)
{
    int rows = check_size(60), n = rows * check_size(40), constant = turn % 3;
    float *x[3] = { check_steps(n), check_floats(n), check_floats(n) }, *dy = check_floats(n), *y = check_floats(n);
    float *dx[3] = { check_floats(n), check_floats(n), check_floats(n) };
    struct approx *want = check_approx(n), *want_dx[3] = { check_approx(n), check_approx(n), check_approx(n) };
    struct hsgd_pointwise a = { HSGD_FUNCTION_WHERE, check_float(), constant == 2 };
    struct hsgd_type t = hsgd_vector(n / rows);
    check_shape("shape %d: where of %d values, constant %d", turn, n, constant);
    for (int i = 0; i < n; i++) {
        if (x[0][i] == 0 && i % 2) x[0][i] = -0.0f;
        if (constant) x[3 - constant][i] = a.value;
        want[i].v = x[0][i] != 0 ? x[1][i] : x[2][i];
        want_dx[1][i].v = x[0][i] != 0 ? dy[i] : 0;
        want_dx[2][i].v = x[0][i] != 0 ? 0 : dy[i];
    }
    for (int d = 0; d < check_devices() && check_going(); d++) {
        int second = constant == 2 ? 2 : 1;
        struct hsgd_op_call run = { .rows = rows,
                                    .inputs = constant ? 2 : 3,
                                    .in = { t, t, t },
                                    .x = { x[0], x[second], x[2] },
                                    .dy = { dy },
                                    .y = { y },
                                    .dx = { dx[0], dx[1], dx[2] },
                                    .training = true };
        if (constant) run.dx[2] = NULL;
        check_run(d, &hsgd_op_pointwise, &a, &run, n);
        check_near("y", y, want, n);
        check_near("dx[0]", dx[0], want_dx[0], n);
        check_near("dx[1]", dx[1], want_dx[second], n);
        if (!constant) check_near("dx[2]", dx[2], want_dx[2], n);
    }
    free(dy), free(y), free(want);
    for (int i = 0; i < 3; i++) free(x[i]), free(dx[i]), free(want_dx[i]);
}

/* Towards 0 and back. */
static void pointwise_casts(void)
{
    enum { ROWS = 5, N = 400 };
    float *x = check_floats(N), back[N];
    int32_t y[N];
    struct hsgd_pointwise to = { .function = HSGD_FUNCTION_TO_INT }, from = { .function = HSGD_FUNCTION_TO_FLOAT };
    struct hsgd_type t = { HSGD_I32, 1, { N / ROWS } };
    struct approx want[N];
    check_shape("floats and integers");
    for (int i = 0; i < N; i++) {
        x[i] *= 1000;
        want[i] = (struct approx){ trunc((double)x[i]), 0 };
    }
    for (int d = 0; d < check_devices() && check_going(); d++) {
        check_run(
            d, &hsgd_op_pointwise, &to,
            &(struct hsgd_op_call){ .rows = ROWS, .in = { hsgd_vector(N / ROWS) }, .x = { x }, .y = { (float *)y } },
            N);
        check_run(d, &hsgd_op_pointwise, &from,
                  &(struct hsgd_op_call){ .rows = ROWS, .in = { t }, .x = { y }, .y = { back } }, N);
        check_near("y", back, want, N);
    }
    free(x);
}

static bool has_integers(enum hsgd_function f)
{
    return f <= HSGD_FUNCTION_SQUARE || (f >= HSGD_FUNCTION_ADD && f != HSGD_FUNCTION_POW);
}

void reference_pointwise(void)
{
    int turn = 0;
    for (int round = 0; round < 6; round++)
        for (int f = 0; f < HSGD_FUNCTION_WHERE && check_going(); f++, turn++) {
            if (f == HSGD_FUNCTION_TO_INT || f == HSGD_FUNCTION_TO_FLOAT) continue;
            pointwise_floats(round, (enum hsgd_function)f);
            if (has_integers((enum hsgd_function)f) && check_going()) pointwise_integers(round, (enum hsgd_function)f);
        }
    for (int i = 0; i < 24 && check_going(); i++) pointwise_where(i);
    pointwise_casts();
}
