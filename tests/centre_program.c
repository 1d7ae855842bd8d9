/* SPDX-License-Identifier: BSD-3-Clause */
/* The operation at the end of doc/adding-an-op.md against its formulas, on every
 * device, over one slice and over three of unequal size. */
#include <hsgd/hsgd.h>

#ifndef IN_LIBRARY /* where it is part of ops.h */
#include "centre.h"
#endif

#include <math.h>
#include <stdio.h>

enum { ROWS = 23, COLS = 37 };

static float x[ROWS * COLS], gate[ROWS], dy[ROWS * COLS], state[COLS];
static float y[ROWS * COLS], dx[ROWS * COLS], dgate[ROWS], after[COLS];
static int failures;

static void check(const char *what, int i, double got, double want)
{
    if (fabs(got - want) <= 2e-6 * (1 + fabs(want))) return;
    if (!failures++) printf("%s[%d] is %.9g, not %.9g\n", what, i, got, want);
}

static void check_forward(const double *mean)
{
    for (int i = 0; i < ROWS * COLS; i++) check("y", i, y[i], x[i] - gate[i / COLS] * mean[i % COLS]);
}

static void check_backward(const double *mean)
{
    for (int c = 0; c < COLS; c++) {
        double sum = 0;
        for (int r = 0; r < ROWS; r++) sum += (double)gate[r] * dy[r * COLS + c] / ROWS;
        for (int r = 0; r < ROWS; r++) check("dx", r * COLS + c, dx[r * COLS + c], dy[r * COLS + c] - sum);
    }
    for (int r = 0; r < ROWS; r++) {
        double sum = 0;
        for (int c = 0; c < COLS; c++) sum -= dy[r * COLS + c] * mean[c];
        check("dgate", r, dgate[r], sum);
    }
}

static void run(struct hsgd_context *ctx, int device, const int *slices, bool training)
{
    struct hsgd_centre a = { 0.25f };
    struct hsgd_op_call call = { .rows = ROWS,
                                 .slices = slices,
                                 .nslices = 3,
                                 .in = { hsgd_vector(COLS), hsgd_number(HSGD_F32) },
                                 .x = { x, gate },
                                 .dy = { training ? dy : NULL },
                                 .params = { state },
                                 .y = { y },
                                 .dx = { dx, dgate },
                                 .gradients = { after },
                                 .training = training };
    double mean[COLS];
    if (hsgd_op_run(ctx, device, &hsgd_op_centre, &a, &call)) {
        printf("%s\n", hsgd_error(ctx));
        failures++;
        return;
    }
    for (int c = 0; c < COLS; c++) {
        mean[c] = training ? 0 : state[c];
        for (int r = 0; training && r < ROWS; r++) mean[c] += (double)x[r * COLS + c] / ROWS;
        check("running_mean", c, after[c], training ? 0.75 * state[c] + 0.25 * mean[c] : state[c]);
    }
    check_forward(mean);
    if (training) check_backward(mean);
}

int main(void)
{
    static const int slices[] = { 5, 11, 7 };
    struct hsgd_context_options o = { .size = sizeof o, .devices = "cpu,opencl", .threads = 1 };
    struct hsgd_context *ctx;
    for (int i = 0; i < ROWS * COLS; i++) x[i] = sinf(0.7f * (float)i) + 1, dy[i] = cosf(0.3f * (float)i);
    for (int r = 0; r < ROWS; r++) gate[r] = 0.1f * (float)(r % 11);
    for (int c = 0; c < COLS; c++) state[c] = 0.01f * (float)c;
    if (hsgd_create(&ctx, &o)) {
        printf("%s\n", hsgd_error(ctx));
        return 1;
    }
#ifdef IN_LIBRARY
    if (hsgd_op_by_name("centre") != &hsgd_op_centre) {
        printf("the library does not have the operation\n");
        failures++;
    }
#endif
    int devices = hsgd_device_count(ctx);
    for (int d = 0; d < devices; d++) {
        run(ctx, d, NULL, true);
        run(ctx, d, slices, true);
        run(ctx, d, slices, false);
    }
    hsgd_destroy(&ctx);
    printf("%d devices, %d values wrong\n", devices, failures);
    return failures || devices < 2;
}
