/* SPDX-License-Identifier: BSD-3-Clause */
/* OpenCL devices: enumeration, opening.  Without OpenCL every function here finds nothing. */
#ifndef HSGD_RUNTIME_OPENCL_DEVICE_H
#define HSGD_RUNTIME_OPENCL_DEVICE_H

#include "base/core.h"

struct opencl_list {
    int count;
    bool is_cpu[STARPU_NMAXWORKERS];
    bool is_nvidia[STARPU_NMAXWORKERS]; /* may be a CUDA device, too */
    void *device[STARPU_NMAXWORKERS];   /* cl_device_id */
};

/* Whether OpenCL was used in a process that this one was forked from: its
 * threads are not there. */
bool opencl_is_orphan(void);

/* All OpenCL devices in the order StarPU numbers them when CPUs count. */
void opencl_enumerate(struct hsgd_context *ctx, struct opencl_list *out);

/* Whether StarPU can start the device, which ends the process where it cannot, and the kernels run there; else its name
 * and why not. */
bool opencl_is_usable(const struct opencl_list *l, int i, char *why, size_t size);

/* Fills d->info. */
int opencl_device_open(struct hsgd_context *ctx, struct device *d);
void opencl_device_close(struct device *d);

/* Names of the platform behind those of devices that another of the context's is called, too. */
void opencl_tell_apart(struct hsgd_context *ctx);

#endif
