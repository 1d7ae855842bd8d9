/* SPDX-License-Identifier: BSD-3-Clause */
/* Models in safetensors files: PyTorch's names and layouts, round trips, and
 * files that do not fit. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "core.h"

#include <errno.h>
#include <io/safetensors.h>
#include <math.h>
#include <unistd.h>

static struct hsgd_context *ctx;
static char path[600];

static void start(void)
{
    ctx = core_context("cpu", 1, false);
    snprintf(path, sizeof path, "%s/weights.safetensors", getenv("STARPU_HOME"));
}

static void end(struct hsgd_model *m)
{
    hsgd_model_destroy(&m);
    hsgd_destroy(&ctx);
    unlink(path);
}

static float *weight(struct hsgd_model *m, const char *name)
{
    int64_t n = hsgd_model_weight_size(m, name);
    REQUIRE(n > 0);
    float *w = malloc((size_t)n * sizeof *w);
    REQUIRE(w && !hsgd_model_get_weight(m, name, w, n));
    return w;
}

static const float *tensor(const struct safetensors *f, const char *name, int ndims, const int64_t *dims)
{
    const struct safetensor *t = safetensors_need(ctx, f, name, SAFETENSORS_F32, ndims, dims);
    if (!CHECK_MSG(t != NULL, "%s", hsgd_error(ctx))) core_end();
    return t->data;
}

/* ---------------------------------------------------------------- layouts */

/* out,kh,kw,in -> out,in,kh,kw */
static void check_filter(struct hsgd_model *m, const struct safetensors *f, const char *name, int o, int i, int k)
{
    float *w = weight(m, name);
    const float *t = tensor(f, name, 4, (const int64_t[]){ o, i, k, k });
    bool same = true;
    for (int a = 0; a < o; a++)
        for (int b = 0; b < i; b++)
            for (int y = 0; y < k; y++)
                for (int x = 0; x < k; x++)
                    same &= t[((a * i + b) * k + y) * k + x] == w[((a * k + y) * k + x) * i + b];
    CHECK_MSG(same, "%s", name);
    free(w);
}

/* in x out -> out x in, the inputs h,w,c -> c,h,w */
static void check_matrix(struct hsgd_model *m, const struct safetensors *f, const char *name, int h, int w, int c,
                         int out)
{
    float *v = weight(m, name);
    const float *t = tensor(f, name, 2, (const int64_t[]){ out, h * w * c });
    bool same = true;
    for (int o = 0; o < out; o++)
        for (int i = 0; i < c; i++)
            for (int y = 0; y < h; y++)
                for (int x = 0; x < w; x++)
                    same &= t[((o * c + i) * h + y) * w + x] == v[((y * w + x) * c + i) * out + o];
    CHECK_MSG(same, "%s", name);
    free(v);
}

static void check_vector(struct hsgd_model *m, const struct safetensors *f, const char *name, int n)
{
    float *v = weight(m, name);
    CHECK(!memcmp(tensor(f, name, 1, (const int64_t[]){ n }), v, (size_t)n * sizeof *v));
    free(v);
}

/* Biases are zero at first; this makes every weight different. */
static void fill(struct hsgd_model *m)
{
    int64_t n;
    float *w = core_weights(m, &n);
    for (int64_t i = 0; i < n; i++) w[i] = sinf((float)i);
    core_set_weights(m, w);
    free(w);
}

static void lenet_has_pytorchs_layout(void)
{
    struct safetensors f;
    start();
    struct hsgd_model *m = hsgd_model_by_name(ctx, "lenet", (struct hsgd_shape){ 28, 28, 1 }, 10);
    REQUIRE(m);
    fill(m);
    REQUIRE(!hsgd_model_save(m, path) && !safetensors_read(ctx, &f, path));
    CHECK(f.ntensors == 10);
    check_filter(m, &f, "conv1.weight", 6, 1, 5);
    check_filter(m, &f, "conv2.weight", 16, 6, 5);
    check_matrix(m, &f, "fc1.weight", 5, 5, 16, 120);
    check_matrix(m, &f, "fc2.weight", 1, 1, 120, 84);
    check_vector(m, &f, "conv1.bias", 6);
    check_vector(m, &f, "fc3.bias", 10);
    CHECK_STR(safetensors_metadata(&f, "format"), "pt");
    CHECK_STR(safetensors_metadata(&f, "hsgd.input"), "28x28x1");
    safetensors_close(&f);
    end(m);
}

