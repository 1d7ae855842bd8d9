/* SPDX-License-Identifier: BSD-3-Clause */
/* CUDA devices: how many, what they are, what library calls on them need.
 * Without CUDA every function here finds nothing. */
#ifndef HSGD_RUNTIME_CUDA_DEVICE_H
#define HSGD_RUNTIME_CUDA_DEVICE_H

#include <hsgd/ops.h>

#include "base/core.h"

/* How many CUDA devices there are. */
int cuda_count(void);

/* Fills d->info and creates what the device needs. */
int cuda_device_open(struct hsgd_context *ctx, struct device *d);
/* What its worker of this number needs besides. */
int cuda_worker_open(struct hsgd_context *ctx, struct device *d, int worker);
void cuda_device_close(struct device *d);

/* Where a worker's library calls go; stream is a cudaStream_t. */
struct hsgd_cuda_queue cuda_device_queue(const struct device *d, int worker, void *stream);

/* What the kernel's cuda_prepare() returns for these arguments and places,
 * asked once for all that are alike; NULL: it cannot be done. */
void *cuda_prepared(struct device *d, const struct hsgd_kernel *k, const void *args, const struct hsgd_ref *refs);

/* Finds the kernel's form on the device for these arguments and places, once for
 * all that are alike; *prepared is what a library prepared, or NULL.  -ENODEV when
 * the kernel has no form for CUDA devices or cannot do it. */
int cuda_kernel_bind(struct hsgd_context *ctx, struct device *d, const struct hsgd_kernel *k, const void *args,
                     const struct hsgd_ref *refs, void **prepared);

#endif
