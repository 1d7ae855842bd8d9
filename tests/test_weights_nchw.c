/* SPDX-License-Identifier: BSD-3-Clause */
/* What PyTorch would compute from a saved lenet, in its layout (NCHW) and
 * double precision, is what the library computes. */
#include "core.h"

#include <io/safetensors.h>
#include <math.h>

enum { N = 16, CLASSES = 10 };

static const float *tensor(struct hsgd_context *ctx, const struct safetensors *f, const char *layer, const char *name)
{
    char full[64];
    snprintf(full, sizeof full, "%s.%s", layer, name);
    const struct safetensor *t = safetensors_find(f, full);
    if (!CHECK_MSG(t && !safetensors_check_finite(ctx, f, t), "%s", full)) core_end();
    return t->data;
}

/* torch.nn.Conv2d and ReLU: y[o] = b[o] + sum_i w[o][i] * x[i], c x h x w to o x oh x ow. */
static double *conv(const double *x, int c, int h, int k, int padding, int o, const float *w, const float *b)
{
    int oh = h + 2 * padding - k + 1;
    double *y = malloc(sizeof *y * (size_t)(o * oh * oh));
    REQUIRE(y);
    for (int i = 0; i < o * oh * oh; i++) {
        int out = i / (oh * oh), row = i / oh % oh, column = i % oh;
        double sum = b[out];
        for (int t = 0; t < c * k * k; t++) {
            int in = t / (k * k), r = row + t / k % k - padding, q = column + t % k - padding;
            if (r >= 0 && r < h && q >= 0 && q < h) sum += w[out * c * k * k + t] * x[(in * h + r) * h + q];
        }
        y[i] = fmax(sum, 0);
    }
    return y;
}

/* torch.nn.MaxPool2d(2) */
static double *pool(double *x, int c, int h)
{
    int oh = h / 2;
    double *y = malloc(sizeof *y * (size_t)(c * oh * oh));
    REQUIRE(y);
    for (int i = 0; i < c * oh * oh; i++) {
        const double *at = x + (i / (oh * oh) * h + i / oh % oh * 2) * h + i % oh * 2;
        y[i] = fmax(fmax(at[0], at[1]), fmax(at[h], at[h + 1]));
    }
    free(x);
    return y;
}

/* torch.nn.Linear, with ReLU unless it is the last. */
static double *linear(double *x, int in, int out, bool last, const float *w, const float *b)
{
    double *y = malloc(sizeof *y * (size_t)out);
    REQUIRE(y);
    for (int o = 0; o < out; o++) {
        y[o] = b[o];
        for (int i = 0; i < in; i++) y[o] += w[o * in + i] * x[i];
        if (!last) y[o] = fmax(y[o], 0);
    }
    free(x);
    return y;
}

static void softmax(double *z, int n)
{
    double most = z[0], sum = 0;
    for (int i = 1; i < n; i++) most = fmax(most, z[i]);
    for (int i = 0; i < n; i++) sum += z[i] = exp(z[i] - most);
    for (int i = 0; i < n; i++) z[i] /= sum;
}

#define BOTH(layer) tensor(ctx, f, layer, "weight"), tensor(ctx, f, layer, "bias")

/* A grey image is the same in NHWC and NCHW. */
static double *lenet(struct hsgd_context *ctx, const struct safetensors *f, const float *image)
{
    double x[784];
    for (int i = 0; i < 784; i++) x[i] = image[i];
    double *a = pool(conv(x, 1, 28, 5, 2, 6, BOTH("conv1")), 6, 28);
    double *b = pool(conv(a, 6, 14, 5, 0, 16, BOTH("conv2")), 16, 10); /* 16 x 5 x 5: flattening changes nothing */
    double *z = linear(linear(linear(b, 400, 120, false, BOTH("fc1")), 120, 84, false, BOTH("fc2")), 84, CLASSES, true,
                       BOTH("fc3"));
    free(a);
    softmax(z, CLASSES);
    return z;
}

