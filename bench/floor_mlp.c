/* SPDX-License-Identifier: BSD-3-Clause */
/* Multi-layer perceptrons.  Each thread runs its rows of the batch forward and
 * backward, then, after a barrier, its rows of every weight matrix: one tile at
 * a time it computes the gradient and updates the weights while the tile is
 * still in the cache.  So no gradient is ever summed over threads; the price is
 * that the next forward pass fetches the other threads' weights from their
 * caches, which at small batches accounts for the time beyond the bound. */
#include "floor_mlp.h"

#include "triad.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef HAVE_DNNL
#include <oneapi/dnnl/dnnl.h>
#else
#include <cblas.h>
#endif

enum { ROW_GRANULE = 8, LINE_FLOATS = 16, TILE_FLOATS = 32 << 10 };

static const struct {
    const char *name;
    int width[MLP_LAYERS + 1];
} models[] = {
    { "mlp", { 784, 512, 256, FLOOR_CLASSES } },
    { "mlp-small", { 784, 128, 64, FLOOR_CLASSES } },
};

struct mlp_member {
    float *tile; /* a tile's gradient */
    _Alignas(64) double loss;
};

enum transpose { PLAIN, TRANSPOSED };

/* c[m][n] = a b, row-major; a is [m][k] or, transposed, [k][m]; likewise b. */
static void gemm(enum transpose ta, enum transpose tb, int m, int n, int k, const float *a, int lda, const float *b,
                 int ldb, float *c, int ldc)
{
#ifdef HAVE_DNNL
    dnnl_sgemm(ta ? 'T' : 'N', tb ? 'T' : 'N', m, n, k, 1, a, lda, b, ldb, 0, c, ldc);
#else
    cblas_sgemm(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, m, n, k, 1, a, lda, b,
                ldb, 0, c, ldc);
#endif
}

/* Rows [begin, end) of one layer's product: of the batch forward and backward,
 * of the weights for the gradient. */
struct product {
    struct mlp *net;
    int layer, begin, end;
    float *gradient;
};

static float *row(float *matrix, int columns, int i) { return matrix + (size_t)columns * (size_t)i; }

static void forward_product(void *arg)
{
    const struct product *p = arg;
    struct mlp *net = p->net;
    const struct mlp_layer *l = &net->layer[p->layer];
    gemm(PLAIN, PLAIN, p->end - p->begin, l->out, l->in, row(net->activation[p->layer], l->in, p->begin), l->in,
         net->parameter + l->weights, l->out, row(net->activation[p->layer + 1], l->out, p->begin), l->out);
}

static void backward_product(void *arg)
{
    const struct product *p = arg;
    struct mlp *net = p->net;
    const struct mlp_layer *l = &net->layer[p->layer];
    gemm(PLAIN, TRANSPOSED, p->end - p->begin, l->in, l->out, row(net->dactivation[p->layer + 1], l->out, p->begin),
         l->out, net->parameter + l->weights, l->out, row(net->dactivation[p->layer], l->in, p->begin), l->in);
}

static void gradient_product(void *arg)
{
    const struct product *p = arg;
    struct mlp *net = p->net;
    const struct mlp_layer *l = &net->layer[p->layer];
    gemm(TRANSPOSED, PLAIN, p->end - p->begin, l->out, net->batch, net->activation[p->layer] + p->begin, l->in,
         net->dactivation[p->layer + 1], l->out, p->gradient, l->out);
}

static void forward(struct mlp *net, int layer, int begin, int end)
{
    const struct mlp_layer *l = &net->layer[layer];
    float *y = row(net->activation[layer + 1], l->out, begin);
    forward_product(&(struct product){ .net = net, .layer = layer, .begin = begin, .end = end });
    if (layer < MLP_LAYERS - 1) add_bias_relu(y, net->parameter + l->bias, end - begin, l->out);
    else add_bias(y, net->parameter + l->bias, end - begin, l->out);
}

static void backward(struct mlp *net, int layer, int begin, int end)
{
    int in = net->layer[layer].in;
    backward_product(&(struct product){ .net = net, .layer = layer, .begin = begin, .end = end });
    relu_backward(row(net->dactivation[layer], in, begin), row(net->activation[layer], in, begin),
                  (size_t)(end - begin) * (size_t)in);
}

static void update(struct mlp *net, const struct adam *adam, size_t offset, const float *gradient, size_t n)
{
    if (net->sgd_rate > 0) sgd_update(net->sgd_rate, net->parameter + offset, gradient, n);
    else adam_update(adam, net->parameter + offset, net->m + offset, net->v + offset, gradient, n);
}

