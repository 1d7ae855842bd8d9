/* An application's own operation, y = x + w x^2 with one w per feature: its
 * kernels in C and OpenCL, trained on every device; and kernels that fail. */
#include "core.h"

#include <errno.h>
#include <math.h>

struct bend_args { int rows, size; };

static void bend_fwd(void *const *b, const void *args)
{
    const struct bend_args *a = args;
    const float *x = b[0], *w = b[1];
    float *y = b[2];
    for (int i = 0; i < a->rows * a->size; i++) y[i] = x[i] + w[i % a->size] * x[i] * x[i];
}

static void bend_dx(void *const *b, const void *args)
{
    const struct bend_args *a = args;
    const float *x = b[0], *w = b[1], *dy = b[2];
    float *dx = b[3];
    for (int i = 0; i < a->rows * a->size; i++) dx[i] = dy[i] * (1 + 2 * w[i % a->size] * x[i]);
}

static void bend_dw(void *const *b, const void *args)
{
    const struct bend_args *a = args;
    const float *x = b[0], *dy = b[1];
    float *dw = b[2];
    for (int c = 0; c < a->size; c++) {
        float sum = 0;
        for (int r = 0; r < a->rows; r++) sum += dy[r * a->size + c] * x[r * a->size + c] * x[r * a->size + c];
        dw[c] = sum;
    }
}

#define PAIR(name, i) "__global float *" name "_, ulong o" #i
#define EACH(n) "for (int i = get_global_id(0); i < " n "; i += get_global_size(0))"
static const char source[] =
    "struct bend_args { int rows, size; };\n"
    "__kernel void bend_fwd(" PAIR("x", 0) ", " PAIR("w", 1) ", " PAIR("y", 2) ", struct bend_args a) {\n"
    "  __global float *x = x_ + o0, *w = w_ + o1, *y = y_ + o2;\n"
    "  " EACH("a.rows * a.size") " y[i] = x[i] + w[i % a.size] * x[i] * x[i];\n}\n"
    "__kernel void bend_dx(" PAIR("x", 0) ", " PAIR("w", 1) ", " PAIR("dy", 2) ", " PAIR("dx", 3)
    ", struct bend_args a) {\n"
    "  __global float *x = x_ + o0, *w = w_ + o1, *dy = dy_ + o2, *dx = dx_ + o3;\n"
    "  " EACH("a.rows * a.size") " dx[i] = dy[i] * (1 + 2 * w[i % a.size] * x[i]);\n}\n"
    "__kernel void bend_dw(" PAIR("x", 0) ", " PAIR("dy", 1) ", " PAIR("dw", 2) ", struct bend_args a) {\n"
    "  __global float *x = x_ + o0, *dy = dy_ + o1, *dw = dw_ + o2;\n"
    "  " EACH("a.size") " {\n    float sum = 0;\n"
    "    for (int r = 0; r < a.rows; r++) sum += dy[r * a.size + i] * x[r * a.size + i] * x[r * a.size + i];\n"
    "    dw[i] = sum;\n  }\n}\n";

static struct hsgd_kernel kernel_fwd = {
    .name = "bend_fwd", .buffers = 3, .args_size = sizeof(struct bend_args), .cpu = bend_fwd, .opencl_source = source
};
static const struct hsgd_kernel kernel_dx = {
    .name = "bend_dx", .buffers = 4, .args_size = sizeof(struct bend_args), .cpu = bend_dx, .opencl_source = source
};
static const struct hsgd_kernel kernel_dw = {
    .name = "bend_dw", .buffers = 3, .args_size = sizeof(struct bend_args), .cpu = bend_dw, .opencl_source = source
};

static int prepare(struct hsgd_layer *l, char *why, size_t n)
{
    int size = hsgd_size(l->in);
    if (l->in.h != 1 || l->in.w != 1) {
        snprintf(why, n, "the input must be 1x1xC, not %dx%dx%d", l->in.h, l->in.w, l->in.c);
        return -EINVAL;
    }
    l->out = l->in;
    l->params = 1;
    l->param[0] = (struct hsgd_param_spec){ "bend", 1, { size }, HSGD_INIT_ZERO, size, size, 0 };
    return 0;
}

static void forward(struct hsgd_emit *e)
{
    struct bend_args a = { e->rows, hsgd_size(e->layer->in) };
    HSGD_LAUNCH(e, &kernel_fwd, HSGD_ITEMS, a.rows * a.size, &a, e->x, e->weight[0].piece[0].ref, e->y);
}

