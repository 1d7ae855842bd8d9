/* All kernels but the matrix products, which are cuBLAS's, in CUDA C++. */
#include "device.h"
#include "kernel_cuda_all.h"
