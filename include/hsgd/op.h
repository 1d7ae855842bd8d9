/* SPDX-License-Identifier: BSD-3-Clause */
/* Operations: their descriptor, and the calls with which an operation describes
 * its work.  The library's operations use this interface too, so an application
 * can add its own (doc/adding-an-op.md).
 */
#ifndef HSGD_OP_H
#define HSGD_OP_H

#include <hsgd/context.h>
#include <hsgd/data.h>
#include <hsgd/type.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------- kernels */

/* The C form of a kernel.  buffers: their addresses, offsets applied; args: the
 * argument struct. */
typedef void hsgd_cpu_fn(void *const *buffers, const void *args);

struct hsgd_kernel;

/* How a kernel's loops are distributed over a launch. */
enum hsgd_grid {
    HSGD_ITEMS, /* FOR_ITEMS over `count` indices */
    HSGD_ROWS,  /* FOR_ROWS over `count` rows, one work-group each, FOR_COLS inside */
    HSGD_TILES, /* FOR_TILES over `count` tiles, one work-item each */
    HSGD_WARPS  /* FOR_WARPS over `count` rows, one warp each; one work-item each on devices without warps */
};

/* The queue on which a library call enqueues its work on a CUDA device. */
struct hsgd_cuda_queue {
    void *stream;    /* cudaStream_t */
    void *cublas_lt; /* cublasLtHandle_t of the device */
    void *workspace; /* device memory for the enqueued work, reused in the order of the stream */
    size_t workspace_bytes;
    bool tf32;         /* matrix products may round their operands to TF32 */
    int units;         /* work-groups the device runs at once */
    void *prepared;    /* result of hsgd_kernel.cuda_prepare for these arguments */
    const void *cudnn; /* private; NULL: cuDNN is not used on this device */
    /* Enqueues a kernel on the same stream; 0 or an error code. */
    int (*launch)(const struct hsgd_cuda_queue *queue, const struct hsgd_kernel *kernel, enum hsgd_grid grid,
                  int64_t count, const void *args, void *const *buffers);
};

/* Enqueues work on a CUDA device without waiting for it; buffers are device
 * addresses with their offsets applied.  Only the contents of the buffers may
 * depend on the step: the call may be captured and replayed.  Returns 0, or an
 * error code of the library it calls. */
typedef int hsgd_cuda_fn(void *const *buffers, const void *args, const struct hsgd_cuda_queue *queue);

/* Called once per arguments and device, to choose an algorithm.  Buffers are
 * aligned to `alignment` bytes; queue->stream is not set yet.  Returns an object
 * that the device owns until it is closed; NULL: not possible on the device. */
typedef void *hsgd_cuda_prepare_fn(const void *args, unsigned alignment, const struct hsgd_cuda_queue *queue);

/* Frees the object of hsgd_cuda_prepare_fn. */
typedef void hsgd_cuda_release_fn(void *prepared);

/* Text of an error code of hsgd_cuda_fn; not freed. */
typedef const char *hsgd_cuda_error_fn(int err, const struct hsgd_cuda_queue *queue);

#define HSGD_MAX_KERNEL_BUFFERS 12

/* A kernel in all its forms. */
struct hsgd_kernel {
    const char *name;          /* entry point in the OpenCL text */
    int buffers;               /* number of (buffer, offset) pairs */
    size_t args_size;          /* bytes of the argument struct; it holds no pointer */
    hsgd_cpu_fn *cpu;          /* NULL: the kernel does not run on CPUs */
    const char *opencl_source; /* text with the entry point; NULL: not on OpenCL devices.  A device compiles it when it
                                  first needs a kernel of it */
    const char *opencl_header; /* text before that, which other sources share; NULL: none */
    const void *cuda;          /* address of the __global__ function; NULL: not on CUDA devices unless cuda_call */
    hsgd_cuda_fn *cuda_call;   /* called in place of `cuda`; NULL: none */
    hsgd_cuda_prepare_fn *cuda_prepare; /* called before cuda_call; NULL: no preparation */
    hsgd_cuda_release_fn *cuda_release; /* frees the result of cuda_prepare; NULL: free() */
    hsgd_cuda_error_fn *cuda_error;     /* NULL: codes are reported as numbers */
};

/* A place in one of the cell's buffers. */
struct hsgd_ref {
    int buffer;            /* -1: absent */
    enum hsgd_dtype dtype; /* of the numbers there */
    int64_t offset;        /* bytes */
    int64_t slot_stride;   /* bytes to add per step of the current window */
};

