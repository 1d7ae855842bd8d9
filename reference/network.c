/* SPDX-License-Identifier: BSD-3-Clause */
#include "network.h"

#include <string.h>

#include "check.h"

enum { MAX_LAYERS = 16, PARAMS = 2 };

/* y and dy of the current sample; param: weight and bias; gradient: their
 * gradients, summed over the samples. */
struct layer {
    const struct hsgd_op *op;
    const void *attributes;
    struct hsgd_shape in, out;
    int64_t size[PARAMS];
    double *y, *dy, *param[PARAMS], *gradient[PARAMS];
};

struct reference_network {
    int layers;
    struct layer layer[MAX_LAYERS];
};

/* -------------------------------------------------------------------- sums */

/* Sums in lanes: compilers do not reorder a sum of doubles by themselves. */
typedef double lanes __attribute__((vector_size(16)));
enum { LANES = sizeof(lanes) / sizeof(double) };

static lanes load(const double *x)
{
    lanes v;
    memcpy(&v, x, sizeof v);
    return v;
}

static double dot(int n, const double *a, const double *b)
{
    lanes even = { 0 }, odd = { 0 };
    int i = 0;
    for (; i + 2 * LANES <= n; i += 2 * LANES) {
        even += load(a + i) * load(b + i);
        odd += load(a + i + LANES) * load(b + i + LANES);
    }
    even += odd;
    double sum = even[0] + even[1];
    for (; i < n; i++) sum += a[i] * b[i];
    return sum;
}

/* y += factor x */
static void add_scaled(int n, double *y, double factor, const double *x)
{
    int i = 0;
    for (; i + LANES <= n; i += LANES) {
        lanes sum = load(y + i) + factor * load(x + i);
        memcpy(y + i, &sum, sizeof sum);
    }
    for (; i < n; i++) y[i] += factor * x[i];
}

/* ------------------------------------------------------------------- dense */

static void dense_forward(const struct layer *l, const double *x)
{
    const struct hsgd_dense *a = l->attributes;
    memcpy(l->y, l->param[1], (size_t)a->units * sizeof *l->y);
    for (int i = 0; i < hsgd_size(l->in); i++) add_scaled(a->units, l->y, x[i], l->param[0] + i * a->units);
    for (int u = 0; u < a->units; u++) l->y[u] = check_activation(l->y[u], a->activation);
}

static void dense_backward(const struct layer *l, const double *x, double *dx)
{
    const struct hsgd_dense *a = l->attributes;
    double *dz = l->dy;
    for (int u = 0; u < a->units; u++) {
        dz[u] *= check_activation_grad(l->y[u], a->activation);
        l->gradient[1][u] += dz[u];
    }
    for (int i = 0; i < hsgd_size(l->in); i++) add_scaled(a->units, l->gradient[0] + i * a->units, x[i], dz);
    for (int i = 0; dx && i < hsgd_size(l->in); i++) dx[i] += dot(a->units, dz, l->param[0] + i * a->units);
}

/* -------------------------------------------------------------- convolution */

/* The first channels under tap (ky, kx) of an output: in x, or -1 outside. */
static int64_t under(const struct layer *l, int oy, int ox, int ky, int kx)
{
    const struct hsgd_conv2d *a = l->attributes;
    int y = oy * a->stride - a->padding + ky, x = ox * a->stride - a->padding + kx;
    bool inside = y >= 0 && y < l->in.h && x >= 0 && x < l->in.w;
    return inside ? ((int64_t)y * l->in.w + x) * l->in.c : -1;
}

static int64_t tap(const struct layer *l, int o, int ky, int kx)
{
    const struct hsgd_conv2d *a = l->attributes;
    return (((int64_t)o * a->kernel + ky) * a->kernel + kx) * l->in.c;
}

#define FOR_OUTPUTS(l, at) \
    for (int oy = 0, at = 0; oy < (l)->out.h; oy++) \
        for (int ox = 0; ox < (l)->out.w; ox++) \
            for (int o = 0; o < (l)->out.c; o++, at++)
