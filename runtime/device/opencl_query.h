/* SPDX-License-Identifier: BSD-3-Clause */
/* What drivers say of OpenCL devices. */
#ifndef HSGD_RUNTIME_OPENCL_QUERY_H
#define HSGD_RUNTIME_OPENCL_QUERY_H

#include "base/core.h"
#include "opencl_state.h"

#ifdef HSGD_USE_OPENCL

/* A text of any length, as much of it as there is room for; "" where the driver gives none. */
void opencl_text(cl_device_id d, cl_device_info what, char *out, size_t size);
void opencl_platform_text(cl_device_id d, cl_platform_info what, char *out, size_t size);

bool opencl_is_cpu(cl_device_id d);

/* Whether a group is one item, as on CPUs; HSGD_OPENCL_GROUPS=1 runs real groups there, too, for tests. */
bool opencl_has_one_item(cl_device_id d);

/* Compute units; 0: the driver does not say. */
int opencl_units(cl_device_id d);

#endif
#endif
