/* SPDX-License-Identifier: BSD-3-Clause */
/* concat and split: exact copies, in both layouts. */
#include <string.h>

#include "check.h"
#include "reference.h"

/* The whole, {positions, channels, inner}, without what is 1, and its parts. */
struct shape {
    int rows, positions, channels, inner, parts, size[HSGD_MAX_INPUTS];
    bool equal; /* parts of one size, given by their number */
};

static struct shape draw(int turn)
{
    struct shape s = { .rows = check_size(turn % 4 == 1 ? 30 : 100), .positions = turn % 3 ? check_size(9) : 1 };
    s.inner = turn % 4 == 1 ? check_size(12) : 1;
    s.equal = turn % 4 == 0;
    s.parts = turn % 5 ? check_int(2, 5) : check_int(2, HSGD_MAX_INPUTS);
    for (int i = 0; i < s.parts; i++) {
        s.size[i] = s.equal && i ? s.size[0] : check_size(turn % 5 ? 40 : 12);
        s.channels += s.size[i];
    }
    check_shape("shape %d: %d rows of %d x %d x %d in %d parts", turn, s.rows, s.positions, s.channels, s.inner,
                s.parts);
    return s;
}

static struct hsgd_type type_of(const struct shape *s, int channels)
{
    struct hsgd_type t = { HSGD_F32, 0, { 0 } };
    if (s->positions > 1) t.dim[t.rank++] = s->positions;
    t.dim[t.rank++] = channels;
    if (s->inner > 1) t.dim[t.rank++] = s->inner;
    return t;
}

/* From 1, or from -1 backwards; 0: the last. */
static int axis_of(const struct shape *s, int turn)
{
    if (turn % 2) return s->inner > 1 ? -2 : -1;
    return s->inner > 1 ? 1 + (s->positions > 1) : 0;
}

static int64_t size_of(const struct shape *s, int channels)
{
    return (int64_t)s->rows * s->positions * channels * s->inner;
}

static unsigned layouts_of(int turn) { return turn % 2 ? 1u << HSGD_LANES : 1u << HSGD_NHWC; }

/* The part from channel `first` on, as it must be. */
static struct approx *part_of(const struct shape *s, const float *whole, int first, int channels)
{
    int rows = s->rows * s->positions, cols = channels * s->inner;
    struct approx *part = check_approx(size_of(s, channels));
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < cols; c++) part[r * cols + c].v = whole[(r * s->channels + first) * s->inner + c];
    return part;
}

/* parts[i] must be the channels of the whole; absent: those that are not looked at. */
static void check_parts(const char *what, const struct shape *s, const float *whole, float *const *parts)
{
    for (int i = 0, first = 0; i < s->parts; i++) {
        if (parts[i]) {
            struct approx *want = part_of(s, whole, first, s->size[i]);
            check_near(what, parts[i], want, size_of(s, s->size[i]));
            free(want);
        }
        first += s->size[i];
    }
}

static void allocate(const struct shape *s, float **parts)
{
    for (int i = 0; i < s->parts; i++) parts[i] = check_floats(size_of(s, s->size[i]));
}

static void free_parts(const struct shape *s, float **parts)
{
    for (int i = 0; i < s->parts; i++) free(parts[i]);
}

static void concat_one(int turn)
{
    struct shape s = draw(turn);
    struct hsgd_op op = hsgd_op_concat;
    struct hsgd_concat attributes = { axis_of(&s, turn) };
    float *x[HSGD_MAX_INPUTS], *dx[HSGD_MAX_INPUTS];
    int64_t n = size_of(&s, s.channels);
    float *y = check_floats(n), *dy = check_floats(n);
    allocate(&s, x), allocate(&s, dx);
    op.layouts = layouts_of(turn);
    struct hsgd_op_call run = { .rows = s.rows, .inputs = s.parts, .dy = { dy }, .y = { y }, .training = true };
    for (int i = 0; i < s.parts; i++) {
        run.in[i] = type_of(&s, s.size[i]);
        run.x[i] = x[i];
        run.dx[i] = turn % 7 || i ? dx[i] : NULL;
    }
    for (int d = 0; d < check_devices() && check_going(); d++) {
        check_run(d, &op, &attributes, &run, n);
        check_parts("x", &s, y, x);
        check_parts("dx", &s, dy, run.dx);
    }
    free_parts(&s, x), free_parts(&s, dx);
    free(y), free(dy);
}

/* As where nobody reads the last output. */
static void without_last(struct hsgd_emit *e)
{
    e->dy[e->node->outputs - 1].buffer = -1;
    hsgd_op_split.backward[0].emit(e);
}

static void split_one(int turn)
{
    struct shape s = draw(turn);
    struct hsgd_op op = hsgd_op_split;
    struct hsgd_split attributes = { .parts = s.equal ? s.parts : 0, .axis = axis_of(&s, turn) };
    float *y[HSGD_MAX_OUTPUTS], *dy[HSGD_MAX_OUTPUTS];
    int64_t n = size_of(&s, s.channels);
    float *x = check_floats(n), *dx = check_floats(n);
    allocate(&s, y), allocate(&s, dy);
    op.layouts = layouts_of(turn);
    if (!s.equal) {
        attributes.sizes.count = s.parts;
        memcpy(attributes.sizes.value, s.size, sizeof s.size);
    }
    if (turn % 6 == 0) {
        op.backward[0].emit = without_last;
        memset(dy[s.parts - 1], 0, (size_t)size_of(&s, s.size[s.parts - 1]) * sizeof **dy);
    }
    struct hsgd_op_call run = {
        .rows = s.rows, .in = { type_of(&s, s.channels) }, .x = { x }, .dx = { dx }, .training = true
    };
    for (int i = 0; i < s.parts; i++) run.y[i] = y[i], run.dy[i] = dy[i];
    for (int d = 0; d < check_devices() && check_going(); d++) {
        check_run(d, &op, &attributes, &run, n);
        check_parts("y", &s, x, y);
        check_parts("dy", &s, dx, dy);
    }
    free_parts(&s, y), free_parts(&s, dy);
    free(x), free(dx);
}

void reference_concat(void)
{
    for (int i = 0; i < 204 && check_going(); i++) concat_one(i);
}

void reference_split(void)
{
    for (int i = 0; i < 204 && check_going(); i++) split_one(i);
}
