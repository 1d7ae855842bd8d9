/* SPDX-License-Identifier: BSD-3-Clause */
/* Preloaded into hsgd: an OpenCL driver that lacks something, or whose calls are counted.
 *
 * DRIVER_LACKS   what every device lacks: "available", "compiler", "version", "units", "group", "memory", "context",
 *                "queue"; or "kernel": groups of no kernel have 64 items; or "binary": it takes no compiled program
 * DRIVER_REPORT  file that gets a line for each program that is made: "source" or "binary" */
#include "config.h"

#ifdef HSGD_USE_OPENCL
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))
#define REAL(name) __typeof__(&name) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

static bool lacks(const char *what)
{
    const char *all = getenv("DRIVER_LACKS");
    return all && !strcmp(all, what);
}

static void report(const char *what)
{
    const char *path = getenv("DRIVER_REPORT");
    FILE *f = path ? fopen(path, "a") : NULL;
    if (!f) return;
    fprintf(f, "%s\n", what);
    fclose(f);
}

EXPORT cl_int clGetDeviceInfo(cl_device_id d, cl_device_info what, size_t size, void *value, size_t *needed)
{
    REAL(clGetDeviceInfo);
    cl_int err = real(d, what, size, value, needed);
    if (err || !value) return err;
    if (what == CL_DEVICE_AVAILABLE && lacks("available")) *(cl_bool *)value = CL_FALSE;
    if (what == CL_DEVICE_COMPILER_AVAILABLE && lacks("compiler")) *(cl_bool *)value = CL_FALSE;
    if (what == CL_DEVICE_VERSION && lacks("version")) snprintf(value, size, "OpenCL 1.1 old");
    if (what == CL_DEVICE_MAX_COMPUTE_UNITS && lacks("units")) return CL_INVALID_VALUE;
    if (what == CL_DEVICE_MAX_WORK_GROUP_SIZE && lacks("group")) *(size_t *)value = 32;
    if (what == CL_DEVICE_LOCAL_MEM_SIZE && lacks("memory")) *(cl_ulong *)value = 1024;
    return err;
}

EXPORT cl_context clCreateContext(const cl_context_properties *properties, cl_uint n, const cl_device_id *d,
                                  void(CL_CALLBACK *notify)(const char *, const void *, size_t, void *), void *user,
                                  cl_int *err)
{
    REAL(clCreateContext);
    if (!lacks("context")) return real(properties, n, d, notify, user, err);
    *err = CL_DEVICE_NOT_AVAILABLE;
    return NULL;
}

EXPORT cl_command_queue clCreateCommandQueue(cl_context c, cl_device_id d, cl_command_queue_properties p, cl_int *err)
{
    REAL(clCreateCommandQueue);
    if (!lacks("queue")) return real(c, d, p, err);
    *err = CL_OUT_OF_RESOURCES;
    return NULL;
}

EXPORT cl_int clGetKernelWorkGroupInfo(cl_kernel k, cl_device_id d, cl_kernel_work_group_info what, size_t size,
                                       void *value, size_t *needed)
{
    REAL(clGetKernelWorkGroupInfo);
    cl_int err = real(k, d, what, size, value, needed);
    if (!err && value && what == CL_KERNEL_WORK_GROUP_SIZE && lacks("kernel")) *(size_t *)value = 32;
    return err;
}

EXPORT cl_program clCreateProgramWithSource(cl_context c, cl_uint n, const char **texts, const size_t *sizes,
                                            cl_int *err)
{
    REAL(clCreateProgramWithSource);
    report("source");
    return real(c, n, texts, sizes, err);
}

EXPORT cl_program clCreateProgramWithBinary(cl_context c, cl_uint n, const cl_device_id *d, const size_t *sizes,
                                            const unsigned char **bytes, cl_int *of_device, cl_int *err)
{
    REAL(clCreateProgramWithBinary);
    report("binary");
    if (!lacks("binary")) return real(c, n, d, sizes, bytes, of_device, err);
    *err = CL_INVALID_BINARY;
    return NULL;
}
#endif
