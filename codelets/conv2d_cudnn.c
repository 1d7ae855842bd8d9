/* SPDX-License-Identifier: BSD-3-Clause */
/* Convolution by cuDNN: tensors are transposed between lanes and NHWC in
 * scratch memory; our kernels do bias, activation and the gradient of the bias.
 * doc/decisions/0024-cudnn.md gives the reasons. */
#include "config.h"

#include "conv2d_cudnn.h"

#include <stdlib.h>

#ifdef HSGD_USE_CUDNN

#include "device/cudnn_calls.h"

#define MAX_ALGORITHMS 16
#define MAX_WORKSPACE ((size_t)256 << 20) /* bytes that an algorithm may use beside the tensors */

/* cuDNN's descriptors of a convolution, and the algorithm chosen. */
struct prepared {
    const struct cudnn *cudnn;
    cudnnTensorDescriptor_t x, y;
    cudnnFilterDescriptor_t w;
    cudnnConvolutionDescriptor_t conv;
    int algorithm;
    size_t workspace;
};

/* ------------------------------------------------------------- preparing */

static cudnnStatus_t create(struct prepared *p)
{
    const struct cudnn *c = p->cudnn;
    cudnnStatus_t err = c->cudnnCreateTensorDescriptor(&p->x);
    if (!err) err = c->cudnnCreateTensorDescriptor(&p->y);
    if (!err) err = c->cudnnCreateFilterDescriptor(&p->w);
    if (!err) err = c->cudnnCreateConvolutionDescriptor(&p->conv);
    return err;
}

/* Filters of NHWC are o x kh x kw x c, as ours are. */
static cudnnStatus_t describe(struct prepared *p, const struct conv2d_args *a, bool tf32)
{
    const struct cudnn *c = p->cudnn;
    cudnnStatus_t err = create(p);
    if (!err) err = c->cudnnSetTensor4dDescriptor(p->x, CUDNN_TENSOR_NHWC, CUDNN_DATA_FLOAT, a->n, a->c, a->h, a->w);
    if (!err) err = c->cudnnSetTensor4dDescriptor(p->y, CUDNN_TENSOR_NHWC, CUDNN_DATA_FLOAT, a->n, a->o, a->oh, a->ow);
    if (!err) err = c->cudnnSetFilter4dDescriptor(p->w, CUDNN_DATA_FLOAT, CUDNN_TENSOR_NHWC, a->o, a->c, a->kh, a->kw);
    if (!err)
        err = c->cudnnSetConvolution2dDescriptor(p->conv, a->top, a->left, a->stride_h, a->stride_w, 1, 1,
                                                 CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT);
    if (!err) err = c->cudnnSetConvolutionMathType(p->conv, tf32 ? CUDNN_DEFAULT_MATH : CUDNN_FMA_MATH);
    return err;
}

static void release(void *prepared)
{
    struct prepared *p = prepared;
    const struct cudnn *c = p->cudnn;
    if (p->x) c->cudnnDestroyTensorDescriptor(p->x);
    if (p->y) c->cudnnDestroyTensorDescriptor(p->y);
    if (p->w) c->cudnnDestroyFilterDescriptor(p->w);
    if (p->conv) c->cudnnDestroyConvolutionDescriptor(p->conv);
    free(p);
}

/* Algorithms that sum the products directly.  The others use a transform, whose
 * rounding errors are not proportional to the terms of a sum. */
static const unsigned plain_forward = 1u << CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM |
                                      1u << CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM |
                                      1u << CUDNN_CONVOLUTION_FWD_ALGO_GEMM | 1u << CUDNN_CONVOLUTION_FWD_ALGO_DIRECT;
static const unsigned plain_data = 1u << CUDNN_CONVOLUTION_BWD_DATA_ALGO_0 | 1u << CUDNN_CONVOLUTION_BWD_DATA_ALGO_1;
static const unsigned plain_filter = 1u << CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0 |
                                     1u << CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1 |
                                     1u << CUDNN_CONVOLUTION_BWD_FILTER_ALGO_3;

/* choose_*(): the first algorithm of cuDNN's list, which is sorted by speed,
 * that is plain, deterministic and fits the maximum workspace.  Each direction
 * has its own types in cuDNN. */
#define CHOOSE(name, direction, result, plain, ...) \
    static bool choose_##name(struct prepared *p) \
    { \
        const struct cudnn *c = p->cudnn; \
        result list[MAX_ALGORITHMS]; \
        int n = 0; \
        if (c->cudnnGetConvolution##direction##Algorithm_v7(c->handle, __VA_ARGS__, MAX_ALGORITHMS, &n, list)) \
            return false; \
        for (int i = 0; i < n; i++) { \
            if (list[i].status || list[i].determinism != CUDNN_DETERMINISTIC || !((plain) >> list[i].algo & 1)) \
                continue; \
            p->algorithm = (int)list[i].algo; \
            if (!c->cudnnGetConvolution##direction##WorkspaceSize(c->handle, __VA_ARGS__, list[i].algo, \
                                                                  &p->workspace) && \
                p->workspace <= MAX_WORKSPACE) \
                return true; \
        } \
        return false; \
    }
