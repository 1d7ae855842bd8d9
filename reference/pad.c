/* SPDX-License-Identifier: BSD-3-Clause */
/* pad: index by index, after what is taken away. */
#include "moves.h"
#include "reference.h"

struct borders {
    int rank, first[HSGD_MAX_RANK], left[HSGD_MAX_RANK], before[HSGD_MAX_RANK];
    enum hsgd_pad_mode mode;
};

static void from(const void *user, const int *y, int *x)
{
    const struct borders *b = user;
    bool constant = false;
    for (int i = 0; i < b->rank; i++) {
        int at = y[i] - b->before[i], n = b->left[i];
        constant |= (at < 0 || at >= n) && b->mode == HSGD_PAD_CONSTANT;
        if (b->mode == HSGD_PAD_REFLECT) at = at < 0 ? -at : at >= n ? 2 * (n - 1) - at : at;
        if (b->mode == HSGD_PAD_EDGE) at = at < 0 ? 0 : at >= n ? n - 1 : at;
        if (b->mode == HSGD_PAD_CIRCULAR) at = (at + n) % n;
        x[i] = b->first[i] + at;
    }
    if (constant) x[0] = -1;
}

/* A number of indices at one end of an axis of which so many are left: below 0 to take away, above to add. */
static int draw_border(enum hsgd_pad_mode mode, int *left)
{
    if (check_int(0, 3) == 0 && *left > 1) {
        int away = check_int(1, *left - 1);
        *left -= away;
        return -away;
    }
    return mode == HSGD_PAD_CONSTANT || check_int(0, 2) ? check_int(0, 3) : 0;
}

static int limit(enum hsgd_pad_mode mode, int border, int left)
{
    int most = mode == HSGD_PAD_REFLECT ? left - 1 : mode == HSGD_PAD_CIRCULAR ? left : 99;
    return border > most ? most : border;
}

static void one(int turn)
{
    struct moves m = { .in = check_moves_type(turn, turn % 7 != 3 ? 3 : HSGD_MAX_RANK) };
    struct borders b = { .rank = m.in.rank, .mode = (enum hsgd_pad_mode)(turn / 2 % 4) };
    struct hsgd_pad a = { .mode = b.mode, .value = m.in.dtype == HSGD_I32 ? -7 : 2.5f };
    int n = a.before.count = a.after.count = check_int(1, m.in.rank), shift = check_int(0, m.in.rank - 1);
    m.constant = a.value;
    m.out = m.in;
    for (int i = 0; i < m.in.rank; i++) b.left[i] = m.in.dim[i];
    for (int k = 0; k < n; k++) {
        int i = (k + shift) % m.in.rank, before = draw_border(b.mode, &b.left[i]),
            after = draw_border(b.mode, &b.left[i]);
        before = limit(b.mode, before, b.left[i]), after = limit(b.mode, after, b.left[i]);
        b.first[i] = before < 0 ? -before : 0;
        b.before[i] = before > 0 ? before : 0;
        m.out.dim[i] += before + after;
        a.before.value[k] = before, a.after.value[k] = after;
        a.axes.value[k] = check_axis(turn, i, m.in.rank);
    }
    if (shift) a.axes.count = n;
    check_shape("shape %d: rank %d, %d axes from %d on, mode %d", turn, m.in.rank, n, shift + 1, a.mode);
    check_moves_fill(&m, from, &b);
    check_moves(&hsgd_op_pad, &a, &m, 1, turn);
}

static bool refuses(struct hsgd_pad a, enum hsgd_dtype dtype)
{
    struct hsgd_node n = { .attributes = &a, .inputs = 1, .in = { { dtype, 3, { 4, 5, 6 } } } };
    char why[200];
    return hsgd_op_pad.infer(&n, why, sizeof why) != 0;
}

void reference_pad(void)
{
    const struct hsgd_ints four = { 1, { 4 } }, five = { 1, { 5 } }, none = { 0 };
    check_shape("attributes");
    check_that(refuses((struct hsgd_pad){ none, none, none, HSGD_PAD_CONSTANT, 0 }, HSGD_F32), "no borders");
    check_that(refuses((struct hsgd_pad){ four, none, none, HSGD_PAD_REFLECT, 0 }, HSGD_F32), "reflected too far");
    check_that(refuses((struct hsgd_pad){ none, five, none, HSGD_PAD_CIRCULAR, 0 }, HSGD_F32), "round too far");
    check_that(!refuses((struct hsgd_pad){ none, four, none, HSGD_PAD_CIRCULAR, 0 }, HSGD_F32), "once round");
    check_that(refuses((struct hsgd_pad){ { 1, { -4 } }, none, none, HSGD_PAD_EDGE, 0 }, HSGD_F32), "nothing is left");
    check_that(refuses((struct hsgd_pad){ four, none, { 1, { 4 } }, HSGD_PAD_EDGE, 0 }, HSGD_F32), "no such axis");
    check_that(refuses((struct hsgd_pad){ four, none, none, HSGD_PAD_CONSTANT, 0.5f }, HSGD_I32), "half an integer");
    check_that(refuses((struct hsgd_pad){ { 1, { INT32_MIN } }, none, none, HSGD_PAD_EDGE, 0 }, HSGD_F32), "far away");
    check_that(refuses((struct hsgd_pad){ { 1, { INT32_MAX } }, none, none, HSGD_PAD_EDGE, 0 }, HSGD_F32), "too large");
    for (int i = 0; i < 240 && check_going(); i++) one(i);
}
