#include <stdlib.h>
#include <string.h>

#include "plan.h"

#define MAX_DIMS 8

struct hsgd_tensor {
    struct hsgd_context *ctx;
    int ndims, dim[MAX_DIMS];
    int64_t size;
    struct buffer buffer;
};

static int measure(struct hsgd_context *ctx, int ndims, const int *dims, int64_t *size)
{
    if (ndims < 1 || ndims > MAX_DIMS)
        return hsgd_fail(ctx, EINVAL, "a tensor has 1 to %d dimensions, not %d", MAX_DIMS, ndims);
    *size = 1;
    for (int i = 0; i < ndims; i++) {
        if (dims[i] < 1)
            return hsgd_fail(ctx, EINVAL, "dimension %d of a tensor must be at least 1, not %d", i, dims[i]);
        if (*size > INT32_MAX / dims[i])
            return hsgd_fail(ctx, EINVAL, "a tensor holds at most %d floats: dimension %d is %d", INT32_MAX, i,
                             dims[i]);
        *size *= dims[i];
    }
    return 0;
}

struct hsgd_tensor *hsgd_tensor_create(struct hsgd_context *ctx, int ndims, const int *dims, float *data,
                                       enum hsgd_ownership ownership)
{
    int64_t size = 0;
    if (!ctx || measure(ctx, ndims, dims, &size)) return NULL;
    struct hsgd_tensor *t = calloc(1, sizeof *t);
    if (!t) {
        hsgd_fail(ctx, ENOMEM, "out of memory");
        return NULL;
    }
    t->ctx = ctx;
    t->ndims = ndims;
    t->size = size;
    memcpy(t->dim, dims, (size_t)ndims * sizeof *dims);
    int err = data && ownership == HSGD_BORROW ? buffer_wrap(ctx, &t->buffer, "tensor", size, data)
                                               : buffer_create(ctx, &t->buffer, "tensor", size, true);
    if (!err && data && ownership == HSGD_COPY) memcpy(t->buffer.memory, data, (size_t)size * sizeof *data);
    if (err) {
        free(t);
        return NULL;
    }
    return t;
}

void hsgd_tensor_destroy(struct hsgd_tensor **pt)
{
    if (!pt || !*pt) return;
    context_begin((*pt)->ctx);
    buffer_destroy(&(*pt)->buffer);
    context_end((*pt)->ctx);
    free(*pt);
    *pt = NULL;
}

int64_t hsgd_tensor_size(const struct hsgd_tensor *t) { return t->size; }
int hsgd_tensor_ndims(const struct hsgd_tensor *t) { return t->ndims; }
int hsgd_tensor_dim(const struct hsgd_tensor *t, int i) { return i >= 0 && i < t->ndims ? t->dim[i] : -EINVAL; }
void *hsgd_tensor_handle(struct hsgd_tensor *t) { return t->buffer.handle; }

static int begin_access(struct hsgd_tensor *t, int64_t first, int64_t count, enum starpu_data_access_mode mode)
{
    if (first < 0 || count < 0 || first > t->size - count)
        return hsgd_fail(t->ctx, EINVAL, "%lld floats from %lld are not inside a tensor of %lld", (long long)count,
                         (long long)first, (long long)t->size);
    context_begin(t->ctx);
    return starpu_data_acquire(t->buffer.handle, mode);
}

static void end_access(struct hsgd_tensor *t)
{
    starpu_data_release(t->buffer.handle);
    context_end(t->ctx);
}

int hsgd_tensor_read(struct hsgd_tensor *t, int64_t first, int64_t count, float *out)
{
    int err = begin_access(t, first, count, STARPU_R);
    if (err) return err;
    memcpy(out, (float *)t->buffer.memory + first, (size_t)count * sizeof *out);
    end_access(t);
    return 0;
}

int hsgd_tensor_write(struct hsgd_tensor *t, int64_t first, int64_t count, const float *in)
{
    int err = begin_access(t, first, count, STARPU_RW);
    if (err) return err;
    memcpy((float *)t->buffer.memory + first, in, (size_t)count * sizeof *in);
    end_access(t);
    return 0;
}
