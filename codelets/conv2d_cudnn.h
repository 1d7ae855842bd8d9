/* SPDX-License-Identifier: BSD-3-Clause */
/* Convolution by cuDNN, where a CUDA device has it and it can do this one: else
 * these describe nothing and return false. */
#ifndef HSGD_CODELETS_CONV2D_CUDNN_H
#define HSGD_CODELETS_CONV2D_CUDNN_H

#include "kernels.h"

bool conv2d_cudnn_forward(struct hsgd_emit *e, struct conv2d_args a);
/* Those of weight and bias; *dy is then dy as NHWC, in scratch memory. */
bool conv2d_cudnn_gradients(struct hsgd_emit *e, struct conv2d_args a, struct hsgd_ref *dy);
/* dy: as conv2d_cudnn_gradients() left it; buffer -1: it did not. */
bool conv2d_cudnn_input_gradient(struct hsgd_emit *e, struct conv2d_args a, struct hsgd_ref dy);

#endif
