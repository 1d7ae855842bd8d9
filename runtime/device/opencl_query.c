/* SPDX-License-Identifier: BSD-3-Clause */
#include "opencl_query.h"

#ifdef HSGD_USE_OPENCL

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void opencl_text(cl_device_id d, cl_device_info what, char *out, size_t size)
{
    char text[1024] = "";
    if (clGetDeviceInfo(d, what, sizeof text - 1, text, NULL)) *text = '\0';
    snprintf(out, size, "%s", text);
}

void opencl_platform_text(cl_device_id d, cl_platform_info what, char *out, size_t size)
{
    cl_platform_id platform;
    char text[1024] = "";
    if (clGetDeviceInfo(d, CL_DEVICE_PLATFORM, sizeof platform, &platform, NULL) ||
        clGetPlatformInfo(platform, what, sizeof text - 1, text, NULL))
        *text = '\0';
    snprintf(out, size, "%s", text);
}

bool opencl_is_cpu(cl_device_id d)
{
    cl_device_type type = 0;
    clGetDeviceInfo(d, CL_DEVICE_TYPE, sizeof type, &type, NULL);
    return type & CL_DEVICE_TYPE_CPU;
}

bool opencl_has_one_item(cl_device_id d)
{
    const char *groups = getenv("HSGD_OPENCL_GROUPS");
    return opencl_is_cpu(d) && !(groups && !strcmp(groups, "1"));
}

int opencl_units(cl_device_id d)
{
    cl_uint units = 0;
    return clGetDeviceInfo(d, CL_DEVICE_MAX_COMPUTE_UNITS, sizeof units, &units, NULL) ? 0 : (int)units;
}

#endif
