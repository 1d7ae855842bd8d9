/* SPDX-License-Identifier: BSD-3-Clause */
/* exp, log, tanh, erf and the logistic function of codelets/vector_math.h over a dense sample of all floats, NaN and
 * infinities among them, against the C library's in double precision. */
#include "core.h"

#include <float.h>
#include <math.h>

#include "vector_math_kernels.h"

/* Every 4099th of the 2^32 floats, by their bits, and those around zero. */
enum { STRIDE = 4099, N = (int)((1LL << 32) / STRIDE) + 1 };

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

/* ulps: the bound that vector_math.h states */
static const struct function {
    const char *name;
    const struct hsgd_kernel *kernel;
    double (*exact)(double);
    double ulps;
} functions[] = { { "exp", &vector_math_exp, exp, 2 },
                  { "log", &vector_math_log, log, 2 },
                  { "tanh", &vector_math_tanh, tanh, 6 },
                  { "erf", &vector_math_erf, erf, 3 },
                  { "sigmoid", &vector_math_sigmoid, sigmoid, 3 } };
enum { FUNCTIONS = sizeof functions / sizeof *functions };

static int infer(struct hsgd_node *n, char *why, size_t size)
{
    (void)why, (void)size;
    n->outputs = 1;
    n->out[0] = n->in[0];
    return 0;
}

static void forward(struct hsgd_emit *e)
{
    const struct function *const *f = e->node->attributes;
    struct vector_math_args a = { N };
    HSGD_LAUNCH(e, (*f)->kernel, HSGD_ITEMS, N, &a, e->x[0], e->y[0]);
}

static const struct hsgd_op op = { .name = "vector_math",
                                   .attributes_size = sizeof(const struct function *),
                                   .layouts = 1u << HSGD_NHWC,
                                   .infer = infer,
                                   .forward = { { forward } } };

/* Error in units in the last place of the exact value; HUGE_VAL where it is no number in one of both only.  Devices
 * may take denormal numbers for 0. */
static double ulps(const struct function *f, float x, float y)
{
    double exact = f->exact(x);
    int exponent;
    if (fabsf(x) < FLT_MIN && y == (float)f->exact(0)) return 0;
    if (isnan(exact)) return isnan(y) ? 0 : HUGE_VAL;
    if (isinf((float)exact)) return y == (float)exact ? 0 : HUGE_VAL;
    if (fabs(exact) < FLT_MIN) return fabsf(y) <= FLT_MIN ? 0 : HUGE_VAL;
    frexp(exact, &exponent);
    double off = fabs(y - exact) / ldexp(1, exponent - FLT_MANT_DIG);
    return isnan(off) ? HUGE_VAL : off;
}

static void compare(struct hsgd_context *ctx, int device, const struct function *f, const float *x, float *y)
{
    struct hsgd_op_call run = { .rows = 1, .in = { hsgd_vector(N) }, .x = { x }, .y = { y } };
    double worst = 0;
    float at = 0;
    REQUIRE(hsgd_op_run(ctx, device, &op, &f, &run) == 0);
    for (int i = 0; i < N; i++) {
        double off = ulps(f, x[i], y[i]);
        if (off > worst) worst = off, at = x[i];
    }
    struct hsgd_device d;
    hsgd_device_get(ctx, device, &d, sizeof d);
    printf("    %s: %s within %.2f ulp\n", d.id, f->name, worst);
    CHECK_MSG(worst <= f->ulps, "%s of %a (%.9g): %g ulp off, at most %g are allowed", f->name, (double)at, (double)at,
              worst, f->ulps);
}

static void all_floats(void)
{
    struct hsgd_context *ctx = core_context(NULL, 1, false);
    float *x = malloc(N * sizeof *x), *y = malloc(N * sizeof *y);
    REQUIRE(x && y);
    for (uint64_t i = 0; i < N; i++) {
        uint32_t bits = (uint32_t)(i * STRIDE);
        memcpy(&x[i], &bits, sizeof bits);
    }
    const float special[] = { 0.0f,    -0.0f,    INFINITY, -INFINITY,   NAN,        FLT_MIN,
                              FLT_MAX, -FLT_MAX, 1.0f,     88.7228317f, 88.7228394f };
    memcpy(x, special, sizeof special);
    for (int d = 0; d < hsgd_device_count(ctx); d++)
        for (int f = 0; f < FUNCTIONS; f++) compare(ctx, d, &functions[f], x, y);
    free(x), free(y);
    hsgd_destroy(&ctx);
}

static const struct core_case cases[] = { { "all_floats", all_floats } };
CORE_MAIN(cases)
