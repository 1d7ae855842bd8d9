/* SPDX-License-Identifier: BSD-3-Clause */
/* A program: the kernel launches that operations write for a cell. */
#ifndef HSGD_RUNTIME_PROGRAM_H
#define HSGD_RUNTIME_PROGRAM_H

#include <hsgd/ops.h>

struct launch {
    const struct hsgd_kernel *kernel;
    void *device_object; /* the OpenCL form, or what a CUDA library prepared, once the cell is bound */
    enum hsgd_grid grid;
    int nrefs;
    int64_t count;
    size_t args;                                  /* byte offset into program.args */
    struct hsgd_ref ref[HSGD_MAX_KERNEL_BUFFERS]; /* buffer = index among the cell's accesses once bound */
};

struct hsgd_program {
    int n, capacity;
    struct launch *launch;
    size_t args_bytes, args_capacity;
    unsigned char *args;
    int error;
};

void program_free(struct hsgd_program *p);

/* A place in a buffer, and one that moves on with each step of a window. */
static inline struct hsgd_ref ref(int buffer, int64_t floats)
{
    return hsgd_at((struct hsgd_ref){ .buffer = buffer }, floats);
}
static inline struct hsgd_ref slotted(int buffer, int64_t floats)
{
    return (struct hsgd_ref){ .buffer = buffer, .slot_stride = hsgd_at((struct hsgd_ref){ 0 }, floats).offset };
}

#endif
