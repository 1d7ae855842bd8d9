/* SPDX-License-Identifier: BSD-3-Clause */
/* slice: y[i..] = x[start + i step ..], written out for each axis. */
#include "moves.h"
#include "reference.h"

struct range {
    int rank, start[HSGD_MAX_RANK], step[HSGD_MAX_RANK];
};

static void from(const void *user, const int *y, int *x)
{
    const struct range *r = user;
    for (int i = 0; i < r->rank; i++) x[i] = r->start[i] + y[i] * r->step[i];
}

/* An axis that is sliced in some way that leaves something. */
static void draw_axis(int dim, int *start, int *end, int *step, struct range *r, int axis, int *size)
{
    int first = check_int(0, dim - 1), apart = check_int(1, 3), n = 0;
    bool down = check_int(0, 2) == 0;
    *step = down ? -apart : apart;
    int stop = down ? check_int(-1, first - 1) : check_int(first + 1, dim);
    for (int i = first; down ? i > stop : i < stop; i += *step) n++;
    r->start[axis] = first, r->step[axis] = *step, *size = n;
    *start = check_int(0, 1) ? first : first - dim;
    *end = stop == -1 ? -dim - check_int(1, 999999) : stop == dim ? dim + check_int(0, 999999) : stop;
    if (down && first == dim - 1) *start = dim + check_int(0, 9);
    if (!down && !first && check_int(0, 1)) *start = -dim - check_int(0, 9);
}

static void one(int turn)
{
    struct moves m = { .in = check_moves_type(turn, turn % 7 != 3 ? 3 : HSGD_MAX_RANK) };
    struct range r = { m.in.rank, { 0 }, { 0 } };
    struct hsgd_slice a = { 0 };
    m.out = m.in;
    for (int i = 0; i < m.in.rank; i++) r.step[i] = 1;
    for (int i = 0; i < m.in.rank; i++) {
        int start, end, step, k = a.starts.count;
        bool in_order = k == i;
        if (turn % 2 && check_int(0, 1)) continue; /* then axes are needed */
        draw_axis(m.in.dim[i], &start, &end, &step, &r, i, &m.out.dim[i]);
        a.starts.value[k] = start, a.ends.value[k] = end, a.steps.value[k] = step;
        a.axes.value[k] = check_axis(turn, i, m.in.rank);
        a.starts.count = a.ends.count = a.steps.count = k + 1;
        if (a.axes.count || !in_order) a.axes.count = k + 1;
    }
    if (!a.starts.count) {
        a.starts.count = a.ends.count = 1;
        a.ends.value[0] = m.in.dim[0];
    }
    check_shape("shape %d: rank %d, %d axes", turn, m.in.rank, a.starts.count);
    check_moves_fill(&m, from, &r);
    check_moves(&hsgd_op_slice, &a, &m, 1, turn);
}

static bool refuses(struct hsgd_slice a)
{
    struct hsgd_node n = { .attributes = &a, .inputs = 1, .in = { hsgd_image(4, 5, 6) } };
    char why[200];
    return hsgd_op_slice.infer(&n, why, sizeof why) != 0;
}

static void wrong_attributes(void)
{
    const struct hsgd_ints one = { 1, { 1 } }, two = { 2, { 1, 1 } }, none = { 0 }, far = { 1, { 99 } };
    check_shape("attributes");
    check_that(refuses((struct hsgd_slice){ none, none, none, none }), "no lists");
    check_that(refuses((struct hsgd_slice){ one, two, none, none }), "lists of different length");
    check_that(refuses((struct hsgd_slice){ one, one, none, none }), "nothing is left");
    check_that(refuses((struct hsgd_slice){ far, far, none, none }), "nothing is left behind the end");
    check_that(refuses((struct hsgd_slice){ one, far, { 1, { 4 } }, none }), "no such axis");
    check_that(refuses((struct hsgd_slice){ one, far, { 1, { 0 } }, none }), "axis 0");
    check_that(refuses((struct hsgd_slice){ one, far, none, { 1, { 0 } } }), "step 0");
    check_that(refuses((struct hsgd_slice){ two, { 2, { 3, 3 } }, { 2, { 1, -3 } }, none }), "an axis twice");
    check_that(!refuses((struct hsgd_slice){ one, far, none, { 1, { INT32_MAX } } }), "a large step");
    check_that(!refuses((struct hsgd_slice){ far, { 1, { INT32_MIN } }, none, { 1, { INT32_MIN } } }), "a small step");
}

void reference_slice(void)
{
    wrong_attributes();
    for (int i = 0; i < 210 && check_going(); i++) one(i);
}
