/* SPDX-License-Identifier: BSD-3-Clause */
/* What kernels of several files share, and host code; table.c checks the constants against <hsgd/ops.h>. */
#ifndef HSGD_CODELETS_SHARED_H
#define HSGD_CODELETS_SHARED_H

/* enum hsgd_activation */
enum { ACTIVATION_NONE, ACTIVATION_RELU, ACTIVATION_TANH, ACTIVATION_SIGMOID };

/* Columns of the step table: HSGD_STEP_... */
enum { STEP_RATE, STEP_CORRECT1, STEP_CORRECT2, STEP_SCALE, STEP_NUMBER, STEP_SEED, STEP_SHARE, STEP_EMA };

/* The losses of values: mean over a row of a function of y - target, times scale. */
struct value_loss_args {
    int rows, cols, want_gradient;
    float scale;
};

#endif
