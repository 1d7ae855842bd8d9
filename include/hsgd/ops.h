/* SPDX-License-Identifier: BSD-3-Clause */
/* Operations: the descriptor through which the graph knows them, and the
 * calls with which an operation describes its work.  The library's own
 * operations use exactly this interface, so an application can add its own
 * (doc/adding-an-op.md).
 */
#ifndef HSGD_OPS_H
#define HSGD_OPS_H

#include <hsgd/context.h>
#include <hsgd/data.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------- kernels */

/* The C form of a kernel: buffers with their offsets applied, and the
 * argument struct. */
typedef void hsgd_cpu_fn(void *const *buffers, const void *args);

struct hsgd_kernel;

/* How a kernel's loops are shared out over a launch. */
enum hsgd_grid {
    HSGD_ITEMS, /* FOR_ITEMS over `count` indices */
    HSGD_ROWS,  /* FOR_ROWS over `count` rows, one work-group each, FOR_COLS inside */
    HSGD_TILES, /* FOR_TILES over `count` tiles, one work-item each */
    HSGD_WARPS  /* FOR_WARPS over `count` rows, one warp each, or one work-item where there are none */
};

/* Where a library call enqueues its work on a CUDA device. */
struct hsgd_cuda_queue {
    void *stream;            /* cudaStream_t */
    void *cublas_lt;         /* cublasLtHandle_t of the device */
    void *workspace;         /* device memory for what is enqueued, free again in the order of the stream */
    size_t workspace_bytes;
    bool tf32;               /* matrix products may round their operands to TF32 */
    int units;               /* work-groups the device runs at once */
    void *prepared;          /* what hsgd_kernel.cuda_prepare returned for these arguments */
    const void *cudnn;       /* private; NULL: cuDNN is not used on this device */
    /* Enqueues a kernel beside the library's; 0 or an error code. */
    int (*launch)(const struct hsgd_cuda_queue *queue, const struct hsgd_kernel *kernel, enum hsgd_grid grid,
                  int64_t count, const void *args, void *const *buffers);
};

/* Enqueues work on a CUDA device, with device addresses that have their
 * offsets applied, and does not wait for it.  Nothing may depend on the step
 * but what the buffers hold: the call may be captured and replayed.  Returns
 * 0, or an error code of the library it calls. */
typedef int hsgd_cuda_fn(void *const *buffers, const void *args, const struct hsgd_cuda_queue *queue);

/* Chooses once per arguments and device how it will be done; buffers lie at
 * multiples of `alignment` bytes, and queue->stream is not there yet.  Returns
 * what the device keeps until it is closed, or NULL when it cannot be done. */
typedef void *hsgd_cuda_prepare_fn(const void *args, unsigned alignment, const struct hsgd_cuda_queue *queue);

/* Frees that. */
typedef void hsgd_cuda_release_fn(void *prepared);

/* What an error code of hsgd_cuda_fn means. */
typedef const char *hsgd_cuda_error_fn(int err, const struct hsgd_cuda_queue *queue);

#define HSGD_MAX_KERNEL_BUFFERS 6

/* A kernel in every form it has. */
struct hsgd_kernel {
    const char *name;           /* entry point in the OpenCL text */
    int buffers;                /* number of (buffer, offset) pairs */
    size_t args_size;           /* bytes of the argument struct; it holds no pointer */
    hsgd_cpu_fn *cpu;           /* NULL: the kernel does not run on CPUs */
    const char *opencl_source;  /* text with the entry point; NULL: not on OpenCL devices */
    const void *cuda;           /* address of the __global__ function; NULL: not on CUDA devices, unless */
    hsgd_cuda_fn *cuda_call;    /* this is there, which is called instead */
    hsgd_cuda_prepare_fn *cuda_prepare; /* before that; NULL: nothing is to be prepared */
    hsgd_cuda_release_fn *cuda_release; /* of what it returned; NULL: free() */
    hsgd_cuda_error_fn *cuda_error;     /* NULL: a code is shown as a number */
};

/* A place in one of the cell's buffers, in floats. */
struct hsgd_ref {
    int buffer;      /* -1: absent */
    int slot_stride; /* floats to add per step of the current window */
    int64_t offset;
};

/* The place so many floats further. */
static inline struct hsgd_ref hsgd_at(struct hsgd_ref r, int64_t floats)
{
    r.offset += floats;
    return r;
}

