/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel dialect: one source text for three compilers (C11, OpenCL C 1.2,
 * CUDA C++).  doc/kernel-dialect.md is the manual.
 *
 * A kernel is written
 *
 *     struct scale_args { int n; float by; };
 *
 *     KERNEL2(scale, scale_args)
 *     {
 *         BUFFER(0, const float, x)
 *         BUFFER(1, float, y)
 *         FOR_ITEMS(i, ARG(n))
 *             y[i] = ARG(by) * x[i];
 *     }
 *
 * KERNELn takes n (buffer, offset) pairs and one argument struct that holds no
 * pointer.  BUFFER(i, type, name) names buffer i with its offset applied.
 * On a CPU the launch is one group of one item, so every loop is a plain loop.
 * Kernels allocate nothing and include nothing but this file and headers of
 * constants and sizes.
 *
 * Calling convention between launchers and kernels:
 * C       void hsgd_NAME_base(void *const *buffers, const void *args): the
 *         buffers with their offsets applied (hsgd_cpu_fn)
 * OpenCL  NAME(__global char *b0, ulong o0, ... struct NAME_args a): pairs of
 *         a buffer and an offset in bytes, the arguments by value
 * CUDA    extern "C" __global__ hsgd_cuda_NAME(char *b0, u64 o0, ... struct NAME_args a)
 */
#ifndef HSGD_DEVICE_H
#define HSGD_DEVICE_H

#define LOCAL_MAX 256 /* maximum group size of every launcher */

#if defined(__OPENCL_VERSION__) /* ------------------ OpenCL C 1.2 */

#define GLOBAL __global
#define LOCAL __local
#define LOCAL_ARG __local
#define RESTRICT restrict
#define DEVICE static inline __attribute__((always_inline))
#define UNROLL _Pragma("unroll")
#ifdef HSGD_ONE_ITEM /* the device is a CPU: groups of one item, plain loops */
#define LOCAL_ID 0
#define LOCAL_SIZE 1
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define LOCAL_ID ((int)get_local_id(0))
#define LOCAL_SIZE ((int)get_local_size(0))
#define INDEPENDENT
#endif
#define GROUP_ID ((int)get_group_id(0))
#define NUM_GROUPS ((int)get_num_groups(0))
#define PREFETCH(p) prefetch((p), 1)
#define BARRIER() barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE)
typedef uint u32;
typedef ulong u64;
#define BUFFER_PAIR_(i) __global char *b##i##_, ulong o##i##_
#define BUFFER(i, type, name) __global type *name = (__global type *)(b##i##_ + o##i##_);
#define KERNEL_HEAD_(name) __kernel void name
#define ARG(field) a_.field
#define KERNEL_TAIL_(args) struct args a_
#define expf exp
#define logf log
#define tanhf tanh
#define sqrtf sqrt
#define fmaxf fmax
#define fminf fmin
#define fabsf fabs
#define cosf cos
#define sinf sin
#define tanf tan
#define asinf asin
#define acosf acos
#define atanf atan
#define sinhf sinh
#define coshf cosh
#define asinhf asinh
#define acoshf acosh
#define atanhf atanh
#define floorf floor
#define ceilf ceil
#define rintf rint
#define fmodf fmod
#define powf pow
#define BITS_TO_FLOAT(u) as_float(u)
#define FLOAT_TO_BITS(x) as_uint(x)
#define ATOMIC_ADD(p, n) atomic_add((p), (n))

