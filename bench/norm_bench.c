/* SPDX-License-Identifier: BSD-3-Clause */
/* What it costs that batch_norm's statistics are those of the whole batch: steps of ResNet-20 against the same
 * steps with the statistics of each slice, which need no cut, in turns.
 *   make norm_bench && ./norm_bench [STEPS [BATCH [THREADS]]] */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <hsgd/hsgd.h>

/* The operation's functions, in parts. */
#define hsgd_op_batch_norm whole_batch_norm
#include "../codelets/batch_norm.c"
#undef hsgd_op_batch_norm

/* ------------------------------------------------- statistics of each slice */

static int slice_infer(struct hsgd_node *n, char *why, size_t size)
{
    if (infer(n, why, size)) return -1;
    n->kept = (n->sums[HSGD_FORWARD][0] + 15) / 16; /* of at least 16 samples, or what they are rounded up to */
    n->sums[HSGD_FORWARD][0] = n->sums[HSGD_BACKWARD][0] = 0;
    return 0;
}

static void slice_forward(struct hsgd_emit *e)
{
    int batch = e->batch;
    e->sums = e->merged[HSGD_FORWARD][0] = e->kept;
    e->batch = e->rows;
    statistics(e);
    normalise(e);
    e->batch = batch;
}

static void slice_backward(struct hsgd_emit *e)
{
    int batch = e->batch;
    e->merged[HSGD_FORWARD][0] = e->kept;
    e->sums = e->merged[HSGD_BACKWARD][0] = hsgd_scratch(e, 2 * (int64_t)channels(e));
    e->batch = e->rows;
    gradients(e);
    input_gradient(e);
    e->batch = batch;
}

static const struct hsgd_op slice_norm = { .name = "slice_norm",
                                           .attributes_size = sizeof(struct hsgd_batch_norm),
                                           .fields = fields,
                                           .layouts = 1u << HSGD_NHWC | 1u << HSGD_LANES,
                                           .keeps_in = 1,
                                           .infer = slice_infer,
                                           .forward = { { slice_forward } },
                                           .backward = { { slice_backward } },
                                           .evaluate = evaluate };

/* ------------------------------------------------------------------ ResNet */

static struct hsgd_value *conv(struct hsgd_value *x, int channels, int kernel, int stride, const struct hsgd_op *norm)
{
    x = HSGD_OP(x, conv2d, NULL, .out_channels = channels, .kernel = kernel, .stride = stride, .padding = kernel / 2,
                .no_bias = true);
    return hsgd_apply(norm, NULL, NULL, HSGD_OF(x));
}

static struct hsgd_value *block(struct hsgd_value *in, int channels, int stride, const struct hsgd_op *norm)
{
    struct hsgd_value *x = conv(in, channels, 3, stride, norm);
    x = HSGD_OP(x, relu, NULL);
    x = conv(x, channels, 3, 1, norm);
    if (stride > 1) in = conv(in, channels, 1, stride, norm);
    x = HSGD_JOIN(HSGD_OF(x, in), add, NULL);
    return HSGD_OP(x, relu, NULL);
}

static struct hsgd_model *resnet20(struct hsgd_context *ctx, const struct hsgd_op *norm)
{
    struct hsgd_model *m = hsgd_model_create(ctx, norm->name);
    struct hsgd_value *x = hsgd_input(m, "x", hsgd_image(32, 32, 3));
    struct hsgd_value *label = hsgd_target(m, "label", hsgd_number(HSGD_I32));
    x = conv(x, 16, 3, 1, norm);
    x = HSGD_OP(x, relu, NULL);
    for (int i = 0; i < 9; i++) x = block(x, 16 << i / 3, i == 3 || i == 6 ? 2 : 1, norm);
    x = HSGD_OP(x, global_avg_pool, NULL);
    x = HSGD_OP(x, dense, "fc", .units = 10);
    hsgd_loss(HSGD_JOIN(HSGD_OF(x, label), softmax_cross_entropy, NULL));
    if (hsgd_model_finish(m)) hsgd_model_destroy(&m);
    return m;
}

/* ------------------------------------------------------------------ timing */

struct side {
    struct hsgd_model *model;
    struct hsgd_trainer *trainer;
    double *ms;
};

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

static int open_side(struct side *s, struct hsgd_context *ctx, const struct hsgd_op *norm, int batch, int steps)
{
    struct hsgd_train_options o;
    hsgd_train_defaults(&o, sizeof o);
    o.batch_size = batch;
    o.optimizer = HSGD_SGD;
    o.learning_rate = 0.01f;
    s->ms = malloc((size_t)steps * sizeof *s->ms);
    s->model = resnet20(ctx, norm);
    s->trainer = s->model ? hsgd_trainer_create(s->model, &o) : NULL;
    return s->ms && s->trainer ? 0 : -1;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int measure(struct side side[2], const float *x, const int32_t *labels, int batch, int steps)
{
    double loss;
    for (int i = -3; i < steps; i++) /* the first are not counted */
        for (int k = 0; k < 2; k++) {
            double begin = now_ms();
            int err = hsgd_trainer_step(side[k].trainer, batch, HSGD_FIELDS(x, labels), &loss);
            if (err) return err;
            if (i >= 0) side[k].ms[i] = now_ms() - begin;
        }
    return 0;
}

static int run(struct hsgd_context *ctx, int batch, int steps)
{
    struct side side[2] = { 0 };
    float *x = malloc((size_t)batch * 3072 * sizeof *x);
    int32_t *labels = malloc((size_t)batch * sizeof *labels);
    int err = x && labels ? 0 : -1;
    for (int i = 0; !err && i < batch * 3072; i++) x[i] = (float)rand() / (float)RAND_MAX - 0.5f;
    for (int i = 0; !err && i < batch; i++) labels[i] = rand() % 10;
    if (!err) err = open_side(&side[0], ctx, &hsgd_op_batch_norm, batch, steps);
    if (!err) err = open_side(&side[1], ctx, &slice_norm, batch, steps);
    if (!err) err = measure(side, x, labels, batch, steps);
    for (int k = 0; !err && k < 2; k++) {
        qsort(side[k].ms, (size_t)steps, sizeof *side[k].ms, ascending);
        printf("statistics of the %s: %d cells, least %.2f ms, median %.2f ms\n", k ? "slice" : "batch",
               hsgd_trainer_plan(side[k].trainer, batch), side[k].ms[0], side[k].ms[steps / 2]);
    }
    if (!err) printf("batch / slice: %.3f\n", side[0].ms[0] / side[1].ms[0]);
    else fprintf(stderr, "norm_bench: %s\n", hsgd_error(ctx));
    for (int k = 0; k < 2; k++) {
        hsgd_trainer_destroy(&side[k].trainer);
        hsgd_model_destroy(&side[k].model);
        free(side[k].ms);
    }
    free(x), free(labels);
    return err != 0;
}

int main(int argc, char **argv)
{
    int steps = argc > 1 ? atoi(argv[1]) : 30, batch = argc > 2 ? atoi(argv[2]) : 128;
    struct hsgd_context *ctx;
    struct hsgd_context_options o = { .size = sizeof o, .devices = "cpu", .threads = argc > 3 ? atoi(argv[3]) : 2 };
    if (steps < 1 || batch < 1 || hsgd_create(&ctx, &o)) {
        fprintf(stderr, "norm_bench: STEPS and BATCH are positive numbers\n");
        return 2;
    }
    int code = run(ctx, batch, steps);
    hsgd_destroy(&ctx);
    return code;
}
