/* SPDX-License-Identifier: BSD-3-Clause */
/* The C form of the GEMM kernels, for gemm_bench. */
#include "gemm.cl"