static void backward(struct hsgd_emit *e)
{
    struct bend_args a = { e->rows, hsgd_size(e->layer->in) };
    HSGD_LAUNCH(e, &kernel_dw, HSGD_ITEMS, a.size, &a, e->x, e->dy, e->gradient[0]);
    if (e->dx.buffer >= 0)
        HSGD_LAUNCH(e, &kernel_dx, HSGD_ITEMS, a.rows * a.size, &a, e->x, e->weight[0].piece[0].ref, e->dy, e->dx);
}

static const struct hsgd_op bend = {
    .name = "bend", .layouts = 1u << HSGD_NHWC, .prepare = prepare, .forward = forward, .backward = backward
};

enum { BATCH = 64, STEPS = 20 };
static float x[BATCH * 784];
static int32_t labels[BATCH];

static struct hsgd_model *make_model(struct hsgd_context *ctx)
{
    struct hsgd_model *m = hsgd_model_create(ctx, "bent", (struct hsgd_shape){ 28, 28, 1 });
    m = hsgd_add_dense(hsgd_add(hsgd_add_dense(m, 32, HSGD_NO_ACTIVATION), &bend, NULL, NULL), 10, HSGD_NO_ACTIVATION);
    return hsgd_add_softmax_cross_entropy(m);
}

static struct hsgd_trainer *make_trainer(struct hsgd_model *m)
{
    struct hsgd_train_options o;
    hsgd_train_defaults(&o, sizeof o);
    o.optimizer = HSGD_SGD;
    o.learning_rate = 0.01f;
    struct hsgd_trainer *t = hsgd_trainer_create(m, &o);
    REQUIRE(t);
    return t;
}

struct run { const char *devices; double loss[STEPS]; float bend[32]; };

static void train(void *arg)
{
    struct run *r = arg;
    struct hsgd_context *ctx = core_context(r->devices, 1, false);
    struct hsgd_model *m = make_model(ctx);
    REQUIRE(m && hsgd_model_weight_size(m, "bend1.bend") == 32);
    struct hsgd_trainer *t = make_trainer(m);
    for (int i = 0; i < STEPS; i++)
        if (!CHECK_MSG(!hsgd_trainer_step(t, x, labels, BATCH, &r->loss[i]), "%s", hsgd_error(ctx))) core_end();
    CHECK(!hsgd_model_get_weight(m, "bend1.bend", r->bend, 32));
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&m);
    hsgd_destroy(&ctx);
}

static void trains_everywhere(void)
{
    static const char *const devices[] = { "cpu", "opencl", "cpu,opencl" };
    struct run *r = core_shared(3 * sizeof *r);
    core_digits(0, BATCH, x, labels);
    for (int i = 0; i < 3; i++) {
        r[i].devices = devices[i];
        core_child(train, &r[i]);
        CHECK_MSG(r[i].loss[STEPS - 1] < 0.8 * r[i].loss[0], "%s: the loss went from %g to %g", devices[i],
                  r[i].loss[0], r[i].loss[STEPS - 1]);
        for (int s = 0; s < STEPS; s++)
            CHECK_MSG(fabs(r[i].loss[s] - r[0].loss[s]) <= 1e-4 * r[0].loss[s], "%s: loss of step %d is %g, not %g",
                      devices[i], s, r[i].loss[s], r[0].loss[s]);
        CHECK(core_norm(r[i].bend, 32) > 0 && core_distance(r[i].bend, r[0].bend, 32) < 1e-3);
    }
}

static double loss_of(struct hsgd_trainer *t)
{
    double loss, accuracy;
    struct hsgd_data *d = hsgd_data_memory(NULL, x, labels, BATCH, (struct hsgd_shape){ 28, 28, 1 }, 10, HSGD_BORROW);
    REQUIRE(!hsgd_trainer_evaluate(t, d, &loss, &accuracy));
    hsgd_data_destroy(&d);
    return loss;
}

