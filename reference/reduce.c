/* SPDX-License-Identifier: BSD-3-Clause */
/* reduce: sums, maxima, products and others along any axes of a sample, and arg_max along one. */
#include "check.h"
#include "reference.h"

/* n numbers, of which those with one place have one result. */
struct shape {
    enum hsgd_reduction f;
    int n, results;
    const int *place;
    const double *x, *dy;
};

/* What the results are made of. */
struct parts {
    struct approx_sum *sum;
    double *top, *product, *rest;
    int *zeros, *equals, *count;
};

static double term(enum hsgd_reduction f, double x, double top)
{
    if (f == HSGD_REDUCE_L1) return fabs(x);
    if (f == HSGD_REDUCE_L2 || f == HSGD_REDUCE_SUM_SQUARE) return x * x;
    return f == HSGD_REDUCE_LOG_SUM_EXP ? exp(x - top) : x;
}

static struct parts parts_of(const struct shape *s)
{
    size_t n = (size_t)s->results;
    struct parts p = { calloc(n, sizeof *p.sum),  calloc(n, sizeof *p.top),   calloc(n, sizeof *p.product),
                       calloc(n, sizeof *p.rest), calloc(n, sizeof *p.zeros), calloc(n, sizeof *p.equals),
                       calloc(n, sizeof *p.count) };
    double sign = s->f == HSGD_REDUCE_MIN ? -1 : 1;
    for (int k = 0; k < s->results; k++) p.top[k] = -sign * INFINITY, p.product[k] = p.rest[k] = 1;
    for (int i = 0; i < s->n; i++) {
        int k = s->place[i];
        if (sign * s->x[i] > sign * p.top[k]) p.top[k] = s->x[i];
        p.product[k] *= s->x[i];
        if (s->x[i] != 0) p.rest[k] *= s->x[i];
        p.zeros[k] += s->x[i] == 0;
        p.count[k]++;
    }
    for (int i = 0; i < s->n; i++) {
        int k = s->place[i];
        double t = term(s->f, s->x[i], p.top[k]),
               u = s->f == HSGD_REDUCE_LOG_SUM_EXP ? 8 + fabs(s->x[i] - p.top[k]) : 2;
        approx_add(&p.sum[k], t, u * CHECK_U * fabs(t));
        p.equals[k] += s->x[i] == p.top[k];
    }
    return p;
}

static void parts_free(struct parts *p)
{
    free(p->sum), free(p->top), free(p->product), free(p->rest), free(p->zeros), free(p->equals), free(p->count);
}

static struct approx result(const struct shape *s, const struct parts *p, int k)
{
    struct approx sum = approx_of(p->sum[k]);
    double root = sqrt(fabs(sum.v)), logarithm = log(fabs(sum.v)), product = p->product[k];
    switch (s->f) {
    case HSGD_REDUCE_MEAN:
        return (struct approx){ sum.v / p->count[k], sum.e / p->count[k] + 2 * CHECK_U * fabs(sum.v) / p->count[k] };
    case HSGD_REDUCE_MAX:
    case HSGD_REDUCE_MIN: return (struct approx){ p->top[k], 0 };
    case HSGD_REDUCE_PROD: return (struct approx){ product, 2 * p->count[k] * CHECK_U * fabs(product) };
    case HSGD_REDUCE_L2: return (struct approx){ root, root > 0 ? sum.e / root + 2 * CHECK_U * root : 0 };
    case HSGD_REDUCE_LOG_SUM:
        return (struct approx){ logarithm, 2 * sum.e / sum.v + 4 * CHECK_U * (1 + fabs(logarithm)) };
    case HSGD_REDUCE_LOG_SUM_EXP:
        return (struct approx){ p->top[k] + logarithm,
                                2 * sum.e / sum.v + 4 * CHECK_U * (1 + fabs(logarithm) + fabs(p->top[k])) };
    default: return sum;
    }
}

