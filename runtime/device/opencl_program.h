/* SPDX-License-Identifier: BSD-3-Clause */
/* Kernels of OpenCL devices, compiled on first use. */
#ifndef HSGD_RUNTIME_OPENCL_PROGRAM_H
#define HSGD_RUNTIME_OPENCL_PROGRAM_H

#include "base/core.h"

/* The device's own object for a kernel (a cl_kernel).  NULL on failure, with the error in ctx. */
void *opencl_kernel(struct hsgd_context *ctx, struct device *d, const struct hsgd_kernel *kernel);

/* Releases all of them. */
void opencl_programs_close(struct device *d);

#endif
