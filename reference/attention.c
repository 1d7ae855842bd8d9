/* SPDX-License-Identifier: BSD-3-Clause */
/* attention: all scores of a row at once, in double precision; rotations; lengths; heads that share keys. */
#include "check.h"
#include "reference.h"

/* A matrix [sample][position][channel], with the error of each value. */
struct tensor {
    int positions, channels;
    double *v, *e;
};

struct attention {
    struct hsgd_attention a;
    int rows, d;
    const int32_t *length; /* NULL: all keys count */
    struct tensor q, k, v; /* not rotated */
    double *dy;
};

static int64_t at(const struct tensor *t, int n, int p, int c)
{
    return ((int64_t)n * t->positions + p) * t->channels + c;
}

static int64_t size_of(const struct tensor *t, int rows) { return at(t, rows, 0, 0); }

static struct tensor tensor_of(int rows, int positions, int channels)
{
    struct tensor t = { positions, channels, NULL, NULL };
    t.v = check_doubles(NULL, size_of(&t, rows));
    t.e = check_doubles(NULL, size_of(&t, rows));
    return t;
}

static void free_tensor(struct tensor *t) { free(t->v), free(t->e); }

static double scale_of(const struct attention *s) { return s->a.scale > 0 ? (double)s->a.scale : 1 / sqrt(s->d); }
static int kv_heads(const struct attention *s) { return s->a.kv_heads ? s->a.kv_heads : s->a.heads; }

/* Keys that query i of sample n sees. */
static int seen(const struct attention *s, int n, int i)
{
    int count = s->k.positions;
    if (s->length && s->length[n] < count) count = s->length[n] < 0 ? 0 : s->length[n];
    return s->a.causal && i + 1 < count ? i + 1 : count;
}

/* ---------------------------------------------------------------- rotation */

/* Rotates in place; sign -1: backwards.  The angle is a float product of two floats. */
static void rotate(const struct attention *s, struct tensor *t, double sign)
{
    int half = s->d / 2;
    bool pairs = s->a.rotary == HSGD_ROTARY_PAIRS;
    double base = s->a.base > 0 ? (double)s->a.base : 10000;
    for (int n = 0; n < s->rows && s->a.rotary; n++)
        for (int p = 0; p < t->positions; p++)
            for (int c = 0; c < t->channels / 2; c++) {
                int h = c / half, i = c % half;
                int64_t one = at(t, n, p, h * s->d + (pairs ? 2 * i : i)), other = one + (pairs ? 1 : half);
                double angle = p * pow(base, -(double)i / half), x = t->v[one], y = t->v[other];
                double turn = 2 * CHECK_U * angle + 8 * CHECK_U, e = t->e[one] + t->e[other];
                t->v[one] = x * cos(angle) - sign * y * sin(angle);
                t->v[other] = y * cos(angle) + sign * x * sin(angle);
                t->e[one] = t->e[other] = e + (fabs(x) + fabs(y)) * turn;
            }
}

/* A copy, rotated; errors begin at 0. */
static struct tensor rotated(const struct attention *s, const struct tensor *of)
{
    struct tensor t = tensor_of(s->rows, of->positions, of->channels);
    for (int64_t i = 0; i < size_of(of, s->rows); i++) t.v[i] = of->v[i];
    rotate(s, &t, 1);
    return t;
}

/* ------------------------------------------------------------ probabilities */

/* Probabilities of the keys for one query and head, and the relative error of each. */
struct row {
    int count;
    double *p, error;
};

static struct row row_of(const struct attention *s, const struct tensor *q, const struct tensor *k, int n, int h, int i)
{
    struct row r = { seen(s, n, i), check_doubles(NULL, s->k.positions + 1), 0 };
    double top = -INFINITY, sum = 0, worst = 0, largest = 0;
    int kh = h / (s->a.heads / kv_heads(s));
    for (int j = 0; j < r.count; j++) {
        double z = 0, e = 0;
        for (int c = 0; c < s->d; c++) {
            int64_t a = at(q, n, i, h * s->d + c), b = at(k, n, j, kh * s->d + c);
            z += scale_of(s) * q->v[a] * k->v[b];
            e += scale_of(s) *
                 ((s->d + 6) * CHECK_U * fabs(q->v[a] * k->v[b]) + q->e[a] * fabs(k->v[b]) + k->e[b] * fabs(q->v[a]));
        }
        r.p[j] = z, top = fmax(top, z), worst = fmax(worst, e), largest = fmax(largest, fabs(z));
    }
    for (int j = 0; j < r.count; j++) sum += exp(r.p[j] - top);
    for (int j = 0; j < r.count; j++) r.p[j] = exp(r.p[j] - top) / sum;
    r.error = 2 * worst + (20 + 4 * largest + 2 * sqrt(r.count)) * CHECK_U;
    return r;
}

