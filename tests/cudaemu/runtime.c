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

static int environment(const char *name, int otherwise)
{
    const char *text = getenv(name);
    return text ? atoi(text) : otherwise;
}

int emu_device_count(void)
{
    int n = environment("HSGD_CUDAEMU_DEVICES", 2);
    return n < 0 ? 0 : n > EMU_DEVICES ? EMU_DEVICES : n;
}

uint32_t emu_random(uint32_t below)
{
    if (!random_state) random_state = (uint64_t)environment("HSGD_CUDAEMU_SEED", 1) * 2 + 1;
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
    *p = emu_malloc(current, bytes);
    emu_unlock();
    return *p ? cudaSuccess : cudaErrorMemoryAllocation;
}

EXPORT cudaError_t cudaFree(void *p)
{
    emu_lock();
    emu_doing("cudaFree", "");
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

/* ---------------------------------------------------------------- copies */

/* Sides of a copy: the host's, or a device's (EITHER: any of them). */
enum { HOST = -2, EITHER = -1 };

struct copy {
    char *to;
    const char *from;
    size_t to_pitch, from_pitch, width, height;
    int to_device, from_device;
    int value;                       /* from NULL: what to fill with */
};

static char *side(const void *p, size_t pitch, const struct copy *c, int device, const char *what)
{
    if (device != HOST) return emu_translate(p, c->height ? pitch * (c->height - 1) + c->width : 0, device, what);
    if (emu_is_device(p)) emu_fault("%s: %p is device memory, the direction says it is the host's", what, p);
    return (char *)p;
}

static void run_copy(void *data)
{
    const struct copy *c = data;
    emu_doing("copy", "");
    char *to = side(c->to, c->to_pitch, c, c->to_device, "destination");
    const char *from = c->from ? side(c->from, c->from_pitch, c, c->from_device, "source") : NULL;
    for (size_t y = 0; y < c->height; y++)
        if (from) memcpy(to + y * c->to_pitch, from + y * c->from_pitch, c->width);
        else memset(to + y * c->to_pitch, c->value, c->width);
}

/* Checks at once what can be, and copies later or, without a stream, now. */
static cudaError_t copy(struct copy c, bool later, cudaStream_t stream)
{
    emu_lock();
    emu_doing("copy", "");
    side(c.to, c.to_pitch, &c, c.to_device, "destination");
    if (c.from) side(c.from, c.from_pitch, &c, c.from_device, "source");
    if (later) emu_enqueue(emu_stream(stream), run_copy, &c, sizeof c);
    else run_copy(&c);
    emu_progress();
    emu_unlock();
    return cudaSuccess;
}

static struct copy plain(void *to, const void *from, size_t bytes, int to_device, int from_device)
{
    return (struct copy){ to, from, bytes, bytes, bytes, 1, to_device, from_device, 0 };
}

static int to_side(enum cudaMemcpyKind kind, const void *p)
{
    if (kind == cudaMemcpyDefault) return emu_is_device(p) ? EITHER : HOST;
    return kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice ? EITHER : HOST;
}

static int from_side(enum cudaMemcpyKind kind, const void *p)
{
    if (kind == cudaMemcpyDefault) return emu_is_device(p) ? EITHER : HOST;
    return kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice ? EITHER : HOST;
}

EXPORT cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind)
{
    return copy(plain(to, from, bytes, to_side(kind, to), from_side(kind, from)), false, NULL);
}

EXPORT cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind, cudaStream_t s)
{
    return copy(plain(to, from, bytes, to_side(kind, to), from_side(kind, from)), true, s);
}

EXPORT cudaError_t cudaMemcpy2D(void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width,
                                size_t height, enum cudaMemcpyKind kind)
{
    struct copy c = { to, from, to_pitch, from_pitch, width, height, to_side(kind, to), from_side(kind, from), 0 };
    return copy(c, false, NULL);
}

EXPORT cudaError_t cudaMemcpy2DAsync(void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width,
                                     size_t height, enum cudaMemcpyKind kind, cudaStream_t s)
{
    struct copy c = { to, from, to_pitch, from_pitch, width, height, to_side(kind, to), from_side(kind, from), 0 };
    return copy(c, true, s);
}

EXPORT cudaError_t cudaMemcpyPeer(void *to, int to_device, const void *from, int from_device, size_t bytes)
{
    return copy(plain(to, from, bytes, to_device, from_device), false, NULL);
}

EXPORT cudaError_t cudaMemcpyPeerAsync(void *to, int to_device, const void *from, int from_device, size_t bytes,
                                       cudaStream_t s)
{
    return copy(plain(to, from, bytes, to_device, from_device), true, s);
}

EXPORT cudaError_t cudaMemset(void *to, int value, size_t bytes)
{
    struct copy c = plain(to, NULL, bytes, EITHER, HOST);
    c.value = value;
    return copy(c, false, NULL);
}