static void update_bias(struct mlp *net, const struct adam *adam, int layer, int rank)
{
    const struct mlp_layer *l = &net->layer[layer];
    float *gradient = net->bias_gradient[layer];
    int begin, end;
    team_share(l->out, LINE_FLOATS, net->floor.threads, rank, &begin, &end);
    sum_rows(gradient, net->dactivation[layer + 1], net->batch, l->out, begin, end);
    update(net, adam, l->bias + (size_t)begin, gradient + begin, (size_t)(end - begin));
}

static int tile_rows(const struct mlp_layer *l)
{
    int rows = TILE_FLOATS / l->out / ROW_GRANULE * ROW_GRANULE;
    return rows > ROW_GRANULE ? rows : ROW_GRANULE;
}

static size_t largest_tile(const struct mlp *net)
{
    size_t largest = 0;
    for (int i = 0; i < MLP_LAYERS; i++) {
        size_t floats = (size_t)tile_rows(&net->layer[i]) * (size_t)net->layer[i].out;
        largest = floats > largest ? floats : largest;
    }
    return largest;
}

static void update_weights(struct mlp *net, const struct adam *adam, int layer, int rank)
{
    const struct mlp_layer *l = &net->layer[layer];
    float *tile = net->member[rank].tile;
    int begin, end, rows = tile_rows(l);
    team_share(l->in, ROW_GRANULE, net->floor.threads, rank, &begin, &end);
    for (int i = begin; i < end; i += rows) {
        int last = i + rows < end ? i + rows : end;
        gradient_product(&(struct product){ .net = net, .layer = layer, .begin = i, .end = last, .gradient = tile });
        update(net, adam, l->weights + (size_t)i * (size_t)l->out, tile, (size_t)(last - i) * (size_t)l->out);
    }
}

static void step(struct mlp *net, const struct adam *adam, int rank)
{
    int begin, end;
    team_share(net->batch, ROW_GRANULE, net->floor.threads, rank, &begin, &end);
    for (int layer = 0; layer < MLP_LAYERS; layer++) forward(net, layer, begin, end);
    net->member[rank].loss = softmax_cross_entropy(row(net->dactivation[MLP_LAYERS], FLOOR_CLASSES, begin),
                                                   row(net->activation[MLP_LAYERS], FLOOR_CLASSES, begin),
                                                   net->label + begin, end - begin, net->batch);
    for (int layer = MLP_LAYERS - 1; layer > 0; layer--) backward(net, layer, begin, end);
    team_barrier(net->team);
    for (int layer = MLP_LAYERS - 1; layer >= 0; layer--) {
        update_bias(net, adam, layer, rank);
        update_weights(net, adam, layer, rank);
    }
    team_barrier(net->team);
}

static void steps(void *arg, int rank)
{
    struct mlp *net = arg;
    struct adam adam = net->adam;
    team_barrier(net->team); /* everyone is awake */
    double start = floor_now();
    for (int i = 0; i < net->steps; i++) {
        adam_next(&adam);
        step(net, &adam, rank);
    }
    if (rank == 0) {
        net->seconds = floor_now() - start;
        net->adam = adam;
    }
}

static double mlp_run(struct floor *f, int count)
{
    struct mlp *net = (struct mlp *)f;
    net->steps = count;
    team_run(net->team, steps, net);
    return net->seconds / count;
}

static double mlp_loss(const struct floor *f)
{
    const struct mlp *net = (const struct mlp *)f;
    double loss = 0;
    for (int rank = 0; rank < f->threads; rank++) loss += net->member[rank].loss;
    return loss;
}

/* ---- The lower bound */

struct bound {
    struct mlp *net;
    float *gradient;
    double product_seconds, bytes;
};

static void bound_layer(struct bound *bound, int layer)
{
    struct mlp *net = bound->net;
    const struct mlp_layer *l = &net->layer[layer];
    struct product batch_rows = { .net = net, .layer = layer, .end = net->batch };
    struct product weight_rows = { .net = net, .layer = layer, .end = l->in, .gradient = bound->gradient };
    double x_bytes = sizeof(float) * (double)net->batch * l->in, y_bytes = sizeof(float) * (double)net->batch * l->out;
    bound->product_seconds += floor_time_call(forward_product, &batch_rows);
    bound->bytes += 2 * y_bytes; /* bias */
    if (layer > 0) {
        bound->product_seconds += floor_time_call(backward_product, &batch_rows);
        bound->bytes += 3 * x_bytes; /* ReLU backward */
    }
    bound->product_seconds += floor_time_call(gradient_product, &weight_rows);
    bound->bytes += y_bytes; /* bias gradient */
}

