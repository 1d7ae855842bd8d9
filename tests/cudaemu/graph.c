/* SPDX-License-Identifier: BSD-3-Clause */
/* CUDA graphs: what a stream captures, in order, to be enqueued again and
 * again.  A node keeps the pointers it was captured with, and what they point
 * to is looked for when it runs, so that memory freed meanwhile shows. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#pragma GCC visibility push(default)
#include <cuda_runtime_api.h>
#pragma GCC visibility pop

#include "graph.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stream.h"

#define EXPORT __attribute__((visibility("default")))
#define NODES 4096
#define ALIVE 0x47a9u

struct node {
    unsigned alive;
    int place;
    struct emu_graph *graph;
    void (*run)(void *data);
    size_t bytes;
    max_align_t data[];
};

/* A captured one, or (of: where it comes from) an executable copy. */
struct emu_graph {
    unsigned alive;
    int device, n;
    const struct emu_graph *of;
    struct node *node[NODES];
};

static __thread int capturing;
static unsigned long captures, launches, kernels_launched;

void emu_outside_capture(void)
{
    if (capturing) emu_fault("not allowed while this thread captures");
}

static struct emu_graph *new_graph(int device, const struct emu_graph *of)
{
    struct emu_graph *g = calloc(1, sizeof *g);
    if (!g) emu_fault("no memory");
    g->alive = ALIVE;
    g->device = device;
    g->of = of;
    return g;
}

void emu_graph_add(struct emu_graph *g, void (*run)(void *data), const void *data, size_t bytes)
{
    if (g->n == NODES) emu_fault("a graph of more than %d nodes", NODES);
    struct node *node = calloc(1, sizeof *node + bytes);
    if (!node) emu_fault("no memory");
    *node = (struct node){ .alive = ALIVE, .place = g->n, .graph = g, .run = run, .bytes = bytes };
    memcpy(node->data, data, bytes);
    g->node[g->n++] = node;
}

/* The memory stays, so that use after this shows. */
static void destroy(struct emu_graph *g)
{
    if (g->alive != ALIVE) emu_fault("a graph is destroyed for the second time");
    g->alive = 0;
    for (int i = 0; i < g->n; i++) g->node[i]->alive = 0;
}

static struct emu_graph *alive(void *graph)
{
    struct emu_graph *g = graph;
    if (!g || g->alive != ALIVE) emu_fault("a graph that was destroyed");
    return g;
}

void *emu_exec_data(void *exec, void *node, void (*run)(void *data))
{
    emu_doing("cudaGraphExecKernelNodeSetParams", "");
    struct emu_graph *g = alive(exec);
    struct node *captured = node;
    if (captured->alive != ALIVE) emu_fault("a node of a graph that was destroyed");
    if (captured->graph != g->of) emu_fault("a node of another graph");
    if (captured->run != run) emu_fault("a node that is no kernel");
    return g->node[captured->place]->data;
}

/* --------------------------------------------------------- CUDA's functions */

EXPORT cudaError_t cudaStreamBeginCapture(cudaStream_t stream, enum cudaStreamCaptureMode mode)
{
    emu_lock();
    emu_doing("cudaStreamBeginCapture", "");
    struct emu_stream *s = emu_stream(stream);
    if ((uintptr_t)stream <= 2) emu_fault("the default stream cannot capture");
    if (mode != cudaStreamCaptureModeThreadLocal) emu_fault("mode %d is not emulated", (int)mode);
    if (emu_stream_capturing(s)) emu_fault("the stream captures already");
    emu_stream_capture(s, new_graph(emu_stream_device(s), NULL));
    capturing++;
    emu_unlock();
    return cudaSuccess;
}

EXPORT cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph)
{
    emu_lock();
    emu_doing("cudaStreamEndCapture", "");
    struct emu_stream *s = emu_stream(stream);
    if (!capturing || !emu_stream_capturing(s)) emu_fault("the stream does not capture");
    *graph = (cudaGraph_t)emu_stream_capturing(s);
    emu_stream_capture(s, NULL);
    capturing--;
    captures++;
    emu_unlock();
    return cudaSuccess;
}

static cudaError_t capture_info(cudaStream_t stream, enum cudaStreamCaptureStatus *status, const cudaGraphNode_t **last,
                                size_t *n)
{
    emu_lock();
    struct emu_graph *g = emu_stream_capturing(emu_stream(stream));
    *status = g ? cudaStreamCaptureStatusActive : cudaStreamCaptureStatusNone;
    *n = g && g->n;
    *last = *n ? (const cudaGraphNode_t *)&g->node[g->n - 1] : NULL;
    emu_unlock();
    return cudaSuccess;
}

#if CUDART_VERSION >= 13000
EXPORT cudaError_t cudaStreamGetCaptureInfo(cudaStream_t stream, enum cudaStreamCaptureStatus *status,
                                            unsigned long long *id, cudaGraph_t *graph, const cudaGraphNode_t **last,
                                            const cudaGraphEdgeData **edges, size_t *n)
{
    (void)id, (void)graph, (void)edges;
    return capture_info(stream, status, last, n);
}
#else
EXPORT cudaError_t cudaStreamGetCaptureInfo_v2(cudaStream_t stream, enum cudaStreamCaptureStatus *status,
                                               unsigned long long *id, cudaGraph_t *graph, const cudaGraphNode_t **last,
                                               size_t *n)
{
    (void)id, (void)graph;
    return capture_info(stream, status, last, n);
}
#endif

EXPORT cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t *exec, cudaGraph_t graph, unsigned long long flags)
{
    (void)flags;
    emu_lock();
    emu_doing("cudaGraphInstantiate", "");
    emu_outside_capture();
    const struct emu_graph *g = alive(graph);
    struct emu_graph *copy = new_graph(g->device, g);
    for (int i = 0; i < g->n; i++) emu_graph_add(copy, g->node[i]->run, g->node[i]->data, g->node[i]->bytes);
    *exec = (cudaGraphExec_t)copy;
    emu_unlock();
    return cudaSuccess;
}

EXPORT cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream)
{
    emu_lock();
    emu_doing("cudaGraphLaunch", "");
    struct emu_graph *g = alive(exec);
    struct emu_stream *s = emu_stream(stream);
    if (emu_stream_capturing(s)) emu_fault("graphs in graphs are not emulated");
    if (emu_stream_device(s) != g->device)
        emu_fault("a graph of device %d on a stream of device %d", g->device, emu_stream_device(s));
    for (int i = 0; i < g->n; i++) emu_enqueue(s, g->node[i]->run, g->node[i]->data, g->node[i]->bytes);
    launches++;
    kernels_launched += (unsigned long)g->n;
    emu_unlock();
    return cudaSuccess;
}

static cudaError_t destroy_either(void *graph, const char *call)
{
    emu_lock();
    emu_doing(call, "");
    destroy(graph);
    emu_unlock();
    return cudaSuccess;
}

EXPORT cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) { return destroy_either(exec, "cudaGraphExecDestroy"); }
EXPORT cudaError_t cudaGraphDestroy(cudaGraph_t graph) { return destroy_either(graph, "cudaGraphDestroy"); }

void emu_graph_report(void)
{
    printf("emulated CUDA: %lu graphs captured, launched %lu times with %lu nodes\n", captures, launches,
           kernels_launched);
}