/* The derivative of result k by x, and its relative error beside 8 u. */
static double slope(const struct shape *s, const struct parts *p, const struct approx *y, int i, double *off)
{
    int k = s->place[i];
    double x = s->x[i];
    *off = 0;
    switch (s->f) {
    case HSGD_REDUCE_MEAN: return 1.0 / p->count[k];
    case HSGD_REDUCE_MAX:
    case HSGD_REDUCE_MIN: return x == p->top[k] ? 1.0 / p->equals[k] : 0;
    case HSGD_REDUCE_PROD:
        *off = 2 * p->count[k] * CHECK_U;
        return x == 0 ? (p->zeros[k] == 1 ? p->rest[k] : 0) : p->product[k] / x;
    case HSGD_REDUCE_L1: return x > 0 ? 1 : x < 0 ? -1 : 0;
    case HSGD_REDUCE_L2: *off = y[k].v > 0 ? y[k].e / y[k].v : 0; return y[k].v > 0 ? x / y[k].v : 0;
    case HSGD_REDUCE_SUM_SQUARE: return 2 * x;
    case HSGD_REDUCE_LOG_SUM: *off = 2 * y[k].e; return exp(-y[k].v);
    case HSGD_REDUCE_LOG_SUM_EXP: *off = 2 * y[k].e + 2 * CHECK_U * fabs(x - y[k].v); return exp(x - y[k].v);
    default: return 1;
    }
}

static void reference(const struct shape *s, struct approx *y, struct approx *dx)
{
    struct parts p = parts_of(s);
    for (int k = 0; k < s->results; k++) y[k] = result(s, &p, k);
    for (int i = 0; i < s->n; i++) {
        double off, d = s->dy[s->place[i]] * slope(s, &p, y, i, &off);
        dx[i] = (struct approx){ d, (off + 8 * CHECK_U) * fabs(d) };
    }
    parts_free(&p);
}

static double loss(void *user)
{
    const struct shape *s = user;
    struct parts p = parts_of(s);
    double sum = 0;
    for (int k = 0; k < s->results; k++) sum += s->dy[k] * result(s, &p, k).v;
    parts_free(&p);
    return sum;
}

/* ---------------------------------------------------------------------- shapes */

/* Where each number of `rows` samples goes when the axes of the mask are gone; returns the results. */
static int places(int rows, const struct hsgd_type *t, unsigned mask, int *place)
{
    int size = (int)hsgd_type_size(t), results = 1;
    for (int i = 0; i < t->rank; i++) results *= mask >> i & 1 ? 1 : t->dim[i];
    for (int i = 0; i < rows * size; i++) {
        int at = i % size, stride = 1, k = 0;
        for (int d = t->rank - 1; d >= 0; d--) {
            if (!(mask >> d & 1)) k += at % t->dim[d] * stride, stride *= t->dim[d];
            at /= t->dim[d];
        }
        place[i] = i / size * results + k;
    }
    return rows * results;
}

static struct hsgd_type some_type(int turn)
{
    struct hsgd_type t = { HSGD_F32, check_int(1, 5), { 0 } };
    for (int i = 0; i < t.rank; i++) t.dim[i] = check_size(t.rank < 3 ? 24 : 5);
    if (turn % 25 == 24) t = hsgd_vector(check_int(2000, 9000));
    return t;
}

/* Axes as a list, from either end, in any order; none for all of them. */
static struct hsgd_ints list_of(unsigned mask, int rank)
{
    struct hsgd_ints axes = { 0 };
    if (mask == (1u << rank) - 1 && check_int(0, 1)) return axes;
    for (int i = 0; i < rank; i++)
        if (mask >> i & 1) axes.value[axes.count++] = check_int(0, 1) ? i + 1 : i - rank;
    for (int i = 1; i < axes.count; i++) {
        int other = check_int(0, i), was = axes.value[i];
        axes.value[i] = axes.value[other];
        axes.value[other] = was;
    }
    return axes;
}

/* Equals for maxima; positive numbers for logarithms; for products those near 1, and some zeros. */
static void fill(float *x, int n, enum hsgd_reduction f)
{
    for (int i = 0; i < n; i++) {
        float v = check_float();
        if (f == HSGD_REDUCE_MAX || f == HSGD_REDUCE_MIN) x[i] = 0.25f * (float)check_int(-8, 8);
        else if (f == HSGD_REDUCE_LOG_SUM) x[i] = 0.1f + fabsf(v);
        else if (f == HSGD_REDUCE_PROD) x[i] = check_int(0, 15) ? (v < 0 ? -1 : 1) * (0.9f + 0.2f * fabsf(v)) : 0;
        else x[i] = 3 * v;
    }
}

static void compare(struct shape *s, const struct hsgd_reduce *a, int rows, const struct hsgd_type *t, const float *x,
                    const float *dy)
{
    float *y = check_floats(s->results), *dx = check_floats(s->n);
    struct approx *want = check_approx(s->results), *want_dx = check_approx(s->n);
    reference(s, want, want_dx);
    for (int d = 0; d < check_devices() && check_going(); d++) {
        struct hsgd_op_call run = {
            .rows = rows, .in = { *t }, .x = { x }, .dy = { dy }, .y = { y }, .dx = { dx }, .training = true
        };
        check_run(d, &hsgd_op_reduce, a, &run, s->results);
        check_near("y", y, want, s->results);
        check_near("dx", dx, want_dx, s->n);
    }
    free(y), free(dx), free(want), free(want_dx);
}