/* Sixteen floats in a register: one image per lane, or 16 matrix columns. */
typedef float16 v16;
#define V16_REGISTERS 32
#define V16_SPLAT(x) ((v16)(x))
#define V16_LOAD(p) vload16(0, (p))
#define V16_STORE(p, v) vstore16((v), 0, (p))
#define V16_ADD(a, b) ((a) + (b))
#define V16_MUL(a, b) ((a) * (b))
#define V16_FMA(a, b, c) fma((a), (b), (c))
#define V16_MAX(a, b) fmax((a), (b))
#define V16_SQRT(a) sqrt(a) /* a >= 0 */
#define V16_DIVIDE(a, b) ((a) / (b))
#define V16_KEEP(v) ((void)0)
/* lane-wise: where a op b is true take x, else y */
#define V16_IF_EQ(a, b, x, y) select((y), (x), ((a) == (b)))
#define V16_IF_GT(a, b, x, y) select((y), (x), ((a) > (b)))
/* a0 b0 a1 b1 ... a7 b7, and a8 b8 ... a15 b15 */
DEVICE v16 V16_ZIP_LO(v16 a, v16 b)
{
    v16 y;
    y.even = a.lo;
    y.odd = b.lo;
    return y;
}
DEVICE v16 V16_ZIP_HI(v16 a, v16 b)
{
    v16 y;
    y.even = a.hi;
    y.odd = b.hi;
    return y;
}

#elif defined(__CUDACC__) /* ---------------------- CUDA C++ */

#define GLOBAL
#define LOCAL __shared__ __align__(16) /* for loads of four floats */
#define LOCAL_ARG
#define RESTRICT __restrict__
#define DEVICE static __device__ __forceinline__
#define UNROLL _Pragma("unroll")
#define INDEPENDENT
#define LOCAL_ID ((int)threadIdx.x)
#define LOCAL_SIZE ((int)blockDim.x)
#define GROUP_ID ((int)blockIdx.x)
#define NUM_GROUPS ((int)gridDim.x)
#define PREFETCH(p) ((void)0)
#define BARRIER() __syncthreads()
typedef unsigned int u32;
typedef unsigned long long u64;
#define BITS_TO_FLOAT(u) __uint_as_float(u)
#define FLOAT_TO_BITS(x) __float_as_uint(x)
#define ATOMIC_ADD(p, n) atomicAdd((p), (n))
#define BUFFER_PAIR_(i) char *b##i##_, u64 o##i##_
#define BUFFER(i, type, name) type *name = (type *)(b##i##_ + o##i##_);
#define KERNEL_HEAD_(name) extern "C" __global__ void __launch_bounds__(LOCAL_MAX) hsgd_cuda_##name
#define ARG(field) a_.field
#define KERNEL_TAIL_(args) const struct args a_

/* Sixteen neighbouring threads hold a v16, one float each; scalars are computed identically by all of them. */
typedef float v16;
#define V16_REGISTERS 32
#define LANE_ (LOCAL_ID & 15)
#define LANES_MASK_ (0xffffu << (LOCAL_ID & 16)) /* they are one half of a warp */
#define V16_SPLAT(x) (x)
#define V16_LOAD(p) ((p)[LANE_])
#define V16_STORE(p, v) ((void)((p)[LANE_] = (v)))
#define V16_ADD(a, b) ((a) + (b))
#define V16_MUL(a, b) ((a) * (b))
#define V16_FMA(a, b, c) fmaf((a), (b), (c))
#define V16_MAX(a, b) fmaxf((a), (b))
#define V16_SQRT(a) sqrtf(a)
#define V16_DIVIDE(a, b) ((a) / (b))
#define V16_KEEP(v) ((void)0)
#define V16_IF_EQ(a, b, x, y) ((a) == (b) ? (x) : (y))
#define V16_IF_GT(a, b, x, y) ((a) > (b) ? (x) : (y))
DEVICE v16 v16_zip(v16 a, v16 b, int first)
{
    const float even = __shfl_sync(LANES_MASK_, a, first + LANE_ / 2, 16);
    const float odd = __shfl_sync(LANES_MASK_, b, first + LANE_ / 2, 16);
    return LANE_ % 2 ? odd : even;
}
#define V16_ZIP_LO(a, b) v16_zip((a), (b), 0)
#define V16_ZIP_HI(a, b) v16_zip((a), (b), 8)
#define V16_AGREE() __syncwarp(LANES_MASK_)

/* All 32 threads of a warp get the sum or the maximum. */
#define WARP 32
#define WARP_LANE (LOCAL_ID & 31)
DEVICE float WARP_SUM(float x)
{
    UNROLL
    for (int apart = 16; apart; apart /= 2) x += __shfl_xor_sync(0xffffffffu, x, apart);
    return x;
}
DEVICE float WARP_MAX(float x)
{
    UNROLL
    for (int apart = 16; apart; apart /= 2) x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, apart));
    return x;
}