CHOOSE(forward, Forward, cudnnConvolutionFwdAlgoPerf_t, plain_forward, p->x, p->w, p->conv, p->y)
CHOOSE(data, BackwardData, cudnnConvolutionBwdDataAlgoPerf_t, plain_data, p->w, p->y, p->conv, p->x)
CHOOSE(filter, BackwardFilter, cudnnConvolutionBwdFilterAlgoPerf_t, plain_filter, p->x, p->y, p->conv, p->w)

/* It has one number of padding for both sides; groups and dilation are left to our kernels. */
static bool is_plain(const struct conv2d_args *a)
{
    return a->groups == 1 && a->dilation_h == 1 && a->dilation_w == 1 &&
           a->oh == (a->h + 2 * a->top - a->kh) / a->stride_h + 1 &&
           a->ow == (a->w + 2 * a->left - a->kw) / a->stride_w + 1;
}

static void *prepare(const struct conv2d_args *a, const struct hsgd_cuda_queue *queue,
                     bool (*choose)(struct prepared *))
{
    const struct cudnn *c = queue->cudnn;
    if (!c || !is_plain(a) || a->c < c->min_channels || a->o < c->min_channels) return NULL;
    struct prepared *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    p->cudnn = c;
    if (!describe(p, a, queue->tf32) && choose(p)) return p;
    release(p);
    return NULL;
}