static void bound_products(void *arg, int rank)
{
    if (rank == 0)
        for (int layer = 0; layer < MLP_LAYERS; layer++) bound_layer(arg, layer);
}

static double mlp_bound(struct floor *f)
{
    struct mlp *net = (struct mlp *)f;
    struct bound bound = { .net = net,
                           .gradient = floor_floats(net->parameters),
                           .bytes = FLOOR_ADAM_BYTES * (double)net->parameters };
    struct team *alone = team_create(1);
    double bandwidth = triad_bandwidth(f->threads, 3 * sizeof(float) * net->parameters);
    if (alone && bound.gradient) team_run(alone, bound_products, &bound);
    team_destroy(alone);
    free(bound.gradient);
    return bound.product_seconds / f->threads + (bandwidth > 0 ? bound.bytes / bandwidth : 0);
}

/* ---- Building */

static void mlp_destroy(struct floor *f)
{
    struct mlp *net = (struct mlp *)f;
    team_destroy(net->team);
    for (int i = 0; i <= MLP_LAYERS; i++) {
        free(net->activation[i]);
        free(net->dactivation[i]);
    }
    for (int i = 0; i < MLP_LAYERS; i++) free(net->bias_gradient[i]);
    for (int rank = 0; net->member && rank < f->threads; rank++) free(net->member[rank].tile);
    free(net->member);
    free(net->parameter);
    free(net->m);
    free(net->v);
    free(net->label);
    free(net);
}

static size_t whole_lines(size_t floats) { return (floats + LINE_FLOATS - 1) / LINE_FLOATS * LINE_FLOATS; }

static void lay_out(struct mlp *net, const int *width)
{
    for (int i = 0; i < MLP_LAYERS; i++) {
        struct mlp_layer *l = &net->layer[i];
        *l = (struct mlp_layer){ .in = width[i], .out = width[i + 1], .weights = net->parameters };
        l->bias = l->weights + whole_lines((size_t)l->in * (size_t)l->out);
        net->parameters = l->bias + whole_lines((size_t)l->out);
    }
}

static bool allocate(struct mlp *net)
{
    int threads = net->floor.threads;
    bool ok = (net->parameter = floor_floats(net->parameters)) && (net->m = floor_floats(net->parameters)) &&
              (net->v = floor_floats(net->parameters)) && (net->label = calloc((size_t)net->batch, sizeof(int))) &&
              (net->member = aligned_alloc(64, (size_t)threads * sizeof *net->member));
    for (int i = 0; ok && i <= MLP_LAYERS; i++) {
        size_t n = (size_t)net->batch * (size_t)(i ? net->layer[i - 1].out : net->layer[0].in);
        ok = (net->activation[i] = floor_floats(n)) && (net->dactivation[i] = floor_floats(n));
    }
    for (int i = 0; ok && i < MLP_LAYERS; i++) ok = (net->bias_gradient[i] = floor_floats((size_t)net->layer[i].out));
    if (net->member) memset(net->member, 0, (size_t)threads * sizeof *net->member);
    for (int rank = 0; ok && rank < threads; rank++) ok = (net->member[rank].tile = floor_floats(largest_tile(net)));
    return ok && (net->team = team_create(threads));
}

static void fill(struct mlp *net)
{
    floor_random(net->activation[0], (size_t)net->batch * (size_t)net->layer[0].in, FLOOR_SEED_INPUT, 0.5f, 0.5f);
    floor_random_labels(net->label, (size_t)net->batch);
    for (int i = 0; i < MLP_LAYERS; i++) {
        const struct mlp_layer *l = &net->layer[i];
        floor_random(net->parameter + l->weights, (size_t)l->in * (size_t)l->out, FLOOR_SEED_WEIGHTS + i, 0,
                     sqrtf(3.0f / (float)l->in));
    }
}

struct floor *floor_mlp_create(const char *model, int batch, int threads)
{
    const int *width = NULL;
    for (size_t i = 0; i < sizeof models / sizeof *models; i++)
        if (!strcmp(model, models[i].name)) width = models[i].width;
    struct mlp *net = width ? calloc(1, sizeof *net) : NULL;
    if (!net) return NULL;
    net->floor = (struct floor){
        .run = mlp_run, .bound = mlp_bound, .loss = mlp_loss, .destroy = mlp_destroy, .threads = threads
    };
    snprintf(net->floor.variant, sizeof net->floor.variant, "%d thread%s", threads, threads > 1 ? "s" : "");
    net->batch = batch;
    net->adam = adam_default();
    lay_out(net, width);
    if (!allocate(net)) {
        mlp_destroy(&net->floor);
        return NULL;
    }
    fill(net);
    return &net->floor;
}
