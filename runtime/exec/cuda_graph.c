/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#ifdef HSGD_USE_CUDA

#include "cuda_graph.h"

#include <stdlib.h>
#include <string.h>

#include "cuda_launch.h"

#define FEWEST 2 /* launches that are worth a graph */

/* A kernel whose place in the step table or the metrics moves with the step. */
struct moving {
    cudaGraphNode_t node;
    int launch;
};

struct cuda_graph {
    const struct variant *variant; /* what it does, */
    void *base[MAX_ACCESSES];      /* and with which buffers: others need another graph */
    bool refused;                  /* that cannot be captured */
    cudaGraph_t graph;
    cudaGraphExec_t exec;
    int step, nmoving; /* the step its kernels are set to */
    struct moving *moving;
};

static void forget(struct cuda_graph *g)
{
    if (g->exec) cudaGraphExecDestroy(g->exec); /* one under way is freed when it ends */
    if (g->graph) cudaGraphDestroy(g->graph);
    free(g->moving);
    *g = (struct cuda_graph){ 0 };
}

void cuda_graph_free(struct cuda_graph *g)
{
    if (g) forget(g);
    free(g);
}

/* ------------------------------------------------------------- capturing */

/* The node that was captured last. */
static cudaError_t last_node(cudaStream_t stream, cudaGraphNode_t *node)
{
    enum cudaStreamCaptureStatus status;
    const cudaGraphNode_t *last = NULL;
    size_t n = 0;
#if CUDART_VERSION >= 13000
    const cudaGraphEdgeData *edges;
    cudaError_t err = cudaStreamGetCaptureInfo(stream, &status, NULL, NULL, &last, &edges, &n);
#else
    cudaError_t err = cudaStreamGetCaptureInfo_v2(stream, &status, NULL, NULL, &last, &n);
#endif
    if (err) return err;
    if (n != 1) return cudaErrorStreamCaptureInvalidated;
    *node = last[0];
    return cudaSuccess;
}

/* Launches everything on a stream that captures. */
static int launch_captured(struct cuda_graph *g, int step, cudaStream_t stream)
{
    const struct variant *v = g->variant;
    for (int i = 0; i < v->program.n; i++) {
        const struct launch *l = &v->program.launch[i];
        int err = cuda_launch(v, l, g->base, step, stream);
        if (!err && launch_moves(l)) {
            if (l->kernel->cuda_call) return cudaErrorNotSupported; /* nobody can set its nodes to a step */
            g->moving[g->nmoving].launch = i;
            err = last_node(stream, &g->moving[g->nmoving++].node);
        }
        if (err) return err;
    }
    return 0;
}

/* Other threads may do to CUDA meanwhile what they want. */
static int capture(struct cuda_graph *g, int step, cudaStream_t stream)
{
    g->moving = calloc((size_t)g->variant->program.n, sizeof *g->moving);
    if (!g->moving) return cudaErrorMemoryAllocation;
    int err = cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal);
    if (err) return err;
    err = launch_captured(g, step, stream);
    int ended = cudaStreamEndCapture(stream, &g->graph);
    if (!err) err = ended;
    if (!err) err = cudaGraphInstantiateWithFlags(&g->exec, g->graph, 0);
    g->step = step;
    return err;
}

/* What cannot be captured is launched one by one from now on, where a failure
 * is reported. */
static void capture_once(struct cuda_graph *g, int step, cudaStream_t stream)
{
    struct device *d = g->variant->device;
    if (capture(g, step, stream)) {
        if (g->exec) cudaGraphExecDestroy(g->exec);
        g->exec = NULL;
        g->refused = true;
        cudaGetLastError();
        return;
    }
    atomic_fetch_add(&d->captures, 1);
}

/* ------------------------------------------------------------- launching */

/* Sets the kernels that depend on the step; launches under way keep theirs. */
static cudaError_t move(struct cuda_graph *g, int step)
{
    const struct variant *v = g->variant;
    for (int i = 0; i < g->nmoving && g->step != step; i++) {
        const struct launch *l = &v->program.launch[g->moving[i].launch];
        struct kernel_call call;
        kernel_call_fill(&call, v, l, g->base, step);
        struct cudaKernelNodeParams p = { .func = (void *)l->kernel->cuda,
                                          .gridDim = call.grid,
                                          .blockDim = call.block,
                                          .kernelParams = call.parameter };
        cudaError_t err = cudaGraphExecKernelNodeSetParams(g->exec, g->moving[i].node, &p);
        if (err) return err;
    }
    g->step = step;
    return cudaSuccess;
}

/* The first run with these buffers is launched one by one: CUDA and its
 * libraries load their code then, which they cannot while a stream captures,
 * and what runs once is not worth a graph. */
cudaGraphExec_t cuda_graph_ready(struct cuda_graph **kept, const struct variant *v, void *const *base, int n, int step,
                                 cudaStream_t stream)
{
    if (v->program.n < FEWEST) return NULL;
    struct cuda_graph *g = *kept ? *kept : (*kept = calloc(1, sizeof *g));
    if (!g) return NULL;
    if (g->variant != v || memcmp(g->base, base, (size_t)n * sizeof *base)) {
        forget(g);
        g->variant = v;
        memcpy(g->base, base, (size_t)n * sizeof *base);
        return NULL;
    }
    if (!g->exec && !g->refused) capture_once(g, step, stream);
    return g->exec && !move(g, step) ? g->exec : NULL;
}

#endif
