/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether the first OpenCL device ends loops early, without hsgd: Mesa's llvmpipe, here of version 22.3, ends a loop
 * when an item has gone through 65535 iterations in all.  Prints "right" or "wrong"; exit status 1 if wrong, 2 without
 * a device. */
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <stdio.h>

static const char *text = "kernel void loops(global uint *y, uint n) {\n"
                          "    uint s = 1;\n"
                          "    for (uint i = 0; i < n; i++) s = s * 1664525u + 1013904223u;\n"
                          "    y[0] = s;\n"
                          "}\n";

int main(void)
{
    cl_platform_id platform;
    cl_device_id device;
    cl_int err;
    cl_uint n = 65536, result = 0, right = 1;
    size_t one = 1;
    if (clGetPlatformIDs(1, &platform, NULL) || clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 1, &device, NULL))
        return 2;
    cl_context context = clCreateContext(NULL, 1, &device, NULL, NULL, &err);
    cl_command_queue queue = clCreateCommandQueue(context, device, 0, &err);
    cl_program program = clCreateProgramWithSource(context, 1, &text, NULL, &err);
    clBuildProgram(program, 1, &device, "", NULL, NULL);
    cl_kernel kernel = clCreateKernel(program, "loops", &err);
    cl_mem y = clCreateBuffer(context, CL_MEM_READ_WRITE, sizeof result, NULL, &err);
    clSetKernelArg(kernel, 0, sizeof(cl_mem), &y);
    clSetKernelArg(kernel, 1, sizeof n, &n);
    clEnqueueNDRangeKernel(queue, kernel, 1, NULL, &one, &one, 0, NULL, NULL);
    clEnqueueReadBuffer(queue, y, CL_TRUE, 0, sizeof result, &result, 0, NULL, NULL);
    for (cl_uint i = 0; i < n; i++) right = right * 1664525u + 1013904223u;
    printf("%s\n", result == right ? "right" : "wrong");
    return result != right;
}