/* r advanced by so many of its numbers. */
static inline struct hsgd_ref hsgd_at(struct hsgd_ref r, int64_t numbers)
{
    r.offset += numbers * hsgd_dtype_bytes(r.dtype);
    return r;
}

/* Whether there is a place. */
static inline bool hsgd_wanted(struct hsgd_ref r) { return r.buffer >= 0; }

/* ---------------------------------------------------------- descriptors */

/* Layout of a tensor of samples.  LANES has 16 images in the vector lanes:
 * [ceil(n/16)][h][w][c][16]. */
enum hsgd_layout { HSGD_NHWC, HSGD_LANES };

/* Activation functions, element by element: x, max(0, x), tanh x, 1 / (1 + exp(-x)). */
enum hsgd_activation { HSGD_NO_ACTIVATION, HSGD_RELU, HSGD_TANH, HSGD_SIGMOID };
/* Initial weights, uniform in +-bound: Glorot sqrt(6 / (fan_in + fan_out)),
 * He sqrt(6 / fan_in); constants.  Sources: Glorot & Bengio 2010, He et al. 2015. */
enum hsgd_init { HSGD_INIT_GLOROT, HSGD_INIT_HE, HSGD_INIT_ZERO, HSGD_INIT_ONE };

#define HSGD_MAX_INPUTS 16
#define HSGD_MAX_OUTPUTS 16
#define HSGD_MAX_PARAMS 64
#define HSGD_MAX_INTS 64
#define HSGD_MAX_FLOATS 128
#define HSGD_PHASES 3

/* One parameter of an operation. */
struct hsgd_param_spec {
    const char *name; /* "weight", "bias", as PyTorch's */
    int rank, dim[4]; /* as stored; product = number of floats */
    enum hsgd_init init;
    int fan_in, fan_out;
    int split_rows; /* > 0: leading rows by which weight_gradient() may compute the gradient later, in
                              pieces; 0: backward() computes it */
    bool is_state;  /* not trained: `once` of a phase writes it */
    bool is_count;  /* a state of rank 0 that counts steps: a 64-bit integer in weight files */
    bool no_decay;  /* weight decay may leave it out: a bias, a norm's factor */
    bool in_order;  /* weight files have it as it is stored; else 2 to 4 dimensions are in PyTorch's order */
};

/* A node of a model as its operation sees it: infer() reads attributes, inputs
 * and in, and fills in the rest. */
struct hsgd_node {
    const void *attributes;
    int inputs, outputs;
    struct hsgd_type in[HSGD_MAX_INPUTS], out[HSGD_MAX_OUTPUTS];
    enum hsgd_layout layout;         /* of inputs and outputs; set from op->layouts */
    enum hsgd_activation slope_of_x; /* set by the plan: backward() multiplies dx[0] by its derivative at x[0] */
    bool slope_applied;              /* set by the plan: the next node has applied the derivative, dy is dz */
    int params;
    struct hsgd_param_spec param[HSGD_MAX_PARAMS];
    int64_t kept;                         /* floats per sample from forward to backward: statistics, masks, indices */
    int64_t cache;                        /* floats per sample that a session keeps from run to run: keys and values
                                             of positions before, the state of a recurrent network */
    int64_t sums[2][HSGD_PHASES];         /* floats that a phase of forward, backward returns per slice */
    int64_t terms;                        /* of a loss: terms per sample; 0: count() of the operation tells */
    double forward_flops, backward_flops; /* per sample */
};

/* A piece of a parameter: rows [row, row+rows) of its leading dimension. */
struct hsgd_piece {
    struct hsgd_ref ref;
    int row, rows;
};

#define HSGD_MAX_PIECES 16

/* A parameter as its pieces, in order of rows. */
struct hsgd_weight {
    int pieces;
    struct hsgd_piece piece[HSGD_MAX_PIECES];
};

/* The step table: one row per step of a window, written by the trainer. */
enum {
    HSGD_STEP_RATE,     /* learning rate */
    HSGD_STEP_CORRECT1, /* 1 / (1 - beta1^t) */
    HSGD_STEP_CORRECT2, /* 1 / (1 - beta2^t) */
    HSGD_STEP_SCALE,    /* what makes gradients of sums those of the loss: 1 / number of terms */
    HSGD_STEP_NUMBER,   /* u32 bits: global step, from 0 */
    HSGD_STEP_SEED,     /* u32 bits */
    HSGD_STEP_SHARE,    /* weight of a replica's push */
    HSGD_STEP_EMA,      /* 1 - d of the moving average of weights */
    HSGD_STEP_WORDS = 16
};