/* Whatever lies between the image and the dense layer. */
static void inputs_follow_the_image(void)
{
    struct safetensors f;
    start();
    struct hsgd_model *m = hsgd_model_create(ctx, "m");
    struct hsgd_value *x = HSGD_OP(hsgd_input(m, "x", hsgd_image(2, 3, 2)), flatten, NULL);
    x = HSGD_OP(HSGD_OP(x, dropout, NULL, .p = 0.5f), activate, NULL, .activation = HSGD_TANH);
    x = HSGD_OP(HSGD_OP(x, flatten, NULL), dense, "flattened", .units = 12, .activation = HSGD_RELU);
    x = HSGD_OP(HSGD_OP(x, dropout, NULL, .p = 0.5f), dense, "plain", .units = 12, .activation = HSGD_RELU);
    REQUIRE((m = core_classifier(m, x)));
    REQUIRE(!hsgd_model_save(m, path) && !safetensors_read(ctx, &f, path));
    check_matrix(m, &f, "flattened.weight", 2, 3, 2, 12);
    check_matrix(m, &f, "plain.weight", 1, 1, 12, 12);
    safetensors_close(&f);
    hsgd_model_destroy(&m);
    m = hsgd_model_create(ctx, "direct");
    x = HSGD_OP(hsgd_input(m, "x", hsgd_image(4, 5, 3)), flatten, NULL);
    REQUIRE((m = core_classifier(m, HSGD_OP(x, dense, "direct", .units = 12, .activation = HSGD_RELU))));
    REQUIRE(!hsgd_model_save(m, path) && !safetensors_read(ctx, &f, path));
    check_matrix(m, &f, "direct.weight", 4, 5, 3, 12);
    safetensors_close(&f);
    end(m);
}

/* ------------------------------------------------------------ round trips */

static void round_trips(void)
{
    static const struct {
        const char *name;
        struct hsgd_shape in;
    } models[] = { { "linear", { 1, 1, 300 } },
                   { "mlp", { 28, 28, 1 } },
                   { "lenet", { 32, 32, 3 } },
                   { "cifar-cnn", { 32, 32, 3 } } };
    start();
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        char before[65], other[65], after[65];
        struct hsgd_model *m = hsgd_model_by_name(ctx, models[i].name, models[i].in, 10);
        REQUIRE(m);
        fill(m);
        REQUIRE(!hsgd_model_save(m, path) && !hsgd_model_digest(m, before));
        REQUIRE(!hsgd_model_initialise(m, 3) && !hsgd_model_digest(m, other));
        CHECK(strcmp(before, other));
        CHECK_MSG(!hsgd_model_load(m, path), "%s", hsgd_error(ctx));
        REQUIRE(!hsgd_model_digest(m, after));
        CHECK_STR(after, before);
        hsgd_model_destroy(&m);
    }
    end(NULL);
}

/* The file alone gives network and weights. */
static void opens_without_knowing_the_network(void)
{
    char before[65], after[65];
    start();
    struct hsgd_model *m = hsgd_model_by_name(ctx, "lenet", (struct hsgd_shape){ 28, 28, 1 }, 7);
    REQUIRE(m && !hsgd_model_initialise(m, 9) && !hsgd_model_save(m, path) && !hsgd_model_digest(m, before));
    struct hsgd_model *again = hsgd_model_open(ctx, path);
    if (!CHECK_MSG(again != NULL, "%s", hsgd_error(ctx))) core_end();
    CHECK(!hsgd_model_digest(again, after) && hsgd_model_parameters(again) == hsgd_model_parameters(m));
    CHECK_STR(after, before);
    CHECK_STR(hsgd_model_name(again), "lenet");
    CHECK_STR(hsgd_model_weight_name(again, 4), "fc1.weight");
    hsgd_model_destroy(&again);
    end(m);
}

