/* The launcher for CUDA devices: enqueues a cell's work on the worker's stream
 * and returns.  StarPU looks for the end of it. */
#include "task.h"

#ifdef HSGD_USE_CUDA

#include <cublas_v2.h>
#include <starpu_cuda.h>
#include <stdlib.h>

#define ITEMS_PER_GROUP 256
#define ITEMS_PER_ROW   128
#define ITEMS_PER_TILE  16   /* a v16 is held by sixteen threads (device.h) */
#define TILES_PER_GROUP 4
#define GROUPS_PER_UNIT 16

/* ---------------------------------------------------------------- timing */

/* A cell ends after its launcher has returned: events on the stream say when. */
struct cuda_timing {
    cudaEvent_t began, ended;
    struct variant *variant;
    uint64_t launched;       /* our clock */
    int step;
    bool pending;
};

static struct cuda_timing *timing_of(struct cell_run *run)
{
    struct cuda_timing *t = run->timing;
    if (t) return t;
    if (!(t = calloc(1, sizeof *t))) return NULL;
    if (cudaEventCreateWithFlags(&t->began, cudaEventDefault)) {
        free(t);
        return NULL;
    }
    if (cudaEventCreateWithFlags(&t->ended, cudaEventDefault)) {
        cudaEventDestroy(t->began);
        free(t);
        return NULL;
    }
    return run->timing = t;
}

void cell_settle(struct cell_run *run)
{
    struct cuda_timing *t = run->timing;
    float ms = 0;
    if (!t || !t->pending) return;
    t->pending = false;
    if (!cudaEventElapsedTime(&ms, t->began, t->ended))
        cell_measured(run, t->variant, t->step, t->launched, (uint64_t)(1e6f * ms));
}

void cell_release(struct cell_run *run)
{
    struct cuda_timing *t = run->timing;
    if (!t) return;
    cudaEventDestroy(t->began);
    cudaEventDestroy(t->ended);
    free(t);
    run->timing = NULL;
}

/* ------------------------------------------------------------- launching */

/* How many groups of how many items; every loop of a kernel strides over what
 * is more. */
static void launch_size(const struct device *d, const struct launch *l, dim3 *grid, dim3 *block)
{
    int64_t items = l->grid == HSGD_ITEMS ? ITEMS_PER_GROUP : l->grid == HSGD_ROWS ? ITEMS_PER_ROW
                                                            : ITEMS_PER_TILE * TILES_PER_GROUP;
    int64_t per_group = l->grid == HSGD_ITEMS ? items : l->grid == HSGD_ROWS ? 1 : TILES_PER_GROUP;
    int64_t groups = (l->count + per_group - 1) / per_group, most = (int64_t)d->units * GROUPS_PER_UNIT;
    if (groups > most) groups = most;
    *grid = (dim3){ groups < 1 ? 1 : (unsigned)groups, 1, 1 };
    *block = (dim3){ (unsigned)items, 1, 1 };
}

/* A kernel's parameters: per buffer its address and an offset, then the
 * argument struct. */
static int launch_kernel(const struct device *d, const struct launch *l, const unsigned char *args, float *const *base,
                         int step, cudaStream_t stream)
{
    float *buffer[HSGD_MAX_KERNEL_BUFFERS];
    unsigned long long offset[HSGD_MAX_KERNEL_BUFFERS];
    void *parameter[2 * HSGD_MAX_KERNEL_BUFFERS + 1];
    dim3 grid, block;
    int n = 0;
    for (int r = 0; r < l->nrefs; r++) {
        buffer[r] = base[l->ref[r].buffer];
        offset[r] = (unsigned long long)(l->ref[r].offset + (int64_t)l->ref[r].slot_stride * step);
        parameter[n++] = &buffer[r];
        parameter[n++] = &offset[r];
    }
    parameter[n] = (void *)args;
    launch_size(d, l, &grid, &block);
    return cudaLaunchKernel(l->kernel->cuda, grid, block, parameter, 0, stream);
}

static int call(const struct launch *l, const unsigned char *args, float *const *base, int step,
                const struct hsgd_cuda_queue *queue)
{
    void *at[HSGD_MAX_KERNEL_BUFFERS];
    for (int r = 0; r < l->nrefs; r++)
        at[r] = base[l->ref[r].buffer] + l->ref[r].offset + (int64_t)l->ref[r].slot_stride * step;
    return l->kernel->cuda_call(at, args, queue);
}

static void launch_all(struct cell_run *run, const struct variant *v, float *const *base, cudaStream_t stream)
{
    const struct hsgd_program *p = &v->program;
    struct hsgd_cuda_queue queue = { stream, v->device->cublas };
    cublasSetStream_v2(queue.cublas, stream);
    for (int i = 0; i < p->n; i++) {
        const struct launch *l = &p->launch[i];
        const unsigned char *args = p->args + l->args;
        int err = l->kernel->cuda_call ? call(l, args, base, run->step, &queue)
                                       : launch_kernel(v->device, l, args, base, run->step, stream);
        if (!err) continue;
        cell_failed(run, v->device, true, "%s: kernel \"%s\" failed (%s error %d)", v->device->info.name,
                       l->kernel->name, l->kernel->cuda_call ? "library" : "CUDA", err);
        return;
    }
}

void exec_cuda(void *buffers[], void *arg)
{
    struct cell_run *run = arg;
    cell_settle(run);
    uint64_t began;
    struct variant *v = cell_begin(run, &began);
    if (!v) return;
    cudaStream_t stream = starpu_cuda_get_local_stream();
    struct cuda_timing *t = timing_of(run);
    float *base[MAX_ACCESSES];
    for (int i = 0; i < run->cell->naccesses; i++) base[i] = (float *)STARPU_VECTOR_GET_PTR(buffers[i]);
    if (t) cudaEventRecord(t->began, stream);
    pthread_mutex_lock(&v->device->cublas_lock);
    launch_all(run, v, base, stream);
    pthread_mutex_unlock(&v->device->cublas_lock);
    if (!t) return;
    cudaEventRecord(t->ended, stream);
    t->variant = v;
    t->launched = began;
    t->step = run->step;
    t->pending = true;
}

#else /* without CUDA */

void cell_settle(struct cell_run *run) { (void)run; }
void cell_release(struct cell_run *run) { (void)run; }

#endif