static void gradient_is_the_slope(void)
{
    enum { N = 784 * 32 + 32 + 32 + 320 + 10 };
    static float g[N];
    float w[32], moved[32];
    struct hsgd_context *ctx = core_context("cpu", 1, false);
    struct hsgd_model *m = make_model(ctx);
    struct hsgd_trainer *t = make_trainer(m);
    core_digits(0, BATCH, x, labels);
    for (int i = 0; i < 32; i++) w[i] = 0.05f * (float)(i % 5 - 2);
    REQUIRE(!hsgd_model_set_weight(m, "bend1.bend", w, 32));
    REQUIRE(!hsgd_trainer_gradients(t, x, labels, BATCH, g, N));
    double along = 0, h = 2e-3, side[2];
    for (int i = 0; i < 32; i++) along += g[784 * 32 + 32 + i] * (i % 3 - 1.0);
    for (int k = 0; k < 2; k++) {
        for (int i = 0; i < 32; i++) moved[i] = w[i] + (float)((k ? h : -h) * (i % 3 - 1.0));
        REQUIRE(!hsgd_model_set_weight(m, "bend1.bend", moved, 32));
        side[k] = loss_of(t);
    }
    double slope = (side[1] - side[0]) / (2 * h);
    CHECK_MSG(fabs(slope - along) <= 2e-2 * fabs(along) + 1e-3, "slope %g, by gradients %g", slope, along);
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&m);
    hsgd_destroy(&ctx);
}

/* ---------------------------------------------------- kernels that fail */

static void expect_failure(const char *devices, int err, const char *part)
{
    char before[65], after[65];
    struct hsgd_context *ctx = core_context(devices, 1, false);
    struct hsgd_model *m = make_model(ctx);
    REQUIRE(m);
    struct hsgd_trainer *t = make_trainer(m);
    core_digits(0, BATCH, x, labels);
    CHECK(!hsgd_model_digest(m, before));
    for (int i = 0; i < 2; i++) {
        int got = i ? hsgd_trainer_plan(t, BATCH) : hsgd_trainer_step(t, x, labels, BATCH, NULL);
        CHECK_MSG(got < 0, "%s: no error", devices);
        (void)err;
        CHECK_MSG(strstr(hsgd_error(ctx), part), "%s: \"%s\" does not say \"%s\"", devices, hsgd_error(ctx), part);
    }
    CHECK(!hsgd_model_digest(m, after));
    CHECK_STR(after, before);
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&m);
    m = hsgd_model_by_name(ctx, "linear", (struct hsgd_shape){ 28, 28, 1 }, 10);
    t = make_trainer(m);
    CHECK_MSG(!hsgd_trainer_step(t, x, labels, BATCH, NULL), "afterwards: %s", hsgd_error(ctx));
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&m);
    hsgd_destroy(&ctx);
}

static void source_does_not_compile(void)
{
    kernel_fwd.opencl_source = "__kernel void bend_fwd(__global float *x) { x[0] = misspelt; }";
    expect_failure("opencl", -EIO, "misspelt");
}

static void no_such_entry_point(void)
{
    kernel_fwd.opencl_source = "__kernel void other(__global float *x) { x[0] = 1; }";
    expect_failure("opencl", -EINVAL, "the OpenCL program has no kernel \"bend_fwd\"");
}

static void no_opencl_form(void)
{
    kernel_fwd.opencl_source = NULL;
    expect_failure("opencl", -ENODEV, "kernel \"bend_fwd\" has no OpenCL form");
}

static void no_c_form(void)
{
    kernel_fwd.cpu = NULL;
    expect_failure("cpu", -ENODEV, "kernel \"bend_fwd\" has no C form");
}

/* What takes too few arguments fails when it is launched. */
static void launch_fails(void)
{
    kernel_fwd.opencl_source = "__kernel void bend_fwd(__global float *x) { x[0] = 1; }";
    char before[65], after[65];
    struct hsgd_context *ctx = core_context("opencl", 1, false);
    struct hsgd_model *m = make_model(ctx);
    struct hsgd_trainer *t = make_trainer(m);
    core_digits(0, BATCH, x, labels);
    CHECK(!hsgd_model_digest(m, before));
    CHECK(hsgd_trainer_step(t, x, labels, BATCH, NULL) == -EIO);
    CHECK_MSG(strstr(hsgd_error(ctx), "kernel \"bend_fwd\" failed"), "%s", hsgd_error(ctx));
    CHECK(!hsgd_model_digest(m, after));
    CHECK_STR(after, before);
    CHECK(hsgd_wait(ctx) == 0);
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&m);
    hsgd_destroy(&ctx);
}

static const struct core_case cases[] = {
    { "trains_everywhere", trains_everywhere }, { "gradient_is_the_slope", gradient_is_the_slope },
    { "source_does_not_compile", source_does_not_compile }, { "no_such_entry_point", no_such_entry_point },
    { "no_opencl_form", no_opencl_form }, { "no_c_form", no_c_form }, { "launch_fails", launch_fails }
};
CORE_MAIN(cases)