static void one(int turn)
{
    struct hsgd_type t = some_type(turn);
    int rows = check_size(turn % 25 == 24 ? 4 : 100), n = rows * (int)hsgd_type_size(&t);
    unsigned mask = (unsigned)check_int(1, (1 << t.rank) - 1);
    struct hsgd_reduce a = { (enum hsgd_reduction)(turn % 10), list_of(mask, t.rank), turn / 10 % 2 };
    int *place = malloc((size_t)n * sizeof *place), results = place ? places(rows, &t, mask, place) : 0;
    float *x = check_floats(n), *dy = check_floats(n);
    fill(x, n, a.function);
    double *xd = check_doubles(x, n), *dyd = check_doubles(dy, n);
    struct shape s = { a.function, n, results, place, xd, dyd };
    check_shape("shape %d: function %d, %d samples of rank %d, %d numbers, axes %x, %d results", turn, (int)a.function,
                rows, t.rank, n, mask, results);
    bool smooth = a.function != HSGD_REDUCE_MAX && a.function != HSGD_REDUCE_MIN && a.function != HSGD_REDUCE_PROD;
    if (turn < 60 && smooth && results) {
        struct approx *y = check_approx(results), *dx = check_approx(n);
        reference(&s, y, dx);
        check_gradient("dx", loss, &s, xd, dx, n);
        free(y), free(dx);
    }
    if (results) compare(&s, &a, rows, &t, x, dy);
    free(place), free(x), free(dy), free(xd), free(dyd);
}

/* ------------------------------------------------------------------- integers */

static uint32_t integer_term(enum hsgd_reduction f, uint32_t v)
{
    if (f == HSGD_REDUCE_L1) return (int32_t)v < 0 ? 0 - v : v;
    return f == HSGD_REDUCE_SUM_SQUARE ? v * v : v;
}

/* Any bits: sums and products wrap around. */
static void integers(int turn)
{
    static const enum hsgd_reduction functions[] = { HSGD_REDUCE_SUM,  HSGD_REDUCE_MAX, HSGD_REDUCE_MIN,
                                                     HSGD_REDUCE_PROD, HSGD_REDUCE_L1,  HSGD_REDUCE_SUM_SQUARE };
    struct hsgd_type t = some_type(turn);
    int rows = check_size(turn % 25 == 24 ? 4 : 100), n = rows * (int)hsgd_type_size(&t);
    unsigned mask = (unsigned)check_int(1, (1 << t.rank) - 1);
    struct hsgd_reduce a = { functions[turn % 6], list_of(mask, t.rank), turn / 6 % 2 };
    int *place = malloc((size_t)n * sizeof *place), results = place ? places(rows, &t, mask, place) : 0;
    int32_t *x = malloc((size_t)n * sizeof *x), *y = malloc(((size_t)results + 1) * sizeof *y);
    uint32_t *want = calloc((size_t)results + 1, sizeof *want);
    bool *seen = calloc((size_t)results + 1, sizeof *seen);
    t.dtype = HSGD_I32;
    for (int i = 0; i < n && results; i++) {
        int k = place[i];
        uint32_t v = (uint32_t)check_int(-(1 << 20), 1 << 20) * (turn % 2 ? 1u : 2003u),
                 term = integer_term(a.function, v);
        x[i] = (int32_t)v;
        if (!seen[k]) want[k] = term;
        else if (a.function == HSGD_REDUCE_MAX) want[k] = x[i] > (int32_t)want[k] ? v : want[k];
        else if (a.function == HSGD_REDUCE_MIN) want[k] = x[i] < (int32_t)want[k] ? v : want[k];
        else want[k] = a.function == HSGD_REDUCE_PROD ? want[k] * term : want[k] + term;
        seen[k] = true;
    }
    check_shape("integers %d: function %d, %d samples of rank %d, axes %x, %d results", turn, (int)a.function, rows,
                t.rank, mask, results);
    for (int d = 0; results && d < check_devices() && check_going(); d++) {
        struct hsgd_op_call run = { .rows = rows, .in = { t }, .x = { (float *)x }, .y = { (float *)y } };
        check_run(d, &hsgd_op_reduce, &a, &run, results);
        for (int k = 0; k < results && check_going(); k++)
            check_that(y[k] == (int32_t)want[k], "y[%d] is %d, not %d", k, y[k], (int32_t)want[k]);
    }
    free(place), free(x), free(y), free(want), free(seen);
}