/* ----------------------------------------------------------------- forward */

static void forward(const struct attention *s, struct tensor *y)
{
    struct tensor q = rotated(s, &s->q), k = rotated(s, &s->k);
    for (int n = 0; n < s->rows; n++)
        for (int h = 0; h < s->a.heads; h++)
            for (int i = 0; i < s->q.positions; i++) {
                struct row r = row_of(s, &q, &k, n, h, i);
                int first = h / (s->a.heads / kv_heads(s)) * s->d;
                for (int c = 0; c < s->d; c++) {
                    struct approx_sum sum = { 0 };
                    for (int j = 0; j < r.count; j++) {
                        double v = s->v.v[at(&s->v, n, j, first + c)];
                        approx_add(&sum, r.p[j] * v, r.p[j] * fabs(v) * r.error);
                    }
                    y->v[at(y, n, i, h * s->d + c)] = sum.v;
                    y->e[at(y, n, i, h * s->d + c)] = approx_of(sum).e;
                }
                free(r.p);
            }
    free_tensor(&q), free_tensor(&k);
}

/* ---------------------------------------------------------------- backward */

static void add(struct tensor *t, int64_t i, double v, double e)
{
    t->v[i] += v;
    t->e[i] += e + 12 * CHECK_U * fabs(v);
}

/* Of one query and head: dv += p dy, ds = p (dy v - dy y), dq += scale ds k, dk += scale ds q. */
static void backward_row(const struct attention *s, const struct tensor *q, const struct tensor *k,
                         const struct tensor *y, int n, int h, int i, struct tensor *d)
{
    struct row r = row_of(s, q, k, n, h, i);
    int first = h / (s->a.heads / kv_heads(s)) * s->d;
    double delta = 0, delta_e = 0;
    for (int c = 0; c < s->d; c++) {
        int64_t o = at(y, n, i, h * s->d + c);
        delta += s->dy[o] * y->v[o];
        delta_e += fabs(s->dy[o]) * (y->e[o] + (s->d + 4) * CHECK_U * fabs(y->v[o]));
    }
    for (int j = 0; j < r.count; j++) {
        double g = 0, e = delta_e, ds;
        for (int c = 0; c < s->d; c++) {
            double dy = s->dy[at(y, n, i, h * s->d + c)], v = s->v.v[at(&s->v, n, j, first + c)];
            g += dy * v;
            e += (s->d + 4) * CHECK_U * fabs(dy * v);
            add(&d[2], at(&s->v, n, j, first + c), r.p[j] * dy, r.p[j] * r.error * fabs(dy));
        }
        ds = scale_of(s) * r.p[j] * (g - delta);
        e = scale_of(s) * r.p[j] * (e + (r.error + 6 * CHECK_U) * (fabs(g) + fabs(delta)));
        for (int c = 0; c < s->d; c++) {
            int64_t a = at(q, n, i, h * s->d + c), b = at(k, n, j, first + c);
            add(&d[0], a, ds * k->v[b], e * fabs(k->v[b]) + fabs(ds) * k->e[b]);
            add(&d[1], b, ds * q->v[a], e * fabs(q->v[a]) + fabs(ds) * q->e[a]);
        }
    }
    free(r.p);
}

/* d: of q, k and v */
static void backward(const struct attention *s, struct tensor *d)
{
    struct tensor q = rotated(s, &s->q), k = rotated(s, &s->k);
    struct tensor y = tensor_of(s->rows, s->q.positions, s->a.heads * s->d);
    forward(s, &y);
    for (int n = 0; n < s->rows; n++)
        for (int h = 0; h < s->a.heads; h++)
            for (int i = 0; i < s->q.positions; i++) backward_row(s, &q, &k, &y, n, h, i, d);
    rotate(s, &d[0], -1);
    rotate(s, &d[1], -1);
    free_tensor(&q), free_tensor(&k), free_tensor(&y);
}