/* ---------------------------------------------------------- descriptors */

/* How a tensor of samples lies in memory.  LANES holds 16 images in the
 * vector lanes: [ceil(n/16)][h][w][c][16]. */
enum hsgd_layout { HSGD_NHWC, HSGD_LANES };

/* What follows a matrix product, element by element. */
enum hsgd_activation { HSGD_NO_ACTIVATION, HSGD_RELU, HSGD_TANH, HSGD_SIGMOID };
/* Initial weights, uniform in +-bound: Glorot sqrt(6 / (fan_in + fan_out)),
 * He sqrt(6 / fan_in).  Sources: Glorot & Bengio 2010, He et al. 2015. */
enum hsgd_init { HSGD_INIT_GLOROT, HSGD_INIT_HE, HSGD_INIT_ZERO };

#define HSGD_MAX_PARAMS 4

/* One parameter of an operation. */
struct hsgd_param_spec {
    const char *name;      /* "weight", "bias" */
    int ndims, dims[4];    /* as stored; product = number of floats */
    enum hsgd_init init;
    int fan_in, fan_out;
    int split_rows;        /* > 0: the gradient may be made later by weight_gradient(), also for a part of
                              these leading rows; 0: backward() makes it */
};

/* What prepare() learns and fills in. */
struct hsgd_layer {
    const void *attributes;
    struct hsgd_shape in, out;
    enum hsgd_layout layout;              /* of x and y; filled in by the graph from op->layouts */
    enum hsgd_activation slope_of_x;      /* backward() multiplies dx by the derivative of this, taken at x */
    bool slope_applied;                   /* the next layer does that for this one: dy is dz already */
    int params;
    struct hsgd_param_spec param[HSGD_MAX_PARAMS];
    double forward_flops, backward_flops; /* per sample */
};

/* A part of a parameter: rows [row, row+rows) of its leading dimension. */
struct hsgd_piece {
    struct hsgd_ref ref;
    int row, rows;
};

#define HSGD_MAX_PIECES 16

/* A parameter as the pieces it lies in, in order of rows. */
struct hsgd_weight { int pieces; struct hsgd_piece piece[HSGD_MAX_PIECES]; };

/* The step table: one row per step of a window, written by the trainer. */
enum {
    HSGD_STEP_RATE,        /* learning rate */
    HSGD_STEP_CORRECT1,    /* 1 / (1 - beta1^t) */
    HSGD_STEP_CORRECT2,    /* 1 / (1 - beta2^t) */
    HSGD_STEP_SCALE,       /* 1 / number of terms in the loss */
    HSGD_STEP_NUMBER,      /* u32 bits: global step, from 0 */
    HSGD_STEP_SEED,        /* u32 bits */
    HSGD_STEP_SHARE,       /* weight of a replica's push */
    HSGD_STEP_WORDS = 16
};

struct hsgd_program;

/* What an operation sees while it describes the work of one cell. */
struct hsgd_emit {
    const struct hsgd_layer *layer;
    enum hsgd_device_kind kind;    /* of the device the cell will run on */
    int units;                     /* work-groups the device runs at once; 1 on a CPU worker */
    int rows;                      /* samples in this slice */
    int first_row;                 /* index of the slice's first sample within the batch */
    int layer_index;
    bool training;
    struct hsgd_ref x, y, dy, dx;  /* dy may be overwritten; dx absent: not wanted */
    struct hsgd_ref labels;        /* int32 per row */
    struct hsgd_ref sums;          /* losses only: [0] sum of losses, [1] correct, [2] terms */
    struct hsgd_ref step;          /* row of the step table */
    struct hsgd_weight weight[HSGD_MAX_PARAMS];
    struct hsgd_ref gradient[HSGD_MAX_PARAMS]; /* absent: deferred to weight_gradient() */
    struct hsgd_program *program;  /* private */
    void *device;                  /* private */
    struct hsgd_ref scratch_base;  /* private */
    int64_t scratch_used;          /* private */
    int64_t scratch_floats;        /* private */
    int error;                     /* private */
};

/* Kinds of attributes, in C and in model files: an integer (int), an integer
 * or the word "classes", an integer that "<name>_below" can switch off (see
 * doc/models.md), a number (float), true or false (bool), the name of an enum
 * hsgd_activation, of an enum hsgd_init. */
