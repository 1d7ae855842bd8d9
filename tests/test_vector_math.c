/* SPDX-License-Identifier: BSD-3-Clause */
/* exp, log, tanh, erf and the logistic function (codelets/vector_math.h) over a dense sample of all floats, NaN and
 * infinities among them, against the C library's in double precision. */
#include <float.h>
#include <stdio.h>
#include <string.h>

#include "reference/check.h"
#include "test_ops.h"

/* Every 4099th of the 2^32 floats, by their bits. */
enum { STRIDE = 4099, N = (int)((1LL << 32) / STRIDE) + 1 };

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

/* ulps: the bound that vector_math.h states */
static const struct function {
    const char *name;
    const struct hsgd_op *op;
    struct hsgd_pointwise attributes;
    double (*exact)(double);
    double ulps;
} functions[] = { { "exp", &hsgd_op_pointwise, { .function = HSGD_FUNCTION_EXP }, exp, 2 },
                  { "log", &hsgd_op_pointwise, { .function = HSGD_FUNCTION_LOG }, log, 2 },
                  { "erf", &hsgd_op_pointwise, { .function = HSGD_FUNCTION_ERF }, erf, 3 },
                  { "tanh", &hsgd_op_tanh, { 0 }, tanh, 6 },
                  { "sigmoid", &hsgd_op_sigmoid, { 0 }, sigmoid, 3 } };
enum { FUNCTIONS = sizeof functions / sizeof *functions };

/* Error in units in the last place of the exact value; HUGE_VAL where only one of both is a number.  Devices may take
 * denormal numbers for 0. */
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

static void compare(int device, const struct function *f, const float *x, float *y)
{
    struct hsgd_op_call run = { .rows = 1, .in = { hsgd_vector(N) }, .x = { x }, .y = { y } };
    double worst = 0, at = 0;
    check_shape("%s of %d floats", f->name, N);
    check_run(device, f->op, &f->attributes, &run, N);
    for (int i = 0; i < N; i++) {
        double off = ulps(f, x[i], y[i]);
        if (off > worst) worst = off, at = x[i];
    }
    check_that(worst <= f->ulps, "%s of %a (%.9g) is %g ulp off, at most %g are allowed", f->name, at, at, worst,
               f->ulps);
}

void test_vector_math(void)
{
    const float special[] = { 0.0f,    -0.0f,    INFINITY, -INFINITY,   NAN,        FLT_MIN,
                              FLT_MAX, -FLT_MAX, 1.0f,     88.7228317f, 88.7228394f };
    float *x = malloc(N * sizeof *x), *y = malloc(N * sizeof *y);
    for (uint64_t i = 0; x && i < N; i++) {
        uint32_t bits = (uint32_t)(i * STRIDE);
        memcpy(&x[i], &bits, sizeof bits);
    }
    if (x && y) {
        memcpy(x, special, sizeof special);
        for (int d = 0; d < check_devices(); d++)
            for (int f = 0; f < FUNCTIONS; f++) compare(d, &functions[f], x, y);
    }
    free(x), free(y);
}