struct hsgd_program;

/* Forward: outputs from inputs; backward: gradients. */
enum hsgd_direction { HSGD_FORWARD, HSGD_BACKWARD };

/* The view of an operation while it describes the work of one cell.  A place
 * that is absent has the buffer -1 (hsgd_wanted()). */
struct hsgd_emit {
    const struct hsgd_node *node;
    enum hsgd_device_kind kind; /* of the device the cell will run on */
    int units;                  /* work-groups the device runs at once; 1 on a CPU worker */
    int rows;                   /* samples in this slice */
    int first_row;              /* index of the slice's first sample within the batch */
    int batch;                  /* samples of the whole batch */
    int number;                 /* of the node in its model: a key for random numbers */
    bool training;
    unsigned adds; /* bit i: add to dx[i] instead of writing it; only where op->adds has the bit */
    struct hsgd_ref x[HSGD_MAX_INPUTS], y[HSGD_MAX_OUTPUTS];
    struct hsgd_ref dy[HSGD_MAX_OUTPUTS]; /* may be overwritten where op->overwrites_dy */
    struct hsgd_ref dx[HSGD_MAX_INPUTS];  /* absent: not wanted */
    struct hsgd_ref kept;                 /* node->kept floats per sample */
    struct hsgd_ref cache; /* node->cache floats per sample, as the session's run before has left them, at first 0;
                              absent: a sample begins and ends with this run, as in training and evaluation */
    struct hsgd_ref sums;  /* what this phase returns; losses: [0] sum of losses, [1] correct, [2] terms,
                              [3] where node->sums says four: positions, of which [1] are correct, else they are [2] */
    struct hsgd_ref merged[2][HSGD_PHASES]; /* what earlier phases returned, over all slices */
    struct hsgd_ref step;                   /* row of the step table; absent outside training */
    struct hsgd_weight weight[HSGD_MAX_PARAMS];
    struct hsgd_ref gradient[HSGD_MAX_PARAMS]; /* absent: deferred to weight_gradient(), or not trained */
    struct hsgd_program *program;              /* private */
    void *device;                              /* private */
    struct hsgd_ref scratch_base;              /* private */
    int64_t scratch_used;                      /* private */
    int64_t scratch_floats;                    /* private */
    int error;                                 /* private */
};

/* Kinds of attributes, in C and in model files: an integer (int), an integer
 * or the word "classes", an integer that "<name>_below" can switch off (see
 * doc/models.md), a number (float), true or false (bool), the name of an enum
 * hsgd_activation, of an enum hsgd_init, a list of integers (struct hsgd_ints),
 * one of the words in `text` (int: its index), a list of numbers (struct
 * hsgd_floats). */
enum hsgd_attribute_kind {
    HSGD_INT,
    HSGD_UNITS,
    HSGD_PADDING,
    HSGD_FLOAT,
    HSGD_BOOL,
    HSGD_ACTIVATION,
    HSGD_INIT,
    HSGD_INTS,
    HSGD_WORD,
    HSGD_FLOATS
};

/* A list of integers, as [7, -1] in model files. */
struct hsgd_ints {
    int count, value[HSGD_MAX_INTS];
};

/* A list of numbers, as [0.5, 2] in model files. */
struct hsgd_floats {
    int count;
    float value[HSGD_MAX_FLOATS];
};

/* An attribute as model files know it. */
struct hsgd_attribute {
    const char *name;
    enum hsgd_attribute_kind kind;
    size_t offset; /* in the operation's attributes */
    bool required;
    double default_value; /* where none is given, unless text names another */
    const char *text;     /* of HSGD_WORD: the words, separated by spaces; of others the name of an attribute before
                             this one, whose value is the default; NULL: none */
};

/* What a slice returned in a phase: sums over so many samples. */
struct hsgd_part {
    struct hsgd_ref sums;
    int rows;
};

/* Describes work of the cell. */
typedef void hsgd_emit_fn(struct hsgd_emit *e);
/* Describes how the parts of all slices, in their order, become one. */
typedef void hsgd_merge_fn(struct hsgd_emit *e, int parts, const struct hsgd_part *part, struct hsgd_ref merged);

/* Work between two merges.  When emit() has been done for every slice, what
 * the slices wrote to e->sums is merged in the order of the slices: added up,
 * or as merge() says; what a single slice wrote is merged as it is, without
 * merge().  once() runs once per training step, after the phases that read the
 * states which it writes; its e has the rows of the whole batch, and no values.
 * Where a model recomputes a block, phases of forward() that return no sums run
 * again before its backward, with the same numbers: what they write is values
 * and kept, and one that returns sums writes nothing else. */