static void not_opened(const char *text, const char *sentence)
{
    struct safetensors_writer w;
    char want[800];
    FILE *to = fopen(path, "wb");
    REQUIRE(to);
    safetensors_start(&w, ctx, to, path);
    if (text) safetensors_describe(&w, "hsgd.model", text);
    REQUIRE(!safetensors_finish(&w) && !fclose(to));
    CHECK(!hsgd_model_open(ctx, path));
    snprintf(want, sizeof want, "%s%s", path, sentence);
    CHECK_STR(hsgd_error(ctx), want);
}

static void refuses_to_open(void)
{
    start();
    not_opened(NULL, ": the metadata has no \"hsgd.model\", which describes the network");
    not_opened("name: m\nlayers: 1", ", hsgd.model:2: layers must be a list, but is a value");
    not_opened("name: m\ninput: {h: 1, w: 1, c: 2}\nlayers:\n  - {op: dense, units: classes}\n",
               ", hsgd.model:4: the number of classes is not known");
    not_opened("name: m\ninput: {h: 1, w: 1, c: 2}\nlayers:\n  - {op: dense, units: 2}\n  - {op: mse}\n",
               ": tensor \"dense1.weight\" is missing");
    end(NULL);
}

/* Weights that a trainer has on an OpenCL device are fetched and replaced
 * there. */
static void weights_on_devices(void)
{
    static float x[128 * 784];
    static int32_t labels[128];
    char before[65], other[65], after[65];
    double first, again;
    struct hsgd_train_options o;
    hsgd_train_defaults(&o, sizeof o);
    ctx = core_context("opencl", 0, false);
    snprintf(path, sizeof path, "%s/device.safetensors", getenv("STARPU_HOME"));
    core_digits(0, 128, x, labels);
    struct hsgd_model *m = hsgd_model_by_name(ctx, "mlp", (struct hsgd_shape){ 28, 28, 1 }, 10);
    struct hsgd_trainer *t = hsgd_trainer_create(m, &o);
    REQUIRE(t && !hsgd_trainer_step(t, 128, HSGD_FIELDS(x, labels), NULL));
    REQUIRE(!hsgd_model_save(m, path) && !hsgd_model_digest(m, before));
    REQUIRE(!hsgd_trainer_step(t, 128, HSGD_FIELDS(x, labels), &first) && !hsgd_model_digest(m, other));
    CHECK(strcmp(before, other));
    CHECK(!hsgd_model_load(m, path) && !hsgd_model_digest(m, after));
    CHECK_STR(after, before);
    CHECK(!hsgd_trainer_step(t, 128, HSGD_FIELDS(x, labels), &again));
    CHECK_MSG(fabs(again - first) < 1e-6, "loss %g, then %g from the same weights", first, again);
    hsgd_trainer_destroy(&t);
    end(m);
}

/* --------------------------------------------------------- files that do not fit */

struct wanted {
    const char *name;
    enum safetensors_type type;
    int ndims;
    int64_t dims[2];
};

static void write_file(const struct wanted *tensor, int n, float value)
{
    struct safetensors_writer w;
    static const float zero[32];
    FILE *to = fopen(path, "wb");
    REQUIRE(to);
    safetensors_start(&w, ctx, to, path);
    for (const struct wanted *t = tensor; t < tensor + n; t++)
        safetensors_declare(&w, t->name, t->type, t->ndims, t->dims);
    while (w.declared - w.appended > 4) safetensors_append(&w, zero, 4);
    safetensors_append(&w, &value, 4);
    REQUIRE(!safetensors_finish(&w) && !fclose(to));
}

#define WEIGHT \
    { \
        "dense1.weight", SAFETENSORS_F32, 2, { 2, 3 } \
    }
#define BIAS \
    { \
        "dense1.bias", SAFETENSORS_F32, 1, { 2 } \
    }

