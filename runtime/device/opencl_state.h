/* SPDX-License-Identifier: BSD-3-Clause */
/* The OpenCL half of a device, which the launcher uses. */
#ifndef HSGD_RUNTIME_OPENCL_STATE_H
#define HSGD_RUNTIME_OPENCL_STATE_H

#ifdef HSGD_USE_OPENCL
#ifndef CL_TARGET_OPENCL_VERSION
#define CL_TARGET_OPENCL_VERSION 120
#endif
#include <CL/cl.h>
#include <hsgd/ops.h>

#define OPENCL_GROUP 64 /* items of a group, where groups are not of one */
#define MAX_OPENCL_KERNELS 1024
#define MAX_OPENCL_PROGRAMS 256

struct opencl_kernel_entry {
    const struct hsgd_kernel *key;
    cl_kernel object;
};

struct opencl_program_entry {
    const char *source;
    cl_program program;
};

struct opencl_device {
    cl_context context;
    cl_device_id device;
    cl_command_queue queue;
    char name[128]; /* as the driver gives it */
    int nprograms, nkernels;
    struct opencl_program_entry program[MAX_OPENCL_PROGRAMS];
    struct opencl_kernel_entry kernel[MAX_OPENCL_KERNELS];
};
#endif
#endif
