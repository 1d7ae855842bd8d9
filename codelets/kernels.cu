/* The kernels that CUDA devices have (local.mk), in CUDA C++. */
#include "device.h"
#include "kernel_cuda_all.h"
