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

/* What becomes of memory that a function is given: it is copied, or borrowed
 * (used in place, and valid as long as the object). */
enum hsgd_ownership { HSGD_COPY, HSGD_BORROW };
/* Kinds of devices, in the order of hsgd_device_kind_name(). */
enum hsgd_device_kind { HSGD_CPU, HSGD_CUDA, HSGD_OPENCL, HSGD_DEVICE_KINDS };
/* How the steps of a training or a session are submitted.  REPLAY: the same prebuilt
 * tasks in every step; INSERT: new tasks, with the dependencies that StarPU derives
 * (the reference). */
enum hsgd_executor { HSGD_REPLAY, HSGD_INSERT };
/* Severity of a message. */
enum hsgd_log_level { HSGD_LOG_DEBUG, HSGD_LOG_INFO, HSGD_LOG_WARNING };

/* Receives one line without newline; called from the calling thread only. */
typedef void hsgd_log_fn(void *user, enum hsgd_log_level level, const char *line);

/* Option and result structs begin with their size as the program was compiled
 * with it: a newer library writes no byte behind it, and a field that the program
 * lacks has its default (doc/abi.md).  A call that fills in a struct takes its
 * size: hsgd_train_defaults(&o, sizeof o), hsgd_device_get(ctx, 0, &d, sizeof d).
 * -EINVAL: a size that no version of the struct has.
 *
 * If 0 is the default of every field, a C program can give options in one
 * expression: hsgd_create(&ctx, HSGD_OPTIONS(context, .devices = "cpu")). */
