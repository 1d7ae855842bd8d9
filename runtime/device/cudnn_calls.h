/* SPDX-License-Identifier: BSD-3-Clause */
/* The cuDNN functions that are called.  The library is loaded when a CUDA
 * device starts, and may be missing.  Only in builds with cudnn.h. */
#ifndef HSGD_RUNTIME_CUDNN_CALLS_H
#define HSGD_RUNTIME_CUDNN_CALLS_H

#include <cudnn.h>

#define CUDNN_CALLS(CALL) \
    CALL(cudnnGetVersion) \
    CALL(cudnnGetErrorString) \
    CALL(cudnnCreate) \
    CALL(cudnnDestroy) \
    CALL(cudnnSetStream) \
    CALL(cudnnCreateTensorDescriptor) \
    CALL(cudnnSetTensor4dDescriptor) \
    CALL(cudnnDestroyTensorDescriptor) \
    CALL(cudnnCreateFilterDescriptor) \
    CALL(cudnnSetFilter4dDescriptor) \
    CALL(cudnnDestroyFilterDescriptor) \
    CALL(cudnnCreateConvolutionDescriptor) \
    CALL(cudnnSetConvolution2dDescriptor) \
    CALL(cudnnSetConvolutionMathType) \
    CALL(cudnnDestroyConvolutionDescriptor) \
    CALL(cudnnGetConvolutionForwardAlgorithm_v7) \
    CALL(cudnnGetConvolutionForwardWorkspaceSize) \
    CALL(cudnnGetConvolutionBackwardDataAlgorithm_v7) \
    CALL(cudnnGetConvolutionBackwardDataWorkspaceSize) \
    CALL(cudnnGetConvolutionBackwardFilterAlgorithm_v7) \
    CALL(cudnnGetConvolutionBackwardFilterWorkspaceSize) \
    CALL(cudnnConvolutionForward) \
    CALL(cudnnConvolutionBackwardData) \
    CALL(cudnnConvolutionBackwardFilter)

/* hsgd_cuda_queue.cudnn points to this; one per thread. */
struct cudnn {
    cudnnHandle_t handle;
    int min_channels; /* convolutions with fewer input or output channels use our kernels */
#define CUDNN_MEMBER(name) __typeof__(&name) name;
    CUDNN_CALLS(CUDNN_MEMBER)
#undef CUDNN_MEMBER
};

#endif
