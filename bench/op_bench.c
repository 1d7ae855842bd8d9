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
    struct hsgd_type in, target; /* of a loss, metric: class or values; further inputs are as the first */
    const void *attributes;
};

#define IMAGE(h, w, c) \
    { \
        HSGD_F32, 3, { h, w, c } \
    }
#define VECTOR(n) \
    { \
        HSGD_F32, 1, { n } \
    }
#define CLASS \
    { \
        HSGD_I32, 0, { 0 } \
    }
#define NONE VECTOR(0)
#define WITH(op, ...) \
    &(struct hsgd_##op) { __VA_ARGS__ }
#define DENSE(u) WITH(dense, .units = (u))
#define CONV(o, k, s, p) WITH(conv2d, .out_channels = (o), .kernel = (k), .stride = (s), .padding = (p))
#define GROUPS(o, k, s, p, g) \
    WITH(conv2d, .out_channels = (o), .kernel = (k), .stride = (s), .padding = (p), .groups = (g))
#define NORM WITH(batch_norm, 1e-5f, 0.1f)
#define RULE(which) \
    WITH(update, \
         { .optimizer = (which), \
           .learning_rate = 1e-3f, \
           .momentum = 0.9f, \
           .beta1 = 0.9f, \
           .beta2 = 0.999f, \
           .epsilon = 1e-8f }, \
         .parts = 1)
#define STEP(n, which) \
    { \
        &hsgd_op_update, 1, VECTOR(3 * (n)), NONE, RULE(which) \
    }

static const struct bench_case cases[] = {
    { &hsgd_op_dense, 128, VECTOR(784), NONE, DENSE(512) },
    { &hsgd_op_dense, 4096, VECTOR(784), NONE, DENSE(512) },
    { &hsgd_op_dense, 1024, VECTOR(2048), NONE, DENSE(2048) },
    { &hsgd_op_dense, 4096, VECTOR(4096), NONE, DENSE(4096) },
    { &hsgd_op_conv2d, 128, IMAGE(32, 32, 3), NONE, CONV(32, 3, 1, 1) },
    { &hsgd_op_conv2d, 128, IMAGE(16, 16, 32), NONE, CONV(64, 3, 1, 1) },
    { &hsgd_op_conv2d, 128, IMAGE(32, 32, 64), NONE, CONV(64, 3, 1, 1) },
    { &hsgd_op_conv2d, 256, IMAGE(16, 16, 128), NONE, CONV(128, 3, 1, 1) },
    { &hsgd_op_conv2d, 128, IMAGE(16, 16, 64), NONE, CONV(128, 1, 1, 0) },
    { &hsgd_op_conv2d, 128, IMAGE(16, 16, 64), NONE, GROUPS(64, 3, 1, 1, 64) },
    { &hsgd_op_batch_norm, 128, IMAGE(32, 32, 16), NONE, NORM },
    { &hsgd_op_batch_norm, 128, IMAGE(16, 16, 32), NONE, NORM },
    { &hsgd_op_batch_norm, 128, IMAGE(8, 8, 64), NONE, NORM },
    { &hsgd_op_layer_norm, 4096, VECTOR(1024), NONE, WITH(layer_norm, 1e-5f) },
    { &hsgd_op_rms_norm, 4096, VECTOR(1024), NONE, WITH(rms_norm, 1e-5f) },
    { &hsgd_op_group_norm, 128, IMAGE(16, 16, 64), NONE, WITH(group_norm, .num_groups = 8, .epsilon = 1e-5f) },
    { &hsgd_op_instance_norm, 128, IMAGE(16, 16, 64), NONE, WITH(instance_norm, .epsilon = 1e-5f, .affine = true) },
    { &hsgd_op_max_pool, 512, IMAGE(32, 32, 64), NONE, WITH(max_pool, .kernel = 2, .stride = 2) },
    { &hsgd_op_avg_pool, 512, IMAGE(32, 32, 64), NONE, WITH(avg_pool, .kernel = 2, .stride = 2) },
    { &hsgd_op_global_avg_pool, 512, IMAGE(32, 32, 64), NONE, NULL },
    { &hsgd_op_activate, 4096, VECTOR(4096), NONE, WITH(activate, HSGD_RELU) },
    { &hsgd_op_relu, 4096, VECTOR(4096), NONE, NULL },
    { &hsgd_op_tanh, 4096, VECTOR(4096), NONE, NULL },
    { &hsgd_op_sigmoid, 4096, VECTOR(4096), NONE, NULL },
    { &hsgd_op_gelu, 4096, VECTOR(4096), NONE, WITH(gelu, false) },
    { &hsgd_op_gelu, 4096, VECTOR(4096), NONE, WITH(gelu, .tanh = true) },
    { &hsgd_op_add, 4096, VECTOR(4096), NONE, NULL },
    { &hsgd_op_mul, 4096, VECTOR(4096), NONE, NULL },
    { &hsgd_op_concat, 4096, VECTOR(2048), NONE, NULL },
    { &hsgd_op_split, 4096, VECTOR(4096), NONE, WITH(split, .parts = 2) },
    { &hsgd_op_slice, 512, IMAGE(32, 32, 64), NONE, WITH(slice, .starts = { 2, { 1, 1 } }, .ends = { 2, { 31, 31 } }) },
    { &hsgd_op_pad, 512, IMAGE(32, 32, 64), NONE, WITH(pad, .before = { 2, { 1, 1 } }, .after = { 2, { 1, 1 } }) },
    { &hsgd_op_pad, 512, IMAGE(32, 32, 64), NONE,
      WITH(pad, .before = { 2, { 1, 1 } }, .after = { 2, { 1, 1 } }, .mode = HSGD_PAD_REFLECT) },
    { &hsgd_op_transpose, 64, { HSGD_F32, 3, { 256, 8, 64 } }, NONE, WITH(transpose, { 3, { 2, 1, 3 } }) },
    { &hsgd_op_transpose, 64, { HSGD_F32, 2, { 512, 512 } }, NONE, WITH(transpose, { 2, { 2, 1 } }) },
    { &hsgd_op_broadcast, 512, IMAGE(1, 1, 64), NONE, WITH(broadcast, { 3, { 32, 32, 64 } }) },
    { &hsgd_op_upsample, 512, IMAGE(16, 16, 64), NONE, WITH(upsample, { 2, { 2, 2 } }) },
    { &hsgd_op_gather, 512, IMAGE(32, 32, 64), NONE, WITH(gather, { 4, { 1, 5, 5, 30 } }, 1) },
    { &hsgd_op_embedding, 128, { HSGD_I32, 1, { 256 } }, NONE, WITH(embedding, .entries = 8192, .channels = 256) },
    { &hsgd_op_positions, 128, { HSGD_F32, 2, { 256, 256 } }, NONE, WITH(positions, .length = 256) },
    { &hsgd_op_attention, 16, { HSGD_F32, 2, { 256, 1152 } }, NONE, WITH(attention, .heads = 6, .causal = true) },
    { &hsgd_op_attention, 1, { HSGD_F32, 2, { 4096, 1536 } }, NONE, WITH(attention, .heads = 8, .causal = true) },
    { &hsgd_op_dropout, 4096, VECTOR(4096), NONE, WITH(dropout, 0.5f) },
    { &hsgd_op_softmax_cross_entropy, 4096, VECTOR(10), CLASS, WITH(softmax_cross_entropy, .label_smoothing = 0) },
    { &hsgd_op_softmax_cross_entropy, 4096, VECTOR(1000), CLASS, WITH(softmax_cross_entropy, .label_smoothing = 0) },
    { &hsgd_op_focal, 4096, VECTOR(90), CLASS, WITH(focal, .has_background = true) },
    { &hsgd_op_kl_divergence, 4096, VECTOR(1000), VECTOR(1000), WITH(kl_divergence, false) },
    { &hsgd_op_ctc, 64, { HSGD_F32, 2, { 200, 30 } }, { HSGD_I32, 1, { 40 } }, WITH(ctc, .blank = 29) },
    { &hsgd_op_binary_cross_entropy, 4096, VECTOR(1000), VECTOR(1000), NULL },
    { &hsgd_op_mse, 4096, VECTOR(1000), VECTOR(1000), NULL },
    { &hsgd_op_mae, 4096, VECTOR(1000), VECTOR(1000), NULL },
    { &hsgd_op_huber, 4096, VECTOR(1000), VECTOR(1000), WITH(huber, .delta = 1) },
    { &hsgd_op_accuracy, 4096, VECTOR(1000), CLASS, WITH(accuracy, .has_ignore = false) },
    { &hsgd_op_top_k, 4096, VECTOR(1000), CLASS, WITH(top_k, .k = 5) },
    { &hsgd_op_perplexity, 4096, VECTOR(1000), CLASS, WITH(perplexity, .has_ignore = false) },
    { &hsgd_op_f1, 4096, VECTOR(100), CLASS, WITH(f1, .threshold = 0) },
    { &hsgd_op_auc, 4096, VECTOR(2), CLASS, WITH(auc, .low = 0) },
    { &hsgd_op_rmse, 4096, VECTOR(1000), VECTOR(1000), NULL },
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
    { &hsgd_op_clip_factor, 1, VECTOR(1 << 20), NONE, WITH(clip_factor, 1, 1) },
};

static int fail(const char *sentence)
{
    fprintf(stderr, "op_bench: %s\n", sentence);
    return 1;
}

/* ----------------------------------------------------------------- buffers */

enum { MOST = 2 }; /* inputs, outputs */

/* All buffers of a run, filled with small values. */
struct buffers {
    void *x[MOST];
    float *dx[MOST], *dy[MOST], *params[HSGD_MAX_PARAMS], *gradients[HSGD_MAX_PARAMS];
    int64_t in, out; /* numbers of all x and of all y */
};

static float *filled(int64_t n)
{
    float *f = malloc((size_t)n * sizeof *f);
    for (int64_t i = 0; f && i < n; i++) f[i] = (float)((i * 37 + 11) % 64 - 31) / 256;
    return f;
}

/* Values of 0 or more: second moments and targets must not be negative. */
static void *filled_input(int64_t n, enum hsgd_dtype dtype)
{
    float *f = filled(n);
    int32_t *words = (int32_t *)f;
    for (int64_t i = 0; f && i < n; i++) {
        if (dtype == HSGD_F32) f[i] = fabsf(f[i]);
        else words[i] = (int32_t)(i % 10);
    }
    return f;
}

static int64_t product(const struct hsgd_param_spec *p)
{
    int64_t n = 1;
    for (int i = 0; i < p->rank; i++) n *= p->dim[i];
    return n;
}

static bool fill(struct buffers *b, const struct bench_case *c, const struct hsgd_node *n)
{
    bool ok = true;
    for (int i = 0; i < n->inputs; i++) {
        int64_t size = c->rows * hsgd_type_size(&n->in[i]);
        b->in += size;
        b->x[i] = filled_input(size, n->in[i].dtype);
        b->dx[i] = filled(size);
        ok &= b->x[i] && b->dx[i];
    }
    for (int i = 0; i < n->outputs; i++) {
        int64_t size = c->rows * hsgd_type_size(&n->out[i]);
        b->out += size;
        b->dy[i] = filled(size);
        ok &= b->dy[i] != NULL;
    }
    for (int p = 0; ok && p < n->params; p++) {
        b->params[p] = filled(product(&n->param[p]));
        b->gradients[p] = filled(product(&n->param[p]));
        ok = b->params[p] && b->gradients[p];
    }
    return ok;
}

static void release(struct buffers *b)
{
    for (int i = 0; i < MOST; i++) {
        free(b->x[i]);
        free(b->dx[i]);
        free(b->dy[i]);
    }
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

/* What is timed: the operation of a case on its buffers. */
struct work {
    const struct bench_case *c;
    const struct hsgd_node *node;
    const struct buffers *b;
    bool backward;
};

static int time_once(struct hsgd_context *ctx, int device, const struct work *w, int repeats, double *seconds)
{
    const struct buffers *b = w->b;
    struct hsgd_op_call run = { .rows = w->c->rows,
                                .inputs = w->node->inputs,
                                .training = true,
                                .seed = 1,
                                .repeats = repeats,
                                .seconds = seconds };
    for (int i = 0; i < w->node->inputs; i++) {
        run.in[i] = w->node->in[i];
        run.x[i] = b->x[i];
        if (w->backward && run.in[i].dtype == HSGD_F32 && !(i && w->c->op->is_loss)) run.dx[i] = b->dx[i];
    }
    for (int i = 0; w->backward && i < w->node->outputs; i++) run.dy[i] = b->dy[i];
    for (int p = 0; p < HSGD_MAX_PARAMS; p++) {
        run.params[p] = b->params[p];
        if (w->backward) run.gradients[p] = b->gradients[p];
    }
    return hsgd_op_run(ctx, device, w->c->op, w->c->attributes, &run);
}

/* The number of repetitions that fills a run. */
static int measure(struct hsgd_context *ctx, int device, const struct work *w, struct measured *out)
{
    int err = time_once(ctx, device, w, 1, &out->seconds);
    double n = RUN_SECONDS / out->seconds;
    out->repeats = n < 1 ? 1 : n > MAX_REPEATS ? MAX_REPEATS : (int)n;
    return err || out->repeats == 1 ? err : time_once(ctx, device, w, out->repeats, &out->seconds);
}

/* ------------------------------------------------------------------ results */

static bool has_products(const struct bench_case *c)
{
    return c->op == &hsgd_op_dense || c->op == &hsgd_op_conv2d || c->op == &hsgd_op_attention;
}

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
    return (struct hsgd_shape){ t->dim[0], t->dim[1], t->dim[2] };
}

static void print_dims(const char *name, const struct hsgd_type *t)
{
    printf(", \"%s\": [", name);
    for (int i = 0; i < t->rank; i++) printf("%s%d", i ? ", " : "", t->dim[i]);
    putchar(']');
}

static double direct(const struct hsgd_device *d, const struct bench_case *c, const struct hsgd_node *n, bool backward,
                     int repeats)
{
    if (d->kind != HSGD_CUDA) return NAN;
    if (c->op == &hsgd_op_dense)
        return direct_dense(d->index, c->rows, n->in[0].dim[0], n->out[0].dim[0], backward, repeats);
    if (c->op != &hsgd_op_conv2d) return NAN;
    const struct hsgd_conv2d *a = c->attributes;
    if (a->groups > 1) return NAN;
    struct direct_conv same = { c->rows, shape_of(&n->in[0]), shape_of(&n->out[0]), a->kernel, a->stride, a->padding };
    return direct_conv2d(d->index, &same, backward, repeats);
}

static void print(const struct hsgd_device *d, const struct work *w, const struct measured *m)
{
    const struct bench_case *c = w->c;
    const struct hsgd_node *n = w->node;
    double work = c->rows * (n->forward_flops + (w->backward ? n->backward_flops : 0));
    const char *name = optimizer(c) ? hsgd_optimizer_name(optimizer(c)->optimizer) : c->op->name;
    printf("{\"device\": \"%s\", \"name\": \"%s\", \"op\": \"%s\", \"rows\": %d", d->id, d->name, name, c->rows);
    print_dims("in", &n->in[0]);
    print_dims("out", &n->out[0]); /* of a loss: none */
    printf(", \"gradients\": %s", w->backward ? "true" : "false");
    print_number("us", 1e6 * m->seconds);
    print_number("gflops", has_products(c) ? 1e-9 * work / m->seconds : NAN);
    print_number("gbytes", has_products(c) ? NAN : 1e-9 * bytes_moved(c, w->b, w->backward) / m->seconds);
    print_number("direct_us", 1e6 * direct(d, c, n, w->backward, m->repeats));
    puts("}");
    fflush(stdout);
}

static int bench_case(struct hsgd_context *ctx, int device, const struct bench_case *c, bool quick)
{
    struct hsgd_device d;
    struct buffers b = { 0 };
    struct measured m;
    char why[200] = "";
    struct hsgd_node n = { .attributes = c->attributes, .inputs = c->op->inputs ? c->op->inputs : 1 };
    struct work w = { c, &n, &b, false };
    n.in[0] = c->in;
    n.in[1] = c->op->is_loss || c->op->is_metric ? c->target : c->in;
    hsgd_device_get(ctx, device, &d, sizeof d);
    if (c->op->infer(&n, why, sizeof why)) return fail(why);
    if (quick && c->rows * n.forward_flops > QUICK_FLOPS) return 0;
    int code = fill(&b, c, &n) ? 0 : fail("out of memory");
    bool gradients = c->op->backward[0].emit || c->op->is_loss;
    for (int turn = 0; !code && turn <= gradients; turn++) {
        w.backward = turn;
        if (measure(ctx, device, &w, &m)) code = fail(hsgd_error(ctx));
        else print(&d, &w, &m);
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
