/* SPDX-License-Identifier: BSD-3-Clause */
/* The CUDA runtime's functions that StarPU and the library call. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#pragma GCC visibility push(default)
#include <cuda_runtime_api.h>
#pragma GCC visibility pop

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "graph.h"
#include "stream.h"

#define EXPORT __attribute__((visibility("default")))

/* ---------------------------------------------------------------- common */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static __thread int current;
static const char *doing[2];
static uint64_t random_state;

void emu_lock(void) { pthread_mutex_lock(&lock); }
void emu_unlock(void) { pthread_mutex_unlock(&lock); }
int emu_device(void) { return current; }

int emu_environment(const char *name, int otherwise)
{
    const char *text = getenv(name);
    return text ? atoi(text) : otherwise;
}

int emu_device_count(void)
{
    int n = emu_environment("HSGD_CUDAEMU_DEVICES", 2);
    return n < 0 ? 0 : n > EMU_DEVICES ? EMU_DEVICES : n;
}

uint32_t emu_random(uint32_t below)
{
    if (!random_state) random_state = (uint64_t)emu_environment("HSGD_CUDAEMU_SEED", 1) * 2 + 1;
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((random_state >> 33) % below);
}

void emu_doing(const char *what, const char *name)
{
    doing[0] = what;
    doing[1] = name;
}

void emu_fault(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "emulated CUDA: fault: ");
    if (doing[0]) fprintf(stderr, "%s %s: ", doing[0], doing[1]);
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n");
    va_end(arguments);
    fflush(NULL);
    _exit(EMU_FAULT);
}

/* The real cuDNN, where there is one, knows nothing of emulated devices. */
__attribute__((constructor)) static void no_real_cudnn(void) { setenv("HSGD_CUDNN", "0", 0); }

/* --------------------------------------------------------------- devices */

EXPORT cudaError_t cudaGetDeviceCount(int *n) { return (*n = emu_device_count()) ? cudaSuccess : cudaErrorNoDevice; }

EXPORT cudaError_t cudaSetDevice(int device)
{
    if (device < 0 || device >= emu_device_count()) return cudaErrorInvalidDevice;
    current = device;
    return cudaSuccess;
}

EXPORT cudaError_t cudaGetDevice(int *device)
{
    *device = current;
    return cudaSuccess;
}

EXPORT cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *p, int device)
{
    memset(p, 0, sizeof *p);
    snprintf(p->name, sizeof p->name, "emulated CUDA device %d", device);
    p->totalGlobalMem = EMU_MEMORY;
    p->major = 9;
    p->multiProcessorCount = 4;
    p->maxThreadsPerBlock = 1024;
    p->warpSize = 32;
    p->pciBusID = device + 1;
    return cudaSuccess;
}

EXPORT cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr attribute, int device)
{
    (void)attribute, (void)device;
    *value = 0;
    return cudaSuccess;
}

EXPORT cudaError_t cudaDeviceCanAccessPeer(int *can, int device, int peer)
{
    *can = device != peer;
    return cudaSuccess;
}

EXPORT cudaError_t cudaDeviceEnablePeerAccess(int peer, unsigned flags)
{
    (void)peer, (void)flags;
    return cudaSuccess;
}

EXPORT cudaError_t cudaDeviceSynchronize(void)
{
    emu_lock();
    emu_doing("cudaDeviceSynchronize", "");
    emu_outside_capture();
    emu_drain_device(current);
    emu_unlock();
    return cudaSuccess;
}

EXPORT cudaError_t cudaDeviceReset(void)
{
    emu_lock();
    emu_drain_device(current);
    emu_free_all(current);
    emu_unlock();
    return cudaSuccess;
}

EXPORT cudaError_t cudaGetLastError(void) { return cudaSuccess; }
EXPORT const char *cudaGetErrorString(cudaError_t err) { return err ? "an error of emulated CUDA" : "no error"; }

/* ---------------------------------------------------------------- memory */

EXPORT cudaError_t cudaMalloc(void **p, size_t bytes)
{
    emu_lock();
    emu_doing("cudaMalloc", "");
    emu_outside_capture();
    *p = emu_malloc(current, bytes);
    emu_unlock();
    return *p ? cudaSuccess : cudaErrorMemoryAllocation;
}