enum hsgd_attribute_kind {
    HSGD_INT, HSGD_UNITS, HSGD_PADDING, HSGD_FLOAT, HSGD_BOOL, HSGD_ACTIVATION, HSGD_INIT
};

/* An attribute as model files know it. */
struct hsgd_attribute {
    const char *name;
    enum hsgd_attribute_kind kind;
    size_t offset;      /* in the operation's attributes */
    bool required;
    int default_value;        /* where none is given, unless */
    const char *default_from; /* names an attribute before this one, whose value is then used */
};

/* The descriptor of an operation. */
struct hsgd_op {
    const char *name;
    size_t attributes_size;
    const struct hsgd_attribute *fields; /* for model files, name NULL ends them; NULL: none */
    unsigned layouts;   /* bit mask of 1 << enum hsgd_layout */
    bool is_loss;
    bool is_view;       /* y is x seen in another shape: no work */
    bool applies_slope; /* backward() can multiply by the derivative of the activation that made x */
    /* Checks attributes and the input shape, fills in the layer.  Returns 0,
     * or -EINVAL with a reason in why. */
    int (*prepare)(struct hsgd_layer *layer, char *why, size_t why_size);
    /* y from x; a loss writes sums and, in training, dx. */
    void (*forward)(struct hsgd_emit *e);
    /* dx (if wanted) and every gradient that is present, as sums over the
     * slice's samples.  NULL for a loss. */
    void (*backward)(struct hsgd_emit *e);
    /* Gradient of rows [row, row+rows) of the deferred parameter 0 from x and
     * the dy left by backward(); accumulate: add to what is there. */
    void (*weight_gradient)(struct hsgd_emit *e, int row, int rows, struct hsgd_ref out, bool accumulate);
    /* The activation at the operation's end, if the next operation may take
     * over its derivative; NULL: none. */
    enum hsgd_activation (*activation)(const void *attributes);
};

/* ------------------------------------------------- describing the work */

/* Appends a kernel launch: `count` indices, rows or tiles; refs in the order
 * of the kernel's buffers. */
HSGD_API void hsgd_launch(struct hsgd_emit *e, const struct hsgd_kernel *kernel, enum hsgd_grid grid,
                          int64_t count, const void *args, const struct hsgd_ref *refs);
#ifdef __cplusplus
#define HSGD_LAUNCH(e, kernel, grid, count, args, ...)          \
    ([&] {                                                      \
        const struct hsgd_ref hsgd_refs_[] = { __VA_ARGS__ };   \
        hsgd_launch(e, kernel, grid, count, args, hsgd_refs_);  \
    }())
#else
#define HSGD_LAUNCH(e, kernel, grid, count, args, ...) \
    hsgd_launch(e, kernel, grid, count, args, (const struct hsgd_ref[]){ __VA_ARGS__ })
#endif

/* What the kernel's cuda_prepare() returns for such a launch on the device of
 * the cell; NULL: it cannot be done there, and something else must be launched. */
HSGD_API const void *hsgd_prepared(const struct hsgd_emit *e, const struct hsgd_kernel *kernel, const void *args,
                                   const struct hsgd_ref *refs);

/* Scratch memory of the cell, `floats` (0 or more) at a multiple of 64 bytes;
 * what it holds at first is undefined.  Each call gives memory of its own,
 * valid until the operation's function returns; the launches after it use it
 * again. */
HSGD_API struct hsgd_ref hsgd_scratch(struct hsgd_emit *e, int64_t floats);

/* Matrix product C[m,n] = op(A) op(B) (+ C when accumulate) (+ bias[n])
 * then the activation; row-major, leading dimensions in floats. */
struct hsgd_matmul {
    int m, n, k, lda, ldb, ldc;
    bool transpose_a, transpose_b, accumulate;
    enum hsgd_activation activation;
    bool bias_gradient; /* bias is not added but written: the sums over the k rows of B, which is not transposed */
};
/* Appends a matrix product; bias.buffer -1: none. */
HSGD_API void hsgd_emit_matmul(struct hsgd_emit *e, const struct hsgd_matmul *p, struct hsgd_ref a, struct hsgd_ref b,
                               struct hsgd_ref c, struct hsgd_ref bias);

