/* SPDX-License-Identifier: BSD-3-Clause */
/* cuDNN's functions that are called.  HSGD_CUDAEMU_ALGORITHMS=0: none is known
 * for any convolution; HSGD_CUDAEMU_CUDNN_FAILS=1: every convolution fails. */
#pragma GCC visibility push(default)
#include <cudnn.h>
#pragma GCC visibility pop

#include <stdlib.h>

#include "convolution.h"
#include "stream.h"

#define EXPORT __attribute__((visibility("default")))

struct cudnnContext {
    int device;
    cudaStream_t stream;
};
struct cudnnTensorStruct {
    struct tensor is;
};
struct cudnnFilterStruct {
    struct tensor is;
};
struct cudnnConvolutionStruct {
    struct convolution is;
};

EXPORT size_t cudnnGetVersion(void) { return CUDNN_VERSION; }

EXPORT const char *cudnnGetErrorString(cudnnStatus_t status)
{
    return status == CUDNN_STATUS_EXECUTION_FAILED ? "CUDNN_STATUS_EXECUTION_FAILED (emulated)" : "an emulated error";
}

#define CREATE(Call, type) \
    EXPORT cudnnStatus_t cudnnCreate##Call(type *out) \
    { \
        return (*out = calloc(1, sizeof **out)) ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_ALLOC_FAILED; \
    }
#define DESTROY(Call, type) \
    EXPORT cudnnStatus_t cudnnDestroy##Call(type it) \
    { \
        free(it); \
        return CUDNN_STATUS_SUCCESS; \
    }
CREATE(TensorDescriptor, cudnnTensorDescriptor_t)
CREATE(FilterDescriptor, cudnnFilterDescriptor_t)
CREATE(ConvolutionDescriptor, cudnnConvolutionDescriptor_t)
DESTROY(TensorDescriptor, cudnnTensorDescriptor_t)
DESTROY(FilterDescriptor, cudnnFilterDescriptor_t)
DESTROY(ConvolutionDescriptor, cudnnConvolutionDescriptor_t)
DESTROY(, cudnnHandle_t)

EXPORT cudnnStatus_t cudnnCreate(cudnnHandle_t *handle)
{
    if (!(*handle = calloc(1, sizeof **handle))) return CUDNN_STATUS_ALLOC_FAILED;
    (*handle)->device = emu_device();
    return CUDNN_STATUS_SUCCESS;
}

EXPORT cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream)
{
    handle->stream = stream;
    return CUDNN_STATUS_SUCCESS;
}

/* ---------------------------------------------------------- descriptions */

static cudnnStatus_t lay_out(struct tensor *t, cudnnTensorFormat_t format, cudnnDataType_t type, int n, int c, int h,
                             int w)
{
    if (type != CUDNN_DATA_FLOAT || n < 1 || c < 1 || h < 1 || w < 1) return CUDNN_STATUS_BAD_PARAM;
    size_t C = (size_t)c, H = (size_t)h, W = (size_t)w;
    if (format == CUDNN_TENSOR_NHWC) *t = (struct tensor){ n, c, h, w, H * W * C, 1, W * C, C };
    else if (format == CUDNN_TENSOR_NCHW) *t = (struct tensor){ n, c, h, w, C * H * W, H * W, W, 1 };
    else return CUDNN_STATUS_NOT_SUPPORTED;
    return CUDNN_STATUS_SUCCESS;
}

EXPORT cudnnStatus_t cudnnSetTensor4dDescriptor(cudnnTensorDescriptor_t t, cudnnTensorFormat_t format,
                                                cudnnDataType_t type, int n, int c, int h, int w)
{
    return lay_out(&t->is, format, type, n, c, h, w);
}

EXPORT cudnnStatus_t cudnnSetFilter4dDescriptor(cudnnFilterDescriptor_t f, cudnnDataType_t type,
                                                cudnnTensorFormat_t format, int k, int c, int h, int w)
{
    return lay_out(&f->is, format, type, k, c, h, w);
}

EXPORT cudnnStatus_t cudnnSetConvolution2dDescriptor(cudnnConvolutionDescriptor_t conv, int pad_h, int pad_w, int u,
                                                     int v, int dilation_h, int dilation_w, cudnnConvolutionMode_t mode,
                                                     cudnnDataType_t type)
{
    if (dilation_h != 1 || dilation_w != 1 || mode != CUDNN_CROSS_CORRELATION || type != CUDNN_DATA_FLOAT)
        return CUDNN_STATUS_NOT_SUPPORTED;
    conv->is = (struct convolution){ .pad_h = pad_h, .pad_w = pad_w, .stride_h = u, .stride_w = v };
    return CUDNN_STATUS_SUCCESS;
}

