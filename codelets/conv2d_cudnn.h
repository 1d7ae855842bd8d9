/* SPDX-License-Identifier: BSD-3-Clause */
/* Convolution by cuDNN.  Where the CUDA device has no cuDNN, or cuDNN does not
 * support the convolution, these functions emit nothing and return false. */
#ifndef HSGD_CODELETS_CONV2D_CUDNN_H
#define HSGD_CODELETS_CONV2D_CUDNN_H

#include "conv.h"

bool conv2d_cudnn_forward(struct hsgd_emit *e, const struct conv *c, struct conv2d_args a);
/* Gradients of weight and bias; on success *dy is dy in NHWC, in scratch memory. */
bool conv2d_cudnn_gradients(struct hsgd_emit *e, const struct conv *c, struct conv2d_args a, struct hsgd_ref *dy);
/* dy: from conv2d_cudnn_gradients(); buffer -1: not computed, so dy is transposed here. */
bool conv2d_cudnn_input_gradient(struct hsgd_emit *e, struct conv2d_args a, struct hsgd_ref dy);

#endif
