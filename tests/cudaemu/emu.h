/* SPDX-License-Identifier: BSD-3-Clause */
/* Emulated CUDA devices, for tests only: a preloaded library that stands in
 * for the CUDA runtime and the part of cuBLAS that is used, over host memory.
 * doc/hacking.md says what it checks.  cuDNN, which programs load themselves,
 * is emulated by a library beside it (convolution.h).
 *
 * One lock is around everything: emulated devices take turns.  What is
 * enqueued runs later, when somebody asks for the end of something, streams in
 * random order.  A fault ends the process with status EMU_FAULT.
 */
#ifndef HSGD_TESTS_CUDAEMU_H
#define HSGD_TESTS_CUDAEMU_H

#ifdef __cplusplus
extern "C" {
#endif

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EMU_FAULT 86
#define EMU_DEVICES 8  /* at most; HSGD_CUDAEMU_DEVICES says how many */
#define EMU_BUFFERS 12 /* of a kernel */

/* What the emulated cuDNN, a library of its own, uses of this one. */
#pragma GCC visibility push(default)

/* ---------------------------------------------------------------- common */

void emu_lock(void);
void emu_unlock(void);
int emu_device(void); /* current device of the calling thread */
int emu_device_count(void);
int emu_environment(const char *name, int otherwise);
uint32_t emu_random(uint32_t below); /* seeded by HSGD_CUDAEMU_SEED */
/* What is going on, for faults. */
void emu_doing(const char *what, const char *name);
#ifdef __cplusplus
#define _Noreturn [[noreturn]]
#endif
_Noreturn void emu_fault(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---------------------------------------------------------------- memory */

/* A device address is one that the host cannot touch; the bytes lie
 * elsewhere, with a page that nobody can touch behind them. */
void *emu_malloc(int device, size_t bytes);
void emu_free(void *address);
void emu_free_all(int device);
/* Whether some allocation, freed or not, holds the address. */
bool emu_is_device(const void *address);
/* Where `bytes` bytes at a device address lie.  Faults unless they are inside
 * one live allocation of `device` (-1: any). */
void *emu_translate(const void *address, size_t bytes, int device, const char *what);
/* Faults when something was written in front of the allocation. */
void emu_check_front(const void *address);
size_t emu_bytes_free(int device);
#define EMU_MEMORY ((size_t)2 << 30) /* of a device */

void emu_copy_report(void);

/* --------------------------------------------------------------- streams */

struct emu_stream;
struct emu_event;
struct emu_graph;

/* Something enqueued; `run` gets `data`, a copy of what was passed. */
void emu_enqueue(struct emu_stream *s, void (*run)(void *data), const void *data, size_t bytes);
struct emu_stream *emu_stream(void *handle); /* NULL: the default stream of the current device */
void emu_drain(struct emu_stream *s);
void emu_drain_device(int device);

#pragma GCC visibility pop

/* The nearest number of ten bits after the first, as tensor cores take it. */
static inline float emu_tf32(float x)
{
    union {
        float f;
        uint32_t bits;
    } u = { x };
    u.bits = (u.bits + 0x1000) & ~0x1fffu;
    return u.f;
}

/* --------------------------------------------------------------- kernels */

/* A kernel in its C++ form, called once per item. */
struct emu_kernel {
    const char *name;
    void (*run)(char *const *buffer, const uint64_t *offset, const void *args);
    int buffers;
    size_t args_size;
    unsigned long launches;
};
extern struct emu_kernel emu_kernels[];
extern const int emu_nkernels;
/* The kernels' shared memory. */
void emu_shared_poison(void);

struct emu_grid {
    unsigned groups, items;
};
void emu_run_grid(struct emu_kernel *k, struct emu_grid grid, char *const *buffer, const uint64_t *offset,
                  const void *args);

/* What kernels see. */
struct emu_dim {
    unsigned x;
};
extern struct emu_dim threadIdx, blockIdx, blockDim, gridDim;
void emu_barrier(void);
void emu_lanes_barrier(void);
float emu_shuffle(float value, int from, int width); /* among 16 or 32 neighbours */

#ifdef __cplusplus
}
#endif
#endif