EXPORT cudaError_t cudaMemsetAsync(void *to, int value, size_t bytes, cudaStream_t s)
{
    struct copy c = plain(to, NULL, bytes, EITHER, HOST);
    c.value = value;
    return copy(c, true, s);
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
    emu_event_record((struct emu_event *)e, emu_stream(s));
    return done(true);
}

EXPORT cudaError_t cudaEventQuery(cudaEvent_t e)
{
    emu_lock();
    emu_progress();
    return done(emu_event_done((struct emu_event *)e));
}

EXPORT cudaError_t cudaEventSynchronize(cudaEvent_t e)
{
    emu_lock();
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

/* --------------------------------------------------------------- kernels */

#define FUNCTIONS 1024

static struct { const void *host; struct emu_kernel *kernel; } functions[FUNCTIONS];
static int nfunctions;

/* Called before main() by what nvcc makes, with the name in the kernel's own text. */
EXPORT void __cudaRegisterFunction(void **handle, const char *host, char *device, const char *name, int limit, uint3 *t,
                                   uint3 *b, dim3 *block, dim3 *grid, int *warp)
{
    (void)handle, (void)device, (void)limit, (void)t, (void)b, (void)block, (void)grid, (void)warp;
    for (int i = 0; i < emu_nkernels && nfunctions < FUNCTIONS; i++) {
        if (strcmp(emu_kernels[i].name, name)) continue;
        functions[nfunctions].host = host;
        functions[nfunctions++].kernel = &emu_kernels[i];
    }
}

EXPORT void **__cudaRegisterFatBinary(void *code)
{
    static void *handle;
    (void)code;
    return &handle;
}

EXPORT void __cudaRegisterFatBinaryEnd(void **handle) { (void)handle; }
EXPORT void __cudaUnregisterFatBinary(void **handle) { (void)handle; }

struct launch {
    struct emu_kernel *kernel;
    struct emu_grid grid;
    int device;
    float *buffer[EMU_BUFFERS];
    uint64_t offset[EMU_BUFFERS];
    unsigned char args[];
};

/* The buffers as the host sees them; checked when launched and when run. */
static void translate(const struct launch *l, float **to)
{
    char what[32];
    emu_doing("kernel", l->kernel->name);
    for (int i = 0; i < l->kernel->buffers; i++) {
        snprintf(what, sizeof what, "buffer %d", i);
        to[i] = emu_translate(l->buffer[i], 0, l->device, what);
    }
}

static void run_launch(void *data)
{
    struct launch *l = data;
    float *buffer[EMU_BUFFERS];
    translate(l, buffer);
    emu_run_grid(l->kernel, l->grid, buffer, l->offset, l->args);
    for (int i = 0; i < l->kernel->buffers; i++) emu_check_front(l->buffer[i]);
}

static void enqueue_launch(struct emu_kernel *k, dim3 grid, dim3 block, void **parameter, cudaStream_t stream)
{
    size_t bytes = sizeof(struct launch) + k->args_size;
    struct launch *l = calloc(1, bytes);
    float *buffer[EMU_BUFFERS];
    *l = (struct launch){ .kernel = k, .grid = { grid.x, block.x }, .device = current };
    for (int i = 0; i < k->buffers; i++) {
        l->buffer[i] = *(float **)parameter[2 * i];
        l->offset[i] = *(uint64_t *)parameter[2 * i + 1];
    }
    memcpy(l->args, parameter[2 * k->buffers], k->args_size);
    translate(l, buffer);
    emu_enqueue(emu_stream(stream), run_launch, l, bytes);
    free(l);
}

EXPORT cudaError_t cudaLaunchKernel(const void *host, dim3 grid, dim3 block, void **parameter, size_t shared,
                                    cudaStream_t stream)
{
    int i = 0;
    (void)shared;
    emu_lock();
    while (i < nfunctions && functions[i].host != host) i++;
    if (i < nfunctions) enqueue_launch(functions[i].kernel, grid, block, parameter, stream);
    emu_unlock();
    return i < nfunctions ? cudaSuccess : cudaErrorInvalidDeviceFunction;
}

/* HSGD_CUDAEMU_REPORT=1: what has been launched, when the process ends. */
__attribute__((destructor)) static void report(void)
{
    unsigned long total = 0;
    int never = 0;
    if (!environment("HSGD_CUDAEMU_REPORT", 0) || !nfunctions) return;
    for (int i = 0; i < emu_nkernels; i++) {
        printf("emulated CUDA: %-24s %8lu launches\n", emu_kernels[i].name, emu_kernels[i].launches);
        total += emu_kernels[i].launches;
        never += !emu_kernels[i].launches;
    }
    printf("emulated CUDA: %lu launches, %d kernels never launched\n", total, never);
}