#define FOR_TAPS(k) \
    for (int ky = 0; ky < (k); ky++) \
        for (int kx = 0; kx < (k); kx++)

static void conv2d_forward(const struct layer *l, const double *x)
{
    const struct hsgd_conv2d *a = l->attributes;
    FOR_OUTPUTS(l, at)
    {
        double z = l->param[1][o];
        FOR_TAPS(a->kernel)
        {
            const double *w = l->param[0] + tap(l, o, ky, kx);
            int64_t from = under(l, oy, ox, ky, kx);
            if (from >= 0) z += dot(l->in.c, x + from, w);
        }
        l->y[at] = check_activation(z, a->activation);
    }
}

static void conv2d_backward(const struct layer *l, const double *x, double *dx)
{
    const struct hsgd_conv2d *a = l->attributes;
    FOR_OUTPUTS(l, at)
    {
        double dz = l->dy[at] * check_activation_grad(l->y[at], a->activation);
        l->gradient[1][o] += dz;
        if (dz == 0) continue;
        FOR_TAPS(a->kernel)
        {
            int64_t from = under(l, oy, ox, ky, kx), w = tap(l, o, ky, kx);
            if (from >= 0) add_scaled(l->in.c, l->gradient[0] + w, dz, x + from);
            if (from >= 0 && dx) add_scaled(l->in.c, dx + from, dz, l->param[0] + w);
        }
    }
}

/* ------------------------------------------------------- pooling, flatten */

/* The first maximum under an output, in x. */
static int largest(const struct layer *l, const double *x, int oy, int ox, int c)
{
    const struct hsgd_max_pool *a = l->attributes;
    int best = -1;
    FOR_TAPS(a->kernel)
    {
        int y = oy * a->stride - a->padding + ky, xx = ox * a->stride - a->padding + kx;
        if (y < 0 || y >= l->in.h || xx < 0 || xx >= l->in.w) continue;
        int at = (y * l->in.w + xx) * l->in.c + c;
        if (best < 0 || x[at] > x[best]) best = at;
    }
    return best;
}

static void max_pool_forward(const struct layer *l, const double *x)
{
    FOR_OUTPUTS(l, at) l->y[at] = x[largest(l, x, oy, ox, o)];
}

static void max_pool_backward(const struct layer *l, const double *x, double *dx)
{
    FOR_OUTPUTS(l, at)
    if (dx) dx[largest(l, x, oy, ox, o)] += l->dy[at];
}

static void flatten_forward(const struct layer *l, const double *x)
{
    memcpy(l->y, x, (size_t)hsgd_size(l->in) * sizeof *x);
}

static void flatten_backward(const struct layer *l, const double *x, double *dx)
{
    (void)x;
    for (int i = 0; dx && i < hsgd_size(l->in); i++) dx[i] += l->dy[i];
}

static const struct kind {
    const struct hsgd_op *op;
    void (*forward)(const struct layer *l, const double *x);
    void (*backward)(const struct layer *l, const double *x, double *dx); /* dx NULL: not needed */
} kinds[] = {
    { &hsgd_op_dense, dense_forward, dense_backward },
    { &hsgd_op_conv2d, conv2d_forward, conv2d_backward },
    { &hsgd_op_max_pool, max_pool_forward, max_pool_backward },
    { &hsgd_op_flatten, flatten_forward, flatten_backward },
};

static const struct kind *kind_of(const struct hsgd_op *op)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].op == op) return &kinds[i];
    return NULL;
}

/* -------------------------------------------------------------------- step */

/* The loss of one sample, and its derivative into dz. */
static double softmax_cross_entropy(int n, const double *z, int label, double *dz)
{
    double top = z[0], sum = 0;
    for (int i = 1; i < n; i++) top = fmax(top, z[i]);
    for (int i = 0; i < n; i++) sum += exp(z[i] - top);
    for (int i = 0; i < n; i++) dz[i] = exp(z[i] - top) / sum - (i == label);
    return log(sum) + top - z[label];
}

