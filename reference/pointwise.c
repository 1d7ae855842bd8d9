/* SPDX-License-Identifier: BSD-3-Clause */
/* add and mul, in both layouts; the gradients of mul also added to what is there. */
#include "check.h"
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
