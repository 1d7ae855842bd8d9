/* SPDX-License-Identifier: BSD-3-Clause */
/* The library's kernels: argument structs, and one descriptor each. */
#ifndef HSGD_CODELETS_KERNELS_H
#define HSGD_CODELETS_KERNELS_H

#include <hsgd/ops.h>

#include "kernel_args.h"

/* Numbers of a sample; a model has none that are more than an int holds. */
static inline int sample_size(const struct hsgd_type *t) { return (int)hsgd_type_size(t); }

/* Adds a parameter to a node; the fields of a struct hsgd_param_spec by name. */
#define add_param(node, ...) hsgd_node_add_param(node, &(struct hsgd_param_spec){ __VA_ARGS__ })

/* Height, width and channels of an image. */
static inline struct hsgd_shape image_of(const struct hsgd_type *t)
{
    return (struct hsgd_shape){ t->dim[0], t->dim[1], t->dim[2] };
}

enum hsgd_kernel_id {
#define KERNEL(name, buffers, args) HSGD_KERNEL_##name,
#include "kernel_list.h"
#include "kernel_gpu_list.h"
#undef KERNEL
    HSGD_KERNELS
};

/* Filled in by hsgd_kernels_init() with the C kernels for this machine. */
extern struct hsgd_kernel hsgd_kernels[HSGD_KERNELS];
void hsgd_kernels_init(void);
/* The instruction set chosen: "base", "v3", "v4". */
const char *hsgd_kernels_isa(void);

#define HSGD_KERNEL(name) (&hsgd_kernels[HSGD_KERNEL_##name])

/* The dialect and what kernels share, and the texts of the files, one pointer for each kernel. */
extern const char hsgd_kernel_header[];
extern const char *const hsgd_kernel_sources[HSGD_KERNELS];

/* GEMM on CPUs by args.library; buffers a, b, c, bias. */
extern const struct hsgd_kernel hsgd_kernel_matmul_cpu;
/* GEMM by cuBLASLt; the same buffers. */
extern const struct hsgd_kernel hsgd_kernel_matmul_cuda;
struct matmul_args {
    struct hsgd_matmul p;
    int has_bias;
    int library; /* on CPUs: enum product_library, but not PRODUCT_OWN */
};

/* y[0] = f(x[0]), element by element, and its gradient if wanted; n is filled in. */
void emit_function(struct hsgd_emit *e, struct function_args f);
void emit_function_gradient(struct hsgd_emit *e, struct function_args f);

/* Every dx that is wanted is 0: of integers, and what does not depend on x. */
void emit_no_gradients(struct hsgd_emit *e);

/* out = the sum of the parts' first floats, one after the other. */
void emit_sum(struct hsgd_emit *e, int64_t floats, int parts, const struct hsgd_part *part, struct hsgd_ref out);

/* out[c] = the sum of column c of a matrix with rows `stride` floats apart. */
void emit_column_sums(struct hsgd_emit *e, int rows, int cols, int stride, struct hsgd_ref a, struct hsgd_ref out);
/* Number of groups to launch for it. */
static inline int column_sums_groups(int cols) { return (cols + COLUMN_BLOCK - 1) / COLUMN_BLOCK; }

/* to = from where kept, divided by 1 - p, else 0: samples of `size` values in the node's layout, in training.  The mask is
 * that of `layer`, the node's number or one derived from it. */
void emit_dropout(struct hsgd_emit *e, int size, int layer, float p, struct hsgd_ref from, struct hsgd_ref to);
/* The same where all samples of a step are one after the other: steps of `width` values, in the layout HSGD_NHWC. */
void emit_dropout_steps(struct hsgd_emit *e, int steps, int width, int layer, float p, struct hsgd_ref from,
                        struct hsgd_ref to);

/* Single-threaded BLAS and OpenMP for the calling worker around a cell. */
struct hsgd_blas_state {
    int openmp_threads;
};
void hsgd_blas_enter(struct hsgd_blas_state *saved);
void hsgd_blas_leave(const struct hsgd_blas_state *saved);
/* OpenBLAS is process-wide: sets it to one thread (only when the library owns
 * StarPU) and returns the previous number. */
int hsgd_blas_single_thread(void);
void hsgd_blas_restore(int threads);
int hsgd_blas_threads(void);

#endif
