/* The kernels that put the gradients of slices together: add, copy,
 * square_sum, square_total, clip_add, clip_scale. */
#include "reference/check.h"
#include "kernels.h"
#include "test_ops.h"

enum { ADD, SQUARE, CLIP, MERGES };

/* x and param 0 are n floats, param 1 a row of the step table.
 * ADD: y = x + p.  SQUARE: y = { |x|^2 }.
 * CLIP: y = { factor that clips the gradient of squared norm |x|^2 + |p|^2 }. */
struct merge { int what, n; float max_norm; };

static int prepare(struct hsgd_layer *l, char *why, size_t n)
{
    const struct merge *a = l->attributes;
    (void)why, (void)n;
    l->out = (struct hsgd_shape){ 1, 1, a->what == ADD ? a->n : 1 };
    l->params = 2;
    l->param[0] = (struct hsgd_param_spec){ "p", 1, { a->n }, HSGD_INIT_ZERO, 1, 1, 0 };
    l->param[1] = (struct hsgd_param_spec){ "step", 1, { HSGD_STEP_WORDS }, HSGD_INIT_ZERO, 1, 1, 0 };
    return 0;
}

static void emit_add(struct hsgd_emit *e, int n)
{
    struct copy_args copy = { n };
    struct add_args add = { n };
    HSGD_LAUNCH(e, HSGD_KERNEL(copy), HSGD_ITEMS, n, &copy, e->x, e->y);
    HSGD_LAUNCH(e, HSGD_KERNEL(add), HSGD_ITEMS, n, &add, e->weight[0].piece[0].ref, e->y);
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

static void emit_clip(struct hsgd_emit *e, const struct merge *a)
{
    struct hsgd_ref part = hsgd_scratch(e, 16);
    struct clip_scale_args scale = { a->max_norm };
    for (int i = 0; i < 2; i++) {
        struct clip_add_args add = { i == 0 };
        emit_square(e, a->n, i ? e->weight[0].piece[0].ref : e->x, part);
        HSGD_LAUNCH(e, HSGD_KERNEL(clip_add), HSGD_ITEMS, 1, &add, part, e->y);
    }
    HSGD_LAUNCH(e, HSGD_KERNEL(clip_scale), HSGD_ITEMS, 1, &scale, e->weight[1].piece[0].ref, e->y);
}

static void forward(struct hsgd_emit *e)
{
    const struct merge *a = e->layer->attributes;
    if (a->what == ADD) emit_add(e, a->n);
    if (a->what == SQUARE) emit_square(e, a->n, e->x, e->y);
    if (a->what == CLIP) emit_clip(e, a);
}

static const struct hsgd_op op = { .name = "merge", .attributes_size = sizeof(struct merge),
                                   .layouts = 1u << HSGD_NHWC, .prepare = prepare, .forward = forward };

/* Bounds: an addition rounds once; a sum of squares has the bound of a sum;
 * the root halves its relative error, and 8 u are for the rest. */
static void reference(const struct merge *a, const float *x, const float *p, float scale, struct approx *y)
{
    struct approx_sum sum = { 0 };
    for (int i = 0; i < a->n; i++) {
        if (a->what == ADD) y[i] = (struct approx){ (double)x[i] + p[i], CHECK_U * fabs((double)x[i] + p[i]) };
        approx_add(&sum, (double)x[i] * x[i], 0);
    }
    for (int i = 0; i < a->n && a->what == CLIP; i++) approx_add(&sum, (double)p[i] * p[i], 0);
    if (a->what == SQUARE) y[0] = approx_of(sum);
    if (a->what != CLIP) return;
    double norm = scale * sqrt(sum.v), factor = norm > a->max_norm ? a->max_norm / norm : 1;
    y[0] = (struct approx){ factor, factor * (CHECK_U * (sum.terms + 4) + 8 * CHECK_U) };
}

static void one(int turn)
{
    struct merge a = { turn % MERGES, turn % 2 ? check_size(200) : check_int(200, 9000), 0 };
    int out = a.what == ADD ? a.n : 1;
    float step[HSGD_STEP_WORDS] = { [HSGD_STEP_SCALE] = 1.0f / (float)check_int(1, 200) };
    a.max_norm = step[HSGD_STEP_SCALE] * sqrtf((float)a.n) * (check_float() + 1.2f);
    check_shape("shape %d: kind %d, %d floats", turn, a.what, a.n);
    float *x = check_floats(a.n), *p = check_floats(a.n), *y = check_floats(a.n);
    struct approx *want = check_approx(a.n);
    reference(&a, x, p, step[HSGD_STEP_SCALE], want);
    for (int d = 0; d < check_devices() && check_going(); d++) {
        check_run(d, &op, &a, &(struct hsgd_op_run){ .rows = 1, .in = { 1, 1, a.n }, .x = x, .params = { p, step },
                  .y = y }, a.n);
        check_near("y", y, want, out);
    }
    free(x), free(p), free(y), free(want);
}

void test_merge(void)
{
    for (int i = 0; i < 240 && check_going(); i++) one(i);
}
