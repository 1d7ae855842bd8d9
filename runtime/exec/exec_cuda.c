/* SPDX-License-Identifier: BSD-3-Clause */
/* The launcher for CUDA devices: enqueues a cell's work on the worker's stream
 * and returns.  StarPU looks for the end of it. */
#include "task.h"

#ifdef HSGD_USE_CUDA

#include <starpu_cuda.h>
#include <stdlib.h>

#include "cuda_graph.h"
#include "cuda_launch.h"

/* What is kept from run to run on one device.  A cell ends after its launcher
 * has returned: events on the stream say when. */
struct cuda_run {
    cudaEvent_t began, ended;
    struct variant *variant; /* of the last run */
    uint64_t launched;       /* our clock */
    int step;
    bool pending;
    struct cuda_graph *graph;
};

/* Events belong to a device: on another one the cell begins anew. */
static struct cuda_run *kept_of(struct cell_run *run, struct variant *v)
{
    struct cuda_run *k = run->cuda;
    if (k && k->variant == v) return k;
    cell_release(run);
    if (!(k = calloc(1, sizeof *k))) return NULL;
    if (cudaEventCreateWithFlags(&k->began, cudaEventDefault)) {
        free(k);
        return NULL;
    }
    if (cudaEventCreateWithFlags(&k->ended, cudaEventDefault)) {
        cudaEventDestroy(k->began);
        free(k);
        return NULL;
    }
    k->variant = v;
    return run->cuda = k;
}

void cell_settle(struct cell_run *run)
{
    struct cuda_run *k = run->cuda;
    float ms = 0;
    if (!k || !k->pending) return;
    k->pending = false;
    if (!cudaEventElapsedTime(&ms, k->began, k->ended))
        cell_measured(run, k->variant, k->step, k->launched, (uint64_t)(1e6f * ms));
}

void cell_release(struct cell_run *run)
{
    struct cuda_run *k = run->cuda;
    if (!k) return;
    cudaEventDestroy(k->began);
    cudaEventDestroy(k->ended);
    cuda_graph_free(k->graph);
    free(k);
    run->cuda = NULL;
}

static void launch_all(struct cell_run *run, const struct variant *v, void *const *base, cudaStream_t stream)
{
    for (int i = 0; i < v->program.n; i++) {
        const struct launch *l = &v->program.launch[i];
        int err = cuda_launch(v, l, base, run->step, stream);
        char why[160];
        if (!err) continue;
        cuda_launch_error(v, l, err, why, sizeof why);
        cell_failed(run, v->device, true, "%s: kernel \"%s\" failed (%s)", v->device->info.name, l->kernel->name, why);
        return;
    }
}

static void launch_graph(struct cell_run *run, const struct variant *v, cudaGraphExec_t graph, cudaStream_t stream)
{
    int err = cudaGraphLaunch(graph, stream);
    if (err)
        cell_failed(run, v->device, true, "%s: the graph of \"%s\" failed (CUDA error %d)", v->device->info.name,
                    run->cell->name, err);
    else atomic_fetch_add(&v->device->graph_launches, 1);
}

static void launch(struct cell_run *run, struct variant *v, void *const *base, uint64_t began)
{
    cudaStream_t stream = starpu_cuda_get_local_stream();
    struct cuda_run *k = kept_of(run, v);
    bool wanted = k && run->plan->ctx->cuda_graphs;
    cudaGraphExec_t graph =
        wanted ? cuda_graph_ready(&k->graph, v, base, run->cell->naccesses, run->step, stream) : NULL;
    if (k) cudaEventRecord(k->began, stream);
    if (graph) launch_graph(run, v, graph, stream);
    else launch_all(run, v, base, stream);
    if (!k) return;
    cudaEventRecord(k->ended, stream);
    k->launched = began;
    k->step = run->step;
    k->pending = true;
}

void exec_cuda(void *buffers[], void *arg)
{
    struct cell_run *run = arg;
    cell_settle(run);
    uint64_t began;
    struct variant *v = cell_begin(run, &began);
    if (!v) return;
    void *base[MAX_ACCESSES];
    for (int i = 0; i < run->cell->naccesses; i++) base[i] = (void *)STARPU_VECTOR_GET_PTR(buffers[i]);
    launch(run, v, base, began);
}

#else /* without CUDA */

void cell_settle(struct cell_run *run) { (void)run; }
void cell_release(struct cell_run *run) { (void)run; }

#endif
