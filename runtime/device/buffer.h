/* SPDX-License-Identifier: BSD-3-Clause */
/* Buffers: vectors of floats that StarPU keeps coherent. */
#ifndef HSGD_RUNTIME_BUFFER_H
#define HSGD_RUNTIME_BUFFER_H

#include "base/core.h"

struct buffer {
    char name[24];
    int64_t floats;
    void *memory; /* in main memory; NULL: StarPU allocates where it is first written */
    bool owned;
    bool pinned;          /* CUDA devices copy from and to it directly */
    bool written_through; /* what is written on one node is copied to others at once */
    starpu_data_handle_t handle;
    struct hsgd_context *ctx;
    atomic_uint counted; /* bit i: as memory of device i */
};

/* What is done with one, in StarPU's terms. */
#define BUFFER_READ STARPU_R
#define BUFFER_WRITE STARPU_W
#define BUFFER_UPDATE STARPU_RW
#define MAIN_MEMORY (1u << STARPU_MAIN_RAM) /* among memory nodes */

int buffer_create(struct hsgd_context *ctx, struct buffer *b, const char *name, int64_t floats, bool in_main_memory);
int buffer_wrap(struct hsgd_context *ctx, struct buffer *b, const char *name, int64_t floats, float *memory);
void buffer_destroy(struct buffer *b);
/* From now on what is written is copied to these memory nodes at once, if that
 * is safe with the StarPU that runs. */
void buffer_write_through(struct buffer *b, uint32_t nodes);
/* From now on until it is destroyed the buffer counts as memory of the device. */
void buffer_count(struct buffer *b, struct device *d);
/* starpu_data_acquire() in main memory; no task may be under way on b.  The
 * workers of a StarPU that is ours are woken only where they must fetch the data. */
void buffer_acquire(struct hsgd_context *ctx, struct buffer *b, enum starpu_data_access_mode mode);
void buffer_release(struct buffer *b);
/* Where it lies in main memory while it is acquired. */
float *buffer_memory(const struct buffer *b);

#endif
