/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* M_SQRT1_2 */
#endif
#include "graph_tape.h"

#include <float.h>
#include <math.h>

#include "core.h"

static const struct hsgd_model *model;
static int batch;
static const int32_t *labels;

struct exact {
    double *v, *g; /* value and gradient */
};

static struct exact *exact;  /* of each value */
static double *weight_exact; /* gradient of the bucket */
static double rounding;

static int64_t size_of(int value) { return hsgd_type_size(&model->value[value].type); }

static double *zeros(int64_t n)
{
    double *p = calloc((size_t)n + 1, sizeof *p);
    REQUIRE(p);
    return p;
}

static double act(double z, enum hsgd_activation f)
{
    return f == HSGD_TANH ? tanh(z) : f == HSGD_SIGMOID ? 1 / (1 + exp(-z)) : z;
}

static double slope(double y, enum hsgd_activation f)
{
    return f == HSGD_TANH ? 1 - y * y : f == HSGD_SIGMOID ? y * (1 - y) : 1;
}

static const float *weights_of(const struct node *n, int p) { return model->weights + n->param_offset[p]; }
static double *gradient_of(const struct node *n, int p) { return weight_exact + n->param_offset[p]; }

const double *graph_tape_gradient(const struct node *n, int p) { return gradient_of(n, p); }

static void dense_exact(const struct node *n, bool back)
{
    const struct hsgd_dense *a = n->attributes;
    struct exact x = exact[n->in[0]], y = exact[n->out[0]];
    int64_t in = size_of(n->in[0]);
    const float *w = weights_of(n, 0), *b = a->no_bias ? NULL : weights_of(n, 1);
    int64_t of_input = a->transposed ? 1 : a->units, of_unit = a->transposed ? in : 1;
    for (int r = 0; r < batch; r++)
        for (int u = 0; u < a->units; u++) {
            double z = b ? b[u] : 0, *at = &y.v[r * a->units + u];
            if (!back) {
                for (int64_t i = 0; i < in; i++) z += x.v[r * in + i] * w[i * of_input + u * of_unit];
                *at = act(z, a->activation);
                continue;
            }
            double dz = y.g[r * a->units + u] * slope(*at, a->activation);
            if (b) gradient_of(n, 1)[u] += dz;
            for (int64_t i = 0; i < in; i++) {
                gradient_of(n, 0)[i * of_input + u * of_unit] += dz * x.v[r * in + i];
                x.g[r * in + i] += dz * w[i * of_input + u * of_unit];
            }
        }
}

static void conv_exact(const struct node *n, bool back)
{
    const struct hsgd_conv2d *a = n->attributes;
    const struct hsgd_type *ti = &n->info.in[0], *to = &n->info.out[0];
    struct exact x = exact[n->in[0]], y = exact[n->out[0]];
    const float *w = weights_of(n, 0), *b = weights_of(n, 1);
    int64_t at = 0;
    for (int r = 0; r < batch; r++)
        for (int oy = 0; oy < to->dim[0]; oy++)
            for (int ox = 0; ox < to->dim[1]; ox++)
                for (int o = 0; o < to->dim[2]; o++, at++) {
                    double z = b[o], dz = back ? y.g[at] * slope(y.v[at], a->activation) : 0;
                    if (back) gradient_of(n, 1)[o] += dz;
                    for (int t = 0; t < a->kernel * a->kernel * ti->dim[2]; t++) {
                        int c = t % ti->dim[2], kx = t / ti->dim[2] % a->kernel, ky = t / ti->dim[2] / a->kernel;
                        int iy = oy * a->stride - a->padding + ky, ix = ox * a->stride - a->padding + kx;
                        if (iy < 0 || ix < 0 || iy >= ti->dim[0] || ix >= ti->dim[1]) continue;
                        int64_t from = ((int64_t)(r * ti->dim[0] + iy) * ti->dim[1] + ix) * ti->dim[2] + c;
                        int64_t tap = (int64_t)o * a->kernel * a->kernel * ti->dim[2] + t;
                        z += x.v[from] * w[tap];
                        if (!back) continue;
                        gradient_of(n, 0)[tap] += dz * x.v[from];
                        x.g[from] += dz * w[tap];
                    }
                    if (!back) y.v[at] = act(z, a->activation);
                }
}

