/* SPDX-License-Identifier: BSD-3-Clause */
/* Speed of each operation on each device, one JSON object a line:
 *
 *   op_bench [--devices LIST] [--quick]
 *
 * --quick skips operations of more than half a GFLOP.
 * gflops counts multiplications and additions of dense and conv2d; for
 * the others gbytes counts x, y and, with gradients, dy and dx once each; for
 * optimizers all bytes that the kernels read and write, including the copy of
 * weights and state before the step.  direct_us is the time of direct calls of
 * cuBLAS or cuDNN, where available. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hsgd/hsgd.h>

#include "op_bench.h"

#define MAX_REPEATS 100
#define RUN_SECONDS 0.02
#define QUICK_FLOPS 5e8

struct bench_case {
    const struct hsgd_op *op;
    int rows;
    struct hsgd_shape in;
    const void *attributes;
};

#define DENSE(u) \
    &(struct hsgd_dense) { .units = (u) }
#define CONV(o, k, s, p) \
    &(struct hsgd_conv2d) { .out_channels = (o), .kernel = (k), .stride = (s), .padding = (p) }
#define POOL(k) \
    &(struct hsgd_max_pool) { .kernel = (k), .stride = (k) }
#define NORM \
    &(struct hsgd_batch_norm) { 1e-5f, 0.1f }
#define STEP(n, which) \
    { \
        &hsgd_op_update, 1, { 1, 1, 3 * (n) }, &(struct hsgd_update) \
        { \
            { .optimizer = (which), \
              .learning_rate = 1e-3f, \
              .momentum = 0.9f, \
              .beta1 = 0.9f, \
              .beta2 = 0.999f, \
              .epsilon = 1e-8f }, \
                1, false \
        } \
    }

static const struct bench_case cases[] = {
    { &hsgd_op_dense, 128, { 1, 1, 784 }, DENSE(512) },
    { &hsgd_op_dense, 4096, { 1, 1, 784 }, DENSE(512) },
    { &hsgd_op_dense, 1024, { 1, 1, 2048 }, DENSE(2048) },
    { &hsgd_op_dense, 4096, { 1, 1, 4096 }, DENSE(4096) },
    { &hsgd_op_conv2d, 128, { 32, 32, 3 }, CONV(32, 3, 1, 1) },
    { &hsgd_op_conv2d, 128, { 16, 16, 32 }, CONV(64, 3, 1, 1) },
    { &hsgd_op_conv2d, 128, { 32, 32, 64 }, CONV(64, 3, 1, 1) },
    { &hsgd_op_conv2d, 256, { 16, 16, 128 }, CONV(128, 3, 1, 1) },
    { &hsgd_op_batch_norm, 128, { 32, 32, 16 }, NORM },
    { &hsgd_op_batch_norm, 128, { 16, 16, 32 }, NORM },
    { &hsgd_op_batch_norm, 128, { 8, 8, 64 }, NORM },
    { &hsgd_op_layer_norm, 4096, { 1, 1, 1024 }, &(struct hsgd_layer_norm){ 1e-5f } },
    { &hsgd_op_max_pool, 512, { 32, 32, 64 }, POOL(2) },
    { &hsgd_op_avg_pool, 512, { 32, 32, 64 }, POOL(2) },
    { &hsgd_op_activate, 4096, { 1, 1, 4096 }, &(struct hsgd_activate){ HSGD_RELU } },
    { &hsgd_op_dropout, 4096, { 1, 1, 4096 }, &(struct hsgd_dropout){ 0.5f } },
    { &hsgd_op_softmax_cross_entropy, 4096, { 1, 1, 10 }, &(struct hsgd_softmax_cross_entropy){ 0 } },
    { &hsgd_op_softmax_cross_entropy, 4096, { 1, 1, 1000 }, &(struct hsgd_softmax_cross_entropy){ 0 } },
    STEP(1 << 16, HSGD_SGD),
    STEP(1 << 20, HSGD_SGD),
    STEP(1 << 20, HSGD_MOMENTUM),
    STEP(1 << 20, HSGD_NESTEROV),
    STEP(1 << 16, HSGD_ADAM),
    STEP(1 << 20, HSGD_ADAM),
    STEP(1 << 22, HSGD_ADAM),
    STEP(1 << 20, HSGD_ADAMW),
    STEP(1 << 20, HSGD_ADAGRAD),
    STEP(1 << 20, HSGD_RMSPROP_MOMENTUM),
    STEP(1 << 20, HSGD_LAMB),
    { &hsgd_op_clip_factor, 1, { 1, 1, 1 << 20 }, &(struct hsgd_clip_factor){ 1, 1 } },
};

static int fail(const char *sentence)
{
    fprintf(stderr, "op_bench: %s\n", sentence);
    return 1;
}

/* ----------------------------------------------------------------- buffers */

