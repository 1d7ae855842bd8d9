/* SPDX-License-Identifier: BSD-3-Clause */
/* lanes_pack and lanes_unpack: each against the layout's formula, and there
 * and back.  Nothing is computed: everything is exact. */
#include "reference/check.h"
#include "kernels.h"
#include "test_ops.h"

struct move {
    int n, size;
    bool pack;
};

static int stored(const struct move *a) { return (a->n + 15) / 16 * 16 * a->size; }

static int infer(struct hsgd_node *n, char *why, size_t size)
{
    const struct move *a = n->attributes;
    (void)why, (void)size;
    n->outputs = 1;
    n->out[0] = hsgd_vector(a->pack ? stored(a) : a->n * a->size);
    return 0;
}

static void forward(struct hsgd_emit *e)
{
    const struct move *a = e->node->attributes;
    struct lanes_args args = { a->n, a->size, lanes_tiles(a->n, a->size) };
    HSGD_LAUNCH(e, a->pack ? HSGD_KERNEL(lanes_pack) : HSGD_KERNEL(lanes_unpack), HSGD_TILES, args.tiles, &args,
                e->x[0], e->y[0]);
}

static const struct hsgd_op op = { .name = "lanes",
                                   .attributes_size = sizeof(struct move),
                                   .layouts = 1u << HSGD_NHWC,
                                   .infer = infer,
                                   .forward = { { forward } } };

static void one(int turn)
{
    struct move pack = { check_size(100), check_int(0, 3) ? check_size(200) : check_int(250, 900), true };
    struct move unpack = { pack.n, pack.size, false };
    int n = pack.n * pack.size, all = stored(&pack);
    check_shape("shape %d: %d images of %d", turn, pack.n, pack.size);
    float *x = check_floats(n), *lanes = check_floats(all), *back = check_floats(n);
    struct approx *want = check_approx(all), *want_x = check_approx(n);
    for (int i = 0; i < n; i++) {
        int image = i / pack.size, e = i % pack.size;
        want[(image / 16 * pack.size + e) * 16 + image % 16].v = want_x[i].v = x[i];
    }
    for (int d = 0; d < check_devices() && check_going(); d++) {
        check_run(d, &op, &pack,
                  &(struct hsgd_op_call){ .rows = 1, .in = { hsgd_vector(n) }, .x = { x }, .y = { lanes } }, all);
        check_near("lanes", lanes, want, all);
        for (int i = 0; i < all; i++)
            if (want[i].v == 0 && lanes[i] == 0) lanes[i] = 7; /* the images that are not there do not matter */
        for (int i = 0; i < n; i++) {
            int image = i / pack.size, e = i % pack.size;
            lanes[(image / 16 * pack.size + e) * 16 + image % 16] = x[i];
        }
        check_run(d, &op, &unpack,
                  &(struct hsgd_op_call){ .rows = 1, .in = { hsgd_vector(all) }, .x = { lanes }, .y = { back } },
                  UNCOUNTED);
        check_near("x", back, want_x, n);
    }
    free(x), free(lanes), free(back), free(want), free(want_x);
}

void test_lanes(void)
{
    for (int i = 0; i < 200 && check_going(); i++) one(i);
}