#else /* --------------------------- C11 */

#include <math.h>
#include <stdint.h>
#include <string.h>
#define GLOBAL
#define LOCAL
#define LOCAL_ARG
#define RESTRICT restrict
#define DEVICE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 32")
#ifdef __clang__
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define INDEPENDENT _Pragma("GCC ivdep")
#endif
#define LOCAL_ID 0
#define LOCAL_SIZE 1
#define GROUP_ID 0
#define NUM_GROUPS 1
#define PREFETCH(p) __builtin_prefetch(p)
#define BARRIER() ((void)0)
typedef uint32_t u32;
typedef uint64_t u64;
DEVICE float BITS_TO_FLOAT(u32 u)
{
    float f;
    memcpy(&f, &u, 4);
    return f;
}
DEVICE u32 FLOAT_TO_BITS(float f)
{
    u32 u;
    memcpy(&u, &f, 4);
    return u;
}
#define ATOMIC_ADD(p, n) __atomic_fetch_add((p), (n), __ATOMIC_RELAXED)

/* The C kernels are compiled once per instruction set; HSGD_ISA is its name. */
#ifndef HSGD_ISA
#define HSGD_ISA base
#endif
#define ISA_NAME__(n, isa) hsgd_##n##_##isa
#define ISA_NAME_(n, isa) ISA_NAME__(n, isa)
/* Kernels of applications are static, see kernels.sh. */
#ifndef HSGD_KERNEL_LINKAGE
#define HSGD_KERNEL_LINKAGE
#endif
#define BUFFER(i, type, name) type *restrict name = b_[i];
#define KERNEL_(n, a) \
    static inline __attribute__((always_inline)) void n##_body(void *const *b_, const struct a a_); \
    HSGD_KERNEL_LINKAGE void ISA_NAME_(n, HSGD_ISA)(void *const *b_, const void *p_); \
    HSGD_KERNEL_LINKAGE void ISA_NAME_(n, HSGD_ISA)(void *const *b_, const void *p_) \
    { \
        n##_body(b_, *(const struct a *)p_); \
    } \
    static inline void n##_body(void *const *b_, const struct a a_)
#define ARG(field) a_.field
#define KERNEL1 KERNEL_
#define KERNEL2 KERNEL_
#define KERNEL3 KERNEL_
#define KERNEL4 KERNEL_
#define KERNEL5 KERNEL_
#define KERNEL6 KERNEL_
#define KERNEL7 KERNEL_
#define KERNEL8 KERNEL_
#define KERNEL9 KERNEL_
#define KERNEL10 KERNEL_
#define KERNEL11 KERNEL_
#define KERNEL12 KERNEL_

#ifdef __AVX512F__
#include <immintrin.h>
#define V16_REGISTERS 32
typedef float v16 __attribute__((vector_size(64)));
typedef float v16_mem __attribute__((vector_size(64), aligned(4), may_alias));
typedef int32_t v16_mask __attribute__((vector_size(64)));
#define V16_SPLAT(x) ((x) - (v16){ 0 })
#define V16_LOAD(p) ((v16) * (const v16_mem *)(p))
#define V16_STORE(p, v) ((void)(*(v16_mem *)(p) = (v16_mem)(v)))
#define V16_ADD(a, b) ((a) + (b))
#define V16_MUL(a, b) ((a) * (b))
#define V16_FMA(a, b, c) ((a) * (b) + (c)) /* one instruction under -ffp-contract=fast: -std=gnu11, not c11 */
/* keeps v in its register: gcc would reload it at each use */
#define V16_KEEP(v) __asm__("" : "+v"(v))
#define V16_PICK_(m, x, y) ((v16)(((v16_mask)(x) & (m)) | ((v16_mask)(y) & ~(m))))
#define V16_MAX(a, b) V16_PICK_((a) > (b), (a), (b))
/* An estimate with 14 correct bits and one Newton step. */
DEVICE v16 V16_SQRT(v16 a)
{
    a = V16_MAX(a, V16_SPLAT(1e-37f));
    v16 r = (v16)_mm512_rsqrt14_ps((__m512)a), s = a * r;
    return V16_FMA(V16_FMA(-s, s, a), V16_SPLAT(0.5f) * r, s);
}
DEVICE v16 V16_DIVIDE(v16 a, v16 b)
{
    v16 r = (v16)_mm512_rcp14_ps((__m512)b);
    r = V16_FMA(V16_FMA(-b, r, V16_SPLAT(1.0f)), r, r);
    return a * r;
}
#define V16_IF_EQ(a, b, x, y) V16_PICK_((a) == (b), (x), (y))
#define V16_IF_GT(a, b, x, y) V16_PICK_((a) > (b), (x), (y))
#define V16_ORDER_(i) \
    i, i + 16, i + 1, i + 17, i + 2, i + 18, i + 3, i + 19, i + 4, i + 20, i + 5, i + 21, i + 6, i + 22, i + 7, i + 23
