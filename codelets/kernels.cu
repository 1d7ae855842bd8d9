/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernels for CUDA devices (local.mk), in CUDA C++. */
#include "device.h"
#include "kernel_cuda_all.h"
