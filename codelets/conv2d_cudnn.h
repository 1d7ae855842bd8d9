/* Convolution by cuDNN, where a CUDA device has it and it can do this one: else
 * these describe nothing and return false. */
#ifndef HSGD_CODELETS_CONV2D_CUDNN_H
#define HSGD_CODELETS_CONV2D_CUDNN_H

#include "kernels.h"

bool conv2d_cudnn_forward(struct hsgd_emit *e, struct conv2d_args a);
/* Those of weight and bias. */
bool conv2d_cudnn_gradients(struct hsgd_emit *e, struct conv2d_args a);
/* turned: conv2d_cudnn_gradients() was there just before and left its dy. */
bool conv2d_cudnn_input_gradient(struct hsgd_emit *e, struct conv2d_args a, bool turned);

#endif
