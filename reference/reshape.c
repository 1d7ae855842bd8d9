/* SPDX-License-Identifier: BSD-3-Clause */
/* reshape: the same values in the same order. */
#include <string.h>

#include "check.h"
#include "reference.h"

static bool infers(struct hsgd_ints dims, struct hsgd_type in, struct hsgd_type *out)
{
    struct hsgd_reshape a = { dims };
    struct hsgd_node n = { .attributes = &a, .inputs = 1, .in = { in } };
    char why[200];
    bool fits = !hsgd_op_reshape.infer(&n, why, sizeof why);
    *out = n.out[0];
    return fits;
}

static void dimensions(void)
{
    static const struct {
        struct hsgd_ints dims;
        bool fits;
        int rank, last;
    } cases[] = {
        { { 1, { 24 } }, true, 1, 24 },
        { { 2, { 6, 4 } }, true, 2, 4 },
        { { 2, { 6, -1 } }, true, 2, 4 },
        { { 3, { -1, 2, 3 } }, true, 3, 3 },
        { { 2, { -1, -1 } }, false, 0, 0 },
        { { 2, { 5, -1 } }, false, 0, 0 },
        { { 2, { 6, 5 } }, false, 0, 0 },
        { { 2, { 0, -1 } }, false, 0, 0 },
        { { 2, { -2, -12 } }, false, 0, 0 },
        { { 0, { 0 } }, false, 0, 0 },
        { { 7, { 24, 1, 1, 1, 1, 1, 1 } }, false, 0, 0 },
    };
    struct hsgd_type out;
    check_shape("dimensions");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool fits = infers(cases[i].dims, hsgd_image(2, 3, 4), &out);
        check_that(fits == cases[i].fits, "case %zu: it fits: %d", i, fits);
        check_that(!fits || (out.rank == cases[i].rank && hsgd_type_channels(&out) == cases[i].last), "case %zu", i);
    }
    check_that(infers((struct hsgd_ints){ 0 }, hsgd_vector(1), &out) && out.rank == 0, "one number");
}

static void one(int turn)
{
    int a = check_size(20), b = check_size(20), c = check_size(20), rows = check_size(60), n = rows * a * b * c;
    struct hsgd_reshape attributes = { { 2, { a * b, turn % 2 ? -1 : c } } };
    check_shape("shape %d: %d rows of %d x %d x %d", turn, rows, a, b, c);
    float *x = check_floats(n), *dy = check_floats(n), *y = check_floats(n), *dx = check_floats(n);
    for (int d = 0; d < check_devices() && check_going(); d++) {
        struct hsgd_op_call run = { .rows = rows,
                                    .in = { hsgd_image(a, b, c) },
                                    .x = { x },
                                    .dy = { dy },
                                    .y = { y },
                                    .dx = { dx },
                                    .training = true };
        check_run(d, &hsgd_op_reshape, &attributes, &run, n);
        check_that(!memcmp(x, y, (size_t)n * sizeof *x), "y is not x");
        check_that(!memcmp(dy, dx, (size_t)n * sizeof *x), "dx is not dy");
    }
    free(x), free(dy), free(y), free(dx);
}

void reference_reshape(void)
{
    dimensions();
    for (int i = 0; i < 204 && check_going(); i++) one(i);
}
