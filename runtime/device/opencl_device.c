/* SPDX-License-Identifier: BSD-3-Clause */
#include "opencl_device.h"

#ifdef HSGD_USE_OPENCL

#include "opencl_state.h"

#include <limits.h>
#include <starpu_opencl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/cache.h"
#include "io/private_folder.h"

#define PCI_VENDOR_NVIDIA 0x10de

/* The generation of the process that has used OpenCL; -1: none. */
static long used_by = -1;

bool opencl_is_orphan(void) { return used_by >= 0 && used_by != (long)context_generation(); }

/* Where PoCL keeps compiled kernels; it finds no device where it cannot. */
static bool pocl_has_folder(void)
{
    char path[PATH_MAX];
    const char *given = getenv("POCL_CACHE_DIR"), *shared = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (given && *given) return true; /* the user's matter */
    if (shared && *shared) snprintf(path, sizeof path, "%s/pocl/", shared);
    else if (home && *home) snprintf(path, sizeof path, "%s/.cache/pocl/", home);
    else return false; /* a folder in /tmp that all users would share */
    hsgd_cache_make_folders(path);
    return !access(path, W_OK | X_OK);
}

/* For the whole life of the process: PoCL reads the variable when it likes. */
static void place_pocl(struct hsgd_context *ctx)
{
    const char *folder = pocl_has_folder() ? NULL : private_folder();
    if (!folder) return;
    setenv("POCL_CACHE_DIR", folder, 1);
    hsgd_log(ctx, HSGD_LOG_WARNING,
             "PoCL cannot keep compiled kernels in HOME: they are compiled again by every "
             "process; set POCL_CACHE_DIR to a folder");
}

/* StarPU asks each platform for its devices of these types at once. */
void opencl_enumerate(struct hsgd_context *ctx, struct opencl_list *out)
{
    cl_platform_id platforms[64];
    cl_uint nplatforms = 0;
    *out = (struct opencl_list){ 0 };
    if (used_by != (long)context_generation()) place_pocl(ctx);
    used_by = (long)context_generation();
    if (clGetPlatformIDs(64, platforms, &nplatforms)) return;
    if (nplatforms > 64) nplatforms = 64;
    for (cl_uint p = 0; p < nplatforms; p++) {
        cl_device_id devices[STARPU_NMAXWORKERS];
        cl_uint n = 0;
        cl_device_type types = CL_DEVICE_TYPE_GPU | CL_DEVICE_TYPE_ACCELERATOR | CL_DEVICE_TYPE_CPU;
        int room = STARPU_MAXOPENCLDEVS - out->count;
        if (room <= 0 || clGetDeviceIDs(platforms[p], types, (cl_uint)room, devices, &n)) continue;
        for (cl_uint i = 0; i < n && i < (cl_uint)room; i++) {
            cl_device_type type = 0;
            cl_uint vendor = 0;
            clGetDeviceInfo(devices[i], CL_DEVICE_TYPE, sizeof type, &type, NULL);
            clGetDeviceInfo(devices[i], CL_DEVICE_VENDOR_ID, sizeof vendor, &vendor, NULL);
            out->is_nvidia[out->count] = vendor == PCI_VENDOR_NVIDIA;
            out->is_cpu[out->count++] = type & CL_DEVICE_TYPE_CPU;
        }
    }
}

#define BUILD_OPTIONS "-cl-std=CL1.2 -cl-mad-enable -cl-denorms-are-zero -w"

static const char *build_options(const struct device *d)
{
    return d->one_item ? BUILD_OPTIONS " -DHSGD_ONE_ITEM" : BUILD_OPTIONS;
}

/* What the compiler said; it is asked for all of it, or it gives nothing. */
static char *build_log(cl_program program, cl_device_id device)
{
    size_t size = 0;
    if (clGetProgramBuildInfo(program, device, CL_PROGRAM_BUILD_LOG, 0, NULL, &size) || !size) return NULL;
    char *log = calloc(1, size + 1);
    if (log) clGetProgramBuildInfo(program, device, CL_PROGRAM_BUILD_LOG, size, log, NULL);
    return log;
}

static cl_program build(struct hsgd_context *ctx, struct device *d, const struct hsgd_kernel *kernel)
{
    cl_int err;
    const char *texts[] = { kernel->opencl_header ? kernel->opencl_header : "", kernel->opencl_source };
    cl_program program = clCreateProgramWithSource(d->opencl->context, 2, texts, NULL, &err);
    if (!err) err = clBuildProgram(program, 1, &d->opencl->device, build_options(d), NULL, NULL);
    if (!err) return program;
    char *log = program ? build_log(program, d->opencl->device) : NULL;
    if (program) clReleaseProgram(program);
    hsgd_fail(ctx, EIO, "%s: the OpenCL compiler failed (error %d): %s", d->info.name, err, log ? log : "");
    free(log);
    return NULL;
}

