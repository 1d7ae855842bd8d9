/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel table: the C functions for this machine's instruction set. */
#include "config.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"

#define AGREE(kernels, host) _Static_assert((int)(kernels) == (int)(host), #kernels " is not " #host)
AGREE(ACTIVATION_NONE, HSGD_NO_ACTIVATION);
AGREE(ACTIVATION_RELU, HSGD_RELU);
AGREE(ACTIVATION_TANH, HSGD_TANH);
AGREE(ACTIVATION_SIGMOID, HSGD_SIGMOID);
AGREE(STEP_RATE, HSGD_STEP_RATE);
AGREE(STEP_CORRECT1, HSGD_STEP_CORRECT1);
AGREE(STEP_CORRECT2, HSGD_STEP_CORRECT2);
AGREE(STEP_SCALE, HSGD_STEP_SCALE);
AGREE(STEP_NUMBER, HSGD_STEP_NUMBER);
AGREE(STEP_SEED, HSGD_STEP_SEED);
AGREE(STEP_SHARE, HSGD_STEP_SHARE);
AGREE(STEP_EMA, HSGD_STEP_EMA);

#define AGREE_FUNCTION(name, word, operands, integers) AGREE(FUNCTION_##name, HSGD_FUNCTION_##name);
POINTWISE_FUNCTIONS(AGREE_FUNCTION)
#define AGREE_REDUCTION(name, word) AGREE(REDUCE_##name, HSGD_REDUCE_##name);
REDUCE_FUNCTIONS(AGREE_REDUCTION)

#define ISA_DECLARE(name, isa) void hsgd_##name##_##isa(void *const *buffers, const void *args);
#define KERNEL(name, buffers, args) ISA_DECLARE(name, base) ISA_DECLARE(name, v3) ISA_DECLARE(name, v4)
#include "kernel_list.h"
#undef KERNEL

#ifdef HSGD_X86_ISAS
#define ROW(name) \
    { \
        hsgd_##name##_base, hsgd_##name##_v3, hsgd_##name##_v4 \
    }
#else
#define ROW(name) \
    { \
        hsgd_##name##_base, NULL, NULL \
    }
#endif

static hsgd_cpu_fn *const functions[HSGD_KERNELS][3] = {
#define KERNEL(name, buffers, args) ROW(name),
#include "kernel_list.h"
#undef KERNEL
};

struct hsgd_kernel hsgd_kernels[HSGD_KERNELS] = {
#define KERNEL(id, n, args) \
    { .name = #id, .buffers = n, .args_size = sizeof(struct args), .opencl_header = hsgd_kernel_header },
#include "kernel_list.h"
#undef KERNEL
#define KERNEL(id, n, args) { .name = #id, .buffers = n, .args_size = sizeof(struct args) },
#include "kernel_gpu_list.h"
#undef KERNEL
};

#ifdef HSGD_USE_CUDA /* the host side of the __global__ functions in kernels.cu */
#define KERNEL(name, buffers, args) void hsgd_cuda_##name(void);
#include "kernel_cuda_list.h"
#undef KERNEL
#endif

static void add_cuda_forms(void)
{
#ifdef HSGD_USE_CUDA
#define KERNEL(name, buffers, args) hsgd_kernels[HSGD_KERNEL_##name].cuda = (const void *)hsgd_cuda_##name;
#include "kernel_cuda_list.h"
#undef KERNEL
#endif
}

static const char *const isa_names[] = { "base", "v3", "v4" };
static int isa;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static int best_isa(void)
{
#ifdef HSGD_X86_ISAS
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512cd"))
        return 2;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2")) return 1;
#endif
    return 0;
}

/* HSGD_ISA=base|v3|v4 selects an older instruction set, for tests. */
static void choose(void)
{
    isa = best_isa();
    const char *wish = getenv("HSGD_ISA");
    for (int i = 0; wish && i < isa; i++)
        if (!strcmp(wish, isa_names[i])) isa = i;
    for (int k = 0; k < HSGD_KERNELS; k++) {
        hsgd_kernels[k].cpu = functions[k][isa];
        if (hsgd_kernels[k].opencl_header) hsgd_kernels[k].opencl_source = hsgd_kernel_sources[k];
    }
    add_cuda_forms();
}

void hsgd_kernels_init(void) { pthread_once(&once, choose); }

const char *hsgd_kernels_isa(void) { return isa_names[isa]; }