#ifdef __clang__
#define V16_ZIP_(a, b, i) __builtin_shufflevector((a), (b), V16_ORDER_(i))
#else
#define V16_ZIP_(a, b, i) __builtin_shuffle((a), (b), (v16_mask){ V16_ORDER_(i) })
#endif
#define V16_ZIP_LO(a, b) V16_ZIP_((a), (b), 0)
#define V16_ZIP_HI(a, b) V16_ZIP_((a), (b), 8)

#else /* narrower registers: a v16 is two or four of them, which gcc needs as separate variables */
#ifdef __AVX__
#define V16_REGISTERS 8
#define V16_PART_ 8
#define V16_EACH_(F) F(a) F(b)
#else
#define V16_REGISTERS 4
#define V16_PART_ 4
#define V16_EACH_(F) F(a) F(b) F(c) F(d)
#endif
typedef float v16_part __attribute__((vector_size(4 * V16_PART_)));
typedef float v16_mem __attribute__((vector_size(4 * V16_PART_), aligned(4), may_alias));
typedef int32_t v16_mask __attribute__((vector_size(4 * V16_PART_)));
enum { V16_AT_a, V16_AT_b, V16_AT_c, V16_AT_d };
#define V16_DECLARE_(f) v16_part f;
typedef struct {
    V16_EACH_(V16_DECLARE_)
} v16;
#define V16_F_(f) r.f = x - (v16_part){ 0 };
DEVICE v16 V16_SPLAT(float x)
{
    v16 r;
    V16_EACH_(V16_F_) return r;
}
#undef V16_F_
#define V16_F_(f) r.f = (v16_part) * (const v16_mem *)(p + V16_AT_##f * V16_PART_);
DEVICE v16 V16_LOAD(const float *p)
{
    v16 r;
    V16_EACH_(V16_F_) return r;
}
#undef V16_F_
#define V16_F_(f) *(v16_mem *)(p + V16_AT_##f * V16_PART_) = (v16_mem)x.f;
DEVICE void V16_STORE(float *p, v16 x){ V16_EACH_(V16_F_) }
#undef V16_F_
#define V16_F_(f) r.f = x.f + y.f;
DEVICE v16 V16_ADD(v16 x, v16 y)
{
    v16 r;
    V16_EACH_(V16_F_) return r;
}
#undef V16_F_
#define V16_F_(f) r.f = x.f * y.f;
DEVICE v16 V16_MUL(v16 x, v16 y)
{
    v16 r;
    V16_EACH_(V16_F_) return r;
}
#undef V16_F_
#define V16_F_(f) r.f = x.f * y.f + z.f;
DEVICE v16 V16_FMA(v16 x, v16 y, v16 z)
{
    v16 r;
    V16_EACH_(V16_F_) return r;
}
#undef V16_F_
#define V16_F_(f) r.f = x.f / y.f;
DEVICE v16 V16_DIVIDE(v16 x, v16 y)
{
    v16 r;
    V16_EACH_(V16_F_) return r;
}
#undef V16_F_
#define V16_PICK_(m, x, y) ((v16_part)(((v16_mask)(x) & (m)) | ((v16_mask)(y) & ~(m))))
#define V16_F_(f) r.f = V16_PICK_(x.f > y.f, x.f, y.f);
DEVICE v16 V16_MAX(v16 x, v16 y)
{
    v16 r;
    V16_EACH_(V16_F_) return r;
}
#undef V16_F_
#define V16_F_(f) r.f = V16_PICK_(a_.f == b_.f, x.f, y.f);
DEVICE v16 V16_IF_EQ(v16 a_, v16 b_, v16 x, v16 y)
{
    v16 r;
    V16_EACH_(V16_F_) return r;
}
#undef V16_F_
#define V16_F_(f) r.f = V16_PICK_(a_.f > b_.f, x.f, y.f);
DEVICE v16 V16_IF_GT(v16 a_, v16 b_, v16 x, v16 y)
{
    v16 r;
    V16_EACH_(V16_F_) return r;
}
#undef V16_F_
#define V16_F_(f) \
    for (int i = 0; i < V16_PART_; i++) x.f[i] = sqrtf(x.f[i]);
