/* SPDX-License-Identifier: BSD-3-Clause */
/* matmul: C = op(A) op(B) of each matrix of a sample, and its gradients. */
#include "check.h"
#include "reference.h"

struct shape {
    int count, m, n, k;
    bool ta, tb;
    const double *a, *b, *dc;
};

/* Where element (i, p) of op(A) and (p, j) of op(B) of a matrix are. */
static int at_a(const struct shape *s, int i, int p) { return s->ta ? p * s->m + i : i * s->k + p; }
static int at_b(const struct shape *s, int p, int j) { return s->tb ? j * s->k + p : p * s->n + j; }

static struct approx product_at(const struct shape *s, int q, int i, int j)
{
    const double *a = s->a + (int64_t)q * s->m * s->k, *b = s->b + (int64_t)q * s->k * s->n;
    struct approx_sum sum = { 0 };
    for (int p = 0; p < s->k; p++) approx_add(&sum, a[at_a(s, i, p)] * b[at_b(s, p, j)], 0);
    return approx_of(sum);
}

static struct approx da_at(const struct shape *s, int q, int i, int p)
{
    const double *dc = s->dc + (int64_t)q * s->m * s->n, *b = s->b + (int64_t)q * s->k * s->n;
    struct approx_sum sum = { 0 };
    for (int j = 0; j < s->n; j++) approx_add(&sum, dc[i * s->n + j] * b[at_b(s, p, j)], 0);
    return approx_of(sum);
}

static struct approx db_at(const struct shape *s, int q, int p, int j)
{
    const double *dc = s->dc + (int64_t)q * s->m * s->n, *a = s->a + (int64_t)q * s->m * s->k;
    struct approx_sum sum = { 0 };
    for (int i = 0; i < s->m; i++) approx_add(&sum, dc[i * s->n + j] * a[at_a(s, i, p)], 0);
    return approx_of(sum);
}

static void reference(const struct shape *s, struct approx *c, struct approx *da, struct approx *db)
{
    for (int q = 0; q < s->count; q++) {
        for (int i = 0; i < s->m; i++)
            for (int j = 0; j < s->n; j++) c[(q * s->m + i) * s->n + j] = product_at(s, q, i, j);
        for (int i = 0; i < s->m; i++)
            for (int p = 0; p < s->k; p++) da[q * s->m * s->k + at_a(s, i, p)] = da_at(s, q, i, p);
        for (int p = 0; p < s->k; p++)
            for (int j = 0; j < s->n; j++) db[q * s->k * s->n + at_b(s, p, j)] = db_at(s, q, p, j);
    }
}

static double loss(void *user)
{
    const struct shape *s = user;
    double sum = 0;
    for (int q = 0; q < s->count; q++)
        for (int i = 0; i < s->m; i++)
            for (int j = 0; j < s->n; j++) sum += s->dc[(q * s->m + i) * s->n + j] * product_at(s, q, i, j).v;
    return sum;
}

static struct hsgd_type type_of(int lead, int other, int rows, int columns)
{
    if (!lead) return (struct hsgd_type){ HSGD_F32, 2, { rows, columns } };
    return (struct hsgd_type){ HSGD_F32, 4, { lead, other, rows, columns } };
}

static void compare(const struct shape *s, int rows, const struct hsgd_type in[2], const float *a, const float *b,
                    const float *dc)
{
    int na = s->count * s->m * s->k, nb = s->count * s->k * s->n, nc = s->count * s->m * s->n;
    float *c = check_floats(nc), *da = check_floats(na), *db = check_floats(nb);
    struct approx *want = check_approx(nc), *want_da = check_approx(na), *want_db = check_approx(nb);
    struct hsgd_matmul attributes = { .transpose_a = s->ta, .transpose_b = s->tb };
    reference(s, want, want_da, want_db);
    for (int d = 0; d < check_devices() && check_going(); d++) {
        struct hsgd_op_call run = { .rows = rows,
                                    .in = { in[0], in[1] },
                                    .x = { a, b },
                                    .dy = { dc },
                                    .y = { c },
                                    .dx = { da, db },
                                    .training = true };
        check_run(d, &hsgd_op_matmul, &attributes, &run, nc);
        check_near("y", c, want, nc);
        check_near("dx[0]", da, want_da, na);
        check_near("dx[1]", db, want_db, nb);
    }
    free(c), free(da), free(db), free(want), free(want_da), free(want_db);
}

static void one(int turn)
{
    int most = turn % 10 == 9 ? 70 : 20, rows = check_size(5), lead = turn % 3 ? check_size(3) : 0,
        other = check_size(3);
    struct shape s = { rows * (lead ? lead * other : 1),
                       check_size(most),
                       check_size(most),
                       check_size(most),
                       turn & 1,
                       turn >> 1 & 1,
                       NULL,
                       NULL,
                       NULL };
    int na = s.count * s.m * s.k, nb = s.count * s.k * s.n, nc = s.count * s.m * s.n;
    float *a = check_floats(na), *b = check_floats(nb), *dc = check_floats(nc);
    double *ad = check_doubles(a, na), *bd = check_doubles(b, nb), *dcd = check_doubles(dc, nc);
    struct hsgd_type in[2] = { s.ta ? type_of(lead, other, s.k, s.m) : type_of(lead, other, s.m, s.k),
                               s.tb ? type_of(lead, other, s.n, s.k) : type_of(lead, other, s.k, s.n) };
    s.a = ad, s.b = bd, s.dc = dcd;
    check_shape("shape %d: %d products of %d x %d x %d, transposed %d, %d", turn, s.count, s.m, s.k, s.n, s.ta, s.tb);
    if (turn < 24) {
        struct approx *c = check_approx(nc), *da = check_approx(na), *db = check_approx(nb);
        reference(&s, c, da, db);
        check_gradient("dx[0]", loss, &s, ad, da, na);
        check_gradient("dx[1]", loss, &s, bd, db, nb);
        free(c), free(da), free(db);
    }
    compare(&s, rows, in, a, b, dc);
    free(a), free(b), free(dc), free(ad), free(bd), free(dcd);
}

void reference_matmul(void)
{
    for (int i = 0; i < 204 && check_going(); i++) one(i);
}
