/* SPDX-License-Identifier: BSD-3-Clause */
/* OpenCL devices: enumeration, the program, its kernels.  Without OpenCL
 * every function here finds nothing. */
#ifndef HSGD_RUNTIME_OPENCL_DEVICE_H
#define HSGD_RUNTIME_OPENCL_DEVICE_H

#include "base/core.h"

struct opencl_list {
    int count;
    bool is_cpu[STARPU_NMAXWORKERS];
    bool is_nvidia[STARPU_NMAXWORKERS]; /* may be a CUDA device, too */
};

/* Whether OpenCL was used in a process that this one was forked from: its
 * threads are not there. */
bool opencl_is_orphan(void);

/* All OpenCL devices in the order StarPU numbers them when CPUs count. */
void opencl_enumerate(struct hsgd_context *ctx, struct opencl_list *out);

/* Fills d->info and builds the library's program for it. */
int opencl_device_open(struct hsgd_context *ctx, struct device *d);
void opencl_device_close(struct device *d);

/* The device's own object for a kernel (a cl_kernel); out-of-tree kernels are
 * built on first use.  NULL on failure, with the error in ctx. */
void *opencl_kernel(struct hsgd_context *ctx, struct device *d, const struct hsgd_kernel *kernel);

#endif
