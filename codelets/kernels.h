/* The library's kernels: argument structs, and one descriptor each. */
#ifndef HSGD_CODELETS_KERNELS_H
#define HSGD_CODELETS_KERNELS_H

#include <hsgd/ops.h>

#include "kernel_args.h"

enum hsgd_kernel_id {
#define KERNEL(name, buffers, args) HSGD_KERNEL_##name,
#include "kernel_list.h"
#undef KERNEL
    HSGD_KERNELS
};

/* Filled in by hsgd_kernels_init() with the C kernels for this machine. */
extern struct hsgd_kernel hsgd_kernels[HSGD_KERNELS];
void hsgd_kernels_init(void);
/* The instruction set chosen: "base", "v3", "v4". */
const char *hsgd_kernels_isa(void);

#define HSGD_KERNEL(name) (&hsgd_kernels[HSGD_KERNEL_##name])

/* The OpenCL program that holds all of them. */
extern const char hsgd_kernel_text[];

/* GEMM on CPUs by oneDNN or OpenBLAS; buffers a, b, c, bias. */
extern const struct hsgd_kernel hsgd_kernel_matmul_cpu;
struct matmul_cpu_args { struct hsgd_matmul p; int has_bias; };

/* GEMM by cuBLAS; buffers a, b, c. */
extern const struct hsgd_kernel hsgd_kernel_matmul_cuda;

/* Single-threaded BLAS and OpenMP for the calling worker around a cell. */
struct hsgd_blas_state { int openmp_threads; };
void hsgd_blas_enter(struct hsgd_blas_state *saved);
void hsgd_blas_leave(const struct hsgd_blas_state *saved);
/* OpenBLAS is process-wide: sets it to one thread (only when the library owns
 * StarPU) and returns the number before. */
int hsgd_blas_single_thread(void);
void hsgd_blas_restore(int threads);
int hsgd_blas_threads(void);

#endif