/* Trained a little, so that biases are not zero and outputs differ. */
static void compare(const char *devices, float *out, const float *x, const int32_t *labels, const char *path)
{
    struct hsgd_context *ctx = core_context(devices, 0, false);
    struct hsgd_model *m = hsgd_model_by_name(ctx, "lenet", (struct hsgd_shape){ 28, 28, 1 }, CLASSES);
    struct hsgd_train_options o;
    struct safetensors f;
    hsgd_train_defaults(&o, sizeof o);
    struct hsgd_trainer *t = hsgd_trainer_create(m, &o);
    REQUIRE(t);
    for (int i = 0; i < 20; i++)
        REQUIRE(!hsgd_trainer_step(t, 32, HSGD_FIELDS(x + 784 * 32 * (i % 4), labels + 32 * (i % 4)), NULL));
    REQUIRE(!hsgd_model_save(m, path) && !safetensors_read(ctx, &f, path));
    core_outputs(m, x, N, out);
    double far = 0, most = 0;
    for (int i = 0; i < N; i++) {
        double *z = lenet(ctx, &f, x + 784 * i);
        for (int c = 0; c < CLASSES; c++) far = fmax(far, fabs(z[c] - out[i * CLASSES + c])), most = fmax(most, z[c]);
        free(z);
    }
    CHECK_MSG(far <= 1e-5 && most > 0.2, "%s: probabilities differ by %g, the largest is %g", devices, far, most);
    printf("  %s: largest difference %.2g\n", devices, far);
    safetensors_close(&f);
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&m);
    hsgd_destroy(&ctx);
}

static float x[128 * 784], out[N * CLASSES];
static int32_t labels[128];

static void try(const char *devices)
{
    char path[600];
    snprintf(path, sizeof path, "%s/lenet-%s.safetensors", getenv("STARPU_HOME"), devices);
    core_digits(0, 128, x, labels);
    compare(devices, out, x, labels, path);
}

static void cpu(void) { try("cpu"); }
static void opencl(void) { try("opencl"); }

/* Filters of the library are {a, kh, kw, b}, of PyTorch {a, b, kh, kw}; of sequences without kh. */
static void check_filter(struct hsgd_model *m, const struct safetensors *f, const char *name, int rank,
                         const int64_t *dims)
{
    const struct safetensor *t = safetensors_find(f, name);
    int64_t a = dims[0], b = dims[1], h = rank == 4 ? dims[2] : 1, w = dims[rank - 1], n = a * b * h * w;
    float *ours = malloc((size_t)n * sizeof *ours);
    REQUIRE(ours && t && t->ndims == rank && !memcmp(t->dims, dims, (size_t)rank * sizeof *dims));
    REQUIRE(!hsgd_model_get_weight(m, name, ours, n));
    for (int64_t i = 0; i < n; i++) {
        int64_t at = ((i / (b * h * w) * h + i / w % h) * w + i % w) * b + i / (h * w) % b;
        float theirs;
        memcpy(&theirs, (const char *)t->data + i * (int64_t)sizeof theirs, sizeof theirs);
        if (!CHECK_MSG(theirs == ours[at], "%s[%d] is %g, not %g", name, (int)i, theirs, ours[at])) break;
    }
    free(ours);
}

static void filters(void)
{
    struct hsgd_context *ctx = core_context("cpu", 1, false);
    struct hsgd_model *m = hsgd_model_create(ctx, "filters");
    struct hsgd_value *x = hsgd_input(m, "x", hsgd_image(5, 6, 4));
    struct hsgd_value *label = hsgd_target(m, "label", hsgd_number(HSGD_I32));
    struct safetensors f;
    char path[600];
    x = HSGD_OP(x, conv2d, "conv", .out_channels = 6, .kernel = 3, .kernel_w = 2, .groups = 2);         /* 3x5x6 */
    x = HSGD_OP(x, conv_transpose2d, "up", .out_channels = 4, .kernel = 2, .kernel_w = 3, .groups = 2); /* 4x7x4 */
    x = HSGD_OP(x, reshape, NULL, .dims = { 2, { 28, 4 } });
    x = HSGD_OP(x, conv1d, "sequence", .out_channels = 8, .kernel = 3, .groups = 2);
    x = HSGD_OP(HSGD_OP(x, flatten, NULL), dense, "fc", .units = CLASSES);
    hsgd_loss(HSGD_JOIN(HSGD_OF(x, label), softmax_cross_entropy, NULL));
    snprintf(path, sizeof path, "%s/filters.safetensors", getenv("STARPU_HOME"));
    REQUIRE(!hsgd_model_finish(m) && !hsgd_model_save(m, path) && !safetensors_read(ctx, &f, path));
    check_filter(m, &f, "conv.weight", 4, (const int64_t[]){ 6, 2, 3, 2 });
    check_filter(m, &f, "up.weight", 4, (const int64_t[]){ 6, 2, 2, 3 });
    check_filter(m, &f, "sequence.weight", 3, (const int64_t[]){ 8, 2, 3 });
    REQUIRE(!hsgd_model_load(m, path));
    check_filter(m, &f, "sequence.weight", 3, (const int64_t[]){ 8, 2, 3 });
    safetensors_close(&f);
    hsgd_model_destroy(&m);
    hsgd_destroy(&ctx);
}

static const struct core_case cases[] = { { "cpu", cpu }, { "opencl", opencl }, { "filters", filters } };
CORE_MAIN(cases)
