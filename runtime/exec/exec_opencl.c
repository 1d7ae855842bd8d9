/* SPDX-License-Identifier: BSD-3-Clause */
/* The launcher for OpenCL devices: enqueues a cell's kernels in order and
 * waits for the last. */
#include "task.h"

#ifdef HSGD_USE_OPENCL

#include "device/opencl_state.h"

#define GROUPS_PER_UNIT 8

/* How many groups of how many items.  On a CPU a group is one item, and a
 * group per core shares out what is not worth more. */
static void launch_size(const struct device *d, const struct launch *l, size_t *global, size_t *local)
{
    bool one = d->one_item || l->grid == HSGD_TILES;
    size_t most = (size_t)d->units * (d->one_item ? 1 : GROUPS_PER_UNIT), groups = (size_t)l->count;
    bool items = l->grid == HSGD_ITEMS || l->grid == HSGD_WARPS; /* warps are items here */
    size_t per_group = !items ? 1 : d->one_item ? 1024 : OPENCL_GROUP;
    *local = one ? 1 : OPENCL_GROUP;
    groups = (groups + per_group - 1) / per_group;
    if (l->grid != HSGD_TILES && groups > most) groups = most;
    if (groups < 1) groups = 1;
    *global = groups * *local;
}

static cl_int enqueue(const struct device *d, const struct launch *l, const unsigned char *args, void *const *base,
                      int step)
{
    cl_kernel k = l->device_object;
    cl_int err = 0;
    cl_uint n = 0;
    for (int r = 0; r < l->nrefs; r++) {
        cl_mem memory = base[l->ref[r].buffer];
        cl_ulong offset = (cl_ulong)(l->ref[r].offset + l->ref[r].slot_stride * step);
        err |= clSetKernelArg(k, n++, sizeof memory, &memory);
        err |= clSetKernelArg(k, n++, sizeof offset, &offset);
    }
    err |= clSetKernelArg(k, n, l->kernel->args_size, args);
    if (err) return err;
    size_t global, local;
    launch_size(d, l, &global, &local);
    return clEnqueueNDRangeKernel(d->opencl->queue, k, 1, NULL, &global, &local, 0, NULL, NULL);
}

void exec_opencl(void *buffers[], void *arg)
{
    struct cell_run *run = arg;
    const struct cell *c = run->cell;
    uint64_t began;
    struct variant *v = cell_begin(run, &began);
    if (!v) return;
    const struct hsgd_program *p = &v->program;
    const struct opencl_device *o = v->device->opencl;
    void *base[MAX_ACCESSES];
    for (int i = 0; i < c->naccesses; i++) base[i] = (void *)STARPU_VECTOR_GET_DEV_HANDLE(buffers[i]);
    for (int i = 0; i < p->n; i++) {
        const struct launch *l = &p->launch[i];
        cl_int err = enqueue(v->device, l, p->args + l->args, base, run->step);
        if (err) {
            cell_failed(run, v->device, true, "%s: kernel \"%s\" failed (OpenCL error %d)", v->device->info.name,
                        l->kernel->name, err);
            break;
        }
    }
    cl_int err = clFinish(o->queue);
    if (err) cell_failed(run, v->device, true, "%s: the device failed (OpenCL error %d)", v->device->info.name, err);
    cell_end(run, v, began);
}

#endif
