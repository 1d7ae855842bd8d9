/* CUDA devices: how many, what they are, their cuBLAS.  Without CUDA every
 * function here finds nothing. */
#ifndef HSGD_RUNTIME_CUDA_DEVICE_H
#define HSGD_RUNTIME_CUDA_DEVICE_H

#include "core.h"

struct hsgd_kernel;

/* How many CUDA devices there are. */
int cuda_count(void);

/* Fills d->info and creates what the device needs. */
int cuda_device_open(struct hsgd_context *ctx, struct device *d);
void cuda_device_close(struct device *d);

/* -ENODEV when a kernel has no form for CUDA devices. */
int cuda_kernel_check(struct hsgd_context *ctx, const struct hsgd_kernel *kernel);

#endif
