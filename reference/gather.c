/* SPDX-License-Identifier: BSD-3-Clause */
/* gather: index i of an axis of y is index indices[i] of x. */
#include "moves.h"
#include "reference.h"

struct lookup {
    int rank, axis, index[HSGD_MAX_INTS];
};

static void from(const void *user, const int *y, int *x)
{
    const struct lookup *l = user;
    for (int i = 0; i < l->rank; i++) x[i] = i == l->axis ? l->index[y[i]] : y[i];
}

/* Runs of indices, equal ones, and any. */
static int draw_index(int turn, int i, int dim)
{
    if (turn % 3 == 0) return i / 2 % dim;
    if (turn % 3 == 1) return (i * 2 + turn) % dim;
    return check_int(0, dim - 1);
}

static void one(int turn)
{
    struct moves m = { .in = check_moves_type(turn, turn % 7 != 3 ? 3 : HSGD_MAX_RANK) };
    struct lookup l = { m.in.rank, check_int(0, m.in.rank - 1), { 0 } };
    struct hsgd_gather a = { { check_int(1, turn % 6 ? 12 : HSGD_MAX_INTS), { 0 } }, 0 };
    a.axis = check_axis(turn, l.axis, l.rank);
    m.out = m.in;
    m.out.dim[l.axis] = a.indices.count;
    for (int i = 0; i < a.indices.count; i++) {
        int dim = m.in.dim[l.axis];
        l.index[i] = draw_index(turn, i, dim);
        a.indices.value[i] = l.index[i] - (check_int(0, 3) ? 0 : dim);
    }
    check_shape("shape %d: rank %d, %d indices of axis %d", turn, l.rank, a.indices.count, l.axis + 1);
    check_moves_fill(&m, from, &l);
    check_moves(&hsgd_op_gather, &a, &m, 1, turn);
}

static bool refuses(struct hsgd_gather a)
{
    struct hsgd_node n = { .attributes = &a, .inputs = 1, .in = { hsgd_image(4, 5, 6) } };
    char why[200];
    return hsgd_op_gather.infer(&n, why, sizeof why) != 0;
}

void reference_gather(void)
{
    check_shape("attributes");
    check_that(refuses((struct hsgd_gather){ { 1, { 4 } }, 1 }), "no such index");
    check_that(refuses((struct hsgd_gather){ { 1, { -7 } }, 3 }), "no such index from the end");
    check_that(refuses((struct hsgd_gather){ { 1, { 0 } }, 4 }), "no such axis");
    check_that(refuses((struct hsgd_gather){ { 0, { 0 } }, 1 }), "no indices");
    check_that(!refuses((struct hsgd_gather){ { 2, { 3, -4 } }, -3 }), "the first and the last");
    for (int i = 0; i < 210 && check_going(); i++) one(i);
}
