/* SPDX-License-Identifier: BSD-3-Clause */
/* The context: which devices are used, and where errors and messages go. */
#ifndef HSGD_CONTEXT_H
#define HSGD_CONTEXT_H

#include <hsgd/version.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hsgd_context;

/* Memory handed in: copied, or used in place and kept by the caller. */
enum hsgd_ownership { HSGD_COPY, HSGD_BORROW };
/* Kinds of devices, in the order of hsgd_device_kind_name(). */
enum hsgd_device_kind { HSGD_CPU, HSGD_CUDA, HSGD_OPENCL, HSGD_DEVICE_KINDS };
/* How important a message is. */
enum hsgd_log_level { HSGD_LOG_DEBUG, HSGD_LOG_INFO, HSGD_LOG_WARNING };

/* Receives one line without newline; called from the calling thread only. */
typedef void hsgd_log_fn(void *user, enum hsgd_log_level level, const char *line);

/* Option and result structs begin with their size as the program knows them:
 * a library that is newer writes no byte behind it, and a field that the
 * program lacks has its default (doc/abi.md).  A call that fills in a struct is
 * given its size: hsgd_train_defaults(&o, sizeof o), hsgd_device_get(ctx, 0,
 * &d, sizeof d).  -EINVAL: a size that no version of the struct has.
 *
 * Where 0 is the default of every field, in C also in one expression:
 * hsgd_create(&ctx, HSGD_OPTIONS(context, .devices = "cpu")). */
#define HSGD_OPTIONS(kind, ...) \
    (&(struct hsgd_##kind##_options){ .size = sizeof(struct hsgd_##kind##_options), __VA_ARGS__ })

/* 0 is the default of every field. */
struct hsgd_context_options {
    size_t size;
    const char *devices;   /* NULL or "auto": every physical device once, and OpenCL devices that are the CPU where
                              STARPU_OPENCL_ON_CPUS=1 and `threads` leaves them cores; else a list such as
                              "cpu,opencl", "opencl:1": exactly these, -ENODEV when one is missing */
    int threads;           /* CPU cores to use; 0: those the process may use (affinity, cgroup, Slurm) */
    bool deterministic;    /* fixed chunks and merge order: results do not depend on `threads` */
    bool tf32;             /* matrix products on CUDA devices may round their operands to 10 bits after the first, which
                              tensor cores multiply several times faster; other devices do not */
    hsgd_log_fn *log;      /* NULL: messages are dropped */
    void *log_user;
    bool spare_opencl;     /* load no OpenCL library where `devices` needs none, though StarPU looks for them: this
                              process can then use none later.  It saves threads and some 300 MB of addresses */
};

/* The defaults.  -EINVAL: o is NULL, or its size is wrong. */
HSGD_API int hsgd_context_defaults(struct hsgd_context_options *o, size_t size);

/* Creates a context (options NULL: the defaults).  When StarPU is not running yet the context starts it
 * and shuts it down again in hsgd_destroy(); when the application has started
 * it, the context is a guest: it uses the workers that are there and never
 * pauses, shuts down, waits for all tasks, nor changes policy, environment,
 * signals or BLAS/OpenMP threads.
 * Returns 0; on failure *out is a context that holds nothing but its error,
 * for hsgd_error(), and must still be destroyed (NULL only when memory is
 * exhausted).
 * Errors: -ENODEV a named device is absent; -EINVAL a malformed list;
 * -ENOMEM memory, address space or threads are missing; -EBUSY a second context
 * would need other devices; -ECHILD this is a child process of fork(), and
 * StarPU or the OpenCL that is wanted ran in its parent. */
HSGD_API int hsgd_create(struct hsgd_context **out, const struct hsgd_context_options *options);

/* Waits for the context's own work, then frees it.  NULL-safe. */
HSGD_API void hsgd_destroy(struct hsgd_context **ctx);

/* The last error as a sentence; "" when there was none.  Valid until the next
 * call with this context. */
HSGD_API const char *hsgd_error(const struct hsgd_context *ctx);

/* Waits for everything submitted through this context; returns and clears the
 * first asynchronous error. */
HSGD_API int hsgd_wait(struct hsgd_context *ctx);

/* A device in use and what it has done so far, as hsgd_device_get() gives it. */
struct hsgd_device {
    size_t size;
    char name[128];             /* as the driver calls it */
    char id[24];                /* as named in a device list: "cpu", "opencl:0" */
    enum hsgd_device_kind kind;
    int index;                  /* within its kind */
    int workers;                /* StarPU workers: cores for the CPU, 1 for an accelerator */
    int numa_node;              /* -1: not known */
    size_t memory_bytes;        /* 0: not known */
    bool is_cpu;                /* an OpenCL device that is the CPU itself */
    char cudnn[16];             /* the version of cuDNN that convolutions may use there, "9.1.0"; "": none */
    unsigned long long tasks;   /* cells run so far */
    unsigned long long samples; /* samples passed forward and backward so far, counted in the launchers */
    unsigned long long graphs_captured; /* CUDA graphs made of cells so far */
    unsigned long long graphs_launched; /* cells run as such a graph so far */
    double busy_seconds;        /* time spent in cells so far, summed over its workers */
};

/* Number of devices in use. */
HSGD_API int hsgd_device_count(const struct hsgd_context *ctx);
/* Fills *device; -EINVAL when i is out of range. */
HSGD_API int hsgd_device_get(const struct hsgd_context *ctx, int i, struct hsgd_device *device, size_t size);
/* "cpu", "cuda", "opencl". */
HSGD_API const char *hsgd_device_kind_name(enum hsgd_device_kind kind);

#ifdef __cplusplus
}
#endif
#endif
