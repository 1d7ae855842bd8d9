/* SPDX-License-Identifier: BSD-3-Clause */
/* CUDA's words for a C++ compiler, included before codelets/kernels.cu. */
#include "emu.h"

#include <math.h>
#include <string.h>

#define __CUDACC__ 1
#define __global__
#define __device__
#define __host__
#define __align__(n) __attribute__((aligned(n)))
#define __forceinline__ inline
#define __launch_bounds__(n)
/* Poisoned before every group; one group runs at a time. */
#define __shared__ static __attribute__((section("emu_shared")))

#define __syncthreads() emu_barrier()
#define __syncwarp(mask) emu_lanes_barrier()
#define atomicAdd(p, n) __atomic_fetch_add((p), (n), __ATOMIC_RELAXED)
#define __shfl_sync(mask, value, from, width) emu_shuffle(value, from, width)
#define __shfl_xor_sync(mask, value, apart) emu_shuffle(value, (int)threadIdx.x ^ (apart), 32)
#define fmaf(a, b, c) ((a) * (b) + (c))

static inline float __uint_as_float(unsigned u)
{
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}
static inline unsigned __float_as_uint(float f)
{
    unsigned u;
    memcpy(&u, &f, sizeof u);
    return u;
}
