/* SPDX-License-Identifier: BSD-3-Clause */
/* An application's own operations: y = x + w x^2 with one w per feature, whose
 * kernels are written once (bend.cl), trained on every device; kernels that
 * fail; and one that uses scratch memory beside a matrix product. */
#include "core.h"

#include <errno.h>
#include <math.h>

#include "bend_kernels.h"

static const struct hsgd_kernel *kernel_fwd = &bend_fwd; /* or one that fails */
static struct hsgd_kernel broken;

static int infer(struct hsgd_node *n, char *why, size_t size)
{
    if (n->in[0].rank != 1) {
        snprintf(why, size, "the input must be a vector, not of rank %d", n->in[0].rank);
        return -EINVAL;
    }
    n->outputs = 1;
    n->out[0] = n->in[0];
    hsgd_node_add_param(
        n, &(struct hsgd_param_spec){ .name = "bend", .rank = 1, .dim = { n->in[0].dim[0] }, .init = HSGD_INIT_ZERO });
    return 0;
}

static void forward(struct hsgd_emit *e)
{
    struct bend_args a = { e->rows, e->node->in[0].dim[0] };
    HSGD_LAUNCH(e, kernel_fwd, HSGD_ITEMS, a.rows * a.size, &a, e->x[0], hsgd_param_at(e, 0), e->y[0]);
}

static void backward(struct hsgd_emit *e)
{
    struct bend_args a = { e->rows, e->node->in[0].dim[0] };
    HSGD_LAUNCH(e, &bend_dw, HSGD_ITEMS, a.size, &a, e->x[0], e->dy[0], e->gradient[0]);
    if (hsgd_wanted(e->dx[0]))
        HSGD_LAUNCH(e, &bend_dx, HSGD_ITEMS, a.rows * a.size, &a, e->x[0], hsgd_param_at(e, 0), e->dy[0], e->dx[0]);
}

static const struct hsgd_op bend = {
    .name = "bend", .layouts = 1u << HSGD_NHWC, .infer = infer, .forward = { { forward } }, .backward = { { backward } }
};

enum { BATCH = 64, STEPS = 20 };
static float x[BATCH * 784];
static int32_t labels[BATCH];

static struct hsgd_model *make_model(struct hsgd_context *ctx)
{
    struct hsgd_model *m = hsgd_model_create(ctx, "bent");
    struct hsgd_value *x = HSGD_OP(hsgd_input(m, "x", hsgd_image(28, 28, 1)), flatten, NULL);
    x = HSGD_OP(x, dense, NULL, .units = 32);
    x = hsgd_apply(&bend, NULL, NULL, HSGD_OF(x));
    return core_classifier(m, HSGD_OP(x, dense, NULL, .units = 10));
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

struct run {
    const char *devices;
    double loss[STEPS];
    float bend[32];
};

static void train(void *arg)
{
    struct run *r = arg;
    struct hsgd_context *ctx = core_context(r->devices, 1, false);
    struct hsgd_model *m = make_model(ctx);
    REQUIRE(m && hsgd_model_weight_size(m, "bend1.bend") == 32);
    struct hsgd_trainer *t = make_trainer(m);
    for (int i = 0; i < STEPS; i++)
        if (!CHECK_MSG(!hsgd_trainer_step(t, BATCH, HSGD_FIELDS(x, labels), &r->loss[i]), "%s", hsgd_error(ctx)))
            core_end();
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
    REQUIRE(!hsgd_trainer_gradients(t, BATCH, HSGD_FIELDS(x, labels), g, N));
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

static void break_kernel(hsgd_cpu_fn *cpu, const char *source)
{
    broken = bend_fwd;
    broken.cpu = cpu;
    broken.opencl_source = source;
    kernel_fwd = &broken;
}

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
        int got = i ? hsgd_trainer_plan(t, BATCH) : hsgd_trainer_step(t, BATCH, HSGD_FIELDS(x, labels), NULL);
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
    CHECK_MSG(!hsgd_trainer_step(t, BATCH, HSGD_FIELDS(x, labels), NULL), "afterwards: %s", hsgd_error(ctx));
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&m);
    hsgd_destroy(&ctx);
}