void reference_reduce(void)
{
    for (int i = 0; i < 300 && check_going(); i++) one(i);
    for (int i = 0; i < 204 && check_going(); i++) integers(i);
}

/* --------------------------------------------------------------------- arg_max */

/* The index of x[i] along an axis of n numbers, `inner` apart. */
static int best_of(const float *x, int n, int inner, const struct hsgd_arg_max *a)
{
    int best = 0;
    for (int c = 1; c < n; c++) {
        float v = x[c * inner], b = x[best * inner];
        bool more = isnan(v) ? !isnan(b) : a->min ? v < b : v > b, equal = isnan(v) ? isnan(b) : v == b;
        if (more || (equal && a->last)) best = c;
    }
    return best;
}

static void arg_one(int turn)
{
    struct hsgd_type t = some_type(turn);
    int rows = check_size(turn % 25 == 24 ? 4 : 100), axis = check_int(0, t.rank - 1), size = (int)hsgd_type_size(&t),
        inner = 1;
    struct hsgd_arg_max a = { axis == t.rank - 1 && turn % 2 ? 0 : axis + 1, turn / 2 % 2, turn / 4 % 2, turn / 8 % 2 };
    for (int i = axis + 1; i < t.rank; i++) inner *= t.dim[i];
    int dim = t.dim[axis], n = rows * size / dim;
    float *x = check_floats(rows * size);
    int32_t *y = malloc((size_t)n * sizeof *y);
    fill(x, rows * size, HSGD_REDUCE_MAX);
    for (int i = 0; turn % 5 == 0 && i < rows * size; i += 17) x[i] = NAN;
    check_shape("shape %d: %d samples, axis %d of rank %d, min %d, last %d", turn, rows, axis + 1, t.rank, a.min,
                a.last);
    for (int d = 0; y && d < check_devices() && check_going(); d++) {
        struct hsgd_op_call run = { .rows = rows, .in = { t }, .x = { x }, .y = { (float *)y } };
        check_run(d, &hsgd_op_arg_max, &a, &run, n);
        for (int i = 0; i < n && check_going(); i++) {
            int want = best_of(x + i / inner * dim * inner + i % inner, dim, inner, &a);
            check_that(y[i] == want, "y[%d] is %d, not %d", i, y[i], want);
        }
    }
    free(x), free(y);
}

/* Large integers that are one float. */
static void arg_integers(int turn)
{
    struct hsgd_type t = { HSGD_I32, 2, { check_size(40), check_size(40) } };
    int rows = check_size(30), axis = turn % 2, dim = t.dim[axis], inner = axis ? 1 : t.dim[1];
    struct hsgd_arg_max a = { axis + 1, turn / 2 % 2, turn / 4 % 2, turn / 8 % 2 };
    int size = t.dim[0] * t.dim[1], n = rows * size / dim;
    int32_t *x = malloc((size_t)(rows * size) * sizeof *x), *y = malloc((size_t)n * sizeof *y);
    for (int i = 0; i < rows * size; i++) x[i] = (turn % 3 ? 1 << 30 : -(1 << 30)) + check_int(-9, 9);
    check_shape("integers %d: %d samples, axis %d, min %d, last %d", turn, rows, axis + 1, a.min, a.last);
    for (int d = 0; d < check_devices() && check_going(); d++) {
        struct hsgd_op_call run = { .rows = rows, .in = { t }, .x = { (float *)x }, .y = { (float *)y } };
        check_run(d, &hsgd_op_arg_max, &a, &run, n);
        for (int i = 0; i < n && check_going(); i++) {
            const int32_t *line = x + i / inner * dim * inner + i % inner;
            int best = 0;
            for (int c = 1; c < dim; c++) {
                int32_t v = line[c * inner], b = line[best * inner];
                if ((a.min ? v < b : v > b) || (a.last && v == b)) best = c;
            }
            check_that(y[i] == best, "y[%d] is %d, not %d", i, y[i], best);
        }
    }
    free(x), free(y);
}

void reference_arg_max(void)
{
    for (int i = 0; i < 204 && check_going(); i++) arg_one(i);
    for (int i = 0; i < 204 && check_going(); i++) arg_integers(i);
}