/* Samples of the slice rounded up to what the layout stores. */
static inline int hsgd_stored_rows(const struct hsgd_emit *e)
{
    return e->layer->layout == HSGD_LANES ? (e->rows + 15) / 16 * 16 : e->rows;
}

/* Floats of one sample. */
static inline int hsgd_size(struct hsgd_shape s) { return s.h * s.w * s.c; }

/* ------------------------------------------------- running one operation */

/* Buffers of hsgd_op_run(), host memory, NHWC: x, dy, labels and params are
 * read; y, dx, gradients and sums written where not NULL. */
struct hsgd_op_call {
    int rows;
    struct hsgd_shape in;
    const float *x, *dy;
    const int32_t *labels;
    const float *params[HSGD_MAX_PARAMS];
    float *y, *dx, *gradients[HSGD_MAX_PARAMS], *sums;
    bool training;
    uint32_t seed;
    int repeats;        /* with `seconds`: so many in a row, as one task */
    double *seconds;    /* not NULL: what one takes, copies not counted; the other results are not of use then */
};

/* Runs an operation forward, and backward when dy (for a loss: dx) is given,
 * on device `device` of the context.  For tests, tools and trying out an
 * operation. */
HSGD_API int hsgd_op_run(struct hsgd_context *ctx, int device, const struct hsgd_op *op, const void *attributes,
                         const struct hsgd_op_call *run);

/* ------------------------------------------------ the library's operations */

/* The library's operations one by one; NULL after the last. */
HSGD_API const struct hsgd_op *hsgd_op_at(int i);
/* By the name that model files use; NULL: there is none. */
HSGD_API const struct hsgd_op *hsgd_op_by_name(const char *name);

/* y = act(x W + b); weight W: in x units, bias b: units.  Any input shape,
 * flattened.
 * Aliasing: none.  Source: Goodfellow et al., Deep Learning, 6.4. */
struct hsgd_dense { int units; enum hsgd_activation activation; bool no_bias; enum hsgd_init init; };
HSGD_API extern const struct hsgd_op hsgd_op_dense;

/* Loss of logits z and class labels t, summed over rows:
 * L = sum_r log(sum_j exp z_rj) - sum_j q_rj z_rj;  dz = softmax(z) - q,
 * q = (1 - s) onehot(t) + s/C with s = label_smoothing in training, else 0.
 * A row is correct when its largest logit (the first of equals) is t.
 * Source: Szegedy et al., "Rethinking the Inception architecture", 7. */
struct hsgd_softmax_cross_entropy { float label_smoothing; };
HSGD_API extern const struct hsgd_op hsgd_op_softmax_cross_entropy;

/* L = sum_r mean_c (z_rc - onehot(t_r)_c)^2. */
HSGD_API extern const struct hsgd_op hsgd_op_mse;

/* y[n][oy][ox][o] = act(b[o] + sum_{ky,kx,c} x[n][oy s + ky - p][ox s + kx - p][c] w[o][ky][kx][c]),
 * x zero outside; kernel x kernel taps, stride s, padding p < kernel.
 * weight: out_channels x kernel x kernel x in_channels; bias: out_channels.
 * Source: Goodfellow et al., Deep Learning, 9.5. */
struct hsgd_conv2d {
    int out_channels, kernel, stride, padding;
    enum hsgd_activation activation;
    enum hsgd_init init;
};
HSGD_API extern const struct hsgd_op hsgd_op_conv2d;

/* Windows of kernel x kernel, stride, padding < kernel.  max_pool: the
 * gradient goes to the first maximum of the window in row-major order.
 * avg_pool: the mean over the cells that lie inside the image. */
struct hsgd_pool { int kernel, stride, padding; };
HSGD_API extern const struct hsgd_op hsgd_op_max_pool, hsgd_op_avg_pool;

/* y = f(x), element by element. */
struct hsgd_activate { enum hsgd_activation activation; };
HSGD_API extern const struct hsgd_op hsgd_op_activate;

/* In training y = x / (1 - p) with probability 1 - p, else 0; otherwise y = x.
 * Source: Srivastava et al. 2014 (inverted form). */
struct hsgd_dropout { float p; };
HSGD_API extern const struct hsgd_op hsgd_op_dropout;

/* h x w x c as 1 x 1 x (h w c), in that order. */
HSGD_API extern const struct hsgd_op hsgd_op_flatten;

#ifdef __cplusplus
}
#endif
#endif