static double loss(void *user)
{
    const struct attention *s = user;
    struct tensor y = tensor_of(s->rows, s->q.positions, s->a.heads * s->d);
    double sum = 0;
    forward(s, &y);
    for (int64_t i = 0; i < size_of(&y, s->rows); i++) sum += s->dy[i] * y.v[i];
    free_tensor(&y);
    return sum;
}

static struct approx *approx_from(const struct tensor *t, int rows)
{
    struct approx *a = check_approx(size_of(t, rows));
    for (int64_t i = 0; i < size_of(t, rows); i++) a[i] = (struct approx){ t->v[i], t->e[i] };
    return a;
}

static void gradient_of_reference(struct attention *s, const struct tensor *d)
{
    static const char *const names[] = { "dq", "dk", "dv" };
    struct tensor *of[] = { &s->q, &s->k, &s->v };
    for (int i = 0; i < 3; i++) {
        struct approx *a = approx_from(&d[i], s->rows);
        check_gradient(names[i], loss, s, of[i]->v, a, size_of(of[i], s->rows));
        free(a);
    }
}

/* ----------------------------------------------------------------- the run */

/* The channels of q, k and v one after the other, as the operation has them in one input: `to` from tensors. */
static void fuse(const struct attention *s, const struct tensor *const *of, float *to, struct approx *as)
{
    for (int64_t p = 0; p < (int64_t)s->rows * s->q.positions; p++)
        for (int i = 0; i < 3; i++)
            for (int c = 0; c < of[i]->channels; c++) {
                int64_t from = p * of[i]->channels + c;
                if (to) *to++ = (float)of[i]->v[from];
                else *as++ = (struct approx){ of[i]->v[from], of[i]->e[from] };
            }
}

static void compare_fused(const struct attention *s, struct hsgd_op_call *run, const struct tensor *d,
                          const struct approx *want)
{
    const struct tensor *x[] = { &s->q, &s->k, &s->v }, *dx[] = { &d[0], &d[1], &d[2] };
    int channels = s->q.channels + 2 * s->k.channels, t = s->q.positions;
    int64_t n = (int64_t)s->rows * t * channels, out = (int64_t)s->rows * t * s->q.channels;
    float *in = check_floats(n), *got = check_floats(n);
    struct approx *want_dx = check_approx(n);
    fuse(s, x, in, NULL);
    fuse(s, dx, NULL, want_dx);
    run->inputs = 1 + (s->length != NULL);
    run->in[0] = (struct hsgd_type){ HSGD_F32, 2, { t, channels } };
    run->in[1] = hsgd_number(HSGD_I32);
    run->x[0] = in, run->x[1] = s->length, run->dx[0] = got;
    for (int i = 0; i < check_devices() && check_going(); i++) {
        check_run(i, &hsgd_op_attention, &s->a, run, out);
        check_near("y", run->y[0], want, out);
        check_near("dqkv", got, want_dx, n);
    }
    free(in), free(got), free(want_dx);
}

static void compare_separate(const struct attention *s, struct hsgd_op_call *run, const struct tensor *d,
                             const struct approx *want, unsigned wanted)
{
    static const char *const names[] = { "dq", "dk", "dv" };
    const struct tensor *x[] = { &s->q, &s->k, &s->v };
    float *in[3], *got[3];
    struct approx *want_dx[3];
    for (int i = 0; i < 3; i++) {
        int64_t n = size_of(x[i], s->rows);
        in[i] = check_floats(n), got[i] = check_floats(n), want_dx[i] = approx_from(&d[i], s->rows);
        for (int64_t k = 0; k < n; k++) in[i][k] = (float)x[i]->v[k];
        run->in[i] = (struct hsgd_type){ HSGD_F32, 2, { x[i]->positions, x[i]->channels } };
        run->x[i] = in[i], run->dx[i] = wanted >> i & 1 ? got[i] : NULL;
    }
    run->inputs = 3 + (s->length != NULL);
    run->in[3] = hsgd_number(HSGD_I32), run->x[3] = s->length;
    for (int i = 0; i < check_devices() && check_going(); i++) {
        check_run(i, &hsgd_op_attention, &s->a, run, size_of(&s->q, s->rows));
        check_near("y", run->y[0], want, size_of(&s->q, s->rows));
        for (int k = 0; k < 3; k++)
            if (run->dx[k]) check_near(names[k], got[k], want_dx[k], size_of(x[k], s->rows));
    }
    for (int i = 0; i < 3; i++) free(in[i]), free(got[i]), free(want_dx[i]);
}