EXPORT cudnnStatus_t cudnnSetConvolutionMathType(cudnnConvolutionDescriptor_t conv, cudnnMathType_t math)
{
    conv->is.tf32 = math != CUDNN_FMA_MATH;
    return CUDNN_STATUS_SUCCESS;
}

/* ------------------------------------------------------------ algorithms */

static int outputs(int in, int pad, int k, int stride) { return (in + 2 * pad - k) / stride + 1; }

/* What is asked for; tensors that do not fit together are a fault. */
static struct convolution together(cudnnHandle_t handle, cudnnConvolutionDescriptor_t conv, cudnnTensorDescriptor_t x,
                                   cudnnFilterDescriptor_t w, cudnnTensorDescriptor_t y, enum convolution_kind kind)
{
    struct convolution v = conv->is;
    v.kind = kind;
    v.device = handle->device;
    v.x = x->is;
    v.w = w->is;
    v.y = y->is;
    if (v.x.n != v.y.n || v.x.c != v.w.c || v.y.c != v.w.n || v.y.h != outputs(v.x.h, v.pad_h, v.w.h, v.stride_h) ||
        v.y.w != outputs(v.x.w, v.pad_w, v.w.w, v.stride_w))
        emu_fault("cuDNN: tensors that do not fit together");
    return v;
}

/* As real ones: something, and not the same for all shapes; nothing at all for a few. */
static size_t needed(const struct convolution *v)
{
    size_t floats = (size_t)v->y.n * (size_t)v->y.h * (size_t)v->y.w + (size_t)(7 * v->w.n * (v->kind + 1));
    return v->w.h == 2 ? 0 : floats * sizeof(float) - 2;
}

#define LARGE ((size_t)1 << 40)
/* A list has first what is not to be chosen: not supported, another result each
 * time, a transform, too large.  GOOD is the last one. */
#define ALGORITHMS(Direction, Result, Algo, TRANSFORM, BAD, GOOD, KIND, First, first, Second, second, Third, third) \
    EXPORT cudnnStatus_t cudnnGetConvolution##Direction##WorkspaceSize( \
        cudnnHandle_t handle, const First first, const Second second, const cudnnConvolutionDescriptor_t conv, \
        const Third third, Algo algo, size_t *bytes) \
    { \
        struct convolution v = together(handle, conv, x, w, y, KIND); \
        *bytes = algo == BAD && v.w.h == 3 ? LARGE : needed(&v); \
        return CUDNN_STATUS_SUCCESS; \
    } \
    EXPORT cudnnStatus_t cudnnGetConvolution##Direction##Algorithm_v7( \
        cudnnHandle_t handle, const First first, const Second second, const cudnnConvolutionDescriptor_t conv, \
        const Third third, const int wanted, int *found, Result *list) \
    { \
        struct convolution v = together(handle, conv, x, w, y, KIND); \
        const Result all[] = { \
            { .algo = BAD, .status = CUDNN_STATUS_NOT_SUPPORTED, .determinism = CUDNN_DETERMINISTIC }, \
            { .algo = BAD, .determinism = CUDNN_NON_DETERMINISTIC }, \
            { .algo = TRANSFORM, .determinism = CUDNN_DETERMINISTIC }, \
            { .algo = BAD, \
              .status = v.w.h == 3 ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_NOT_SUPPORTED, \
              .determinism = CUDNN_DETERMINISTIC, \
              .memory = LARGE }, \
            { .algo = GOOD, .determinism = CUDNN_DETERMINISTIC, .memory = needed(&v) } \
        }; \
        *found = emu_environment("HSGD_CUDAEMU_ALGORITHMS", 1) ? (int)(sizeof all / sizeof *all) : 0; \
        if (*found > wanted) *found = wanted; \
        for (int i = 0; i < *found; i++) list[i] = all[i]; \
        return CUDNN_STATUS_SUCCESS; \
    }
#define TENSOR cudnnTensorDescriptor_t
#define FILTER cudnnFilterDescriptor_t
#define GOOD_FORWARD CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM
#define GOOD_DATA CUDNN_CONVOLUTION_BWD_DATA_ALGO_1
#define GOOD_FILTER CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1
ALGORITHMS(Forward, cudnnConvolutionFwdAlgoPerf_t, cudnnConvolutionFwdAlgo_t, CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD,
           CUDNN_CONVOLUTION_FWD_ALGO_GEMM, GOOD_FORWARD, CONVOLVE, TENSOR, x, FILTER, w, TENSOR, y)