static void source_does_not_compile(void)
{
    break_kernel(bend_fwd.cpu, "__kernel void bend_fwd(__global float *x) { x[0] = misspelt; }");
    expect_failure("opencl", -EIO, "misspelt");
}

static void no_such_entry_point(void)
{
    break_kernel(bend_fwd.cpu, "__kernel void other(__global float *x) { x[0] = 1; }");
    expect_failure("opencl", -EINVAL, "the OpenCL program has no kernel \"bend_fwd\"");
}

static void no_opencl_form(void)
{
    break_kernel(bend_fwd.cpu, NULL);
    expect_failure("opencl", -ENODEV, "kernel \"bend_fwd\" has no OpenCL form");
}

static void no_c_form(void)
{
    break_kernel(NULL, bend_fwd.opencl_source);
    expect_failure("cpu", -ENODEV, "kernel \"bend_fwd\" has no C form");
}

/* What takes too few arguments fails when it is launched. */
static void launch_fails(void)
{
    break_kernel(bend_fwd.cpu, "__kernel void bend_fwd(__global float *x) { x[0] = 1; }");
    char before[65], after[65];
    struct hsgd_context *ctx = core_context("opencl", 1, false);
    struct hsgd_model *m = make_model(ctx);
    struct hsgd_trainer *t = make_trainer(m);
    core_digits(0, BATCH, x, labels);
    CHECK(!hsgd_model_digest(m, before));
    CHECK(hsgd_trainer_step(t, BATCH, HSGD_FIELDS(x, labels), NULL) == -EIO);
    CHECK_MSG(strstr(hsgd_error(ctx), "kernel \"bend_fwd\" failed"), "%s", hsgd_error(ctx));
    CHECK(!hsgd_model_digest(m, after));
    CHECK_STR(after, before);
    CHECK(hsgd_wait(ctx) == 0);
    hsgd_trainer_destroy(&t);
    hsgd_model_destroy(&m);
    hsgd_destroy(&ctx);
}

/* ---------------------------------------------------------- scratch memory */

enum { SIDE = 48, ROWS = 40 };

static int mix_infer(struct hsgd_node *n, char *why, size_t size)
{
    (void)why, (void)size;
    n->outputs = 1;
    n->out[0] = n->in[0];
    hsgd_node_add_param(n, &(struct hsgd_param_spec){ .name = "weight", .rank = 2, .dim = { SIDE, SIDE } });
    return 0;
}

/* y = 2 x + 3 x W, with 2 x and x W in scratch memory: neither may be where the
 * product keeps its own. */
static void mix_forward(struct hsgd_emit *e)
{
    int n = e->rows * SIDE;
    struct hsgd_ref doubled = hsgd_scratch(e, n), product = hsgd_scratch(e, n), none = { .buffer = -1 };
    struct blend_args twice = { n, 2, 0 }, sum = { n, 1, 3 };
    struct hsgd_matmul p = { .m = e->rows, .n = SIDE, .k = SIDE, .lda = SIDE, .ldb = SIDE, .ldc = SIDE };
    HSGD_LAUNCH(e, &blend, HSGD_ITEMS, n, &twice, e->x[0], e->x[0], doubled);
    hsgd_emit_matmul(e, &p, e->x[0], hsgd_param_at(e, 0), product, none);
    HSGD_LAUNCH(e, &blend, HSGD_ITEMS, n, &sum, doubled, product, e->y[0]);
}

static const struct hsgd_op mix = {
    .name = "mix", .layouts = 1u << HSGD_NHWC, .infer = mix_infer, .forward = { { mix_forward } }
};