#define HSGD_OPTIONS(kind, ...) \
    (&(struct hsgd_##kind##_options){ .size = sizeof(struct hsgd_##kind##_options), __VA_ARGS__ })

/* 0 is the default of every field. */
struct hsgd_context_options {
    size_t size;
    const char *devices; /* NULL or "auto": every physical device once, and OpenCL devices that are the CPU only if
                              STARPU_OPENCL_ON_CPUS=1 and `threads` leaves them cores; else a list such as
                              "cpu,opencl" or "opencl:1": exactly these, -ENODEV when one is missing.  "none": no device,
                              and StarPU is not started: for data sets and models without a trainer */
    int threads;         /* CPU cores to use; 0: those the process may use (affinity, cgroup, Slurm) */
    bool deterministic;  /* fixed chunks and merge order: results do not depend on `threads` */
    bool tf32;           /* matrix products on CUDA devices may round their operands to TF32 (10-bit mantissa), which
                              tensor cores multiply several times faster; no effect on other devices */
    hsgd_log_fn *log;    /* NULL: messages are dropped */
    void *log_user;      /* passed to log */
    bool spare_opencl;   /* do not load OpenCL libraries if `devices` needs none, which saves threads and about 300 MB
                              of address space; this process cannot use OpenCL later */
    const char *policy;  /* scheduling policy of the StarPU that this context starts, unless STARPU_SCHED names one;
                              NULL: "eager" with only the CPU or with HSGD_SLICES, else "dmdas".  "eager" suits slices of
                              one size (struct hsgd_train_options) */
};

/* The defaults.  -EINVAL: o is NULL, or its size is wrong. */
HSGD_API int hsgd_context_defaults(struct hsgd_context_options *o, size_t size);

/* Creates a context (options NULL: the defaults).  If StarPU is not running, the
 * context starts it, and hsgd_destroy() shuts it down.  If the application has
 * started it, the context is a guest: it uses the existing workers, never pauses
 * or shuts down StarPU nor waits for all its tasks, and does not change policy,
 * environment, signals or BLAS/OpenMP threads.
 * Returns 0; on failure *out is a context that holds only its error, for
 * hsgd_error(), and must still be destroyed (NULL only when out of memory).
 * Errors: -ENODEV a named device is missing; -EINVAL a malformed list, or no such policy; -ENOMEM not
 * enough memory, address space or threads; -EBUSY a second context would need
 * other devices; -ECHILD this is a child process of fork(), and StarPU or the
 * requested OpenCL ran in its parent. */
HSGD_API int hsgd_create(struct hsgd_context **out, const struct hsgd_context_options *options);

/* Waits for the context's own work, then frees it.  NULL-safe. */
HSGD_API void hsgd_destroy(struct hsgd_context **ctx);

/* The last error as a sentence; "" if there was none.  Valid until the next call
 * with this context. */
HSGD_API const char *hsgd_error(const struct hsgd_context *ctx);

/* Waits for everything submitted through this context; returns and clears the
 * first asynchronous error. */
HSGD_API int hsgd_wait(struct hsgd_context *ctx);

/* A device in use and its counters, see hsgd_device_get(). */
struct hsgd_device {
    size_t size;
    char name[128]; /* as the driver calls it */
    char id[24];    /* as named in a device list: "cpu", "opencl:0" */
    enum hsgd_device_kind kind;
    int index;                          /* within its kind */
    int workers;                        /* StarPU workers: cores for the CPU, 1 for an accelerator */
    int numa_node;                      /* -1: unknown */
    size_t memory_bytes;                /* 0: unknown */
    bool is_cpu;                        /* an OpenCL device that is the CPU itself */
    char cudnn[16];                     /* version of cuDNN for convolutions, "9.1.0"; "": none */
    unsigned long long tasks;           /* cells run so far */
    unsigned long long samples;         /* samples passed forward and backward so far */
    unsigned long long graphs_captured; /* cells captured as CUDA graphs so far */
    unsigned long long graphs_launched; /* cells run as CUDA graphs so far */
    double busy_seconds;                /* time spent in cells so far, summed over its workers */
    size_t peak_bytes;                  /* maximum so far of what parameters, optimizer state, batches, activations,
                                         * gradients and results of trainers and sessions take of its memory at the
                                         * same time, those of trials included */
    char driver[256];                   /* OpenCL: platform, its version and the driver's, with "; " between; else "" */
};

/* Number of devices in use. */
HSGD_API int hsgd_device_count(const struct hsgd_context *ctx);
/* Fills *device, of `size` bytes, with device i, from 0; -EINVAL when i is out of
 * range. */
HSGD_API int hsgd_device_get(const struct hsgd_context *ctx, int i, struct hsgd_device *device, size_t size);
/* Libraries that can compute a matrix product on CPUs: oneDNN, OpenBLAS, our own kernels. */
#define HSGD_PRODUCT_LIBRARIES 3
/* Matrix products of one form and size on CPUs: how fast each library is, and which one is used. */
struct hsgd_product {
    size_t size;
    char name[16]; /* form and size: "NN k<=16".  NN: A B, NT: A B^T, TN: A^T B; A is m x k, B k x n.  Sizes: one of m,
                       * n, k is at most 16; "small", below 2^20 multiplications; "large" */
    char library[16];                           /* the one in use: "onednn", "openblas", "own" */
    char candidate[HSGD_PRODUCT_LIBRARIES][48]; /* with their versions; "": not in this build */
    double gflops[HSGD_PRODUCT_LIBRARIES];      /* of a core, 10^9 floating-point operations a second; 0: not measured,
                                                 * because it is not in this build or the choice does not depend on it
                                                 * (doc/environment.md, HSGD_PRODUCTS) */
};
/* Fills *product, of `bytes` bytes, with the products of form and size i, from 0.  Measures if nothing is kept.
 * -EINVAL: i is out of range, or the context does not use the CPU. */
HSGD_API int hsgd_product_get(const struct hsgd_context *ctx, int i, struct hsgd_product *product, size_t bytes);
/* "cpu", "cuda", "opencl"; "?" when out of range. */
HSGD_API const char *hsgd_device_kind_name(enum hsgd_device_kind kind);

#ifdef __cplusplus
}
#endif
#endif
