/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernels that put the gradients of slices together: add, copy,
 * square_sum, square_total. */
#include "reference/check.h"
#include "kernels.h"
#include "test_ops.h"

enum { ADD, SQUARE, MERGES };

/* x and param 0 are n floats.
 * ADD: y = x + p.  SQUARE: y = { |x|^2 }. */
struct merge {
    int what, n;
};

static int infer(struct hsgd_node *n, char *why, size_t size)
{
    const struct merge *a = n->attributes;
    (void)why, (void)size;
    n->outputs = 1;
    n->out[0] = hsgd_vector(a->what == ADD ? a->n : 1);
    n->params = 1;
    n->param[0] = (struct hsgd_param_spec){ .name = "p", .rank = 1, .dim = { a->n }, .init = HSGD_INIT_ZERO };
    return 0;
}

static void emit_add(struct hsgd_emit *e, int n)
{
    struct copy_args copy = { n };
    struct add_args add = { n };
    HSGD_LAUNCH(e, HSGD_KERNEL(copy), HSGD_ITEMS, n, &copy, e->x[0], e->y[0]);
    HSGD_LAUNCH(e, HSGD_KERNEL(add), HSGD_ITEMS, n, &add, e->weight[0].piece[0].ref, e->y[0]);
}

static void emit_square(struct hsgd_emit *e, int n, struct hsgd_ref from, struct hsgd_ref to)
{
    struct hsgd_ref parts = hsgd_at(hsgd_scratch(e, 16 + SQUARE_PARTS), 16);
    int half = n / 2;
    struct square_sum_args first = { half, false }, second = { n - half, true };
    struct square_total_args total = { SQUARE_PARTS };
    HSGD_LAUNCH(e, HSGD_KERNEL(square_sum), HSGD_ROWS, SQUARE_PARTS, &first, from, parts);
    HSGD_LAUNCH(e, HSGD_KERNEL(square_sum), HSGD_ROWS, SQUARE_PARTS, &second, hsgd_at(from, half), parts);
    HSGD_LAUNCH(e, HSGD_KERNEL(square_total), HSGD_WARPS, 1, &total, parts, to);
}

static void forward(struct hsgd_emit *e)
{
    const struct merge *a = e->node->attributes;
    if (a->what == ADD) emit_add(e, a->n);
    if (a->what == SQUARE) emit_square(e, a->n, e->x[0], e->y[0]);
}

static const struct hsgd_op op = { .name = "merge",
                                   .attributes_size = sizeof(struct merge),
                                   .layouts = 1u << HSGD_NHWC,
                                   .infer = infer,
                                   .forward = { { forward } } };

/* Bounds: an addition rounds once; a sum of squares has the bound of a sum. */
static void reference(const struct merge *a, const float *x, const float *p, struct approx *y)
{
    struct approx_sum sum = { 0 };
    for (int i = 0; i < a->n; i++) {
        if (a->what == ADD) y[i] = (struct approx){ (double)x[i] + p[i], CHECK_U * fabs((double)x[i] + p[i]) };
        approx_add(&sum, (double)x[i] * x[i], 0);
    }
    if (a->what == SQUARE) y[0] = approx_of(sum);
}

static void one(int turn)
{
    struct merge a = { turn % MERGES, turn / 2 % 2 ? check_size(200) : check_int(200, 9000) };
    int out = a.what == ADD ? a.n : 1;
    check_shape("shape %d: kind %d, %d floats", turn, a.what, a.n);
    float *x = check_floats(a.n), *p = check_floats(a.n), *y = check_floats(a.n);
    struct approx *want = check_approx(a.n);
    reference(&a, x, p, want);
    for (int d = 0; d < check_devices() && check_going(); d++) {
        check_run(
            d, &op, &a,
            &(struct hsgd_op_call){ .rows = 1, .in = { hsgd_vector(a.n) }, .x = { x }, .params = { p }, .y = { y } },
            a.n);
        check_near("y", y, want, out);
    }
    free(x), free(p), free(y), free(want);
}

void test_merge(void)
{
    for (int i = 0; i < 240 && check_going(); i++) one(i);
}
