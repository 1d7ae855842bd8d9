/* SPDX-License-Identifier: BSD-3-Clause */
#include "opencl_device.h"

#include <stdio.h>

#ifdef HSGD_USE_OPENCL

#include "opencl_state.h"

#include <limits.h>
#include <starpu_opencl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/cache.h"
#include "io/private_folder.h"
#include "opencl_program.h"
#include "opencl_query.h"

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
            out->device[out->count] = devices[i];
            out->is_nvidia[out->count] = vendor == PCI_VENDOR_NVIDIA;
            out->is_cpu[out->count++] = type & CL_DEVICE_TYPE_CPU;
        }
    }
}

/* ------------------------------------------------------------ one in use */

static void describe_driver(struct device *d)
{
    char version[80], driver[70];
    cl_device_id id = d->opencl->device;
    opencl_platform_text(id, CL_PLATFORM_NAME, d->platform, sizeof d->platform);
    opencl_platform_text(id, CL_PLATFORM_VERSION, version, sizeof version);
    opencl_text(id, CL_DRIVER_VERSION, driver, sizeof driver);
    snprintf(d->info.driver, sizeof d->info.driver, "%s; %s; %s", d->platform, version, driver);
}

static int describe(struct device *d)
{
    cl_ulong memory = 0;
    cl_device_id id = d->opencl->device;
    opencl_text(id, CL_DEVICE_NAME, d->opencl->name, sizeof d->opencl->name);
    memcpy(d->info.name, d->opencl->name, sizeof d->info.name);
    clGetDeviceInfo(id, CL_DEVICE_GLOBAL_MEM_SIZE, sizeof memory, &memory, NULL);
    d->info.is_cpu = opencl_is_cpu(id);
    d->info.memory_bytes = memory;
    d->units = opencl_units(id);
    d->one_item = opencl_has_one_item(id);
    describe_driver(d);
    return 0;
}

static bool is_namesake(const struct device *a, const struct device *b)
{
    return a != b && !strcmp(a->info.name, b->info.name) && strcmp(a->info.driver, b->info.driver);
}

void opencl_tell_apart(struct hsgd_context *ctx)
{
    bool same[MAX_DEVICES] = { false };
    for (int i = 0; i < ctx->ndevices; i++)
        for (int k = 0; k < ctx->ndevices; k++) same[i] |= is_namesake(&ctx->device[i], &ctx->device[k]);
    for (int i = 0; i < ctx->ndevices; i++) {
        struct device *d = &ctx->device[i];
        size_t used = strlen(d->info.name);
        if (same[i] && d->info.kind == HSGD_OPENCL)
            snprintf(d->info.name + used, sizeof d->info.name - used, ", %s", d->platform);
    }
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

void opencl_device_close(struct device *d)
{
    struct opencl_device *o = d->opencl;
    if (!o) return;
    opencl_programs_close(d);
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

void opencl_tell_apart(struct hsgd_context *ctx) { (void)ctx; }

#endif
