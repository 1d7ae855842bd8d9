/* SPDX-License-Identifier: BSD-3-Clause */
/* cuDNN as it is called: a library that is loaded when a CUDA device starts,
 * and may be missing.  Only where the build has cudnn.h. */
#ifndef HSGD_CODELETS_CUDNN_CALLS_H
#define HSGD_CODELETS_CUDNN_CALLS_H

#include <cudnn.h>

#define CUDNN_CALLS(CALL) \
    CALL(cudnnGetVersion) CALL(cudnnGetErrorString) CALL(cudnnCreate) CALL(cudnnDestroy) CALL(cudnnSetStream) \
    CALL(cudnnCreateTensorDescriptor) CALL(cudnnSetTensor4dDescriptor) CALL(cudnnDestroyTensorDescriptor) \
    CALL(cudnnCreateFilterDescriptor) CALL(cudnnSetFilter4dDescriptor) CALL(cudnnDestroyFilterDescriptor) \
    CALL(cudnnCreateConvolutionDescriptor) CALL(cudnnSetConvolution2dDescriptor) \
    CALL(cudnnSetConvolutionMathType) CALL(cudnnDestroyConvolutionDescriptor) \
    CALL(cudnnGetConvolutionForwardAlgorithm_v7) CALL(cudnnGetConvolutionForwardWorkspaceSize) \
    CALL(cudnnGetConvolutionBackwardDataAlgorithm_v7) CALL(cudnnGetConvolutionBackwardDataWorkspaceSize) \
    CALL(cudnnGetConvolutionBackwardFilterAlgorithm_v7) CALL(cudnnGetConvolutionBackwardFilterWorkspaceSize) \
    CALL(cudnnConvolutionForward) CALL(cudnnConvolutionBackwardData) CALL(cudnnConvolutionBackwardFilter)

/* What hsgd_cuda_queue.cudnn points to: one thread's. */
struct cudnn {
    cudnnHandle_t handle;
    int min_channels;  /* convolutions with fewer, on either side, are not for it */
#define CUDNN_MEMBER(name) __typeof__(&name) name;
    CUDNN_CALLS(CUDNN_MEMBER)
#undef CUDNN_MEMBER
};

#endif