/* All buffers of a run, filled with small values. */
struct buffers {
    float *x, *dy, *params[HSGD_MAX_PARAMS], *gradients[HSGD_MAX_PARAMS], *dx;
    int32_t *labels;
    int64_t in, out; /* floats of x and of y */
};

static float *filled(int64_t n)
{
    float *f = malloc((size_t)n * sizeof *f);
    for (int64_t i = 0; f && i < n; i++) f[i] = (float)((i * 37 + 11) % 64 - 31) / 256;
    return f;
}

static int64_t size(struct hsgd_shape s) { return (int64_t)s.h * s.w * s.c; }

static int64_t product(const struct hsgd_param_spec *p)
{
    int64_t n = 1;
    for (int i = 0; i < p->rank; i++) n *= p->dim[i];
    return n;
}

static bool fill(struct buffers *b, const struct bench_case *c, const struct hsgd_node *n)
{
    b->in = c->rows * size(c->in);
    b->out = c->op->is_loss ? 0 : c->rows * hsgd_type_size(&n->out[0]);
    b->x = filled(b->in);
    for (int64_t i = 0; b->x && i < b->in; i++) b->x[i] = fabsf(b->x[i]); /* second moments must not be negative */
    b->dx = filled(b->in);
    b->dy = filled(b->out);
    b->labels = calloc((size_t)c->rows, sizeof *b->labels);
    bool ok = b->x && b->dx && b->dy && b->labels;
    for (int p = 0; ok && p < n->params; p++) {
        b->params[p] = filled(product(&n->param[p]));
        b->gradients[p] = filled(product(&n->param[p]));
        ok = b->params[p] && b->gradients[p];
    }
    return ok;
}

static void release(struct buffers *b)
{
    free(b->x);
    free(b->dx);
    free(b->dy);
    free(b->labels);
    for (int p = 0; p < HSGD_MAX_PARAMS; p++) {
        free(b->params[p]);
        free(b->gradients[p]);
    }
}

/* ------------------------------------------------------------------- timing */

struct measured {
    double seconds;
    int repeats;
};

static int time_once(struct hsgd_context *ctx, int device, const struct bench_case *c, const struct buffers *b,
                     bool backward, int repeats, double *seconds)
{
    struct hsgd_op_call run = { .rows = c->rows,
                                .in = { hsgd_image(c->in.h, c->in.w, c->in.c), hsgd_number(HSGD_I32) },
                                .x = { b->x, b->labels },
                                .training = true,
                                .seed = 1,
                                .repeats = repeats,
                                .seconds = seconds };
    for (int p = 0; p < HSGD_MAX_PARAMS; p++) {
        run.params[p] = b->params[p];
        if (backward) run.gradients[p] = b->gradients[p];
    }
    if (backward) {
        run.dx[0] = b->dx;
        run.dy[0] = c->op->is_loss ? NULL : b->dy;
    }
    return hsgd_op_run(ctx, device, c->op, c->attributes, &run);
}

/* The number of repetitions that fills a run. */
static int measure(struct hsgd_context *ctx, int device, const struct bench_case *c, const struct buffers *b,
                   bool backward, struct measured *out)
{
    int err = time_once(ctx, device, c, b, backward, 1, &out->seconds);
    double n = RUN_SECONDS / out->seconds;
    out->repeats = n < 1 ? 1 : n > MAX_REPEATS ? MAX_REPEATS : (int)n;
    return err || out->repeats == 1 ? err : time_once(ctx, device, c, b, backward, out->repeats, &out->seconds);
}

/* ------------------------------------------------------------------ results */

static bool has_products(const struct bench_case *c) { return c->op == &hsgd_op_dense || c->op == &hsgd_op_conv2d; }

/* NULL: not an optimizer. */
static const struct hsgd_train_options *optimizer(const struct bench_case *c)
{
    return c->op == &hsgd_op_update ? &((const struct hsgd_update *)c->attributes)->options : NULL;
}

/* An optimizer reads the gradient, and reads and writes the weight and its
 * state, after all of these have been copied. */
static double bytes_moved(const struct bench_case *c, const struct buffers *b, bool backward)
{
    static const int state[HSGD_OPTIMIZERS] = {
        [HSGD_MOMENTUM] = 1, [HSGD_NESTEROV] = 1,         [HSGD_ADAM] = 2, [HSGD_ADAMW] = 2, [HSGD_ADAGRAD] = 1,
        [HSGD_RMSPROP] = 1,  [HSGD_RMSPROP_MOMENTUM] = 2, [HSGD_LAMB] = 2
    };
    if (!optimizer(c)) return 4.0 * (double)(b->in + b->out) * (backward ? 2 : 1);
    return 4.0 * (double)(b->in / 3) * (2 * 3 + 1 + 2 * (1 + state[optimizer(c)->optimizer]));
}