static void pool_exact(const struct node *n, bool back)
{
    const struct hsgd_avg_pool *a = n->attributes;
    const struct hsgd_type *ti = &n->info.in[0], *to = &n->info.out[0];
    struct exact x = exact[n->in[0]], y = exact[n->out[0]];
    int64_t at = 0;
    for (int r = 0; r < batch; r++)
        for (int oy = 0; oy < to->dim[0]; oy++)
            for (int ox = 0; ox < to->dim[1]; ox++)
                for (int c = 0; c < to->dim[2]; c++, at++)
                    for (int t = 0; t < 4; t++) {
                        int iy = oy * a->stride + t / 2, ix = ox * a->stride + t % 2;
                        int64_t from = ((int64_t)(r * ti->dim[0] + iy) * ti->dim[1] + ix) * ti->dim[2] + c;
                        if (back) x.g[from] += y.g[at] / 4;
                        else y.v[at] += x.v[from] / 4;
                    }
}

static void activate_exact(const struct node *n, bool back)
{
    const struct hsgd_activate *a = n->attributes;
    struct exact x = exact[n->in[0]], y = exact[n->out[0]];
    for (int64_t i = 0; i < batch * size_of(n->in[0]); i++) {
        if (back) x.g[i] += y.g[i] * slope(y.v[i], a->activation);
        else y.v[i] = act(x.v[i], a->activation);
    }
}

static double normal_below(double x) { return 0.5 * erfc(-x * M_SQRT1_2); }

static void gelu_exact(const struct node *n, bool back)
{
    struct exact x = exact[n->in[0]], y = exact[n->out[0]];
    for (int64_t i = 0; i < batch * size_of(n->in[0]); i++) {
        double v = x.v[i], density = exp(-0.5 * v * v) * M_SQRT1_2 * M_2_SQRTPI / 2;
        if (back) x.g[i] += y.g[i] * (normal_below(v) + v * density);
        else y.v[i] = v * normal_below(v);
    }
}

static void layer_norm_exact(const struct node *n, bool back)
{
    const struct hsgd_layer_norm *a = n->attributes;
    int c = hsgd_type_channels(&n->info.in[0]);
    const float *w = weights_of(n, 0), *b = weights_of(n, 1);
    for (int64_t r = 0; r < batch * size_of(n->in[0]) / c; r++) {
        struct exact x = exact[n->in[0]], y = exact[n->out[0]];
        double mean = 0, m2 = 0, sg = 0, sgh = 0;
        x.v += r * c, x.g += r * c, y.v += r * c, y.g += r * c;
        for (int k = 0; k < c; k++) mean += x.v[k] / c;
        for (int k = 0; k < c; k++) m2 += (x.v[k] - mean) * (x.v[k] - mean);
        double rstd = 1 / sqrt(m2 / c + (double)a->epsilon);
        for (int k = 0; k < c; k++) {
            double h = (x.v[k] - mean) * rstd;
            if (!back) y.v[k] = h * w[k] + b[k];
            else gradient_of(n, 0)[k] += y.g[k] * h, gradient_of(n, 1)[k] += y.g[k];
            sg += y.g[k] * w[k] / c;
            sgh += y.g[k] * w[k] * h / c;
        }
        for (int k = 0; back && k < c; k++) x.g[k] += rstd * (y.g[k] * w[k] - sg - (x.v[k] - mean) * rstd * sgh);
    }
}

