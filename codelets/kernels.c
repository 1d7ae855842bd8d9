/* SPDX-License-Identifier: BSD-3-Clause */
/* All kernels in C, for the instruction set HSGD_ISA. */
#include <stddef.h>
#include "device.h"
#include "kernel_all.h"
