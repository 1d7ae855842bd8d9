/* SPDX-License-Identifier: BSD-3-Clause */
/* broadcast, tile and upsample: every value of y is one of x. */
#include "moves.h"
#include "reference.h"

static void from_broadcast(const void *user, const int *y, int *x)
{
    const struct moves *m = user;
    int before = m->out.rank - m->in.rank;
    for (int i = 0; i < m->in.rank; i++) x[i] = m->in.dim[i] == 1 ? 0 : y[before + i];
}

static void broadcast_one(int turn)
{
    struct moves m = { .out = check_moves_type(turn, turn % 7 != 3 ? 3 : HSGD_MAX_RANK) };
    struct hsgd_broadcast a = { { m.out.rank, { 0 } } };
    int before = check_int(0, m.out.rank);
    m.in = (struct hsgd_type){ m.out.dtype, m.out.rank - before, { 0 } };
    for (int i = 0; i < m.in.rank; i++) m.in.dim[i] = check_int(0, 1) ? 1 : m.out.dim[before + i];
    for (int i = 0; i < m.out.rank; i++) {
        bool same = i >= before && m.in.dim[i - before] == m.out.dim[i];
        a.dims.value[i] = same && check_int(0, 1) ? -1 : m.out.dim[i];
    }
    int inputs = turn % 3 == 1 ? 2 : 1;
    if (inputs > 1) a.dims.count = 0;
    check_shape("shape %d: rank %d to %d", turn, m.in.rank, m.out.rank);
    check_moves_fill(&m, from_broadcast, &m);
    check_moves(&hsgd_op_broadcast, &a, &m, inputs, turn);
}

struct repeats {
    int rank, dim[HSGD_MAX_RANK], times[HSGD_MAX_RANK];
};

static void from_tile(const void *user, const int *y, int *x)
{
    const struct repeats *r = user;
    for (int i = 0; i < r->rank; i++) x[i] = y[i] % r->dim[i];
}

static void from_upsample(const void *user, const int *y, int *x)
{
    const struct repeats *r = user;
    for (int i = 0; i < r->rank; i++) x[i] = y[i] / r->times[i];
}

static void repeat_one(const struct hsgd_op *op, void (*from)(const void *user, const int *y, int *x), int turn)
{
    struct moves m = { .in = check_moves_type(turn, turn % 7 != 3 ? 3 : HSGD_MAX_RANK) };
    struct repeats r = { m.in.rank, { 0 }, { 0 } };
    struct hsgd_tile a = { { check_int(1, m.in.rank), { 0 } } }; /* hsgd_upsample is the same */
    m.out = m.in;
    for (int i = 0; i < m.in.rank; i++) {
        r.dim[i] = m.in.dim[i];
        r.times[i] = i < a.repeats.count ? check_int(1, i && m.in.rank > 3 ? 2 : 4) : 1;
        a.repeats.value[i] = r.times[i];
        m.out.dim[i] *= r.times[i];
    }
    check_shape("shape %d: rank %d, the first %d axes", turn, m.in.rank, a.repeats.count);
    check_moves_fill(&m, from, &r);
    check_moves(op, &a, &m, 1, turn);
}

static bool fits(struct hsgd_ints dims, struct hsgd_type in, struct hsgd_type *out)
{
    struct hsgd_broadcast a = { dims };
    struct hsgd_node n = { .attributes = &a, .inputs = 1, .in = { in } };
    char why[200];
    bool right = !hsgd_op_broadcast.infer(&n, why, sizeof why);
    *out = n.out[0];
    return right;
}

static void broadcast_types(void)
{
    struct hsgd_type out, open = { HSGD_F32, 2, { HSGD_ANY, 4 } };
    check_shape("attributes");
    check_that(!fits((struct hsgd_ints){ 2, { 3, 4 } }, hsgd_vector(3), &out), "3 is not 4");
    check_that(!fits((struct hsgd_ints){ 0 }, hsgd_vector(3), &out), "no dims");
    check_that(!fits((struct hsgd_ints){ 1, { 4 } }, hsgd_image(1, 1, 4), &out), "fewer axes");
    check_that(!fits((struct hsgd_ints){ 2, { 0, 4 } }, hsgd_vector(4), &out), "size 0");
    check_that(!fits((struct hsgd_ints){ 2, { 1 << 20, 1 << 20 } }, hsgd_vector(1), &out), "too large");
    check_that(!fits((struct hsgd_ints){ 7, { 1, 1, 1, 1, 1, 1, 4 } }, hsgd_vector(4), &out), "too many axes");
    check_that(fits((struct hsgd_ints){ 3, { 5, -1, 4 } }, open, &out) && out.dim[1] == HSGD_ANY, "an open size stays");
    check_that(fits((struct hsgd_ints){ 2, { 7, 4 } }, open, &out) && out.dim[0] == 7, "an open size is known");
}

void reference_broadcast(void)
{
    broadcast_types();
    for (int i = 0; i < 210 && check_going(); i++) broadcast_one(i);
}

void reference_tile(void)
{
    for (int i = 0; i < 204 && check_going(); i++) repeat_one(&hsgd_op_tile, from_tile, i);
}

void reference_upsample(void)
{
    for (int i = 0; i < 204 && check_going(); i++) repeat_one(&hsgd_op_upsample, from_upsample, i);
}
