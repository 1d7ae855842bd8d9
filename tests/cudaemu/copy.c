/* SPDX-License-Identifier: BSD-3-Clause */
/* Copies, and filling. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#pragma GCC visibility push(default)
#include <cuda_runtime_api.h>
#pragma GCC visibility pop

#include <stdio.h>
#include <string.h>

#include "graph.h"
#include "stream.h"

#define EXPORT __attribute__((visibility("default")))

/* Sides of a copy: the host's, or a device's (EITHER: any of them). */
enum { HOST = -2, EITHER = -1 };

struct copy {
    char *to;
    const char *from;
    size_t to_pitch, from_pitch, width, height;
    int to_device, from_device;
    int value; /* from NULL: what to fill with */
};

static char *side(const void *p, size_t pitch, const struct copy *c, int device, const char *what)
{
    if (device != HOST) return emu_translate(p, c->height ? pitch * (c->height - 1) + c->width : 0, device, what);
    if (emu_is_device(p)) emu_fault("%s: %p is device memory, the direction says it is the host's", what, p);
    return (char *)p;
}

/* What was copied, by its two sides. */
enum { TO_DEVICE, TO_HOST, WITHIN, BETWEEN, WAYS };
static const char *const ways[WAYS] = { "from the host", "to the host", "within a device", "between devices" };
static struct {
    unsigned long n, bytes;
} copied[WAYS];

static void count(const struct copy *c)
{
    int way = c->to_device == HOST             ? TO_HOST
              : c->from_device == HOST         ? TO_DEVICE
              : c->to_device == c->from_device ? WITHIN
                                               : BETWEEN;
    if (!c->from || (c->to_device == HOST && c->from_device == HOST)) return;
    copied[way].n++;
    copied[way].bytes += c->width * c->height;
}

void emu_copy_report(void)
{
    for (int i = 0; i < WAYS; i++)
        printf("emulated CUDA: %lu copies %s, %lu bytes\n", copied[i].n, ways[i], copied[i].bytes);
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
    if (!later) emu_outside_capture();
    side(c.to, c.to_pitch, &c, c.to_device, "destination");
    if (c.from) side(c.from, c.from_pitch, &c, c.from_device, "source");
    count(&c);
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