ALGORITHMS(BackwardData, cudnnConvolutionBwdDataAlgoPerf_t, cudnnConvolutionBwdDataAlgo_t,
           CUDNN_CONVOLUTION_BWD_DATA_ALGO_WINOGRAD, CUDNN_CONVOLUTION_BWD_DATA_ALGO_0, GOOD_DATA, CONVOLVE_DATA,
           FILTER, w, TENSOR, y, TENSOR, x)
ALGORITHMS(BackwardFilter, cudnnConvolutionBwdFilterAlgoPerf_t, cudnnConvolutionBwdFilterAlgo_t,
           CUDNN_CONVOLUTION_BWD_FILTER_ALGO_FFT, CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0, GOOD_FILTER, CONVOLVE_FILTER,
           TENSOR, x, TENSOR, y, FILTER, w)

/* --------------------------------------------------------------- running */

static cudnnStatus_t enqueue(cudnnHandle_t handle, struct convolution v, const void *alpha, const void *beta, bool good,
                             void *workspace, size_t bytes)
{
    emu_lock();
    emu_doing("cuDNN", "");
    struct emu_stream *s = emu_stream(handle->stream);
    if (emu_device() != handle->device || emu_stream_device(s) != handle->device)
        emu_fault("a handle of device %d on device %d", handle->device, emu_device());
    if (*(const float *)alpha != 1 || *(const float *)beta != 0) emu_fault("other factors than 1 and 0");
    if (!good) emu_fault("an algorithm that was not to be chosen");
    if (bytes < needed(&v)) emu_fault("a workspace of %zu bytes instead of %zu", bytes, needed(&v));
    v.workspace = workspace;
    v.workspace_bytes = needed(&v);
    convolution_check(&v);
    bool fails = emu_environment("HSGD_CUDAEMU_CUDNN_FAILS", 0);
    if (!fails) emu_enqueue(s, convolution_run, &v, sizeof v);
    emu_unlock();
    return fails ? CUDNN_STATUS_EXECUTION_FAILED : CUDNN_STATUS_SUCCESS;
}

EXPORT cudnnStatus_t cudnnConvolutionForward(cudnnHandle_t handle, const void *alpha, const TENSOR x, const void *x_at,
                                             const FILTER w, const void *w_at, const cudnnConvolutionDescriptor_t conv,
                                             cudnnConvolutionFwdAlgo_t algo, void *workspace, size_t bytes,
                                             const void *beta, const TENSOR y, void *y_at)
{
    struct convolution v = together(handle, conv, x, w, y, CONVOLVE);
    v.memory[0] = x_at, v.memory[1] = w_at, v.memory[2] = y_at;
    return enqueue(handle, v, alpha, beta, algo == GOOD_FORWARD, workspace, bytes);
}

EXPORT cudnnStatus_t cudnnConvolutionBackwardData(cudnnHandle_t handle, const void *alpha, const FILTER w,
                                                  const void *w_at, const TENSOR y, const void *y_at,
                                                  const cudnnConvolutionDescriptor_t conv,
                                                  cudnnConvolutionBwdDataAlgo_t algo, void *workspace, size_t bytes,
                                                  const void *beta, const TENSOR x, void *x_at)
{
    struct convolution v = together(handle, conv, x, w, y, CONVOLVE_DATA);
    v.memory[0] = x_at, v.memory[1] = w_at, v.memory[2] = y_at;
    return enqueue(handle, v, alpha, beta, algo == GOOD_DATA, workspace, bytes);
}

EXPORT cudnnStatus_t cudnnConvolutionBackwardFilter(cudnnHandle_t handle, const void *alpha, const TENSOR x,
                                                    const void *x_at, const TENSOR y, const void *y_at,
                                                    const cudnnConvolutionDescriptor_t conv,
                                                    cudnnConvolutionBwdFilterAlgo_t algo, void *workspace, size_t bytes,
                                                    const void *beta, const FILTER w, void *w_at)
{
    struct convolution v = together(handle, conv, x, w, y, CONVOLVE_FILTER);
    v.memory[0] = x_at, v.memory[1] = w_at, v.memory[2] = y_at;
    return enqueue(handle, v, alpha, beta, algo == GOOD_FILTER, workspace, bytes);
}
