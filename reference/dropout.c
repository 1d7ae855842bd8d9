/* SPDX-License-Identifier: BSD-3-Clause */
/* dropout: the mask, its independence of device and slice, and its rate. */
#include "check.h"
#include "reference.h"

/* Philox2x32-10, Salmon et al. 2011, section 3. */
static uint32_t philox(uint32_t key, uint32_t lo, uint32_t hi)
{
    for (int round = 0; round < 10; round++) {
        uint64_t product = (uint64_t)0xD256D193u * lo;
        lo = (uint32_t)(product >> 32) ^ key ^ hi;
        hi = (uint32_t)product;
        key += 0x9E3779B9u;
    }
    return hi;
}

/* Layer and first row as the graph would set them. */
struct placed {
    struct hsgd_dropout dropout;
    int layer, first_row;
};

static void place(struct hsgd_emit *e)
{
    const struct placed *a = e->node->attributes;
    e->number = a->layer;
    e->first_row = a->first_row;
}

static void forward(struct hsgd_emit *e)
{
    place(e);
    hsgd_op_dropout.forward[0].emit(e);
}

static void backward(struct hsgd_emit *e)
{
    place(e);
    hsgd_op_dropout.backward[0].emit(e);
}

static bool kept(const struct placed *a, uint32_t seed, int row, int element)
{
    uint32_t key = seed + 0x85EBCA6Bu * (uint32_t)a->layer;
    uint32_t drawn = philox(key, (uint32_t)element, (uint32_t)(a->first_row + row));
    return drawn / 2 >= (uint32_t)((double)a->dropout.p * 0x1p31);
}

/* Bound: 4 u of the value, for 1 / (1 - p) and the product; zeros exact. */
static void reference(const struct placed *a, uint32_t seed, bool training, int rows, int size, const float *x,
                      struct approx *y)
{
    for (int i = 0; i < rows * size; i++) {
        double v = !training ? x[i] : kept(a, seed, i / size, i % size) ? x[i] / (1 - (double)a->dropout.p) : 0;
        y[i] = (struct approx){ v, training ? 4 * CHECK_U * fabs(v) : 0 };
    }
}

static struct hsgd_op placed_op(bool lanes)
{
    struct hsgd_op op = hsgd_op_dropout;
    op.attributes_size = sizeof(struct placed);
    op.forward[0].emit = forward;
    op.backward[0].emit = backward;
    op.layouts = 1u << (lanes ? HSGD_LANES : HSGD_NHWC);
    return op;
}

static void one(int turn)
{
    int rows = check_size(200), size = check_size(60), n = rows * size;
    bool training = turn % 4 != 3, lanes = turn / 4 % 2;
    struct placed a = { { turn % 10 ? 0.5f + 0.45f * check_float() : 0 }, check_int(0, 5), check_int(0, 3) * 37 };
    struct hsgd_op op = placed_op(lanes);
    uint32_t seed = (uint32_t)check_int(0, 1 << 30) * 4u;
    check_shape("shape %d: %d rows of %d, p %g, layer %d, first row %d, lanes %d", turn, rows, size, a.dropout.p,
                a.layer, a.first_row, lanes);
    float *x = check_floats(n), *dy = check_floats(n), *y = check_floats(n), *dx = check_floats(n);
    struct approx *want_y = check_approx(n), *want_dx = check_approx(n);
    reference(&a, seed, training, rows, size, x, want_y);
    reference(&a, seed, training, rows, size, dy, want_dx);
    for (int d = 0; d < check_devices() && check_going(); d++) {
        struct hsgd_op_call run = { .rows = rows,
                                    .in = { hsgd_vector(size) },
                                    .x = { x },
                                    .dy = { training ? dy : NULL }, /* evaluation goes forward only */
                                    .y = { y },
                                    .dx = { training ? dx : NULL },
                                    .training = training,
                                    .seed = seed };
        check_run(d, &op, &a, &run, n);
        check_near("y", y, want_y, n);
        if (training) check_near("dx", dx, want_dx, n);
    }
    free(x), free(dy), free(y), free(dx), free(want_y), free(want_dx);
}

/* A whole batch, and its rows from 70 on as a separate slice, give the same result. */
static void slices(bool lanes)
{
    enum { ROWS = 150, FROM = 70, SIZE = 33 };
    float *x = check_floats(ROWS * SIZE), *whole = check_floats(ROWS * SIZE), *part = check_floats(ROWS * SIZE);
    struct placed a = { { 0.3f }, 2, 0 }, b = { { 0.3f }, 2, FROM };
    struct hsgd_op op = placed_op(lanes);
    check_shape("slices, lanes %d", lanes);
    for (int d = 0; d < check_devices(); d++) {
        struct hsgd_op_call run = {
            .rows = ROWS, .in = { hsgd_vector(SIZE) }, .x = { x }, .y = { whole }, .training = true, .seed = 9
        };
        check_run(d, &op, &a, &run, UNCOUNTED);
        run.rows = ROWS - FROM, run.x[0] = x + FROM * SIZE, run.y[0] = part;
        check_run(check_devices() - 1 - d, &op, &b, &run, UNCOUNTED);
        for (int i = 0; i < (ROWS - FROM) * SIZE; i++)
            check_that(part[i] == whole[FROM * SIZE + i], "element %d is %g in the slice, %g in the batch", i, part[i],
                       whole[FROM * SIZE + i]);
    }
    free(x), free(whole), free(part);
}

/* Of n elements n (1 - p) are kept, within 5 standard deviations. */
static void rate(float p)
{
    enum { ROWS = 200, SIZE = 500 };
    int n = ROWS * SIZE;
    float *x = check_floats(n), *y = check_floats(n);
    struct hsgd_dropout a = { p };
    for (int i = 0; i < n; i++) x[i] = 1;
    check_shape("rate, p %g", p);
    for (int d = 0; d < check_devices(); d++) {
        int count = 0;
        check_run(d, &hsgd_op_dropout, &a,
                  &(struct hsgd_op_call){
                      .rows = ROWS, .in = { hsgd_vector(SIZE) }, .x = { x }, .y = { y }, .training = true, .seed = 3 },
                  UNCOUNTED);
        for (int i = 0; i < n; i++) count += y[i] != 0;
        double off = fabs(count - n * (1 - (double)p)) / sqrt(n * (double)p * (1 - p));
        check_that(off <= 5, "%d of %d are kept, %.1f standard deviations off", count, n, off);
    }
    free(x), free(y);
}

void reference_dropout(void)
{
    for (int i = 0; i < 204 && check_going(); i++) one(i);
    slices(false);
    slices(true);
    rate(0.1f);
    rate(0.5f);
    rate(0.9f);
}
