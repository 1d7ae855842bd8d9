/* SPDX-License-Identifier: BSD-3-Clause */
/* flatten: the same values in NHWC order, alone and after images in the lanes
 * layout. */
#include <string.h>

#include "check.h"
#include "reference.h"

static void one(int turn)
{
    struct hsgd_shape in = { check_size(8), check_size(8), check_size(9) };
    int rows = check_size(200), n = rows * hsgd_size(in);
    check_shape("shape %d: %d rows of %dx%dx%d", turn, rows, in.h, in.w, in.c);
    float *x = check_floats(n), *dy = check_floats(n), *y = check_floats(n), *dx = check_floats(n);
    for (int d = 0; d < check_devices() && check_going(); d++) {
        struct hsgd_op_call run = { .rows = rows,
                                    .in = { hsgd_image(in.h, in.w, in.c) },
                                    .x = { x },
                                    .dy = { dy },
                                    .y = { y },
                                    .dx = { dx },
                                    .training = true };
        check_run(d, &hsgd_op_flatten, NULL, &run, n);
        check_that(!memcmp(x, y, (size_t)n * sizeof *x), "y is not x");
        check_that(!memcmp(dy, dx, (size_t)n * sizeof *x), "dx is not dy");
    }
    free(x), free(dy), free(y), free(dx);
}

void reference_flatten(void)
{
    for (int i = 0; i < 200 && check_going(); i++) one(i);
}

static struct hsgd_model *make_model(struct hsgd_shape in, int classes)
{
    struct hsgd_model *m = hsgd_model_create(check_context(), "flat");
    struct hsgd_value *x = hsgd_input(m, "x", hsgd_image(in.h, in.w, in.c));
    struct hsgd_value *label = hsgd_target(m, "label", hsgd_number(HSGD_I32));
    x = HSGD_OP(x, max_pool, NULL, .kernel = 1);
    x = HSGD_OP(x, flatten, NULL);
    x = HSGD_OP(x, dense, NULL, .units = classes);
    hsgd_loss(HSGD_JOIN(HSGD_OF(x, label), softmax_cross_entropy, NULL));
    check_that(!hsgd_model_finish(m), "%s", hsgd_error(check_context()));
    return m;
}

/* Images pass through a 1x1 max_pool, which only changes their layout
 * to lanes, then flatten, dense, softmax.  dW[e][u] = mean over samples of
 * (softmax(z)_u - [u = t]) x_e with e in NHWC order.
 * Bound: 1e-5 of the mean of |x_e|. */
static void model_of(struct hsgd_shape in, int rows)
{
    enum { CLASSES = 3 };
    int size = hsgd_size(in), weights = CLASSES * size;
    struct hsgd_model *m = make_model(in, CLASSES);
    check_shape("%d images of %dx%dx%d", rows, in.h, in.w, in.c);
    struct hsgd_train_options o;
    hsgd_train_defaults(&o, sizeof o);
    struct hsgd_trainer *t = hsgd_trainer_create(m, &o);
    check_that(t != NULL, "%s", hsgd_error(check_context()));
    float *x = check_floats(rows * size), *w = check_floats(weights), *g = check_floats(weights + CLASSES);
    int32_t *labels = calloc((size_t)rows, sizeof *labels);
    struct approx *want = check_approx(weights);
    for (int r = 0; r < rows; r++) {
        double z[CLASSES] = { 0 }, sum = 0;
        labels[r] = check_int(0, CLASSES - 1);
        for (int i = 0; i < weights; i++) z[i % CLASSES] += (double)w[i] * x[r * size + i / CLASSES];
        for (int u = 0; u < CLASSES; u++) sum += exp(z[u]);
        for (int i = 0; i < weights; i++) {
            want[i].v += (exp(z[i % CLASSES]) / sum - (i % CLASSES == labels[r])) * x[r * size + i / CLASSES] / rows;
            want[i].e += 1e-5 * fabs(x[r * size + i / CLASSES]) / rows;
        }
    }
    if (t) {
        int err = hsgd_model_set_weight(m, hsgd_model_weight_name(m, 0), w, weights);
        if (!err) err = hsgd_trainer_gradients(t, rows, HSGD_FIELDS(x, labels), g, weights + CLASSES);
        check_that(!err, "%s", hsgd_error(check_context()));
        check_near("dw", g, want, weights);
    }
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&m);
    free(x), free(w), free(g), free(labels), free(want);
}

void check_flatten_model(void)
{
    model_of((struct hsgd_shape){ 5, 4, 3 }, 70);
    model_of((struct hsgd_shape){ 2, 9, 5 }, 33);
    model_of((struct hsgd_shape){ 7, 1, 16 }, 1);
}