EXPORT cudaError_t cudaFree(void *p)
{
    emu_lock();
    emu_doing("cudaFree", "");
    emu_outside_capture();
    if (p) emu_free(p);
    emu_unlock();
    return cudaSuccess;
}

EXPORT cudaError_t cudaMemGetInfo(size_t *left, size_t *total)
{
    emu_lock();
    *left = emu_bytes_free(current);
    *total = EMU_MEMORY;
    emu_unlock();
    return cudaSuccess;
}

EXPORT cudaError_t cudaHostAlloc(void **p, size_t bytes, unsigned flags)
{
    (void)flags;
    if (!(*p = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096))) return cudaErrorMemoryAllocation;
    memset(*p, 0xff, bytes);
    return cudaSuccess;
}

EXPORT cudaError_t cudaFreeHost(void *p)
{
    free(p);
    return cudaSuccess;
}

EXPORT cudaError_t cudaHostRegister(void *p, size_t bytes, unsigned flags)
{
    (void)p, (void)bytes, (void)flags;
    return cudaSuccess;
}

EXPORT cudaError_t cudaHostUnregister(void *p)
{
    (void)p;
    return cudaSuccess;
}

EXPORT cudaError_t cudaHostGetDevicePointer(void **device, void *host, unsigned flags)
{
    (void)device, (void)host, (void)flags;
    return cudaErrorNotSupported;
}

EXPORT cudaError_t cudaPointerGetAttributes(struct cudaPointerAttributes *a, const void *p)
{
    memset(a, 0, sizeof *a);
    a->type = emu_is_device(p) ? cudaMemoryTypeDevice : cudaMemoryTypeUnregistered;
    return cudaSuccess;
}

/* ---------------------------------------------------- streams and events */

static cudaError_t done(bool is)
{
    emu_unlock();
    return is ? cudaSuccess : cudaErrorNotReady;
}

EXPORT cudaError_t cudaStreamCreateWithFlags(cudaStream_t *s, unsigned flags)
{
    (void)flags;
    emu_lock();
    *s = (cudaStream_t)emu_stream_create(current);
    return done(true);
}

EXPORT cudaError_t cudaStreamDestroy(cudaStream_t s)
{
    emu_lock();
    emu_stream_destroy(emu_stream(s));
    return done(true);
}

EXPORT cudaError_t cudaStreamQuery(cudaStream_t s)
{
    emu_lock();
    emu_progress();
    return done(emu_stream_idle(emu_stream(s)));
}

EXPORT cudaError_t cudaStreamSynchronize(cudaStream_t s)
{
    emu_lock();
    emu_drain(emu_stream(s));
    return done(true);
}

EXPORT cudaError_t cudaStreamWaitEvent(cudaStream_t s, cudaEvent_t e, unsigned flags)
{
    (void)flags;
    emu_lock();
    emu_stream_wait(emu_stream(s), (struct emu_event *)e);
    return done(true);
}

EXPORT cudaError_t cudaEventCreateWithFlags(cudaEvent_t *e, unsigned flags)
{
    (void)flags;
    *e = (cudaEvent_t)emu_event_create();
    return cudaSuccess;
}

EXPORT cudaError_t cudaEventDestroy(cudaEvent_t e)
{
    emu_lock();
    emu_event_destroy((struct emu_event *)e);
    return done(true);
}

EXPORT cudaError_t cudaEventRecord(cudaEvent_t e, cudaStream_t s)
{
    emu_lock();
    emu_doing("cudaEventRecord", "");
    emu_event_record((struct emu_event *)e, emu_stream(s));
    return done(true);
}

EXPORT cudaError_t cudaEventQuery(cudaEvent_t e)
{
    emu_lock();
    emu_doing("cudaEventQuery", "");
    emu_outside_capture();
    emu_progress();
    return done(emu_event_done((struct emu_event *)e));
}

EXPORT cudaError_t cudaEventSynchronize(cudaEvent_t e)
{
    emu_lock();
    emu_doing("cudaEventSynchronize", "");
    emu_outside_capture();
    emu_event_drain((struct emu_event *)e);
    return done(true);
}

EXPORT cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t from, cudaEvent_t to)
{
    emu_lock();
    const struct emu_event *a = (struct emu_event *)from, *b = (struct emu_event *)to;
    *ms = 1e-6f * (float)(emu_event_ns(b) - emu_event_ns(a));
    return done(emu_event_done(a) && emu_event_done(b));
}