static void compare(struct attention *s, int turn, bool fused)
{
    struct tensor y = tensor_of(s->rows, s->q.positions, s->q.channels), d[3];
    const struct tensor *x[] = { &s->q, &s->k, &s->v };
    int64_t out = size_of(&y, s->rows);
    int slices[] = { (s->rows + 1) / 2, s->rows / 2 };
    float *dy = check_floats(out), *got = check_floats(out);
    for (int i = 0; i < 3; i++) d[i] = tensor_of(s->rows, x[i]->positions, x[i]->channels);
    s->dy = check_doubles(dy, out);
    forward(s, &y);
    backward(s, d);
    struct approx *want = approx_from(&y, s->rows);
    struct hsgd_op_call run = { .rows = s->rows, .dy = { dy }, .y = { got }, .training = true };
    if (s->rows > 1 && turn % 3 == 1) run.slices = slices, run.nslices = 2;
    if (size_of(&s->q, s->rows) + size_of(&s->k, s->rows) < 200) gradient_of_reference(s, d);
    if (fused) compare_fused(s, &run, d, want);
    else compare_separate(s, &run, d, want, turn % 5 ? 7u : 1u + (unsigned)check_int(0, 6));
    free(dy), free(got), free(want), free(s->dy), free_tensor(&y);
    for (int i = 0; i < 3; i++) free_tensor(&d[i]);
}

static struct tensor random_tensor(int rows, int positions, int channels, double by)
{
    struct tensor t = tensor_of(rows, positions, channels);
    for (int64_t i = 0; i < size_of(&t, rows); i++) t.v[i] = (float)(by * check_float());
    return t;
}

static void one(int turn)
{
    bool fused = turn % 3 != 2, rotary = fused && turn % 4 == 1, long_rows = turn % 10 == 7;
    int kv = check_int(1, 3), heads = kv * (turn % 5 == 2 ? check_int(2, 3) : 1);
    struct attention s = { .a = { .heads = heads, .kv_heads = kv == heads && turn % 2 ? 0 : kv, .causal = turn % 2 } };
    int t = check_size(long_rows ? 150 : turn % 6 ? 40 : 70), keys = fused ? t : check_size(long_rows ? 190 : 50);
    s.rows = check_size(long_rows ? 2 : 4), s.d = check_size(turn % 7 ? 20 : 70);
    if (turn % 6 == 2) t = 1, s.d = 16 * check_int(1, 4); /* one query has a kernel of its own */
    if (rotary) s.d += s.d % 2, s.a.rotary = turn % 8 == 1 ? HSGD_ROTARY_HALVES : HSGD_ROTARY_PAIRS;
    if (rotary && turn % 16 > 8) s.a.base = 100;
    if (turn % 9 == 3) s.a.scale = 0.3f;
    int32_t *length = calloc((size_t)s.rows, sizeof *length);
    for (int n = 0; n < s.rows; n++)
        length[n] = check_int(0, 3) ? check_int(0, keys) : check_int(0, 1) * (keys + 2) - 1;
    if (turn % 4 == 3 || turn % 10 == 2) s.length = length;
    check_shape("shape %d: %d samples, %d queries, %d keys, %d of %d heads of %d, causal %d, lengths %d, rotary %d, "
                "fused %d",
                turn, s.rows, t, keys, heads, kv, s.d, s.a.causal, s.length != NULL, (int)s.a.rotary, fused);
    double by = turn % 11 == 5 ? 6 : 1.5;
    s.q = random_tensor(s.rows, t, heads * s.d, by);
    s.k = random_tensor(s.rows, keys, kv * s.d, by);
    s.v = random_tensor(s.rows, keys, kv * s.d, 1);
    compare(&s, turn, fused);
    free_tensor(&s.q), free_tensor(&s.k), free_tensor(&s.v), free(length);
}

void reference_attention(void)
{
    for (int i = 0; i < 208 && check_going(); i++) one(i);
}