static void scratch_beside_a_product(void)
{
    static float in[ROWS * SIDE], w[SIDE * SIDE], y[ROWS * SIDE];
    struct hsgd_context *ctx = core_context("cpu,opencl", 1, false);
    struct hsgd_op_call call = { .rows = ROWS, .in = { hsgd_vector(SIDE) }, .x = { in }, .params = { w }, .y = { y } };
    for (int i = 0; i < ROWS * SIDE; i++) in[i] = sinf((float)i);
    for (int i = 0; i < SIDE * SIDE; i++) w[i] = cosf(0.7f * (float)i);
    for (int d = 0; d < hsgd_device_count(ctx); d++) {
        double most = 0;
        memset(y, 0, sizeof y);
        REQUIRE(!hsgd_op_run(ctx, d, &mix, NULL, &call));
        for (int r = 0; r < ROWS; r++)
            for (int c = 0; c < SIDE; c++) {
                double want = 2 * in[r * SIDE + c];
                for (int k = 0; k < SIDE; k++) want += 3.0 * in[r * SIDE + k] * w[k * SIDE + c];
                most = fmax(most, fabs(y[r * SIDE + c] - want));
            }
        CHECK_MSG(most < 1e-4, "device %d: off by %g", d, most);
    }
    hsgd_destroy(&ctx);
}

/* ----------------------------------------------------------------- slices */

/* In each lane, those beyond the last sample included: dx = dy + 1. */
static void careless_backward(struct hsgd_emit *e)
{
    struct blend_args a = { hsgd_stored_rows(e) * e->node->in[0].dim[0], 1, 1 };
    HSGD_LAUNCH(e, &blend, HSGD_ITEMS, a.n, &a, e->x[0], e->dy[0], e->dx[0]);
}

static void careless_forward(struct hsgd_emit *e)
{
    struct blend_args a = { hsgd_stored_rows(e) * e->node->in[0].dim[0], 1, 0 };
    HSGD_LAUNCH(e, &blend, HSGD_ITEMS, a.n, &a, e->x[0], e->x[0], e->y[0]);
}

static int same_type(struct hsgd_node *n, char *why, size_t size)
{
    (void)why, (void)size;
    n->outputs = 1;
    n->out[0] = n->in[0];
    return 0;
}

static const struct hsgd_op careless = { .name = "careless",
                                         .layouts = 1u << HSGD_LANES,
                                         .infer = same_type,
                                         .forward = { { careless_forward } },
                                         .backward = { { careless_backward } } };

static void expect_refusal(struct hsgd_context *ctx, struct hsgd_op_call call, const char *sentence)
{
    CHECK(hsgd_op_run(ctx, 0, &careless, NULL, &call) == -EINVAL);
    CHECK_STR(hsgd_error(ctx), sentence);
}

static void slices_are_checked(void)
{
    static float v[20 * 3], w[20 * 3];
    struct hsgd_context *ctx = core_context("cpu", 1, false);
    struct hsgd_op_call call = { .rows = 20, .in = { hsgd_vector(3) }, .x = { v }, .dy = { v }, .dx = { w } };
    int some[] = { 7, 12 }, zero[] = { 20, 0 }, whole[] = { 16, 4 };
    call.slices = some, call.nslices = 2;
    expect_refusal(ctx, call, "careless: the slices must be at least 1 row each, and 20 together");
    call.slices = zero;
    expect_refusal(ctx, call, "careless: the slices must be at least 1 row each, and 20 together");
    call.nslices = 65;
    expect_refusal(ctx, call, "careless: nslices must be 1 to 64, not 65");
    call.slices = whole, call.nslices = 2;
    expect_refusal(ctx, call, "careless: dx[0] is not 0 in lanes beyond the last sample");
    call.adds = 1;
    expect_refusal(ctx, call, "careless: it cannot add to these dx");
    hsgd_destroy(&ctx);
}

static const struct core_case cases[] = { { "trains_everywhere", trains_everywhere },
                                          { "gradient_is_the_slope", gradient_is_the_slope },
                                          { "source_does_not_compile", source_does_not_compile },
                                          { "no_such_entry_point", no_such_entry_point },
                                          { "no_opencl_form", no_opencl_form },
                                          { "no_c_form", no_c_form },
                                          { "launch_fails", launch_fails },
                                          { "scratch_beside_a_product", scratch_beside_a_product },
                                          { "slices_are_checked", slices_are_checked } };
CORE_MAIN(cases)