static const struct {
    struct wanted tensor[3];
    int n;
    float value;
    const char *sentence;
} unfit[] = {
    { { BIAS }, 1, 0, "tensor \"dense1.weight\" is missing" },
    { { WEIGHT }, 1, 0, "tensor \"dense1.bias\" is missing" },
    { { WEIGHT, BIAS, { "extra", SAFETENSORS_U8, 1, { 4 } } },
      3,
      0,
      "tensor \"extra\" is not a weight of model \"m\"" },
    { { { "dense1.weight", SAFETENSORS_F32, 2, { 3, 2 } }, BIAS },
      2,
      0,
      "tensor \"dense1.weight\": shape must be [2, 3], but is [3, 2]" },
    { { WEIGHT, { "dense1.bias", SAFETENSORS_F32, 2, { 1, 2 } } },
      2,
      0,
      "tensor \"dense1.bias\": shape must be [2], but is [1, 2]" },
    { { WEIGHT, { "dense1.bias", SAFETENSORS_F64, 1, { 2 } } },
      2,
      0,
      "tensor \"dense1.bias\": dtype must be F32, but is F64" },
    { { WEIGHT, { "dense1.bias", SAFETENSORS_F16, 1, { 2 } } },
      2,
      0,
      "tensor \"dense1.bias\": dtype must be F32, but is F16" },
    { { WEIGHT, BIAS }, 2, NAN, "tensor \"dense1.bias\": element 1 is NaN" },
    { { BIAS, WEIGHT }, 2, INFINITY, "tensor \"dense1.weight\": element 5 is infinite" },
};

static struct hsgd_model *small(void)
{
    struct hsgd_model *m = hsgd_model_create(ctx, "m");
    struct hsgd_value *x = hsgd_input(m, "x", hsgd_vector(3));
    REQUIRE((m = core_classifier(m, HSGD_OP(x, dense, NULL, .units = 2, .activation = HSGD_RELU))));
    return m;
}

static void not_loaded(struct hsgd_model *m, const char *name, const char *sentence)
{
    char before[65], after[65], want[800];
    CHECK(!hsgd_model_digest(m, before));
    CHECK(hsgd_model_load(m, name) < 0);
    snprintf(want, sizeof want, "%s: %s", name, sentence);
    CHECK_STR(hsgd_error(ctx), want);
    CHECK(!hsgd_model_digest(m, after));
    CHECK_STR(after, before);
}

static void refuses_files_that_do_not_fit(void)
{
    start();
    struct hsgd_model *m = small();
    for (size_t i = 0; i < sizeof unfit / sizeof *unfit; i++) {
        write_file(unfit[i].tensor, unfit[i].n, unfit[i].value);
        not_loaded(m, path, unfit[i].sentence);
    }
    write_file((const struct wanted[]){ BIAS, WEIGHT }, 2, 7);
    CHECK(!hsgd_model_load(m, path));
    float *w = weight(m, "dense1.weight");
    CHECK(w[5] == 7);
    free(w);
    end(m);
}

static void refuses_what_is_no_file(void)
{
    start();
    struct hsgd_model *m = small();
    not_loaded(m, path, "cannot open: No such file or directory");
    not_loaded(m, getenv("STARPU_HOME"), "is a folder, not a file");
    not_loaded(m, "/dev/null", "is not a regular file");
    REQUIRE(truncate(path, 0) && !fclose(fopen(path, "wb")));
    not_loaded(m, path, "0 bytes are too few for a safetensors file");
    end(m);
}

static void refuses_to_save(void)
{
    static const float bad[2] = { 0, NAN };
    start();
    struct hsgd_model *m = small();
    CHECK(!hsgd_model_set_weight(m, "dense1.bias", bad, 2));
    CHECK(hsgd_model_save(m, path) == -EDOM);
    CHECK_STR(hsgd_error(ctx), "model \"m\": weight \"dense1.bias\" is not finite and cannot be saved");
    CHECK(access(path, F_OK));
    hsgd_model_destroy(&m);
    m = hsgd_model_create(ctx, "open");
    CHECK(hsgd_model_save(m, path) == -EINVAL && hsgd_model_load(m, path) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), "model \"open\" has no loss");
    end(m);
}

static const struct core_case cases[] = { { "lenet_has_pytorchs_layout", lenet_has_pytorchs_layout },
                                          { "inputs_follow_the_image", inputs_follow_the_image },
                                          { "round_trips", round_trips },
                                          { "opens_without_knowing_the_network", opens_without_knowing_the_network },
                                          { "refuses_to_open", refuses_to_open },
                                          { "weights_on_devices", weights_on_devices },
                                          { "refuses_files_that_do_not_fit", refuses_files_that_do_not_fit },
                                          { "refuses_what_is_no_file", refuses_what_is_no_file },
                                          { "refuses_to_save", refuses_to_save } };
CORE_MAIN(cases)
