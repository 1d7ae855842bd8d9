/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "op_bench.h"

#include <math.h>

#ifdef HSGD_USE_CUDNN

#include <cuda_runtime_api.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "../runtime/device/cudnn_calls.h"

#define MOST 16
#define MAX_WORKSPACE ((size_t)1 << 30)
#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)

enum { X, W, Y, DX, DW, TENSORS };

/* A convolution and the algorithms that cuDNN's heuristics rank first, whether
 * or not they are exact and deterministic. */
struct convolutions {
    struct cudnn cudnn;
    cudnnTensorDescriptor_t x, y;
    cudnnFilterDescriptor_t w;
    cudnnConvolutionDescriptor_t conv;
    cudnnConvolutionFwdAlgo_t forward;
    cudnnConvolutionBwdDataAlgo_t data;
    cudnnConvolutionBwdFilterAlgo_t filter;
    float *tensor[TENSORS];
    void *workspace;
    size_t bytes;
    bool backward;
};

static bool load(struct cudnn *c)
{
    const char *name = getenv("HSGD_CUDNN");
    void *library = dlopen(name && strchr(name, '/') ? name : "libcudnn.so." TEXT(CUDNN_MAJOR), RTLD_NOW);
    if (!library) return false;
#define FIND(call) \
    if (!(c->call = (__typeof__(c->call))dlsym(library, #call))) return false;
    CUDNN_CALLS(FIND)
#undef FIND
    return !c->cudnnCreate(&c->handle);
}

static bool describe(struct convolutions *v, const struct direct_conv *a)
{
    const struct cudnn *c = &v->cudnn;
    return !c->cudnnCreateTensorDescriptor(&v->x) && !c->cudnnCreateTensorDescriptor(&v->y) &&
           !c->cudnnCreateFilterDescriptor(&v->w) && !c->cudnnCreateConvolutionDescriptor(&v->conv) &&
           !c->cudnnSetTensor4dDescriptor(v->x, CUDNN_TENSOR_NHWC, CUDNN_DATA_FLOAT, a->rows, a->in.c, a->in.h,
                                          a->in.w) &&
           !c->cudnnSetTensor4dDescriptor(v->y, CUDNN_TENSOR_NHWC, CUDNN_DATA_FLOAT, a->rows, a->out.c, a->out.h,
                                          a->out.w) &&
           !c->cudnnSetFilter4dDescriptor(v->w, CUDNN_DATA_FLOAT, CUDNN_TENSOR_NHWC, a->out.c, a->in.c, a->kernel,
                                          a->kernel) &&
           !c->cudnnSetConvolution2dDescriptor(v->conv, a->padding, a->padding, a->stride, a->stride, 1, 1,
                                               CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT) &&
           !c->cudnnSetConvolutionMathType(v->conv, CUDNN_FMA_MATH);
}

/* The first algorithm that fits the maximum workspace; each direction has its own types in cuDNN. */
#define CHOOSE(field, direction, result, ...) \
    static bool choose_##field(struct convolutions *v) \
    { \
        const struct cudnn *c = &v->cudnn; \
        result list[MOST]; \
        size_t bytes = 0; \
        int n = 0; \
        if (c->cudnnGetConvolution##direction##Algorithm_v7(c->handle, __VA_ARGS__, MOST, &n, list)) return false; \
        for (int i = 0; i < n; i++) { \
            v->field = list[i].algo; \
            if (list[i].status || \
                c->cudnnGetConvolution##direction##WorkspaceSize(c->handle, __VA_ARGS__, v->field, &bytes) || \
                bytes > MAX_WORKSPACE) \
                continue; \
            if (bytes > v->bytes) v->bytes = bytes; \
            return true; \
        } \
        return false; \
    }
CHOOSE(forward, Forward, cudnnConvolutionFwdAlgoPerf_t, v->x, v->w, v->conv, v->y)
CHOOSE(data, BackwardData, cudnnConvolutionBwdDataAlgoPerf_t, v->w, v->y, v->conv, v->x)
CHOOSE(filter, BackwardFilter, cudnnConvolutionBwdFilterAlgoPerf_t, v->x, v->y, v->conv, v->w)

static bool allocate(struct convolutions *v, const struct direct_conv *a)
{
    size_t x = (size_t)a->rows * a->in.h * a->in.w * a->in.c, y = (size_t)a->rows * a->out.h * a->out.w * a->out.c;
    size_t w = (size_t)a->kernel * a->kernel * a->in.c * a->out.c, floats[TENSORS] = { x, w, y, x, w };
    for (int i = 0; i < TENSORS; i++)
        if (cudaMalloc((void **)&v->tensor[i], floats[i] * sizeof(float)) ||
            cudaMemset(v->tensor[i], 0, floats[i] * sizeof(float)))
            return false;
    return !v->bytes || !cudaMalloc(&v->workspace, v->bytes);
}

static bool convolve(const void *arg)
{
    const struct convolutions *v = arg;
    const struct cudnn *c = &v->cudnn;
    const float one = 1, zero = 0;
    float *const *t = v->tensor;
    bool ok = !c->cudnnConvolutionForward(c->handle, &one, v->x, t[X], v->w, t[W], v->conv, v->forward, v->workspace,
                                          v->bytes, &zero, v->y, t[Y]);
    if (!ok || !v->backward) return ok;
    return !c->cudnnConvolutionBackwardFilter(c->handle, &one, v->x, t[X], v->y, t[Y], v->conv, v->filter, v->workspace,
                                              v->bytes, &zero, v->w, t[DW]) &&
           !c->cudnnConvolutionBackwardData(c->handle, &one, v->w, t[W], v->y, t[Y], v->conv, v->data, v->workspace,
                                            v->bytes, &zero, v->x, t[DX]);
}

static void release(struct convolutions *v)
{
    const struct cudnn *c = &v->cudnn;
    if (v->x) c->cudnnDestroyTensorDescriptor(v->x);
    if (v->y) c->cudnnDestroyTensorDescriptor(v->y);
    if (v->w) c->cudnnDestroyFilterDescriptor(v->w);
    if (v->conv) c->cudnnDestroyConvolutionDescriptor(v->conv);
    for (int i = 0; i < TENSORS; i++) cudaFree(v->tensor[i]);
    cudaFree(v->workspace);
    if (c->handle) c->cudnnDestroy(c->handle);
}

double direct_conv2d(int index, const struct direct_conv *a, bool backward, int repeats)
{
    struct convolutions v = { .backward = backward };
    double seconds = NAN;
    if (cudaSetDevice(index)) return NAN;
    if (load(&v.cudnn) && describe(&v, a) && choose_forward(&v) && choose_data(&v) && choose_filter(&v) &&
        allocate(&v, a))
        seconds = min_seconds(convolve, &v, repeats);
    release(&v);
    return seconds;
}

#else

double direct_conv2d(int index, const struct direct_conv *a, bool backward, int repeats)
{
    (void)index, (void)a, (void)backward, (void)repeats;
    return NAN;
}

#endif
