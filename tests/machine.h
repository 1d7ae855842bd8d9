/* SPDX-License-Identifier: BSD-3-Clause */
/* What the bits of a training depend on besides its options: names of the
 * host's compiler and libraries, of its C kernels, and of an OpenCL device. */
#ifndef HSGD_TESTS_MACHINE_H
#define HSGD_TESTS_MACHINE_H

#include <stddef.h>

/* Each writes words without spaces, joined by commas. */
/* The compiler, those of its flags that change code, the C library. */
void machine_host(char *out, size_t size);
/* The instruction set of the C kernels; the library of matrix products, its version and the set that it uses. */
void machine_kernels(char *out, size_t size);
/* The implementation, its version, its target and its number of compute units of the device with this name;
 * "-": there is none. */
void machine_opencl(const char *device, char *out, size_t size);

#endif
