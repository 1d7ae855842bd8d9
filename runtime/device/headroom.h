/* SPDX-License-Identifier: BSD-3-Clause */
/* What the process may still take of addresses and threads (ulimit -v, -d, -u;
 * a cgroup's pids.max).  StarPU, PoCL and OpenBLAS end the process, or try
 * without end, where they get none: it is tried before they do. */
#ifndef HSGD_RUNTIME_HEADROOM_H
#define HSGD_RUNTIME_HEADROOM_H

#include "devices.h"

/* -ENOMEM unless there is enough for StarPU with these devices to start. */
int headroom_check_start(struct hsgd_context *ctx, const struct device_request *r);

/* -ENOMEM unless there is enough for OpenCL libraries to load and start. */
int headroom_check_opencl(struct hsgd_context *ctx);

/* -ENOMEM unless there is enough for the workers' first matrix products. */
int headroom_check_run(struct hsgd_context *ctx);

#endif
