dnl SPDX-License-Identifier: BSD-3-Clause
# HSGD_CUDA: nvcc, the CUDA runtime and cuBLASLt, and a StarPU built with CUDA.
AC_DEFUN([HSGD_CUDA], [
  AC_ARG_WITH([cuda], [AS_HELP_STRING([--with-cuda=DIR],
    [the CUDA toolkit (default: that of nvcc in PATH, else /usr/local/cuda, if it exists); --without-cuda for none])])
  AC_ARG_VAR([CUDA_ARCHS], [compute capabilities to compile kernels for, such as "80 90"])
  AS_CASE([$with_cuda],
    [no], [hsgd_cuda="no (--without-cuda)"],
    [hsgd_cuda=yes
     AS_CASE([$with_cuda],
       [""|yes], [AC_PATH_PROG([NVCC], [nvcc], [], [$PATH$PATH_SEPARATOR/usr/local/cuda/bin])],
       [AC_PATH_PROG([NVCC], [nvcc], [], [$with_cuda/bin])])
     HSGD_CUDA_CHECK])
  AS_IF([test "$hsgd_cuda" = yes], [AC_DEFINE([HSGD_USE_CUDA], [1], [CUDA devices are supported])
                                    hsgd_cuda="yes (nvcc $hsgd_nvcc_version; architectures $CUDA_ARCHS)"],
    [AS_CASE([$with_cuda], [""|no], [], [AC_MSG_ERROR([CUDA was requested: $hsgd_cuda])])
     NVCC= CUDA_CFLAGS= CUDA_LIBS=])
  AM_CONDITIONAL([USE_CUDA], [test -n "$NVCC"])
  AC_SUBST([CUDA_CFLAGS])
  AC_SUBST([CUDA_LIBS])
  AC_SUBST([NVCC_GENCODE])
])

# Sets hsgd_cuda to the first reason why CUDA is not used.
AC_DEFUN([HSGD_CUDA_CHECK], [
  hsgd_save_CPPFLAGS=$CPPFLAGS
  hsgd_save_LIBS=$LIBS
  AS_IF([test -z "$NVCC"], [hsgd_cuda="no (nvcc was not found)"], [
    hsgd_toolkit=`readlink -f "$NVCC" | sed 's,/bin/nvcc$,,'`
    CUDA_CFLAGS="-isystem $hsgd_toolkit/include"
    CUDA_LIBS="-L$hsgd_toolkit/lib64 -lcublasLt -lcudart"
    CPPFLAGS="$CPPFLAGS $STARPU_CFLAGS $CUDA_CFLAGS"
    AC_PREPROC_IFELSE([AC_LANG_SOURCE([[
#include <starpu_config.h>
#ifndef STARPU_USE_CUDA
#error no CUDA in this StarPU
#endif
    ]])], [], [hsgd_cuda="no (this StarPU is built without it; setup/starpu.sh builds one)"])
  ])
  AS_IF([test "$hsgd_cuda" = yes], [
    LIBS="$CUDA_LIBS $LIBS"
    AC_LINK_IFELSE([AC_LANG_PROGRAM([[
#include <cublasLt.h>
#include <cuda_runtime_api.h>
#if CUDART_VERSION < 11080
#error too old
#endif
    ]], [[cublasLtHandle_t h; return cublasLtCreate(&h) || cudaSetDevice(0);]])], [],
      [hsgd_cuda="no (linking with cuBLASLt of CUDA 11.8 or newer failed)"])
  ])
  CPPFLAGS=$hsgd_save_CPPFLAGS
  LIBS=$hsgd_save_LIBS
  AS_IF([test "$hsgd_cuda" = yes], [HSGD_CUDA_ARCHS])
])

# Machine code for each GPU generation that the toolkit supports, and PTX, which
# the driver compiles, for newer ones.
AC_DEFUN([HSGD_CUDA_ARCHS], [
  hsgd_nvcc_version=`"$NVCC" --version | sed -n 's/.*release \([[0-9.]]*\).*/\1/p'`
  hsgd_known=`"$NVCC" --list-gpu-code 2>/dev/null`
  AS_IF([test -z "$CUDA_ARCHS"], [
    for hsgd_arch in 75 80 90 100 120; do
      AS_CASE([$hsgd_known], [*sm_$hsgd_arch*], [CUDA_ARCHS="${CUDA_ARCHS:+$CUDA_ARCHS }$hsgd_arch"])
    done])
  NVCC_GENCODE=
  for hsgd_arch in $CUDA_ARCHS; do
    NVCC_GENCODE="$NVCC_GENCODE -gencode arch=compute_$hsgd_arch,code=sm_$hsgd_arch"
  done
  NVCC_GENCODE="$NVCC_GENCODE -gencode arch=compute_$hsgd_arch,code=compute_$hsgd_arch"
  AC_MSG_CHECKING([whether $NVCC compiles for $CUDA_ARCHS])
  echo '__global__ void f(float *x) { x@<:@threadIdx.x@:>@ = 1; }' > conftest.cu
  AS_IF(["$NVCC" $NVCC_GENCODE -c conftest.cu -o conftest.cu.o >&AS_MESSAGE_LOG_FD 2>&1], [AC_MSG_RESULT([yes])],
    [AC_MSG_RESULT([no])
     hsgd_cuda="no (nvcc does not compile, see config.log)"])
  rm -f conftest.cu conftest.cu.o
])