static void batch_norm_exact(const struct node *n, bool back)
{
    const struct hsgd_batch_norm *a = n->attributes;
    struct exact x = exact[n->in[0]], y = exact[n->out[0]];
    int c = hsgd_type_channels(&n->info.in[0]);
    int64_t count = batch * size_of(n->in[0]) / c;
    for (int k = 0; k < c; k++) {
        double mean = 0, m2 = 0, sg = 0, sgh = 0, w = weights_of(n, 0)[k], b = weights_of(n, 1)[k];
        for (int64_t i = 0; i < count; i++) mean += x.v[i * c + k] / (double)count;
        for (int64_t i = 0; i < count; i++) m2 += (x.v[i * c + k] - mean) * (x.v[i * c + k] - mean);
        double rstd = 1 / sqrt(m2 / (double)count + (double)a->epsilon);
        for (int64_t i = 0; i < count; i++) {
            double h = (x.v[i * c + k] - mean) * rstd;
            if (!back) y.v[i * c + k] = h * w + b;
            sg += back ? y.g[i * c + k] : 0;
            sgh += back ? y.g[i * c + k] * h : 0;
        }
        if (!back) continue;
        gradient_of(n, 0)[k] += sgh;
        gradient_of(n, 1)[k] += sg;
        for (int64_t i = 0; i < count; i++) {
            double h = (x.v[i * c + k] - mean) * rstd;
            x.g[i * c + k] += w * rstd * (y.g[i * c + k] - (sg + h * sgh) / (double)count);
        }
    }
}

static void add_exact(const struct node *n, bool back)
{
    struct exact a = exact[n->in[0]], b = exact[n->in[1]], y = exact[n->out[0]];
    for (int64_t i = 0; i < batch * size_of(n->in[0]); i++) {
        if (back) a.g[i] += y.g[i], b.g[i] += y.g[i];
        else y.v[i] = a.v[i] + b.v[i];
    }
}

static void mul_exact(const struct node *n, bool back)
{
    struct exact a = exact[n->in[0]], b = exact[n->in[1]], y = exact[n->out[0]];
    for (int64_t i = 0; i < batch * size_of(n->in[0]); i++) {
        if (back) a.g[i] += y.g[i] * b.v[i], b.g[i] += y.g[i] * a.v[i];
        else y.v[i] = a.v[i] * b.v[i];
    }
}

static void concat_exact(const struct node *n, bool back)
{
    struct exact y = exact[n->out[0]];
    int64_t all = size_of(n->out[0]), at = 0;
    for (int k = 0; k < n->info.inputs; at += size_of(n->in[k++]))
        for (int r = 0; r < batch; r++)
            for (int64_t i = 0, size = size_of(n->in[k]); i < size; i++) {
                struct exact x = exact[n->in[k]];
                if (back) x.g[r * size + i] += y.g[r * all + at + i];
                else y.v[r * all + at + i] = x.v[r * size + i];
            }
}

/* The channels of the parts one after the other, the inverse of concat. */
static void split_exact(const struct node *n, bool back)
{
    struct exact x = exact[n->in[0]];
    int whole = hsgd_type_channels(&n->info.in[0]), at = 0;
    int64_t positions = batch * size_of(n->in[0]) / whole;
    for (int k = 0; k < n->info.outputs; at += hsgd_type_channels(&n->info.out[k++])) {
        struct exact y = exact[n->out[k]];
        int part = hsgd_type_channels(&n->info.out[k]);
        for (int64_t i = 0; i < positions * part; i++) {
            int64_t from = i / part * whole + at + i % part;
            if (back) x.g[from] += y.g[i];
            else y.v[i] = x.v[from];
        }
    }
}

static void flatten_exact(const struct node *n, bool back)
{
    struct exact x = exact[n->in[0]], y = exact[n->out[0]];
    for (int64_t i = 0; i < batch * size_of(n->in[0]); i++) {
        if (back) x.g[i] += y.g[i];
        else y.v[i] = x.v[i];
    }
}

