/* SPDX-License-Identifier: BSD-3-Clause */
/* Checks the floors: their gradients against a naive double-precision
 * computation, their variants against each other, and that they train. */
#include "floor_mlp.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 3, STEPS = 20 };
static int failures;

static void expect(int ok, const char *model, const char *what, double value)
{
    printf("%s %s: %s %.3g\n", ok ? "ok  " : "FAIL", model, what, value);
    failures += !ok;
}

static double relative_distance(const double *a, const double *b, size_t n)
{
    double distance = 0, norm = 0;
    for (size_t i = 0; i < n; i++) {
        distance += (a[i] - b[i]) * (a[i] - b[i]);
        norm += b[i] * b[i];
    }
    return sqrt(distance / norm);
}

static double *doubles(size_t n)
{
    double *x = calloc(n, sizeof *x);
    if (!x) exit(1);
    return x;
}

/* ---- The naive computation: one sample after the other */

static void naive_forward(const struct mlp *net, const float *w, double **y)
{
    for (int i = 0; i < MLP_LAYERS; i++) {
        const struct mlp_layer *l = &net->layer[i];
        for (int out = 0; out < l->out; out++) {
            double sum = w[l->bias + (size_t)out];
            for (int in = 0; in < l->in; in++)
                sum += y[i][in] * w[l->weights + (size_t)in * (size_t)l->out + (size_t)out];
            y[i + 1][out] = i < MLP_LAYERS - 1 && sum < 0 ? 0 : sum;
        }
    }
}

/* dy[MLP_LAYERS] = d loss / d logits; returns the loss. */
static double naive_loss(const double *logits, int label, int batch, double *dlogits)
{
    double sum = 0;
    for (int j = 0; j < FLOOR_CLASSES; j++) sum += exp(logits[j]);
    for (int j = 0; j < FLOOR_CLASSES; j++) dlogits[j] = (exp(logits[j]) / sum - (j == label)) / batch;
    return (log(sum) - logits[label]) / batch;
}

static void naive_backward(const struct mlp *net, const float *w, double **y, double **dy, double *gradient)
{
    for (int i = MLP_LAYERS - 1; i >= 0; i--) {
        const struct mlp_layer *l = &net->layer[i];
        for (int out = 0; out < l->out; out++) gradient[l->bias + (size_t)out] += dy[i + 1][out];
        for (int in = 0; in < l->in; in++) {
            size_t row = l->weights + (size_t)in * (size_t)l->out;
            double sum = 0;
            for (int out = 0; out < l->out; out++) {
                gradient[row + (size_t)out] += y[i][in] * dy[i + 1][out];
                sum += w[row + (size_t)out] * dy[i + 1][out];
            }
            dy[i][in] = y[i][in] > 0 ? sum : 0;
        }
    }
}

static double naive_gradient(const struct mlp *net, const float *w, double *gradient)
{
    double *y[MLP_LAYERS + 1], *dy[MLP_LAYERS + 1], loss = 0;
    for (int i = 0; i <= MLP_LAYERS; i++) {
        int width = i ? net->layer[i - 1].out : net->layer[0].in;
        y[i] = doubles((size_t)width);
        dy[i] = doubles((size_t)width);
    }
    for (int sample = 0; sample < net->batch; sample++) {
        int inputs = net->layer[0].in;
        for (int j = 0; j < inputs; j++) y[0][j] = net->activation[0][(size_t)sample * (size_t)inputs + (size_t)j];
        naive_forward(net, w, y);
        loss += naive_loss(y[MLP_LAYERS], net->label[sample], net->batch, dy[MLP_LAYERS]);
        naive_backward(net, w, y, dy, gradient);
    }
    for (int i = 0; i <= MLP_LAYERS; i++) {
        free(y[i]);
        free(dy[i]);
    }
    return loss;
}

/* ---- The checks */

