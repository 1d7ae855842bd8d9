/* SPDX-License-Identifier: BSD-3-Clause */
#define CL_TARGET_OPENCL_VERSION 120
#include "config.h"
#include "machine.h"

#include <ctype.h>
#include <gnu/libc-version.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#ifdef HAVE_DNNL
#include <oneapi/dnnl/dnnl.h>
#else
#include <cblas.h>
#endif
#ifdef HSGD_USE_OPENCL
#include <CL/cl.h>
#endif

#include "kernels.h"

/* One word: a run of characters that are no letters, digits or ",._+" becomes one '-'. */
static void one_word(char *text)
{
    char *to = text, last = 0;
    for (; *text; text++) {
        char c = isalnum((unsigned char)*text) || strchr(",._+", *text) ? *text : '-';
        if (c != '-' || last != '-') *to++ = c;
        last = c;
    }
    *to = 0;
}

void machine_host(char *out, size_t size)
{
#ifdef __clang__
    const char *compiler = "clang";
#else
    const char *compiler = "gcc";
#endif
    snprintf(out, size, "%s-%s%s%s,glibc-%s", compiler, __VERSION__, *CODE_FLAGS ? "," : "", CODE_FLAGS,
             gnu_get_libc_version());
    one_word(out);
}

void machine_kernels(char *out, size_t size)
{
    hsgd_kernels_init();
#ifdef HAVE_DNNL
    const dnnl_version_t *v = dnnl_version();
    snprintf(out, size, "%s,onednn-%d.%d.%d,isa-%#x", hsgd_kernels_isa(), v->major, v->minor, v->patch,
             (unsigned)dnnl_get_effective_cpu_isa());
#else
    char version[64] = "?";
    sscanf(openblas_get_config(), "%*s %63s", version);
    snprintf(out, size, "%s,openblas-%s,%s", hsgd_kernels_isa(), version, openblas_get_corename());
#endif
    one_word(out);
}

#ifdef HSGD_USE_OPENCL
enum { PLATFORMS = 16, DEVICES = 16, TEXT = 256 };

static cl_device_id device_by_name(const char *name, cl_platform_id *platform)
{
    cl_platform_id platforms[PLATFORMS];
    cl_uint count = 0;
    clGetPlatformIDs(PLATFORMS, platforms, &count);
    for (cl_uint p = 0; p < count && p < PLATFORMS; p++) {
        cl_device_id devices[DEVICES];
        cl_uint ndevices = 0;
        clGetDeviceIDs(platforms[p], CL_DEVICE_TYPE_ALL, DEVICES, devices, &ndevices);
        for (cl_uint d = 0; d < ndevices && d < DEVICES; d++) {
            char text[TEXT] = "";
            clGetDeviceInfo(devices[d], CL_DEVICE_NAME, sizeof text, text, NULL);
            *platform = platforms[p];
            if (!strcmp(text, name)) return devices[d];
        }
    }
    return NULL;
}

/* PoCL's platform has "OpenCL 3.0 PoCL 3.1  Linux, None+Asserts, RELOC, SPIR, LLVM 14.0.6, ..": of that the
 * version of LLVM, which compiles the kernels. */
static void llvm_version(cl_platform_id platform, char *out, size_t size)
{
    char text[TEXT] = "", version[64];
    clGetPlatformInfo(platform, CL_PLATFORM_VERSION, sizeof text, text, NULL);
    const char *at = strstr(text, "LLVM ");
    if (at && sscanf(at, "LLVM %63[^, ]", version) == 1) snprintf(out, size, ",llvm-%s", version);
}

/* A device's version is "OpenCL 3.0 " and the implementation, with PoCL also what it compiles for. */
void machine_opencl(const char *name, char *out, size_t size)
{
    cl_platform_id platform = NULL;
    cl_device_id device = device_by_name(name, &platform);
    char driver[TEXT] = "", version[TEXT] = "", llvm[80] = "";
    cl_uint units = 0;
    int skip = 0;
    if (device) {
        clGetDeviceInfo(device, CL_DRIVER_VERSION, sizeof driver, driver, NULL);
        clGetDeviceInfo(device, CL_DEVICE_VERSION, sizeof version, version, NULL);
        clGetDeviceInfo(device, CL_DEVICE_MAX_COMPUTE_UNITS, sizeof units, &units, NULL);
        llvm_version(platform, llvm, sizeof llvm);
    }
    sscanf(version, "OpenCL %*s %n", &skip);
    snprintf(out, size, "%s,%s%s,%u-units", version + skip, driver, llvm, units);
    if (!device) snprintf(out, size, "-");
    one_word(out);
}
#else
void machine_opencl(const char *name, char *out, size_t size)
{
    (void)name;
    snprintf(out, size, "-");
}
#endif