static void loss_exact(const struct node *n, bool back)
{
    struct exact z = exact[n->in[0]];
    double factor = (double)n->weight / model->node[model->loss].weight;
    int classes = (int)size_of(n->in[0]);
    for (int r = 0; back && r < batch; r++) {
        double sum = 0;
        for (int c = 0; c < classes; c++) sum += exp(z.v[r * classes + c]);
        for (int c = 0; c < classes; c++)
            z.g[r * classes + c] += factor * (exp(z.v[r * classes + c]) / sum - (c == labels[r]));
    }
}

static const struct {
    const struct hsgd_op *op;
    void (*run)(const struct node *n, bool back);
} exact_ops[] = { { &hsgd_op_dense, dense_exact },
                  { &hsgd_op_conv2d, conv_exact },
                  { &hsgd_op_avg_pool, pool_exact },
                  { &hsgd_op_activate, activate_exact },
                  { &hsgd_op_gelu, gelu_exact },
                  { &hsgd_op_batch_norm, batch_norm_exact },
                  { &hsgd_op_layer_norm, layer_norm_exact },
                  { &hsgd_op_add, add_exact },
                  { &hsgd_op_mul, mul_exact },
                  { &hsgd_op_concat, concat_exact },
                  { &hsgd_op_split, split_exact },
                  { &hsgd_op_flatten, flatten_exact },
                  { &hsgd_op_softmax_cross_entropy, loss_exact } };

static void run_exact(const struct node *n, bool back)
{
    size_t i = 0;
    while (exact_ops[i].op != n->op) i++;
    exact_ops[i].run(n, back);
}

/* ------------------------------------------------------------------- the tape */

/* Each number by up to so much of its size, at random. */
static void shake(double *x, int64_t n, double by)
{
    static uint64_t state;
    for (int64_t i = 0; by > 0 && i < n; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        x[i] *= 1 + by * ((double)(state >> 32) / 0x80000000u - 1);
    }
}

/* What nodes read of each other is off by up to so much of its size. */
static void run_tape(float *const fields[3], double off)
{
    exact = calloc((size_t)model->nvalues, sizeof *exact);
    weight_exact = zeros(model->floats);
    REQUIRE(exact);
    for (int v = 0; v < model->nvalues; v++)
        exact[v] = (struct exact){ zeros(batch * size_of(v)), zeros(batch * size_of(v)) };
    for (int f = 0; f < 2; f++)
        for (int64_t i = 0; i < batch * size_of(model->field[f].value); i++)
            exact[model->field[f].value].v[i] = fields[f][i];
    for (const struct node *n = model->node; n < model->node + model->nnodes; n++) {
        run_exact(n, false);
        for (int o = 0; o < n->info.outputs; o++) shake(exact[n->out[o]].v, batch * size_of(n->out[o]), off);
    }
    for (const struct node *n = model->node + model->nnodes - 1; n >= model->node; n--) {
        for (int o = 0; o < n->info.outputs; o++) shake(exact[n->out[o]].g, batch * size_of(n->out[o]), off);
        run_exact(n, true);
    }
}

void graph_tape_free(void)
{
    for (int v = 0; v < model->nvalues; v++) free(exact[v].v), free(exact[v].g);
    free(exact), free(weight_exact);
}

/* How far `other` is from the gradient of all that trains. */
static double distance_to(const double *other)
{
    double off = 0, norm = 0;
    struct weight_place w;
    for (int i = 0; model_weight(model, i, &w); i++)
        for (int64_t k = w.offset; model_weight_trains(model, &w) && k < w.offset + spec_size(w.spec); k++) {
            off += (other[k] - weight_exact[k]) * (other[k] - weight_exact[k]);
            norm += weight_exact[k] * weight_exact[k];
        }
    return sqrt(off / norm);
}

void graph_tape_make(const struct hsgd_model *m, int rows, float *const fields[3])
{
    model = m;
    batch = rows;
    labels = (const int32_t *)fields[2];
    run_tape(fields, FLT_EPSILON);
    double *rounded = weight_exact;
    weight_exact = NULL;
    graph_tape_free();
    run_tape(fields, 0);
    rounding = distance_to(rounded);
    free(rounded);
}

double graph_tape_rounding(void) { return rounding; }
