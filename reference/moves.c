/* SPDX-License-Identifier: BSD-3-Clause */
#include "moves.h"

#include <string.h>

struct hsgd_type check_moves_type(int turn, int max)
{
    struct hsgd_type t = { turn % 4 == 3 ? HSGD_I32 : HSGD_F32, check_int(1, max), { 0 } };
    int room = 3000;
    for (int i = t.rank - 1; i >= 0; i--) {
        int most = i == t.rank - 1 ? (turn % 9 ? 40 : 1500) : 12;
        t.dim[i] = check_size(most < room ? most : room);
        room /= t.dim[i];
    }
    return t;
}

int check_axis(int turn, int axis, int rank) { return turn % 2 ? axis - rank : axis + 1; }

static int64_t place(const struct hsgd_type *t, const int *index)
{
    int64_t at = 0;
    for (int i = 0; i < t->rank; i++) at = at * t->dim[i] + index[i];
    return at;
}

void check_moves_fill(struct moves *m, void (*from)(const void *user, const int *y, int *x), const void *user)
{
    int64_t size = hsgd_type_size(&m->out);
    m->of = calloc((size_t)size + 1, sizeof *m->of);
    for (int64_t i = 0; i < size; i++) {
        int y[HSGD_MAX_RANK], x[HSGD_MAX_RANK] = { 0 };
        int64_t rest = i;
        for (int k = m->out.rank - 1; k >= 0; k--) {
            y[k] = (int)(rest % m->out.dim[k]);
            rest /= m->out.dim[k];
        }
        from(user, y, x);
        m->of[i] = x[0] < 0 ? -1 : place(&m->in, x);
    }
}

static bool infers(const struct hsgd_op *op, const void *attributes, const struct moves *m, int inputs)
{
    struct hsgd_node n = { .attributes = attributes, .inputs = inputs, .in = { m->in, m->out } };
    char why[200] = "";
    bool right = !op->infer(&n, why, sizeof why) && n.out[0].dtype == m->out.dtype && n.out[0].rank == m->out.rank &&
                 !memcmp(n.out[0].dim, m->out.dim, (size_t)m->out.rank * sizeof *m->out.dim);
    check_that(right, "infer(): another type, or \"%s\"", why);
    return right;
}

/* Numbers of x's kind: integers whose bits are no usual floats. */
static void make_integers(float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        int32_t v = check_int(-5, 5) * 300000001;
        memcpy(&x[i], &v, sizeof v);
    }
}

static void check_copies(const struct moves *m, int rows, const float *x, const float *y)
{
    int64_t in = hsgd_type_size(&m->in), out = hsgd_type_size(&m->out);
    float constant = (float)m->constant;
    int32_t whole = (int32_t)m->constant;
    if (m->in.dtype == HSGD_I32) memcpy(&constant, &whole, sizeof whole);
    for (int64_t i = 0; i < rows * out && check_going(); i++) {
        int64_t of = m->of[i % out];
        const float *want = of < 0 ? &constant : &x[i / out * in + of];
        check_that(!memcmp(want, &y[i], sizeof *y), "y[%lld] is not x[%lld], or the constant", (long long)i,
                   (long long)of);
    }
}

static struct approx *gradient_of(const struct moves *m, int rows, const float *dy)
{
    int64_t in = hsgd_type_size(&m->in), out = hsgd_type_size(&m->out);
    struct approx_sum *sum = calloc((size_t)(rows * in), sizeof *sum);
    struct approx *dx = check_approx(rows * in);
    for (int64_t i = 0; i < rows * out; i++)
        if (m->of[i % out] >= 0) approx_add(&sum[i / out * in + m->of[i % out]], dy[i], 0);
    for (int64_t i = 0; i < rows * in; i++)
        dx[i] = sum[i].terms < 2 ? (struct approx){ sum[i].v, 0 } : approx_of(sum[i]);
    free(sum);
    return dx;
}

void check_moves(const struct hsgd_op *op, const void *attributes, struct moves *m, int inputs, int turn)
{
    struct hsgd_op alone = *op;
    int rows = turn % 3 == 0 ? check_int(3, 40) : check_size(20), slices[3] = { rows / 3, 1, rows - rows / 3 - 1 };
    int64_t in = hsgd_type_size(&m->in), out = hsgd_type_size(&m->out);
    bool floats = m->in.dtype == HSGD_F32;
    float *x = check_floats(rows * in), *dx = check_floats(rows * in), *y = check_floats(rows * out);
    float *dy = check_floats(rows * out), *second = check_floats(rows * out);
    if (!floats) make_integers(x, rows * in);
    if (floats && op->layouts & 1u << HSGD_LANES) alone.layouts = turn % 8 < 3 ? 1u << HSGD_LANES : 1u << HSGD_NHWC;
    struct approx *want = gradient_of(m, rows, dy), *zeros = check_approx(rows * out);
    struct hsgd_op_call run = {
        .rows = rows, .inputs = inputs, .in = { m->in, m->out }, .x = { x, second }, .y = { y }
    };
    run.training = true;
    if (floats) run.dy[0] = dy, run.dx[0] = turn % 7 ? dx : NULL;
    if (inputs > 1 && floats) run.dx[1] = second;
    if (turn % 3 == 0) run.slices = slices, run.nslices = 3;
    for (int d = 0; d < check_devices() && check_going() && infers(op, attributes, m, inputs); d++) {
        check_run(d, &alone, attributes, &run, rows * out);
        check_copies(m, rows, x, y);
        if (run.dx[0]) check_near("dx", dx, want, rows * in);
        if (run.dx[1]) check_near("dx of the second input", second, zeros, rows * out);
    }
    free(x), free(dx), free(y), free(dy), free(second), free(want), free(zeros), free(m->of);
}