#define PREPARE(name) \
    static void *prepare_##name(const void *args, unsigned alignment, const struct hsgd_cuda_queue *queue) \
    { \
        (void)alignment; \
        return prepare(args, queue, choose_##name); \
    }
PREPARE(forward)
PREPARE(data)
PREPARE(filter)

/* --------------------------------------------------------------- running */

static const float one = 1, zero = 0;

static int forward_call(void *const *b, const void *args, const struct hsgd_cuda_queue *queue)
{
    const struct cudnn *c = queue->cudnn;
    const struct prepared *p = queue->prepared;
    cudnnStatus_t err = c->cudnnSetStream(c->handle, queue->stream);
    (void)args;
    if (err) return (int)err;
    return (int)c->cudnnConvolutionForward(c->handle, &one, p->x, b[0], p->w, b[1], p->conv,
                                           (cudnnConvolutionFwdAlgo_t)p->algorithm, b[3], p->workspace, &zero, p->y,
                                           b[2]);
}

static int data_call(void *const *b, const void *args, const struct hsgd_cuda_queue *queue)
{
    const struct cudnn *c = queue->cudnn;
    const struct prepared *p = queue->prepared;
    cudnnStatus_t err = c->cudnnSetStream(c->handle, queue->stream);
    (void)args;
    if (err) return (int)err;
    return (int)c->cudnnConvolutionBackwardData(c->handle, &one, p->w, b[1], p->y, b[0], p->conv,
                                                (cudnnConvolutionBwdDataAlgo_t)p->algorithm, b[3], p->workspace, &zero,
                                                p->x, b[2]);
}

static int filter_call(void *const *b, const void *args, const struct hsgd_cuda_queue *queue)
{
    const struct cudnn *c = queue->cudnn;
    const struct prepared *p = queue->prepared;
    cudnnStatus_t err = c->cudnnSetStream(c->handle, queue->stream);
    (void)args;
    if (err) return (int)err;
    return (int)c->cudnnConvolutionBackwardFilter(c->handle, &one, p->x, b[0], p->y, b[1], p->conv,
                                                  (cudnnConvolutionBwdFilterAlgo_t)p->algorithm, b[3], p->workspace,
                                                  &zero, p->w, b[2]);
}

static const char *error_text(int err, const struct hsgd_cuda_queue *queue)
{
    const struct cudnn *c = queue->cudnn;
    return c->cudnnGetErrorString((cudnnStatus_t)err);
}

#define BY_CUDNN(direction) \
    .buffers = 4, .args_size = sizeof(struct conv2d_args), .cuda_call = direction##_call, \
    .cuda_prepare = prepare_##direction, .cuda_release = release, .cuda_error = error_text
/* Buffers: x, w, y; dy, w, dx; x, dy, dw; then the workspace. */
static const struct hsgd_kernel kernel_forward = { .name = "conv2d_cudnn_fwd", BY_CUDNN(forward) };
static const struct hsgd_kernel kernel_data = { .name = "conv2d_cudnn_dx", BY_CUDNN(data) };
static const struct hsgd_kernel kernel_filter = { .name = "conv2d_cudnn_dw", BY_CUDNN(filter) };

/* ------------------------------------------------------------ describing */

/* Scratch memory for a tensor of the slice's samples. */
static struct hsgd_ref samples(struct hsgd_emit *e, struct hsgd_shape s)
{
    return hsgd_scratch(e, (int64_t)e->rows * hsgd_size(s));
}

/* Scratch memory for cuDNN's workspace, at least `floats` floats. */
static struct hsgd_ref workspace(struct hsgd_emit *e, const struct prepared *p, int64_t floats)
{
    int64_t need = (int64_t)((p->workspace + sizeof(float) - 1) / sizeof(float));
    return hsgd_scratch(e, need > floats ? need : floats);
}

static void transpose(struct hsgd_emit *e, const struct hsgd_kernel *kernel, struct hsgd_shape s, struct hsgd_ref from,
                      struct hsgd_ref to)
{
    struct lanes_args a = { e->rows, hsgd_size(s), lanes_tiles(e->rows, hsgd_size(s)) };
    HSGD_LAUNCH(e, kernel, HSGD_TILES, a.tiles, &a, from, to);
}

/* cuDNN is queried with the alignment of scratch memory, before any is
 * allocated. */
bool conv2d_cudnn_forward(struct hsgd_emit *e, const struct conv *c, struct conv2d_args a)
{
    struct hsgd_shape in = window_shape(&e->node->in[0]), out = window_shape(&e->node->out[0]);
    struct hsgd_ref next = hsgd_scratch(e, 0), refs[] = { next, hsgd_param_at(e, 0), next, next };
    struct conv2d_finish_args finish = { a.n, hsgd_size(out), a.o, a.activation, lanes_tiles(a.n, hsgd_size(out)) };
    const struct prepared *p = hsgd_prepared(e, &kernel_forward, &a, refs);
    if (!p) return false;
    refs[0] = samples(e, in);
    refs[2] = samples(e, out);
    refs[3] = workspace(e, p, 0);
    transpose(e, HSGD_KERNEL(lanes_unpack), in, e->x[0], refs[0]);
    hsgd_launch(e, &kernel_forward, HSGD_TILES, 1, &a, refs);
    HSGD_LAUNCH(e, HSGD_KERNEL(conv2d_gpu_finish), HSGD_TILES, finish.tiles, &finish, refs[2], conv_bias(e, c),
                e->y[0]);
    return true;
}

/* db in two sums, first over the images: that has enough columns for the whole device. */
bool conv2d_cudnn_gradients(struct hsgd_emit *e, const struct conv *c, struct conv2d_args a, struct hsgd_ref *dy)
{
    struct hsgd_shape in = window_shape(&e->node->in[0]), out = window_shape(&e->node->out[0]);
    struct hsgd_ref next = hsgd_scratch(e, 0), refs[] = { next, next, e->gradient[0], next };
    const struct prepared *p = hsgd_prepared(e, &kernel_filter, &a, refs);
    if (!p) return false;
    *dy = refs[1] = samples(e, out);
    int64_t used = e->scratch_used;
    refs[0] = samples(e, in);
    refs[3] = workspace(e, p, hsgd_size(out));
    transpose(e, HSGD_KERNEL(lanes_unpack), out, e->dy[0], *dy);
    transpose(e, HSGD_KERNEL(lanes_unpack), in, e->x[0], refs[0]);
    hsgd_launch(e, &kernel_filter, HSGD_TILES, 1, &a, refs);
    emit_column_sums(e, a.n, hsgd_size(out), hsgd_size(out), *dy, refs[3]);
    emit_column_sums(e, a.oh * a.ow, a.o, a.o, refs[3], conv_bias_gradient(e, c));
    e->scratch_used = used; /* keeps dy, frees the rest */
    return true;
}

bool conv2d_cudnn_input_gradient(struct hsgd_emit *e, struct conv2d_args a, struct hsgd_ref dy)
{
    struct hsgd_shape in = window_shape(&e->node->in[0]), out = window_shape(&e->node->out[0]);
    bool transposed = dy.buffer >= 0;
    struct hsgd_ref next = hsgd_scratch(e, 0);
    struct hsgd_ref refs[] = { transposed ? dy : next, hsgd_param_at(e, 0), next, next };
    const struct prepared *p = hsgd_prepared(e, &kernel_data, &a, refs);
    if (!p) return false;
    if (!transposed) transpose(e, HSGD_KERNEL(lanes_unpack), out, e->dy[0], refs[0] = samples(e, out));
    refs[2] = samples(e, in);
    refs[3] = workspace(e, p, 0);
    hsgd_launch(e, &kernel_data, HSGD_TILES, 1, &a, refs);
    transpose(e, HSGD_KERNEL(lanes_pack), in, refs[2], e->dx[0]);
    return true;
}

#else /* without cuDNN */

bool conv2d_cudnn_forward(struct hsgd_emit *e, const struct conv *c, struct conv2d_args a)
{
    return (void)e, (void)c, (void)a, false;
}

bool conv2d_cudnn_gradients(struct hsgd_emit *e, const struct conv *c, struct conv2d_args a, struct hsgd_ref *dy)
{
    return (void)e, (void)c, (void)a, (void)dy, false;
}

bool conv2d_cudnn_input_gradient(struct hsgd_emit *e, struct conv2d_args a, struct hsgd_ref dy)
{
    return (void)e, (void)a, (void)dy, false;
}

#endif
