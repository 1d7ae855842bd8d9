/* SPDX-License-Identifier: BSD-3-Clause */
/* transpose: axis i of y is axis permutation[i] of x. */
#include "moves.h"
#include "reference.h"

static void from(const void *user, const int *y, int *x)
{
    const struct hsgd_ints *p = user;
    for (int i = 0; i < p->count; i++) x[p->value[i]] = y[i];
}

static void one(int turn)
{
    struct moves m = { .in = check_moves_type(turn, turn % 7 != 3 ? 3 : HSGD_MAX_RANK) };
    int rank = m.in.rank;
    struct hsgd_ints order = { rank, { 0 } };
    struct hsgd_transpose a = { { rank, { 0 } } };
    if (turn % 10 == 1)
        m.in = (struct hsgd_type){ m.in.dtype,
                                   rank = order.count = a.permutation.count = 2,
                                   { check_int(30, 150), check_int(30, 150) } };
    m.out = m.in;
    for (int i = 0; i < rank; i++) {
        int k = check_int(0, i); /* a random order */
        order.value[i] = order.value[k];
        order.value[k] = i;
    }
    for (int i = 0; i < rank; i++) {
        m.out.dim[i] = m.in.dim[order.value[i]];
        a.permutation.value[i] = check_axis(turn, order.value[i], rank);
    }
    check_shape("shape %d: rank %d, the first axis is %d", turn, rank, order.value[0]);
    check_moves_fill(&m, from, &order);
    check_moves(&hsgd_op_transpose, &a, &m, 1, turn);
}

static bool refuses(struct hsgd_ints permutation)
{
    struct hsgd_transpose a = { permutation };
    struct hsgd_node n = { .attributes = &a, .inputs = 1, .in = { hsgd_image(4, 5, 6) } };
    char why[200];
    return hsgd_op_transpose.infer(&n, why, sizeof why) != 0;
}

void reference_transpose(void)
{
    check_shape("attributes");
    check_that(refuses((struct hsgd_ints){ 2, { 1, 2 } }), "too few axes");
    check_that(refuses((struct hsgd_ints){ 3, { 1, 2, 2 } }), "an axis twice");
    check_that(refuses((struct hsgd_ints){ 3, { 0, 1, 2 } }), "axis 0");
    check_that(refuses((struct hsgd_ints){ 4, { 1, 2, 3, 4 } }), "too many axes");
    check_that(!refuses((struct hsgd_ints){ 3, { 3, -2, 1 } }), "a permutation");
    for (int i = 0; i < 210 && check_going(); i++) one(i);
}
