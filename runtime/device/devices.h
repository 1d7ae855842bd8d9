/* SPDX-License-Identifier: BSD-3-Clause */
/* Which devices there are, and which the caller wants. */
#ifndef HSGD_RUNTIME_DEVICES_H
#define HSGD_RUNTIME_DEVICES_H

#include "base/core.h"

/* The devices a list asks for. */
struct device_request {
    bool cpu;
    int count[HSGD_DEVICE_KINDS];                     /* of the other kinds */
    int index[HSGD_DEVICE_KINDS][STARPU_NMAXWORKERS]; /* which, in StarPU's order */
    bool only_opencl_cpus;                            /* every OpenCL device asked for is a CPU */
    int cores;                                        /* CPU workers wanted */
};

/* Reads `list` (NULL: "auto") against the machine.  -EINVAL, -ENODEV. */
int devices_request(struct hsgd_context *ctx, const char *list, int threads, struct device_request *out);

/* Whether there may be an OpenCL device that is no CPU. */
bool devices_has_accelerator(void);

/* Fills ctx->device from StarPU's workers, after starpu_init(). */
int devices_collect(struct hsgd_context *ctx, const struct device_request *request);

/* The name of the scheduling policy, whoever chose it. */
const char *devices_policy(void);

/* What StarPU predicts for so many bytes from main memory to the device, or back; 0
 * for one that computes there, NaN where nothing is known. */
double device_copy_us(const struct device *d, bool to_device, size_t bytes);

#endif