static void print_number(const char *name, double value)
{
    if (isfinite(value)) printf(", \"%s\": %.6g", name, value);
    else printf(", \"%s\": null", name);
}

static struct hsgd_shape shape_of(const struct hsgd_type *t)
{
    if (t->rank == 3) return (struct hsgd_shape){ t->dim[0], t->dim[1], t->dim[2] };
    return (struct hsgd_shape){ 1, 1, t->dim[0] };
}

static double direct(const struct hsgd_device *d, const struct bench_case *c, const struct hsgd_node *n, bool backward,
                     int repeats)
{
    if (d->kind != HSGD_CUDA) return NAN;
    if (c->op == &hsgd_op_dense)
        return direct_dense(d->index, c->rows, (int)size(c->in), n->out[0].dim[0], backward, repeats);
    if (c->op != &hsgd_op_conv2d) return NAN;
    const struct hsgd_conv2d *a = c->attributes;
    struct direct_conv same = { c->rows, c->in, shape_of(&n->out[0]), a->kernel, a->stride, a->padding };
    return direct_conv2d(d->index, &same, backward, repeats);
}

static void print(const struct hsgd_device *d, const struct bench_case *c, const struct hsgd_node *n,
                  const struct buffers *b, bool backward, const struct measured *m)
{
    double work = c->rows * (n->forward_flops + (backward ? n->backward_flops : 0));
    struct hsgd_shape out = shape_of(&n->out[0]);
    const char *name = optimizer(c) ? hsgd_optimizer_name(optimizer(c)->optimizer) : c->op->name;
    printf("{\"device\": \"%s\", \"name\": \"%s\", \"op\": \"%s\", \"rows\": %d, \"in\": [%d, %d, %d], "
           "\"out\": [%d, %d, %d], \"gradients\": %s",
           d->id, d->name, name, c->rows, c->in.h, c->in.w, c->in.c, out.h, out.w, out.c, backward ? "true" : "false");
    print_number("us", 1e6 * m->seconds);
    print_number("gflops", has_products(c) ? 1e-9 * work / m->seconds : NAN);
    print_number("gbytes", has_products(c) ? NAN : 1e-9 * bytes_moved(c, b, backward) / m->seconds);
    print_number("direct_us", 1e6 * direct(d, c, n, backward, m->repeats));
    puts("}");
    fflush(stdout);
}

static int bench_case(struct hsgd_context *ctx, int device, const struct bench_case *c, bool quick)
{
    struct hsgd_device d;
    struct buffers b = { 0 };
    struct measured m;
    char why[200] = "";
    struct hsgd_node n = { .attributes = c->attributes, .inputs = 1 };
    n.in[0] = hsgd_image(c->in.h, c->in.w, c->in.c);
    n.in[1] = hsgd_number(HSGD_I32);
    hsgd_device_get(ctx, device, &d, sizeof d);
    if (c->op->infer(&n, why, sizeof why)) return fail(why);
    if (quick && c->rows * n.forward_flops > QUICK_FLOPS) return 0;
    int code = fill(&b, c, &n) ? 0 : fail("out of memory");
    bool gradients = c->op->backward[0].emit || c->op->is_loss;
    for (int backward = 0; !code && backward <= gradients; backward++) {
        if (measure(ctx, device, c, &b, backward, &m)) code = fail(hsgd_error(ctx));
        else print(&d, c, &n, &b, backward, &m);
    }
    release(&b);
    return code;
}

/* ------------------------------------------------------------------ options */

static int read_options(int argc, char **argv, struct hsgd_context_options *o, bool *quick)
{
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--quick")) *quick = true;
        else if (!strcmp(argv[i], "--devices") && i + 1 < argc) o->devices = argv[++i];
        else return fail("usage: op_bench [--devices LIST] [--quick]") + 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct hsgd_context_options o = { .size = sizeof o };
    struct hsgd_context *ctx;
    bool quick = false;
    int code = read_options(argc, argv, &o, &quick);
    if (code) return code;
    if (hsgd_create(&ctx, &o)) code = fail(hsgd_error(ctx));
    for (int device = 0; !code && device < hsgd_device_count(ctx); device++)
        for (size_t i = 0; !code && i < sizeof cases / sizeof *cases; i++)
            code = bench_case(ctx, device, &cases[i], quick);
    hsgd_destroy(&ctx);
    return code;
}
