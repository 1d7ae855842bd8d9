/* SPDX-License-Identifier: BSD-3-Clause */
/* Programs: how operations describe the work of a cell. */
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "device/cuda_device.h"
#include "program.h"

void program_free(struct hsgd_program *p)
{
    free(p->launch);
    free(p->args);
    *p = (struct hsgd_program){ 0 };
}

static bool room(struct hsgd_program *p, size_t args_bytes)
{
    if (!array_grow((void **)&p->launch, p->n, &p->capacity, sizeof *p->launch)) return false;
    if (p->args_bytes + args_bytes > p->args_capacity) {
        size_t capacity = 2 * (p->args_bytes + args_bytes) + 256;
        unsigned char *bigger = realloc(p->args, capacity);
        if (!bigger) return false;
        p->args = bigger;
        p->args_capacity = capacity;
    }
    return true;
}

void hsgd_node_add_param(struct hsgd_node *node, const struct hsgd_param_spec *spec)
{
    if (node && spec && node->params < HSGD_MAX_PARAMS) node->param[node->params++] = *spec;
}

void hsgd_launch(struct hsgd_emit *e, const struct hsgd_kernel *kernel, enum hsgd_grid grid, int64_t count,
                 const void *args, const struct hsgd_ref *refs)
{
    struct hsgd_program *p = e ? e->program : NULL;
    if (!p) return;
    bool whole = kernel && (args || !kernel->args_size) && (refs || !kernel->buffers);
    if (!whole) p->error = EINVAL;
    if (p->error) return;
    size_t args_bytes = (kernel->args_size + 15) / 16 * 16;
    if (!room(p, args_bytes)) {
        p->error = ENOMEM;
        return;
    }
    struct launch *l = &p->launch[p->n++];
    *l = (struct launch){
        .kernel = kernel, .grid = grid, .nrefs = kernel->buffers, .count = count, .args = p->args_bytes
    };
    memcpy(l->ref, refs, (size_t)kernel->buffers * sizeof *refs);
    memcpy(p->args + p->args_bytes, args, kernel->args_size);
    p->args_bytes += args_bytes;
}

const void *hsgd_prepared(const struct hsgd_emit *e, const struct hsgd_kernel *kernel, const void *args,
                          const struct hsgd_ref *refs)
{
    if (!e || !kernel || !args || !refs) return NULL;
    return e->kind == HSGD_CUDA && kernel->cuda_prepare ? cuda_prepared(e->device, kernel, args, refs) : NULL;
}

struct hsgd_ref hsgd_scratch(struct hsgd_emit *e, int64_t floats)
{
    if (!e) return (struct hsgd_ref){ .buffer = -1 };
    struct hsgd_ref place = hsgd_at(e->scratch_base, e->scratch_used);
    if (floats > 0) e->scratch_used += (floats + 15) / 16 * 16;
    if (e->scratch_used > e->scratch_floats) e->scratch_floats = e->scratch_used;
    return place;
}
