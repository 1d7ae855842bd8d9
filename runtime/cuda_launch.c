#include "cuda_launch.h"

#ifdef HSGD_USE_CUDA

#define ITEMS_PER_GROUP 256
#define ITEMS_PER_ROW   128
#define ITEMS_PER_TILE  16   /* a v16 is held by sixteen threads (device.h) */
#define TILES_PER_GROUP 4
#define GROUPS_PER_UNIT 16

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

static int64_t place(const struct hsgd_ref *r, int step) { return r->offset + (int64_t)r->slot_stride * step; }

void kernel_call_fill(struct kernel_call *call, const struct variant *v, const struct launch *l, float *const *base,
                      int step)
{
    int n = 0;
    for (int r = 0; r < l->nrefs; r++) {
        call->buffer[r] = base[l->ref[r].buffer];
        call->offset[r] = (unsigned long long)place(&l->ref[r], step);
        call->parameter[n++] = &call->buffer[r];
        call->parameter[n++] = &call->offset[r];
    }
    call->parameter[n] = v->program.args + l->args;
    launch_size(v->device, l, &call->grid, &call->block);
}

static int launch_kernel(const struct variant *v, const struct launch *l, float *const *base, int step,
                         cudaStream_t stream)
{
    struct kernel_call call;
    kernel_call_fill(&call, v, l, base, step);
    return cudaLaunchKernel(l->kernel->cuda, call.grid, call.block, call.parameter, 0, stream);
}

static int call_library(const struct variant *v, const struct launch *l, float *const *base, int step,
                        cudaStream_t stream)
{
    struct hsgd_cuda_queue queue = { stream, v->device->cublas };
    void *at[HSGD_MAX_KERNEL_BUFFERS];
    for (int r = 0; r < l->nrefs; r++) at[r] = base[l->ref[r].buffer] + place(&l->ref[r], step);
    return l->kernel->cuda_call(at, v->program.args + l->args, &queue);
}

int cuda_launch(const struct variant *v, const struct launch *l, float *const *base, int step, cudaStream_t stream)
{
    return l->kernel->cuda_call ? call_library(v, l, base, step, stream) : launch_kernel(v, l, base, step, stream);
}

bool launch_moves(const struct launch *l)
{
    for (int r = 0; r < l->nrefs; r++)
        if (l->ref[r].slot_stride) return true;
    return false;
}

#endif