/* One step of plain gradient descent gives the gradient: (before - after) / rate. */
static void check_gradient(const char *model, int batch, int threads)
{
    static const float rate = 1024; /* large, so that rounding of the weights is negligible */
    struct floor *f = floor_mlp_create(model, batch, threads);
    if (!f) exit(1);
    struct mlp *net = (struct mlp *)f;
    size_t n = net->parameters;
    float *before = floor_floats(n);
    double *expected = doubles(n), *found = doubles(n);
    memcpy(before, net->parameter, n * sizeof *before);
    double loss = naive_gradient(net, before, expected);
    net->sgd_rate = rate;
    floor_run(f, 1);
    for (size_t i = 0; i < n; i++) found[i] = ((double)before[i] - net->parameter[i]) / rate;
    double distance = relative_distance(found, expected, n), loss_error = fabs(floor_loss(f) / loss - 1);
    expect(distance <= 1e-5, model, "gradient against double precision", distance);
    expect(loss_error <= 1e-5, model, "loss against double precision", loss_error);
    floor_destroy(f);
    free(before);
    free(expected);
    free(found);
}

/* The parameters after some steps of plain gradient descent. */
static double *descend(const char *model, int batch, int threads, size_t *n)
{
    struct floor *f = floor_mlp_create(model, batch, threads);
    if (!f) exit(1);
    struct mlp *net = (struct mlp *)f;
    double *parameter = doubles(net->parameters);
    net->sgd_rate = 0.1f;
    floor_run(f, STEPS);
    for (size_t i = 0; i < net->parameters; i++) parameter[i] = net->parameter[i];
    *n = net->parameters;
    floor_destroy(f);
    return parameter;
}

static void check_threads(const char *model, int batch)
{
    size_t n;
    double *one = descend(model, batch, 1, &n);
    for (int threads = 2; threads <= THREADS; threads++) {
        double *many = descend(model, batch, threads, &n);
        double distance = relative_distance(many, one, n);
        expect(distance <= 1e-4, model, "several threads against one, after 20 steps", distance);
        free(many);
    }
    free(one);
}

static void check_training(const char *model, struct floor *f)
{
    floor_run(f, 1);
    double first = floor_loss(f);
    floor_run(f, STEPS);
    double last = floor_loss(f);
    char what[96];
    snprintf(what, sizeof what, "%s: loss after 20 steps from %.6f to", floor_variant(f), first);
    expect(isfinite(last) && last < 0.9 * first, model, what, last);
}

static void check_mlp(const char *model, int batch)
{
    for (int threads = 1; threads <= THREADS; threads++) {
        struct floor *f = floor_mlp_create(model, batch, threads);
        if (!f) exit(1);
        check_gradient(model, batch, threads);
        check_training(model, f);
        floor_destroy(f);
    }
    check_threads(model, batch);
}

#ifdef HAVE_DNNL
static void check_lenet(int batch)
{
    double reference = 0;
    for (int layout = 0; layout < LENET_LAYOUTS; layout++)
        for (int split = 0; split < LENET_SPLITS; split++)
            for (int threads = 1; threads <= 2; threads++) {
                struct floor *f =
                    floor_lenet_create(batch, threads, (enum lenet_split)split, (enum lenet_layout)layout);
                if (!f) {
                    expect(split == LENET_REPLICAS && threads > 1, "lenet", "no such variant for batch", batch);
                    continue;
                }
                check_training("lenet", f);
                reference = reference > 0 ? reference : floor_loss(f);
                double difference = fabs(floor_loss(f) / reference - 1);
                expect(difference <= 1e-3, "lenet", "loss against the first variant", difference);
                floor_destroy(f);
            }
}

#endif

int main(void)
{
    check_mlp("mlp-small", 32);
    check_mlp("mlp", 37); /* prime: not a multiple of any block size */
#ifdef HAVE_DNNL
    check_lenet(32);
    check_lenet(17);
#endif
    expect(!floor_create("resnet", 32, 1), "resnet", "no such floor", 0);
    return failures ? 1 : 0;
}
