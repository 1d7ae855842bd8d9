dnl SPDX-License-Identifier: BSD-3-Clause
# HSGD_CUDNN: the header of cuDNN, after HSGD_CUDA.  The library is loaded at
# run time if it exists, never linked.
AC_DEFUN([HSGD_CUDNN], [
  AC_ARG_WITH([cudnn], [AS_HELP_STRING([--with-cudnn=DIR],
    [folder with include/cudnn.h (default: the CUDA toolkit, else the compiler's search path); --without-cudnn for none])])
  hsgd_cudnn_version=
  AS_CASE([$with_cudnn],
    [no], [hsgd_cudnn="no (--without-cudnn)"],
    [AS_IF([test -z "$NVCC"], [hsgd_cudnn="no (without CUDA)"], [HSGD_CUDNN_CHECK])])
  AS_IF([test -n "$hsgd_cudnn_version"],
    [AC_DEFINE([HSGD_USE_CUDNN], [1], [convolution may be done by cuDNN])
     AC_SEARCH_LIBS([dlopen], [dl])
     hsgd_cudnn="yes (header $hsgd_cudnn_version; the library is loaded at run time)"],
    [AS_CASE([$with_cudnn], [""|no], [], [AC_MSG_ERROR([cuDNN was requested: $hsgd_cudnn])])
     CUDNN_CFLAGS=])
  AM_CONDITIONAL([USE_CUDNN], [test -n "$hsgd_cudnn_version"])
  AC_SUBST([CUDNN_CFLAGS])
  AC_SUBST([CUDNN_MAJOR])
])

# Sets hsgd_cudnn_version, or hsgd_cudnn to the reason why cuDNN is not used.
AC_DEFUN([HSGD_CUDNN_CHECK], [
  AS_CASE([$with_cudnn], [""|yes], [CUDNN_CFLAGS=], [CUDNN_CFLAGS="-isystem $with_cudnn/include"])
  hsgd_save_CPPFLAGS=$CPPFLAGS
  CPPFLAGS="$CPPFLAGS $CUDNN_CFLAGS $CUDA_CFLAGS"
  AC_COMPUTE_INT([hsgd_cudnn_number], [CUDNN_MAJOR * 100 + CUDNN_MINOR], [#include <cudnn.h>], [hsgd_cudnn_number=0])
  CPPFLAGS=$hsgd_save_CPPFLAGS
  AS_IF([test $hsgd_cudnn_number -eq 0], [hsgd_cudnn="no (cudnn.h was not found)"],
    [test $hsgd_cudnn_number -lt 809 || test $hsgd_cudnn_number -ge 1000],
    [hsgd_cudnn="no (cudnn.h is neither 8.9 nor 9)"],
    [CUDNN_MAJOR=`expr $hsgd_cudnn_number / 100`
     hsgd_cudnn_version=$CUDNN_MAJOR.`expr $hsgd_cudnn_number % 100`])
])