DEVICE v16 V16_SQRT(v16 x) { V16_EACH_(V16_F_) return x; }
#undef V16_F_
#define V16_KEEP(v) ((void)0)
DEVICE v16 v16_zip(v16 x, v16 y, int first)
{
    float p[16], q[16], z[16];
    V16_STORE(p, x);
    V16_STORE(q, y);
    for (int i = 0; i < 8; i++) {
        z[2 * i] = p[first + i];
        z[2 * i + 1] = q[first + i];
    }
    return V16_LOAD(z);
}
#define V16_ZIP_LO(a, b) v16_zip((a), (b), 0)
#define V16_ZIP_HI(a, b) v16_zip((a), (b), 8)
#endif

#endif

#if defined(__OPENCL_VERSION__) || defined(__CUDACC__)
#define BUFFERS1_ BUFFER_PAIR_(0)
#define BUFFERS2_ BUFFERS1_, BUFFER_PAIR_(1)
#define BUFFERS3_ BUFFERS2_, BUFFER_PAIR_(2)
#define BUFFERS4_ BUFFERS3_, BUFFER_PAIR_(3)
#define BUFFERS5_ BUFFERS4_, BUFFER_PAIR_(4)
#define BUFFERS6_ BUFFERS5_, BUFFER_PAIR_(5)
#define BUFFERS7_ BUFFERS6_, BUFFER_PAIR_(6)
#define BUFFERS8_ BUFFERS7_, BUFFER_PAIR_(7)
#define BUFFERS9_ BUFFERS8_, BUFFER_PAIR_(8)
#define BUFFERS10_ BUFFERS9_, BUFFER_PAIR_(9)
#define BUFFERS11_ BUFFERS10_, BUFFER_PAIR_(10)
#define BUFFERS12_ BUFFERS11_, BUFFER_PAIR_(11)
#define KERNEL1(n, a) KERNEL_HEAD_(n)(BUFFERS1_, KERNEL_TAIL_(a))
#define KERNEL2(n, a) KERNEL_HEAD_(n)(BUFFERS2_, KERNEL_TAIL_(a))
#define KERNEL3(n, a) KERNEL_HEAD_(n)(BUFFERS3_, KERNEL_TAIL_(a))
#define KERNEL4(n, a) KERNEL_HEAD_(n)(BUFFERS4_, KERNEL_TAIL_(a))
#define KERNEL5(n, a) KERNEL_HEAD_(n)(BUFFERS5_, KERNEL_TAIL_(a))
#define KERNEL6(n, a) KERNEL_HEAD_(n)(BUFFERS6_, KERNEL_TAIL_(a))
#define KERNEL7(n, a) KERNEL_HEAD_(n)(BUFFERS7_, KERNEL_TAIL_(a))
#define KERNEL8(n, a) KERNEL_HEAD_(n)(BUFFERS8_, KERNEL_TAIL_(a))
#define KERNEL9(n, a) KERNEL_HEAD_(n)(BUFFERS9_, KERNEL_TAIL_(a))
#define KERNEL10(n, a) KERNEL_HEAD_(n)(BUFFERS10_, KERNEL_TAIL_(a))
#define KERNEL11(n, a) KERNEL_HEAD_(n)(BUFFERS11_, KERNEL_TAIL_(a))
#define KERNEL12(n, a) KERNEL_HEAD_(n)(BUFFERS12_, KERNEL_TAIL_(a))
#endif