struct hsgd_phase {
    hsgd_emit_fn *emit;
    hsgd_merge_fn *merge;
    hsgd_emit_fn *once;
};

/* The descriptor of an operation. */
struct hsgd_op {
    const char *name;
    size_t attributes_size;
    const struct hsgd_attribute *fields; /* for model files; the last has name NULL; NULL: none */
    int inputs, max_inputs;              /* so many inputs (0: 1), or up to max_inputs where that is more */
    unsigned layouts;                    /* bit mask of 1 << enum hsgd_layout */
    bool is_loss;                        /* no outputs; forward writes sums and, in training, dx[0] */
    bool is_metric;                      /* no outputs; forward writes sums, which value() makes a number of */
    bool less_is_better;                 /* of a metric */
    bool measures_values;                /* a loss or metric of targets of any unit, which may be normalised */
    bool takes_probabilities;            /* of a loss: targets are from 0 to 1 */
    bool pads_targets;            /* of a loss or metric: integers of x[1] may be no classes, for example padding */
    bool is_view;                 /* y[0] is x[0] in another shape, without work */
    bool flattened;               /* model files of the first form mean that x[0] is flattened */
    bool applies_slope;           /* backward() can multiply by the derivative of the activation that made x[0] */
    bool overwrites_dy;           /* backward() may leave something else in dy[0] */
    unsigned keeps_in, keeps_out; /* bit i: backward reads x[i], y[i] */
    unsigned passes;              /* bit i: the gradient of x[i] is dy[0] itself */
    unsigned adds;                /* bit i: backward can add to dx[i] */
    /* Checks attributes and types of the inputs, and fills in the node: 0, or -EINVAL with a sentence in why.
     * Pure: it runs again for other sizes.  HSGD_ANY in inputs is passed on to outputs, and no parameter may have it. */
    int (*infer)(struct hsgd_node *node, char *why, size_t why_size);
    /* y from x; a loss writes sums and, in training, dx. */
    struct hsgd_phase forward[HSGD_PHASES];
    /* Every dx that is wanted, and every gradient that is wanted, as sums over the
     * slice's samples.  None for a loss, or where all inputs pass. */
    struct hsgd_phase backward[HSGD_PHASES];
    hsgd_emit_fn *evaluate; /* forward outside training; NULL: that of forward */
    /* Every dx that is wanted, of evaluate(); NULL: no gradient is known outside training.  Where evaluate() is NULL, it
     * is that of backward. */
    hsgd_emit_fn *evaluate_backward;
    /* Gradient of rows [row, row+rows) of the deferred parameter 0, from x[0] and the
     * dy[0] left by backward(), to out; accumulate: it is added to out. */
    void (*weight_gradient)(struct hsgd_emit *e, int row, int rows, struct hsgd_ref out, bool accumulate);
    /* The activation at the end of the operation, if the next operation may apply
     * its derivative; NULL: none. */
    enum hsgd_activation (*activation)(const void *attributes);
    /* Of a metric: its value from sums[0..node->sums[HSGD_FORWARD][0]), added up over
     * slices and batches. */
    double (*value)(const double *sums, const void *attributes);
    /* Of a loss with node->terms 0: e->sums[0] = the slice's number of terms, from the
     * targets in x; what the model computes is absent.  It runs before forward. */
    hsgd_emit_fn *count;
    /* Of a loss: makes of x[0], so many vectors of `channels` floats in host memory, in
     * place, what a model that was trained with it predicts: probabilities, for example.
     * NULL: x[0] is that already. */
    void (*prediction)(float *x, int64_t vectors, int channels);
};

/* Adds a parameter to a node, in infer(). */
HSGD_API void hsgd_node_add_param(struct hsgd_node *node, const struct hsgd_param_spec *spec);

/* ------------------------------------------------- describing the work */

/* Appends a kernel launch over `count` indices, rows or tiles.  args is copied; refs
 * are in the order of the kernel's buffers. */
HSGD_API void hsgd_launch(struct hsgd_emit *e, const struct hsgd_kernel *kernel, enum hsgd_grid grid, int64_t count,
                          const void *args, const struct hsgd_ref *refs);
#ifdef __cplusplus
#define HSGD_LAUNCH(e, kernel, grid, count, args, ...) \
    ([&] { \
        const struct hsgd_ref hsgd_refs_[] = { __VA_ARGS__ }; \
        hsgd_launch(e, kernel, grid, count, args, hsgd_refs_); \
    }())