static cl_kernel create_kernel(struct hsgd_context *ctx, struct device *d, cl_program program, const char *name)
{
    cl_int err;
    cl_kernel k = clCreateKernel(program, name, &err);
    if (err) {
        hsgd_fail(ctx, EINVAL, "%s: the OpenCL program has no kernel \"%s\" (error %d)", d->info.name, name, err);
        return NULL;
    }
    return k;
}

static int describe(struct device *d)
{
    cl_device_type type = 0;
    cl_ulong memory = 0;
    cl_uint units = 1;
    clGetDeviceInfo(d->opencl->device, CL_DEVICE_NAME, sizeof d->info.name - 1, d->info.name, NULL);
    clGetDeviceInfo(d->opencl->device, CL_DEVICE_TYPE, sizeof type, &type, NULL);
    clGetDeviceInfo(d->opencl->device, CL_DEVICE_GLOBAL_MEM_SIZE, sizeof memory, &memory, NULL);
    clGetDeviceInfo(d->opencl->device, CL_DEVICE_MAX_COMPUTE_UNITS, sizeof units, &units, NULL);
    d->info.is_cpu = type & CL_DEVICE_TYPE_CPU;
    d->info.memory_bytes = memory;
    d->units = (int)units;
    /* HSGD_OPENCL_GROUPS=1 runs real groups there too, for tests. */
    const char *groups = getenv("HSGD_OPENCL_GROUPS");
    d->one_item = d->info.is_cpu && !(groups && !strcmp(groups, "1"));
    return 0;
}

int opencl_device_open(struct hsgd_context *ctx, struct device *d)
{
    struct opencl_device *o = d->opencl = calloc(1, sizeof *o);
    if (!o) return hsgd_fail(ctx, ENOMEM, "out of memory");
    starpu_opencl_get_context(d->info.index, &o->context);
    starpu_opencl_get_device(d->info.index, &o->device);
    starpu_opencl_get_queue(d->info.index, &o->queue);
    return describe(d);
}

/* Each source is compiled once, when a kernel of it is wanted. */
static cl_program program_of(struct hsgd_context *ctx, struct device *d, const struct hsgd_kernel *kernel)
{
    struct opencl_device *o = d->opencl;
    for (int i = 0; i < o->nprograms; i++)
        if (o->program[i].source == kernel->opencl_source) return o->program[i].program;
    if (o->nprograms == MAX_OPENCL_PROGRAMS) {
        hsgd_fail(ctx, ENOSPC, "%s: more than %d sources of kernels", d->info.name, MAX_OPENCL_PROGRAMS);
        return NULL;
    }
    cl_program program = build(ctx, d, kernel);
    if (program) o->program[o->nprograms++] = (struct opencl_program_entry){ kernel->opencl_source, program };
    return program;
}

void *opencl_kernel(struct hsgd_context *ctx, struct device *d, const struct hsgd_kernel *kernel)
{
    struct opencl_device *o = d->opencl;
    for (int i = 0; i < o->nkernels; i++)
        if (o->kernel[i].key == kernel) return o->kernel[i].object;
    if (o->nkernels == MAX_OPENCL_KERNELS) {
        hsgd_fail(ctx, ENOSPC, "%s: more than %d kernels", d->info.name, MAX_OPENCL_KERNELS);
        return NULL;
    }
    if (!kernel->opencl_source) {
        hsgd_fail(ctx, ENODEV, "kernel \"%s\" has no OpenCL form", kernel->name);
        return NULL;
    }
    cl_program program = program_of(ctx, d, kernel);
    cl_kernel k = program ? create_kernel(ctx, d, program, kernel->name) : NULL;
    if (k) o->kernel[o->nkernels++] = (struct opencl_kernel_entry){ kernel, k };
    return k;
}

void opencl_device_close(struct device *d)
{
    struct opencl_device *o = d->opencl;
    if (!o) return;
    for (int i = 0; i < o->nkernels; i++) clReleaseKernel(o->kernel[i].object);
    for (int i = 0; i < o->nprograms; i++) clReleaseProgram(o->program[i].program);
    free(o);
    d->opencl = NULL;
}

#else /* without OpenCL */

bool opencl_is_orphan(void) { return false; }

void opencl_enumerate(struct hsgd_context *ctx, struct opencl_list *out)
{
    (void)ctx;
    *out = (struct opencl_list){ 0 };
}

int opencl_device_open(struct hsgd_context *ctx, struct device *d)
{
    return hsgd_fail(ctx, ENODEV, "%s: built without OpenCL", d->info.id);
}

void opencl_device_close(struct device *d) { (void)d; }

void *opencl_kernel(struct hsgd_context *ctx, struct device *d, const struct hsgd_kernel *kernel)
{
    (void)d;
    hsgd_fail(ctx, ENODEV, "kernel \"%s\": built without OpenCL", kernel->name);
    return NULL;
}

#endif