static double one_sample(struct reference_network *n, const double *x, int label)
{
    struct layer *last = &n->layer[n->layers - 1];
    for (int i = 0; i < n->layers; i++) kind_of(n->layer[i].op)->forward(&n->layer[i], i ? n->layer[i - 1].y : x);
    double loss = softmax_cross_entropy(hsgd_size(last->out), last->y, label, last->dy);
    for (int i = n->layers - 1; i >= 0; i--) {
        struct layer *l = &n->layer[i], *before = i ? l - 1 : NULL;
        if (before) memset(before->dy, 0, (size_t)hsgd_size(l->in) * sizeof *before->dy);
        kind_of(l->op)->backward(l, before ? before->y : x, before ? before->dy : NULL);
    }
    return loss;
}

static void descend(struct layer *l, double rate)
{
    for (int p = 0; p < PARAMS; p++)
        for (int64_t i = 0; i < l->size[p]; i++) {
            l->param[p][i] -= rate * l->gradient[p][i];
            l->gradient[p][i] = 0;
        }
}

double reference_network_step(struct reference_network *n, const float *x, const int32_t *labels, int samples,
                              double rate)
{
    int64_t size = hsgd_size(n->layer[0].in);
    double loss = 0;
    for (int s = 0; s < samples; s++) {
        double *sample = check_doubles(x + s * size, size);
        loss += one_sample(n, sample, labels[s]);
        free(sample);
    }
    for (int i = 0; i < n->layers; i++) descend(&n->layer[i], rate / samples);
    return loss / samples;
}

/* ------------------------------------------------------------------ create */

/* The model's next weights, which are in the order of layers. */
static bool take_weight(struct hsgd_model *m, int *next, int64_t size, double **out)
{
    const char *name = hsgd_model_weight_name(m, (*next)++);
    float *f = calloc((size_t)size, sizeof *f);
    bool ok = name && f && !hsgd_model_get_weight(m, name, f, size);
    *out = check_doubles(f, size);
    free(f);
    return ok;
}

static bool add_layer(struct layer *l, struct hsgd_model *m, int *next)
{
    struct hsgd_node info = { .attributes = l->attributes,
                              .inputs = 1,
                              .in = { hsgd_image(l->in.h, l->in.w, l->in.c) } };
    char why[200];
    bool ok = kind_of(l->op) && !l->op->infer(&info, why, sizeof why);
    if (!ok) return false;
    const struct hsgd_type *out = &info.out[0];
    l->out = out->rank == 3 ? (struct hsgd_shape){ out->dim[0], out->dim[1], out->dim[2] }
                            : (struct hsgd_shape){ 1, 1, out->dim[0] };
    l->y = check_doubles(NULL, hsgd_size(l->out));
    l->dy = check_doubles(NULL, hsgd_size(l->out));
    for (int p = 0; p < info.params && p < PARAMS; p++) {
        l->size[p] = 1;
        for (int d = 0; d < info.param[p].rank; d++) l->size[p] *= info.param[p].dim[d];
        l->gradient[p] = check_doubles(NULL, l->size[p]);
        ok &= take_weight(m, next, l->size[p], &l->param[p]);
    }
    return ok;
}

struct reference_network *reference_network_create(const struct reference_layer *layers, struct hsgd_model *model)
{
    struct reference_network *n = calloc(1, sizeof *n);
    struct hsgd_shape in = hsgd_model_input(model);
    int next = 0;
    bool ok = n != NULL;
    for (; ok && layers[1].op && n->layers < MAX_LAYERS; layers++) { /* all but the loss */
        struct layer *l = &n->layer[n->layers++];
        *l = (struct layer){ .op = layers->op, .attributes = layers->attributes, .in = in };
        ok = add_layer(l, model, &next);
        in = l->out;
    }
    if (ok && next == hsgd_model_weight_count(model)) return n;
    reference_network_destroy(n);
    return NULL;
}

void reference_network_destroy(struct reference_network *n)
{
    for (int i = 0; n && i < n->layers; i++)
        for (int p = 0; p < PARAMS; p++) free(n->layer[i].param[p]), free(n->layer[i].gradient[p]);
    for (int i = 0; n && i < n->layers; i++) free(n->layer[i].y), free(n->layer[i].dy);
    free(n);
}