#else
#define HSGD_LAUNCH(e, kernel, grid, count, args, ...) \
    hsgd_launch(e, kernel, grid, count, args, (const struct hsgd_ref[]){ __VA_ARGS__ })
#endif

/* The result of the kernel's cuda_prepare() for such a launch on the cell's device;
 * NULL: it is not possible there, and another kernel must be launched. */
HSGD_API const void *hsgd_prepared(const struct hsgd_emit *e, const struct hsgd_kernel *kernel, const void *args,
                                   const struct hsgd_ref *refs);

/* Scratch memory of the cell: `floats` (0 or more) floats, aligned to 64 bytes, with
 * undefined contents.  Each call returns separate memory, which is valid for the
 * launches of the current call of the operation's function; later calls reuse it. */
HSGD_API struct hsgd_ref hsgd_scratch(struct hsgd_emit *e, int64_t floats);

/* Matrix product C = act(op(A) op(B) (+ C if accumulate) (+ bias)), op(A) m x k,
 * op(B) k x n, C m x n, bias n; row-major, leading dimensions in floats.
 * Aliasing: C overlaps neither A, B nor bias. */
struct hsgd_matmul {
    int m, n, k, lda, ldb, ldc;
    bool transpose_a, transpose_b, accumulate;
    enum hsgd_activation activation;
    bool bias_gradient; /* bias is an output: the sums over the k rows of B, which is not transposed */
};
/* Appends a matrix product; bias.buffer -1: none. */
HSGD_API void hsgd_emit_matmul(struct hsgd_emit *e, const struct hsgd_matmul *p, struct hsgd_ref a, struct hsgd_ref b,
                               struct hsgd_ref c, struct hsgd_ref bias);

/* Parameter i in one piece. */
static inline struct hsgd_ref hsgd_param_at(const struct hsgd_emit *e, int i) { return e->weight[i].piece[0].ref; }

/* Samples of the slice, rounded up to the multiple that the layout stores. */
static inline int hsgd_stored_rows(const struct hsgd_emit *e)
{
    return e->node->layout == HSGD_LANES ? (e->rows + 15) / 16 * 16 : e->rows;
}

/* Floats of one image. */
static inline int hsgd_size(struct hsgd_shape s) { return s.h * s.w * s.c; }

/* ------------------------------------------------- running one operation */

/* Arguments of hsgd_op_run(), in host memory, samples one after the other: x, dy
 * and params are read; y, dx, gradients and sums are written unless NULL.
 * gradients[i] of a state gets the state after the step; sums gets what the last
 * phase of forward that has sums returned, over all slices. */
struct hsgd_op_call {
    int rows, inputs;  /* inputs 0: as many as the operation has at least */
    const int *slices; /* rows of each slice, `rows` together; NULL: one slice */
    int nslices;
    unsigned adds; /* bit i: backward adds to dx[i], which is read, too; of those in op->adds */
    struct hsgd_type in[HSGD_MAX_INPUTS];
    const void *x[HSGD_MAX_INPUTS];
    const float *dy[HSGD_MAX_OUTPUTS]; /* backward is run where dy[0] (for a loss: dx[0]) is not NULL */
    const float *params[HSGD_MAX_PARAMS];
    float *y[HSGD_MAX_OUTPUTS], *dx[HSGD_MAX_INPUTS], *gradients[HSGD_MAX_PARAMS], *sums;
    bool training;
    uint32_t seed;
    int repeats;     /* with `seconds`: repetitions in one task */
    double *seconds; /* gets the time of one repetition, without copies; then other results are undefined;
                           NULL: not wanted */
};

/* Runs an operation forward, and backward if dy[0] (for a loss: dx[0]) is not
 * NULL, on device `device` of the context: all phases, over slices that run one
 * after the other, and in training what the operation does once per step.  For
 * tests and tools: what nobody has written is NaN, and lanes beyond the last
 * sample are 3 in inputs.
 * Errors: -EINVAL the operation, its attributes, types, rows, slices or a class are
 * invalid, a buffer is NULL, or lanes of dx beyond the last sample are not 0; -ENODEV a kernel has no form for the device; -ENOMEM. */
HSGD_API int hsgd_op_run(struct hsgd_context *ctx, int device, const struct hsgd_op *op, const void *attributes,
                         const struct hsgd_op_call *run);

#ifdef __cplusplus
}
#endif
#endif
