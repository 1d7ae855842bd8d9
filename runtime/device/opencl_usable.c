/* SPDX-License-Identifier: BSD-3-Clause */
/* Which OpenCL devices cannot be used, and why. */
#include "opencl_device.h"

#include <stdio.h>
#include <string.h>

#ifdef HSGD_USE_OPENCL

#include "opencl_query.h"

/* What kernels need of a group. */
enum { GROUP_BYTES = 4096 };

static bool says_yes(cl_device_id d, cl_device_info what)
{
    cl_bool yes = CL_FALSE;
    return !clGetDeviceInfo(d, what, sizeof yes, &yes, NULL) && yes;
}

static bool has_language(cl_device_id d, char *why, size_t size)
{
    char version[128];
    int major = 0, minor = 0;
    opencl_text(d, CL_DEVICE_VERSION, version, sizeof version);
    if (sscanf(version, "OpenCL %d.%d", &major, &minor) == 2 && (major > 1 || minor >= 2)) return true;
    snprintf(why, size, "its driver is for \"%s\", not OpenCL 1.2", version);
    return false;
}

static bool has_groups(cl_device_id d, char *why, size_t size)
{
    size_t items = 0;
    cl_ulong bytes = 0;
    if (opencl_has_one_item(d)) return true;
    clGetDeviceInfo(d, CL_DEVICE_MAX_WORK_GROUP_SIZE, sizeof items, &items, NULL);
    clGetDeviceInfo(d, CL_DEVICE_LOCAL_MEM_SIZE, sizeof bytes, &bytes, NULL);
    if (items < OPENCL_GROUP) snprintf(why, size, "its groups have at most %zu items, not %d", items, OPENCL_GROUP);
    else if (bytes < GROUP_BYTES)
        snprintf(why, size, "its groups have %llu bytes of local memory, not %d", (unsigned long long)bytes,
                 GROUP_BYTES);
    return items >= OPENCL_GROUP && bytes >= GROUP_BYTES;
}

/* Mesa's llvmpipe (22.3) ends a loop when an item has gone through 65535 iterations in all, and the results are wrong
 * without an error: tests/opencl_loops.c. */
static const char loops_text[] = "kernel void loops(global uint *y, uint n) { uint s = 1;\n"
                                 "for (uint i = 0; i < n; i++) s = s * 1664525u + 1013904223u; y[0] = s; }";
enum { LOOPS = 100000 };

static cl_uint loops_right(void)
{
    cl_uint s = 1;
    for (cl_uint i = 0; i < LOOPS; i++) s = s * 1664525u + 1013904223u;
    return s;
}

static cl_uint loops_on(cl_device_id d, cl_context c, cl_command_queue q)
{
    cl_uint n = LOOPS, result = 0;
    cl_int err;
    size_t one = 1;
    const char *text = loops_text;
    cl_program program = clCreateProgramWithSource(c, 1, &text, NULL, &err);
    cl_mem y = clCreateBuffer(c, CL_MEM_READ_WRITE, sizeof result, NULL, &err);
    if (program) clBuildProgram(program, 1, &d, "", NULL, NULL);
    cl_kernel k = program ? clCreateKernel(program, "loops", &err) : NULL;
    if (k && y && !clSetKernelArg(k, 0, sizeof(cl_mem), &y) && !clSetKernelArg(k, 1, sizeof n, &n) &&
        !clEnqueueNDRangeKernel(q, k, 1, NULL, &one, &one, 0, NULL, NULL))
        clEnqueueReadBuffer(q, y, CL_TRUE, 0, sizeof result, &result, 0, NULL, NULL);
    if (k) clReleaseKernel(k);
    if (y) clReleaseMemObject(y);
    if (program) clReleaseProgram(program);
    return result;
}

static bool ends_loops_early(cl_device_id d, cl_context c, cl_command_queue q, char *why, size_t size)
{
    char name[16];
    opencl_text(d, CL_DEVICE_NAME, name, sizeof name);
    if (strncmp(name, "llvmpipe", 8) || loops_on(d, c, q) == loops_right()) return false;
    snprintf(why, size, "this version of its driver ends loops after 65535 iterations");
    return true;
}

/* As StarPU does, which ends the process if it gets none. */
static bool gives_queue(cl_device_id d, char *why, size_t size)
{
    cl_int err;
    cl_platform_id platform;
    clGetDeviceInfo(d, CL_DEVICE_PLATFORM, sizeof platform, &platform, NULL);
    const cl_context_properties properties[] = { CL_CONTEXT_PLATFORM, (cl_context_properties)platform, 0 };
    cl_context c = clCreateContext(properties, 1, &d, NULL, NULL, &err);
    cl_command_queue q = c ? clCreateCommandQueue(c, d, CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE, &err) : NULL;
    if (c && !q) q = clCreateCommandQueue(c, d, 0, &err);
    if (!q) snprintf(why, size, "its driver gives no %s (OpenCL error %d)", c ? "queue" : "context", err);
    bool good = q && !ends_loops_early(d, c, q, why, size);
    if (q) clReleaseCommandQueue(q);
    if (c) clReleaseContext(c);
    return good;
}

bool opencl_is_usable(const struct opencl_list *l, int i, char *why, size_t size)
{
    cl_device_id d = l->device[i];
    opencl_text(d, CL_DEVICE_NAME, why, size);
    size_t used = strlen(why);
    used += (size_t)snprintf(why + used, size - used, ": ");
    why += used, size -= used;
    if (!says_yes(d, CL_DEVICE_AVAILABLE)) snprintf(why, size, "its driver says that it is not available");
    else if (!says_yes(d, CL_DEVICE_COMPILER_AVAILABLE)) snprintf(why, size, "its driver has no compiler of OpenCL C");
    else if (opencl_units(d) < 1) snprintf(why, size, "its driver does not say how many compute units there are");
    else return has_language(d, why, size) && has_groups(d, why, size) && gives_queue(d, why, size);
    return false;
}

#else /* without OpenCL */

bool opencl_is_usable(const struct opencl_list *l, int i, char *why, size_t size)
{
    (void)l, (void)i;
    snprintf(why, size, "built without OpenCL");
    return false;
}

#endif
