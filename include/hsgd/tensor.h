/* Tensors: arrays of floats that StarPU keeps coherent over the devices. */
#ifndef HSGD_TENSOR_H
#define HSGD_TENSOR_H

#include <hsgd/context.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hsgd_tensor;

/* A tensor of up to 8 dimensions.  data NULL: zero-filled memory of the
 * library's; HSGD_COPY: a copy; HSGD_BORROW: `data` itself, which the caller
 * leaves alone between hsgd_tensor_write/read until destroy.
 * Errors (NULL): -EINVAL a dimension < 1 or a size beyond memory; -ENOMEM. */
HSGD_API struct hsgd_tensor *hsgd_tensor_create(struct hsgd_context *ctx, int ndims, const int *dims,
                                                float *data, enum hsgd_ownership ownership);
/* Waits for the work submitted on the tensor, then frees it.  NULL-safe. */
HSGD_API void hsgd_tensor_destroy(struct hsgd_tensor **t);

/* Number of floats. */
HSGD_API int64_t hsgd_tensor_size(const struct hsgd_tensor *t);
/* Number of dimensions. */
HSGD_API int hsgd_tensor_ndims(const struct hsgd_tensor *t);
/* Size of dimension i; -EINVAL when out of range. */
HSGD_API int hsgd_tensor_dim(const struct hsgd_tensor *t, int i);

/* Copies floats [first, first+count) out of or into the tensor, after the
 * work submitted on it before.  -EINVAL when out of range. */
HSGD_API int hsgd_tensor_read(struct hsgd_tensor *t, int64_t first, int64_t count, float *out);
/* Copies in; as hsgd_tensor_read(). */
HSGD_API int hsgd_tensor_write(struct hsgd_tensor *t, int64_t first, int64_t count, const float *in);

/* The starpu_data_handle_t (a vector of floats), for an application's own
 * StarPU tasks on it. */
HSGD_API void *hsgd_tensor_handle(struct hsgd_tensor *t);

#ifdef __cplusplus
}
#endif
#endif
