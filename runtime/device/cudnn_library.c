/* SPDX-License-Identifier: BSD-3-Clause */
#include "cudnn_library.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef HSGD_USE_CUDNN

#include <dlfcn.h>

#include "cudnn_calls.h"

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)
#define LIBRARY "libcudnn.so." TEXT(CUDNN_MAJOR)
/* Unless all convolutions are to be cuDNN's.  With fewer channels the work for
 * a pixel is little, so that turning the tensors would be the larger part. */
#define MIN_CHANNELS 16

static void show_version(size_t v, char *text, size_t size)
{
    size_t major = v >= 90000 ? 10000 : 1000; /* 9.1.0 is 90100, 8.9.7 is 8907 */
    snprintf(text, size, "%zu.%zu.%zu", v / major % 100, v % major / 100, v % 100);
}

/* It is never unloaded: CUDA's libraries do not bear that. */
static bool load(struct cudnn *c, const char *name, char *why, size_t size)
{
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        snprintf(why, size, "%s", dlerror());
        return false;
    }
#define FIND(call) \
    if (!(c->call = (__typeof__(c->call))dlsym(library, #call))) { \
        snprintf(why, size, "%s has no function %s", name, #call); \
        return false; \
    }
    CUDNN_CALLS(FIND)
#undef FIND
    return true;
}

static bool start(struct cudnn *c, const char *name, char version[16], char *why, size_t size)
{
    if (!load(c, name, why, size)) return false;
    show_version(c->cudnnGetVersion(), version, 16);
    if (atoi(version) != CUDNN_MAJOR) {
        snprintf(why, size, "%s is version %s, not %d", name, version, CUDNN_MAJOR);
        return false;
    }
    cudnnStatus_t status = c->cudnnCreate(&c->handle);
    if (status) snprintf(why, size, "%s %s: %s", name, version, c->cudnnGetErrorString(status));
    return !status;
}

static struct cudnn *open_library(const char *name, bool always, char version[16], char *why, size_t size)
{
    struct cudnn *c = calloc(1, sizeof *c);
    snprintf(why, size, "out of memory");
    if (c && start(c, name ? name : LIBRARY, version, why, size)) {
        c->min_channels = always ? 1 : MIN_CHANNELS;
        return c;
    }
    free(c);
    version[0] = 0;
    return NULL;
}

void cudnn_close(struct cudnn *c)
{
    if (!c) return;
    c->cudnnDestroy(c->handle);
    free(c);
}

#else

static struct cudnn *open_library(const char *name, bool always, char version[16], char *why, size_t size)
{
    (void)name, (void)always, (void)version;
    snprintf(why, size, "built without it");
    return NULL;
}

void cudnn_close(struct cudnn *c) { (void)c; }

#endif

int cudnn_open(struct hsgd_context *ctx, struct device *d, struct cudnn **out)
{
    const char *wish = getenv("HSGD_CUDNN"), *path = wish && strchr(wish, '/') ? wish : NULL;
    bool always = path || (wish && !strcmp(wish, "1"));
    char why[300];
    *out = NULL;
    if (wish && !strcmp(wish, "0")) return 0;
    if (wish && !always && strcmp(wish, "auto"))
        return hsgd_fail(ctx, EINVAL, "HSGD_CUDNN is \"%s\", not 0, 1, auto or the path of a library", wish);
    if ((*out = open_library(path, always, d->info.cudnn, why, sizeof why))) return 0;
    if (always)
        return hsgd_fail(ctx, ENODEV, "%s: HSGD_CUDNN is \"%s\", but cuDNN does not start: %s", d->info.id, wish, why);
    hsgd_log(ctx, HSGD_LOG_INFO, "%s: convolution without cuDNN: %s", d->info.id, why);
    return 0;
}
