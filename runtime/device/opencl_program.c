/* SPDX-License-Identifier: BSD-3-Clause */
#include "opencl_program.h"

#ifdef HSGD_USE_OPENCL

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"
#include "opencl_binary.h"
#include "opencl_state.h"

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

static const char *header_of(const struct hsgd_kernel *kernel)
{
    return kernel->opencl_header ? kernel->opencl_header : "";
}

static cl_program compile(struct hsgd_context *ctx, struct device *d, const struct hsgd_kernel *kernel)
{
    cl_int err;
    const char *texts[] = { header_of(kernel), kernel->opencl_source };
    cl_program program = clCreateProgramWithSource(d->opencl->context, 2, texts, NULL, &err);
    if (!err) err = clBuildProgram(program, 1, &d->opencl->device, build_options(d), NULL, NULL);
    if (!err) return program;
    char *log = program ? build_log(program, d->opencl->device) : NULL;
    if (program) clReleaseProgram(program);
    hsgd_fail(ctx, EIO, "%s: the OpenCL compiler failed (error %d): %s", d->info.name, err, log ? log : "");
    free(log);
    return NULL;
}

/* ------------------------------------------------------- compiled programs */

/* Implementations that keep what they have compiled. */
static const char *const keepers[] = { "Portable Computing Language", "NVIDIA CUDA", "rusticl", "Clover" };

/* HSGD_OPENCL_BINARIES: 1 for all of them, 0 for none. */
static bool is_kept(const struct device *d)
{
    const char *wish = getenv("HSGD_OPENCL_BINARIES");
    if (wish) return *wish == '1';
    for (size_t i = 0; i < sizeof keepers / sizeof *keepers; i++)
        if (!strcmp(d->platform, keepers[i])) return false;
    return true;
}

/* What the processor can, which its name does not say on a virtual machine: a device that is none may be emulated. */
static void add_processor(struct sha256 *h)
{
    char line[8192];
    FILE *f = fopen("/proc/cpuinfo", "r");
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, "flags", 5) || !strncmp(line, "Features", 8)) {
            sha256_text(h, line);
            break;
        }
    if (f) fclose(f);
}

static void key_of(const struct device *d, const struct hsgd_kernel *kernel, char key[65])
{
    struct sha256 h;
    sha256_begin(&h);
    sha256_text(&h, d->opencl->name);
    sha256_text(&h, d->info.driver);
    sha256_text(&h, build_options(d));
    sha256_text(&h, header_of(kernel));
    sha256_text(&h, kernel->opencl_source);
    add_processor(&h);
    sha256_end(&h, key);
}

static void keep(struct hsgd_context *ctx, const char key[65], cl_program program)
{
    size_t size = 0;
    if (clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizeof size, &size, NULL) || !size) return;
    unsigned char *bytes = malloc(size);
    if (bytes && !clGetProgramInfo(program, CL_PROGRAM_BINARIES, sizeof bytes, &bytes, NULL))
        opencl_binary_write(ctx, key, bytes, size);
    free(bytes);
}

/* NULL: there is none, or the driver does not take it. */
static cl_program kept(struct hsgd_context *ctx, struct device *d, const char key[65])
{
    size_t size;
    cl_int err, of_device = 0;
    unsigned char *bytes = opencl_binary_read(ctx, key, &size);
    if (!bytes) return NULL;
    cl_program program = clCreateProgramWithBinary(d->opencl->context, 1, &d->opencl->device, &size,
                                                   (const unsigned char **)&bytes, &of_device, &err);
    free(bytes);
    if (!err && !of_device) err = clBuildProgram(program, 1, &d->opencl->device, build_options(d), NULL, NULL);
    if (!err && !of_device) return program;
    if (program) clReleaseProgram(program);
    hsgd_log(ctx, HSGD_LOG_INFO,
             "%s: the driver does not take a program that it compiled earlier: it is compiled again", d->info.name);
    return NULL;
}

static cl_program build(struct hsgd_context *ctx, struct device *d, const struct hsgd_kernel *kernel)
{
    char key[65];
    if (!is_kept(d)) return compile(ctx, d, kernel);
    key_of(d, kernel, key);
    cl_program program = kept(ctx, d, key);
    if (program) return program;
    program = compile(ctx, d, kernel);
    if (program) keep(ctx, key, program);
    return program;
}

/* ----------------------------------------------------------------- kernels */

/* Whether it runs in the groups that it is launched in. */
static bool fits(struct hsgd_context *ctx, const struct device *d, cl_kernel k, const char *name)
{
    size_t items = 0;
    if (d->one_item ||
        clGetKernelWorkGroupInfo(k, d->opencl->device, CL_KERNEL_WORK_GROUP_SIZE, sizeof items, &items, NULL))
        return true;
    if (items >= OPENCL_GROUP) return true;
    hsgd_fail(ctx, ENODEV, "%s: groups of \"%s\" have at most %zu items there, not %d", d->info.name, name, items,
              OPENCL_GROUP);
    return false;
}

static cl_kernel create_kernel(struct hsgd_context *ctx, struct device *d, cl_program program, const char *name)
{
    cl_int err;
    cl_kernel k = clCreateKernel(program, name, &err);
    if (err) {
        hsgd_fail(ctx, EINVAL, "%s: the OpenCL program has no kernel \"%s\" (error %d)", d->info.name, name, err);
        return NULL;
    }
    if (fits(ctx, d, k, name)) return k;
    clReleaseKernel(k);
    return NULL;
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

void opencl_programs_close(struct device *d)
{
    struct opencl_device *o = d->opencl;
    for (int i = 0; i < o->nkernels; i++) clReleaseKernel(o->kernel[i].object);
    for (int i = 0; i < o->nprograms; i++) clReleaseProgram(o->program[i].program);
    o->nkernels = o->nprograms = 0;
}

#else /* without OpenCL */

void *opencl_kernel(struct hsgd_context *ctx, struct device *d, const struct hsgd_kernel *kernel)
{
    (void)d;
    hsgd_fail(ctx, ENODEV, "kernel \"%s\": built without OpenCL", kernel->name);
    return NULL;
}

void opencl_programs_close(struct device *d) { (void)d; }

#endif
