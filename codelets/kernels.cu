/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernels that CUDA devices have (local.mk), in CUDA C++. */
#include "device.h"
#include "kernel_cuda_all.h"