/* After this, elements written by V16_STORE may be read individually. */
#ifndef V16_AGREE
#define V16_AGREE() ((void)0)
#endif

/* On other devices a warp is one item. */
#ifndef WARP
#define WARP 1
#define WARP_LANE 0
#define WARP_SUM(x) (x)
#define WARP_MAX(x) (x)
#endif

/* r[i] lane j becomes r[j] lane i */
DEVICE void v16_transpose(v16 *r)
{
    UNROLL
    for (int stage = 0; stage < 4; stage++) {
        v16 t[16];
        UNROLL
        for (int i = 0; i < 8; i++) {
            t[2 * i] = V16_ZIP_LO(r[i], r[i + 8]);
            t[2 * i + 1] = V16_ZIP_HI(r[i], r[i + 8]);
        }
        UNROLL
        for (int i = 0; i < 16; i++) r[i] = t[i];
    }
}

/* every index i of [0,n), distributed over the whole launch; INDEPENDENT: the
 * C compiler may assume that iterations do not depend on each other */
#ifdef HSGD_ONE_ITEM
#define SHARE_(n, g) ((int)((u64)(n) * (u64)(g) / (u64)NUM_GROUPS))
#define FOR_ITEMS(i, n) \
    INDEPENDENT \
    for (int i = SHARE_(n, GROUP_ID), i##_end = SHARE_(n, GROUP_ID + 1); i < i##_end; i++)
#else
#define FOR_ITEMS(i, n) \
    INDEPENDENT \
    for (int i = GROUP_ID * LOCAL_SIZE + LOCAL_ID; i < (n); i += NUM_GROUPS * LOCAL_SIZE)
#endif
/* as FOR_ITEMS, where each iteration processes one v16 */
#ifdef HSGD_ONE_ITEM
#define FOR_BLOCKS(i, n) for (int i = SHARE_(n, GROUP_ID), i##_end = SHARE_(n, GROUP_ID + 1); i < i##_end; i++)
#elif defined(__CUDACC__)
#define FOR_BLOCKS(i, n) \
    for (int i = (GROUP_ID * LOCAL_SIZE + LOCAL_ID) / 16; i < (n); i += NUM_GROUPS * LOCAL_SIZE / 16)
#else
#define FOR_BLOCKS(i, n) for (int i = GROUP_ID * LOCAL_SIZE + LOCAL_ID; i < (n); i += NUM_GROUPS * LOCAL_SIZE)
#endif
/* every row r of [0,n), one warp each: the warp's items divide the row's elements */
#ifdef __CUDACC__
#define FOR_WARPS(r, n) \
    for (int r = (GROUP_ID * LOCAL_SIZE + LOCAL_ID) / WARP; r < (n); r += NUM_GROUPS * LOCAL_SIZE / WARP)
#else
#define FOR_WARPS(r, n) FOR_ITEMS(r, n)
#endif
/* every row r of [0,n), one group each */
#define FOR_ROWS(r, n) for (int r = GROUP_ID; r < (n); r += NUM_GROUPS)
/* every tile t of [0,n), one for each unit that holds a v16: a group; on CUDA sixteen threads */
#ifdef __CUDACC__
#define FOR_TILES(t, n) FOR_BLOCKS(t, n)
#else
#define FOR_TILES(t, n) FOR_ROWS(t, n)
#endif
/* every lane l of [0,n) within a tile or block, distributed over the threads that hold a v16: l % 16 is the lane */
#ifdef __CUDACC__
#define FOR_LANES(l, n) for (int l = LANE_; l < (n); l += 16)
#else
#define FOR_LANES(l, n) INDEPENDENT for (int l = 0; l < (n); l++)
#endif
/* every column c of [0,n), distributed over the items of the group */
#define FOR_COLS(c, n) INDEPENDENT for (int c = LOCAL_ID; c < (n); c += LOCAL_SIZE)

#endif
