/* SPDX-License-Identifier: BSD-3-Clause */
#include "buffer.h"

#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "starpu_environment.h"

#define HUGE_PAGE ((size_t)2 << 20)

/* Large buffers get huge pages where the system has them. */
static void *aligned_memory(size_t bytes)
{
    size_t align = bytes >= HUGE_PAGE ? HUGE_PAGE : 64, size = (bytes + align - 1) / align * align;
    void *p = aligned_alloc(align, size);
    if (!p) return NULL;
    if (align == HUGE_PAGE) madvise(p, size, MADV_HUGEPAGE);
    memset(p, 0, size);
    return p;
}

static bool has_cuda(const struct hsgd_context *ctx)
{
    for (int i = 0; i < ctx->ndevices; i++)
        if (ctx->device[i].info.kind == HSGD_CUDA) return true;
    return false;
}

static size_t bytes_of(const struct buffer *b) { return (size_t)b->floats * sizeof(float); }

static void name_buffer(struct hsgd_context *ctx, struct buffer *b, const char *name, int64_t floats)
{
    *b = (struct buffer){ .floats = floats, .ctx = ctx };
    snprintf(b->name, sizeof b->name, "%s", name);
}

int buffer_wrap(struct hsgd_context *ctx, struct buffer *b, const char *name, int64_t floats, float *memory)
{
    name_buffer(ctx, b, name, floats);
    b->memory = memory;
    starpu_vector_data_register(&b->handle, STARPU_MAIN_RAM, (uintptr_t)memory, (uint32_t)floats, sizeof(float));
    return 0;
}

int buffer_create(struct hsgd_context *ctx, struct buffer *b, const char *name, int64_t floats, bool in_main_memory)
{
    if (floats < 1) floats = 1;
    if (floats > UINT32_MAX / 2)
        return hsgd_fail(ctx, ENOMEM, "buffer \"%s\" would hold %lld floats", name, (long long)floats);
    name_buffer(ctx, b, name, floats);
    if (!in_main_memory) {
        starpu_vector_data_register(&b->handle, -1, 0, (uint32_t)floats, sizeof(float));
        return 0;
    }
    float *memory = aligned_memory((size_t)floats * sizeof(float));
    if (!memory) return hsgd_fail(ctx, ENOMEM, "no memory for buffer \"%s\" of %lld floats", name, (long long)floats);
    buffer_wrap(ctx, b, name, floats, memory);
    b->owned = true;
    b->pinned = has_cuda(ctx) && !starpu_memory_pin(memory, bytes_of(b));
    return 0;
}

/* ---------------------------------------------------------------- counting */

static void add_bytes(struct device *d, long long bytes)
{
    long long now = atomic_fetch_add(&d->bytes, bytes) + bytes, peak = atomic_load(&d->peak_bytes);
    while (now > peak && !atomic_compare_exchange_weak(&d->peak_bytes, &peak, now)) continue;
}

void buffer_count(struct buffer *b, struct device *d)
{
    unsigned bit = 1u << (d - b->ctx->device);
    if (!(atomic_fetch_or(&b->counted, bit) & bit)) add_bytes(d, (long long)bytes_of(b));
}

static void uncount(struct buffer *b)
{
    for (int i = 0; i < b->ctx->ndevices; i++)
        if (b->counted >> i & 1) add_bytes(&b->ctx->device[i], -(long long)bytes_of(b));
}

/* ------------------------------------------------------------------- using */

static bool can_write_through(void) { return STARPU_HAS_SAFE_PREFETCH || !starpu_get_prefetch_flag(); }

void buffer_write_through(struct buffer *b, uint32_t nodes)
{
    if (!can_write_through()) return;
    starpu_data_set_wt_mask(b->handle, nodes);
    b->written_through = true;
}

/* Whether workers must copy something before b can be had: its valid copy is
 * elsewhere, or one that was written through may be under way. */
static bool must_move(const struct buffer *b, enum starpu_data_access_mode mode)
{
    int allocated = 0, valid = 1, requested = 0;
    if (b->written_through && mode & STARPU_W) return true;
    if (mode & STARPU_R) starpu_data_query_status(b->handle, STARPU_MAIN_RAM, &allocated, &valid, &requested);
    return !valid;
}

static void acquired(void *arg) { sem_post(arg); }

void buffer_acquire(struct hsgd_context *ctx, struct buffer *b, enum starpu_data_access_mode mode)
{
    sem_t here;
    if (!must_move(b, mode)) {
        starpu_data_acquire(b->handle, mode);
        return;
    }
    /* starpu_data_acquire() would spin, perhaps on the core that the copy needs. */
    sem_init(&here, 0, 0);
    context_begin(ctx);
    starpu_data_acquire_cb(b->handle, mode, acquired, &here);
    while (sem_wait(&here)) continue; /* a signal */
    context_end(ctx);
    sem_destroy(&here);
}

void buffer_release(struct buffer *b) { starpu_data_release(b->handle); }

float *buffer_memory(const struct buffer *b) { return starpu_data_get_local_ptr(b->handle); }

void buffer_destroy(struct buffer *b)
{
    if (!b->handle) return;
    uncount(b);
    if (b->memory) starpu_data_unregister(b->handle);
    else starpu_data_unregister_no_coherency(b->handle);
    if (b->pinned) starpu_memory_unpin(b->memory, bytes_of(b));
    if (b->owned) free(b->memory);
    *b = (struct buffer){ 0 };
}
